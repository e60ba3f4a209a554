"""Makes the parity goldens of Kokoro with the original PyTorch implementation (PyPI kokoro 0.9.4).

usage: kokoro_golden.py WEIGHTS.pth CONFIG.json VOICES_DIR OUTDIR [--full]
       (needs torch, numpy, safetensors, transformers, loguru, and `pip install --no-deps kokoro==0.9.4`)

Each case becomes OUTDIR/<text>_<voice>.safetensors. By default a tensor of more than SAMPLES values is stored as its L2 norm and SAMPLES of its values, at
the flat indices (j * 2654435761) mod size; --full stores every tensor whole, for bisecting. The randomness that reaches the audio, the noise of SineGen, is
injected: Philox 4x32-10 and Box-Muller, as lumivox draws it for seed 1234, so that it need not be stored.

Two passes are recorded. In the first everything is the reference's own. In the second the spectrogram of the harmonic source ("har") is rounded to f16 and
put back before the generator goes on: the phases of bins that are numerically zero are rounding noise, so the stages behind it can only be compared
if both sides start from the same values. Stages in front of the generator are stored from the first pass, those behind it from the second
("audio_har" is the second pass's audio). Only the shortest text keeps its "har", for size.
"""

import importlib.util
import json
import pathlib
import sys
import types

import numpy as np
import torch
from safetensors.torch import save_file

SAMPLES = 256
SEED = 1234
SINE_GEN = 1  # the noise's stage number
SKY = "ðə skˈI əbˈʌv ðə pˈɔɹt wʌz ðə kˈʌləɹ ʌv tˈɛləvˌɪʒən, tˈund tʊ ɐ dˈɛd ʧˈænᵊl."
WIND = (
    "ðə nˈɔɹθ wˈɪnd ænd ðə sˈʌn wɜɹ dɪspjˈuɾɪŋ wˌɪʧ wʌz ðə stɹˈɔŋɡəɹ, "
    "wˌɛn ɐ tɹˈævᵊləɹ kˈAm əlˈɔŋ ɹˈæpt ɪn ɐ wˈɔɹm klˈOk."
)
TEXTS = {"word": ("həlˈO.", 1.0), "sentence": (SKY, 1.0), "paragraph": (f"{WIND} {SKY} həlˈO wˈɜɹld.", 1.25)}
VOICES = ("af_heart", "am_michael", "bf_emma")
# Stages that depend on the generator's source; the rest is in front of it.
BEHIND_HAR = ("noise_", "ups", "resblock", "conv_post")


def philox(counter, key):
    """Philox 4x32-10 on arrays of counters (n, 4)."""
    c = [counter[:, i].astype(np.uint64) for i in range(4)]
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> np.uint64(32)) ^ c[1] ^ k0, b & low, (a >> np.uint64(32)) ^ c[3] ^ k1, a & low]
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return np.stack(c, 1)


