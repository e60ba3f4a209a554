//! `sys.dic` and `unk.dic`: a double array over the bytes of words, entries, and their features as text.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use super::{NAME, damaged, u16_at, u32_at};
use crate::error::{Error, Result};

const MAGIC: u32 = 0xEF71_8F77;
const VERSION: u32 = 102;
const HEADER_BYTES: usize = 72;
const UNIT_BYTES: usize = 8;
const ENTRY_BYTES: usize = 16;
/// Longest text of features that is read.
const FEATURES_BYTES: usize = 4096;

/// Where features are.
pub(super) enum Features {
    /// In memory.
    Loaded(Vec<u8>),
    /// In the file, from this byte on: there are many, and a text needs few.
    File(Mutex<File>, u64),
}

/// An entry of a word.
pub(super) struct Entry {
    pub left: u16,
    pub right: u16,
    pub cost: i16,
    /// Where its features begin.
    pub features: u32,
}

/// Words with their entries.
pub(super) struct Lexicon {
    /// Units of a base (i32) and a check (u32).
    double_array: Vec<u8>,
    entries: Vec<u8>,
    features: Features,
}

/// Sizes in bytes of the double array and of the entries.
fn sizes(header: &[u8], file_bytes: u64) -> Result<(usize, usize)> {
    let field = |at: usize| u32_at(header, at * 4).ok_or_else(|| damaged("a dictionary file"));
    if u64::from(field(0)? ^ MAGIC) != file_bytes || field(1)? != VERSION {
        return Err(damaged("a dictionary file"));
    }
    let charset = header.get(40..HEADER_BYTES).unwrap_or_default();
    let charset = String::from_utf8_lossy(charset.split(|b| *b == 0).next().unwrap_or_default()).to_lowercase();
    if charset != "utf-8" && charset != "utf8" {
        return Err(Error::data(NAME, format!("its text is in {charset}; only UTF-8 is read")));
    }
    Ok((field(6)? as usize, field(7)? as usize))
}

impl Lexicon {
    /// Takes everything but the features into memory.
    pub(super) fn open(mut file: File) -> Result<Self> {
        let failed = |e: std::io::Error| Error::data(NAME, e);
        let bytes = file.metadata().map_err(failed)?.len();
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header).map_err(failed)?;
        let (units, entries) = sizes(&header, bytes)?;
        if (HEADER_BYTES + units + entries) as u64 > bytes {
            return Err(damaged("sys.dic"));
        }
        let mut read = |length: usize| {
            let mut part = Vec::with_capacity(length);
            let taken = (&mut file).take(length as u64).read_to_end(&mut part).map_err(failed)?;
            if taken == length { Ok(part) } else { Err(damaged("sys.dic")) }
        };
        let (double_array, entries) = (read(units)?, read(entries)?);
        let start = (HEADER_BYTES + double_array.len() + entries.len()) as u64;
        Ok(Self { double_array, entries, features: Features::File(Mutex::new(file), start) })
    }

    /// Takes a whole file.
    pub(super) fn parse(mut bytes: Vec<u8>) -> Result<Self> {
        let (units, entries) = sizes(&bytes, bytes.len() as u64)?;
        if HEADER_BYTES + units + entries > bytes.len() {
            return Err(damaged("unk.dic"));
        }
        let features = bytes.split_off(HEADER_BYTES + units + entries);
        let entries = bytes.split_off(HEADER_BYTES + units);
        let double_array = bytes.split_off(HEADER_BYTES);
        Ok(Self { double_array, entries, features: Features::Loaded(features) })
    }

    fn unit(&self, at: u32) -> Option<(i32, u32)> {
        let at = (at as usize).checked_mul(UNIT_BYTES)?;
        Some((u32_at(&self.double_array, at)?.cast_signed(), u32_at(&self.double_array, at + 4)?))
    }

    /// Gives `found` the length in bytes and the value of every word that `text` begins with, short ones first.
    pub(super) fn prefixes(&self, text: &[u8], mut found: impl FnMut(usize, u32)) {
        let Some((base, _)) = self.unit(0) else { return };
        let mut at = base.cast_unsigned();
        for length in 0..=text.len() {
            if let Some((value, check)) = self.unit(at)
                && check == at
                && value < 0
                && length > 0
            {
                found(length, (-(value + 1)).cast_unsigned());
            }
            let Some(byte) = text.get(length) else { return };
            match at.checked_add(u32::from(*byte) + 1).and_then(|next| self.unit(next)) {
                Some((base, check)) if check == at => at = base.cast_unsigned(),
                _ => return,
            }
        }
    }

    /// The value of `word`.
    pub(super) fn find(&self, word: &[u8]) -> Option<u32> {
        let mut value = None;
        self.prefixes(word, |length, v| {
            if length == word.len() {
                value = Some(v);
            }
        });
        value
    }

    /// The entries that a value stands for.
    pub(super) fn entries(&self, value: u32) -> impl Iterator<Item = Entry> + '_ {
        let (first, count) = ((value >> 8) as usize, (value & 0xFF) as usize);
        (first..first + count).map_while(|index| {
            let entry = self.entries.get(index * ENTRY_BYTES..(index + 1) * ENTRY_BYTES)?;
            Some(Entry {
                left: u16_at(entry, 0)?,
                right: u16_at(entry, 2)?,
                cost: u16_at(entry, 6)?.cast_signed(),
                features: u32_at(entry, 8)?,
            })
        })
    }

    /// The text at byte `start` of the features.
    pub(super) fn features(&self, start: u32) -> Option<String> {
        let bytes = match &self.features {
            Features::Loaded(bytes) => bytes.get(start as usize..)?.iter().copied().take(FEATURES_BYTES).collect(),
            Features::File(file, base) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let mut bytes = vec![0; 256];
                loop {
                    file.seek(SeekFrom::Start(base + u64::from(start))).ok()?;
                    let capacity = bytes.len() as u64;
                    bytes.clear();
                    (&mut *file).take(capacity).read_to_end(&mut bytes).ok()?;
                    if bytes.contains(&0) || bytes.len() >= FEATURES_BYTES || (bytes.len() as u64) < capacity {
                        break bytes;
                    }
                    bytes.resize(bytes.len() * 4, 0);
                }
            }
        };
        let end = bytes.iter().position(|b| *b == 0)?;
        String::from_utf8(bytes[..end].to_vec()).ok()
    }
}
