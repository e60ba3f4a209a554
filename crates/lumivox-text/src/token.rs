//! What the front-end hands on: tokens with their sounds, and what could not be said.

use std::fmt;
use std::ops::Range;

use crate::english::Grade;

/// Where a token's phonemes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A pronouncing dictionary.
    Lexicon(Grade),
    /// A dictionary word with a regular ending (-s, -'s, -ed, -ing).
    Suffix(Grade),
    /// A function word whose form depends on its neighbours (a, the, to …).
    Context,
    /// Letter names.
    Initialism,
    /// Numbers, dates, money, abbreviations, symbols: read as other words.
    Normalizer,
    /// Several words written as one (hyphens, capitals inside).
    Compound,
    /// The letter-to-sound model, for words in no dictionary.
    Model,
    /// The text's own characters, for models that read letters.
    Characters,
    /// The program espeak-ng.
    Espeak,
    /// The user: `[word](/ipa/)`, `[[ipa]]`, or phonemes as input.
    User,
    /// Punctuation.
    Punctuation,
    /// Nothing is said.
    Silent,
}

impl Source {
    pub(crate) fn suffixed(self) -> Self {
        match self {
            Self::Lexicon(grade) => Self::Suffix(grade),
            other => other,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexicon(Grade::Gold) => "lexicon",
            Self::Lexicon(Grade::Silver) => "lexicon (silver)",
            Self::Suffix(_) => "rule (ending)",
            Self::Context => "rule (context)",
            Self::Initialism => "rule (letters)",
            Self::Normalizer => "rule (normalizer)",
            Self::Compound => "rule (compound)",
            Self::Model => "model",
            Self::Characters => "characters",
            Self::Espeak => "espeak-ng",
            Self::User => "user",
            Self::Punctuation => "punctuation",
            Self::Silent => "silent",
        })
    }
}

/// What comes after a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Boundary {
    /// The sentence goes on.
    #[default]
    None,
    /// A sentence ends with this token.
    Sentence,
    /// A paragraph ends with this token.
    Paragraph,
}

/// A word or a punctuation mark of the text with its sounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// As written (for `[word](/ipa/)` the word inside).
    pub text: String,
    /// Bytes of the original text, markup included.
    pub span: Range<usize>,
    /// The words that are said, after normalisation; empty for punctuation.
    pub spoken: String,
    /// Phonemes in the symbols of the front-end: misaki's, as Kokoro reads them, espeak-ng's IPA, or letters. Empty if nothing
    /// is said.
    pub phonemes: String,
    /// Whether a blank lies between it and the next token, in the text or because a number was read as words.
    pub whitespace: bool,
    /// Where the phonemes came from.
    pub source: Source,
    /// Whether a sentence or paragraph ends here.
    pub boundary: Boundary,
}

/// Something in the text that has no sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is about, as written.
    pub text: String,
    /// Bytes of the original text.
    pub span: Range<usize>,
    /// Why.
    pub reason: Reason,
}

/// Why something is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Letters of a script that this language's rules do not cover.
    Script,
    /// A word that only the Japanese dictionary can read, and that is not here.
    Dictionary,
    /// Letters or accents that are not in the model's vocabulary.
    Vocabulary,
    /// Digits that are not in the model's vocabulary.
    Digits,
    /// An emoji or another symbol without a name here.
    Symbol,
    /// A control or another invisible character.
    Control,
    /// Phonemes given by the user without a letter among them.
    Phonemes,
    /// A word too long for the model was cut between two symbols.
    Cut,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.reason {
            Reason::Script => "no pronunciation for this script",
            Reason::Dictionary => "needs the Japanese dictionary; `lumivox pull ja-dictionary` fetches it",
            Reason::Vocabulary => "not in the model's vocabulary, not spoken",
            Reason::Digits => "not in the model's vocabulary, not spoken; write numbers as words",
            Reason::Symbol => "symbol is not spoken",
            Reason::Control => "invisible character is not spoken",
            Reason::Phonemes => "no sound among these phonemes",
            Reason::Cut => "longer than the model's input, cut inside the word",
        };
        write!(f, "bytes {}..{}: `{}`: {why}", self.span.start, self.span.end, self.text.escape_debug())
    }
}

/// A text as tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phonemized {
    /// In the order of the text; spans do not overlap.
    pub tokens: Vec<Token>,
    /// Everything that is not said although it is neither white space nor punctuation.
    pub warnings: Vec<Warning>,
}

impl Phonemized {
    /// The phoneme string: tokens joined with their white space.
    pub fn phonemes(&self) -> String {
        join(&self.tokens)
    }
}

/// Joins the phonemes of tokens with their white space, without doubled, leading or trailing spaces.
fn join(tokens: &[Token]) -> String {
    symbols(tokens).into_iter().map(|(symbol, _)| symbol).collect()
}

/// The symbols of the joined phonemes, each with the index of the token that it belongs to; the white space between tokens belongs to none.
pub(crate) fn symbols(tokens: &[Token]) -> Vec<(char, Option<usize>)> {
    let mut symbols = Vec::new();
    let (mut space, mut skipped) = (false, false);
    for (index, token) in tokens.iter().enumerate() {
        if !token.phonemes.is_empty() {
            // A silent token leaves no gap before the mark that follows it.
            let mark = skipped && token.phonemes.starts_with([',', '.', ';', ':', '!', '?', ')', '”']);
            if space && !symbols.is_empty() && !mark {
                symbols.push((' ', None));
            }
            symbols.extend(token.phonemes.chars().map(|symbol| (symbol, Some(index))));
            (space, skipped) = (false, false);
        } else {
            skipped |= token.source == Source::Silent;
        }
        space |= token.whitespace;
    }
    symbols
}
