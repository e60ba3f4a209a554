//! Reading the JSON files that lie beside checkpoints, and telling whose they are.

use crate::ConvertError;
use crate::convert::read_file_within;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Largest text file that is read; vocabularies have a few kB. Parsed, JSON can take 20 times its length.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Which model a configuration is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigKind {
    Kokoro,
    Piper,
    Vits,
    HfVits,
}

impl ConfigKind {
    fn of(config: &Value) -> Option<Self> {
        let has = |key: &str| config.get(key).is_some();
        let is_hf = config.get("model_type").and_then(Value::as_str) == Some("vits");
        [
            (has("istftnet"), Self::Kokoro),
            (has("phoneme_id_map"), Self::Piper),
            (is_hf, Self::HfVits),
            (has("model") && has("data"), Self::Vits),
        ]
        .into_iter()
        .find_map(|(is, kind)| is.then_some(kind))
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Kokoro => "Kokoro",
            Self::Piper => "a Piper voice",
            Self::Vits => "an original VITS model",
            Self::HfVits => "a VitsModel of transformers",
        }
    }
}

/// Reads a JSON file. `purpose` says what it is for, should it be missing.
///
/// # Errors
/// The file cannot be read or is not JSON.
pub(crate) fn read_json(path: &Path, purpose: &str) -> Result<Value, ConvertError> {
    let bytes = read_text(path, purpose)?;
    serde_json::from_str(&bytes).map_err(|e| ConvertError::Config(format!("{} is not valid JSON: {e}", path.display())))
}

/// Whether there is anything by the name `path`. What is there but cannot be read counts, so that it is an error and not passed over.
pub(crate) fn is_present(path: &Path) -> bool {
    !path.symlink_metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound)
}

/// Reads a text file. `purpose` says what it is for, should it be missing.
///
/// # Errors
/// The file cannot be read or is not UTF-8.
pub(crate) fn read_text(path: &Path, purpose: &str) -> Result<String, ConvertError> {
    if !is_present(path) {
        return Err(ConvertError::Needed { path: path.to_path_buf(), purpose: purpose.into() });
    }
    String::from_utf8(read_file_within(path, MAX_TEXT_BYTES)?)
        .map_err(|_| ConvertError::Config(format!("{} is not UTF-8 text", path.display())))
}

/// Refuses a configuration of another model than `wanted`. One that belongs to none that is known is left to who parses it.
///
/// # Errors
/// `config` is another model's.
pub(crate) fn expect_kind(path: &Path, config: &Value, wanted: ConfigKind) -> Result<(), ConvertError> {
    match ConfigKind::of(config) {
        Some(kind) if kind != wanted => Err(ConvertError::Config(format!(
            "{} is for {}, but the checkpoint is {}",
            path.display(),
            kind.describe(),
            wanted.describe()
        ))),
        _ => Ok(()),
    }
}

/// `path` with `suffix` after its whole name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    path.with_file_name(name)
}
