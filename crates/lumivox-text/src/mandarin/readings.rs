//! Pinyin of characters and phrases as pypinyin 0.55 gives it (`pypinyin/seg/mmseg.py`, `lazy_pinyin` with numbered tones), and
//! the IPA that misaki 0.9.4 writes for each syllable.

use super::word_list::WordList;
use crate::data;
use crate::error::{Error, Result};

const NAME: &str = "zh.readings";

/// A syllable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Syllable {
    /// With the number of its tone, `hao3`.
    pub pinyin: String,
    /// Kokoro's symbols.
    pub ipa: String,
}

/// Dictionary of readings.
pub(super) struct Readings {
    syllables: Vec<Syllable>,
    /// Characters in order.
    characters: Vec<char>,
    /// Where the readings of each character begin in `listed`, and their end.
    starts: Vec<u32>,
    /// Numbers of syllables; of a character's, the most usual first.
    listed: Vec<u16>,
    phrases: WordList,
    /// For each character of every phrase, the place of its reading among the character's.
    choices: Vec<u8>,
}

impl Readings {
    /// Reads the data compiled into the crate.
    pub(super) fn new() -> Result<Self> {
        let raw = data::decompress(NAME, include_bytes!("../../data/zh.readings.zst"))?;
        let mut rest = raw.as_slice();
        let syllables = data::text(NAME, &mut rest)?.lines().map(|line| {
            let (pinyin, ipa) = line.split_once('\t').ok_or_else(|| Error::data(NAME, "a syllable without IPA"))?;
            Ok(Syllable { pinyin: pinyin.to_owned(), ipa: ipa.to_owned() })
        });
        let syllables: Vec<Syllable> = syllables.collect::<Result<_>>()?;
        let characters: Vec<char> = data::text(NAME, &mut rest)?.chars().collect();
        let (mut starts, mut listed) = (Vec::with_capacity(characters.len() + 1), Vec::new());
        for line in data::text(NAME, &mut rest)?.lines() {
            starts.push(u32::try_from(listed.len()).map_err(|e| Error::data(NAME, e))?);
            for number in line.split(' ') {
                let number: u16 = number.parse().map_err(|e| Error::data(NAME, e))?;
                if usize::from(number) >= syllables.len() {
                    return Err(Error::data(NAME, "no such syllable"));
                }
                listed.push(number);
            }
        }
        if starts.len() != characters.len() {
            return Err(Error::data(NAME, "cut short"));
        }
        starts.push(u32::try_from(listed.len()).map_err(|e| Error::data(NAME, e))?);
        let phrases = WordList::read(NAME, &mut rest)?;
        let choices = data::section(NAME, &mut rest)?.to_vec();
        if choices.len() != phrases.character_count() {
            return Err(Error::data(NAME, "cut short"));
        }
        Ok(Self { syllables, characters, starts, listed, phrases, choices })
    }

    /// The reading of a character at `choice`, or its most usual one.
    pub(super) fn of(&self, c: char, choice: u8) -> Option<&Syllable> {
        let at = self.characters.binary_search(&c).ok()?;
        let listed = &self.listed[self.starts[at] as usize..self.starts[at + 1] as usize];
        let number = listed.get(usize::from(choice)).or(listed.first())?;
        self.syllables.get(usize::from(*number))
    }

    /// The syllables of a word: those of the longest phrase that it begins with, and so on; of a character that begins none, its
    /// most usual one. `None` stands for characters without a reading.
    pub(super) fn read(&self, word: &[u16]) -> Vec<Option<&Syllable>> {
        let mut syllables = Vec::with_capacity(word.len());
        while syllables.len() < word.len() {
            let rest = &word[syllables.len()..];
            let mut longest = None;
            self.phrases.prefixes(rest, |length, phrase| longest = Some((length, phrase)));
            let (length, start) = match longest {
                Some((length, phrase)) => (length, Some(self.phrases.start(phrase))),
                None => (1, None),
            };
            for (at, &c) in rest[..length].iter().enumerate() {
                let choice = start.map_or(0, |start| self.choices[start + at]);
                syllables.push(char::from_u32(u32::from(c)).and_then(|c| self.of(c, choice)));
            }
        }
        syllables
    }
}
