//! `VitsModel` of Hugging Face's transformers, as MMS-TTS is published: a folder with `config.json`, `vocab.json`,
//! `tokenizer_config.json` and the weights.
//!
//! Names map to the original ones as transformers' own conversion (`convert_original_checkpoint.py` of `models/vits`) maps them the
//! other way.

use super::config::{MmsText, TAIL_BOUND, Text};
use super::read::{Description, declared, unusable};
use super::shapes::Settings;
use crate::ConvertError;
use crate::config::{ConfigKind, expect_kind, read_json, read_text};
use crate::convert::{Options, language_tag};
use crate::tensor::Tensor;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Sizes that `config.json` declares and shapes show.
const DECLARED: [(&str, &str); 15] = [
    ("vocab_size", "n_vocab"),
    ("flow_size", "inter_channels"),
    ("hidden_size", "hidden_channels"),
    ("ffn_dim", "filter_channels"),
    ("num_attention_heads", "n_heads"),
    ("num_hidden_layers", "n_layers"),
    ("ffn_kernel_size", "kernel_size"),
    ("window_size", "window_size"),
    ("resblock_kernel_sizes", "resblock_kernel_sizes"),
    ("upsample_initial_channel", "upsample_initial_channel"),
    ("upsample_kernel_sizes", "upsample_kernel_sizes"),
    ("use_stochastic_duration_prediction", "use_sdp"),
    ("prior_encoder_num_wavenet_layers", "flow_layers"),
    ("wavenet_kernel_size", "flow_kernel_size"),
    ("prior_encoder_num_flows", "n_flows"),
];

/// Sizes of the stochastic duration predictor.
const DECLARED_OF_SDP: [(&str, &str); 3] = [
    ("duration_predictor_kernel_size", "dp_kernel_size"),
    ("duration_predictor_num_flows", "dp_n_flows"),
    ("duration_predictor_flow_bins", "dp_num_bins"),
];

/// The keys of `config.json` that shapes do not show. Defaults are those of `VitsConfig`.
#[derive(Deserialize)]
struct Config {
    upsample_rates: Vec<usize>,
    resblock_dilation_sizes: Vec<Vec<usize>>,
    sampling_rate: u32,
    num_speakers: Option<usize>,
    use_stochastic_duration_prediction: Option<bool>,
    duration_predictor_tail_bound: Option<f64>,
    noise_scale: Option<f64>,
    noise_scale_duration: Option<f64>,
    speaking_rate: Option<f64>,
}

/// `tokenizer_config.json`. Defaults are those of `VitsTokenizer`.
#[derive(Deserialize)]
struct Tokenizer {
    add_blank: Option<bool>,
    normalize: Option<bool>,
    is_uroman: Option<bool>,
    phonemize: Option<bool>,
    pad_token: Option<Token>,
    language: Option<String>,
}

/// A token by itself, or with how it is stripped.
#[derive(Deserialize)]
#[serde(untagged)]
enum Token {
    Text(String),
    Added { content: String },
}

/// Reads the files beside the weights `path`.
///
/// # Errors
/// One is missing, lacks a key, or is of another kind of model.
pub(super) fn describe(path: &Path, options: &Options) -> Result<Description, ConvertError> {
    let config_path = options.config.clone().unwrap_or_else(|| path.with_file_name("config.json"));
    let upstream = read_json(&config_path, "it has the sizes of the VitsModel")?;
    expect_kind(&config_path, &upstream, ConfigKind::HfVits)?;
    check_fixed(&config_path, &upstream)?;
    let config = Config::deserialize(&upstream).map_err(|e| unusable(&config_path, e))?;
    let mut declared = declared(&upstream, &DECLARED);
    if config.use_stochastic_duration_prediction.unwrap_or(true) {
        declared.extend(super::read::declared(&upstream, &DECLARED_OF_SDP));
    }
    let n_speakers = config.num_speakers.unwrap_or(1).max(1);
    declared.push(("num_speakers".into(), "n_speakers", json!(n_speakers)));
    let text = read_text_settings(path, options)?;
    let speaking_rate = config.speaking_rate.unwrap_or(1.0);
    Ok(Description {
        path: config_path,
        declared,
        languages: text.language.iter().map(|l| language_tag(l)).collect(),
        license: license(path, &upstream),
        settings: Settings {
            upsample_rates: config.upsample_rates,
            resblock_dilation_sizes: config.resblock_dilation_sizes,
            dp_tail_bound: config.duration_predictor_tail_bound.unwrap_or(TAIL_BOUND),
            sampling_rate: config.sampling_rate,
            noise_scale: config.noise_scale.unwrap_or(0.667),
            length_scale: 1.0 / speaking_rate,
            noise_scale_w: config.noise_scale_duration.unwrap_or(0.8),
            text: Text::Mms(text),
            upstream,
        },
    })
}

