//! Finding what is not written as words (numbers, dates, money, abbreviations, addresses …) and saying how it is read.
//!
//! Rules are tried at the places where something can begin, each on a short stretch of text, so the cost is linear in
//! the text. What no rule claims goes to the dictionary as it stands.

mod abbreviations;
mod dates;
pub(super) mod fractions;
mod money;
mod numeric;
mod units;
mod web;

pub(super) use abbreviations::is_title;

use std::ops::Range;

use super::Dialect;
use super::tagger::Tag;
use super::tokenizer::{RawToken, is_currency};
use crate::error::{Error, Result};
use crate::normalize::EmojiNames;

/// How a part of an item is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Say {
    /// Words, separated by blanks or hyphens.
    Words(String),
    /// Letters one by one.
    Letters(String),
    /// A short break.
    Pause,
    /// The possessive ending of what comes before.
    Possessive,
}

impl Say {
    pub(crate) fn words(words: impl Into<String>) -> Vec<Self> {
        vec![Self::Words(words.into())]
    }
}

/// A stretch of text with its reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub range: Range<usize>,
    pub say: Vec<Say>,
}

/// Bytes that a rule takes, and their reading.
type Match = Option<(usize, Vec<Say>)>;

/// The longest stretch that a rule looks at.
const REACH: usize = 160;

/// The tokens of a text with their parts of speech.
#[derive(Clone, Copy)]
pub(crate) struct Tagged<'a> {
    pub tokens: &'a [RawToken],
    pub tags: &'a [Tag],
}

impl Tagged<'_> {
    /// The tag of the token that covers a byte; empty if none does.
    pub(crate) fn at(&self, byte: usize) -> Tag {
        let index = self.tokens.partition_point(|token| token.range.end <= byte);
        let covers = self.tokens.get(index).is_some_and(|token| token.range.start <= byte);
        self.tags.get(index).filter(|_| covers).copied().unwrap_or_default()
    }
}

/// A place in the text where a rule is tried.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// What stands before.
    before: &'a str,
    /// What begins here, at most `REACH` bytes.
    rest: &'a str,
    dialect: Dialect,
    tagged: Tagged<'a>,
}

impl<'a> Place<'a> {
    /// The part of speech of what stands `offset` bytes further on.
    fn tag(&self, offset: usize) -> Tag {
        self.tagged.at(self.before.len() + offset)
    }

