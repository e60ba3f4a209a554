//! Why a model could not be had. Every message says what to do about it.

use lumivox_convert::ConvertError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a model could not be found or pulled. Nothing is left under the model's name when a pull fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No model of that name is known.
    #[error("there is no model `{name}`; known models: {}; a model file is given by its path", known.join(", "))]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The names in the manifest.
        known: Vec<String>,
    },
    /// A path was given, and nothing is there.
    #[error("there is no file {}", .0.display())]
    NoSuchFile(PathBuf),
    /// Neither `LUMIVOX_HOME` nor a home folder is known.
    #[error("no cache folder is known; set LUMIVOX_HOME")]
    NoHome,
    /// The manifest is not valid.
    #[error("the manifest of models is not valid: {0}")]
    Manifest(String),
    /// A file of the store could not be read or written.
    #[error("{}: {source}{}", path.display(), advice(source))]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The hub did not answer, or not with the model.
    #[error("the hub cannot be used ({reason})")]
    HubUnreachable {
        /// Why.
        reason: String,
    },
    /// A download from the hub broke off.
    #[error("the download of {file} from the hub broke off ({reason}); run again to go on")]
    HubInterrupted {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A program that the mirror needs is not installed.
    #[error("{program} is needed for the package mirror and was not found; install {package}")]
    ToolMissing {
        /// The program.
        program: &'static str,
        /// What contains it.
        package: &'static str,
    },
    /// A package tool failed.
    #[error("`{command}` failed ({status}): {output}")]
    ToolFailed {
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// A package is not what the manifest says.
    #[error("the package {package} {reason}; pull again, or update lumivox")]
    Package {
        /// The package.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file is not the file of the manifest. It has been deleted.
    #[error("{file} has SHA-256 {found}, not {expected}; it has been deleted, pull again")]
    Hash {
        /// The file.
        file: String,
        /// The hash in the manifest.
        expected: String,
        /// The file's hash.
        found: String,
    },
    /// Neither the hub nor the mirror has given the model.
    #[error("{hub}; the package mirror failed too: {mirror}")]
    NoSource {
        /// What happened at the hub.
        hub: Box<StoreError>,
        /// What happened at the mirror.
        #[source]
        mirror: Box<StoreError>,
    },
    /// What was fetched could not be converted.
    #[error("what was downloaded cannot be converted: {0}")]
    Convert(#[from] ConvertError),
}

impl StoreError {
    pub(super) fn storage(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Storage { path, source }
    }
}

/// What to do about an error of the file system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, or set LUMIVOX_HOME to a folder on another disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; set LUMIVOX_HOME to a folder that can be written"
        }
        _ => "",
    }
}
