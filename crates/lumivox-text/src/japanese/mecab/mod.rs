//! A reader of compiled MeCab dictionaries (`sys.dic`, `unk.dic`, `matrix.bin`, `char.bin`), and the words of a text by them.
//! Formats and search are those of MeCab 0.996 (`dictionary.cpp`, `char_property.cpp`, `connector.cpp`, `tokenizer.cpp`,
//! `viterbi.cpp`).

mod categories;
mod connections;
mod lattice;
mod lexicon;

use std::fs::{self, File};
use std::path::Path;

use crate::error::{Error, Result};
use categories::Categories;
use connections::Connections;
use lexicon::Lexicon;

pub(super) use lattice::Morpheme;

/// What errors are about.
const NAME: &str = "Japanese dictionary";

/// A dictionary, such as naist-jdic or UniDic.
pub(super) struct Dictionary {
    known: Lexicon,
    unknown: Lexicon,
    connections: Connections,
    categories: Categories,
    /// For each category of characters, the entries of unknown words as they stand in `unknown`.
    unknown_entries: Vec<u32>,
}

impl Dictionary {
    /// Opens the files in `folder`.
    ///
    /// # Errors
    /// A file is missing or not of this format.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let read = |file: &str| {
            let path = folder.join(file);
            fs::read(&path).map_err(|e| Error::data(NAME, format!("{}: {e}", path.display())))
        };
        let path = folder.join("sys.dic");
        let file = File::open(&path).map_err(|e| Error::data(NAME, format!("{}: {e}", path.display())))?;
        let known = Lexicon::open(file)?;
        let unknown = Lexicon::parse(read("unk.dic")?)?;
        let categories = Categories::parse(&read("char.bin")?)?;
        let connections = Connections::parse(read("matrix.bin")?)?;
        let entries = categories.names().iter().map(|name| {
            unknown.find(name.as_bytes()).ok_or_else(|| Error::data(NAME, format!("unk.dic has no {name}")))
        });
        Ok(Self { unknown_entries: entries.collect::<Result<_>>()?, known, unknown, connections, categories })
    }

    /// The number of a word's features, a word's that is in the dictionary.
    pub(super) fn find(&self, word: &str) -> Option<u32> {
        self.known.entries(self.known.find(word.as_bytes())?).next().map(|entry| entry.features)
    }

    /// The features of a word, separated by commas.
    pub(super) fn features(&self, morpheme: &Morpheme) -> Option<String> {
        let lexicon = if morpheme.known { &self.known } else { &self.unknown };
        lexicon.features(morpheme.features)
    }

    /// The features by their number.
    pub(super) fn known_features(&self, number: u32) -> Option<String> {
        self.known.features(number)
    }
}

/// The little-endian number at `at` of `bytes`.
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// The little-endian number at `at` of `bytes`.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn damaged(what: &str) -> Error {
    Error::data(NAME, format!("{what} is damaged or not of MeCab 0.996"))
}
