//! Audio out: WAV files, and WAV or raw PCM to a pipe.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use hound::{WavSpec, WavWriter};
use tempfile::NamedTempFile;

use crate::error::{Error, Result};

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
}

fn to_i16(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * 32767.0).round_ties_even() as i16
}

/// A mono WAV file that gets its name only when it is whole: until [`WavFile::finish`] it is a temporary file in the same folder, which is removed if the
/// `WavFile` is dropped. A file that has the name already is replaced, its permissions kept; through a link, the file that the link leads to.
pub struct WavFile {
    path: PathBuf,
    format: SampleFormat,
    samples: u64,
    target: Target,
}

enum Target {
    Temporary {
        writer: WavWriter<BufWriter<File>>,
        file: NamedTempFile,
    },
    /// A device or pipe that exists under the name: it can't be replaced by renaming.
    Device(WavStream<File>),
}

impl WavFile {
    /// Begins a file that will be `path`.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn create(path: &Path, sample_rate_hz: u32, format: SampleFormat) -> Result<Self> {
        let fail = |source: io::Error| Error::Write { to: path.display().to_string(), source };
        let existing = fs::metadata(path).ok();
        let (path, target) = match &existing {
            Some(existing) if existing.is_dir() => return Err(fail(io::ErrorKind::IsADirectory.into())),
            Some(existing) if !existing.is_file() => {
                let file = File::options().write(true).open(path).map_err(fail)?;
                let stream = WavStream::new(file, path.display().to_string(), sample_rate_hz, format, true)?;
                (path.to_path_buf(), Target::Device(stream))
            }
            existing => {
                let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
                let file = temporary_beside(&path).map_err(fail)?;
                if let Some(existing) = existing {
                    fs::set_permissions(file.path(), existing.permissions()).map_err(fail)?;
                }
                let handle = BufWriter::new(file.as_file().try_clone().map_err(fail)?);
                let writer = WavWriter::new(handle, format.spec(sample_rate_hz));
                (path, Target::Temporary { writer: writer.map_err(|error| fail(io_error(error)))?, file })
            }
        };
        Ok(Self { path, format, samples: 0, target })
    }

    /// The file that is written until [`WavFile::finish`]; none for a device or pipe. A program that ends without unwinding removes it itself.
    pub fn temporary_path(&self) -> Option<&Path> {
        match &self.target {
            Target::Temporary { file, .. } => Some(file.path()),
            Target::Device(_) => None,
        }
    }

    /// Appends samples.
    ///
    /// # Errors
    /// If the disk is full, or the file grows past what WAV can hold.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        self.samples += samples.len() as u64;
        if self.samples * self.format.bytes() > MAX_WAV_DATA_BYTES {
            return Err(Error::WavTooLong);
        }
        match &mut self.target {
            Target::Device(stream) => stream.write(samples),
            Target::Temporary { writer, .. } => {
                let result = match self.format {
                    SampleFormat::I16 => samples.iter().try_for_each(|&sample| writer.write_sample(to_i16(sample))),
                    SampleFormat::F32 => samples.iter().try_for_each(|&sample| writer.write_sample(sample)),
                };
                result.map_err(|error| Error::Write { to: self.path.display().to_string(), source: io_error(error) })
            }
        }
    }

    /// Completes the file and gives it its name, replacing a file that had it.
    ///
    /// # Errors
    /// If the rest can't be written or the file can't be renamed.
    pub fn finish(self) -> Result<()> {
        let Self { path, target, .. } = self;
        let fail = |source: io::Error| Error::Write { to: path.display().to_string(), source };
        match target {
            Target::Device(stream) => stream.finish(),
            Target::Temporary { writer, file } => {
                writer.finalize().map_err(|error| fail(io_error(error)))?;
                file.as_file().sync_all().map_err(fail)?;
                file.persist(&path).map_err(|error| fail(error.error))?;
                Ok(())
            }
        }
    }
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

/// A new file in the folder of `path`, with the permissions that a file made directly would have.
fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lumivox-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn io_error(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
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
            let bytes = format.spec(sample_rate_hz).into_header_for_infinite_file();
            writer.write_all(&bytes).map_err(|source| Error::Write { to: name.clone(), source })?;
        }
        Ok(Self { writer, name, format })
    }

    /// Sends samples on at once.
    ///
    /// # Errors
    /// If the reader is gone or the disk behind it is full.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = match self.format {
            SampleFormat::I16 => samples.iter().flat_map(|&sample| to_i16(sample).to_le_bytes()).collect(),
            SampleFormat::F32 => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        };
        let result = self.writer.write_all(&bytes).and_then(|()| self.writer.flush());
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
    fn files_have_their_samples_back_and_no_name_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.01).sin()).collect();
        for (format, tolerance) in [(SampleFormat::I16, 0.5 / 32767.0 + 1e-7), (SampleFormat::F32, 0.0)] {
            let _ = fs::remove_file(&path);
            let mut wav = WavFile::create(&path, 24_000, format).unwrap();
            wav.write(&samples[..300]).unwrap();
            wav.write(&samples[300..]).unwrap();
            assert!(!path.exists());
            wav.finish().unwrap();
            let mut reader = hound::WavReader::open(&path).unwrap();
            assert_eq!((reader.spec().channels, reader.spec().sample_rate), (1, 24_000));
            let back: Vec<f32> = match format {
                SampleFormat::I16 => reader.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32767.0).collect(),
                SampleFormat::F32 => reader.samples().map(|s| s.unwrap()).collect(),
            };
            assert_eq!(back.len(), samples.len());
            assert!(back.iter().zip(&samples).all(|(a, b)| (a - b).abs() <= tolerance));
        }
        drop(WavFile::create(&path, 24_000, SampleFormat::I16).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt, symlink};
            fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            let link = folder.path().join("link.wav");
            symlink(&path, &link).unwrap();
            let mut wav = WavFile::create(&link, 24_000, SampleFormat::I16).unwrap();
            wav.write(&samples[..10]).unwrap();
            wav.finish().unwrap();
            assert_eq!(hound::WavReader::open(&path).unwrap().len(), 10, "a link leads to the file that is replaced");
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::remove_file(&link).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a dropped file leaves nothing behind");
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
