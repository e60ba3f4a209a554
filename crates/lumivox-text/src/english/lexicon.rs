//! misaki's pronouncing dictionaries, searched in place.

use super::Dialect;
use crate::data;
use crate::error::{Error, Result};

const US: &[u8] = include_bytes!("../../data/en-us.lexicon.zst");
const GB: &[u8] = include_bytes!("../../data/en-gb.lexicon.zst");

/// Which of misaki's two dictionaries: checked by hand, or generated in bulk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// Checked by hand.
    Gold,
    /// Generated in bulk, less reliable.
    Silver,
}

/// The two dictionaries of a dialect: sorted lines in one buffer, found by binary search.
pub(crate) struct Lexicon {
    text: String,
    gold: Vec<u32>,
    silver: Vec<u32>,
}

/// What the dictionary says of a word.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    default: &'a str,
    by_tag: &'a str,
}

impl<'a> Entry<'a> {
    /// The phonemes for a part-of-speech tag (or `None`: nothing follows in the phrase) with the default as fallback;
    /// nothing where the dictionary says that the word is to be spelled.
    pub(crate) fn phonemes(&self, tag: &str, at_end: bool) -> Option<&'a str> {
        let find = |wanted: &str| {
            self.by_tag.split('\t').find_map(|pair| pair.split_once('=').filter(|(t, _)| *t == wanted).map(|(_, p)| p))
        };
        let found = if at_end { find("None") } else { None };
        let found = found.or_else(|| find(tag)).or_else(|| find(parent_tag(tag))).unwrap_or(self.default);
        (!found.is_empty()).then_some(found)
    }
}

/// The word class of a Penn Treebank tag as the dictionary names it.
pub(crate) fn parent_tag(tag: &str) -> &str {
    match tag.get(..2) {
        Some("VB") => "VERB",
        Some("NN") => "NOUN",
        Some("RB") => "ADV",
        Some("JJ") => "ADJ",
        _ => tag,
    }
}

impl Lexicon {
    pub(crate) fn new(dialect: Dialect) -> Result<Self> {
        let (name, bytes) = match dialect {
            Dialect::American => ("en-us.lexicon", US),
            Dialect::British => ("en-gb.lexicon", GB),
        };
        let text = String::from_utf8(data::decompress(name, bytes)?).map_err(|e| Error::data(name, e))?;
        let boundary = text.find("\n\n").ok_or_else(|| Error::data(name, "no silver section"))?;
        let starts = |from: usize, to: usize| {
            let newlines = text.as_bytes()[from..to].iter().enumerate().filter(|(_, b)| **b == b'\n');
            std::iter::once(from as u32).chain(newlines.map(|(i, _)| (from + i + 1) as u32)).collect()
        };
        let (gold, silver) = (starts(0, boundary), starts(boundary + 2, text.len().saturating_sub(1)));
        Ok(Self { gold, silver, text })
    }

    /// Every gold entry `(word, default phonemes)`, in the order of the file: what the letter-to-sound model learns.
    pub(crate) fn gold_entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.gold.iter().filter_map(|start| {
            let (word, rest) = self.line(*start).split_once('\t')?;
            Some((word, rest.split('\t').next()?))
        })
    }

    fn line(&self, start: u32) -> &str {
        self.text[start as usize..].split('\n').next().unwrap_or_default()
    }

    fn exact(&self, word: &str, starts: &[u32]) -> Option<Entry<'_>> {
        let bytes = self.text.as_bytes();
        let found = starts.binary_search_by(|start| {
            let line = &bytes[*start as usize..];
            let key = &line[..line.iter().position(|b| *b == b'\t').unwrap_or(line.len())];
            key.cmp(word.as_bytes())
        });
        let (_, rest) = self.line(starts[found.ok()?]).split_once('\t')?;
        let (default, by_tag) = rest.split_once('\t').unwrap_or((rest, ""));
        Some(Entry { default, by_tag })
    }

    /// An entry under the word itself or under its other casing: a lower-case entry serves the capitalised word, an
    /// entry with only a capital serves the lower-case word.
    fn cased(&self, word: &str, starts: &[u32]) -> Option<Entry<'_>> {
        if let Some(entry) = self.exact(word, starts) {
            return Some(entry);
        }
        let first = word.chars().next()?;
        let rest = &word[first.len_utf8()..];
        if rest.is_empty() || rest.chars().any(char::is_uppercase) {
            return None;
        }
        let other: String = if first.is_uppercase() {
            first.to_lowercase().chain(rest.chars()).collect()
        } else {
            first.to_uppercase().chain(rest.chars()).collect()
        };
        if other == word { None } else { self.exact(&other, starts) }
    }

    pub(crate) fn gold(&self, word: &str) -> Option<Entry<'_>> {
        self.cased(word, &self.gold)
    }

    pub(crate) fn silver(&self, word: &str) -> Option<Entry<'_>> {
        self.cased(word, &self.silver)
    }

    pub(crate) fn contains(&self, word: &str) -> bool {
        self.gold(word).is_some() || self.silver(word).is_some()
    }
}
