//! The front-end of MMS-TTS: text to the characters that the model knows (`tokenization_vits.py`, `VitsTokenizer`).

use crate::characters::{self, Symbol};
use crate::ids::mms::Vocabulary;
use crate::token::Phonemized;
use crate::uroman;

/// How a model's text is prepared: what its `tokenizer_config.json` says.
#[derive(Debug, Clone)]
pub struct Options {
    /// The characters that the model knows.
    pub vocabulary: Vocabulary,
    /// ISO 639-3 code; `ron` has a rule of its own.
    pub language: Option<String>,
    /// Whether text is put into lower case.
    pub normalize: bool,
    /// Whether text that is not all ASCII is romanised.
    pub is_uroman: bool,
}

/// The front-end of one model.
///
/// ```
/// use std::collections::BTreeMap;
/// use lumivox_text::{ids::mms::Vocabulary, mms::{Mms, Options}};
///
/// let vocab: BTreeMap<String, u32> = " abdehilmnorstuw'".chars().map(String::from).zip(0..).collect();
/// let vocabulary = Vocabulary::new(&vocab, true)?;
/// let mms = Mms::new(Options { vocabulary, language: None, normalize: true, is_uroman: false });
/// let said = mms.phonemize("Hello, world 2!");
/// assert_eq!(said.phonemes(), "hello world");
/// assert_eq!(said.warnings[0].text, "2");
/// # Ok::<(), lumivox_text::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mms {
    options: Options,
}

impl Mms {
    /// A front-end that prepares text as `options` say.
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Turns text into words with the characters that the model reads. The joined characters are those that HF's tokenizer
    /// keeps, doubled blanks included, but that a line break or a tab is a blank here, where HF joins the words around it.
    ///
    /// A character outside the vocabulary is reported, if it isn't white space or punctuation. Sentences end where the text's
    /// punctuation says so, whether the model knows it or not.
    pub fn phonemize(&self, text: &str) -> Phonemized {
        let mut symbols = self.normalized(text);
        if self.options.is_uroman {
            symbols = uroman::romanize_symbols(&symbols);
        }
        let (kept, lost): (Vec<_>, Vec<_>) =
            symbols.into_iter().partition(|symbol| self.options.vocabulary.contains(symbol.c));
        characters::read(text, &kept, &lost)
    }

    /// Lower case, but for capitals that the vocabulary has; for Romanian the cedilla that the models were trained with.
    fn normalized(&self, text: &str) -> Vec<Symbol> {
        let Options { vocabulary, language, normalize, .. } = &self.options;
        let is_romanian = language.as_deref() == Some("ron");
        let mut symbols = Vec::with_capacity(text.len());
        for Symbol { from, c } in Symbol::all(text) {
            let lower = c.to_lowercase().filter(|_| *normalize && !vocabulary.contains(c));
            let before = symbols.len();
            symbols.extend(lower.map(|c| Symbol { from: from.clone(), c }));
            if symbols.len() == before {
                symbols.push(Symbol { from, c });
            }
            if is_romanian {
                symbols[before..].iter_mut().filter(|symbol| symbol.c == 'ț').for_each(|symbol| symbol.c = 'ţ');
            }
        }
        symbols
    }
}
