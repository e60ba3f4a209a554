"""Weights that need no file: every value is a function of the model's name, the tensor's and the index, the same to the bit in lumivox-parity's
`vits/synthetic.rs`.

Bits are those of SplitMix64 whose state starts at the FNV-1a hash of `MODEL/TENSOR`; the upper 24 become a multiple of 2^-23 in -1..1, which `recipe` scales
and shifts so that a model of such weights has durations of a few frames and audio that is neither silent nor saturated.
"""

import math

import numpy as np

# Convolutions keep the variance of their input at a gain of 1. The first prefix that fits; the two numbers are the gain of weights and the spread of biases.
GAINS = [
    ("enc_p.proj", 0.5, 0.1),
    ("dp.flows.", 2.5, 0.3),
    ("dp.proj", 1.0, 0.3),
    ("flow.", 1.0, 0.1),
    ("dec.resblocks.", 0.5, 0.02),
    ("dec.ups.", 2.0, 0.02),
    ("dec.conv_post", 0.35, 0.0),
    ("", 1.0, 0.1),
]


def recipe(name, shape):
    """Scale and shift of a tensor's values."""
    gain, spread = next((gain, spread) for prefix, gain, spread in GAINS if name.startswith(prefix))
    kind = name.rsplit(".", 1)[-1]
    if kind == "gamma":
        return 0.2, 1.0
    if kind == "weight_g":
        return 0.2 * gain, gain
    if kind == "weight_v":
        return 1.0, 0.0
    if kind in ("beta", "bias"):
        return spread, 0.0
    if kind in ("emb_rel_k", "emb_rel_v"):
        return 0.3, 0.0
    if name == "dp.flows.0.m":
        return 0.1, -1.5
    if name == "dp.flows.0.logs":
        return 0.1, 0.5
    if name == "emb_g.weight":
        return 1.0, 0.0
    if name == "enc_p.emb.weight":
        return math.sqrt(3 / shape[1]), 0.0
    return gain * math.sqrt(3 / math.prod(shape[1:])), 0.0


def fnv1a(text):
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return state


def units(key, n):
    """n values in -1..1."""
    z = np.uint64(fnv1a(key)) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float32) - np.float32(2**23)) / np.float32(2**23)


def tensor(model, name, shape):
    scale, shift = recipe(name, shape)
    return (units(f"{model}/{name}", math.prod(shape)) * np.float32(scale) + np.float32(shift)).reshape(shape)


def shapes(config, has_weight_norm):
    """Name → shape of every tensor of a model. `has_weight_norm(name)`: whether a convolution has it."""
    c = config
    found = {}

    def conv(name, c_in, c_out, kernel, transposed=False, bias=True):
        shape = (c_in, c_out, kernel) if transposed else (c_out, c_in, kernel)
        if has_weight_norm(name):
            found[f"{name}.weight_g"], found[f"{name}.weight_v"] = (shape[0], 1, 1), shape
        else:
            found[f"{name}.weight"] = shape
        if bias:
            found[f"{name}.bias"] = (c_out,)

    def norm(name, channels):
        found[f"{name}.gamma"] = found[f"{name}.beta"] = (channels,)

    def separable(name, channels):
        for i in range(3):
            conv(f"{name}.convs_sep.{i}", 1, channels, c["dp_kernel_size"])
            conv(f"{name}.convs_1x1.{i}", channels, channels, 1)
            norm(f"{name}.norms_1.{i}", channels)
            norm(f"{name}.norms_2.{i}", channels)

    hidden, half, gin, filters = c["hidden_channels"], c["inter_channels"] // 2, c["gin_channels"], c["dp_filter_channels"]
    found["enc_p.emb.weight"] = (c["n_vocab"], hidden)
    for i in range(c["n_layers"]):
        for part in "qkvo":
            conv(f"enc_p.encoder.attn_layers.{i}.conv_{part}", hidden, hidden, 1)
        for part in "kv":
            found[f"enc_p.encoder.attn_layers.{i}.emb_rel_{part}"] = (1, 2 * c["window_size"] + 1, hidden // c["n_heads"])
        conv(f"enc_p.encoder.ffn_layers.{i}.conv_1", hidden, c["filter_channels"], c["kernel_size"])
        conv(f"enc_p.encoder.ffn_layers.{i}.conv_2", c["filter_channels"], hidden, c["kernel_size"])
        norm(f"enc_p.encoder.norm_layers_1.{i}", hidden)
        norm(f"enc_p.encoder.norm_layers_2.{i}", hidden)
    conv("enc_p.proj", hidden, 4 * half, 1)
    if c["use_sdp"]:
        conv("dp.pre", hidden, filters, 1)
        separable("dp.convs", filters)
        conv("dp.proj", filters, filters, 1)
        found["dp.flows.0.m"] = found["dp.flows.0.logs"] = (2, 1)
        for i in range(1, c["dp_n_flows"]):
            conv(f"dp.flows.{2 * i + 1}.pre", 1, filters, 1)
            separable(f"dp.flows.{2 * i + 1}.convs", filters)
            conv(f"dp.flows.{2 * i + 1}.proj", filters, 3 * c["dp_num_bins"] - 1, 1)
    else:
        conv("dp.conv_1", hidden, filters, c["dp_kernel_size"])
        norm("dp.norm_1", filters)
        conv("dp.conv_2", filters, filters, c["dp_kernel_size"])
        norm("dp.norm_2", filters)
        conv("dp.proj", filters, 1, 1)
    for i in range(c["n_flows"]):
        conv(f"flow.flows.{2 * i}.pre", half, hidden, 1)
        for j in range(c["flow_layers"]):
            conv(f"flow.flows.{2 * i}.enc.in_layers.{j}", hidden, 2 * hidden, c["flow_kernel_size"])
            conv(f"flow.flows.{2 * i}.enc.res_skip_layers.{j}", hidden, hidden * (2 if j + 1 < c["flow_layers"] else 1), 1)
        if gin:
            conv(f"flow.flows.{2 * i}.enc.cond_layer", gin, 2 * hidden * c["flow_layers"], 1)
        conv(f"flow.flows.{2 * i}.post", hidden, half, 1)
    channels = c["upsample_initial_channel"]
    conv("dec.conv_pre", 2 * half, channels, 7)
    block = 0
    for i, kernel in enumerate(c["upsample_kernel_sizes"]):
        conv(f"dec.ups.{i}", channels, channels // 2, kernel, transposed=True)
        channels //= 2
        for width, dilations in zip(c["resblock_kernel_sizes"], c["resblock_dilation_sizes"]):
            for part in ("convs1", "convs2") if c["resblock"] == "1" else ("convs",):
                for j in range(len(dilations)):
                    conv(f"dec.resblocks.{block}.{part}.{j}", channels, channels, width)
            block += 1
    conv("dec.conv_post", channels, 1, 7, bias=False)
    if gin:
        found["emb_g.weight"] = (c["n_speakers"], gin)
        conv("dec.cond", gin, c["upsample_initial_channel"], 1)
        conv("dp.cond", gin, filters if c["use_sdp"] else hidden, 1)
    return found
