//! What transformers' `VitsModel` calls the tensors of the original, written out again from its module tree, to make folders of its kind.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use candle_core::{DType, Device, Tensor};
use lumivox::convert::vits::Config;
use serde_json::{Value, json};

/// Name → tensor.
pub(super) type Weights = BTreeMap<String, Tensor>;

/// The names of a weight-normed parameter's magnitude and direction.
pub(super) type WeightNorm = (&'static str, &'static str);

/// As `torch.nn.utils.weight_norm` has them, as in files of the hub and of the original.
pub(super) const PAIR: WeightNorm = ("weight_g", "weight_v");
/// As its parametrization has them, as newer versions save them.
pub(super) const PARAMETRIZATION: WeightNorm =
    ("parametrizations.weight.original0", "parametrizations.weight.original1");

/// The state dict of `VitsModel` that holds `weights`. What is folded in the WaveNets, which have weight norm, is split again.
pub(super) fn state_dict(weights: &Weights, config: &Config, (g, v): WeightNorm) -> Result<Weights> {
    let mut state = Weights::new();
    for (original, tensor) in weights {
        let name = name(original, config.use_sdp)?;
        let tensor = if original.contains(".attn_layers.") && original.ends_with(".weight") {
            tensor.squeeze(2)?
        } else {
            tensor.clone()
        };
        if let Some(module) = name.strip_suffix("weight_g") {
            state.insert(format!("{module}{g}"), tensor);
        } else if let Some(module) = name.strip_suffix("weight_v") {
            state.insert(format!("{module}{v}"), tensor);
        } else if let Some(module) = name.strip_suffix("weight").filter(|name| name.contains(".wavenet.")) {
            let norm = tensor.sqr()?.sum_keepdim((1, 2))?.sqrt()?;
            state.insert(format!("{module}{g}"), norm);
            state.insert(format!("{module}{v}"), tensor);
        } else {
            state.insert(name, tensor);
        }
    }
    Ok(state)
}

/// `VitsModel`'s name of the original's tensor `name`.
fn name(name: &str, use_sdp: bool) -> Result<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let index = |i: &str| -> Result<usize> { Ok(i.parse()?) };
    let all = |prefix: &str, rest: &[&str], rename: fn(&str) -> &str| {
        let rest: Vec<&str> = rest.iter().map(|part| rename(part)).collect();
        format!("{prefix}.{}", rest.join("."))
    };
    Ok(match &parts[..] {
        ["emb_g", rest @ ..] => all("embed_speaker", rest, parameter),
        ["enc_p", "emb", rest @ ..] => all("text_encoder.embed_tokens", rest, parameter),
        ["enc_p", "proj", rest @ ..] => all("text_encoder.project", rest, parameter),
        ["enc_p", "encoder", list, i, rest @ ..] => {
            let module = match *list {
                "attn_layers" => "attention",
                "ffn_layers" => "feed_forward",
                "norm_layers_1" => "layer_norm",
                _ => "final_layer_norm",
            };
            all(&format!("text_encoder.encoder.layers.{i}.{module}"), rest, attention)
        }
        ["dp", "flows", i, rest @ ..] => {
            all(&format!("duration_predictor.flows.{}", index(i)?.div_ceil(2)), rest, coupling)
        }
        ["dp", rest @ ..] if use_sdp => all("duration_predictor", rest, coupling),
        ["dp", rest @ ..] => all("duration_predictor", rest, parameter),
        ["flow", "flows", i, rest @ ..] => all(&format!("flow.flows.{}", index(i)? / 2), rest, coupling),
        ["dec", "ups", rest @ ..] => all("decoder.upsampler", rest, parameter),
        ["dec", rest @ ..] => all("decoder", rest, parameter),
        _ => bail!("{name} is no tensor of the original"),
    })
}

fn parameter(part: &str) -> &str {
    match part {
        "gamma" => "weight",
        "beta" => "bias",
        "m" => "translate",
        "logs" => "log_scale",
        other => other,
    }
}

fn attention(part: &str) -> &str {
    match part {
        "conv_q" => "q_proj",
        "conv_k" => "k_proj",
        "conv_v" => "v_proj",
        "conv_o" => "out_proj",
        other => parameter(other),
    }
}

