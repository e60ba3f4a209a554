"""Makes the parity goldens of a Piper voice with ONNX Runtime, on the voice's own graph.

usage: piper_golden.py VOICE.onnx OUTDIR       (VOICE.onnx.json beside it; needs numpy, onnx, onnxruntime, safetensors)

The graph draws its noise itself; its two random nodes are made inputs, and get what lumivox draws. Each case is said without noise and with it, at length
scales 1 and 1.3. Large tensors are stored in samples (see goldens.py), the audio in more of them. The seed is the first at which no duration is
so near to an integer that rounding could move it.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import goldens

TEXTS = {
    "word": "həlˈoʊ.",
    "sentence": "ðə nˈɔːɹθ wˈɪnd ænd ðə sˈʌn wɜː dɪspjˈuːɾɪŋ wˌɪtʃ wʌz ðə stɹˈɔŋɡɚ.",
}
# lumivox's stage names and the values of the graph
STAGES = {
    "enc_p": "/enc_p/encoder/Mul_2_output_0", "m_p": "/enc_p/Split_output_0", "logs_p": "/enc_p/Split_output_1", "logw": "/dp/Split_output_0",
    "z_p": "/Add_output_0", "z": "/Mul_7_output_0", "dec_stage0": "/dec/Div_output_0", "dec_stage1": "/dec/Div_1_output_0",
    "dec_stage2": "/dec/Div_2_output_0",
}  # fmt: skip
# Durations before they are rounded up, and after.
W, DURATIONS = "/Mul_1_output_0", "/Ceil_output_0"
CHANNELS = 192


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
    for value in (*STAGES.values(), W, DURATIONS):
        graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(voice, ids, scales, seed):
    """Audio, durations before and after they are rounded up, and stages."""
    names = [output.name for output in voice.get_outputs()]
    dp_noise = goldens.normal(2 * ids.size, seed, goldens.DP_NOISE).reshape(1, 2, -1)
    inputs = {"input": ids[None], "input_lengths": np.array([ids.size]), "dp_noise": dp_noise}

    def infer(scales, z_noise):
        return dict(zip(names, voice.run(None, {**inputs, "scales": np.array(scales, np.float32), "z_noise": z_noise})))

    # The durations say how much noise the second node needs.
    frames = int(infer([0, *scales[1:]], np.zeros((1, CHANNELS, 1), np.float32))[DURATIONS].sum())
    values = infer(scales, goldens.normal(CHANNELS * frames, seed, goldens.Z_NOISE).reshape(1, CHANNELS, frames))
    return values[names[0]].reshape(-1), values[W], values[DURATIONS], {stage: values[name] for stage, name in STAGES.items()}


def main():
    path, out = sys.argv[1:]
    config = json.loads(pathlib.Path(f"{path}.json").read_text())
    id_map, inference = config["phoneme_id_map"], config["inference"]
    voice = session(path)
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    for text, phonemes in TEXTS.items():
        symbols = [id_map["^"], id_map["_"], *(part for p in phonemes for part in (id_map[p], id_map["_"])), id_map["$"]]
        ids = np.array([i for symbol in symbols for i in symbol], np.int64)
        for kind, noisy in (("zero", 0), ("noise", 1)):
            for length_scale in (1.0, 1.3):
                scales = [noisy * inference["noise_scale"], length_scale, noisy * inference["noise_w"]]
                seed = goldens.clear_seed(lambda seed: run(voice, ids, scales, seed)[1])
                audio, _, durations, stages = run(voice, ids, scales, seed)
                case = {
                    "phonemes": phonemes, "seed": seed, "noise_scale": scales[0], "length_scale": length_scale, "noise_scale_w": scales[2],
                    "speaker": 0,
                }  # fmt: skip
                name = f"{text}_{kind}_{length_scale}"
                goldens.save_vits(f"{out}/{name}.safetensors", ids, durations, stages, audio, case)
                print(name, "seed", seed, ids.size, "ids,", audio.size / config["audio"]["sample_rate"], "s")


if __name__ == "__main__":
    main()
