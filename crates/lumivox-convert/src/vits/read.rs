//! A VITS checkpoint as a whole.

use super::config::Config;
use super::shapes::{self, Settings};
use super::{hf, original, piper, schema};
use crate::ConvertError;
use crate::checkpoint::{Checkpoint, Upstream, read_safetensors};
use crate::convert::{ConfigOrigin, Conversion, Options, SourceKind};
use crate::model_file::Family;
use crate::state_dict::{StateDict, check, fold_weight_norm};
use crate::tensor::Tensor;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Modules of the original implementation, the first component of every name.
const ROOTS: [&str; 6] = ["enc_p", "enc_q", "dp", "flow", "dec", "emb_g"];

/// The licence of a checkpoint that states none.
const UNKNOWN_LICENSE: &str = "unknown";

/// What the files beside a checkpoint say.
pub(super) struct Description {
    /// The configuration.
    pub(super) path: PathBuf,
    /// What shapes do not show.
    pub(super) settings: Settings,
    /// What shapes show as well: key of the configuration, our key, value. They must agree.
    pub(super) declared: Vec<(String, &'static str, Value)>,
    pub(super) languages: Vec<String>,
    pub(super) license: Option<String>,
}

/// Reads the VITS checkpoint `path`.
///
/// # Errors
/// The checkpoint or a file that belongs to it is damaged, incomplete, or of another model.
pub(crate) fn read(
    checkpoint: Checkpoint<'_>,
    upstream: Upstream,
    path: &Path,
    options: &Options,
) -> Result<Conversion, ConvertError> {
    if let Some(voice) = options.voices.first() {
        let reason = "the checkpoint is a VITS model, which has no voice files".into();
        return Err(ConvertError::Voice { path: voice.clone(), reason });
    }
    let is_hf = upstream == Upstream::HfVits;
    let (kind, tensors, description) = match checkpoint {
        Checkpoint::Onnx(graph) => {
            let found = piper::read(&graph)?;
            let kind = if found.half_precision { SourceKind::OnnxF16 } else { SourceKind::OnnxF32 };
            let description = piper::describe(path, options, &found)?;
            (kind, found.tensors, description)
        }
        Checkpoint::Pth(mut pth) => (SourceKind::Pth, rename(pth.tensors()?, is_hf)?, describe(path, options, is_hf)?),
        Checkpoint::Safetensors(file) => {
            (SourceKind::Safetensors, rename(read_safetensors(&file), is_hf)?, describe(path, options, is_hf)?)
        }
    };
    let mut conversion = finish(kind, tensors, description, path)?;
    if options.license.is_none() && conversion.license == UNKNOWN_LICENSE {
        conversion.warnings.push("the checkpoint does not state its licence".into());
    }
    Ok(conversion)
}

fn describe(path: &Path, options: &Options, is_hf: bool) -> Result<Description, ConvertError> {
    if is_hf { hf::describe(path, options) } else { original::describe(path, options) }
}

fn finish(
    kind: SourceKind,
    mut tensors: StateDict,
    description: Description,
    path: &Path,
) -> Result<Conversion, ConvertError> {
    drop_unused(&mut tensors);
    if tensors.is_empty() {
        let reason = "has only tensors that training needs; those of the synthesizer are missing".into();
        return Err(ConvertError::NotRecognised { path: path.to_path_buf(), reason });
    }
    let zero_rows = fold_weight_norm(&mut tensors)?;
    let config = shapes::config(&tensors, description.settings)?;
    agree(&config, &description.declared, &description.path)?;
    config.check()?;
    check(&schema(&config), &tensors)?;
    Ok(Conversion {
        family: Family::Vits,
        kind,
        tensors,
        voices: BTreeMap::new(),
        sample_rate_hz: config.sampling_rate,
        config: json!(config).to_string(),
        config_origin: ConfigOrigin::File(description.path),
        languages: description.languages,
        warnings: Vec::new(),
        license: description.license.unwrap_or_else(|| UNKNOWN_LICENSE.into()),
        dequantized: BTreeMap::new(),
        zero_rows,
    })
}

/// Brings a state dict's names to the original ones.
fn rename(found: StateDict, is_hf: bool) -> Result<StateDict, ConvertError> {
    let mut tensors = StateDict::new();
    for (name, tensor) in found {
        let renamed = if is_hf { hf::original(&name, tensor) } else { rooted(&name).map(|n| (n, tensor)) };
        let Some((name, tensor)) = renamed else { return Err(ConvertError::Extra { name, count: 1 }) };
        insert(&mut tensors, name, tensor)?;
    }
    Ok(tensors)
}

/// `name` from its root on: wrappers put `module.` or the like before it.
pub(super) fn rooted(name: &str) -> Option<String> {
    let components: Vec<&str> = name.split('.').collect();
    let start = components.iter().position(|c| ROOTS.contains(c))?;
    Some(components[start..].join("."))
}

/// Adds a tensor that may be there already, if it is the same.
pub(super) fn insert(tensors: &mut StateDict, name: String, tensor: Tensor) -> Result<(), ConvertError> {
    match tensors.get(&name) {
        Some(known) if *known != tensor => Err(ConvertError::Conflict { name }),
        _ => {
            tensors.insert(name, tensor);
            Ok(())
        }
    }
}

/// Removes what synthesis never reads: the posterior encoder, the posterior of the stochastic duration predictor, the flow that its
/// inverse leaves out, and conditioning on the speaker where there is but one.
fn drop_unused(tensors: &mut StateDict) {
    let is_multi_speaker = tensors.contains_key("emb_g.weight");
    let is_unused = |name: &str| {
        let training = ["enc_q.", "dp.post_", "dp.flows.1."].iter().any(|prefix| name.starts_with(prefix));
        training || !is_multi_speaker && name.split('.').any(|c| matches!(c, "cond" | "cond_layer"))
    };
    tensors.retain(|name, _| !is_unused(name));
}

/// Compares what the configuration declares with what the tensors show.
fn agree(config: &Config, declared: &[(String, &'static str, Value)], path: &Path) -> Result<(), ConvertError> {
    let shown = json!(config);
    match declared.iter().find(|(_, ours, value)| &shown[ours] != value) {
        Some((key, ours, value)) => Err(ConvertError::Config(format!(
            "`{key}` of {} is {value}, but the tensors show {}; it belongs to another model",
            path.display(),
            shown[ours]
        ))),
        None => Ok(()),
    }
}

/// The pairs of keys of [`Description::declared`] that `section` of a configuration has.
pub(super) fn declared(section: &Value, keys: &[(&str, &'static str)]) -> Vec<(String, &'static str, Value)> {
    let found = keys.iter().filter_map(|&(key, ours)| Some((key.to_string(), ours, section.get(key)?.clone())));
    found.filter(|(_, _, value)| !value.is_null()).collect()
}

/// An error about the configuration `path`.
pub(super) fn unusable(path: &Path, reason: impl std::fmt::Display) -> ConvertError {
    ConvertError::Config(format!("{}: {reason}", path.display()))
}
