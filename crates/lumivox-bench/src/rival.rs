//! The engines that lumivox is measured against.

use std::path::PathBuf;

use crate::engine::Engine;
use crate::error::Result;
use crate::onnxruntime::{self, OnnxRuntime};
use crate::speaker::Subject;
use crate::worker::{self, Worker};

/// An engine that lumivox is measured against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rival {
    /// ONNX Runtime in this process.
    OnnxRuntime {
        /// The graph: a Piper voice's own, or one of Kokoro with the inputs `tokens`, `style` and `speed`.
        graph: PathBuf,
        /// The Python whose package `onnxruntime` has the library, where `ORT_DYLIB_PATH` does not say.
        python: PathBuf,
    },
    /// The original implementation in PyTorch, in a process of its own.
    Torch {
        /// The folder with the weights, as `tools/bench/weights.py` makes it.
        weights: PathBuf,
        /// The Python that has the packages of `tools/reference/requirements.txt`.
        python: PathBuf,
        /// The folder `tools/bench`.
        tools: PathBuf,
    },
}

impl Rival {
    /// Whether the files are there that the command line names: known before anything is loaded.
    ///
    /// # Errors
    /// If one is not; the error says what would help.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::OnnxRuntime { graph, .. } => onnxruntime::find_graph(graph).map(drop),
            Self::Torch { weights, tools, .. } => {
                worker::find_script(tools).and(worker::find_weights(weights, "voices")).map(drop)
            }
        }
    }

    /// Loads the engine with the model that `subject` has, on as many threads.
    ///
    /// # Errors
    /// If something is missing that it needs; the error says what would help.
    pub fn load(&self, subject: &Subject) -> Result<Box<dyn Engine>> {
        Ok(match self {
            Self::OnnxRuntime { graph, python } => Box::new(OnnxRuntime::load(subject, graph, python)?),
            Self::Torch { weights, python, tools } => Box::new(Worker::load(subject, weights, python, tools)?),
        })
    }
}
