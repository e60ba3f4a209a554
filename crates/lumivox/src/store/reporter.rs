//! What a pull tells its caller while it runs.

use std::fmt;

/// What a pull is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Files are on their way.
    Download,
    /// Files are compared with their hashes.
    Verify,
    /// The model file is being made.
    Convert,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Download => "downloading",
            Self::Verify => "verifying",
            Self::Convert => "converting",
        })
    }
}

/// Receives the progress of a pull. `()` ignores it.
pub trait Reporter {
    /// `done_bytes` of `total_bytes` of `stage` are done. The total may grow while sizes become known, and is 0 when none is.
    fn progress(&self, stage: Stage, done_bytes: u64, total_bytes: u64) {
        let _ = (stage, done_bytes, total_bytes);
    }

    /// One line for the user: which source is used, and what is special about it.
    fn note(&self, text: &str) {
        let _ = text;
    }
}

impl Reporter for () {}
