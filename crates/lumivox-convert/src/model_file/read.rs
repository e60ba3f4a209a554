//! Opening a model file: mapped into memory, or part of the program, and refused unless everything about it is as it should be.

use super::quantize::{dequantize, scale_name, scaled_axis};
use super::{Dtype, FORMAT, Family, Metadata};
use crate::error::others;
use crate::kokoro::{self, VOICE_PREFIX};
use crate::schema::Schema;
use crate::tensor::Float;
use crate::{ConvertError, vits};
use memmap2::Mmap;
#[cfg(unix)]
use memmap2::UncheckedAdvice;
use rayon::prelude::*;
use safetensors::SafeTensors;
use safetensors::tensor::{SafeTensorError, TensorInfo, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

/// Why a model file is refused. Every message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct ModelFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a model file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The header is no safetensors header, or does not cover the file.
    #[error("the file is cut short or no model file ({0}); pull or convert it again")]
    Header(String),
    /// A safetensors file, but not of this format.
    #[error("the file is not in lumivox's format ({0}); make a model file with `lumivox convert`")]
    NotLumivox(String),
    /// A format version or family that this version does not read.
    #[error("{key} `{value}` is not known to this version of lumivox; update it, or convert the model again")]
    Unknown {
        /// The metadata key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// The data is not the data that was written.
    #[error("the data is damaged (hash {found}, {expected} was written); pull or convert it again")]
    Hash {
        /// The hash in the metadata.
        expected: String,
        /// The hash of the data.
        found: String,
    },
    /// A tensor of the model is missing.
    #[error("the tensor `{name}` is missing{}; convert the model again", others(*count))]
    Missing {
        /// The first missing tensor.
        name: String,
        /// How many are missing in all.
        count: usize,
    },
    /// A tensor is not part of the model.
    #[error("the tensor `{name}` is not part of the model{}; convert the model again", others(*count))]
    Extra {
        /// The first such tensor.
        name: String,
        /// How many there are in all.
        count: usize,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error(
        "the tensor `{name}` has shape {found:?}, the configuration asks for {expected:?}; convert the model again"
    )]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape by the configuration.
        expected: Vec<usize>,
        /// Its shape in the file.
        found: Vec<usize>,
    },
    /// A tensor is of a type that model files don't have, or that does not go with the others'.
    #[error(
        "the tensor `{name}` has element type {found}; tensors must be all F32, or all F16, or I8 with scales beside F16; convert the model again"
    )]
    Dtype {
        /// The tensor.
        name: String,
        /// Its element type.
        found: String,
    },
    /// A tensor has values that are not finite.
    #[error("the tensor `{name}` has values that are NaN or infinite; convert the model again")]
    NotFinite {
        /// The tensor.
        name: String,
    },
}

/// A model file, mapped or part of the program, and checked.
#[derive(Debug)]
pub struct ModelFile {
    bytes: Bytes,
    data_start: usize,
    tensors: BTreeMap<String, TensorInfo>,
    /// Scales of the tensors of 8 bits, by the tensor's name.
    scales: BTreeMap<String, TensorInfo>,
    metadata: Metadata,
    dtype: Dtype,
}

/// Where a file's bytes are.
#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Static(&'static [u8]),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Static(bytes) => bytes,
        }
    }
}

