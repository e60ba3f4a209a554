//! What the store reads of the process's environment, gathered so that callers can set it too.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The user's settings for the hub and for the programs that the mirror runs.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `HF_HOME`: folder of the hub's cache and token.
    pub hf_home: Option<PathBuf>,
    /// `HF_ENDPOINT`: address of the hub or of a mirror of it.
    pub hf_endpoint: Option<String>,
    /// `HF_TOKEN`: access token; by default the one in `HF_HOME`.
    pub hf_token: Option<String>,
    /// `HF_HUB_OFFLINE`: use what the hub's cache has, and no network.
    pub hf_hub_offline: bool,
    /// `PATH`: where pip and npm are looked for.
    pub path: Option<OsString>,
    /// How long to wait for the hub's first answer before the mirror is used.
    pub hub_answer_timeout: Duration,
}

impl Environment {
    /// The settings of this process.
    pub fn from_process() -> Self {
        let text = |name| env::var(name).ok().filter(|v| !v.is_empty());
        let is_true = |v: String| matches!(&*v.to_ascii_lowercase(), "1" | "on" | "yes" | "true");
        Self {
            hf_home: text("HF_HOME").map(PathBuf::from),
            hf_endpoint: text("HF_ENDPOINT").map(|v| v.trim_end_matches('/').into()),
            hf_token: text("HF_TOKEN"),
            hf_hub_offline: text("HF_HUB_OFFLINE").is_some_and(is_true),
            path: env::var_os("PATH"),
            hub_answer_timeout: Duration::from_secs(6),
        }
    }
}

/// `LUMIVOX_HOME`, else the user's cache folder.
pub(super) fn default_root() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let cache =
        || folder("XDG_CACHE_HOME").or_else(|| folder("LOCALAPPDATA")).or_else(|| Some(folder("HOME")?.join(".cache")));
    match env::var_os("LUMIVOX_HOME").filter(|v| !v.is_empty()) {
        Some(home) => Some(home.into()),
        None => Some(cache()?.join("lumivox")),
    }
}
