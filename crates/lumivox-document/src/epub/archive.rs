//! The files inside a book. Nothing is unpacked to the disk, and no more than the limit into memory.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Error, Result};
use crate::{Limits, utf8};

/// A book's archive.
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    limit: u64,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Archive<'a> {
    /// Opens the archive in `bytes`.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Error::epub(error.to_string()))?;
        Ok(Self { zip, limit: limits.max_bytes, left: limits.max_bytes })
    }

    /// Whether there is a file of the name.
    pub fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The text of a file.
    pub fn text(&mut self, name: &str) -> Result<String> {
        let damaged = |reason: String| Error::Page { name: name.to_owned(), reason };
        let file = self.zip.by_name(name).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Error::Encrypted { name: name.to_owned() },
            ZipError::FileNotFound => damaged("there is no such file in it".to_owned()),
            other => damaged(other.to_string()),
        })?;
        let mut bytes = Vec::new();
        // What the archive says about its sizes need not be true.
        file.take(self.left + 1).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        if bytes.len() as u64 > self.left {
            return Err(Error::TooLarge { limit: self.limit });
        }
        self.left -= bytes.len() as u64;
        utf8(&bytes).map_err(|error| damaged(error.to_string()))
    }
}

/// The name inside the archive, and the place in that file, that `href` in the file `base` means; none if it leads out of the archive.
pub fn resolve(base: &str, href: &str) -> Option<(String, Option<String>)> {
    let (path, place) = match href.split_once('#') {
        Some((path, place)) => (path, Some(unescape(place))),
        None => (href, None),
    };
    if path.is_empty() {
        return Some((base.to_owned(), place));
    }
    if path.split('/').next().is_some_and(|first| first.contains(':')) {
        return None;
    }
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { base.split('/').collect() };
    parts.pop();
    let path = unescape(path);
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some((parts.join("/"), place))
}

/// Resolves `%20` and the like; what is no such escape stays.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stay_inside_the_archive() {
        let name = |base, href| resolve(base, href).map(|(name, _)| name);
        assert_eq!(name("OEBPS/book.opf", "text/a%20b.xhtml").as_deref(), Some("OEBPS/text/a b.xhtml"));
        assert_eq!(name("OEBPS/text/nav.xhtml", "../c.xhtml#x").as_deref(), Some("OEBPS/c.xhtml"));
        assert_eq!(resolve("a.xhtml", "#x%C3%A9"), Some(("a.xhtml".to_owned(), Some("xé".to_owned()))));
        assert_eq!(name("OEBPS/book.opf", "../../etc/passwd"), None);
        assert_eq!(name("a", "https://example.org/x"), None);
        assert_eq!(name("a/b", "/c/./d").as_deref(), Some("c/d"));
        assert_eq!(unescape("100%"), "100%");
    }
}
