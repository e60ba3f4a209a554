"""Makes the parity goldens of Kokoro with the original PyTorch implementation (PyPI kokoro 0.9.4).

usage: kokoro_golden.py WEIGHTS.pth CONFIG.json VOICES_DIR OUTDIR [--full]
       (needs torch, numpy, safetensors, transformers, loguru, and `pip install --no-deps kokoro==0.9.4`)

Each case becomes OUTDIR/<text>_<voice>.safetensors. By default large tensors are stored as their L2 norms and some of their values (see
goldens.py); --full stores every tensor whole, for bisecting. The randomness that reaches the audio, the noise of SineGen, is injected as lumivox draws it for
seed 1234, so that it need not be stored.

Two passes are recorded. In the first everything is the reference's own. In the second the harmonic source ("har_source") is rounded to f16, put back, and
transformed in f64 with a symmetric window, what is zero but for rounding set to +0, before the generator goes on: the phases of bins that are numerically zero are rounding noise, so the stages behind the spectrogram can only
be compared if both sides start from the same source and neither adds noise of its own. Stages in front of the spectrogram are stored from the first pass,
those behind it from the second, whose audio is "audio_source".
"""

import importlib.util
import pathlib
import sys
import types

import loguru
import numpy as np
import torch

import goldens

SEED = 1234
SINE_GEN = 1  # the noise's stage number
SKY = "ðə skˈI əbˈʌv ðə pˈɔɹt wʌz ðə kˈʌləɹ ʌv tˈɛləvˌɪʒən, tˈund tʊ ɐ dˈɛd ʧˈænᵊl."
WIND = (
    "ðə nˈɔɹθ wˈɪnd ænd ðə sˈʌn wɜɹ dɪspjˈuɾɪŋ wˌɪʧ wʌz ðə stɹˈɔŋɡəɹ, "
    "wˌɛn ɐ tɹˈævᵊləɹ kˈAm əlˈɔŋ ɹˈæpt ɪn ɐ wˈɔɹm klˈOk."
)
TEXTS = {"word": ("həlˈO.", 1.0), "sentence": (SKY, 1.0), "paragraph": (f"{WIND} {SKY} həlˈO wˈɜɹld.", 1.25)}
VOICES = ("af_heart", "am_michael", "bf_emma")
AUDIO_SAMPLES = 8192
ROUNDING = 1e-13
# The spectrogram of the source and what depends on it; the rest is in front of it.
BEHIND_SOURCE = ("har_complex", "noise_", "ups", "resblock", "conv_post")


def load_model(weights, config, disable_complex=False):
    """KModel without the package's own __init__, which needs the whole text front-end, and without its log."""
    loguru.logger.disable("kokoro")
    package = types.ModuleType("kokoro")
    package.__path__ = list(importlib.util.find_spec("kokoro").submodule_search_locations)
    sys.modules["kokoro"] = package
    from kokoro import istftnet
    from kokoro.model import KModel

    return istftnet, KModel(repo_id="hexgrad/Kokoro-82M", config=config, model=weights, disable_complex=disable_complex).eval()


def fold_weight_norm(model):
    """Makes weights plain tensors, as an inference engine has them."""
    for module in model.modules():
        if hasattr(module, "weight_g"):
            torch.nn.utils.remove_weight_norm(module)
        elif torch.nn.utils.parametrize.is_parametrized(module, "weight"):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")


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


def run(model, istftnet, ids, ref_s, speed, stages, fix_source=False, seed=SEED):
    """One pass with lumivox's noise for the seed. With fix_source the source is rounded to f16 and transformed in f64."""
    stft = model.decoder.generator.stft

    def transform(x):
        window = stft.window
        if fix_source:
            x = x.half().double()
            stages["source"] = x.half()
            # torch's own f32 window is not symmetric in its last bits.
            window = (0.5 - 0.5 * torch.cos(torch.arange(stft.win_length).double() * 2 * torch.pi / stft.win_length)).float().double()
        spectrum = torch.stft(x, stft.filter_length, stft.hop_length, stft.win_length, window=window, return_complex=True)
        if fix_source:
            real, imaginary = spectrum.real.contiguous(), spectrum.imag.contiguous()
            limit = ROUNDING * torch.maximum(real.abs(), imaginary.abs()).amax(1, keepdim=True)
            real[real.abs() <= limit] = 0.0
            imaginary[imaginary.abs() <= limit] = 0.0
            spectrum = torch.complex(real, imaginary)
        stages["har_complex"] = torch.cat([spectrum.real, spectrum.imag], 1).float()
        return torch.abs(spectrum).float(), torch.angle(spectrum).float()

    def randn_like(x):
        if x.shape[-1] == 9:
            return torch.from_numpy(goldens.normal(x.numel(), seed, SINE_GEN)).reshape(x.shape)
        return torch.zeros_like(x)  # the source's noise output, which nothing reads

    patched = types.SimpleNamespace(**{name: getattr(torch, name) for name in dir(torch)})
    patched.randn_like = randn_like
    istftnet.torch = patched
    stft.transform = transform
    try:
        with torch.no_grad():
            return model.forward_with_tokens(ids, ref_s, speed)
    finally:
        istftnet.torch = torch
        del stft.transform


def golden(model, istftnet, stages, phonemes, speed, pack):
    ids = torch.LongTensor([[0, *(model.vocab[p] for p in phonemes), 0]])
    ref_s = pack[len(phonemes) - 1]
    stages.clear()
    audio, durations = run(model, istftnet, ids, ref_s, speed, stages)
    first = dict(stages)
    audio_source, _ = run(model, istftnet, ids, ref_s, speed, stages, fix_source=True)
    source = stages.pop("source")
    tensors = {name: stages[name] if name.startswith(BEHIND_SOURCE) else first[name] for name in stages}
    whole = {"ids": ids[0].int(), "pred_dur": durations.int(), "audio": audio.half(), "source": source[..., None]}
    whole["noise_head"] = torch.from_numpy(goldens.normal(64, SEED, SINE_GEN))
    return tensors, whole, audio_source


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
            tensors, whole, audio_source = golden(model, istftnet, stages, phonemes, speed, pack)
            shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
            tensors, norms = {name: tensor.numpy() for name, tensor in tensors.items()}, {}
            if not full:
                whole["F0"] = torch.from_numpy(tensors.pop("F0"))
                tensors, norms = goldens.sampled(tensors)
            kept, norm = goldens.sampled({"audio_source": audio_source.numpy()}, AUDIO_SAMPLES)
            tensors, norms = {**tensors, **kept}, {**norms, **norm}
            case = {"voice": voice, "phonemes": phonemes, "speed": speed, "seed": SEED, "norms": norms, "shapes": shapes}
            whole = {name: tensor.numpy() for name, tensor in whole.items()}
            goldens.save(f"{out}/{text}_{voice}.safetensors", {**tensors, **whole}, case)
            print(text, voice, len(tensors), "tensors,", whole["audio"].size / 24000, "s")


if __name__ == "__main__":
    main()
