//! The ids of MMS-TTS: one a character, with id 0 around each (`tokenization_vits.py`, `VitsTokenizer`).

use std::collections::{BTreeMap, HashMap};

use super::Encoded;
use super::piper::single;
use crate::error::{Error, Result};

/// `vocab.json` of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    ids: HashMap<char, u32>,
    add_blank: bool,
    pad: Option<char>,
}

impl Vocabulary {
    /// Takes `vocab` (symbol → id) and `add_blank` of a model's configuration. Symbols of several characters (`<unk>`) are of
    /// no use: text is read one character at a time.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] if no symbol is a single character.
    pub fn new(vocab: &BTreeMap<String, u32>, add_blank: bool) -> Result<Self> {
        let ids: HashMap<_, _> = vocab.iter().filter_map(|(symbol, &id)| Some((single(symbol)?, id))).collect();
        if ids.is_empty() {
            return Err(Error::Vocabulary("no symbol is a single character".to_owned()));
        }
        Ok(Self { ids, add_blank, pad: None })
    }

    /// Encodes as `VitsTokenizer` does where `pad_token` is a character of the vocabulary, as in `mms-tts-eng`, whose pad is
    /// `k`: it takes that character out of the text before blanks are put in, so that there is no blank of its own where it
    /// begins or ends the text or is doubled.
    pub fn with_pad_token(mut self, pad_token: Option<&str>) -> Self {
        self.pad = pad_token.and_then(single).filter(|pad| self.ids.contains_key(pad));
        self
    }

    /// Whether a character has an id.
    pub fn contains(&self, symbol: char) -> bool {
        self.ids.contains_key(&symbol)
    }

    /// Ids of `phonemes`: characters in the vocabulary, with id 0 around each if the model has blanks. White space outside
    /// the vocabulary has no sound and is not reported.
    pub fn encode(&self, phonemes: &str) -> Encoded {
        let mut encoded = Encoded::default();
        // Whether the last id is a blank, or is taken for one.
        let mut blank = false;
        for (place, symbol) in phonemes.chars().enumerate() {
            let Some(&id) = self.ids.get(&symbol) else {
                if !symbol.is_whitespace() {
                    encoded.unknown.push((place, symbol));
                }
                continue;
            };
            let bare = self.pad == Some(symbol);
            if self.add_blank && !bare && !blank {
                let before = encoded.symbols.last().copied().flatten();
                encoded.push(0, before);
            }
            encoded.push(id, Some(place));
            blank = self.add_blank && !bare;
            if blank {
                encoded.push(0, Some(place));
            }
        }
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(add_blank: bool) -> Vocabulary {
        let vocab = ["k", "a", " ", "b", "<unk>"].iter().zip(0..).map(|(symbol, id)| ((*symbol).to_owned(), id));
        Vocabulary::new(&vocab.collect(), add_blank).unwrap()
    }

    #[test]
    fn blanks_and_places() {
        let encoded = vocabulary(true).encode("a\nxb");
        assert_eq!(encoded.ids, [0, 1, 0, 3, 0]);
        assert_eq!(encoded.symbols, [None, Some(0), Some(0), Some(3), Some(3)]);
        assert_eq!(encoded.unknown, [(2, 'x')]);
        assert_eq!(vocabulary(false).encode("ka b").ids, [0, 1, 2, 3]);
        assert_eq!(vocabulary(true).encode("kk").ids, [0; 5]);
        assert!(vocabulary(true).encode("").ids.is_empty());
        assert!(Vocabulary::new(&BTreeMap::from([("<unk>".to_owned(), 0)]), true).is_err());
    }

    /// Ids from `VitsTokenizer` (transformers 5.23) with `pad_token="k"`.
    #[test]
    fn a_pad_token_among_the_letters_is_bare() {
        let vocabulary = vocabulary(true).with_pad_token(Some("k"));
        assert_eq!(vocabulary.encode("ka").ids, [0, 0, 1, 0]);
        assert_eq!(vocabulary.encode("kk").ids, [0, 0]);
        assert_eq!(vocabulary.encode("akb").ids, [0, 1, 0, 0, 0, 3, 0]);
        assert_eq!(vocabulary.encode("akb").symbols[2..5], [Some(0), Some(1), Some(1)]);
        assert_eq!(super::Vocabulary::with_pad_token(vocabulary, Some("<pad>")).encode("kk").ids, [0; 5]);
    }
}