impl ModelFile {
    /// Maps `path` and checks all of it: header, format, family, configuration, the hash of the data, names, shapes and element
    /// types of all tensors against the configuration, and that every value is finite.
    ///
    /// The file must not be changed in place while it is open. lumivox itself only ever replaces files by renaming, which is safe.
    ///
    /// # Errors
    /// Any check fails; see [`Problem`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelFileError> {
        let path = path.as_ref();
        Self::open_checked(path).map_err(|problem| ModelFileError { path: path.to_path_buf(), problem })
    }

    /// The model file that `bytes` are, checked like one that is opened. Errors call it `name`.
    ///
    /// # Errors
    /// Any check fails; see [`Problem`].
    pub fn from_static(name: &str, bytes: &'static [u8]) -> Result<Self, ModelFileError> {
        Self::check(Bytes::Static(bytes)).map_err(|problem| ModelFileError { path: name.into(), problem })
    }

    fn open_checked(path: &Path) -> Result<Self, Problem> {
        // Before it is opened, as opening a pipe waits for who writes to it.
        if !path.metadata()?.is_file() {
            return Err(Problem::Header("it is a folder or device".into()));
        }
        Self::check(Bytes::Mapped(map_file(&File::open(path)?)?))
    }

    fn check(bytes: Bytes) -> Result<Self, Problem> {
        let (header_len, header) =
            SafeTensors::read_metadata(&bytes).map_err(|e| Problem::Header(describe(&e, bytes.len())))?;
        let fields = header.metadata().clone().unwrap_or_default();
        let metadata = parse_metadata(&fields)?;
        let mut tensors: BTreeMap<_, _> =
            header.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        let scales = take_scales(&mut tensors)?;
        let dtype = common_dtype(&tensors)?;
        let file = Self { bytes, data_start: 8 + header_len, tensors, scales, metadata, dtype };
        file.check_shapes()?;
        file.check_hash(field(&fields, "blake3")?)?;
        file.check_finite()?;
        file.release(0..file.bytes.len());
        Ok(file)
    }

    /// What the file says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Element type of the weights: of every tensor, but for what is small in files of [`Dtype::I8`].
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The values of the tensor `name`, whatever its element type; weights of 8 bits are multiplied by their scales. The file's own pages don't stay in
    /// memory.
    pub fn values(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.tensor(name)?;
        let values = self.decode(name, &tensor);
        let (start, end) = self.tensors.get(name)?.data_offsets;
        self.release(self.data_start + start..self.data_start + end);
        values
    }

    fn decode(&self, name: &str, tensor: &TensorView<'_>) -> Option<Vec<f32>> {
        match tensor.dtype() {
            safetensors::Dtype::I8 => {
                let scale = self.view(self.scales.get(name)?)?;
                dequantize(tensor.data(), tensor.shape(), &Float::F32.decode(scale.data()), scale.shape())
            }
            safetensors::Dtype::F16 => Some(Float::F16.decode(tensor.data())),
            _ => Some(Float::F32.decode(tensor.data())),
        }
    }

    /// The tensor `name`, its bytes borrowed from the file; of a weight of 8 bits without its scales ([`Self::values`] has them in).
    pub fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        self.tensors.get(name).and_then(|info| self.view(info))
    }

    /// All tensors in the order of their names, voices included.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, TensorView<'_>)> {
        self.tensors.iter().filter_map(|(name, info)| Some((name.as_str(), self.view(info)?)))
    }

    /// Names of Kokoro's voices, sorted, without the prefix that their tensors have.
    pub fn voices(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().filter_map(|name| name.strip_prefix(VOICE_PREFIX))
    }

    /// The style rows of `voice`, `[510, 256]`.
    pub fn voice(&self, voice: &str) -> Option<TensorView<'_>> {
        self.tensor(&format!("{VOICE_PREFIX}{voice}"))
    }

    /// Number of parameters, voices left out.
    pub fn parameters(&self) -> usize {
        let weights = self.tensors.iter().filter(|(name, _)| !name.starts_with(VOICE_PREFIX));
        weights.map(|(_, info)| info.shape.iter().product::<usize>()).sum()
    }

    /// Lets the system take back the memory under `range` of a mapped file, which is read from the file again should it be wanted.
    #[allow(unsafe_code)]
    fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Bytes::Mapped(map) = &self.bytes {
            // SAFETY: a shared mapping of a file that nobody writes through it has nothing to lose; see `map_file`.
            // What fails costs memory, nothing else.
            let _ = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) };
        }
        #[cfg(not(unix))]
        let _ = range;
    }

    fn data(&self) -> &[u8] {
        &self.bytes[self.data_start..]
    }

    fn view(&self, info: &TensorInfo) -> Option<TensorView<'_>> {
        let (start, end) = info.data_offsets;
        TensorView::new(info.dtype, info.shape.clone(), self.data().get(start..end)?).ok()
    }

    /// The tensors that the configuration asks for, with the voices that the file has.
    fn schema(&self) -> Result<Schema, ConvertError> {
        let config = &self.metadata.config;
        Ok(match self.metadata.family {
            Family::Kokoro => {
                let config = kokoro::Config::parse(config)?;
                let mut schema = kokoro::schema(&config);
                schema.extend(self.voices().map(|v| (format!("{VOICE_PREFIX}{v}"), config.voice_shape().to_vec())));
                schema
            }
            Family::Vits => vits::schema(&vits::Config::parse(config)?),
        })
    }

    fn check_shapes(&self) -> Result<(), Problem> {
        let schema = self.schema().map_err(|e| Problem::NotLumivox(e.to_string()))?;
        let mut missing = schema.keys().filter(|n| !self.tensors.contains_key(*n));
        if let Some(name) = missing.next() {
            return Err(Problem::Missing { name: name.clone(), count: 1 + missing.count() });
        }
        let mut extra = self.tensors.keys().filter(|n| !schema.contains_key(*n));
        if let Some(name) = extra.next() {
            return Err(Problem::Extra { name: name.clone(), count: 1 + extra.count() });
        }
        match self.tensors.iter().zip(schema.values()).find(|((_, info), expected)| &info.shape != *expected) {
            Some(((name, info), expected)) => {
                Err(Problem::Shape { name: name.clone(), expected: expected.clone(), found: info.shape.clone() })
            }
            None => Ok(()),
        }
    }

    fn check_hash(&self, expected: &str) -> Result<(), Problem> {
        let found = blake3::Hasher::new().update_rayon(self.data()).finalize().to_hex();
        if found.as_str() == expected {
            return Ok(());
        }
        Err(Problem::Hash { expected: expected.into(), found: found.as_str().into() })
    }

    fn check_finite(&self) -> Result<(), Problem> {
        let is_finite = |info: &TensorInfo| self.view(info).is_some_and(|tensor| all_finite(&tensor));
        let not_finite = self.tensors.par_iter().find_first(|(name, info)| {
            !is_finite(info)
                || self.scales.get(*name).is_some_and(|scale| !self.view(scale).is_some_and(|s| scales_are_finite(&s)))
        });
        not_finite.map_or(Ok(()), |(name, _)| Err(Problem::NotFinite { name: name.clone() }))
    }
}

