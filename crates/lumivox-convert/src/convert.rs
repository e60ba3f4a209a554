//! The conversion as a whole: recognise the input, read it, check it, write the model file, report.

use crate::checkpoint::{Checkpoint, Upstream};
use crate::kokoro::{self, VOICE_PREFIX};
use crate::model_file::{Dtype, Family, Metadata, Source, write};
use crate::state_dict::StateDict;
use crate::tensor::Tensor;
use crate::{ConvertError, vits};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest file that is read; the largest known checkpoint of a supported family has 360 MB.
const MAX_INPUT_BYTES: u64 = 2 << 30;

/// How to convert.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The model's configuration. By default the one beside the input: `FILE.onnx.json` of a Piper voice, else `config.json`; for
    /// Kokoro, if there is none, v1.0's own.
    pub config: Option<PathBuf>,
    /// Kokoro's voice files (`.pt`, `.bin`, `.npz`) or folders of them. By default the folder `voices` beside the input, if there is one.
    pub voices: Vec<PathBuf>,
    /// Language tag of the model, for example `en-us`, and for MMS-TTS its ISO 639-3 code. By default what the checkpoint says; an original MMS-TTS checkpoint
    /// does not say it.
    pub language: Option<String>,
    /// Element type of the output.
    pub dtype: Dtype,
    /// SPDX identifier of the weights' licence. By default what the checkpoint or the model card beside it says, else `Apache-2.0` for Kokoro and `unknown`
    /// for VITS.
    pub license: Option<String>,
}

/// What a conversion is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Reading and hashing the input.
    Read,
    /// Mapping tensors.
    Convert,
    /// Writing the output.
    Write,
}

/// Progress of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Bytes done of this stage.
    pub done_bytes: u64,
    /// Bytes of this stage in all.
    pub total_bytes: u64,
}

/// What kind of checkpoint the input was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceKind {
    /// ONNX with 8-bit weights.
    OnnxInt8,
    /// ONNX with 16-bit float weights.
    OnnxF16,
    /// ONNX with 32-bit float weights.
    OnnxF32,
    /// PyTorch's `torch.save`.
    Pth,
    /// Safetensors.
    Safetensors,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnnxInt8 => "onnx-int8",
            Self::OnnxF16 => "onnx-f16",
            Self::OnnxF32 => "onnx-f32",
            Self::Pth => "pth",
            Self::Safetensors => "safetensors",
        })
    }
}

/// Where the configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOrigin {
    /// A file: the one given, or one beside the input.
    File(PathBuf),
    /// Kokoro v1.0's configuration, which is part of this crate; every shape agreed with it.
    Embedded,
}

/// What a conversion did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The file that was converted.
    pub input: PathBuf,
    /// The model file that was written.
    pub output: PathBuf,
    /// The model's family.
    pub family: Family,
    /// What the input was.
    pub kind: SourceKind,
    /// SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// Number of tensors, voices left out.
    pub tensors: usize,
    /// Number of parameters, voices left out.
    pub parameters: usize,
    /// Names of the voices, sorted.
    pub voices: Vec<String>,
    /// Quantisation → number of tensors that were de-quantised from it.
    pub dequantized: BTreeMap<String, usize>,
    /// Where the configuration came from.
    pub config: ConfigOrigin,
    /// SPDX identifier of the weights' licence, the words of the model card, or `unknown`.
    pub license: String,
    /// Element type of the output.
    pub dtype: Dtype,
    /// What a user should know but what is no error.
    pub warnings: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}, sha256 {})", self.input.display(), self.kind, self.sha256)?;
        writeln!(f, "  tensors     {} with {} parameters, {}", self.tensors, self.parameters, self.dtype.as_str())?;
        for (kind, count) in &self.dequantized {
            writeln!(f, "  dequantized {count} from {kind}")?;
        }
        if self.family == Family::Kokoro {
            writeln!(f, "  voices      {}", self.voices.len())?;
        }
        match &self.config {
            ConfigOrigin::File(path) => writeln!(f, "  config      {}", path.display())?,
            ConfigOrigin::Embedded => writeln!(f, "  config      Kokoro v1.0's own")?,
        }
        for warning in &self.warnings {
            writeln!(f, "  warning     {warning}")?;
        }
        write!(f, "  written     {}", self.output.display())
    }
}

