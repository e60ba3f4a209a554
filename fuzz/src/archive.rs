//! Archives around what is fuzzed, so that a checksum is no obstacle.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A zip archive of `entries`; names that it can't have are left out.
pub fn zip<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in entries {
        if zip.start_file(name, options).is_ok() {
            zip.write_all(content).expect("memory to write to");
        }
    }
    zip.finish().expect("memory to write to").into_inner()
}

/// The entries that `data` describes: parted by 0x01, each a line with its name and then its content.
pub fn entries(data: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    data.split(|byte| *byte == 1).filter_map(|entry| {
        let end = entry.iter().position(|byte| *byte == b'\n')?;
        Some((std::str::from_utf8(&entry[..end]).ok()?, &entry[end + 1..]))
    })
}
