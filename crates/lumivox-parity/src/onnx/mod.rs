//! ONNX graphs as reference: rewritten in memory so that their inner values come out and lumivox's noise goes in, and run by ONNX Runtime.

mod constant;
mod float;
mod kokoro;
mod piper;
pub mod runtime;
pub mod wire;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::ours::Ours;
use crate::reference::{Identity, Reference, Said, sha256};
use crate::utterance::{Delivery, Utterance};
use kokoro::KokoroGraph;
use piper::PiperGraph;
use runtime::Runtime;
use wire::Graph;

/// An ONNX file and the runtime for it.
pub struct OnnxReference {
    runtime: Runtime,
    graph: Kind,
    identity: Identity,
}

/// Whose export it is.
enum Kind {
    Kokoro(KokoroGraph),
    Piper(PiperGraph),
}

impl OnnxReference {
    /// Opens a Piper voice's file, or Kokoro's as kokoro-onnx publishes it.
    ///
    /// # Errors
    /// If ONNX Runtime is not here, or the graph is neither.
    pub fn open(path: &Path, python: Option<&Path>) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let graph = Graph::read(&bytes).with_context(|| format!("{}", path.display()))?;
        let graph = if graph.inputs.iter().any(|input| input == "style") {
            Kind::Kokoro(KokoroGraph::new(bytes, &graph)?)
        } else if graph.inputs.iter().any(|input| input == "scales") {
            Kind::Piper(PiperGraph::new(bytes, &graph)?)
        } else {
            let inputs = graph.inputs.join(", ");
            bail!(
                "{} is no graph of Kokoro (tokens, style, speed) or of a Piper voice (input, input_lengths, scales): its inputs are {inputs}",
                path.display()
            );
        };
        let runtime = Runtime::load(python)?;
        let runtime_name = format!("ONNX Runtime {}", runtime.version());
        Ok(Self {
            runtime,
            graph,
            identity: Identity { runtime: runtime_name, path: path.to_owned(), sha256: sha256(path)? },
        })
    }
}

impl Reference for OnnxReference {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn utterances(&self) -> Result<Option<Vec<Utterance>>> {
        Ok(None)
    }

    fn say(&mut self, ours: &Ours, utterance: &Utterance) -> Result<Said> {
        match (&self.graph, &utterance.delivery) {
            (Kind::Kokoro(graph), Delivery::Kokoro { .. }) => graph.say(&self.runtime, ours, utterance),
            (Kind::Piper(graph), Delivery::Vits { .. }) => graph.say(&self.runtime, ours, utterance),
            (Kind::Kokoro(_), _) => bail!("the reference is a graph of Kokoro, the model is of the VITS family"),
            (Kind::Piper(_), _) => bail!("the reference is a Piper voice, the model is Kokoro"),
        }
    }
}
