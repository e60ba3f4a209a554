//! WAV files that have their name only when they are whole.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::Crc;
use lumivox_convert::temporary_beside;
use tempfile::NamedTempFile;

use super::marks::{self, Mark};
use super::{MAX_WAV_DATA_BYTES, SampleFormat, WavStream};
use crate::error::{Error, Result};

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 1 << 16;

/// A mono WAV file that gets its name only when it is whole: until [`WavFile::finish`] it is another file in the same folder. A file that has the name
/// already is replaced, its permissions kept; through a link, the file that the link leads to.
pub struct WavFile {
    path: PathBuf,
    format: SampleFormat,
    header_bytes: u64,
    samples: u64,
    /// Of all bytes of samples.
    crc: Crc,
    marks: Vec<Mark>,
    target: Target,
}

enum Target {
    /// It is removed when the `WavFile` is dropped.
    Temporary(NamedTempFile),
    /// It stays, to be gone on with.
    Part(File, PathBuf),
    /// A device or pipe that exists under the name: it can't be replaced by renaming.
    Device(WavStream<File>),
}

/// How far a file had come: so many samples, with this check sum. What [`WavFile::resume`] goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// Samples that were written.
    pub samples: u64,
    /// CRC-32 of their bytes.
    pub crc32: u32,
}

impl WavFile {
    /// Begins a file that will be `path`. Until then it is a temporary one, which is removed if the `WavFile` is dropped.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn create(path: &Path, sample_rate_hz: u32, format: SampleFormat) -> Result<Self> {
        let fail = |source: io::Error| write_error(path, source);
        let existing = fs::metadata(path).ok();
        let (path, target) = match &existing {
            Some(existing) if existing.is_dir() => return Err(fail(io::ErrorKind::IsADirectory.into())),
            Some(existing) if !existing.is_file() => {
                let file = File::options().write(true).open(path).map_err(fail)?;
                let stream = WavStream::new(file, path.display().to_string(), sample_rate_hz, format, true)?;
                (path.to_path_buf(), Target::Device(stream))
            }
            _ => {
                let path = real_path(path);
                let mut file = temporary_beside(&path).map_err(fail)?;
                file.write_all(&format.header(sample_rate_hz)).map_err(fail)?;
                (path, Target::Temporary(file))
            }
        };
        let header_bytes = format.header(sample_rate_hz).len() as u64;
        let wav = Self { path, format, header_bytes, samples: 0, crc: Crc::new(), marks: Vec::new(), target };
        wav.keep_permissions().map_err(fail)?;
        Ok(wav)
    }

    /// Begins a file that will be `path`, or goes on with one that was not finished. Until it is whole it is the file that [`WavFile::part_path`] names, which
    /// stays if the `WavFile` is dropped or the program is killed. Also returns how many of `checkpoints`, which are in their order, that file holds as it
    /// was when they were taken; what is behind the last of them is cut off.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn resume(
        path: &Path,
        sample_rate_hz: u32,
        format: SampleFormat,
        checkpoints: &[Checkpoint],
    ) -> Result<(Self, usize)> {
        let fail = |source: io::Error| write_error(path, source);
        if fs::metadata(path).is_ok_and(|existing| existing.is_dir()) {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        let (path, part) = (real_path(path), Self::part_path(path));
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&part).map_err(fail)?;
        let header = format.header(sample_rate_hz);
        let (held, crc) = held(&mut file, &header, format, checkpoints).map_err(fail)?;
        let samples = held.checked_sub(1).map_or(0, |last| checkpoints[last].samples);
        let header_bytes = header.len() as u64;
        let mut place = || {
            file.set_len(header_bytes + samples * format.bytes())?;
            // The lengths may have been written already.
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header)?;
            file.seek(SeekFrom::End(0)).map(drop)
        };
        place().map_err(fail)?;
        let target = Target::Part(file, part);
        let wav = Self { path, format, header_bytes, samples, crc, marks: Vec::new(), target };
        wav.keep_permissions().map_err(fail)?;
        Ok((wav, held))
    }

    /// The unfinished file beside `path` that [`WavFile::resume`] writes to.
    pub fn part_path(path: &Path) -> PathBuf {
        let mut part = real_path(path).into_os_string();
        part.push(".part");
        part.into()
    }

    /// The file that is written until [`WavFile::finish`]; none for a device or pipe. A program that ends without unwinding removes it itself.
    pub fn temporary_path(&self) -> Option<&Path> {
        match &self.target {
            Target::Temporary(file) => Some(file.path()),
            Target::Part(_, part) => Some(part),
            Target::Device(_) => None,
        }
    }

    /// How far it has come. What was written until now survives the end of the program; [`WavFile::sync`] has it survive that of the machine.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { samples: self.samples, crc32: self.crc.sum() }
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn sync(&self) -> Result<()> {
        match &self.target {
            Target::Device(_) => Ok(()),
            Target::Temporary(file) => file.as_file().sync_data(),
            Target::Part(file, _) => file.sync_data(),
        }
        .map_err(|source| write_error(&self.path, source))
    }

    /// Names the place before a sample, as where a chapter begins. Marks come in the order of their places. A device or pipe gets none.
    ///
    /// # Errors
    /// If the file grows past what WAV can hold.
    pub fn mark(&mut self, sample: u64, label: &str) -> Result<()> {
        self.marks.push(Mark { sample, label: label.to_owned() });
        self.check_size()
    }

    fn check_size(&self) -> Result<()> {
        let bytes = self.samples * self.format.bytes() + marks::chunks(&self.marks).len() as u64;
        if bytes > MAX_WAV_DATA_BYTES { Err(Error::WavTooLong) } else { Ok(()) }
    }

    /// Appends samples.
    ///
    /// # Errors
    /// If the disk is full, or the file grows past what WAV can hold.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        self.samples += samples.len() as u64;
        self.check_size()?;
        let bytes = self.format.encode(samples);
        let written = match &mut self.target {
            Target::Device(stream) => return stream.write(samples),
            Target::Temporary(file) => file.write_all(&bytes),
            Target::Part(file, _) => file.write_all(&bytes),
        };
        self.crc.update(&bytes);
        written.map_err(|source| write_error(&self.path, source))
    }

    /// Completes the file and gives it its name, replacing a file that had it.
    ///
    /// # Errors
    /// If the rest can't be written or the file can't be renamed.
    pub fn finish(self) -> Result<()> {
        let Self { path, format, header_bytes, samples, marks, target, .. } = self;
        let fail = |source: io::Error| write_error(&path, source);
        let (data_bytes, chunks) = (samples * format.bytes(), marks::chunks(&marks));
        let complete = |file: &mut File| {
            file.write_all(&chunks)?;
            let riff_bytes = header_bytes - 8 + data_bytes + chunks.len() as u64;
            for (place, bytes) in [(4, riff_bytes), (header_bytes - 4, data_bytes)] {
                file.seek(SeekFrom::Start(place))?;
                // That they fit was checked.
                file.write_all(&(bytes as u32).to_le_bytes())?;
            }
            file.sync_all()
        };
        match target {
            Target::Device(stream) => stream.finish(),
            Target::Temporary(mut file) => {
                complete(file.as_file_mut()).map_err(fail)?;
                file.persist(&path).map(drop).map_err(|error| fail(error.error))
            }
            Target::Part(mut file, part) => complete(&mut file).and_then(|()| fs::rename(&part, &path)).map_err(fail),
        }
    }

    /// Has the unfinished file the permissions of the one that it will replace.
    fn keep_permissions(&self) -> io::Result<()> {
        match (fs::metadata(&self.path), self.temporary_path()) {
            (Ok(existing), Some(unfinished)) => fs::set_permissions(unfinished, existing.permissions()),
            _ => Ok(()),
        }
    }
}

