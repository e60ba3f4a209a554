//! Splitting text into words, marks and what is neither.

use unicode_normalization::char::is_combining_mark;

use super::languages::Traits;
use super::{Kind, Unit};
use crate::english::source_text::{Override, SourceText};
use crate::normalize::Reading;
use crate::token::Reason;

/// Marks that end a clause, which is where misaki (phonemizer) and espeak-ng's pauses cut.
const BREAKS: &str = ";:,.!?¡¿—–―…\"«»“”„‟‹›(){}[]।॥、。，！？：；";

/// Marks inside a word, if letters stand on both sides.
const JOINS: &str = "'’‘ʼ-‐‑·";

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || is_combining_mark(c)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ')
}

/// What Kokoro reads for a mark, as misaki leaves it.
fn phonemes(mark: char) -> Option<&'static str> {
    Some(match mark {
        ';' | '；' => ";",
        ':' | '：' => ":",
        ',' | '、' | '，' => ",",
        '.' | '।' | '॥' | '。' => ".",
        '!' | '！' => "!",
        '?' | '？' => "?",
        '—' | '–' | '―' => "—",
        '…' => "…",
        '"' => "\"",
        '«' | '“' | '„' | '‟' | '‹' => "“",
        '»' | '”' | '›' => "”",
        '(' => "(",
        ')' => ")",
        '¡' | '¿' | '{' | '}' | '[' | ']' | '\'' | '’' | '‘' | 'ʼ' | '-' | '‐' | '‑' | '‚' | '`' | '´' | '·' | '•' => {
            ""
        }
        _ => return None,
    })
}

/// Where a stretch of the text ends.
struct Splitter<'a> {
    text: &'a str,
    traits: &'a Traits,
    units: Vec<Unit>,
    /// Single quotes that are open.
    quotes: usize,
}

/// The units of a text: the user's phonemes, `readings`, and between them words and marks.
pub(super) fn units(source: &SourceText, readings: Vec<Reading>, traits: &Traits) -> Vec<Unit> {
    let mut claims: Vec<Unit> = source
        .overrides
        .iter()
        .filter_map(|(range, asked)| match asked {
            Override::Phonemes(phonemes) => {
                Some(Unit { phonemes: phonemes.clone(), ..Unit::new(range.start, range.end, Kind::User) })
            }
            Override::Stress(_) => None,
        })
        .collect();
    let read = |Reading { range, words, spelled }: Reading| {
        Unit::new(range.start, range.end, if spelled { Kind::Spelled(words) } else { Kind::Reading(words) })
    };
    claims.extend(readings.into_iter().map(read));
    claims.sort_by_key(|claim| claim.range.start);
    let mut splitter = Splitter { text: &source.text, traits, units: Vec::new(), quotes: 0 };
    let mut at = 0;
    for claim in claims {
        splitter.split(at, claim.range.start);
        at = claim.range.end;
        splitter.units.push(claim);
    }
    splitter.split(at, source.text.len());
    splitter.units
}

impl Unit {
    fn new(start: usize, end: usize, kind: Kind) -> Self {
        Self { range: start..end, kind, whitespace: false, paragraph_after: false, phonemes: String::new() }
    }
}

impl Splitter<'_> {
    fn split(&mut self, mut at: usize, end: usize) {
        while at < end {
            let rest = &self.text[at..end];
            let Some(c) = rest.chars().next() else { return };
            let length = if c.is_whitespace() {
                self.space(rest)
            } else if is_letter(c) {
                self.word(at, rest)
            } else if let Some(sound) = phonemes(c) {
                self.mark(at, rest, c, sound)
            } else {
                self.silent(at, rest, c)
            };
            at += length;
        }
    }

    fn space(&mut self, rest: &str) -> usize {
        let length = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        if let Some(last) = self.units.last_mut() {
            let space = &rest[..length];
            let lines = space.chars().filter(|c| matches!(c, '\n' | '\u{2028}' | '\u{85}')).count();
            last.whitespace = true;
            last.paragraph_after |= lines > 1 || space.contains(['\u{2029}', '\u{c}']);
        }
        length
    }

    /// Letters with marks that join them, and an apostrophe behind them that closes no quote.
    fn word(&mut self, start: usize, rest: &str) -> usize {
        let mut chars = rest.char_indices().peekable();
        let (mut length, mut first) = (0, None);
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            let joins = JOINS.contains(c) && next.is_some_and(is_letter);
            let elided = is_apostrophe(c) && self.quotes == 0 && self.traits.latin;
            if !(is_letter(c) && self.is_latin_or_not(*first.get_or_insert(c), c) || joins || elided) {
                break;
            }
            length = at + c.len_utf8();
            if elided && !joins {
                break;
            }
        }
        self.units.push(Unit::new(start, start + length, Kind::Word));
        length
    }

    /// Whether two letters are both Latin or both not; combining marks are either.
    fn is_latin_or_not(&self, first: char, c: char) -> bool {
        is_combining_mark(c) || is_latin(first) == is_latin(c)
    }

    fn mark(&mut self, start: usize, rest: &str, c: char, sound: &str) -> usize {
        let length = match c {
            '.' | '!' | '?' => rest.find(|next| !".!?".contains(next)).unwrap_or(rest.len()),
            '-' => rest.find(|next| next != '-').unwrap_or(rest.len()),
            _ => c.len_utf8(),
        };
        let mark = &rest[..length];
        let before = self.text[..start].chars().next_back().is_none_or(|c| !is_letter(c));
        let after = self.text[start + length..].chars().next();
        if is_apostrophe(c) {
            let opens = before && after.is_some_and(is_letter);
            self.quotes = if opens { self.quotes + 1 } else { self.quotes.saturating_sub(1) };
        }
        let spaced = before && after.is_none_or(char::is_whitespace) && start > 0;
        let dash = matches!(c, '-' | '‐' | '‑') && (mark.chars().nth(1).is_some() || spaced);
        let sound = match c {
            _ if dash => "—".to_owned(),
            '.' | '!' | '?' => mark.to_owned(),
            _ => sound.to_owned(),
        };
        let breaks = dash || BREAKS.contains(c);
        let unit = Unit { phonemes: sound, ..Unit::new(start, start + length, Kind::Mark { breaks }) };
        self.units.push(unit);
        length
    }

    /// Digits and symbols.
    fn silent(&mut self, start: usize, rest: &str, c: char) -> usize {
        let digits = c.is_numeric();
        let other = |next: char| {
            next.is_whitespace() || is_letter(next) || next.is_numeric() != digits || phonemes(next).is_some()
        };
        let joiner = |c: char| matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{20E3}');
        let length = rest.find(|next| other(next) && !joiner(next)).unwrap_or(rest.len()).max(c.len_utf8());
        let reason = if digits { Reason::Digits } else { Reason::Symbol };
        self.units.push(Unit::new(start, start + length, Kind::Silent(reason)));
        length
    }
}

/// Whether `c` is a Latin letter.
pub(super) fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | 'ª' | 'º' | 'À'..='ɏ' | 'Ḁ'..='ỿ' | 'ﬀ'..='ﬆ' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
        && !matches!(c, '×' | '÷')
}
