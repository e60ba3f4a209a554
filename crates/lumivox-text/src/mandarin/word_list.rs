//! Sorted lists of words in which all words that begin at a place of a text are found fast.

use std::ops::Range;

use crate::data;
use crate::error::{Error, Result};

/// First and last character that words are made of, and one more.
const FIRST: u16 = 0x4E00;
const CHARACTERS: usize = 0xA000 - 0x4E00 + 1;

/// Words of characters of U+4E00 to U+9FFF.
pub(super) struct WordList {
    characters: Vec<u16>,
    /// Where each word begins among `characters`, and their end.
    starts: Vec<u32>,
    /// The first word for each first character.
    first: Vec<u32>,
}

impl WordList {
    /// Takes two sections off `rest`: what words share with the one before them, and what they do not.
    pub(super) fn read(name: &'static str, rest: &mut &[u8]) -> Result<Self> {
        let shared = data::section(name, rest)?;
        let lines = data::text(name, rest)?;
        let mut list = Self {
            characters: Vec::with_capacity(shared.len() * 3),
            starts: Vec::with_capacity(shared.len() + 1),
            first: Vec::with_capacity(CHARACTERS),
        };
        let mut before = 0..0;
        for (&shared, line) in shared.iter().zip(lines.split('\n')) {
            let start = list.characters.len();
            list.starts.push(offset(name, start)?);
            if usize::from(shared) > before.len() {
                return Err(Error::data(name, "a word shares more than the one before it has"));
            }
            list.characters.extend_from_within(before.start..before.start + usize::from(shared));
            for c in line.chars() {
                let code = u16::try_from(u32::from(c)).ok().filter(|c| (FIRST..0xA000).contains(c));
                list.characters.push(code.ok_or_else(|| Error::data(name, "a character out of range"))?);
            }
            before = start..list.characters.len();
            let Some(&first) = list.characters.get(start) else { return Err(Error::data(name, "an empty word")) };
            list.first
                .resize(list.first.len().max(usize::from(first - FIRST) + 1), offset(name, list.starts.len() - 1)?);
        }
        if list.starts.len() != shared.len() {
            return Err(Error::data(name, "cut short"));
        }
        list.first.resize(CHARACTERS, offset(name, list.starts.len())?);
        list.starts.push(offset(name, list.characters.len())?);
        Ok(list)
    }

    /// How many words it has.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many characters all words have together.
    pub(super) fn character_count(&self) -> usize {
        self.characters.len()
    }

    /// The number of all characters before the word `index`.
    pub(super) fn start(&self, index: usize) -> usize {
        self.starts[index] as usize
    }

    fn word(&self, index: usize) -> &[u16] {
        &self.characters[self.starts[index] as usize..self.starts[index + 1] as usize]
    }

    /// Gives `found` the length and the number of every word that `text` begins with, short ones first.
    pub(super) fn prefixes(&self, text: &[u16], mut found: impl FnMut(usize, usize)) {
        let Some(first) = text.first().and_then(|c| c.checked_sub(FIRST)).map(usize::from) else { return };
        let Some(&[low, high]) = self.first.get(first..first + 2) else { return };
        let mut range = low as usize..high as usize;
        for length in 1..=text.len() {
            if length > 1 {
                range = self.narrowed(range, length - 1, text[length - 1]);
            }
            if range.is_empty() {
                return;
            }
            if self.word(range.start).len() == length {
                found(length, range.start);
            }
        }
    }

    /// Those of `range`, which share their first `at` characters, that go on with `c`.
    fn narrowed(&self, range: Range<usize>, at: usize, c: u16) -> Range<usize> {
        let bound = |range: Range<usize>, is_before: &dyn Fn(Option<&u16>) -> bool| {
            let (mut low, mut high) = (range.start, range.end);
            while low < high {
                let middle = usize::midpoint(low, high);
                if is_before(self.word(middle).get(at)) { low = middle + 1 } else { high = middle }
            }
            low
        };
        let low = bound(range.clone(), &|other| other < Some(&c));
        low..bound(low..range.end, &|other| other <= Some(&c))
    }

    /// The number of `word`.
    pub(super) fn find(&self, word: &[u16]) -> Option<usize> {
        let mut number = None;
        self.prefixes(word, |length, index| {
            if length == word.len() {
                number = Some(index);
            }
        });
        number
    }
}

fn offset(name: &'static str, at: usize) -> Result<u32> {
    u32::try_from(at).map_err(|e| Error::data(name, e))
}
