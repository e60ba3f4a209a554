//! Small VITS models, and the files that Piper, transformers and the original's training script would make of them.

use super::onnx::{Graph, Precision, text, varint};
use super::pth::split_weight_norm;
use super::{Weights, random_weights};
use lumivox_convert::vits::{Config, schema};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A model with few channels. `resblock` 2 is a Piper voice of medium quality, 1 of high quality.
pub fn config(resblock: &str, n_speakers: usize, use_sdp: bool) -> Config {
    let dilations = if resblock == "1" { json!([[1, 3, 5], [1, 3, 5]]) } else { json!([[1, 2], [2, 6]]) };
    let config = json!({
        "n_vocab": 6, "inter_channels": 4, "hidden_channels": 4, "filter_channels": 6, "n_heads": 2, "n_layers": 2, "kernel_size": 3,
        "window_size": 2, "resblock": resblock, "resblock_kernel_sizes": [3, 5], "resblock_dilation_sizes": dilations,
        "upsample_rates": [4, 2], "upsample_initial_channel": 8, "upsample_kernel_sizes": [8, 4], "use_sdp": use_sdp,
        "n_speakers": n_speakers, "gin_channels": if n_speakers > 1 { 3 } else { 0 }, "flow_layers": 2, "flow_kernel_size": 3,
        "n_flows": 2, "dp_filter_channels": if use_sdp { 4 } else { 5 }, "dp_kernel_size": 3,
        "dp_n_flows": if use_sdp { 3 } else { 0 }, "dp_num_bins": if use_sdp { 3 } else { 0 }, "dp_tail_bound": 5.0,
        "sampling_rate": 22050, "noise_scale": 0.5, "length_scale": 1.25, "noise_scale_w": 0.75,
        "text": { "kind": "mms", "vocab": { "a": 1 }, "add_blank": true, "normalize": true, "is_uroman": false, "pad_token": null,
            "language": null, "speaker_id_map": {} },
        "upstream": {}
    });
    Config::parse(&config.to_string()).unwrap()
}

/// Random weights of the model.
pub fn weights(config: &Config, seed: u64) -> Weights {
    let mut weights = random_weights(schema(config), seed);
    if config.use_sdp {
        weights.insert("dp.flows.0.logs".into(), (vec![2, 1], vec![0.25, -0.5]));
    }
    weights
}

/// A Piper voice's JSON.
pub fn piper_json(config: &Config) -> Value {
    let speakers: BTreeMap<String, usize> =
        (0..config.n_speakers).filter(|_| config.n_speakers > 1).map(|i| (format!("s{i}"), i)).collect();
    json!({
        "audio": { "sample_rate": 22050, "quality": "medium" }, "espeak": { "voice": "en-us" },
        "inference": { "noise_scale": 0.5, "length_scale": 1.25, "noise_w": 0.75 }, "phoneme_type": "espeak", "phoneme_map": {},
        "phoneme_id_map": { "_": [0], "^": [1], "$": [2], "a": [3], "ˈ": [4], "ʃ": [4, 5] },
        "num_symbols": config.n_vocab, "num_speakers": config.n_speakers, "speaker_id_map": speakers,
        "language": { "code": "en_US", "family": "en" }, "dataset": "test"
    })
}

/// How far constants of a graph are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Export {
    /// As PyTorch exports it: of the affine flow, the negated logarithm.
    Plain,
    /// By onnx-simplifier: the exponential, too.
    Simplified,
}

/// Piper's export by PyTorch.
pub fn piper_onnx(config: &Config, weights: &Weights, precision: Precision) -> Vec<u8> {
    piper_onnx_by(Export::Plain, config, weights, precision)
}

