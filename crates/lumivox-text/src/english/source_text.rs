//! The text that the rules see: overrides taken out, composed (NFC), invisible characters and foreign digits resolved,
//! with the way back to the bytes of the original.

use std::ops::Range;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::error::{Error, Result};
use crate::token::{Reason, Warning};

/// What the user asked for with `[word](…)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Override {
    /// `(/ipa/)`: these phonemes.
    Phonemes(String),
    /// `(-1)`, `(+2)`, `(0.5)`: a change of stress.
    Stress(f32),
}

/// Text for the rules.
#[derive(Debug, Default)]
pub(crate) struct SourceText {
    pub text: String,
    /// Stretches of `text` with an override, in order.
    pub overrides: Vec<(Range<usize>, Override)>,
    pub warnings: Vec<Warning>,
    /// `(byte of text, byte of original)`: from here on both run in step, until the next pair.
    breaks: Vec<(usize, usize)>,
    original_bytes: usize,
}

/// Finds overrides.
pub(crate) struct Markup(Regex);

impl Markup {
    pub(crate) fn new() -> Result<Self> {
        let pattern = r"\[([^\[\]\s](?:[^\[\]\n]{0,254}[^\[\]\s])?)\]\((?:/([^/()\n]{1,512})/|([-+]?[0-9](?:\.5)?))\)";
        Regex::new(pattern).map(Self).map_err(|e| Error::data("markup", e))
    }

    pub(crate) fn read(&self, original: &str) -> SourceText {
        let mut source = SourceText { original_bytes: original.len(), ..SourceText::default() };
        let mut at = 0;
        for found in self.0.captures_iter(original) {
            let (Some(whole), Some(word)) = (found.get(0), found.get(1)) else { continue };
            // Nothing to say otherwise: ordinary text then.
            let visible = word.as_str().trim_end_matches(is_invisible);
            if !visible.contains(char::is_alphanumeric)
                || visible.ends_with(|c: char| c.is_control() || c.is_whitespace())
            {
                continue;
            }
            source.append(original, at..whole.start());
            let start = source.text.len();
            // From here the span covers the opening bracket, too.
            source.breaks.push((start, whole.start()));
            source.append(original, word.range());
            let end = source.text.len();
            let asked = match (found.get(2), found.get(3)) {
                (Some(phonemes), _) => Some(Override::Phonemes(phonemes.as_str().trim().to_owned())),
                (None, level) => level.and_then(|l| l.as_str().parse().ok()).map(Override::Stress),
            };
            if let Some(asked) = asked.filter(|_| start < end) {
                source.overrides.push((start..end, asked));
            }
            while source.breaks.pop_if(|(text, _)| *text == end).is_some() {}
            source.breaks.push((end, whole.end()));
            at = whole.end();
        }
        source.append(original, at..original.len());
        source
    }
}

/// The ASCII character for a hyphen, a sign in full width or a decimal digit of another script.
fn ascii_form(c: char) -> Option<char> {
    if matches!(c, '\u{2010}' | '\u{2011}') {
        return Some('-');
    }
    // Signs in the full width of ideographs; marks of that width have their own sounds.
    const SIGNS: &str = "％＄＋＝＆＠＃";
    if SIGNS.contains(c) {
        return u8::try_from(c as u32 - 0xFEE0).ok().map(char::from);
    }
    const ZEROS: [u32; 19] = [
        0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20,
        0x1040, 0x17E0, 0x1810, 0xFF10,
    ];
    let value = ZEROS.iter().find_map(|zero| (c as u32).checked_sub(*zero).filter(|v| *v < 10))?;
    char::from_digit(value, 10)
}

/// Format characters that only steer display: soft hyphen, joiners, direction marks, variation selectors …
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether `c` joins what stands before it when text is composed.
fn continues(c: char) -> bool {
    is_combining_mark(c) || ('\u{1160}'..='\u{11FF}').contains(&c)
}

impl SourceText {
    /// Appends a stretch of the original: composed, hyphens and digits in their ASCII form.
    fn append(&mut self, original: &str, range: Range<usize>) {
        let mut rest = range.start;
        self.sync(rest);
        while rest < range.end {
            let part = &original[rest..range.end];
            // Most text is ASCII: copy it in one go, but leave its last letter to a following mark.
            let plain = part.bytes().take_while(|b| b.is_ascii_graphic() || *b == b' ' || *b == b'\n').count();
            let plain = if plain < part.len() { plain.saturating_sub(1) } else { plain };
            if plain > 0 {
                self.text.push_str(&part[..plain]);
                rest += plain;
                continue;
            }
            let mut chars = part.char_indices();
            let Some((_, first)) = chars.next() else { break };
            let alone = is_invisible(first) || first.is_control() || ascii_form(first).is_some();
            let length = chars.find(|(_, c)| alone || !continues(*c)).map_or(part.len(), |(at, _)| at);
            self.append_cluster(&part[..length], first, rest);
            rest += length;
        }
    }

