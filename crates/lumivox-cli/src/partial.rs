//! A WAV file that an interrupted run leaves to the next one: `OUTPUT.part` has the samples, `OUTPUT.journal` says which.
//!
//! The journal's first line names what is said and how, by a hash; each other line is a segment that is done. A line counts only if the samples until there
//! have its check sum, so neither a torn line nor samples that a power failure kept from the disk are taken for done.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lumivox::audio::{Checkpoint, SampleFormat, WavFile};
use serde::{Deserialize, Serialize};

use crate::interrupt::{Unfinished, say_that_work_is_kept};

/// How often a journal is opened anew because another run removed it in the meantime.
const ATTEMPTS: usize = 100;
/// How much work a power failure costs at most, beside that of a segment.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);

/// A segment that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The number of the passage that it is of.
    pub passage: usize,
    /// How far the file had come behind it.
    #[serde(flatten)]
    pub checkpoint: Checkpoint,
    /// How long its symbols are, in frames.
    pub durations: Vec<u32>,
}

/// What was found when a file was opened.
pub enum Found {
    /// Nothing.
    Nothing,
    /// Segments that are done and count.
    Done(Vec<Entry>),
    /// What an interrupted run left of something else.
    Other,
}

/// A file in the making.
pub struct Partial {
    /// Both files, as long as there is nothing in them to go on with. First: they are removed while the journal is locked.
    unfinished: Unfinished,
    /// The samples.
    pub wav: WavFile,
    journal: File,
    /// Segments in the journal.
    entries: usize,
    synced: Instant,
    part_path: PathBuf,
    journal_path: PathBuf,
}

/// Segments that a journal lists, and how many of its bytes say so.
#[derive(Default)]
struct Listed {
    entries: Vec<Entry>,
    /// Where the head ends, and each entry.
    ends: Vec<usize>,
}

impl Partial {
    /// Begins a file that will be `output`, or goes on with one whose journal has the same `key`, unless it is to be begun anew.
    pub fn open(
        output: &Path,
        sample_rate_hz: u32,
        format: SampleFormat,
        key: &str,
        restart: bool,
    ) -> Result<(Self, Found)> {
        let part_path = WavFile::part_path(output);
        let journal_path = part_path.with_extension("journal");
        let failed = || format!("writing {} failed", journal_path.display());
        let (mut journal, mut unfinished) = match open_journal(&journal_path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                bail!("{} is being written by another run; wait for it, or give another --output", output.display())
            }
            opened => opened.with_context(failed)?,
        };
        if !unfinished.is_empty() && !part_path.exists() {
            unfinished.add(part_path.clone());
        }
        let mut content = Vec::new();
        journal.read_to_end(&mut content).with_context(failed)?;
        let head = format!("{}\n", serde_json::json!({ "lumivox": env!("CARGO_PKG_VERSION"), "key": key }));
        let mut listed = if restart { Listed::default() } else { list(&content, &head) };
        let checkpoints: Vec<Checkpoint> = listed.entries.iter().map(|entry| entry.checkpoint).collect();
        let (wav, held) = WavFile::resume(output, sample_rate_hz, format, &checkpoints)?;
        listed.entries.truncate(held);
        keep(&mut journal, &head, listed.ends.get(held).copied()).with_context(failed)?;
        let found = match () {
            () if !listed.entries.is_empty() => Found::Done(listed.entries),
            // A head alone is nothing that could be lost.
            () if restart || content.iter().filter(|byte| **byte == b'\n').count() < 2 => Found::Nothing,
            () => Found::Other,
        };
        if held > 0 {
            say_that_work_is_kept();
        } else {
            unfinished.add(journal_path.clone());
            unfinished.add(part_path.clone());
        }
        Ok((Self { unfinished, wav, journal, entries: held, synced: Instant::now(), part_path, journal_path }, found))
    }

    /// Notes that a segment is done.
    pub fn checkpoint(&mut self, passage: usize, durations: &[u32]) -> Result<()> {
        let entry = Entry { passage, checkpoint: self.wav.checkpoint(), durations: durations.to_vec() };
        let line = serde_json::to_string(&entry)? + "\n";
        let failed = || format!("writing {} failed", self.journal_path.display());
        self.journal.write_all(line.as_bytes()).with_context(failed)?;
        if self.entries == 0 {
            self.unfinished.keep();
            say_that_work_is_kept();
        }
        self.entries += 1;
        if self.synced.elapsed() >= SYNC_INTERVAL {
            self.wav.sync()?;
            self.journal.sync_data().with_context(failed)?;
            self.synced = Instant::now();
        }
        Ok(())
    }

    /// Gives the file its name.
    pub fn finish(self) -> Result<()> {
        let Self { mut unfinished, wav, journal, journal_path, part_path, .. } = self;
        wav.finish().with_context(|| kept(&part_path))?;
        unfinished.keep();
        let removed = match fs::remove_file(&journal_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} can't be removed", journal_path.display()))
            }
            _ => Ok(()),
        };
        // Until now, so that whoever waited for it finds that it is gone.
        drop(journal);
        removed
    }

    /// Leaves to the next run what is done, unless that is nothing, or can't be completed by it either.
    pub fn abandon(mut self, error: anyhow::Error) -> anyhow::Error {
        let is_hopeless = matches!(error.downcast_ref(), Some(lumivox::Error::WavTooLong));
        if self.entries > 0 && !is_hopeless {
            return error.context(kept(&self.part_path));
        }
        self.unfinished.add(self.journal_path.clone());
        self.unfinished.add(self.part_path.clone());
        error
    }
}