/// Refuses what `VitsConfig` can say but no graph of ours does.
fn check_fixed(path: &Path, config: &Value) -> Result<(), ConvertError> {
    let fixed = [
        ("hidden_act", json!("relu")),
        ("leaky_relu_slope", json!(0.1)),
        ("layer_norm_eps", json!(1e-5)),
        ("wavenet_dilation_rate", json!(1)),
        ("depth_separable_channels", json!(2)),
        ("depth_separable_num_layers", json!(3)),
    ];
    match fixed.iter().find(|(key, value)| config.get(key).is_some_and(|v| v != value)) {
        Some((key, value)) => Err(unusable(path, format!("`{key}` is {}, but only {value} is supported", config[key]))),
        None => Ok(()),
    }
}

fn read_text_settings(path: &Path, options: &Options) -> Result<MmsText, ConvertError> {
    let parsed = |name: &str, purpose: &str| -> Result<_, ConvertError> {
        let path = path.with_file_name(name);
        Ok((read_json(&path, purpose)?, path))
    };
    let (vocab, vocab_path) = parsed("vocab.json", "it has the symbols of the model")?;
    let vocab: BTreeMap<String, u32> = Deserialize::deserialize(vocab).map_err(|e| unusable(&vocab_path, e))?;
    let (tokenizer, path) = parsed("tokenizer_config.json", "it says how text becomes symbols")?;
    let tokenizer = Tokenizer::deserialize(tokenizer).map_err(|e| unusable(&path, e))?;
    Ok(MmsText {
        vocab,
        add_blank: tokenizer.add_blank.unwrap_or(true),
        normalize: tokenizer.normalize.unwrap_or(true),
        is_uroman: tokenizer.is_uroman.unwrap_or(false),
        phonemize: tokenizer.phonemize.unwrap_or(true),
        pad_token: tokenizer.pad_token.map(|token| match token {
            Token::Text(text) | Token::Added { content: text } => text,
        }),
        language: options.language.clone().or(tokenizer.language),
        speaker_id_map: BTreeMap::new(),
    })
}

/// The licence by the model card's header, or that of MMS-TTS when the configuration says it is one.
fn license(path: &Path, config: &Value) -> Option<String> {
    let card = read_text(&path.with_file_name("README.md"), "it is the model card").unwrap_or_default();
    let header = card.strip_prefix("---").and_then(|rest| rest.split_once("\n---")).map(|(header, _)| header);
    let stated = header.and_then(|h| h.lines().find_map(|line| line.strip_prefix("license:")));
    let stated = stated.map(|l| l.trim().trim_matches(['"', '\''])).filter(|l| !l.is_empty());
    let is_mms = || config.get("_name_or_path")?.as_str()?.starts_with("facebook/mms-tts").then_some("cc-by-nc-4.0");
    // The hub writes SPDX identifiers in lower case.
    stated.or_else(is_mms).map(|license| match license {
        "apache-2.0" => "Apache-2.0".into(),
        "mit" => "MIT".into(),
        cc if cc.starts_with("cc") => cc.to_uppercase(),
        other => other.into(),
    })
}

/// A tensor of `VitsModel` under its original name and in its original shape; `None` when it is no tensor of `VitsModel`.
pub(super) fn original(name: &str, mut tensor: Tensor) -> Option<(String, Tensor)> {
    let parts: Vec<&str> = name.split('.').collect();
    let name = match &parts[..] {
        ["text_encoder", rest @ ..] => text_encoder(rest)?,
        ["duration_predictor", rest @ ..] => duration_predictor(rest)?,
        ["flow", "flows", i, rest @ ..] => coupling(i.parse().ok()?, rest)?,
        ["decoder", "upsampler", rest @ ..] => join("dec.ups", rest),
        ["decoder", rest @ ..] => join("dec", rest),
        ["posterior_encoder", rest @ ..] => join("enc_q", rest),
        ["embed_speaker", rest @ ..] => join("emb_g", rest),
        _ => return None,
    };
    // Linear layers were convolutions of one tap.
    if name.contains(".attn_layers.") && name.ends_with(".weight") && tensor.shape.len() == 2 {
        tensor.shape.push(1);
    }
    Some((name, tensor))
}

