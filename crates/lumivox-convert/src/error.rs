//! Why a conversion failed.

use std::io;
use std::path::{Path, PathBuf};

/// Why a checkpoint could not be converted. Nothing is left under the output's name when a conversion fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The input is of no kind that can be converted.
    #[error("{}: {reason}", path.display())]
    NotRecognised {
        /// The file.
        path: PathBuf,
        /// What it is instead, or what to do.
        reason: String,
    },
    /// Part of an ONNX file is damaged or written in an unsupported way.
    #[error("the ONNX {what} {reason}")]
    Onnx {
        /// The part.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A PyTorch file is damaged, or holds something other than tensors.
    #[error("the PyTorch file {0}")]
    Pth(String),
    /// The configuration cannot be used.
    #[error("the configuration cannot be used: {0}")]
    Config(String),
    /// A file that belongs to the checkpoint is missing.
    #[error("{} is missing: {purpose}", path.display())]
    Needed {
        /// The file.
        path: PathBuf,
        /// What it is needed for.
        purpose: String,
    },
    /// A tensor is not what its place in the model asks for.
    #[error("the tensor `{name}` {reason}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A voice file cannot be used.
    #[error("voice {}: {reason}", path.display())]
    Voice {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor that the model needs is not in the checkpoint.
    #[error("the checkpoint lacks the tensor `{name}`{}", others(*count))]
    Missing {
        /// The first missing tensor.
        name: String,
        /// How many are missing in all.
        count: usize,
    },
    /// The checkpoint has a tensor that the model does not know.
    #[error("the checkpoint has the tensor `{name}`, which the model does not{}", others(*count))]
    Extra {
        /// The first such tensor.
        name: String,
        /// How many there are in all.
        count: usize,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("the tensor `{name}` has shape {found:?}, the configuration asks for {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape by the configuration.
        expected: Vec<usize>,
        /// Its shape in the checkpoint.
        found: Vec<usize>,
    },
    /// A tensor occurs twice with different values.
    #[error("the tensor `{name}` occurs twice with different values")]
    Conflict {
        /// The tensor.
        name: String,
    },
    /// A tensor has values that are not finite, or not in the range of the output's element type.
    #[error("the tensor `{name}` has values that are NaN, infinite or too large for the output's element type")]
    NotFinite {
        /// The tensor.
        name: String,
    },
}

impl ConvertError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}

pub(crate) fn others(count: usize) -> String {
    if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() }
}
