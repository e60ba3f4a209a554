"""Makes the parity goldens of a Piper voice with ONNX Runtime, on the voice's own graph.

usage: piper_golden.py VOICE.onnx OUTDIR       (VOICE.onnx.json beside it; needs numpy, onnx, onnxruntime, safetensors)

The graph draws its noise itself; its two random nodes are made inputs, and get what lumivox draws for seed 1234. Each case is said without noise and with
it, at length scales 1 and 1.3. Large tensors are stored in samples (see goldens.py), the audio in more of them.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import goldens

SEED = 1234
DP_NOISE, Z_NOISE = 2, 3  # the noise's stage numbers
AUDIO_SAMPLES = 8192
TEXTS = {
    "word": "həlˈoʊ.",
    "sentence": "ðə skˈaɪ əbˌʌv ðə pˈɔːɹt wʌzðə kˈʌlɚɹ ʌv tˈɛlᵻvˌɪʒən, tˈuːnd tʊ ɐ dˈɛd tʃˈænəl.",
}
# lumivox's stage names and the values of the graph
STAGES = {"m_p": "/enc_p/Split_output_0", "logs_p": "/enc_p/Split_output_1", "logw": "/dp/Split_output_0", "z_p": "/Add_output_0", "z": "/Mul_7_output_0"}
DURATIONS = "/Ceil_output_0"


def session(path):
    """The voice's graph with its noise as inputs and its stages as outputs."""
    model = onnx.load(path)
    graph = model.graph
    renamed = {}
    for node in [n for n in graph.node if n.op_type == "RandomNormalLike"]:
        name = "dp_noise" if node.name.startswith("/dp") else "z_noise"
        renamed[node.output[0]] = name
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        graph.node.remove(node)
    for node in graph.node:
        for i, value in enumerate(node.input):
            node.input[i] = renamed.get(value, value)
    for value in (*STAGES.values(), DURATIONS):
        graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(voice, ids, scales, dp_noise, z_noise):
    names = [output.name for output in voice.get_outputs()]
    inputs = {"input": ids[None], "input_lengths": np.array([ids.size]), "scales": np.array(scales, np.float32)}
    values = dict(zip(names, voice.run(None, {**inputs, "dp_noise": dp_noise, "z_noise": z_noise})))
    audio = values[names[0]].reshape(-1)
    return audio, values[DURATIONS], {stage: values[name] for stage, name in STAGES.items()}


def main():
    path, out = sys.argv[1:]
    config = json.loads(pathlib.Path(f"{path}.json").read_text())
    id_map, inference = config["phoneme_id_map"], config["inference"]
    voice = session(path)
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    for text, phonemes in TEXTS.items():
        symbols = [id_map["^"], id_map["_"], *(part for p in phonemes for part in (id_map[p], id_map["_"])), id_map["$"]]
        ids = np.array([i for symbol in symbols for i in symbol], np.int64)
        dp_noise = goldens.normal(2 * ids.size, SEED, DP_NOISE).reshape(1, 2, -1)
        for kind, noisy in (("zero", 0), ("noise", 1)):
            for length_scale in (1.0, 1.3):
                scales = [noisy * inference["noise_scale"], length_scale, noisy * inference["noise_w"]]
                # The durations say how much noise the second node needs.
                channels = 192
                _, durations, _ = run(voice, ids, [0, *scales[1:]], dp_noise, np.zeros((1, channels, 1), np.float32))
                frames = int(durations.sum())
                z_noise = goldens.normal(channels * frames, SEED, Z_NOISE).reshape(1, channels, frames)
                audio, durations, stages = run(voice, ids, scales, dp_noise, z_noise)
                kept, norms = goldens.sampled(stages)
                audio_kept, audio_norm = goldens.sampled({"audio": audio}, AUDIO_SAMPLES)
                shapes = {name: list(tensor.shape) for name, tensor in {**stages, "audio": audio}.items()}
                case = {
                    "phonemes": phonemes, "seed": SEED, "noise_scale": scales[0], "length_scale": length_scale,
                    "noise_scale_w": scales[2], "speaker": 0, "norms": {**norms, **audio_norm}, "shapes": shapes,
                }
                whole = {"ids": ids.astype(np.int32), "durations": durations.astype(np.int32)}
                name = f"{text}_{kind}_{length_scale}"
                goldens.save(f"{out}/{name}.safetensors", {**kept, **audio_kept, **whole}, case)
                print(name, ids.size, "ids,", audio.size / config["audio"]["sample_rate"], "s")


if __name__ == "__main__":
    main()
