//! The English front-end: text to tokens with phonemes.
//!
//! Text passes these stages, each in a file of its own: overrides and Unicode (`source_text`), splitting (`tokenizer`)
//! and part-of-speech tags (`tagger`), readings of numbers and the like (`normalize`), then every word from last to
//! first (a word's sound may depend on the next) through the dictionary and its rules (`words`, `compound`, `stress`)
//! or the letter-to-sound model (`unknown`).

mod compound;
mod espeak_ipa;
mod hash;
mod lexicon;
mod normalize;
mod numbers;
mod resolve;
pub(crate) mod source_text;
mod stress;
mod tagger;
mod tokenizer;
mod units;
mod unknown;
mod words;

use std::fmt;
use std::str::FromStr;
use std::thread;

pub use espeak_ipa::{Accent, to_espeak};
pub use lexicon::Grade;

use crate::error::{Error, Result};
use crate::language::Language;
use crate::letter_to_sound::Model;
use crate::normalize::Emoji;
use crate::token::Phonemized;

/// American or British pronunciation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `en-us`; Kokoro's voices whose names begin with `a`.
    American,
    /// `en-gb`; Kokoro's voices whose names begin with `b`.
    British,
}

impl Dialect {
    /// The dialect that a Kokoro voice speaks, from the first letter of its name; none for other languages.
    pub fn of_kokoro_voice(voice: &str) -> Option<Self> {
        match voice.as_bytes().first() {
            Some(b'a') => Some(Self::American),
            Some(b'b') => Some(Self::British),
            _ => None,
        }
    }
}

impl FromStr for Dialect {
    type Err = Error;

    /// Reads `en-us` (also `en`) and `en-gb`, in any casing, with `-` or `_`.
    fn from_str(tag: &str) -> Result<Self> {
        match tag.to_ascii_lowercase().replace('_', "-").as_str() {
            "en-us" | "en" => Ok(Self::American),
            "en-gb" => Ok(Self::British),
            _ => Err(Error::UnknownDialect(tag.to_owned())),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::American => "en-us",
            Self::British => "en-gb",
        })
    }
}

/// The front-end for one dialect, with its dictionaries and models loaded.
///
/// ```
/// use lumivox_text::{Dialect, English};
///
/// let english = English::new(Dialect::American)?;
/// let said = english.phonemize("Hello, world!");
/// assert_eq!(said.phonemes(), "həlˈO, wˈɜɹld!");
/// # Ok::<(), lumivox_text::Error>(())
/// ```
pub struct English {
    markup: source_text::Markup,
    tokenizer: tokenizer::Tokenizer,
    tagger: tagger::Tagger,
    normalizer: normalize::Normalizer,
    words: words::Words,
    model: Model,
}

impl English {
    /// Loads the data compiled into the crate.
    ///
    /// # Errors
    /// Fails only if that data is damaged.
    pub fn new(dialect: Dialect) -> Result<Self> {
        // Decompression takes most of the time; the three files are independent.
        let (tagger, lexicon, model) = thread::scope(|scope| {
            let tagger = scope.spawn(tagger::Tagger::new);
            let model = scope.spawn(|| unknown::model(dialect));
            let lexicon = lexicon::Lexicon::new(dialect);
            (joined(tagger), lexicon, joined(model))
        });
        let (tagger, exceptions) = tagger?;
        Ok(Self {
            markup: source_text::Markup::new()?,
            tokenizer: tokenizer::Tokenizer::new(&exceptions),
            tagger,
            normalizer: normalize::Normalizer::new(dialect)?,
            words: words::Words { lexicon: lexicon?, dialect },
            model: model?,
        })
    }

    /// The dialect it was made for.
    pub fn dialect(&self) -> Dialect {
        self.words.dialect
    }

    /// Turns text into tokens with phonemes. Any text is accepted; the time is linear in its length. Whatever is
    /// neither white space nor plain punctuation lies in the span of a token with sound, or a warning tells of it.
    /// Emoji are silent, and reported.
    pub fn phonemize(&self, text: &str) -> Phonemized {
        self.read(text, Emoji::Skip)
    }

    /// The same with a choice of what is done with emoji.
    pub fn read(&self, text: &str, emoji: Emoji) -> Phonemized {
        let mut source = self.markup.read(text);
        let tokens = self.tokenizer.tokenize(&source.text);
        let tags = self.tagger.tag(&source.text, &tokens);
        let tagged = normalize::Tagged { tokens: &tokens, tags: &tags };
        let items = self.normalizer.items(&source.text, tagged, emoji.names(Language::English(self.dialect())));
        let mut units = units::collect(&source, tagged, items);
        let warnings = std::mem::take(&mut source.warnings);
        let silent = self.resolve(&source.text, &mut units);
        units::finish(text, &source, units, silent, warnings)
    }

    /// The letter-to-sound model for words in no dictionary.
    pub fn letter_to_sound(&self) -> &Model {
        &self.model
    }
}

/// A thread's result; its panic, if it had one.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The gold entries of a dialect's dictionary as `(word, phonemes)`: what the letter-to-sound model is trained on.
///
/// # Errors
/// Fails only if the data compiled into the crate is damaged.
pub fn gold_entries(dialect: Dialect) -> Result<Vec<(String, String)>> {
    let lexicon = lexicon::Lexicon::new(dialect)?;
    Ok(lexicon.gold_entries().map(|(word, phonemes)| (word.to_owned(), phonemes.to_owned())).collect())
}
