//! The conversion as a whole: recognise the input, read it, check it, write the model file, report.

use crate::ConvertError;
use crate::kokoro::{self, Schema, VOICE_PREFIX, onnx, state_dict, voices};
use crate::model_file::{Dtype, Family, Metadata, Source, write};
use crate::onnx::Graph;
use crate::pth::{LEGACY_MAGIC, Pth, ZIP_MAGIC};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use state_dict::StateDict;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Largest file that is read; the largest known checkpoint of a supported family has 360 MB.
const MAX_INPUT_BYTES: u64 = 2 << 30;

/// How to convert.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The model's `config.json`. By default the one beside the input, else Kokoro v1.0's own.
    pub config: Option<PathBuf>,
    /// Voice files (`.pt`, `.bin`, `.npz`) or folders of them. By default the folder `voices` beside the input, if there is one.
    pub voices: Vec<PathBuf>,
    /// Element type of the output.
    pub dtype: Dtype,
    /// SPDX identifier of the weights' licence; `Apache-2.0`, Kokoro's, by default.
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
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnnxInt8 => "onnx-int8",
            Self::OnnxF16 => "onnx-f16",
            Self::OnnxF32 => "onnx-f32",
            Self::Pth => "pth",
        })
    }
}

/// Where the configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOrigin {
    /// A file: the one given, or `config.json` beside the input.
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
        writeln!(f, "  voices      {}", self.voices.len())?;
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

/// Converts the checkpoint `input` to the model file `output`. What `input` is, is recognised by its content.
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
    let bytes = read_file(input)?;
    let len = bytes.len() as u64;
    let sha256 = hash(&bytes, &mut |done| report_progress(Stage::Read, done, len));
    let (config_json, config_origin) = read_config(input, options)?;
    let config = kokoro::Config::parse(&config_json)?;
    let schema = kokoro::schema(&config);

    report_progress(Stage::Convert, 0, len);
    let found = read_checkpoint(input, bytes, &schema)?;
    let (mut tensors, zero_rows) = state_dict::finish(&schema, found.tensors)?;
    let parameters = tensors.values().map(|t| t.data.len()).sum();
    let (count, dequantized) = (tensors.len(), found.dequantized);
    let voices = voices::read(&voice_paths(input, options), &config)?;
    let voice_names: Vec<String> = voices.keys().cloned().collect();
    tensors.extend(voices.into_iter().map(|(name, t)| (format!("{VOICE_PREFIX}{name}"), t)));
    report_progress(Stage::Convert, len, len);

    let metadata = Metadata {
        family: Family::Kokoro,
        config: config_json,
        source: Source {
            file: input.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: sha256.clone(),
            kind: found.kind.to_string(),
            converter: concat!("lumivox-convert ", env!("CARGO_PKG_VERSION")).into(),
            dequantized: dequantized.clone(),
        },
        license: options.license.clone().unwrap_or_else(|| "Apache-2.0".into()),
        languages: languages(&voice_names),
        sample_rate_hz: kokoro::SAMPLE_RATE_HZ,
    };
    write(output, &metadata, &tensors, options.dtype, &mut |done, total| report_progress(Stage::Write, done, total))?;
    Ok(Report {
        input: input.to_path_buf(),
        output: output.to_path_buf(),
        kind: found.kind,
        sha256,
        tensors: count,
        parameters,
        warnings: warnings(found.kind, &voice_names, zero_rows),
        voices: voice_names,
        dequantized,
        config: config_origin,
        dtype: options.dtype,
    })
}

/// A checkpoint's tensors before folding.
struct Checkpoint {
    kind: SourceKind,
    tensors: StateDict,
    dequantized: BTreeMap<String, usize>,
}

