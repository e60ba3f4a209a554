"""Makes the parity goldens of VITS models other than Piper's own (those are `piper_golden.py`'s).

usage: vits_golden.py VOICE.onnx PIPER_GOLDENS OUTDIR [MODEL...]       (needs numpy, onnx, safetensors, torch, transformers)

VOICE.onnx is the Piper voice en_US-joe-medium, PIPER_GOLDENS the folder that piper_golden.py made of it. OUTDIR gets a folder for each model (by default all):

| model | golden of | weights |
|---|---|---|
| mms-from-piper | transformers' VitsModel | the Piper voice's own, each channel of the generator twice, which makes its residual blocks VitsModel's kind |
| mms-synth | transformers' VitsModel | synthetic, in the sizes of facebook/mms-tts-eng |
| regression | transformers' VitsModel | synthetic, small and with unusual sizes: speakers, durations from a regression |
| multi-speaker | vits_reference.py | synthetic, a Piper voice of medium quality with four speakers |
| high | vits_reference.py | synthetic, a Piper voice of high quality |

vits_reference.py itself is held against ONNX Runtime's goldens of the voice, and against VitsModel wherever both can run a model. Synthetic weights are
vits_synthetic.py's, of the sizes in the folder's config.json. Noise is what lumivox draws; its seed is the first at which no duration is so near to an integer that rounding could move it.
"""

import json
import pathlib
import sys
import types

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors import safe_open
from transformers import VitsConfig, VitsModel
from transformers.models.vits import modeling_vits

import goldens
import vits_synthetic
from vits_reference import Vits, fold_weight_norm

# The largest difference of the two references' audio.
AGREEMENT = 1e-5
# ... where their sums are not the same: ONNX Runtime's, and those of a generator with every channel twice.
OTHER_SUMS_AGREEMENT = 5e-5
SCALES = [("zero", 0.0, 1.0, 0.0), ("zero", 0.0, 1.3, 0.0), ("noise", 0.667, 1.0, 0.8), ("noise", 0.667, 1.3, 0.8)]

PIPER = {
    "n_vocab": 256, "inter_channels": 192, "hidden_channels": 192, "filter_channels": 768, "n_heads": 2, "n_layers": 6, "kernel_size": 3, "window_size": 4,
    "resblock": "2", "resblock_kernel_sizes": [3, 5, 7], "resblock_dilation_sizes": [[1, 2], [2, 6], [3, 12]], "upsample_rates": [8, 8, 4],
    "upsample_initial_channel": 256, "upsample_kernel_sizes": [16, 16, 8], "use_sdp": True, "n_speakers": 1, "gin_channels": 0, "flow_layers": 4,
    "flow_kernel_size": 5, "n_flows": 4, "dp_filter_channels": 192, "dp_kernel_size": 3, "dp_n_flows": 4, "dp_num_bins": 10, "dp_tail_bound": 5.0,
    "sampling_rate": 22050,
}  # fmt: skip
HIGH = {
    **PIPER, "resblock": "1", "resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3, "upsample_rates": [8, 8, 2, 2],
    "upsample_initial_channel": 512, "upsample_kernel_sizes": [16, 16, 4, 4],
}  # fmt: skip
MODELS = {
    "mms-synth": {**HIGH, "n_vocab": 38, "sampling_rate": 16000},
    "regression": {
        **HIGH, "n_vocab": 20, "hidden_channels": 96, "inter_channels": 64, "filter_channels": 200, "n_heads": 3, "n_layers": 2, "kernel_size": 5,
        "window_size": 3, "resblock_kernel_sizes": [3, 5], "resblock_dilation_sizes": [[1, 2, 4], [1, 3, 5]], "upsample_rates": [5, 4, 3],
        "upsample_initial_channel": 64, "upsample_kernel_sizes": [11, 8, 5], "use_sdp": False, "n_speakers": 3, "gin_channels": 40, "flow_layers": 3,
        "flow_kernel_size": 3, "n_flows": 2, "dp_filter_channels": 72, "dp_kernel_size": 5, "sampling_rate": 8000,
    },
    "multi-speaker": {**PIPER, "n_speakers": 4, "gin_channels": 512},
    "high": HIGH,
}  # fmt: skip
# Which tensors have weight norm: those of VitsModel's flow; in checkpoints of the original, those of its generator as well.
HF_WEIGHT_NORM = (".enc.",)
ORIGINAL_WEIGHT_NORM = (".enc.", "dec.ups.", "dec.resblocks.")


