"""The graphs of Kokoro and VITS as lists of kernels, with what each computes and moves, from the models' configs. Nothing is run."""

import dataclasses
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGS = {
    "kokoro": ROOT / "crates/lumivox-convert/data/kokoro-v1.0-config.json",
    # Piper's `medium`; its speakers are left out here, most voices have one.
    "piper": ROOT / "tests/golden/vits/multi-speaker/config.json",
    "mms": ROOT / "tests/golden/vits/mms-synth/config.json",
}
# Frames of a duration's unit, and samples of one, by family.
KOKORO_SAMPLE_RATE_HZ = 24000
ALBERT_EMBEDDING = 128


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A launch. Values are counted, not bytes, for they may have 32 bits or 16."""

    stage: str
    flops: float = 0
    activations: float = 0  # values read and written
    weights: float = 0  # values read once for the whole batch
    channels: int = 0  # of the output: (channels, steps) is what is shared out among blocks
    steps: float = 0
    tensor: bool = False  # can be computed on tensor cores
    half: bool = False  # is stored in 16 bits where the engine is asked to
    serial: float = 0  # steps that wait for each other


class Graph:
    """Kernels as they are launched; `stage` and `half` are those of what comes next."""

    def __init__(self):
        self.kernels, self.stage, self.half = [], None, False
        # What the style is projected to: by one product for all layers of a half of the graph.
        self.style_rows = 0

    def add(self, **fields):
        self.kernels.append(Kernel(stage=self.stage, half=self.half, **fields))

    def conv(self, c_in, c_out, taps, steps, *, stride=1, residual=False, accumulate=False, groups=1, up=1):
        """A convolution to `steps` steps, or a transposed one by `up`, with what is fused into it. Of a transposed one a step sees 1/up of the taps."""
        taken = taps / up
        values = c_in * steps * stride / up + c_out * steps * (1 + residual + accumulate)
        tensor = groups == 1 and stride == 1 and c_in >= 32 and c_out >= 32
        self.add(flops=2 * c_in / groups * taken * c_out * steps, activations=values, weights=c_in / groups * c_out * taps, channels=c_out, steps=steps, tensor=tensor)

    def linear(self, c_in, c_out, rows, residual=False):
        self.conv(c_in, c_out, 1, rows, residual=residual)

    def pointwise(self, values, reads=1, flops=10):
        """Norms, gates, copies: each value read `reads` times and written once."""
        self.add(flops=flops * values, activations=values * (reads + 1), channels=1, steps=values)

    def styled_conv(self, c_in, c_out, taps, steps, **fused):
        """AdaIN's statistics with what the style makes of them, and the convolution that has both and the activation in front."""
        self.add(flops=4 * c_in * steps, activations=c_in * steps, channels=c_in, steps=256)
        self.style_rows += 2 * c_in
        self.conv(c_in, c_out, taps, steps, **fused)

    def project_style(self, width):
        self.linear(width, self.style_rows, 1)
        self.style_rows = 0

    def lstm(self, c_in, hidden, steps):
        """A BiLSTM: one product for all inputs, then one kernel in which both directions go step by step; what they count in is cleared before."""
        self.linear(c_in, 8 * hidden, steps)
        self.pointwise(64, reads=0)
        self.add(flops=2 * 8 * hidden * hidden * steps, activations=10 * hidden * steps, weights=8 * hidden * hidden, channels=1, steps=256, serial=steps)

    def attention(self, width, tokens):
        self.add(flops=4 * tokens * tokens * width, activations=4 * tokens * width, channels=width, steps=tokens)


def config(family):
    return json.loads(CONFIGS[family].read_text())


def samples_per_second(family):
    return KOKORO_SAMPLE_RATE_HZ if family == "kokoro" else config(family)["sampling_rate"]


def samples_per_frame(family):
    """Samples of a unit of the durations."""
    c = config(family)
    rates = c["istftnet"]["upsample_rates"] if family == "kokoro" else c["upsample_rates"]
    product = 1
    for rate in rates:
        product *= rate
    return 2 * product * c["istftnet"]["gen_istft_hop_size"] if family == "kokoro" else product


def graph(family, tokens, frames):
    """The kernels of one utterance, or with all its sums of a batch."""
    return (kokoro if family == "kokoro" else vits)(config(family), tokens, frames)


