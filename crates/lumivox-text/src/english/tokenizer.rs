//! Splitting text as spaCy's English tokenizer does: white space, then prefixes and suffixes, then exceptions, then
//! infixes. The tagger was trained on these tokens, and misaki builds its words from them.
//!
//! After spaCy 3.8 (MIT): `tokenizer.pyx`, `lang/en/punctuation.py`; the exceptions are its data.

use std::collections::HashMap;
use std::ops::Range;

/// A piece of text as the tagger sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawToken {
    pub range: Range<usize>,
    /// The normal form where an exception gives one.
    pub norm: Option<Box<str>>,
    /// Whether one blank follows.
    pub blank_after: bool,
    /// White space beyond the one blank between tokens, line ends …
    pub is_space: bool,
}

struct Piece {
    bytes: usize,
    norm: Option<Box<str>>,
}

/// The tokenizer with its exceptions.
pub(crate) struct Tokenizer {
    exceptions: HashMap<Box<str>, Vec<Piece>>,
    longest: usize,
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '–' | '—' | '~')
}

fn is_punct(c: char) -> bool {
    "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪".contains(c)
}

fn is_quote(c: char) -> bool {
    "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉⟦⟧".contains(c)
}

pub(crate) fn is_currency(c: char) -> bool {
    matches!(c, '$' | '£' | '€' | '¥' | '฿' | '﷼' | '₠'..='₿')
}

/// Symbols and dingbats, emoji among them.
pub(crate) fn is_icon(c: char) -> bool {
    matches!(c, '¦' | '©' | '®' | '°' | '℀' | '℁' | '℃'..='℆' | '℈' | '℉' | '№' | '℗' | '℞'..='℣' | '℥'
        | '↕'..='↙' | '↜'..='⇿' | '⌀'..='⏿' | '␀'..='⑊' | '①'..='ⓩ' | '─'..='❧' | '➔'..='➿' | '⠀'..='⣿'
        | '⬀'..='⯿' | '〄' | '〒' | '〓' | '\u{FFFC}' | '\u{FFFD}' | '\u{1D000}'..='\u{1D245}'
        | '\u{1F000}'..='\u{1FAFF}')
        && !matches!(c, '♯' | '◁' | '▷')
}

fn is_lower_alpha(c: char) -> bool {
    c.is_alphabetic() && !c.is_uppercase()
}

fn is_upper_alpha(c: char) -> bool {
    c.is_alphabetic() && !c.is_lowercase()
}

fn ends_before<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    text.strip_suffix(suffix).filter(|body| !body.is_empty())
}

/// Bytes of the prefix of `text` that stands as a token of its own; 0 if none.
fn prefix_bytes(text: &str) -> usize {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return 0 };
    let next_is_digit = chars.next().is_some_and(|c| c.is_ascii_digit());
    let single = matches!(first, '§' | '%' | '=' | '—' | '–')
        || (first == '+' && !next_is_digit)
        || is_punct(first)
        || is_quote(first)
        || is_currency(first)
        || is_icon(first);
    if single {
        first.len_utf8()
    } else if text.starts_with("..") {
        text.len() - text.trim_start_matches('.').len()
    } else if ["US$", "C$", "A$"].iter().any(|p| text.starts_with(p)) {
        text.find('$').map_or(0, |at| at + 1)
    } else {
        0
    }
}

const UNITS: &str = "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h \
                     kmh mph hPa Pa mbar mb MB kb KB gb GB tb TB T G M K %";

/// Bytes of the suffix of `text` that stands as a token of its own; 0 if none.
fn suffix_bytes(text: &str) -> usize {
    let possessive = ["'s", "'S", "’s", "’S"].iter().find(|s| text.ends_with(**s));
    if let Some(s) = possessive {
        return s.len();
    }
    if text.ends_with("..") {
        return text.len() - text.trim_end_matches('.').len();
    }
    let Some(last) = text.chars().next_back() else { return 0 };
    let body = &text[..text.len() - last.len_utf8()];
    let before = body.chars().next_back();
    let after_digit = |body: &str| body.ends_with(|c: char| c.is_ascii_digit());
    if is_punct(last) || is_quote(last) || is_icon(last) || matches!(last, '—' | '–') {
        return last.len_utf8();
    }
    if last == '.' {
        let lower = before.is_some_and(|c| {
            c.is_ascii_digit() || is_lower_alpha(c) || "%²-+|(?:)".contains(c) || is_punct(c) || is_quote(c)
        });
        let mut upper = body.chars().rev();
        let two_upper = upper.next().is_some_and(is_upper_alpha) && upper.next().is_some_and(is_upper_alpha);
        return if lower || two_upper { 1 } else { 0 };
    }
    if (last == '+' || is_currency(last)) && after_digit(body) {
        return last.len_utf8();
    }
    let unit = UNITS.split(' ').filter(|u| ends_before(text, u).is_some_and(after_digit)).map(str::len).max();
    unit.unwrap_or(0)
}

