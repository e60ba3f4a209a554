"""VITS in plain PyTorch: what the original's `SynthesizerTrn.infer` computes for one utterance, with both kinds of residual block, both duration predictors,
and speakers. Tensors go by the original's names (https://github.com/jaywalnut310/vits); `vits_golden.py` holds this against transformers' `VitsModel` and
against ONNX Runtime on a Piper voice.
"""

import math
from types import SimpleNamespace

import torch
from torch.nn import functional as F

MIN_BIN = 1e-3
MIN_SLOPE = 1e-3
DDS_LAYERS = 3


def fold_weight_norm(weights):
    """`weight_g`, `weight_v` become `weight`; the norm is over everything but the first axis."""
    folded = {}
    for name, tensor in weights.items():
        if name.endswith(".weight_v"):
            g = weights[f"{name[:-1]}g"]
            norm = tensor.flatten(1).norm(dim=1).reshape(g.shape)
            folded[name[: -len("_v")]] = tensor * (g / norm)
        elif not name.endswith(".weight_g"):
            folded[name] = tensor
    return folded


class Vits:
    """`config`: a dict with the keys of lumivox's VITS configuration. `weights`: name → f32 tensor, with weight norm or without."""

    def __init__(self, config, weights):
        self.config = SimpleNamespace(**config)
        self.weights = fold_weight_norm(weights)

    def conv(self, name, x, dilation=1, groups=1):
        """A convolution whose output is as long as its input."""
        weight = self.weights[f"{name}.weight"]
        padding = dilation * (weight.shape[2] - 1) // 2
        return F.conv1d(x, weight, self.weights.get(f"{name}.bias"), padding=padding, dilation=dilation, groups=groups)

    def norm(self, name, x):
        gamma, beta = self.weights[f"{name}.gamma"], self.weights[f"{name}.beta"]
        return F.layer_norm(x.mT, gamma.shape, gamma, beta, 1e-5).mT

    def condition(self, name, x, g):
        return x if g is None else x + self.conv(name, g)

    def attention(self, name, x):
        heads, window = self.config.n_heads, self.config.window_size
        _, channels, tokens = x.shape
        split = lambda part: self.conv(f"{name}.conv_{part}", x).reshape(heads, channels // heads, tokens).mT
        query, key, value = split("q") / math.sqrt(channels // heads), split("k"), split("v")
        place = torch.arange(tokens)
        distance = place[None] - place[:, None]
        near = (distance.abs() <= window)[..., None]
        # (T, T, head_dim): what is learned for the distance between two tokens, nothing where they are far.
        relative = lambda part: self.weights[f"{name}.emb_rel_{part}"][0][distance.clamp(-window, window) + window] * near
        scores = query @ key.mT + torch.einsum("htd,tsd->hts", query, relative("k"))
        share = scores.softmax(-1)
        context = share @ value + torch.einsum("hts,tsd->htd", share, relative("v"))
        return self.conv(f"{name}.conv_o", context.mT.reshape(1, channels, tokens))

    def text_encoder(self, ids):
        x = self.weights["enc_p.emb.weight"][ids].T[None] * math.sqrt(self.config.hidden_channels)
        for i in range(self.config.n_layers):
            encoder = "enc_p.encoder"
            x = self.norm(f"{encoder}.norm_layers_1.{i}", x + self.attention(f"{encoder}.attn_layers.{i}", x))
            y = self.conv(f"{encoder}.ffn_layers.{i}.conv_2", self.conv(f"{encoder}.ffn_layers.{i}.conv_1", x).relu())
            x = self.norm(f"{encoder}.norm_layers_2.{i}", x + y)
        mean, logs = self.conv("enc_p.proj", x).chunk(2, 1)
        return x, mean, logs

    def separable(self, name, x):
        kernel = self.config.dp_kernel_size
        for i in range(DDS_LAYERS):
            y = self.conv(f"{name}.convs_sep.{i}", x, dilation=kernel**i, groups=x.shape[1])
            y = F.gelu(self.norm(f"{name}.norms_1.{i}", y))
            x = x + F.gelu(self.norm(f"{name}.norms_2.{i}", self.conv(f"{name}.convs_1x1.{i}", y)))
        return x

    def spline_inverse(self, y, parameters):
        """`y: (T)`, `parameters: (3·bins − 1, T)`: x such that the monotonic rational-quadratic spline (Durkan et al., 2019) of x is y."""
        bins, bound = self.config.dp_num_bins, self.config.dp_tail_bound
        scale = math.sqrt(self.config.dp_filter_channels)
        widths, heights, slopes = parameters.T.split([bins, bins, bins - 1], 1)

        def knots(x):
            shares = MIN_BIN + (1 - MIN_BIN * bins) * (x / scale).softmax(1)
            edges = 2 * bound * F.pad(shares.cumsum(1), (1, 0)) - bound
            edges[:, 0], edges[:, -1] = -bound, bound
            return edges

        x_edges, y_edges = knots(widths), knots(heights)
        slopes = F.pad(MIN_SLOPE + F.softplus(slopes), (1, 1), value=1.0)
        inside = y.abs() <= bound
        clamped = y.clamp(-bound, bound)
        index = (torch.searchsorted(y_edges, clamped[:, None].contiguous(), right=True) - 1).clamp(0, bins - 1)
        at = lambda table, offset=0: table.gather(1, index + offset)[:, 0]
        x0, y0 = at(x_edges), at(y_edges)
        width, height = at(x_edges, 1) - x0, at(y_edges, 1) - y0
        d0, d1, delta = at(slopes), at(slopes, 1), height / width
        # The inverse is a root of a·t² + b·t + c, the one that does not cancel.
        rise, bend = clamped - y0, d0 + d1 - 2 * delta
        a, b, c = height * (delta - d0) + rise * bend, height * d0 - rise * bend, -delta * rise
        t = 2 * c / (-b - (b * b - 4 * a * c).clamp(min=0).sqrt())
        return torch.where(inside, t * width + x0, y)

    def stochastic_durations(self, x, g, noise):
        x = self.condition("dp.cond", self.conv("dp.pre", x), g)
        x = self.conv("dp.proj", self.separable("dp.convs", x))
        z = noise
        # Flows 1, 3, 5 …, backwards, but for the first; each behind a flip.
        for i in reversed(range(1, self.config.dp_n_flows)):
            z0, z1 = z.flip(1).chunk(2, 1)
            flow = f"dp.flows.{2 * i + 1}"
            parameters = self.conv(f"{flow}.proj", self.separable(f"{flow}.convs", self.conv(f"{flow}.pre", z0) + x))
            z = torch.cat([z0, self.spline_inverse(z1[0, 0], parameters[0])[None, None]], 1)
        mean, logs = self.weights["dp.flows.0.m"], self.weights["dp.flows.0.logs"]
        return ((z.flip(1) - mean) * torch.exp(-logs))[:, :1]

    def regressed_durations(self, x, g):
        x = self.condition("dp.cond", x, g)
        for i in (1, 2):
            x = self.norm(f"dp.norm_{i}", self.conv(f"dp.conv_{i}", x).relu())
        return self.conv("dp.proj", x)

    def flow(self, z, g):
        hidden, layers = self.config.hidden_channels, self.config.flow_layers
        for i in reversed(range(self.config.n_flows)):
            z0, z1 = z.flip(1).chunk(2, 1)
            name = f"flow.flows.{2 * i}"
            x, skips = self.conv(f"{name}.pre", z0), 0
            speaker = [0] * layers if g is None else self.conv(f"{name}.enc.cond_layer", g).chunk(layers, 1)
            for j in range(layers):
                a, b = (self.conv(f"{name}.enc.in_layers.{j}", x) + speaker[j]).chunk(2, 1)
                y = self.conv(f"{name}.enc.res_skip_layers.{j}", a.tanh() * b.sigmoid())
                if j + 1 < layers:
                    x = x + y[:, :hidden]
                skips = skips + y[:, -hidden:]
            z = torch.cat([z0, z1 - self.conv(f"{name}.post", skips)], 1)
        return z

    def resblock(self, name, x, dilations):
        for i, dilation in enumerate(dilations):
            if self.config.resblock == "1":
                y = self.conv(f"{name}.convs1.{i}", F.leaky_relu(x, 0.1), dilation)
                x = x + self.conv(f"{name}.convs2.{i}", F.leaky_relu(y, 0.1))
            else:
                x = x + self.conv(f"{name}.convs.{i}", F.leaky_relu(x, 0.1), dilation)
        return x

    def generator(self, z, g, stages):
        config = self.config
        x = self.condition("dec.cond", self.conv("dec.conv_pre", z), g)
        blocks = len(config.resblock_kernel_sizes)
        for i, rate in enumerate(config.upsample_rates):
            weight, bias = self.weights[f"dec.ups.{i}.weight"], self.weights[f"dec.ups.{i}.bias"]
            padding = (weight.shape[2] - rate) // 2
            x = F.conv_transpose1d(F.leaky_relu(x, 0.1), weight, bias, stride=rate, padding=padding)
            dilations = enumerate(config.resblock_dilation_sizes)
            x = sum(self.resblock(f"dec.resblocks.{i * blocks + j}", x, d) for j, d in dilations) / blocks
            stages[f"dec_stage{i}"] = x
        # The last slope is PyTorch's default.
        return self.conv("dec.conv_post", F.leaky_relu(x)).tanh()

    @torch.no_grad()
    def infer(self, ids, speaker, scales, dp_noise, z_noise):
        """`scales`: noise_scale, length_scale, noise_scale_w. `z_noise`: a function of the shape. Returns lumivox's stages by name, with `audio`, `w` (durations
        before they are rounded up) and `durations`."""
        noise_scale, length_scale, noise_scale_w = scales
        g = self.weights["emb_g.weight"][speaker][None, :, None] if "emb_g.weight" in self.weights else None
        x, mean, logs = self.text_encoder(ids)
        if self.config.use_sdp:
            logw = self.stochastic_durations(x, g, dp_noise * noise_scale_w)
        else:
            logw = self.regressed_durations(x, g)
        w = torch.exp(logw) * length_scale
        durations = w.ceil()[0, 0].long()
        repeat = lambda tensor: tensor.repeat_interleave(durations, 2)
        frames_mean, frames_logs = repeat(mean), repeat(logs)
        z_p = frames_mean + z_noise(frames_mean.shape) * torch.exp(frames_logs) * noise_scale
        z = self.flow(z_p, g)
        stages = {"enc_p": x, "m_p": mean, "logs_p": logs, "logw": logw, "z_p": z_p, "z": z}
        audio = self.generator(z, g, stages)
        return {**stages, "audio": audio.flatten(), "w": w.flatten(), "durations": durations}