def normal(n, seed, stage, segment=0):
    blocks = np.arange(-(-n // 4), dtype=np.uint64)
    counter = np.stack([blocks & 0xFFFFFFFF, blocks >> 32, np.full_like(blocks, stage), np.full_like(blocks, segment)], 1)
    u = (philox(counter, (seed & 0xFFFFFFFF, seed >> 32)).astype(np.float64) + 0.5) / 2**32
    radius, angle = np.sqrt(-2 * np.log(u[:, 0::2])), 2 * np.pi * u[:, 1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 2)
    return torch.from_numpy(pairs.reshape(-1)[:n].astype(np.float32))


def load_model(weights, config):
    """KModel without the package's own __init__, which needs the whole text front-end."""
    package = types.ModuleType("kokoro")
    package.__path__ = list(importlib.util.find_spec("kokoro").submodule_search_locations)
    sys.modules["kokoro"] = package
    from kokoro import istftnet
    from kokoro.model import KModel

    return istftnet, KModel(repo_id="hexgrad/Kokoro-82M", config=config, model=weights).eval()


def record_stages(model, stages):
    """Hooks that keep every intermediate under lumivox's stage names."""
    predictor, decoder = model.predictor, model.decoder
    generator = decoder.generator

    def output(name, module):
        def keep(_module, _inputs, result):
            stages[name] = (result[0] if isinstance(result, tuple) else result).detach().clone()

        module.register_forward_hook(keep)

    def each(name, modules):
        for i, module in enumerate(modules):
            output(f"{name}{i}", module)

    output("bert_embeddings", model.bert.embeddings)
    output("bert_dur", model.bert)
    output("d_en", model.bert_encoder)
    output("d", predictor.text_encoder)
    output("dur_lstm", predictor.lstm)
    output("dur_logits", predictor.duration_proj)
    output("shared_lstm", predictor.shared)
    each("F0_block", predictor.F0)
    each("N_block", predictor.N)
    output("F0", predictor.F0_proj)
    output("N", predictor.N_proj)
    each("text_cnn", model.text_encoder.cnn)
    output("t_en", model.text_encoder)
    decoder.register_forward_pre_hook(lambda _module, inputs: stages.__setitem__("asr", inputs[0].detach().clone()))
    output("dec_F0", decoder.F0_conv)
    output("dec_N", decoder.N_conv)
    output("dec_asr_res", decoder.asr_res)
    output("dec_encode", decoder.encode)
    each("dec_decode", decoder.decode)
    output("sine_waves", generator.m_source.l_sin_gen)
    output("har_source", generator.m_source)
    each("noise_conv", generator.noise_convs)
    each("noise_res", generator.noise_res)
    each("ups", generator.ups)
    each("resblock", generator.resblocks)
    output("conv_post", generator.conv_post)


def run(model, istftnet, ids, ref_s, speed, stages, round_har, seed=SEED):
    """One pass with lumivox's noise for the seed. With round_har the generator goes on from har rounded to f16."""
    generator = model.decoder.generator
    transform = type(generator.stft).transform

    def keep_har(x):
        magnitude, phase = transform(generator.stft, x)
        stages["har_complex"] = torch.cat([magnitude * torch.cos(phase), magnitude * torch.sin(phase)], 1)
        if round_har:
            magnitude, phase = magnitude.half().float(), phase.half().float()
            stages["har"] = torch.cat([magnitude, phase], 1)
        return magnitude, phase

    def randn_like(x):
        if x.shape[-1] == 9:
            return normal(x.numel(), seed, SINE_GEN).reshape(x.shape)
        return torch.zeros_like(x)  # the source's noise output, which nothing reads

    patched = types.SimpleNamespace(**{name: getattr(torch, name) for name in dir(torch)})
    patched.randn_like = randn_like
    istftnet.torch = patched
    generator.stft.transform = keep_har
    try:
        with torch.no_grad():
            return model.forward_with_tokens(ids, ref_s, speed)
    finally:
        istftnet.torch = torch
        del generator.stft.transform


def golden(model, istftnet, stages, phonemes, speed, pack, keep_har):
    ids = torch.LongTensor([[0, *(model.vocab[p] for p in phonemes), 0]])
    ref_s = pack[len(phonemes) - 1]
    stages.clear()
    audio, durations = run(model, istftnet, ids, ref_s, speed, stages, round_har=False)
    first = dict(stages)
    audio_har, _ = run(model, istftnet, ids, ref_s, speed, stages, round_har=True)
    tensors = {name: stages[name] if name.startswith(BEHIND_HAR) else first.get(name) for name in stages}
    del tensors["har"]
    whole = {"ids": ids[0].int(), "pred_dur": durations.int(), "audio": audio.half()}
    whole["noise_head"] = normal(64, SEED, SINE_GEN)
    if keep_har:
        whole |= {"har": stages["har"].half(), "audio_har": audio_har}
    return tensors, whole


def sampled(tensors):
    """Norms and samples of what is large; what is small stays whole."""
    small, samples, norms, shapes = {}, {}, {}, {}
    for name, tensor in tensors.items():
        flat = tensor.reshape(-1)
        shapes[name] = list(tensor.shape)
        if flat.numel() <= SAMPLES or name == "F0":
            small[name] = tensor.contiguous()
        else:
            index = torch.from_numpy(((np.arange(SAMPLES, dtype=np.uint64) * 2654435761) % flat.numel()).astype(np.int64))
            samples[f"{name}.samples"] = flat[index].contiguous()
            norms[name] = float(flat.double().norm())
    return {**small, **samples}, norms, shapes


def main():
    full = "--full" in sys.argv
    weights, config, voices, out = [a for a in sys.argv[1:] if a != "--full"]
    torch.set_num_threads(1)  # the sums of several threads differ in the last bits
    istftnet, model = load_model(weights, config)
    stages = {}
    record_stages(model, stages)
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    for voice in VOICES:
        pack = torch.from_numpy(np.fromfile(f"{voices}/{voice}.bin", np.float32).reshape(510, 1, 256))
        for text, (phonemes, speed) in TEXTS.items():
            keep_har = full or text == "word"
            tensors, whole = golden(model, istftnet, stages, phonemes, speed, pack, keep_har)
            norms, shapes = {}, {name: list(tensor.shape) for name, tensor in tensors.items()}
            if not full:
                tensors, norms, shapes = sampled(tensors)
            case = {"voice": voice, "phonemes": phonemes, "speed": speed, "seed": SEED, "norms": norms, "shapes": shapes}
            tensors = {name: tensor.contiguous() for name, tensor in {**tensors, **whole}.items()}
            save_file(tensors, f"{out}/{text}_{voice}.safetensors", {"case": json.dumps(case, ensure_ascii=False)})
            print(text, voice, len(tensors), "tensors,", whole["audio"].numel() / 24000, "s")


if __name__ == "__main__":
    main()