/// Piper's export: weight norm of the flow is folded into constants without names, and the symbol embedding has the name of an
/// input that the graph does without.
pub fn piper_onnx_by(export: Export, config: &Config, weights: &Weights, precision: Precision) -> Vec<u8> {
    let mut graph = Graph::default();
    graph.precision = precision;
    for (name, (shape, data)) in weights {
        let module = name.trim_end_matches(".weight").to_string();
        match name.as_str() {
            "enc_p.emb.weight" => {
                let table = graph.float("sid", shape, data);
                graph.node("Gather", "/enc_p/emb/Gather", &[&table, "input"], "emb");
            }
            "emb_g.weight" => {
                let table = graph.float(name, shape, data);
                graph.node("Gather", "/emb_g/Gather", &[&table, "speaker"], "g");
            }
            "dp.flows.0.logs" => {
                let negated: Vec<f32> = data.iter().map(|v| -v).collect();
                if export == Export::Simplified {
                    let scale: Vec<f32> = negated.iter().map(|v| v.exp()).collect();
                    graph.float("/dp/flows.0/Exp_output_0", shape, &scale);
                } else {
                    let negated = graph.float("onnx::Exp_1", shape, &negated);
                    graph.node("Exp", "/dp/flows.0/Exp", &[&negated], "/dp/flows.0/Exp_output_0");
                }
                let factors = ["/dp/flows.0/Sub_output_0", "/dp/flows.0/Exp_output_0"];
                graph.node("Mul", "/dp/flows.0/Mul", &factors, "affine");
            }
            _ if shape.len() == 3 && name.ends_with(".weight") => {
                let is_folded = module.starts_with("flow.") && module.contains(".enc.");
                let weight = if is_folded { graph.anonymous("onnx::Conv") } else { name.clone() };
                graph.float(&weight, shape, data);
                conv(&mut graph, config, &module, &weight, weights.contains_key(&format!("{module}.bias")));
            }
            _ => drop(graph.float(name, shape, data)),
        }
    }
    // Attention slices constants and compares numbers, none of which are weights.
    graph.float("/enc_p/encoder/Constant_output_0", &[], &[2.0]);
    graph.model()
}

fn conv(graph: &mut Graph, config: &Config, module: &str, weight: &str, has_bias: bool) {
    let bias = format!("{module}.bias");
    let inputs = if has_bias { vec!["x", weight, &bias] } else { vec!["x", weight] };
    let number = |i: usize| -> usize { module.split('.').nth(i).unwrap().parse().unwrap() };
    let (operator, attribute, value) = if module.starts_with("dec.ups") {
        ("ConvTranspose", "strides", config.upsample_rates[number(2)])
    } else if module.starts_with("dec.resblocks") && !module.contains("convs2") {
        let block = number(2) % config.resblock_kernel_sizes.len();
        ("Conv", "dilations", config.resblock_dilation_sizes[block][number(4)])
    } else if module.contains("convs_sep") {
        ("Conv", "dilations", 3usize.pow(module.rsplit('.').next().unwrap().parse().unwrap()))
    } else {
        ("Conv", "dilations", 1)
    };
    let node = format!("{}/{operator}", path(module));
    let attribute = [text(1, attribute), varint(8, value as u64)].concat();
    graph.node_with(operator, &node, &inputs, &node, &attribute);
}

/// The path of a module's nodes: `dec.ups.0` is `/dec/ups.0`.
fn path(module: &str) -> String {
    let mut path = String::new();
    for part in module.split('.') {
        path.push(if part.bytes().all(|b| b.is_ascii_digit()) { '.' } else { '/' });
        path.push_str(part);
    }
    path
}

/// The two names of a weight-normed parameter.
pub type WeightNorm = (&'static str, &'static str);

/// As `torch.nn.utils.weight_norm` has them, and as its parametrization has them.
pub const OLD: WeightNorm = ("weight_g", "weight_v");
pub const NEW: WeightNorm = ("parametrizations.weight.original0", "parametrizations.weight.original1");