    /// Appends a character with its combining marks.
    fn append_cluster(&mut self, cluster: &str, first: char, at: usize) {
        let start = self.text.len();
        if first.is_control() && !first.is_whitespace() {
            self.text.push(' ');
            self.warn_control(cluster, at);
        } else if let Some(plain) = ascii_form(first) {
            self.text.push(plain);
        } else if !is_invisible(first) {
            self.text.extend(cluster.nfc());
        }
        let same = self.text[start..].chars().zip(cluster.chars()).take_while(|(a, b)| a == b);
        let same: usize = same.map(|(c, _)| c.len_utf8()).sum();
        if same < cluster.len() || start + same < self.text.len() {
            let ends = self.text[start + same..].chars().rev().zip(cluster[same..].chars().rev());
            let same_end: usize = ends.take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
            // Inside what has changed every byte stands for its end; its first byte for its start.
            let (changed_to, original_to) = (self.text.len() - same_end, at + cluster.len() - same_end);
            self.breaks.push((start + same, at + same));
            for inside in start + same + 1..=changed_to {
                self.breaks.push((inside, original_to));
            }
            self.breaks.push((changed_to, original_to));
        }
    }

    fn warn_control(&mut self, cluster: &str, at: usize) {
        let span = at..at + cluster.len();
        match self.warnings.last_mut().filter(|w| w.span.end == at) {
            Some(last) => {
                last.span.end = span.end;
                last.text.push_str(cluster);
            }
            None => self.warnings.push(Warning { text: cluster.to_owned(), span, reason: Reason::Control }),
        }
    }

    fn sync(&mut self, original: usize) {
        self.breaks.push((self.text.len(), original));
    }

    /// The byte of the original for a byte of `text`. Of several breaks at one place the first counts, so that markup and
    /// invisible characters belong to what follows them.
    fn original(&self, at: usize) -> usize {
        let after = self.breaks.partition_point(|(text, _)| *text <= at);
        let exact = self.breaks.partition_point(|(text, _)| *text < at);
        let nearest = if exact < after { exact } else { after.saturating_sub(1) };
        let Some((text, original)) = self.breaks.get(nearest) else { return at };
        let limit = self.breaks.get(after).map_or(self.original_bytes, |(_, original)| *original);
        (original + (at - text)).min(limit)
    }

    /// The span in the original of a range of `text`.
    pub(crate) fn span(&self, range: &Range<usize>) -> Range<usize> {
        self.original(range.start)..self.original(range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SourceText {
        Markup::new().unwrap().read(text)
    }

    #[test]
    fn plain_text_is_unchanged() {
        let source = read("Plain text, naïve.");
        assert_eq!(source.text, "Plain text, naïve.");
        assert_eq!(source.span(&(6..10)), 6..10);
    }

    #[test]
    fn decomposed_letters_are_composed() {
        let original = "cafe\u{301} bar";
        let source = read(original);
        assert_eq!(source.text, "café bar");
        assert_eq!(&original[source.span(&(0..5))], "cafe\u{301}");
        assert_eq!(&original[source.span(&(6..9))], "bar");
    }

    #[test]
    fn marks_behind_what_is_composed_keep_their_places() {
        let original = "\u{2000}\u{1a55}e\u{301}\u{335}.";
        let source = read(original);
        assert_eq!(source.text, "\u{2002}\u{1a55}\u{e9}\u{335}.");
        assert_eq!(&original[source.span(&(3..6))], "\u{1a55}");
        assert_eq!(&original[source.span(&(6..8))], "e\u{301}");
        assert_eq!(&original[source.span(&(8..10))], "\u{335}");
    }

    #[test]
    fn overrides_cover_their_markup() {
        let original = "a [word](/wˈɜɹd/)'s [b](-1) c";
        let source = read(original);
        assert_eq!(source.text, "a word's b c");
        assert_eq!(source.overrides[0], (2..6, Override::Phonemes("wˈɜɹd".into())));
        assert_eq!(source.overrides[1], (9..10, Override::Stress(-1.0)));
        assert_eq!(&original[source.span(&(2..6))], "[word](/wˈɜɹd/)");
        assert_eq!(&original[source.span(&(6..8))], "'s");
        assert_eq!(&original[source.span(&(11..12))], "c");
    }

    #[test]
    fn invisible_and_control_characters() {
        let original = "soft\u{AD}ware\0\u{1} \u{663}";
        let source = read(original);
        assert_eq!(source.text, "software   3");
        assert_eq!(source.warnings.len(), 1);
        assert_eq!(&original[source.span(&(0..8))], "soft\u{AD}ware");
        assert_eq!(&original[source.span(&(11..12))], "\u{663}");
    }
}
