//! The front-end for Spanish, French, Italian, Brazilian Portuguese and Hindi.
//!
//! In these languages the sound of a word depends on its neighbours: liaison, lenition, doubled consonants, function words
//! without stress. Text passes these stages, each in a file of its own: overrides and Unicode (`crate::english::source_text`),
//! readings of numbers and the like (`crate::normalize`), splitting into words and marks (`split`), spelling in the model's letters
//! (`spell`), the model, clause by clause (`clauses`), ends of sentences (`sentences`).
//!
//! The phonemes are those that misaki's `EspeakG2P` gives Kokoro: what espeak-ng says of a clause, learned by a model.

mod clauses;
mod languages;
mod latin;
mod sentences;
mod spell;
mod split;

use std::ops::Range;

use crate::data;
use crate::english::source_text::{Markup, Override, SourceText};
use crate::error::Result;
use crate::language::Language;
use crate::letter_to_sound::Model;
use crate::normalize::{Emoji, Normalizer};
use crate::token::{Boundary, Phonemized, Reason, Source, Token, Warning};
use languages::Traits;
use latin::Latin;

/// The front-end for one of these languages, with its model loaded.
///
/// ```
/// use lumivox_text::{Language, Phonemizer};
///
/// let spanish = Phonemizer::new(Language::Spanish)?;
/// let said = spanish.phonemize("¿Hablas español?");
/// assert_eq!(said.phonemes(), "ˈaβlas ˌespaɲˈol?");
/// # Ok::<(), lumivox_text::Error>(())
/// ```
pub struct Phonemizer {
    language: Language,
    traits: &'static Traits,
    markup: Markup,
    normalizer: Normalizer,
    model: Model,
    /// What reads Latin words in other scripts' text.
    latin: Latin,
}

/// A stretch of text that becomes one token.
#[derive(Debug, Clone, PartialEq)]
struct Unit {
    range: Range<usize>,
    kind: Kind,
    /// Whether a blank or a paragraph's end follows.
    whitespace: bool,
    paragraph_after: bool,
    /// What is said; filled in by the model.
    phonemes: String,
}

/// What a unit is.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// Letters.
    Word,
    /// The user's phonemes.
    User,
    /// Read as these words instead.
    Reading(String),
    /// Said letter by letter; the names of the letters.
    Spelled(String),
    /// Punctuation. The phonemes are known already; a clause ends here if `breaks`.
    Mark { breaks: bool },
    /// Not said, and reported.
    Silent(Reason),
}

impl Phonemizer {
    /// Loads the data compiled into the crate.
    ///
    /// # Errors
    /// [`Error::NoFrontEnd`](crate::Error::NoFrontEnd) for English, Japanese and Mandarin, which have front-ends of their own. Else it
    /// fails only if that data is damaged.
    pub fn new(language: Language) -> Result<Self> {
        let model = Model::from_bytes(&data::decompress("letters", languages::traits(language)?.letters)?)?;
        Self::with_model(language, model)
    }

    /// The same with a model of one's own, which reads clauses.
    ///
    /// # Errors
    /// As [`Phonemizer::new`].
    pub fn with_model(language: Language, model: Model) -> Result<Self> {
        let traits = languages::traits(language)?;
        let (markup, normalizer) = (Markup::new()?, Normalizer::new(language)?);
        Ok(Self { language, traits, markup, normalizer, model, latin: Latin::default() })
    }

    /// The language it was made for.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The letter-to-sound model.
    pub fn letter_to_sound(&self) -> &Model {
        &self.model
    }

    /// Turns text into tokens with phonemes. Any text is accepted; the time is linear in its length. Whatever is
    /// neither white space nor plain punctuation lies in the span of a token with sound, or a warning tells of it.
    /// Emoji are silent, and reported.
    pub fn phonemize(&self, text: &str) -> Phonemized {
        self.read(text, Emoji::Skip)
    }

    /// The same with a choice of what is done with emoji.
    pub fn read(&self, text: &str, emoji: Emoji) -> Phonemized {
        let source = self.markup.read(text);
        let readings = self.normalizer.readings(&source, emoji.names(self.language));
        let mut units = split::units(&source, readings, self.traits);
        self.say(&source.text, &mut units);
        stress(&source, &mut units);
        self.finish(text, &source, units)
    }

    /// The public result.
    fn finish(&self, original: &str, source: &SourceText, units: Vec<Unit>) -> Phonemized {
        let mut warnings = source.warnings.clone();
        let mut tokens = Vec::with_capacity(units.len());
        for unit in units {
            let written = source.text[unit.range.clone()].to_owned();
            let span = source.span(&unit.range);
            let silence = if let Kind::Silent(reason) = unit.kind { reason } else { Reason::Script };
            let (spoken, origin) = match unit.kind {
                Kind::User => (written.clone(), Source::User),
                Kind::Mark { .. } => (String::new(), Source::Punctuation),
                _ if unit.phonemes.is_empty() => (String::new(), Source::Silent),
                Kind::Reading(words) | Kind::Spelled(words) => (words, Source::Normalizer),
                Kind::Word | Kind::Silent(_) => (written.clone(), Source::Model),
            };
            let reason = match origin {
                Source::Silent => Some(silence),
                Source::User if !unit.phonemes.contains(char::is_alphabetic) => Some(Reason::Phonemes),
                _ => None,
            };
            if let Some(reason) = reason {
                warnings.push(Warning { text: original[span.clone()].to_owned(), span: span.clone(), reason });
            }
            let boundary = if unit.paragraph_after { Boundary::Paragraph } else { Boundary::None };
            let (phonemes, whitespace) = (unit.phonemes, unit.whitespace);
            tokens.push(Token { text: written, span, spoken, phonemes, whitespace, source: origin, boundary });
        }
        sentences::mark(&mut tokens, self.traits);
        warnings.sort_by_key(|warning| warning.span.start);
        Phonemized { tokens, warnings: joined(original, warnings) }
    }
}

/// Warnings for the same reason that touch become one.
fn joined(original: &str, warnings: Vec<Warning>) -> Vec<Warning> {
    let mut joined: Vec<Warning> = Vec::with_capacity(warnings.len());
    for warning in warnings {
        match joined.last_mut().filter(|last| last.reason == warning.reason && last.span.end == warning.span.start) {
            Some(last) => {
                last.span.end = warning.span.end;
                last.text = original[last.span.clone()].to_owned();
            }
            None => joined.push(warning),
        }
    }
    joined
}

/// `[word](-1)`, `[word](+1)`: below 0 a primary stress becomes secondary, below -1 there is none, above 0 secondary becomes primary.
fn stress(source: &SourceText, units: &mut [Unit]) {
    for (range, asked) in &source.overrides {
        let Override::Stress(level) = asked else { continue };
        let first = units.partition_point(|unit| unit.range.end <= range.start);
        for unit in units[first..].iter_mut().take_while(|unit| unit.range.start < range.end) {
            unit.phonemes = match level {
                level if *level < -1.0 => unit.phonemes.replace(['ˈ', 'ˌ'], ""),
                level if *level < 0.0 => unit.phonemes.replace('ˈ', "ˌ"),
                level if *level > 0.0 && !unit.phonemes.contains('ˈ') => unit.phonemes.replacen('ˌ', "ˈ", 1),
                _ => continue,
            };
        }
    }
}