def kokoro(c, tokens, frames):
    g, hidden, style = Graph(), c["hidden_dim"], c["style_dim"]
    bert = c["plbert"]
    g.stage = "ALBERT"
    width, inner = bert["hidden_size"], bert["intermediate_size"]
    g.pointwise(ALBERT_EMBEDDING * tokens, reads=2)
    g.pointwise(ALBERT_EMBEDDING * tokens)
    g.linear(ALBERT_EMBEDDING, width, tokens)
    for _ in range(bert["num_hidden_layers"]):
        g.linear(width, 3 * width, tokens)
        g.attention(width, tokens)
        g.linear(width, width, tokens, residual=True)
        g.pointwise(width * tokens)
        g.linear(width, inner, tokens)
        g.linear(inner, width, tokens, residual=True)
        g.pointwise(width * tokens)
    g.linear(width, hidden, tokens)
    g.stage = "durations"
    # The style is joined on in front of each layer and behind the last.
    g.pointwise(style * tokens)
    g.pointwise(hidden * tokens)
    for _ in range(c["n_layer"]):
        g.lstm(hidden + style, hidden // 2, tokens)
        g.style_rows += 2 * hidden
        g.pointwise(style * tokens)
        g.pointwise(hidden * tokens)
    g.lstm(hidden + style, hidden // 2, tokens)
    g.linear(hidden, c["max_dur"], tokens)
    g.pointwise(c["max_dur"] * tokens)
    g.stage = "text encoder"
    g.pointwise(hidden * tokens)
    for _ in range(c["n_layer"]):
        g.conv(hidden, hidden, c["text_encoder_kernel_size"], tokens)
        g.pointwise(hidden * tokens)
    g.lstm(hidden, hidden // 2, tokens)
    g.stage = "F0 and energy"
    g.pointwise((hidden + style) * frames)
    g.lstm(hidden + style, hidden // 2, frames)
    for _ in ("F0", "N"):
        adain_block(g, hidden, hidden, frames)
        adain_block(g, hidden, hidden // 2, frames, upsample=True)
        adain_block(g, hidden // 2, hidden // 2, 2 * frames)
        g.conv(hidden // 2, 1, 1, 2 * frames)
    # Once for durations, once for the curves.
    rows = g.style_rows
    g.project_style(style)
    g.style_rows = rows
    g.project_style(style)
    kokoro_decoder(g, c, frames)
    kokoro_generator(g, c["istftnet"], frames)
    return g.kernels


def adain_block(g, c_in, c_out, steps, upsample=False):
    """`AdainResBlk1d`; the shortcut's convolution stands in front of the repetition."""
    if c_in != c_out:
        g.conv(c_in, c_out, 1, steps)
    if upsample:
        g.add(flops=4 * c_in * steps, activations=c_in * steps, channels=c_in, steps=256)
        g.style_rows += 2 * c_in
        g.conv(c_in, c_in, 3, 2 * steps, groups=c_in, up=2)
        steps *= 2
        g.conv(c_in, c_out, 3, steps)
    else:
        g.styled_conv(c_in, c_out, 3, steps)
    g.styled_conv(c_out, c_out, 3, steps, residual=True)


def kokoro_decoder(g, c, frames):
    hidden, inner, residual = c["hidden_dim"], 1024, 64
    g.stage, g.half = "decoder", True
    g.pointwise(hidden * frames)
    g.pointwise(hidden * frames)
    for _ in ("F0_conv", "N_conv"):
        g.conv(1, 1, 3, frames, stride=2)
        # To where the text is, and to where it is joined on.
        g.pointwise(frames)
        g.pointwise(frames)
    g.conv(hidden, residual, 1, frames)
    adain_block(g, hidden + 2, inner, frames)
    joined = inner + 2 + residual
    g.pointwise((2 + residual) * frames)
    for i in range(4):
        adain_block(g, joined, c["istftnet"]["upsample_initial_channel"] if i == 3 else inner, frames, upsample=i == 3)


def kokoro_generator(g, c, frames):
    f0_frames, rates = 2 * frames, c["upsample_rates"]
    harmonics, spectrum = 9, c["gen_istft_n_fft"] + 2
    samples = f0_frames * samples_per_frame("kokoro") / 2
    g.stage, g.half = "source", False
    g.pointwise(harmonics * samples, reads=0, flops=50)
    g.add(flops=harmonics * f0_frames, activations=2 * harmonics * f0_frames, channels=1, steps=256)
    g.add(flops=60 * harmonics * samples, activations=2 * samples, channels=1, steps=samples)
    steps = samples / c["gen_istft_hop_size"]
    g.add(flops=4 * c["gen_istft_n_fft"] * spectrum / 2 * steps, activations=samples + spectrum * steps, channels=1, steps=steps)
    g.half, at = True, f0_frames
    for i, (rate, kernel) in enumerate(zip(rates, c["upsample_kernel_sizes"])):
        g.stage, last = f"generator, {i + 1} of {len(rates)}", i + 1 == len(rates)
        channels, at, before = c["upsample_initial_channel"] >> (i + 1), at * rate, c["upsample_initial_channel"] >> i
        stride = round(steps / at)
        g.conv(spectrum, channels, 1 if last else 2 * stride, at, stride=stride)
        adain_resblock(g, channels, 11 if last else 7, (1, 3, 5), at)
        g.conv(before, channels, kernel, at, up=rate)
        g.pointwise(channels * at, reads=2, flops=1)
        for j, (taps, dilations) in enumerate(zip(c["resblock_kernel_sizes"], c["resblock_dilation_sizes"])):
            adain_resblock(g, channels, taps, dilations, at, accumulate=j > 0)
    g.project_style(128)
    g.conv(channels, spectrum, 7, at)
    g.add(flops=(40 + 4 * c["gen_istft_n_fft"]) * spectrum / 2 * at, activations=spectrum * at + samples, channels=1, steps=samples)


def adain_resblock(g, channels, taps, dilations, steps, accumulate=False):
    for i, _ in enumerate(dilations):
        g.styled_conv(channels, channels, taps, steps)
        g.styled_conv(channels, channels, taps, steps, residual=True, accumulate=accumulate and i + 1 == len(dilations))


def vits(c, tokens, frames):
    g, hidden, inter = Graph(), c["hidden_channels"], c["inter_channels"]
    g.stage = "text encoder"
    g.pointwise(hidden * tokens)
    for _ in range(c["n_layers"]):
        g.linear(hidden, 3 * hidden, tokens)
        g.attention(hidden, tokens)
        g.linear(hidden, hidden, tokens, residual=True)
        g.pointwise(hidden * tokens)
        g.conv(hidden, c["filter_channels"], c["kernel_size"], tokens)
        g.conv(c["filter_channels"], hidden, c["kernel_size"], tokens, residual=True)
        g.pointwise(hidden * tokens)
    g.linear(hidden, 2 * inter, tokens)
    g.stage = "durations"
    inner = c["dp_filter_channels"]
    g.pointwise(2 * tokens, reads=0, flops=50)
    g.linear(hidden, inner, tokens)
    separable(g, inner, c["dp_kernel_size"], tokens)
    g.linear(inner, inner, tokens)
    # One coupling of the flow is not used in this direction.
    for _ in range(c["dp_n_flows"] - 1):
        g.linear(1, inner, tokens, residual=True)
        separable(g, inner, c["dp_kernel_size"], tokens)
        g.linear(inner, 3 * c["dp_num_bins"] - 1, tokens)
        g.pointwise(3 * c["dp_num_bins"] * tokens, flops=40)
    g.linear(1, 1, tokens)
    g.pointwise(tokens)
    g.stage = "flow"
    g.pointwise(inter * frames, reads=0, flops=50)
    g.pointwise(2 * inter * frames)
    for _ in range(c["n_flows"]):
        g.linear(inter // 2, hidden, frames)
        for i in range(c["flow_layers"]):
            last = i + 1 == c["flow_layers"]
            g.conv(hidden, 2 * hidden, c["flow_kernel_size"], frames)
            g.pointwise(hidden * frames, reads=2, flops=20)
            for _ in range(1 if last else 2):
                g.conv(hidden, hidden, 1, frames, accumulate=True)
        g.linear(hidden, inter // 2, frames, residual=True)
    g.half = True
    g.pointwise(inter * frames)
    vits_generator(g, c, frames)
    return g.kernels


def separable(g, channels, taps, steps, layers=3):
    """`DDSConv`: a filter for each channel, a norm with GELU, a product, a norm with GELU and the sum."""
    for _ in range(layers):
        g.conv(channels, channels, taps, steps, groups=channels)
        g.pointwise(channels * steps)
        g.linear(channels, channels, steps)
        g.pointwise(channels * steps, reads=2)


def vits_generator(g, c, frames):
    g.stage = "generator, before the first upsampling"
    channels, at = c["upsample_initial_channel"], frames
    g.conv(c["inter_channels"], channels, 7, at)
    for i, (rate, kernel) in enumerate(zip(c["upsample_rates"], c["upsample_kernel_sizes"])):
        g.stage = f"generator, {i + 1} of {len(c['upsample_rates'])}"
        at, before, channels = at * rate, channels, channels // 2
        g.conv(before, channels, kernel, at, up=rate)
        for j, (taps, dilations) in enumerate(zip(c["resblock_kernel_sizes"], c["resblock_dilation_sizes"])):
            for k, _ in enumerate(dilations):
                if c["resblock"] == "1":
                    g.conv(channels, channels, taps, at)
                g.conv(channels, channels, taps, at, residual=True, accumulate=j > 0 and k + 1 == len(dilations))
    g.conv(channels, 1, 7, at)
