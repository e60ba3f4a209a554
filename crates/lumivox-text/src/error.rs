//! Errors of the text front-end.

/// Why a front-end or a vocabulary could not be made. Text itself never fails: what cannot be said is a
/// [`Warning`](crate::Warning).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Data compiled into the crate, a dictionary, or a trained model, is not in the expected form.
    #[error("{name}: {reason}")]
    Data {
        /// Which data.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A language that this crate doesn't have.
    #[error("unknown language `{0}` (known: en-us, en-gb, es, fr, hi, it, ja, pt-br, zh)")]
    UnknownLanguage(String),
    /// espeak-ng is asked for a language that Kokoro was not taught from it.
    #[error("Kokoro's `{0}` was not taught from espeak-ng; leave the choice of espeak-ng out")]
    NoEspeakReading(crate::language::Language),
    /// A language that the front-end asked for does not read.
    #[error("the language `{0}` can't be read from text here; give phonemes")]
    NoFrontEnd(crate::language::Language),
    /// A dialect of English that this crate doesn't have.
    #[error("unknown dialect `{0}` (known: en-us, en-gb)")]
    UnknownDialect(String),
    /// A user's lexicon that can't be read.
    #[error("lexicon, line {line}: {reason}")]
    Lexicon {
        /// Which line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A model configuration whose vocabulary cannot be used.
    #[error("vocabulary: {0}")]
    Vocabulary(String),
    /// The program espeak-ng cannot be run.
    #[error(
        "cannot run {program}: {reason}; install espeak-ng (https://github.com/espeak-ng/espeak-ng), or give phonemes"
    )]
    NoEspeak {
        /// What was to be run.
        program: String,
        /// Why it could not be.
        reason: String,
    },
    /// The installed espeak-ng doesn't have the voice.
    #[error(
        "espeak-ng has no voice `{0}`; `espeak-ng --voices` lists them; install a newer espeak-ng, or give phonemes"
    )]
    NoEspeakVoice(String),
    /// espeak-ng ran, but failed.
    #[error("espeak-ng failed: {0}")]
    Espeak(String),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether what was asked for is at fault, such as a language that isn't there; not data, nor a program of this machine.
    pub fn is_of_request(&self) -> bool {
        !matches!(self, Self::Data { .. } | Self::Vocabulary(_) | Self::NoEspeak { .. } | Self::Espeak(_))
    }

    pub(crate) fn lexicon(line: usize, reason: impl std::fmt::Display) -> Self {
        Self::Lexicon { line, reason: reason.to_string() }
    }

    pub(crate) fn data(name: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Data { name, reason: reason.to_string() }
    }
}
