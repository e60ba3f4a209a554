//! Latin words in a text of another script: said as English, in the symbols that misaki's `EspeakG2P` has for espeak-ng's
//! English, which is how espeak-ng itself goes over to English there.

use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;

use crate::english::{Accent, English, to_espeak};

/// English, loaded when it is first needed.
#[derive(Default)]
pub(super) struct Latin(OnceLock<Option<English>>);

/// misaki's table, `misaki/espeak.py`: `EspeakG2P` (Apache-2.0).
const MISAKI: [(&str, &str); 9] = [
    ("aɪ", "I"),
    ("aʊ", "W"),
    ("dʒ", "ʤ"),
    ("eɪ", "A"),
    ("oʊ", "O"),
    ("əʊ", "Q"),
    ("tʃ", "ʧ"),
    ("ɔɪ", "Y"),
    ("g", "ɡ"),
];

impl Latin {
    /// Phonemes of English words; empty if they have none.
    pub(super) fn say(&self, words: &str) -> String {
        let english = self.0.get_or_init(|| English::new(Accent::British.dialect()).ok());
        let Some(english) = english else { return String::new() };
        let said = to_espeak(&english.phonemize(words), Accent::British).phonemes();
        let said = MISAKI.iter().fold(said, |said, (espeak, misaki)| said.replace(espeak, misaki));
        let letters: String = said.nfd().filter(|c| !c.is_ascii_punctuation()).collect();
        letters.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
