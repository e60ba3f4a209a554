//! Why a model could not be had. Every message says what to do about it.

use crate::error::did_you_mean;
use lumivox_convert::ConvertError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a model could not be found or pulled. Nothing is left under the model's name when a pull fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No model of that name is known.
    #[error(
        "there is no model `{name}`{}; known models: {}, Piper voices by names like en_US-lessac-medium, and MMS-TTS by ISO 639-3 codes like mms-swh; `lumivox models --language` finds them; a model file is given by its path",
        did_you_mean(nearest), known.join(", ")
    )]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// Names that are close to it.
        nearest: Vec<String>,
        /// The names in the manifest.
        known: Vec<String>,
    },
    /// No dictionary of that name is known.
    #[error("there is no dictionary `{name}`; known dictionaries: {}", known.join(", "))]
    UnknownDictionary {
        /// The name that was asked for.
        name: String,
        /// The names in the manifest.
        known: Vec<String>,
    },
    /// No language of that tag or name is known.
    #[error(
        "there is no language `{language}`{}; give a tag such as sw, swh or pt-br, or an English name",
        did_you_mean(nearest)
    )]
    UnknownLanguage {
        /// What was asked for.
        language: String,
        /// Names that are close to it.
        nearest: Vec<String>,
    },
    /// A path was given, and nothing is there.
    #[error("{}", if .0.exists() { format!("{} is no file", .0.display()) } else { format!("there is no file {}", .0.display()) })]
    NoSuchFile(PathBuf),
    /// A checkpoint was given where a Piper voice is read as it is.
    #[error(
        "{} is a checkpoint of {family}, not a Piper voice; make a model file of it with its voices: `lumivox convert {} --voices FOLDER`",
        path.display(), path.display()
    )]
    NotPiper {
        /// The checkpoint.
        path: PathBuf,
        /// What it is.
        family: String,
    },
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
    /// The hub has no such file or repository, or does not give it to this user.
    #[error("{}{}", refusal(repo, file, *status), did_you_mean(nearest))]
    HubRefused {
        /// The repository.
        repo: String,
        /// The file.
        file: String,
        /// The status of HTTP.
        status: u16,
        /// Models that may have been meant.
        nearest: Vec<String>,
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
    #[error("{file} has {algorithm} {found}, not {expected}; it has been deleted, pull again")]
    Hash {
        /// The file.
        file: String,
        /// What kind of hash.
        algorithm: &'static str,
        /// The hash of the manifest, or that the hub states.
        expected: String,
        /// The file's hash.
        found: String,
    },
    /// Nothing says what a file should be, so it can't be verified. It has been deleted.
    #[error(
        "the hub states no hash of {file}, so it can't be verified; is HF_ENDPOINT ({endpoint}) a full mirror of the hub?"
    )]
    Unverified {
        /// The file.
        file: String,
        /// The address of the hub.
        endpoint: String,
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
    /// A checkpoint of the user's could not be read as a Piper voice.
    #[error("{} cannot be used as a Piper voice: {source}", path.display())]
    Import {
        /// The checkpoint.
        path: PathBuf,
        /// Why.
        source: ConvertError,
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

/// What it means that the hub answers with `status`.
fn refusal(repo: &str, file: &str, status: u16) -> String {
    match status {
        // Of a repository that does not exist, the hub says the same as of one that is not public.
        401 => format!(
            "the hub has no public repository {repo} (401); if it is one that asks for a token, set HF_TOKEN to yours"
        ),
        403 => format!(
            "the hub forbids {repo} (403); accept its terms on the hub, and set HF_TOKEN to a token that may read it"
        ),
        404 => format!("the hub has no {file} in {repo} (404)"),
        _ => format!("the hub refuses {file} of {repo} ({status})"),
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