fn kept(part: &Path) -> String {
    format!("what is done is kept in {}, and the same command goes on from there", part.display())
}

/// Opens the journal and locks it; one that is new is unfinished. [`io::ErrorKind::WouldBlock`] if another run has it.
fn open_journal(path: &Path) -> io::Result<(File, Unfinished)> {
    let options = File::options().read(true).write(true).clone();
    for _ in 0..ATTEMPTS {
        let new = || options.clone().create_new(true).open(path).and_then(lock);
        // Another run may have locked it first, and ended.
        let is_empty = |journal: &File| journal.metadata().is_ok_and(|journal| journal.len() == 0);
        let unfinished = |journal: &File| is_empty(journal).then(|| path.to_owned()).into_iter().collect();
        let (journal, mut unfinished) = match Unfinished::make(new, unfinished) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match options.open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => (lock(opened?)?, Unfinished::default()),
            },
            made => made?,
        };
        if has_name(&journal, path) {
            return Ok((journal, unfinished));
        }
        unfinished.keep();
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Locks a file, where files can be locked: elsewhere nobody is kept out.
fn lock(file: File) -> io::Result<File> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(file),
    }
}

/// Whether an open file still has its name; another run may have removed it, and begun another.
#[cfg(unix)]
fn has_name(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |file: fs::Metadata| (file.dev(), file.ino());
    let id_of_name = fs::metadata(path).map(id).ok();
    id_of_name.is_some() && file.metadata().map(id).ok() == id_of_name
}

/// Whether an open file still has its name: what is open keeps it.
#[cfg(not(unix))]
fn has_name(_: &File, _: &Path) -> bool {
    true
}

/// What a journal with the `head` lists, as far as its lines are whole; nothing if it has another.
fn list(content: &[u8], head: &str) -> Listed {
    let Some(lines) = content.strip_prefix(head.as_bytes()) else { return Listed::default() };
    let mut listed = Listed { entries: Vec::new(), ends: vec![head.len()] };
    let mut end = head.len();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let Some(Ok(entry)) = line.strip_suffix(b"\n").map(serde_json::from_slice) else { break };
        end += line.len();
        listed.entries.push(entry);
        listed.ends.push(end);
    }
    listed
}

/// Cuts the journal off behind what counts; if that is nothing, it begins with `head`.
fn keep(journal: &mut File, head: &str, end: Option<usize>) -> io::Result<()> {
    journal.set_len(end.unwrap_or(0) as u64)?;
    journal.seek(SeekFrom::End(0))?;
    match end {
        Some(_) => Ok(()),
        None => journal.write_all(head.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_one_runs_and_what_is_new_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav.journal");
        let (journal, unfinished) = open_journal(&path).unwrap();
        assert!(has_name(&journal, &path) && !unfinished.is_empty());
        assert_eq!(open_journal(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(unfinished);
        assert!(!path.exists());
        // What is open has lost its name, also if another run has one of that name.
        assert!(!has_name(&journal, &path));
        let (mut other, mut unfinished) = open_journal(&path).unwrap();
        assert!(!has_name(&journal, &path) && has_name(&other, &path));
        other.write_all(b"done").unwrap();
        unfinished.keep();
        drop((other, unfinished));
        // An earlier run's is not this one's to remove.
        let (_journal, unfinished) = open_journal(&path).unwrap();
        assert!(unfinished.is_empty());
        drop(unfinished);
        assert_eq!(fs::read(&path).unwrap(), b"done");
        let nowhere = folder.path().join("none/a.wav.journal");
        assert_eq!(open_journal(&nowhere).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