/// Converts the checkpoint `input` to the model file `output`. What `input` is, is recognised by its content; it may be a folder
/// that holds one checkpoint.
///
/// The output is complete or absent: it is written under a temporary name in its folder and renamed.
///
/// # Errors
/// The input is not recognised, damaged, or differs in any tensor from what its configuration asks for, or the output cannot be
/// written; see [`ConvertError`].
pub fn convert(
    input: &Path,
    output: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, ConvertError> {
    let mut report_progress = |stage, done_bytes, total_bytes| progress(Progress { stage, done_bytes, total_bytes });
    report_progress(Stage::Read, 0, 0);
    let path = weights_file(input)?;
    let bytes = read_file(&path)?;
    let len = bytes.len() as u64;
    let sha256 = hash(&bytes, &mut |done| report_progress(Stage::Read, done, len));
    report_progress(Stage::Convert, 0, len);
    let mut found = read(&path, bytes, options)?;
    report_progress(Stage::Convert, len, len);

    let (count, parameters) = (found.tensors.len(), found.tensors.values().map(|t| t.data.len()).sum());
    let voices: Vec<String> = found.voices.keys().cloned().collect();
    let mut tensors = found.tensors;
    tensors.extend(found.voices.into_iter().map(|(name, t)| (format!("{VOICE_PREFIX}{name}"), t)));
    found.warnings.extend(source_warnings(found.kind, found.zero_rows));
    let metadata = Metadata {
        family: found.family,
        config: found.config,
        source: Source {
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: sha256.clone(),
            kind: found.kind.to_string(),
            converter: concat!("lumivox-convert ", env!("CARGO_PKG_VERSION")).into(),
            dequantized: found.dequantized.clone(),
        },
        license: options.license.clone().unwrap_or(found.license),
        languages: options.language.as_deref().map_or(found.languages, |language| vec![language_tag(language)]),
        sample_rate_hz: found.sample_rate_hz,
    };
    write(output, &metadata, &tensors, options.dtype, &mut |done, total| report_progress(Stage::Write, done, total))?;
    Ok(Report {
        input: input.to_path_buf(),
        output: output.to_path_buf(),
        family: found.family,
        kind: found.kind,
        sha256,
        tensors: count,
        parameters,
        warnings: found.warnings,
        voices,
        dequantized: found.dequantized,
        config: found.config_origin,
        license: metadata.license,
        dtype: options.dtype,
    })
}

/// `en_US` as language tags are written in model files: `en-us`.
pub(crate) fn language_tag(code: &str) -> String {
    code.trim().to_lowercase().replace('_', "-")
}

/// A checkpoint that was read and checked: everything of the model file but where it came from.
pub(crate) struct Conversion {
    pub(crate) family: Family,
    pub(crate) kind: SourceKind,
    pub(crate) tensors: StateDict,
    /// Name → style rows; Kokoro's only.
    pub(crate) voices: BTreeMap<String, Tensor>,
    pub(crate) config: String,
    pub(crate) config_origin: ConfigOrigin,
    pub(crate) languages: Vec<String>,
    /// What the licence is, unless the user knows better.
    pub(crate) license: String,
    pub(crate) sample_rate_hz: u32,
    pub(crate) dequantized: BTreeMap<String, usize>,
    pub(crate) warnings: Vec<String>,
    /// Weight rows whose direction was zero.
    pub(crate) zero_rows: usize,
}

fn read(path: &Path, bytes: Vec<u8>, options: &Options) -> Result<Conversion, ConvertError> {
    let bytes = Bytes::from(bytes);
    let checkpoint = Checkpoint::open(path, &bytes)?;
    match checkpoint.upstream(path)? {
        Upstream::Kokoro => kokoro::read(checkpoint, path, options),
        upstream => vits::read(checkpoint, upstream, path, options),
    }
}

/// The file with the weights: `input` itself, or what the folder `input` has.
fn weights_file(input: &Path) -> Result<PathBuf, ConvertError> {
    if !input.is_dir() {
        return Ok(input.to_path_buf());
    }
    let known = ["model.safetensors", "pytorch_model.bin"].into_iter().map(|name| input.join(name));
    if let Some(path) = known.into_iter().find(|path| path.is_file()) {
        return Ok(path);
    }
    let entries = input.read_dir().and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(ConvertError::io(input))?;
    let has_extension = |path: &Path| ["onnx", "pth"].map(Some).contains(&path.extension().and_then(OsStr::to_str));
    let mut found: Vec<_> = entries.into_iter().map(|e| e.path()).filter(|p| has_extension(p)).collect();
    match (found.pop(), found.len()) {
        (Some(path), 0) => Ok(path),
        (found, _) => {
            let reason = match found {
                Some(_) => "is a folder with several checkpoints; give one of its files",
                None => "is a folder without model.safetensors, pytorch_model.bin, .pth or .onnx",
            };
            Err(ConvertError::NotRecognised { path: input.to_path_buf(), reason: reason.into() })
        }
    }
}

fn source_warnings(kind: SourceKind, zero_rows: usize) -> impl Iterator<Item = String> {
    let bits = match kind {
        SourceKind::OnnxInt8 => Some(8),
        SourceKind::OnnxF16 => Some(16),
        SourceKind::OnnxF32 | SourceKind::Pth | SourceKind::Safetensors => None,
    };
    let rounded =
        bits.map(|bits| format!("the weights were stored in {bits} bits; they are not the original 32-bit weights"));
    let zeros =
        (zero_rows > 0).then(|| format!("{zero_rows} weight rows have a zero direction; they were read as zeros"));
    rounded.into_iter().chain(zeros)
}

/// Reads a whole checkpoint or voice file of at most [`MAX_INPUT_BYTES`].
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, ConvertError> {
    read_file_within(path, MAX_INPUT_BYTES)
}

/// Reads a whole regular file of at most `limit_bytes`.
///
/// # Errors
/// The file cannot be read, is longer, or is no regular file: a pipe may never end, and devices claim to have no bytes.
pub(crate) fn read_file_within(path: &Path, limit_bytes: u64) -> Result<Vec<u8>, ConvertError> {
    let refused = |reason: String| ConvertError::NotRecognised { path: path.to_path_buf(), reason };
    // Before it is opened, as opening a pipe waits for who writes to it.
    let metadata = fs::metadata(path).map_err(ConvertError::io(path))?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder" } else { "a device, pipe or socket" };
        return Err(refused(format!("is {what}, where a file is needed")));
    }
    let mut bytes = Vec::new();
    if metadata.len() <= limit_bytes {
        let file = fs::File::open(path).map_err(ConvertError::io(path))?;
        bytes.try_reserve_exact(metadata.len() as usize).map_err(|e| ConvertError::io(path)(e.into()))?;
        // The length may be wrong: files of the kernel's have 0, and others may grow.
        file.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(ConvertError::io(path))?;
    }
    if metadata.len().max(bytes.len() as u64) > limit_bytes {
        return Err(refused(format!("has more than the {limit_bytes} bytes that such a file may have")));
    }
    Ok(bytes)
}

fn hash(bytes: &[u8], progress: &mut dyn FnMut(u64)) -> String {
    let mut hasher = Sha256::new();
    let mut done = 0;
    for chunk in bytes.chunks(8 << 20) {
        hasher.update(chunk);
        done += chunk.len() as u64;
        progress(done);
    }
    hasher.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
