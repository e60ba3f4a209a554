//! What is not written as words (numbers, dates, money, abbreviations, addresses …) as words, in the languages that are read
//! [by clauses](crate::Phonemizer). English, Mandarin and Japanese have normalisers of their own.
//!
//! Numbers are spelled by CLDR's rules (`rbnf`); a language is one table (`languages`).

mod agreement;
mod contexts;
mod emoji;
mod grammar;
mod languages;
mod money;
mod number;
mod numeric;
mod rbnf;
mod roman;
mod speller;
mod times;
mod web;
mod words;

use std::ops::Range;

pub use emoji::Emoji;
pub(crate) use emoji::EmojiNames;

use crate::english::source_text::{Override, SourceText};
use crate::error::{Error, Result};
use crate::language::Language;
use speller::Speller;

/// A stretch of the text and the words to say instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    pub range: Range<usize>,
    pub words: String,
    /// Whether the words are the names of its letters, one a letter.
    pub spelled: bool,
}

/// Bytes that a rule takes, and their reading.
type Match = Option<(usize, String)>;

/// The longest stretch that a rule looks at, in bytes.
const REACH: usize = 240;

/// A place in the text where rules are tried.
#[derive(Clone, Copy)]
struct Place<'a> {
    before: &'a str,
    /// What begins here, at most `REACH` bytes.
    rest: &'a str,
}

impl<'a> Place<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        let mut end = (at + REACH).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self { before: &text[..at], rest: &text[at..end] }
    }

    /// The word before this place, if only blanks lie between; in small letters.
    fn previous_word(&self) -> String {
        let trimmed = self.before.trim_end_matches([' ', '\u{a0}']);
        if trimmed.len() == self.before.len() {
            return String::new();
        }
        let start =
            trimmed.rfind(|c: char| !is_letter(c) && c != '.').map_or(0, |at| at + char_at(trimmed, at).len_utf8());
        trimmed[start..].to_lowercase()
    }

    /// The place behind `length` bytes.
    fn after(&self, length: usize) -> &'a str {
        &self.rest[length..]
    }

    /// Whether a word or number may end after `length` bytes.
    fn ends_at(&self, length: usize) -> bool {
        !self.after(length).starts_with(|c: char| is_letter(c) || c.is_ascii_digit() || c == '_')
    }
}

fn char_at(text: &str, at: usize) -> char {
    text[at..].chars().next().unwrap_or('\0')
}

/// Letters and the marks that belong to them.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() || unicode_normalization::char::is_combining_mark(c)
}

/// The rules of one language.
pub(crate) struct Normalizer {
    speller: Speller,
    web: web::Patterns,
    times: times::Patterns,
    numeric: numeric::Patterns,
}

impl Normalizer {
    /// # Errors
    /// [`Error::NoFrontEnd`] for languages that are not read by clauses; else only if the data compiled into the crate is damaged.
    pub(crate) fn new(language: Language) -> Result<Self> {
        let grammar = match language {
            Language::Spanish => &languages::SPANISH,
            Language::French => &languages::FRENCH,
            Language::Hindi => &languages::HINDI,
            Language::Italian => &languages::ITALIAN,
            Language::BrazilianPortuguese => &languages::BRAZILIAN_PORTUGUESE,
            Language::English(_) | Language::Japanese | Language::Mandarin => return Err(Error::NoFrontEnd(language)),
        };
        Ok(Self {
            speller: Speller::new(grammar)?,
            web: web::Patterns::new()?,
            times: times::Patterns::new()?,
            numeric: numeric::Patterns::new(grammar.tag)?,
        })
    }

    /// What is read otherwise than it is written, in order; readings overlap neither each other nor phonemes that the user gave.
    pub(crate) fn readings(&self, source: &SourceText, emoji: Option<EmojiNames>) -> Vec<Reading> {
        let given = source.overrides.iter().filter(|(_, asked)| matches!(asked, Override::Phonemes(_)));
        let mut given = given.map(|(range, _)| range).peekable();
        let mut readings = Vec::new();
        let mut at = 0;
        while at < source.text.len() {
            if let Some(range) = given.next_if(|range| range.start <= at) {
                at = at.max(range.end);
                continue;
            }
            let limit = given.peek().map_or(source.text.len(), |range| range.start);
            let place = Place::new(&source.text[..limit], at);
            let length = match self.match_at(&place, emoji) {
                Some((length, words, spelled)) => {
                    readings.push(Reading { range: at..at + length, words, spelled });
                    length
                }
                None => words::step(&source.text[at..limit]).max(char_at(&source.text, at).len_utf8()),
            };
            at += length;
        }
        readings
    }

    /// Bytes, words, and whether they are names of letters, if what begins at `place` is not read as it is written.
    fn match_at(&self, place: &Place, emoji: Option<EmojiNames>) -> Option<(usize, String, bool)> {
        let named = || emoji?.at(place.rest).map(|(length, name)| (length, name.to_owned()));
        let read = self.reading(place).filter(|(length, _)| *length > 0).or_else(named);
        let inside = place.before.ends_with(is_letter);
        let spelled = || words::letters(place, self.speller.grammar).filter(|_| !inside);
        read.map(|(length, words)| (length, words, false))
            .or_else(|| spelled().map(|(length, words)| (length, words, true)))
    }

    /// What is read by a rule at `place`: bytes and words.
    fn reading(&self, place: &Place) -> Match {
        let first = char_at(place.rest, 0);
        let previous = place.before.chars().next_back();
        let free = !previous.is_some_and(|c| is_letter(c) || c.is_ascii_digit());
        let word_before = previous.is_some_and(is_letter);
        let outside = previous.is_none_or(|c| c.is_whitespace() || "(<[\"'“‘«¿¡".contains(c));
        let address = if outside { self.web.read(place, self.speller.grammar, &self.speller) } else { None };
        if address.is_some() {
            return address;
        }
        if first.is_ascii_digit() || (free && "+-−±(".contains(first)) {
            return if word_before && !first.is_ascii_digit() { None } else { self.number_at(place, free) };
        }
        if is_letter(first) {
            return if word_before { None } else { self.letters_at(place) };
        }
        self.money(place).or_else(|| self.vulgar(place)).or_else(|| words::symbol(place, self.speller.grammar))
    }

    fn number_at(&self, place: &Place, free: bool) -> Match {
        let value = || self.number(place).or_else(|| words::symbol(place, self.speller.grammar));
        if !free {
            return value();
        }
        self.phone(place)
            .or_else(|| self.parted(place))
            .or_else(|| self.money(place))
            .or_else(|| self.date(place))
            .or_else(|| self.time(place))
            .or_else(|| self.fraction(place))
            .or_else(|| self.ordinal(place))
            .or_else(value)
    }

    fn letters_at(&self, place: &Place) -> Match {
        self.money(place)
            .or_else(|| words::times(place, self.speller.grammar))
            .or_else(|| words::abbreviation(place, self.speller.grammar))
            .or_else(|| contexts::abbreviation(place, self.speller.grammar))
            .or_else(|| roman::read(place, &self.speller))
    }
}