/// A state dict from training: weight norm is split, and what only training needs is there.
pub fn original(weights: &Weights) -> Weights {
    let is_normed = |name: &str| {
        let parts = ["enc.in_layers", "enc.res_skip_layers", "enc.cond_layer", "dec.ups", "dec.resblocks"];
        parts.iter().any(|part| name.contains(part))
    };
    let mut dict = split(weights, is_normed, OLD);
    let scalar = || (vec![1, 1, 1], vec![0.5]);
    dict.insert("enc_q.pre.weight".into(), scalar());
    dict.insert("dp.post_pre.weight".into(), scalar());
    dict.insert("dp.flows.1.pre.weight".into(), scalar());
    dict
}

/// The state dict of transformers' `VitsModel`, whose decoder has no weight norm.
pub fn hf(weights: &Weights, names: WeightNorm) -> Weights {
    let mut dict = Weights::new();
    for (name, (mut shape, data)) in split(weights, |name| name.contains(".enc."), names) {
        if name.contains("attn_layers") && name.ends_with(".weight") {
            shape.pop();
        }
        dict.insert(hf_name(&name, weights.contains_key("dp.pre.weight")), (shape, data));
    }
    let scalar = || (vec![1, 1, 1], vec![0.5]);
    for name in [
        "posterior_encoder.conv_pre.weight",
        "duration_predictor.post_conv_pre.weight",
        "duration_predictor.post_conv_dds.norms_1.0.weight",
        "duration_predictor.post_flows.0.translate",
        "duration_predictor.post_flows.2.conv_proj.bias",
        "duration_predictor.flows.1.conv_dds.convs_pointwise.0.weight",
    ] {
        dict.insert(name.into(), scalar());
    }
    dict
}

fn split(weights: &Weights, is_normed: impl Fn(&str) -> bool, (g, v): WeightNorm) -> Weights {
    let mut dict = Weights::new();
    for (name, (shape, data)) in weights {
        match name.strip_suffix("weight").filter(|_| is_normed(name)) {
            Some(module) => {
                let (magnitude, direction) = split_weight_norm(shape, data);
                dict.insert(format!("{module}{g}"), magnitude);
                dict.insert(format!("{module}{v}"), direction);
            }
            None => drop(dict.insert(name.clone(), (shape.clone(), data.clone()))),
        }
    }
    dict
}

/// What transformers calls the original's tensor `name`.
fn hf_name(name: &str, use_sdp: bool) -> String {
    let mut parts: Vec<String> = name.split('.').map(String::from).collect();
    let last = parts.len() - 1;
    let last = match parts[last].as_str() {
        "gamma" => "weight",
        "beta" => "bias",
        "m" => "translate",
        "logs" => "log_scale",
        other => other,
    };
    let last = last.to_string();
    *parts.last_mut().unwrap() = last;
    let half = |i: &str| (i.parse::<usize>().unwrap() / 2).to_string();
    let half_up = |i: &str| i.parse::<usize>().unwrap().div_ceil(2).to_string();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let separable = |rest: &[&str]| {
        let rest = rest.join(".").replace("convs.", "conv_dds.").replace("convs_sep", "convs_dilated");
        rest.replace("convs_1x1", "convs_pointwise").replace("pre.", "conv_pre.").replace("proj.", "conv_proj.")
    };
    match &parts[..] {
        ["emb_g", rest @ ..] => format!("embed_speaker.{}", rest.join(".")),
        ["enc_p", "emb", rest @ ..] => format!("text_encoder.embed_tokens.{}", rest.join(".")),
        ["enc_p", "proj", rest @ ..] => format!("text_encoder.project.{}", rest.join(".")),
        ["enc_p", "encoder", list, i, rest @ ..] => {
            let rest = rest.join(".").replace("conv_q", "q_proj").replace("conv_k", "k_proj");
            let rest = rest.replace("conv_v", "v_proj").replace("conv_o", "out_proj");
            let list = match *list {
                "attn_layers" => "attention",
                "ffn_layers" => "feed_forward",
                "norm_layers_1" => "layer_norm",
                _ => "final_layer_norm",
            };
            format!("text_encoder.encoder.layers.{i}.{list}.{rest}")
        }
        ["flow", "flows", i, "enc", rest @ ..] => format!("flow.flows.{}.wavenet.{}", half(i), rest.join(".")),
        ["flow", "flows", i, rest @ ..] => format!("flow.flows.{}.conv_{}", half(i), rest.join(".")),
        ["dec", "ups", rest @ ..] => format!("decoder.upsampler.{}", rest.join(".")),
        ["dec", rest @ ..] => format!("decoder.{}", rest.join(".")),
        ["dp", "flows", i, rest @ ..] => format!("duration_predictor.flows.{}.{}", half_up(i), separable(rest)),
        ["dp", first @ ("pre" | "proj" | "convs"), rest @ ..] if use_sdp => {
            format!("duration_predictor.{}", separable(&[&[*first], rest].concat()))
        }
        ["dp", rest @ ..] => format!("duration_predictor.{}", rest.join(".")),
        _ => panic!("{name} is in no model"),
    }
}

