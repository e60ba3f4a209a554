//! The front-end of Piper's voices of `phoneme_type` `text`: the code points of the text's NFD form (`voice.py`,
//! `PiperVoice.phonemize`).

use crate::characters::{self, Symbol};
use crate::ids::piper::{PhonemeIds, nfd};
use crate::token::Phonemized;

/// Turns text into words with the code points that the voice reads, decomposed.
///
/// A capital that the voice doesn't know is read as its small letter, as piper-phonemize's case folding does; piper-tts would
/// leave it out. White space of any kind is a blank. What the voice has no ids for is reported, if it isn't white space or
/// punctuation.
pub fn phonemize_text(text: &str, ids: &PhonemeIds) -> Phonemized {
    let decomposed = nfd(Symbol::all(text).into_iter().map(|symbol| (symbol.from, symbol.c)));
    let (mut kept, mut lost) = (Vec::new(), Vec::new());
    for (from, c) in decomposed {
        if ids.contains(c) {
            kept.push(Symbol { from, c });
            continue;
        }
        for c in c.to_lowercase() {
            let symbol = Symbol { from: from.clone(), c };
            if ids.contains(c) { &mut kept } else { &mut lost }.push(symbol);
        }
    }
    characters::read(text, &kept, &lost)
}