def piper_weights(path):
    """The tensors of a voice's graph under the original's names."""
    graph = onnx.load(path).graph
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    weights = {name: value for name, value in constants.items() if name.split(".")[0] in ("enc_p", "dp", "flow", "dec")}
    for node in graph.node:
        if node.name == "/enc_p/emb/Gather":
            weights["enc_p.emb.weight"] = constants[node.input[0]]
        elif node.op_type == "Conv" and node.input[1].startswith("onnx::"):
            weights[node.name.removesuffix("/Conv").strip("/").replace("/", ".") + ".weight"] = constants[node.input[1]]
    weights["dp.flows.0.logs"] = -np.log(constants["/dp/flows.0/Exp_output_0"])
    return {name: torch.from_numpy(value.copy()) for name, value in weights.items()}


def doubled(weights):
    """The same generator with every channel twice, whose second half is nothing between residual blocks. A step `x + conv(leaky(x))` becomes
    `x + convs2(leaky(convs1(leaky(x))))` when convs1 gives [y; -y], because leaky(y) - leaky(-y) is 1.1·y."""

    def padded(tensor, shape):
        result = torch.zeros(shape)
        result[tuple(slice(n) for n in tensor.shape)] = tensor
        return result

    wide = {name: tensor for name, tensor in weights.items() if not name.startswith("dec.")}
    for name, tensor in weights.items():
        if name.startswith("dec.resblocks.") and name.endswith(".weight"):
            c, _, kernel = tensor.shape
            first, second = padded(tensor, (2 * c, 2 * c, kernel)), torch.zeros(2 * c, 2 * c, kernel)
            first[c:, :c] = -tensor
            one = torch.eye(c) / 1.1
            second[:c, :c, kernel // 2], second[:c, c:, kernel // 2] = one, -one
            bias = weights[name.replace(".weight", ".bias")]
            for part, weight, values in (("convs1", first, torch.cat([bias, -bias])), ("convs2", second, torch.zeros(2 * c))):
                wide[name.replace("convs", part)] = weight
                wide[name.replace("convs", part).replace(".weight", ".bias")] = values
        elif name.startswith("dec.ups.") and name.endswith(".weight"):
            wide[name] = padded(tensor, (2 * tensor.shape[0], 2 * tensor.shape[1], tensor.shape[2]))
        elif name == "dec.conv_post.weight":
            wide[name] = padded(tensor, (1, 2 * tensor.shape[1], tensor.shape[2]))
        elif name.startswith("dec.") and "resblocks" not in name:
            wide[name] = padded(tensor, (2 * tensor.shape[0], *tensor.shape[1:]))
    return wide


def hf_name(name, use_sdp):
    """What VitsModel calls the original's tensor."""
    parts = name.split(".")
    last = {"gamma": "weight", "beta": "bias", "m": "translate", "logs": "log_scale", "weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    parts[-1] = last.get(parts[-1], parts[-1])
    inner = {"pre": "conv_pre", "post": "conv_post", "proj": "conv_proj", "convs": "conv_dds", "convs_sep": "convs_dilated", "convs_1x1": "convs_pointwise", "enc": "wavenet"}
    renamed = lambda parts: ".".join(inner.get(part, part) for part in parts)
    match parts:
        case ["enc_p", "emb", *rest]:
            return ".".join(["text_encoder.embed_tokens", *rest])
        case ["enc_p", "proj", *rest]:
            return ".".join(["text_encoder.project", *rest])
        case ["enc_p", "encoder", group, i, *rest]:
            group = {"attn_layers": "attention", "ffn_layers": "feed_forward", "norm_layers_1": "layer_norm", "norm_layers_2": "final_layer_norm"}[group]
            attention = {"conv_q": "q_proj", "conv_k": "k_proj", "conv_v": "v_proj", "conv_o": "out_proj"}
            return ".".join(["text_encoder.encoder.layers", i, group, *(attention.get(part, part) for part in rest)])
        case ["dp", "flows", i, *rest]:
            return f"duration_predictor.flows.{(int(i) + 1) // 2}.{renamed(rest)}"
        case ["dp", *rest]:
            return f"duration_predictor.{renamed(rest) if use_sdp else '.'.join(rest)}"
        case ["flow", "flows", i, *rest]:
            return f"flow.flows.{int(i) // 2}.{renamed(rest)}"
        case ["dec", "ups", *rest]:
            return ".".join(["decoder.upsampler", *rest])
        case ["dec", *rest]:
            return ".".join(["decoder", *rest])
        case ["emb_g", *rest]:
            return ".".join(["embed_speaker", *rest])
    raise ValueError(name)


class Hf:
    """VitsModel with given weights and noise."""

    def __init__(self, config, weights):
        c = self.config = types.SimpleNamespace(**config)
        self.model = VitsModel(VitsConfig(
            vocab_size=c.n_vocab, hidden_size=c.hidden_channels, num_hidden_layers=c.n_layers, num_attention_heads=c.n_heads, window_size=c.window_size,
            ffn_dim=c.filter_channels, ffn_kernel_size=c.kernel_size, flow_size=c.inter_channels, use_stochastic_duration_prediction=c.use_sdp,
            num_speakers=c.n_speakers, speaker_embedding_size=c.gin_channels, upsample_initial_channel=c.upsample_initial_channel,
            upsample_rates=c.upsample_rates, upsample_kernel_sizes=c.upsample_kernel_sizes, resblock_kernel_sizes=c.resblock_kernel_sizes,
            resblock_dilation_sizes=c.resblock_dilation_sizes, duration_predictor_flow_bins=c.dp_num_bins, duration_predictor_num_flows=c.dp_n_flows,
            duration_predictor_tail_bound=c.dp_tail_bound, duration_predictor_kernel_size=c.dp_kernel_size,
            duration_predictor_filter_channels=c.dp_filter_channels, prior_encoder_num_flows=c.n_flows, prior_encoder_num_wavenet_layers=c.flow_layers,
            wavenet_kernel_size=c.flow_kernel_size, sampling_rate=c.sampling_rate,
        )).eval()  # fmt: skip
        expected = self.model.state_dict()
        state = {}
        for name, tensor in weights.items():
            name = hf_name(name, c.use_sdp)
            if name.endswith(".weight") and name not in expected:
                # Weights that are folded already get a norm again.
                state[name.replace(".weight", ".parametrizations.weight.original0")] = tensor.flatten(1).norm(dim=1).reshape(-1, 1, 1)
                name = name.replace(".weight", ".parametrizations.weight.original1")
            # Convolutions of one tap are linear layers.
            state[name] = tensor.reshape(expected[name].shape) if name in expected else tensor
        missing, unexpected = self.model.load_state_dict(state, strict=False)
        unused = ("posterior_encoder.", "duration_predictor.post_", "duration_predictor.flows.1.")
        assert not unexpected and all(name.startswith(unused) for name in missing), (unexpected, missing)
        self.stages = {}
        self.record()

    def record(self):
        model, stages = self.model, self.stages

        def keep(name, get):
            return lambda _module, inputs, output: stages.__setitem__(name, get(inputs, output).detach().clone())

        def encoder(_module, _inputs, output):
            named = {"enc_p": output.last_hidden_state, "m_p": output.prior_means, "logs_p": output.prior_log_variances}
            stages.update({name: tensor.detach().mT.clone() for name, tensor in named.items()})

        model.text_encoder.register_forward_hook(encoder)
        model.duration_predictor.register_forward_hook(keep("logw", lambda _inputs, output: output))
        model.flow.register_forward_hook(keep("z_p", lambda inputs, _output: inputs[0]))
        model.flow.register_forward_hook(keep("z", lambda _inputs, output: output))
        # The sum over a stage's residual blocks is written into the first one's output, so all are kept as they come.
        for i, block in enumerate(model.decoder.resblocks):
            block.register_forward_hook(keep(f"block{i}", lambda _inputs, output: output))

    @torch.no_grad()
    def infer(self, ids, speaker, scales, dp_noise, z_noise):
        noise_scale, length_scale, self.model.noise_scale_duration = scales
        self.model.noise_scale = noise_scale
        patched = types.SimpleNamespace(**{name: getattr(torch, name) for name in dir(torch)})
        patched.randn = lambda *shape: dp_noise.reshape(shape)
        patched.randn_like = lambda x: z_noise(x.mT.shape if x.shape[1] != self.config.inter_channels else x.shape)
        modeling_vits.torch = patched
        try:
            speaker = speaker if self.config.n_speakers > 1 else None
            audio = self.model(ids[None], speaker_id=speaker, speaking_rate=1 / length_scale).waveform[0]
        finally:
            modeling_vits.torch = torch
        stages = {name: tensor for name, tensor in self.stages.items() if not name.startswith("block")}
        blocks = len(self.config.resblock_kernel_sizes)
        for i in range(len(self.config.upsample_rates)):
            stages[f"dec_stage{i}"] = sum(self.stages[f"block{i * blocks + j}"] for j in range(blocks)) / blocks
        w = torch.exp(stages["logw"]).flatten() * length_scale
        return {**stages, "audio": audio, "w": w, "durations": w.ceil().long()}


def infer(model, ids, speaker, scales, seed):
    ids = torch.as_tensor(ids)
    dp_noise = torch.from_numpy(goldens.normal(2 * ids.numel(), seed, goldens.DP_NOISE)).reshape(1, 2, -1)
    z_noise = lambda shape: torch.from_numpy(goldens.normal(shape.numel(), seed, goldens.Z_NOISE)).reshape(shape)
    return model.infer(ids, speaker, scales, dp_noise, z_noise)


def difference(a, b):
    assert torch.equal(a["durations"], b["durations"]), "durations differ"
    return float((a["audio"] - b["audio"]).abs().max())


def check_signal(name, found):
    """Synthetic weights must make a signal that errors show in."""
    rms, peak = float(found["audio"].square().mean().sqrt()), float(found["audio"].abs().max())
    print(f"{name}: {found['audio'].numel()} samples, rms {rms:.3f}, peak {peak:.3f}, durations {found['durations'].unique().tolist()}")
    assert 0.02 <= rms <= 0.5 and peak < 0.9999, "silent or saturated"
    assert found["durations"].unique().numel() >= 3, "durations are all alike"


def make(out, name, model, other, cases, agreement=AGREEMENT):
    """The goldens of `model`. `other` is the other reference, if it can run the model."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    worst = 0.0
    for text, ids, speaker, kinds in cases:
        for kind, noise_scale, length_scale, noise_scale_w in kinds:
            scales = (noise_scale, length_scale, noise_scale_w)
            seed = goldens.clear_seed(lambda seed: infer(model, ids, speaker, scales, seed)["w"].numpy())
            found = infer(model, ids, speaker, scales, seed)
            check_signal(f"{name}/{text}_{kind}_{length_scale}", found)
            if other:
                worst = max(worst, difference(found, infer(other, ids, speaker, scales, seed)))
            stages = {stage: tensor.numpy() for stage, tensor in found.items() if stage not in ("audio", "w", "durations")}
            case = {"seed": seed, "noise_scale": noise_scale, "length_scale": length_scale, "noise_scale_w": noise_scale_w, "speaker": speaker}
            path = folder / f"{text}_{kind}_{length_scale}.safetensors"
            goldens.save_vits(path, np.array(ids), found["durations"].numpy(), stages, found["audio"].numpy(), case)
    if other:
        print(f"{name}: the references' audio differs by {worst:.1e}")
        assert worst <= agreement


def check_piper(folder, weights):
    """The reference against ONNX Runtime."""
    reference, worst = Vits(PIPER, weights), 0.0
    paths = sorted(pathlib.Path(folder).glob("*.safetensors"))
    assert paths, f"no goldens in {folder}"
    for path in paths:
        with safe_open(path, "pt") as golden:
            case = goldens.case(golden.metadata())
            scales = (case["noise_scale"], case["length_scale"], case["noise_scale_w"])
            found = infer(reference, golden.get_tensor("ids").long(), 0, scales, case["seed"])
            assert found["durations"].tolist() == golden.get_tensor("durations").tolist(), path
            got = goldens.sampled({"audio": found["audio"].numpy()}, goldens.AUDIO_SAMPLES)[0]["audio.samples"]
            worst = max(worst, float(np.abs(got - golden.get_tensor("audio.samples").numpy()).max()))
    print(f"reference and ONNX Runtime on {len(paths)} cases: audio differs by {worst:.1e}")
    assert worst <= OTHER_SUMS_AGREEMENT


def interspersed(ids, around=()):
    """Ids with 0 around each; Piper's have a beginning and an end, too."""
    body = [0, *(part for i in ids for part in (i, 0))]
    return [around[0], *body, around[1]] if around else body


def make_from_piper(out, piper_goldens, weights):
    with safe_open(f"{piper_goldens}/word_zero_1.0.safetensors", "pt") as golden:
        word = golden.get_tensor("ids").long().tolist()
    # The symbols of "ðə nˈɔːɹ" and some more, as Piper puts them.
    clause = interspersed([41, 59, 3, 26, 120, 54, 122, 88, 3, 35, 120, 74, 26, 17, 8], (1, 2))
    wide = {**PIPER, "resblock": "1", "upsample_initial_channel": 512}
    texts = [("word", word, 0, SCALES), ("clause", clause, 0, SCALES[2:])]
    make(out, "mms-from-piper", Hf(wide, doubled(weights)), Vits(PIPER, weights), texts, OTHER_SUMS_AGREEMENT)


def make_synthetic(out, name):
    config, is_hf = MODELS[name], name in ("mms-synth", "regression")
    normed = HF_WEIGHT_NORM if is_hf else ORIGINAL_WEIGHT_NORM
    shapes = vits_synthetic.shapes(config, lambda module: any(part in module for part in normed))
    weights = {tensor: torch.from_numpy(vits_synthetic.tensor(name, tensor, shape)) for tensor, shape in shapes.items()}
    reference = Vits(config, weights)
    hf = Hf(config, weights if is_hf else fold_weight_norm(weights)) if config["resblock"] == "1" else None
    # Ids that go round the vocabulary.
    text = lambda n: interspersed([1 + (7 + 5 * i) % (config["n_vocab"] - 1) for i in range(n)], () if is_hf else (1, 2))
    texts = [("short", text(6), 0, SCALES), ("medium", text(20), config["n_speakers"] - 1, SCALES[2:])]
    make(out, name, hf if is_hf else reference, reference if is_hf else hf, texts)
    (out / name / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def main():
    voice, piper_goldens, out, *names = sys.argv[1:]
    out = pathlib.Path(out)
    torch.set_num_threads(1)  # the sums of several threads differ in the last bits
    weights = piper_weights(voice)
    check_piper(piper_goldens, weights)
    for name in names or ["mms-from-piper", *MODELS]:
        if name == "mms-from-piper":
            make_from_piper(out, piper_goldens, weights)
        else:
            make_synthetic(out, name)


if __name__ == "__main__":
    main()