    /// The word before this place, if only one blank lies between.
    fn previous_word(&self) -> &'a str {
        let Some(before) = self.before.strip_suffix([' ', '\u{a0}']) else { return "" };
        let near = floor_boundary(before, before.len().saturating_sub(40));
        let near = &before[near..];
        &near[near
            .rfind(|c: char| !(c.is_alphanumeric() || c == '.' || c == '\''))
            .map_or(0, |at| ceil_boundary(near, at + 1))..]
    }

    /// Whether a word or number may end after `length` bytes.
    fn ends_at(&self, length: usize) -> bool {
        let mut after = self.rest[length..].chars();
        match after.next() {
            None => true,
            Some(c) if c.is_alphanumeric() || c == '_' => false,
            Some('-' | '.' | ',' | ':' | '/' | '–') => !after.next().is_some_and(|c| c.is_numeric()),
            Some(_) => true,
        }
    }

    /// Like `ends_at`, but a dash and a second value may follow.
    fn ends_or_joins_at(&self, length: usize) -> bool {
        self.ends_at(length) || self.rest[length..].starts_with(['-', '–'])
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil_boundary(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// The rules with their compiled patterns.
pub(crate) struct Normalizer {
    dialect: Dialect,
    numeric: numeric::Rules,
    dates: dates::Rules,
    web: web::Rules,
}

/// Compiles a pattern that must match at the start.
fn pattern(pattern: &str) -> Result<regex::Regex> {
    regex::Regex::new(&format!("^(?:{pattern})")).map_err(|e| Error::data("normalizer", e))
}

impl Normalizer {
    pub(crate) fn new(dialect: Dialect) -> Result<Self> {
        let (numeric, dates, web) = (numeric::Rules::new()?, dates::Rules::new()?, web::Rules::new()?);
        Ok(Self { dialect, numeric, dates, web })
    }

    /// Everything in `text` that has a reading of its own, in order, without overlaps; emoji if there are names for them.
    pub(crate) fn items(&self, text: &str, tagged: Tagged<'_>, emoji: Option<EmojiNames>) -> Vec<Item> {
        let mut items = Vec::new();
        let mut at = 0;
        let mut previous: Option<char> = None;
        while let Some(c) = text[at..].chars().next() {
            if items.last().is_some_and(|last| joins_range(text, at, c, last)) {
                items.push(Item { range: at..at + c.len_utf8(), say: Say::words("to") });
                at += c.len_utf8();
                previous = None;
                continue;
            }
            let end = floor_boundary(text, (at + REACH).min(text.len()));
            let place = Place { before: &text[..at], rest: &text[at..end], dialect: self.dialect, tagged };
            let named = || emoji?.at(place.rest).map(|(length, name)| (length, Say::words(name)));
            let found = if may_begin(text, at, previous, c) {
                self.match_at(text, place, previous, c).or_else(named)
            } else {
                None
            };
            if let Some((length, say)) = found.filter(|(length, _)| *length > 0) {
                let (length, say) = with_possessive(&text[at..], length, say);
                items.push(Item { range: at..at + length, say });
                at += length;
                previous = text[..at].chars().next_back();
            } else {
                at += c.len_utf8();
                previous = Some(c);
            }
        }
        items
    }

    fn match_at(&self, text: &str, place: Place<'_>, previous: Option<char>, c: char) -> Match {
        let at = place.before.len();
        if previous.is_none_or(|p| p.is_whitespace() || "(<[\"'“‘".contains(p)) {
            // A longer address is read in parts; without a limit, a megabyte of brackets would be read a million times.
            let reach = floor_boundary(text, (at + 512).min(text.len()));
            let chunk = text[at..reach].split(char::is_whitespace).next().unwrap_or_default();
            if let Some(found) = self.web.address(chunk) {
                return Some(found);
            }
        }
        if c.is_alphabetic() {
            return abbreviations::read(&place)
                .or_else(|| self.dates.zone(&place))
                .or_else(|| self.numeric.money(&place));
        }
        let symbol = || self.web.symbol(&place, previous);
        self.dates.read(&place).or_else(|| self.numeric.read(&place)).or_else(symbol)
    }
}

/// Whether something can begin with `c` after `previous`: not inside a word or number.
fn may_begin(text: &str, at: usize, previous: Option<char>, c: char) -> bool {
    let Some(previous) = previous else { return true };
    // "2+3", and decades: "mid-1980s".
    let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if (c == '+' && previous.is_ascii_digit() && digit(&text[at + 1..]))
        || (c.is_ascii_digit() && (text[..at].ends_with("mid-") || text[..at].ends_with("Mid-")))
    {
        return true;
    }
    if previous.is_alphanumeric() || previous == '_' {
        // Symbols may follow anything; signs and digits would be part of the word.
        return !c.is_alphanumeric() && !"-–−+.,'’$£€¥₹_".contains(c);
    }
    let glue = matches!(previous, '-' | '.' | ',' | ':' | '/' | '\'' | '’' | '–' | '&');
    let inside = glue
        && text[..at - previous.len_utf8()].chars().next_back().is_some_and(|c| c.is_alphanumeric())
        && c.is_alphanumeric();
    !inside
}

/// Whether a dash stands between two values ("3rd-5th", "50%-60%", "9 a.m. - 5 p.m.") of which `last` is the first.
fn joins_range(text: &str, at: usize, c: char, last: &Item) -> bool {
    let gap = &text[last.range.end..at];
    if !matches!(c, '-' | '–' | '—') || gap.len() > 1 || !text[last.range.clone()].contains(char::is_numeric) {
        return false;
    }
    let after = &text[at + c.len_utf8()..];
    let time = matches!(last.say.last(), Some(Say::Letters(_)));
    let after = if gap.is_empty() { Some(after) } else { after.strip_prefix(' ').filter(|_| gap == " " && time) };
    after.is_some_and(|after| after.trim_start_matches(is_currency).starts_with(|c: char| c.is_ascii_digit()))
}

/// Adds a possessive ending that follows an item.
fn with_possessive(rest: &str, length: usize, mut say: Vec<Say>) -> (usize, Vec<Say>) {
    let after = &rest[length..];
    let Some(suffix) = ["'s", "’s"].into_iter().find(|s| after.starts_with(*s)) else { return (length, say) };
    if after[suffix.len()..].starts_with(char::is_alphanumeric) {
        return (length, say);
    }
    say.push(Say::Possessive);
    (length + suffix.len(), say)
}

#[cfg(test)]
mod tests;
