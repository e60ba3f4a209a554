//! Words that are written together: splitting at hyphens, digits and capitals, trying the longest known stretches, and
//! the stress of the whole. After misaki 0.9.4, `en.py` (Apache-2.0): `subtokenize`, `retokenize`, `resolve_tokens`.

use unicode_normalization::char::is_combining_mark;

use super::stress::{self, PRIMARY};
use super::tagger::Tag;
use crate::token::Source;

/// A stretch of one kind (letters, digits, a sign) in a word.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub text: String,
    /// Bytes in the text the rules see.
    pub start: usize,
    pub tag: Tag,
    /// A change of stress that the user asked for.
    pub level: Option<f32>,
    pub sound: Option<(String, Source)>,
    /// What is read instead of `text`.
    pub reading: Option<&'static str>,
    /// Whether a blank is said before it.
    pub prespace: bool,
}

impl Part {
    pub(crate) fn is_junk(&self) -> bool {
        self.text.chars().all(is_junk)
    }

    pub(crate) fn phonemes(&self) -> &str {
        self.sound.as_ref().map_or("", |(ps, _)| ps)
    }
}

/// Signs inside a word that have no sound.
fn is_junk(c: char) -> bool {
    "',-._‘’/".contains(c)
}

fn is_latin(c: char) -> bool {
    matches!(c, '\0'..='\u{2af}' | '\u{1e00}'..='\u{1eff}' | '\u{fb00}'..='\u{fb06}' | '\u{ff21}'..='\u{ff5a}')
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || is_combining_mark(c)
}

pub(crate) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '‘' | '’')
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Splits a token into parts: `(byte offset, text)`.
pub(crate) fn split(token: &str) -> Vec<(usize, &str)> {
    let chars: Vec<(usize, char)> = token.char_indices().collect();
    let at = |i: usize| chars.get(i).map(|(_, c)| *c);
    let mut parts = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let length = part_length(&at, i, chars.len());
        if length == 0 {
            i += 1;
            continue;
        }
        let start = chars[i].0;
        let end = chars.get(i + length).map_or(token.len(), |(byte, _)| *byte);
        parts.push((start, &token[start..end]));
        i += length;
    }
    parts
}

/// Characters of the part that begins at `i`; 0 for an apostrophe that belongs to nothing.
fn part_length(at: &impl Fn(usize) -> Option<char>, i: usize, count: usize) -> usize {
    let run = |from: usize, class: fn(char) -> bool| (from..count).take_while(|k| at(*k).is_some_and(class)).count();
    let is = |k: usize, class: fn(char) -> bool| at(k).is_some_and(class);
    let apostrophes = run(i, is_apostrophe);
    if apostrophes > 0 && (i == 0 || apostrophes > 1 || i + apostrophes == count) {
        return apostrophes;
    }
    let sign = usize::from(i == 0 && at(0) == Some('-'));
    let digits = number_length(at, i + sign);
    if digits > 0 {
        return sign + digits;
    }
    let hyphens = run(i, |c| c == '-' || c == '_');
    if hyphens > 0 {
        return hyphens;
    }
    // A word of two scripts is said as far as its script is known.
    let latin = is(i, is_latin);
    let letters = (i..count)
        .take_while(|k| is(*k, is_letter) && (is(*k, is_latin) == latin || is(*k, is_combining_mark)))
        .count();
    // "iPhone" and, where misaki only cuts off a single capital, "HTMLParser".
    let hump = |k: &usize| {
        is(*k + 1, char::is_uppercase)
            && (is(*k, char::is_lowercase)
                || (is(*k, char::is_uppercase) && is(*k + 2, char::is_lowercase) && is(*k + 3, char::is_lowercase)))
    };
    if let Some(hump) = (i..i + letters).find(hump) {
        return hump + 1 - i;
    }
    if letters > 0 {
        let mut end = i + letters;
        while is(end, is_apostrophe) && is(end + 1, is_letter) {
            end += 2;
        }
        return end - i;
    }
    usize::from(apostrophes == 0)
}