fn read_checkpoint(path: &Path, bytes: Vec<u8>, schema: &Schema) -> Result<Checkpoint, ConvertError> {
    let unrecognised = |reason: &str| ConvertError::NotRecognised { path: path.to_path_buf(), reason: reason.into() };
    if bytes.starts_with(ZIP_MAGIC) || bytes.starts_with(LEGACY_MAGIC) {
        let tensors = read_pth(&bytes, schema)?;
        return Ok(Checkpoint { kind: SourceKind::Pth, tensors, dequantized: BTreeMap::new() });
    }
    if bytes.get(8) == Some(&b'{') {
        return Err(unrecognised("is a safetensors file already; a .pth or .onnx checkpoint is needed"));
    }
    if bytes.is_empty() {
        return Err(unrecognised("is empty"));
    }
    let graph = Graph::decode(Bytes::from(bytes))
        .map_err(|e| unrecognised(&format!("is neither a PyTorch nor an ONNX checkpoint ({e})")))?;
    let found = onnx::read(&graph, schema)?;
    let kind = match (found.dequantized.is_empty(), found.half_precision) {
        (false, _) => SourceKind::OnnxInt8,
        (true, true) => SourceKind::OnnxF16,
        (true, false) => SourceKind::OnnxF32,
    };
    Ok(Checkpoint { kind, tensors: found.tensors, dequantized: found.dequantized })
}

/// Tensors of a `.pth` under schema names: `decoder` → `module.encode.conv1.weight_g` is `decoder.encode.conv1.weight_g`.
fn read_pth(bytes: &[u8], schema: &Schema) -> Result<StateDict, ConvertError> {
    let mut tensors = StateDict::new();
    for (path, tensor) in Pth::open(bytes)?.tensors()? {
        let components: Vec<&str> = path.split('.').filter(|c| *c != "module").collect();
        let name = state_dict::resolve(schema, &components, "");
        let Some(name) = name else { return Err(ConvertError::Extra { name: path, count: 1 }) };
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(ConvertError::Conflict { name });
        }
    }
    Ok(tensors)
}

fn read_config(input: &Path, options: &Options) -> Result<(String, ConfigOrigin), ConvertError> {
    if let Some(path) = &options.config {
        let text = fs::read_to_string(path).map_err(ConvertError::io(path))?;
        return Ok((minified(&text)?, ConfigOrigin::File(path.clone())));
    }
    // ONNX repositories have a `config.json` too, which says nothing about the network; such a one is passed over.
    let sibling = input.with_file_name("config.json");
    match fs::read_to_string(&sibling) {
        Ok(text) if text.contains("\"istftnet\"") => Ok((minified(&text)?, ConfigOrigin::File(sibling))),
        _ => Ok((minified(kokoro::Config::embedded_json())?, ConfigOrigin::Embedded)),
    }
}

/// The same JSON without white space, its keys in their order.
fn minified(json: &str) -> Result<String, ConvertError> {
    let value: serde_json::Value = serde_json::from_str(json).map_err(|e| ConvertError::Config(e.to_string()))?;
    Ok(value.to_string())
}

fn voice_paths(input: &Path, options: &Options) -> Vec<PathBuf> {
    if !options.voices.is_empty() {
        return options.voices.clone();
    }
    Some(input.with_file_name("voices")).filter(|p| p.is_dir()).into_iter().collect()
}

fn languages(voices: &[String]) -> Vec<String> {
    let languages: BTreeSet<&str> = voices.iter().filter_map(|v| kokoro::voice_language(v)).collect();
    languages.into_iter().map(String::from).collect()
}

fn warnings(kind: SourceKind, voices: &[String], zero_rows: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if voices.is_empty() {
        warnings.push("no voices were given, so the model cannot speak; convert again with voices".into());
    }
    match kind {
        SourceKind::OnnxInt8 => {
            warnings.push("the weights were stored in 8 bits; they are not the original 32-bit weights".into())
        }
        SourceKind::OnnxF16 => {
            warnings.push("the weights were stored in 16 bits; they are not the original 32-bit weights".into())
        }
        SourceKind::OnnxF32 | SourceKind::Pth => {}
    }
    if zero_rows > 0 {
        warnings.push(format!("{zero_rows} weight rows have a zero direction; they were read as zeros"));
    }
    warnings
}

/// Reads a whole file of at most [`MAX_INPUT_BYTES`].
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, ConvertError> {
    let len = fs::metadata(path).map_err(ConvertError::io(path))?.len();
    if len > MAX_INPUT_BYTES {
        let reason = format!("has {len} bytes, more than any checkpoint of a supported model");
        return Err(ConvertError::NotRecognised { path: path.to_path_buf(), reason });
    }
    fs::read(path).map_err(ConvertError::io(path))
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
