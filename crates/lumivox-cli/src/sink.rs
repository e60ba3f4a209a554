//! Where audio goes.

use std::fs;
use std::io::{self, Stdout};
use std::path::Path;

use anyhow::Result;
use lumivox::audio::{SampleFormat, WavFile, WavStream};

use crate::interrupt::Unfinished;
use crate::partial::Partial;

/// Where audio goes.
pub enum Sink {
    /// A WAV file.
    File(WavFile, Unfinished),
    /// A device or pipe that has a name.
    Device(WavFile),
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
        let create = || WavFile::create(output, sample_rate_hz, format);
        if !is_ordinary(output) {
            // A pipe waits here until somebody reads it, and an interrupt does not wait with it.
            return Ok(Self::Device(create()?));
        }
        let temporary = |file: &WavFile| file.temporary_path().map(Path::to_owned).into_iter().collect();
        let (file, unfinished) = Unfinished::make(create, temporary)?;
        Ok(Self::File(file, unfinished))
    }

    /// Appends samples.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        match self {
            Self::File(file, _) | Self::Device(file) => file.write(samples)?,
            Self::Partial(partial) => partial.wav.write(samples)?,
            Self::Stdout(stream) => stream.write(samples)?,
        }
        Ok(())
    }

    /// Names the place before a sample, in a file.
    pub fn mark(&mut self, sample: u64, label: &str) -> Result<()> {
        match self {
            Self::File(file, _) | Self::Device(file) => file.mark(sample, label)?,
            Self::Partial(partial) => partial.wav.mark(sample, label)?,
            Self::Stdout(_) => {}
        }
        Ok(())
    }

    /// Notes that a segment of a passage is done, where that is of use.
    pub fn checkpoint(&mut self, passage: usize, durations: &[u32]) -> Result<()> {
        match self {
            Self::Partial(partial) => partial.checkpoint(passage, durations),
            Self::File(..) | Self::Device(_) | Self::Stdout(_) => Ok(()),
        }
    }

    /// Completes what was written; a file gets its name.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::File(file, mut unfinished) => {
                file.finish()?;
                unfinished.keep();
            }
            Self::Device(file) => file.finish()?,
            Self::Partial(partial) => partial.finish()?,
            Self::Stdout(stream) => stream.finish()?,
        }
        Ok(())
    }

    /// Ends what can't be completed because of `error`, which then says what can be gone on with.
    pub fn abandon(self, error: anyhow::Error) -> anyhow::Error {
        match self {
            Self::Partial(partial) => partial.abandon(error),
            Self::File(..) | Self::Device(_) | Self::Stdout(_) => error,
        }
    }
}

/// Whether a file is written under the name, and not a pipe or device.
pub fn is_ordinary(output: &Path) -> bool {
    output != Path::new("-") && fs::metadata(output).map_or(true, |existing| existing.is_file())
}
