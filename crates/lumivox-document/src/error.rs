//! What can be wrong with a document.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text in another encoding.
    #[error("it is not UTF-8 text (byte {byte}); convert it, for example with iconv")]
    NotUtf8 {
        /// The first byte that is not.
        byte: usize,
    },
    /// There is nothing to read in it.
    #[error("there is no text in it")]
    Empty,
    /// More text than is taken.
    #[error("it has more than the {limit} bytes of text that are taken; split it")]
    TooLarge {
        /// The most that is taken.
        limit: u64,
    },
    /// Subtitles that can't be read.
    #[error("line {line}: {reason}")]
    SubRip {
        /// The line.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Not an EPUB, or a damaged one.
    #[error("it is not a whole EPUB: {reason}")]
    Epub {
        /// What is wrong.
        reason: String,
    },
    /// A part of an EPUB that is not well-formed.
    #[error("it is not a whole EPUB: {name} can't be read: {reason}")]
    Page {
        /// The file inside.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A book that only its shop's programs open.
    #[error("it is encrypted (DRM), {name} for one, and can't be read; only a copy without DRM can")]
    Encrypted {
        /// A file inside.
        name: String,
    },
}

impl Error {
    pub(crate) fn epub(reason: impl Into<String>) -> Self {
        Self::Epub { reason: reason.into() }
    }
}
