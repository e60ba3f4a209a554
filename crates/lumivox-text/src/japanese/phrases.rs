//! misaki's list of Japanese words (`ja_words.txt`): words of the dictionary that make one of these are said as one.

use crate::data;
use crate::error::Result;

const NAME: &str = "ja.words";

/// The list.
pub(super) struct Phrases {
    /// Sorted lines.
    text: String,
    starts: Vec<u32>,
}

impl Phrases {
    /// Reads the data compiled into the crate.
    pub(super) fn new() -> Result<Self> {
        let mut rest: &[u8] = &data::decompress(NAME, include_bytes!("../../data/ja.words.zst"))?;
        let text = data::text(NAME, &mut rest)?.to_owned();
        let (mut starts, mut at) = (Vec::new(), 0);
        for line in text.split('\n') {
            starts.push(u32::try_from(at).map_err(|e| crate::Error::data(NAME, e))?);
            at += line.len() + 1;
        }
        Ok(Self { text, starts })
    }

    /// The first word of the list that does not come before `word`.
    fn at_or_after(&self, word: &str) -> Option<&str> {
        let line = |start: &u32| self.text[*start as usize..].split('\n').next().unwrap_or_default();
        let at = self.starts.partition_point(|start| line(start) < word);
        self.starts.get(at).map(line)
    }

    /// Whether `word` is in the list.
    pub(super) fn has(&self, word: &str) -> bool {
        self.at_or_after(word) == Some(word)
    }

    /// How many of `surfaces`, of which there is at least one, are said as one word.
    pub(super) fn first(&self, surfaces: &[&str]) -> usize {
        let mut joined = String::new();
        let mut length = 1;
        for (at, surface) in surfaces.iter().enumerate() {
            joined += surface;
            match self.at_or_after(&joined) {
                Some(word) if word == joined => length = at + 1,
                Some(word) if word.starts_with(&joined) => {}
                _ => break,
            }
        }
        length
    }
}
