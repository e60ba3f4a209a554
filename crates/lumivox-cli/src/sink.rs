//! Where audio goes, and what becomes of it when the program is interrupted.

use std::io::{self, Stdout};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use lumivox::audio::{SampleFormat, WavFile, WavStream};

/// Exit code after an interrupt, as shells have it.
const INTERRUPTED: i32 = 130;

/// The file being written, which an interrupt removes.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

fn set_unfinished(path: Option<&Path>) {
    *UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) = path.map(Path::to_owned);
}

/// From now on an interrupt removes the file that is being written.
pub fn remove_unfinished_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        if let Some(path) = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Nothing more can be done about it on the way out.
            let _ = std::fs::remove_file(path);
        }
        std::process::exit(INTERRUPTED);
    })
    .context("the interrupt handler can't be set")
}

/// Where audio goes.
pub enum Sink {
    /// A WAV file.
    File(WavFile),
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
        set_unfinished(file.temporary_path());
        Ok(Self::File(file))
    }

    /// Appends samples.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        match self {
            Self::File(file) => file.write(samples)?,
            Self::Stdout(stream) => stream.write(samples)?,
        }
        Ok(())
    }

    /// Completes what was written; a file gets its name.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::File(file) => file.finish()?,
            Self::Stdout(stream) => stream.finish()?,
        }
        set_unfinished(None);
        Ok(())
    }
}