/// Bytes of the infix that begins at `at` (not 0) in `text`; 0 if none.
fn infix_bytes(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let (Some(before), Some(c)) = (text[..at].chars().next_back(), rest.chars().next()) else { return 0 };
    let after = rest[c.len_utf8()..].chars().next();
    if rest.starts_with("..") {
        return rest.len() - rest.trim_start_matches('.').len();
    }
    // spaCy splits at a dash between letters only; next to a quotation mark it would be lost in the word.
    if c == '…' || c == '—' || is_icon(c) {
        return c.len_utf8();
    }
    let alphabetic = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let digit = |c: char| c.is_ascii_digit();
    let joins = match c {
        '+' | '*' | '^' | '-' if digit(before) && after.is_some_and(|c| digit(c) || c == '-') => true,
        '.' => (is_lower_alpha(before) || is_quote(before)) && after.is_some_and(|c| is_upper_alpha(c) || is_quote(c)),
        ',' => before.is_alphabetic() && alphabetic(after),
        ':' | '<' | '>' | '=' | '/' => (before.is_alphabetic() || digit(before)) && alphabetic(after),
        _ => false,
    };
    if joins {
        return c.len_utf8();
    }
    if is_hyphen(c) && (before.is_alphabetic() || digit(before)) {
        let body = rest.trim_start_matches(c);
        let run = rest.len() - body.len();
        let longest = if c == '-' {
            3
        } else if c == '—' {
            2 * c.len_utf8()
        } else {
            c.len_utf8()
        };
        if run <= longest && alphabetic(body.chars().next()) {
            return run;
        }
    }
    0
}

/// Whether an unsplit piece is a web address, which keeps its infixes.
pub(crate) fn is_url(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let Some((name, top)) = host.rsplit_once('.') else { return false };
    let label = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    top.len() > 1 && top.chars().all(is_lower_alpha) && name.split('.').all(label)
}

impl Tokenizer {
    /// `exceptions`: lines of `orth TAB piece …`, a piece being `text` or `text US norm`.
    pub(crate) fn new(exceptions: &str) -> Self {
        let exceptions: HashMap<Box<str>, Vec<Piece>> = exceptions
            .lines()
            .filter_map(|line| {
                let (orth, pieces) = line.split_once('\t')?;
                let piece = |p: &str| {
                    let (text, norm) = p.split_once('\x1f').map_or((p, None), |(t, n)| (t, Some(n.into())));
                    Piece { bytes: text.len(), norm }
                };
                Some((orth.into(), pieces.split('\t').map(piece).collect()))
            })
            .collect();
        let longest = exceptions.keys().map(|k| k.len()).max().unwrap_or(0);
        Self { exceptions, longest }
    }

    fn exception(&self, text: &str) -> Option<&[Piece]> {
        // The length test keeps long runs of punctuation from being hashed again and again.
        if text.len() > self.longest { None } else { self.exceptions.get(text).map(Vec::as_slice) }
    }

    /// All tokens of `text`, in order; only single blanks lie between them.
    pub(crate) fn tokenize(&self, text: &str) -> Vec<RawToken> {
        let mut tokens: Vec<RawToken> = Vec::with_capacity(text.len() / 5 + 1);
        let mut start = 0;
        while start < text.len() {
            let rest = &text[start..];
            let space = rest.starts_with(char::is_whitespace);
            let length = rest.find(|c: char| c.is_whitespace() != space).unwrap_or(rest.len());
            let end = start + length;
            if space {
                let mut from = start;
                if rest.starts_with(' ')
                    && let Some(last) = tokens.last_mut()
                {
                    last.blank_after = true;
                    from += 1;
                }
                if from < end {
                    tokens.push(RawToken { range: from..end, norm: None, blank_after: false, is_space: true });
                }
            } else {
                self.split(text, start..end, &mut tokens);
            }
            start = end;
        }
        tokens
    }

    fn push_word(&self, text: &str, range: Range<usize>, tokens: &mut Vec<RawToken>) {
        let token = |range, norm| RawToken { range, norm, blank_after: false, is_space: false };
        let Some(pieces) = self.exception(&text[range.clone()]) else {
            tokens.push(token(range, None));
            return;
        };
        let mut start = range.start;
        for piece in pieces {
            tokens.push(token(start..start + piece.bytes, piece.norm.clone()));
            start += piece.bytes;
        }
    }

    /// Splits a stretch without white space.
    fn split(&self, text: &str, stretch: Range<usize>, tokens: &mut Vec<RawToken>) {
        let Range { mut start, mut end } = stretch;
        let mut suffixes = Vec::new();
        while start < end && self.exception(&text[start..end]).is_none() {
            let prefix = prefix_bytes(&text[start..end]);
            if prefix > 0 {
                self.push_word(text, start..start + prefix, tokens);
                start += prefix;
                if start == end || self.exception(&text[start..end]).is_some() {
                    break;
                }
            }
            let suffix = suffix_bytes(&text[start..end]);
            if suffix > 0 {
                suffixes.push(end - suffix..end);
                end -= suffix;
            } else if prefix == 0 {
                break;
            }
        }
        if start < end {
            self.split_infixes(text, start..end, tokens);
        }
        for suffix in suffixes.into_iter().rev() {
            self.push_word(text, suffix, tokens);
        }
    }

    fn split_infixes(&self, text: &str, range: Range<usize>, tokens: &mut Vec<RawToken>) {
        let word = &text[range.clone()];
        if self.exception(word).is_some() || is_url(word) {
            self.push_word(text, range, tokens);
            return;
        }
        let (mut from, mut at) = (0, 0);
        while at < word.len() {
            let infix = infix_bytes(word, at);
            if infix > 0 && at > from {
                self.push_word(text, range.start + from..range.start + at, tokens);
                self.push_word(text, range.start + at..range.start + at + infix, tokens);
                at += infix;
                from = at;
            } else {
                at += word[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        if from < word.len() {
            self.push_word(text, range.start + from..range.end, tokens);
        }
    }
}