fn coupling(part: &str) -> &str {
    match part {
        "pre" => "conv_pre",
        "post" => "conv_post",
        "proj" => "conv_proj",
        "convs" => "conv_dds",
        "convs_sep" => "convs_dilated",
        "convs_1x1" => "convs_pointwise",
        "enc" => "wavenet",
        other => parameter(other),
    }
}

/// `config.json` of `VitsModel`.
pub(super) fn config_json(config: &Config) -> Value {
    json!({
        "model_type": "vits", "architectures": ["VitsModel"], "vocab_size": config.n_vocab, "hidden_size": config.hidden_channels,
        "num_hidden_layers": config.n_layers, "num_attention_heads": config.n_heads, "window_size": config.window_size,
        "ffn_dim": config.filter_channels, "ffn_kernel_size": config.kernel_size, "flow_size": config.inter_channels,
        "use_stochastic_duration_prediction": config.use_sdp, "num_speakers": config.n_speakers,
        "speaker_embedding_size": config.gin_channels, "upsample_initial_channel": config.upsample_initial_channel,
        "upsample_rates": config.upsample_rates, "upsample_kernel_sizes": config.upsample_kernel_sizes,
        "resblock_kernel_sizes": config.resblock_kernel_sizes, "resblock_dilation_sizes": config.resblock_dilation_sizes,
        "duration_predictor_kernel_size": config.dp_kernel_size, "prior_encoder_num_flows": config.n_flows,
        "prior_encoder_num_wavenet_layers": config.flow_layers, "wavenet_kernel_size": config.flow_kernel_size,
        "wavenet_dilation_rate": 1, "hidden_act": "relu", "leaky_relu_slope": 0.1, "layer_norm_eps": 1e-5,
        "sampling_rate": config.sampling_rate
    })
}

/// The generator with every channel twice, whose second half is nothing between residual blocks: so a `VitsModel`, whose blocks are of the first kind only,
/// computes what blocks of the second kind do. A step `x + convs(leaky(x))` is `x + convs2(leaky(convs1(leaky(x))))` when convs1 gives `[y; −y]`, because
/// leaky(y) − leaky(−y) is 1.1·y.
pub(super) fn doubled(weights: &Weights) -> Result<Weights> {
    let mut wide = Weights::new();
    for (name, tensor) in weights {
        let more = |tensor: &Tensor, axis: usize| tensor.pad_with_zeros(axis, 0, tensor.dims()[axis]);
        let twin = |part: &str| name.replace(".convs.", &format!(".{part}."));
        if name.starts_with("dec.resblocks.") {
            let both = Tensor::cat(&[tensor, &tensor.neg()?], 0)?;
            if name.ends_with(".weight") {
                wide.insert(twin("convs1"), more(&both, 1)?);
                wide.insert(twin("convs2"), difference(tensor.dim(0)?, tensor.dim(2)?)?);
            } else {
                wide.insert(twin("convs2"), both.zeros_like()?);
                wide.insert(twin("convs1"), both);
            }
        } else if name == "dec.conv_post.weight" {
            wide.insert(name.clone(), more(tensor, 1)?);
        } else if name.starts_with("dec.ups.") && name.ends_with(".weight") {
            wide.insert(name.clone(), more(&more(tensor, 0)?, 1)?);
        } else if name.starts_with("dec.") {
            wide.insert(name.clone(), more(tensor, 0)?);
        } else {
            wide.insert(name.clone(), tensor.clone());
        }
    }
    Ok(wide)
}

/// A convolution `(2c, 2c, K)` of its middle tap alone: the first half of the channels less the second, over 1.1.
fn difference(channels: usize, kernel: usize) -> Result<Tensor> {
    let one = (Tensor::eye(channels, DType::F32, &Device::Cpu)? / 1.1)?;
    let row = Tensor::cat(&[&one, &one.neg()?], 1)?;
    let middle = row.pad_with_zeros(0, 0, channels)?.unsqueeze(2)?;
    Ok(middle.pad_with_zeros(2, kernel / 2, kernel / 2)?)
}
