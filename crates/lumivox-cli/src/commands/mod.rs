//! One file a command.

pub mod convert;
pub mod explain;
pub mod inspect;
pub mod models;
pub mod pull;
pub mod say;
pub mod voices;

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use lumivox::store::Store;

use crate::progress::PullProgress;

/// The model file for a name or path, pulled first if need be.
fn resolve(model: &str, quiet: bool) -> Result<PathBuf> {
    let progress = PullProgress::new(quiet);
    let path = Store::open()?.resolve(model, &progress);
    progress.finish();
    Ok(path?)
}

/// The model file for a path, or for the name of a model that is here.
fn find(model: &str) -> Result<PathBuf> {
    let here = Store::open()?.find(model)?;
    here.with_context(|| format!("the model `{model}` is not here yet; `lumivox pull {model}` fetches it"))
}

/// The text of an argument, a file or standard input, which must be UTF-8. No more than `limit` bytes and one are read, so that a text that is too long is
/// noticed without being loaded.
fn read_text(argument: Option<&str>, file: Option<&Path>, limit: usize) -> Result<String> {
    let (name, mut reader): (String, Box<dyn Read>) = match (argument, file) {
        (Some(text), _) => return Ok(text.to_owned()),
        (None, Some(path)) if path != Path::new("-") => {
            let file = File::open(path).with_context(|| format!("{} can't be read", path.display()))?;
            (path.display().to_string(), Box::new(file))
        }
        (None, file) => {
            if file.is_none() && io::stdin().is_terminal() {
                bail!("there is no text; give it as an argument, with --input FILE, or on standard input");
            }
            ("standard input".to_owned(), Box::new(io::stdin().lock()))
        }
    };
    let mut bytes = Vec::new();
    let most = (limit as u64).saturating_add(1);
    reader.by_ref().take(most).read_to_end(&mut bytes).with_context(|| format!("{name} can't be read"))?;
    if bytes.len() > limit {
        bail!(
            "{name} has more than the {limit} bytes that are taken; split it, or raise the limit with --max-text-bytes"
        );
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        anyhow::anyhow!("{name} is not UTF-8 text (byte {place}); convert it, for example with iconv")
    })?;
    // A byte order mark is not part of the text.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
