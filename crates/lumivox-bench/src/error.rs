//! What can go wrong.

use std::path::PathBuf;

/// What can go wrong while something is measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model can't be loaded, or does not speak.
    #[error(transparent)]
    Lumivox(#[from] lumivox::Error),
    /// The model file can't be read.
    #[error(transparent)]
    ModelFile(#[from] lumivox::convert::ModelFileError),
    /// A definition of texts that can't be read.
    #[error("the bench's own texts can't be read: {0}")]
    Definition(String),
    /// A model of which the bench can't tell what it needs to know.
    #[error("the model can't be measured: {0}")]
    Model(String),
    /// A text that is not among the family's.
    #[error("there is no text `{name}` for {kind} models; there are {known}")]
    UnknownText {
        /// As asked for.
        name: String,
        /// The family.
        kind: &'static str,
        /// Those that there are.
        known: String,
    },
    /// A model that can't say a text of the bench.
    #[error("the bench's text `{case}` can't be said by this model: {source}; give another one with --text")]
    Unspeakable {
        /// The text's name.
        case: String,
        /// Why.
        source: lumivox::Error,
    },
    /// An engine whose output is no speech, or another than before.
    #[error("{engine}, text `{case}`: {reason}; such output is not timed")]
    WrongOutput {
        /// Which engine.
        engine: String,
        /// Which text.
        case: String,
        /// What is wrong.
        reason: String,
    },
    /// Another engine that can't be used: what is missing, and what would help.
    #[error("{engine} can't be measured: {reason}")]
    Rival {
        /// Which engine.
        engine: &'static str,
        /// What is missing, and what would help.
        reason: String,
    },
    /// An engine that failed.
    #[error("{engine} failed: {reason}")]
    Failed {
        /// Which engine.
        engine: String,
        /// What it said.
        reason: String,
    },
    /// A stage that the graph has and the count of its arithmetic has not, or the other way round.
    #[error("the profile's stages are not those that arithmetic is counted for: {0}")]
    Stages(String),
    /// A file that can't be read.
    #[error("{path} can't be read: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A result with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