/// How many of the checkpoints a file that begins with `header` holds, and the check sum until the last of them.
fn held(file: &mut File, header: &[u8], format: SampleFormat, checkpoints: &[Checkpoint]) -> io::Result<(usize, Crc)> {
    let mut begin = vec![0; header.len()];
    let is_open =
        |found: &[u8]| found.len() == header.len() && found[8..header.len() - 4] == header[8..header.len() - 4];
    if file.read_exact(&mut begin).is_err() || !is_open(&begin) {
        return Ok((0, Crc::new()));
    }
    let (mut crc, mut samples, mut block) = (Crc::new(), 0, vec![0; BLOCK_BYTES]);
    let mut last = (0, Crc::new());
    for (number, checkpoint) in checkpoints.iter().enumerate() {
        let mut left = checkpoint.samples.saturating_sub(samples) * format.bytes();
        while left > 0 {
            let length = left.min(BLOCK_BYTES as u64) as usize;
            match file.read_exact(&mut block[..length]) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(last),
                read => read?,
            }
            crc.update(&block[..length]);
            left -= length as u64;
        }
        samples = checkpoint.samples.max(samples);
        if (samples, crc.sum()) != (checkpoint.samples, checkpoint.crc32) {
            return Ok(last);
        }
        last = (number + 1, copy(&crc));
    }
    Ok(last)
}

/// The same check sum, to be gone on with.
fn copy(crc: &Crc) -> Crc {
    let mut copy = Crc::new();
    copy.combine(crc);
    copy
}

/// The file that a link leads to.
fn real_path(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

fn write_error(path: &Path, source: io::Error) -> Error {
    Error::Write { to: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
