//! Errors of the text front-end.

/// Why a front-end or a vocabulary could not be made. Text itself never fails: what cannot be said is a
/// [`Warning`](crate::Warning).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Data compiled into the crate, or a trained model, is not in the expected form.
    #[error("{name}: {reason}")]
    Data {
        /// Which data.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A language or dialect that this crate doesn't have.
    #[error("unknown dialect `{0}` (known: en-us, en-gb)")]
    UnknownDialect(String),
    /// A model configuration whose vocabulary cannot be used.
    #[error("vocabulary: {0}")]
    Vocabulary(String),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn data(name: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Data { name, reason: reason.to_string() }
    }
}