/// Maps a file read-only.
#[allow(unsafe_code)]
fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: a mapping is only as constant as its file. Model files are never changed in place: they are written under another name
    // and renamed, and `ModelFile::open` says so to those who write them otherwise.
    unsafe { Mmap::map(file) }
}

/// Whether no exponent has all its bits set, which is how NaN and the infinities are written. Folding instead of stopping at the
/// first lets the loop be vectorised.
fn all_finite(tensor: &TensorView<'_>) -> bool {
    const BLOCK: usize = 1 << 12;
    match tensor.dtype() {
        safetensors::Dtype::I8 => true,
        safetensors::Dtype::F16 => tensor.data().as_chunks::<2>().0.chunks(BLOCK).all(|block| {
            const EXPONENT: u16 = 0x7c00;
            !block.iter().fold(false, |bad, &b| bad | (u16::from_le_bytes(b) & EXPONENT == EXPONENT))
        }),
        _ => tensor.data().as_chunks::<4>().0.chunks(BLOCK).all(|block| {
            const EXPONENT: u32 = 0x7f80_0000;
            !block.iter().fold(false, |bad, &b| bad | (u32::from_le_bytes(b) & EXPONENT == EXPONENT))
        }),
    }
}

/// Whether the scales times any quantum are finite.
fn scales_are_finite(scale: &TensorView<'_>) -> bool {
    Float::F32.decode(scale.data()).iter().all(|scale| (scale * f32::from(i8::MIN)).is_finite())
}

