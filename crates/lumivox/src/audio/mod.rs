//! Audio out: WAV files, and WAV or raw PCM to a pipe.

mod marks;
mod wav;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use hound::WavSpec;
use lumivox_convert::temporary_beside;

use crate::error::{Error, Result};

pub use wav::{Checkpoint, WavFile};

/// The most bytes of samples that a WAV file holds: its sizes are 32 bits, and the header is counted too.
pub const MAX_WAV_DATA_BYTES: u64 = u32::MAX as u64 - 128;

/// How a sample is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SampleFormat {
    /// 16-bit signed integers, little-endian; ±1 is ±32767 and what is louder is clipped.
    #[default]
    I16,
    /// 32-bit floats, little-endian, as the model gives them.
    F32,
}

impl SampleFormat {
    fn spec(self, sample_rate_hz: u32) -> WavSpec {
        let (bits_per_sample, sample_format) = match self {
            SampleFormat::I16 => (16, hound::SampleFormat::Int),
            SampleFormat::F32 => (32, hound::SampleFormat::Float),
        };
        WavSpec { channels: 1, sample_rate: sample_rate_hz, bits_per_sample, sample_format }
    }

    fn bytes(self) -> u64 {
        match self {
            SampleFormat::I16 => 2,
            SampleFormat::F32 => 4,
        }
    }

    /// What stands before the samples; the lengths in it, bytes 4 to 8 and the last four, are left open.
    fn header(self, sample_rate_hz: u32) -> Vec<u8> {
        self.spec(sample_rate_hz).into_header_for_infinite_file()
    }

    fn encode(self, samples: &[f32]) -> Vec<u8> {
        match self {
            SampleFormat::I16 => samples.iter().flat_map(|&sample| to_i16(sample).to_le_bytes()).collect(),
            SampleFormat::F32 => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        }
    }
}

fn to_i16(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * 32767.0).round_ties_even() as i16
}

/// A whole WAV file in memory: what [`WavFile`] writes.
///
/// # Errors
/// If it is longer than WAV can hold.
pub fn wav(samples: &[f32], sample_rate_hz: u32, format: SampleFormat) -> Result<Vec<u8>> {
    let data_bytes = samples.len() as u64 * format.bytes();
    if data_bytes > MAX_WAV_DATA_BYTES {
        return Err(Error::WavTooLong);
    }
    let mut wav = format.header(sample_rate_hz);
    let header_bytes = wav.len();
    let riff_bytes = header_bytes as u64 - 8 + data_bytes;
    // That both fit was checked.
    wav[4..8].copy_from_slice(&(riff_bytes as u32).to_le_bytes());
    wav[header_bytes - 4..].copy_from_slice(&(data_bytes as u32).to_le_bytes());
    wav.extend(format.encode(samples));
    Ok(wav)
}

/// Writes a file that has its name only when it is whole, like [`WavFile`]; a device or pipe is written to as it is.
///
/// # Errors
/// If the file can't be written.
pub fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let write = || {
        if fs::metadata(path).is_ok_and(|existing| !existing.is_file()) {
            return File::options().write(true).open(path)?.write_all(content);
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let mut file = temporary_beside(&path)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&path).map(drop).map_err(|error| error.error)
    };
    write().map_err(|source| Error::Write { to: path.display().to_string(), source })
}

/// Mono audio to a pipe as it is made: a WAV whose header leaves the length open, or raw samples.
pub struct WavStream<W: Write> {
    writer: W,
    name: String,
    format: SampleFormat,
}

impl<W: Write> WavStream<W> {
    /// Begins a stream to `writer`, with a WAV header if `header`; `name` is for error messages.
    ///
    /// # Errors
    /// If the header can't be written.
    pub fn new(mut writer: W, name: String, sample_rate_hz: u32, format: SampleFormat, header: bool) -> Result<Self> {
        if header {
            writer
                .write_all(&format.header(sample_rate_hz))
                .map_err(|source| Error::Write { to: name.clone(), source })?;
        }
        Ok(Self { writer, name, format })
    }

    /// Sends samples on at once.
    ///
    /// # Errors
    /// If the reader is gone or the disk behind it is full.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        let result = self.writer.write_all(&self.format.encode(samples)).and_then(|()| self.writer.flush());
        result.map_err(|source| Error::Write { to: self.name.clone(), source })
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// If what is left can't be written.
    pub fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(|source| Error::Write { to: self.name, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_rounded_and_clipped() {
        assert_eq!([0.0, 1.0, -1.0, 2.0, -2.0, f32::NAN].map(to_i16), [0, 32767, -32767, 32767, -32767, 0]);
        assert_eq!(to_i16(0.5 / 32767.0 + 1e-6), 1);
    }

    #[test]
    fn a_file_in_memory_is_the_file_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (path, samples) = (folder.path().join("x.wav"), [0.5, -0.25, 1.5]);
        for format in [SampleFormat::I16, SampleFormat::F32] {
            let mut file = WavFile::create(&path, 22_050, format).unwrap();
            file.write(&samples).unwrap();
            file.finish().unwrap();
            assert_eq!(wav(&samples, 22_050, format).unwrap(), fs::read(&path).unwrap());
        }
    }

    #[test]
    fn streams_begin_with_an_open_header() {
        let mut bytes = Vec::new();
        let mut stream = WavStream::new(&mut bytes, "memory".into(), 24_000, SampleFormat::I16, true).unwrap();
        stream.write(&[0.5, -0.5]).unwrap();
        stream.finish().unwrap();
        assert_eq!(bytes[44..], [0, 64, 0, 192]);
        // A reader that knows the length, as one has after the stream's end, finds the same.
        bytes[4..8].copy_from_slice(&40u32.to_le_bytes());
        bytes[40..44].copy_from_slice(&4u32.to_le_bytes());
        let mut reader = hound::WavReader::new(bytes.as_slice()).unwrap();
        assert_eq!(reader.spec(), SampleFormat::I16.spec(24_000));
        assert_eq!(reader.samples::<i16>().map(Result::unwrap).collect::<Vec<_>>(), [16384, -16384]);
    }
}
