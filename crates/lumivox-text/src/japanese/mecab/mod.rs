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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    const FILES: [&str; 4] = ["sys.dic", "unk.dic", "matrix.bin", "char.bin"];

    /// A small dictionary, made by `tools/lexicon/mecab_sample.py`.
    fn sample() -> Vec<Vec<u8>> {
        let raw = data::decompress("mecab", include_bytes!("../../../tests/data/mecab.zst")).unwrap();
        let mut rest = raw.as_slice();
        FILES.iter().map(|_| data::section("mecab", &mut rest).unwrap().to_vec()).collect()
    }

    /// Opens the files in a folder of their own.
    fn open(name: &str, files: &[Vec<u8>]) -> Result<Dictionary> {
        let folder = std::env::temp_dir().join(format!("lumivox-mecab-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in FILES.iter().zip(files) {
            fs::write(folder.join(name), content).unwrap();
        }
        let dictionary = Dictionary::open(&folder);
        // Where an open file can't be removed, it stays among the temporary ones.
        let _ = fs::remove_dir_all(&folder);
        dictionary
    }

    #[test]
    fn words_are_mecabs() {
        let dictionary = open("words", &sample()).unwrap();
        let lines = include_str!("../../../tests/data/mecab.tsv").lines();
        for (text, words) in lines.map(|line| line.split_once('\t').unwrap()) {
            let morphemes = dictionary.morphemes(text);
            let surfaces: Vec<&str> = morphemes.iter().map(|word| &text[word.range.clone()]).collect();
            assert_eq!(surfaces.join(" "), words);
            for word in morphemes.iter().filter(|word| word.known) {
                let features = dictionary.features(word).unwrap();
                assert!(features.split(',').count() > 8, "{features}");
            }
        }
        assert!(dictionary.find("東京").is_some() && dictionary.find("東西").is_none());
    }

    #[test]
    fn damaged_files_are_refused_or_read_without_a_panic() {
        let whole = sample();
        for (at, file) in FILES.iter().enumerate() {
            let mut files = whole.clone();
            files[at].truncate(whole[at].len() / 2);
            assert!(open("short", &files).is_err(), "{file}");
        }
        // Every byte of the header and some of the rest.
        for (at, step) in [(0, 997), (1, 31), (2, 499), (3, 9973)] {
            for byte in (0..72).chain((72..whole[at].len()).step_by(step)) {
                let mut files = whole.clone();
                files[at][byte] ^= 0xA5;
                if let Ok(dictionary) = open("damaged", &files) {
                    for word in dictionary.morphemes("東京都に住んでいます。") {
                        dictionary.features(&word);
                    }
                }
            }
        }
    }
}
