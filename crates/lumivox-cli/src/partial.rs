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
    /// The samples.
    pub wav: WavFile,
    journal: File,
    /// Segments in the journal.
    entries: usize,
    synced: Instant,
    part_path: PathBuf,
    journal_path: PathBuf,
    /// Both files, as long as there is nothing in them to go on with. Last: files are closed before they are removed.
    unfinished: Option<Unfinished>,
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
        let files = vec![part_path.clone(), journal_path.clone()];
        let (mut unfinished, mut journal) = open_journal(&journal_path, &files).with_context(failed)?;
        // Where files can't be locked at all, nobody is kept out.
        if matches!(journal.try_lock(), Err(TryLockError::WouldBlock)) {
            unfinished.into_iter().for_each(Unfinished::keep);
            bail!("{} is being written by another run; wait for it, or give another --output", output.display());
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
        } else if unfinished.is_none() {
            unfinished = Some(Unfinished::of(files));
        }
        Ok((Self { wav, journal, entries: held, synced: Instant::now(), part_path, journal_path, unfinished }, found))
    }

    /// Notes that a segment is done.
    pub fn checkpoint(&mut self, passage: usize, durations: &[u32]) -> Result<()> {
        let entry = Entry { passage, checkpoint: self.wav.checkpoint(), durations: durations.to_vec() };
        let line = serde_json::to_string(&entry)? + "\n";
        let failed = || format!("writing {} failed", self.journal_path.display());
        self.journal.write_all(line.as_bytes()).with_context(failed)?;
        if let Some(unfinished) = self.unfinished.take() {
            unfinished.keep();
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
        let Self { wav, journal, journal_path, part_path, unfinished, .. } = self;
        unfinished.into_iter().for_each(Unfinished::keep);
        wav.finish().with_context(|| kept(&part_path))?;
        drop(journal);
        match fs::remove_file(&journal_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} can't be removed", journal_path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Leaves to the next run what is done, unless that is nothing, or can't be completed by it either.
    pub fn abandon(self, error: anyhow::Error) -> anyhow::Error {
        let is_hopeless = matches!(error.downcast_ref(), Some(lumivox::Error::WavTooLong));
        if self.entries > 0 && !is_hopeless {
            return error.context(kept(&self.part_path));
        }
        let Self { wav, journal, journal_path, part_path, .. } = self;
        drop((wav, journal));
        let _ = fs::remove_file(part_path);
        let _ = fs::remove_file(journal_path);
        error
    }
}

fn kept(part: &Path) -> String {
    format!("what is done is kept in {}, and the same command goes on from there", part.display())
}

/// Opens the journal, which is the sign of an unfinished run; where there is none, `files` will be new.
fn open_journal(path: &Path, files: &[PathBuf]) -> io::Result<(Option<Unfinished>, File)> {
    let options = File::options().read(true).write(true).clone();
    match Unfinished::make(|| options.clone().create_new(true).open(path), |_| files.to_vec()) {
        Ok((journal, unfinished)) => Ok((Some(unfinished), journal)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok((None, options.clone().create(true).truncate(false).open(path)?))
        }
        Err(error) => Err(error),
    }
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
