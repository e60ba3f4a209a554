//! Decompression of the data files compiled into the crate.

use std::io::Read;

use crate::error::{Error, Result};

/// Decompresses a zstd frame. `name` is for the error.
pub(crate) fn decompress(name: &'static str, compressed: &[u8]) -> Result<Vec<u8>> {
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(compressed).map_err(|e| Error::data(name, e))?;
    let mut raw = Vec::with_capacity(compressed.len() * 4);
    decoder.read_to_end(&mut raw).map_err(|e| Error::data(name, e))?;
    Ok(raw)
}

/// Takes the next section (little-endian u32 length, then the bytes) off `rest`.
pub(crate) fn section<'a>(name: &'static str, rest: &mut &'a [u8]) -> Result<&'a [u8]> {
    let (head, tail) = rest.split_first_chunk::<4>().ok_or_else(|| Error::data(name, "cut short"))?;
    let length = u32::from_le_bytes(*head) as usize;
    let (section, tail) = tail.split_at_checked(length).ok_or_else(|| Error::data(name, "cut short"))?;
    *rest = tail;
    Ok(section)
}

/// A section as text.
pub(crate) fn text<'a>(name: &'static str, rest: &mut &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(section(name, rest)?).map_err(|e| Error::data(name, e))
}
