//! Where audio goes, and what becomes of it when the program is interrupted.

use std::collections::BTreeSet;
use std::io::{self, Stdout};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use lumivox::audio::{SampleFormat, WavFile, WavStream};

use crate::output::note;
use crate::partial::Partial;

/// Exit code after an interrupt, as shells have it.
const INTERRUPTED: i32 = 130;

/// What an interrupt does.
pub struct OnInterrupt {
    /// Files that it removes: they are being written, and of no use.
    pub remove: BTreeSet<PathBuf>,
    /// Whether there is something to go on with.
    pub kept: bool,
}

static ON_INTERRUPT: Mutex<OnInterrupt> = Mutex::new(OnInterrupt { remove: BTreeSet::new(), kept: false });

/// What an interrupt does; it waits while this is held.
pub fn on_interrupt() -> MutexGuard<'static, OnInterrupt> {
    ON_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on an interrupt removes the files that are being written, but for those that can be gone on with.
pub fn remove_unfinished_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        let state = on_interrupt();
        // Nothing more can be done about it on the way out.
        state.remove.iter().for_each(|path| drop(std::fs::remove_file(path)));
        if state.kept {
            note("interrupted; what is done is kept, and the same command goes on from there");
        }
        std::process::exit(INTERRUPTED);
    })
    .context("the interrupt handler can't be set")
}

/// Where audio goes.
pub enum Sink {
    /// A WAV file.
    File(WavFile),
    /// A WAV file that another run can go on with.
    Partial(Partial),
    /// Standard output.
    Stdout(WavStream<Stdout>),
}

impl Sink {
    /// Opens `output`, a file or `-` for standard output, which gets a WAV header only if `header`.
    pub fn open(output: &Path, sample_rate_hz: u32, format: SampleFormat, header: bool) -> Result<Self> {
        if output == Path::new("-") {
            let stream = WavStream::new(io::stdout(), "standard output".into(), sample_rate_hz, format, header)?;
            return Ok(Self::Stdout(stream));
        }
        let file = WavFile::create(output, sample_rate_hz, format)?;
        on_interrupt().remove.extend(file.temporary_path().map(Path::to_owned));
        Ok(Self::File(file))
    }

    /// Appends samples.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        match self {
            Self::File(file) => file.write(samples)?,
            Self::Partial(partial) => partial.wav.write(samples)?,
            Self::Stdout(stream) => stream.write(samples)?,
        }
        Ok(())
    }

    /// Names the place before a sample, in a file.
    pub fn mark(&mut self, sample: u64, label: &str) -> Result<()> {
        match self {
            Self::File(file) => file.mark(sample, label)?,
            Self::Partial(partial) => partial.wav.mark(sample, label)?,
            Self::Stdout(_) => {}
        }
        Ok(())
    }

    /// Notes that a segment of a passage is done, where that is of use.
    pub fn checkpoint(&mut self, passage: usize, durations: &[u32]) -> Result<()> {
        match self {
            Self::Partial(partial) => partial.checkpoint(passage, durations),
            Self::File(_) | Self::Stdout(_) => Ok(()),
        }
    }

    /// Completes what was written; a file gets its name.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::File(file) => {
                let temporary = file.temporary_path().map(Path::to_owned);
                file.finish()?;
                temporary.map(|path| on_interrupt().remove.remove(&path));
            }
            Self::Partial(partial) => partial.finish()?,
            Self::Stdout(stream) => stream.finish()?,
        }
        Ok(())
    }

    /// Ends what can't be completed because of `error`, which then says what can be gone on with.
    pub fn abandon(self, error: anyhow::Error) -> anyhow::Error {
        match self {
            Self::Partial(partial) => partial.abandon(error),
            Self::File(_) | Self::Stdout(_) => error,
        }
    }
}
