//! Checkpoints of the original implementation, as MMS-TTS was first published: `G_*.pth`, `config.json` and `vocab.txt`.

use super::config::{MmsText, TAIL_BOUND, Text};
use super::read::{Description, declared, unusable};
use super::shapes::Settings;
use crate::ConvertError;
use crate::config::{ConfigKind, expect_kind, read_json, read_text};
use crate::convert::Options;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Sizes that the `model` section declares and shapes show, under the same names.
const DECLARED: [&str; 11] = [
    "inter_channels",
    "hidden_channels",
    "filter_channels",
    "n_heads",
    "n_layers",
    "kernel_size",
    "resblock",
    "resblock_kernel_sizes",
    "upsample_initial_channel",
    "upsample_kernel_sizes",
    "use_sdp",
];

/// The keys of `config.json` that shapes do not show.
#[derive(Deserialize)]
struct Config {
    model: Model,
    data: Data,
}

#[derive(Deserialize)]
struct Model {
    upsample_rates: Vec<usize>,
    resblock_dilation_sizes: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct Data {
    sampling_rate: u32,
    add_blank: bool,
    n_speakers: Option<usize>,
    training_files: Option<String>,
}

/// Reads the files beside the weights `path`.
///
/// # Errors
/// One is missing, lacks a key, or is of another kind of model.
pub(super) fn describe(path: &Path, options: &Options) -> Result<Description, ConvertError> {
    let config_path = options.config.clone().unwrap_or_else(|| path.with_file_name("config.json"));
    let upstream = read_json(&config_path, "it has the sizes of the VITS model")?;
    expect_kind(&config_path, &upstream, ConfigKind::Vits)?;
    let Config { model, data } = Config::deserialize(&upstream).map_err(|e| unusable(&config_path, e))?;
    let vocab_path = path.with_file_name("vocab.txt");
    let symbols = read_text(
        &vocab_path,
        "it has the symbols of the model, one a line; where upstream keeps them in code (text/symbols.py), write them into it",
    )?;
    let symbols: Vec<&str> = symbols.lines().collect();
    let mut declared = declared(&upstream["model"], &DECLARED.map(|key| (key, key)));
    declared.push(("data.n_speakers".into(), "n_speakers", json!(data.n_speakers.unwrap_or(1).max(1))));
    declared.push(("vocab.txt".into(), "n_vocab", json!(symbols.len())));
    // Romanised training data has it in its file names (`train.uroman`); transformers' conversion looks there too.
    let is_uroman = data.training_files.is_some_and(|files| files.rsplit('.').next() == Some("uroman"));
    Ok(Description {
        path: config_path,
        declared,
        languages: Vec::new(),
        license: None,
        settings: Settings {
            upsample_rates: model.upsample_rates,
            resblock_dilation_sizes: model.resblock_dilation_sizes,
            dp_tail_bound: TAIL_BOUND,
            sampling_rate: data.sampling_rate,
            // What MMS-TTS's and the original's own examples use.
            noise_scale: 0.667,
            length_scale: 1.0,
            noise_scale_w: 0.8,
            text: Text::Mms(MmsText {
                vocab: symbols.iter().zip(0..).map(|(symbol, id)| (symbol.to_string(), id)).collect(),
                add_blank: data.add_blank,
                normalize: true,
                is_uroman,
                phonemize: false,
                pad_token: symbols.first().map(|s| s.to_string()),
                language: options.language.clone(),
                speaker_id_map: BTreeMap::new(),
            }),
            upstream,
        },
    })
}