fn describe(error: &SafeTensorError, len: usize) -> String {
    match error {
        SafeTensorError::MetadataIncompleteBuffer => format!("its {len} bytes are not as many as its header says"),
        other => other.to_string(),
    }
}

fn field<'a>(fields: &'a HashMap<String, String>, key: &str) -> Result<&'a str, Problem> {
    fields.get(key).map(String::as_str).ok_or_else(|| Problem::NotLumivox(format!("its metadata lacks `{key}`")))
}

fn parse_metadata(fields: &HashMap<String, String>) -> Result<Metadata, Problem> {
    let text = |key| field(fields, key).map(String::from);
    let invalid = |key: &str, e: &dyn std::fmt::Display| Problem::NotLumivox(format!("its `{key}` is not valid: {e}"));
    let format = text("format")?;
    if format != FORMAT {
        return Err(Problem::Unknown { key: "format", value: format });
    }
    let family = text("family")?;
    let family = Family::parse(&family).ok_or(Problem::Unknown { key: "family", value: family })?;
    Ok(Metadata {
        family,
        config: text("config")?,
        source: serde_json::from_str(field(fields, "source")?).map_err(|e| invalid("source", &e))?,
        license: text("license")?,
        languages: field(fields, "languages")?.split(',').filter(|l| !l.is_empty()).map(String::from).collect(),
        sample_rate_hz: field(fields, "sample_rate")?.parse().map_err(|e| invalid("sample_rate", &e))?,
    })
}

/// Takes the scales of all tensors of 8 bits out of `tensors`.
///
/// # Errors
/// They are missing, not f32, or their shape is not a scale's.
fn take_scales(tensors: &mut BTreeMap<String, TensorInfo>) -> Result<BTreeMap<String, TensorInfo>, Problem> {
    let is_quantized = |(_, info): &(&String, &TensorInfo)| info.dtype == safetensors::Dtype::I8;
    let quantized: Vec<_> =
        tensors.iter().filter(is_quantized).map(|(name, info)| (name.clone(), info.shape.clone())).collect();
    let mut scales = BTreeMap::new();
    for (tensor, shape) in quantized {
        let name = scale_name(&tensor);
        let Some(info) = tensors.remove(&name) else { return Err(Problem::Missing { name, count: 1 }) };
        if info.dtype != safetensors::Dtype::F32 {
            return Err(Problem::Dtype { name, found: info.dtype.to_string() });
        }
        if scaled_axis(&shape, &info.shape).is_none() {
            let expected = shape.iter().enumerate().map(|(i, &d)| if i == 0 { d } else { 1 }).collect();
            return Err(Problem::Shape { name, expected, found: info.shape });
        }
        scales.insert(tensor, info);
    }
    Ok(scales)
}

/// The element type of the weights among `tensors`, whose scales have been taken out.
fn common_dtype(tensors: &BTreeMap<String, TensorInfo>) -> Result<Dtype, Problem> {
    use safetensors::Dtype::{F16, F32, I8};
    let has = |dtype| tensors.values().any(|info| info.dtype == dtype);
    let (dtype, allowed) = match (has(I8), has(F32)) {
        (true, _) => (Dtype::I8, [I8, F16]),
        (false, true) => (Dtype::F32, [F32, F32]),
        (false, false) => (Dtype::F16, [F16, F16]),
    };
    match tensors.iter().find(|(_, info)| !allowed.contains(&info.dtype)) {
        Some((name, info)) => Err(Problem::Dtype { name: name.clone(), found: info.dtype.to_string() }),
        None => Ok(dtype),
    }
}

/// A model file's header as it is written, in which the hash of its weights stands: files that have the same are the same.
///
/// # Errors
/// The file can't be read.
pub fn header(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let mut header = Vec::new();
    file.take(u64::from_le_bytes(length)).read_to_end(&mut header)?;
    Ok(header)
}