fn text_encoder(parts: &[&str]) -> Option<String> {
    Some(match parts {
        ["embed_tokens", rest @ ..] => join("enc_p.emb", rest),
        ["project", rest @ ..] => join("enc_p.proj", rest),
        ["encoder", "layers", i, "attention", part, rest @ ..] => {
            let part = match *part {
                "q_proj" => "conv_q",
                "k_proj" => "conv_k",
                "v_proj" => "conv_v",
                "out_proj" => "conv_o",
                other => other,
            };
            join(&format!("enc_p.encoder.attn_layers.{i}.{part}"), rest)
        }
        ["encoder", "layers", i, "feed_forward", rest @ ..] => join(&format!("enc_p.encoder.ffn_layers.{i}"), rest),
        ["encoder", "layers", i, "layer_norm", part] => format!("enc_p.encoder.norm_layers_1.{i}.{}", norm(part)?),
        ["encoder", "layers", i, "final_layer_norm", part] => {
            format!("enc_p.encoder.norm_layers_2.{i}.{}", norm(part)?)
        }
        _ => return None,
    })
}

fn duration_predictor(parts: &[&str]) -> Option<String> {
    Some(match parts {
        ["flows", "0", part] => format!("dp.flows.0.{}", affine(part)?),
        ["post_flows", "0", part] => format!("dp.post_flows.0.{}", affine(part)?),
        // Between the flows, the original counts those that flip.
        [list @ ("flows" | "post_flows"), i, rest @ ..] => {
            let i: usize = i.parse().ok().filter(|i| (1..=MAX_FLOWS).contains(i))?;
            format!("dp.{list}.{}.{}", 2 * i - 1, separable(rest)?)
        }
        [norm_i @ ("norm_1" | "norm_2"), part] => format!("dp.{norm_i}.{}", norm(part)?),
        [conv @ ("conv_1" | "conv_2" | "proj" | "cond"), rest @ ..] => join(&format!("dp.{conv}"), rest),
        [first, rest @ ..] => match first.strip_prefix("post_") {
            Some(first) => format!("dp.post_{}", separable(&[&[first], rest].concat())?),
            None => format!("dp.{}", separable(parts)?),
        },
        [] => return None,
    })
}

/// `pre`, `convs` and `proj` of a duration predictor or one of its flows.
fn separable(parts: &[&str]) -> Option<String> {
    Some(match parts {
        ["conv_pre", rest @ ..] => join("pre", rest),
        ["conv_proj", rest @ ..] => join("proj", rest),
        ["conv_dds", "convs_dilated", rest @ ..] => join("convs.convs_sep", rest),
        ["conv_dds", "convs_pointwise", rest @ ..] => join("convs.convs_1x1", rest),
        ["conv_dds", norms @ ("norms_1" | "norms_2"), i, part] => format!("convs.{norms}.{i}.{}", norm(part)?),
        _ => return None,
    })
}

fn coupling(i: usize, parts: &[&str]) -> Option<String> {
    let flow = format!("flow.flows.{}", 2 * Some(i).filter(|i| *i <= MAX_FLOWS)?);
    Some(match parts {
        ["conv_pre", rest @ ..] => join(&format!("{flow}.pre"), rest),
        ["conv_post", rest @ ..] => join(&format!("{flow}.post"), rest),
        ["wavenet", rest @ ..] => join(&format!("{flow}.enc"), rest),
        _ => return None,
    })
}

/// Largest index of a flow, far above any real one.
const MAX_FLOWS: usize = 1 << 16;

fn norm(part: &str) -> Option<&'static str> {
    [("weight", "gamma"), ("bias", "beta")].into_iter().find(|(hf, _)| *hf == part).map(|(_, original)| original)
}

fn affine(part: &str) -> Option<&'static str> {
    [("translate", "m"), ("log_scale", "logs")].into_iter().find(|(hf, _)| *hf == part).map(|(_, original)| original)
}

fn join(prefix: &str, rest: &[&str]) -> String {
    let mut name = prefix.to_string();
    for part in rest {
        name.push('.');
        name.push_str(part);
    }
    name
}
