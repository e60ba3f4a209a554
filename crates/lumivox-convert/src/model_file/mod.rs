//! The one-file model format: a safetensors file whose `__metadata__` says what the tensors are.
//!
//! | key | value |
//! |---|---|
//! | `format` | `lumivox/1` |
//! | `family` | `kokoro` or `vits` |
//! | `config` | as JSON: of Kokoro the upstream configuration, vocabulary included; of VITS a [`vits::Config`](crate::vits::Config) |
//! | `source` | where the weights are from ([`Source`]), as JSON |
//! | `license` | SPDX identifier of the weights' licence, or the words of the model card |
//! | `languages` | language tags, separated by commas |
//! | `sample_rate` | Hz |
//! | `blake3` | hash of the data section, in hexadecimal |
//!
//! Tensors have their upstream names after weight-norm folding; voices are tensors `voices.NAME`. They are all f32, or all f16; or
//! weights are i8 and all others f16. A weight of 8 bits has scales, the f32 tensor `NAME.scale`, one for each output channel: its
//! shape is the weight's with every other dimension 1, and the weight is the product of the two.
//!
//! The header is in the order of names, data too but with larger elements first, so that equal input gives equal bytes and every
//! element is aligned; data starts at a multiple of 64 bytes.

mod quantize;
mod read;
mod write;

pub use read::{ModelFile, ModelFileError, Problem, header};
pub(crate) use write::write;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Value of the `format` key.
pub const FORMAT: &str = "lumivox/1";

/// Alignment of the data section in bytes.
const ALIGNMENT: usize = 64;

/// The kind of model in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Kokoro (StyleTTS 2 with an iSTFTNet decoder).
    Kokoro,
    /// VITS: Piper voices, MMS-TTS, and the original.
    Vits,
}

impl Family {
    /// Value of the `family` key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kokoro => "kokoro",
            Self::Vits => "vits",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Kokoro, Self::Vits].into_iter().find(|f| f.as_str() == name)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Element type of a file's weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats: half the size.
    F16,
    /// 8-bit integers with a scale for each output channel: a quarter of the size. What is small, embeddings and voices are
    /// 16-bit floats.
    I8,
}

impl Dtype {
    fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::I8 => 1,
        }
    }

    /// Name of the type in safetensors headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::I8 => "I8",
        }
    }
}

/// Where a file's weights are from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Name of the converted file.
    pub file: String,
    /// SHA-256 of the converted file, in hexadecimal.
    pub sha256: String,
    /// What the file was: `onnx-int8`, `onnx-f32`, `onnx-f16`, `pth` or `safetensors`.
    pub kind: String,
    /// Name and version of the converter.
    pub converter: String,
    /// Quantisation → number of tensors that were de-quantised from it. When this is not empty, the weights are not the original
    /// ones but those rounded to 8 bits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dequantized: BTreeMap<String, usize>,
}

/// What a model file says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// Kind of model.
    pub family: Family,
    /// Configuration as JSON: of Kokoro the upstream one, vocabulary included; of VITS a [`vits::Config`](crate::vits::Config).
    pub config: String,
    /// Where the weights are from.
    pub source: Source,
    /// SPDX identifier of the weights' licence; the words of the model card where they are none; or `unknown`.
    pub license: String,
    /// Language tags (`en-us`; of MMS-TTS, ISO 639-3 codes).
    pub languages: Vec<String>,
    /// Sample rate of the model's audio.
    pub sample_rate_hz: u32,
}
