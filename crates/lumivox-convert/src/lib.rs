//! Checkpoints in, one model file out.
//!
//! [`convert`] reads text-to-speech checkpoints as their authors publish them (ONNX exports, PyTorch's `.pth`, safetensors), of
//! Kokoro and of VITS (Piper voices, MMS-TTS), and writes lumivox's one-file format: a safetensors file with the weights under their
//! upstream names, the voices, the configuration and where it all came from. [`ModelFile`] opens such a file and refuses it unless
//! every tensor is there, has its shape and is intact.
//!
//! This is the only place where tensors are renamed, transposed, de-quantised or folded. Inputs are treated as hostile: pickles are
//! never executed, damage is an error and not a panic, and only regular files are read. What a file claims is held against its real
//! length before it is believed, and data that tensors share is counted for each, so that memory stays within the length of the
//! files times a constant; compressed voices have limits of their own.

mod checkpoint;
mod config;
mod convert;
mod error;
pub mod kokoro;
mod model_file;
mod onnx;
mod pth;
mod schema;
mod state_dict;
mod tensor;
pub mod vits;
mod whole;

pub use convert::{ConfigOrigin, Options, Progress, Report, SourceKind, Stage, convert};
pub use error::ConvertError;
pub use model_file::{Dtype, FORMAT, Family, Metadata, ModelFile, ModelFileError, Problem, Source, header};
pub use whole::temporary_beside;
