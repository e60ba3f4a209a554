//! Which of several outputs are done: `.lumivox.journal` in their folder, from the first that is done to the end of the run.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::interrupt::say_that_work_is_kept;

/// An output that is done.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// Its path below the folder.
    output: PathBuf,
    /// What its audio depends on.
    key: String,
    /// How long the file is.
    bytes: u64,
}

/// The outputs that are done.
pub struct Done {
    folder: PathBuf,
    path: PathBuf,
    /// Those of an earlier run.
    before: HashMap<PathBuf, Entry>,
    /// Opened with the first that is added; none if nothing is kept.
    file: Option<Mutex<Option<File>>>,
}

impl Done {
    /// Reads what an earlier run has noted, unless all is to be begun anew. What is not `kept` is not noted either.
    pub fn open(folder: &Path, kept: bool, restart: bool) -> Result<Self> {
        let path = folder.join(".lumivox.journal");
        let content = match fs::read_to_string(&path) {
            Ok(content) if kept && !restart => content,
            Ok(_) if kept => {
                fs::remove_file(&path).with_context(|| format!("{} can't be removed", path.display()))?;
                String::new()
            }
            _ => String::new(),
        };
        let entries = content.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
        let before = entries.map(|entry| (entry.output.clone(), entry)).collect();
        Ok(Self { folder: folder.to_owned(), path, before, file: kept.then(Mutex::default) })
    }

    /// Whether an output is done, and was not changed since.
    pub fn has(&self, output: &Path, key: &str) -> bool {
        let entry = output.strip_prefix(&self.folder).ok().and_then(|output| self.before.get(output));
        let length = fs::metadata(output).ok().map(|file| file.len());
        entry.is_some_and(|entry| entry.key == key && Some(entry.bytes) == length)
    }

    /// Notes that an output is done.
    pub fn add(&self, output: &Path, key: &str) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let add = || -> io::Result<()> {
            let bytes = fs::metadata(output)?.len();
            let output = output.strip_prefix(&self.folder).unwrap_or(output).to_owned();
            let line = serde_json::to_string(&Entry { output, key: key.to_owned(), bytes })? + "\n";
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let file = match file.as_mut() {
                Some(file) => file,
                None => file.insert(File::options().append(true).create(true).open(&self.path)?),
            };
            say_that_work_is_kept();
            file.write_all(line.as_bytes())?;
            file.sync_data()
        };
        add().with_context(|| format!("writing {} failed", self.path.display()))
    }

    /// Forgets everything: the run is over.
    pub fn remove(self) -> Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        drop(self.file);
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} can't be removed", self.path.display()))
            }
            _ => Ok(()),
        }
    }
}
