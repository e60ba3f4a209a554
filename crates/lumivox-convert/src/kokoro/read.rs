//! A Kokoro checkpoint as a whole: its configuration, tensors and voices.

use super::{Config, SAMPLE_RATE_HZ, onnx, schema, state_dict, voice_language, voices};
use crate::checkpoint::Checkpoint;
use crate::config::{ConfigKind, expect_kind, is_present, read_json, with_suffix};
use crate::convert::{ConfigOrigin, Conversion, Options, SourceKind};
use crate::model_file::Family;
use crate::schema::Schema;
use crate::state_dict::StateDict;
use crate::{ConvertError, pth::Pth};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Reads the Kokoro checkpoint `path`.
///
/// # Errors
/// The checkpoint, its configuration or a voice is damaged or incomplete.
pub(crate) fn read(checkpoint: Checkpoint<'_>, path: &Path, options: &Options) -> Result<Conversion, ConvertError> {
    let (config_json, config_origin) = read_config(path, options)?;
    let config = Config::parse(&config_json)?;
    let schema = schema(&config);
    let found = read_tensors(checkpoint, path, &schema)?;
    let (tensors, zero_rows) = state_dict::finish(&schema, found.tensors)?;
    let voices = voices::read(&voice_paths(path, options), &config)?;
    let voice_names: Vec<&str> = voices.keys().map(String::as_str).collect();
    let no_voices = "no voices were given, so the model cannot speak; convert again with voices";
    Ok(Conversion {
        family: Family::Kokoro,
        kind: found.kind,
        languages: languages(&voice_names),
        warnings: voices.is_empty().then(|| no_voices.into()).into_iter().collect(),
        tensors,
        voices,
        config: config_json,
        config_origin,
        license: "Apache-2.0".into(),
        sample_rate_hz: SAMPLE_RATE_HZ,
        dequantized: found.dequantized,
        zero_rows,
    })
}

/// Tensors before folding.
struct Found {
    kind: SourceKind,
    tensors: StateDict,
    dequantized: BTreeMap<String, usize>,
}

fn read_tensors(checkpoint: Checkpoint<'_>, path: &Path, schema: &Schema) -> Result<Found, ConvertError> {
    match checkpoint {
        Checkpoint::Onnx(graph) => {
            let found = onnx::read(&graph, schema)?;
            let kind = match (found.dequantized.is_empty(), found.half_precision) {
                (false, _) => SourceKind::OnnxInt8,
                (true, true) => SourceKind::OnnxF16,
                (true, false) => SourceKind::OnnxF32,
            };
            Ok(Found { kind, tensors: found.tensors, dequantized: found.dequantized })
        }
        Checkpoint::Pth(pth) => {
            Ok(Found { kind: SourceKind::Pth, tensors: read_pth(pth, schema)?, dequantized: BTreeMap::new() })
        }
        Checkpoint::Safetensors(_) => Err(ConvertError::NotRecognised {
            path: path.to_path_buf(),
            reason: "is a safetensors file of no supported model; Kokoro is read from .pth and .onnx".into(),
        }),
    }
}

/// Tensors of a `.pth` under schema names: `decoder` → `module.encode.conv1.weight_g` is `decoder.encode.conv1.weight_g`.
fn read_pth(mut pth: Pth<'_>, schema: &Schema) -> Result<StateDict, ConvertError> {
    let mut tensors = StateDict::new();
    for (path, tensor) in pth.tensors()? {
        let components: Vec<&str> = path.split('.').filter(|c| *c != "module").collect();
        let name = state_dict::resolve(schema, &components, "");
        let Some(name) = name else { return Err(ConvertError::Extra { name: path, count: 1 }) };
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(ConvertError::Conflict { name });
        }
    }
    Ok(tensors)
}

fn read_config(path: &Path, options: &Options) -> Result<(String, ConfigOrigin), ConvertError> {
    let purpose = "it was given as the configuration";
    if let Some(given) = &options.config {
        let config = read_json(given, purpose)?;
        expect_kind(given, &config, ConfigKind::Kokoro)?;
        return Ok((config.to_string(), ConfigOrigin::File(given.clone())));
    }
    // A file of Piper's beside the checkpoint says that it was meant to be another.
    let of_piper = with_suffix(path, ".json");
    if is_present(&of_piper) {
        expect_kind(&of_piper, &read_json(&of_piper, purpose)?, ConfigKind::Kokoro)?;
    }
    // ONNX repositories have a `config.json` too, which says nothing about the network; such a one is passed over.
    let sibling = path.with_file_name("config.json");
    if is_present(&sibling) {
        let config = read_json(&sibling, "it lies beside the checkpoint")?;
        if config.get("istftnet").is_some() {
            return Ok((config.to_string(), ConfigOrigin::File(sibling)));
        }
    }
    Ok((minified(Config::embedded_json())?, ConfigOrigin::Embedded))
}

/// The same JSON without white space, its keys in their order.
fn minified(json: &str) -> Result<String, ConvertError> {
    let value: Value = serde_json::from_str(json).map_err(|e| ConvertError::Config(e.to_string()))?;
    Ok(value.to_string())
}

fn voice_paths(path: &Path, options: &Options) -> Vec<PathBuf> {
    if !options.voices.is_empty() {
        return options.voices.clone();
    }
    Some(path.with_file_name("voices")).filter(|p| p.is_dir()).into_iter().collect()
}

fn languages(voices: &[&str]) -> Vec<String> {
    let languages: BTreeSet<&str> = voices.iter().filter_map(|v| voice_language(v)).collect();
    languages.into_iter().map(String::from).collect()
}
