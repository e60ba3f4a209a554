//! Checkpoints in, one model file out.
//!
//! [`convert`] reads text-to-speech checkpoints as their authors publish them (ONNX exports, PyTorch's `.pth`) and writes lumivox's
//! one-file format: a safetensors file with the weights under their upstream names, the voices, the configuration and where it all
//! came from. [`ModelFile`] opens such a file and refuses it unless every tensor is there, has its shape and is intact.
//!
//! This is the only place where tensors are renamed, transposed, de-quantised or folded. Inputs are treated as hostile: sizes are
//! checked before anything is allocated, pickles are never executed, and no bytes make it panic.

mod convert;
mod error;
pub mod kokoro;
mod model_file;
mod onnx;
mod pth;
mod tensor;

pub use convert::{ConfigOrigin, Options, Progress, Report, SourceKind, Stage, convert};
pub use error::ConvertError;
pub use model_file::{Dtype, FORMAT, Family, Metadata, ModelFile, ModelFileError, Problem, Source};
