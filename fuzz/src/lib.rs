//! What the fuzz targets share: a folder for files, what is promised of a text that was read, and small models.

pub mod archive;
pub mod convert;
pub mod reading;
pub mod server;

/// Models of a few thousand weights, and the files that upstream's tools make of them.
#[path = "../../crates/lumivox-convert/tests/support/mod.rs"]
pub mod support;

use std::path::PathBuf;
use std::sync::LazyLock;

/// A file of this process's own, in a folder that `TMPDIR` decides.
pub fn scratch(name: &str) -> PathBuf {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));
    FOLDER.path().join(name)
}

/// The text before the first NUL, and behind it.
pub fn halves(text: &str) -> (&str, &str) {
    text.split_once('\0').unwrap_or((text, ""))
}