/// Digits with points and commas between them.
fn number_length(at: &impl Fn(usize) -> Option<char>, i: usize) -> usize {
    let digit = |k: usize| at(k).is_some_and(is_digit);
    let mut end = i;
    loop {
        if digit(end) {
            end += 1;
        } else if matches!(at(end), Some('.' | ',')) && digit(end + 1) {
            end += 2;
        } else {
            return end - i;
        }
    }
}

/// The token of several parts: text, tag of the weightiest part, common stress.
pub(crate) fn merge(parts: &[Part]) -> (String, Tag, Option<f32>) {
    let text: String = parts.iter().map(|p| p.reading.unwrap_or(&p.text)).collect();
    let weight = |p: &Part| p.text.chars().map(|c| if c.is_uppercase() { 2 } else { 1 }).sum::<usize>();
    let mut heaviest = parts.first();
    for part in parts {
        if heaviest.is_none_or(|h| weight(part) > weight(h)) {
            heaviest = Some(part);
        }
    }
    let mut levels = parts.iter().filter_map(|p| p.level);
    let level = levels.next().filter(|first| levels.all(|l| l == *first));
    (text, heaviest.map_or("", |p| p.tag), level)
}

/// After every part has its sounds: blanks between parts of different kinds, else one main stress for the whole.
pub(crate) fn settle(parts: &mut [Part]) {
    let kind = |c: char| {
        if c.is_alphabetic() {
            1u8
        } else if is_digit(c) {
            2
        } else {
            4
        }
    };
    let chars = || parts.iter().flat_map(|p| p.text.chars());
    let kinds = chars().filter(|c| !is_junk(*c)).fold(0, |kinds, c| kinds | kind(c));
    let prespace = kinds.count_ones() > 1 || chars().any(|c| c == '/');
    let last = parts.len().saturating_sub(1);
    for (i, part) in parts.iter_mut().enumerate() {
        part.prespace = part.sound.is_some() && i > 0 && prespace;
        if part.sound.is_none()
            && i == last
            && matches!(part.text.as_str(), ";" | ":" | "," | "." | "!" | "?" | "—" | "…")
        {
            part.sound = Some((part.text.clone(), Source::Punctuation));
        }
    }
    if prespace {
        return;
    }
    let mut sounding: Vec<(bool, usize, usize)> = parts
        .iter()
        .enumerate()
        .filter(|(_, p)| !p.phonemes().is_empty())
        .map(|(i, p)| (p.phonemes().contains(PRIMARY), stress::weight(p.phonemes()), i))
        .collect();
    let stressed = sounding.iter().filter(|s| s.0).count();
    if sounding.len() == 2 && parts[sounding[0].2].text.chars().count() == 1 {
        sounding.remove(0);
    } else if sounding.len() < 2 || stressed <= sounding.len().div_ceil(2) {
        return;
    } else {
        sounding.sort_unstable();
        sounding.truncate(sounding.len() / 2);
    }
    for (_, _, i) in sounding {
        if let Some((phonemes, _)) = &mut parts[i].sound {
            *phonemes = stress::apply(phonemes, Some(-0.5));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting() {
        // Expected values: misaki.en.subtokenize of the same words, but for HTMLParser, which it leaves whole.
        for (word, parts) in [
            ("well-known", &["well", "-", "known"][..]),
            ("HTMLParser", &["HTML", "Parser"]),
            ("iPhone15", &["i", "Phone", "15"]),
            ("don't", &["don't"]),
            ("o'clock", &["o'c", "lock"]),
            ("'tis", &["'", "tis"]),
            ("-1,234.5x", &["-1,234.5", "x"]),
            ("R&D", &["R", "&", "D"]),
            ("dogs'", &["dogs", "'"]),
            ("__init__", &["__", "init", "__"]),
        ] {
            assert_eq!(split(word).into_iter().map(|(_, p)| p).collect::<Vec<_>>(), parts, "{word}");
        }
    }
}