/// `config.json` of transformers.
pub fn hf_json(config: &Config) -> Value {
    json!({
        "model_type": "vits", "architectures": ["VitsModel"], "vocab_size": config.n_vocab, "flow_size": config.inter_channels,
        "hidden_size": config.hidden_channels, "ffn_dim": config.filter_channels, "num_attention_heads": config.n_heads,
        "num_hidden_layers": config.n_layers, "ffn_kernel_size": config.kernel_size, "window_size": config.window_size,
        "resblock_kernel_sizes": config.resblock_kernel_sizes, "resblock_dilation_sizes": config.resblock_dilation_sizes,
        "upsample_rates": config.upsample_rates, "upsample_kernel_sizes": config.upsample_kernel_sizes,
        "upsample_initial_channel": config.upsample_initial_channel, "num_speakers": config.n_speakers,
        "speaker_embedding_size": config.gin_channels, "prior_encoder_num_wavenet_layers": config.flow_layers,
        "prior_encoder_num_flows": config.n_flows, "wavenet_kernel_size": config.flow_kernel_size, "wavenet_dilation_rate": 1,
        "use_stochastic_duration_prediction": config.use_sdp, "duration_predictor_num_flows": 3, "duration_predictor_flow_bins": 3,
        "duration_predictor_kernel_size": 3, "duration_predictor_tail_bound": 5.0, "hidden_act": "relu", "leaky_relu_slope": 0.1,
        "layer_norm_eps": 1e-5, "sampling_rate": 22050, "noise_scale": 0.5, "noise_scale_duration": 0.75, "speaking_rate": 0.8
    })
}

/// `config.json` of the original.
pub fn original_json(config: &Config) -> Value {
    json!({
        "train": { "segment_size": 8192 },
        "data": { "sampling_rate": 22050, "add_blank": true, "n_speakers": config.n_speakers, "training_files": "train.uroman" },
        "model": {
            "inter_channels": config.inter_channels, "hidden_channels": config.hidden_channels,
            "filter_channels": config.filter_channels, "n_heads": config.n_heads, "n_layers": config.n_layers,
            "kernel_size": config.kernel_size, "p_dropout": 0.1, "resblock": config.resblock,
            "resblock_kernel_sizes": config.resblock_kernel_sizes, "resblock_dilation_sizes": config.resblock_dilation_sizes,
            "upsample_rates": config.upsample_rates, "upsample_initial_channel": config.upsample_initial_channel,
            "upsample_kernel_sizes": config.upsample_kernel_sizes, "n_layers_q": 3, "use_spectral_norm": false
        }
    })
}

/// A safetensors file of `weights`.
pub fn safetensors(weights: &Weights) -> Vec<u8> {
    use safetensors::{Dtype, tensor::TensorView};
    let bytes: Vec<Vec<u8>> =
        weights.values().map(|(_, data)| data.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = weights
        .iter()
        .zip(&bytes)
        .map(|((name, (shape, _)), bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}
