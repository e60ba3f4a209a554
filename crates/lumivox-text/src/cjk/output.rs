//! Tokens and warnings in the making.

use std::ops::Range;

use super::foreign::{Foreign, source_range};
use super::glyphs::Glyph;
use crate::english::source_text::SourceText;
use crate::token::{Boundary, Phonemized, Reason, Source, Token, Warning};

/// Collects what is said, in the order of the text.
pub(crate) struct Output<'a> {
    original: &'a str,
    source: &'a SourceText,
    tokens: Vec<Token>,
    warnings: Vec<Warning>,
    /// Bytes of the source text that the last token is of.
    last: Range<usize>,
    line_breaks: usize,
}

impl<'a> Output<'a> {
    pub(crate) fn new(original: &'a str, source: &'a SourceText) -> Self {
        Self { original, source, tokens: Vec::new(), warnings: source.warnings.clone(), last: 0..0, line_breaks: 0 }
    }

    /// The last token, if it is no mark.
    pub(crate) fn ends_with_word(&self) -> bool {
        self.tokens.last().is_some_and(|token| !matches!(token.source, Source::Punctuation | Source::Silent))
    }

    /// A blank before what comes next.
    pub(crate) fn blank(&mut self) {
        if let Some(last) = self.tokens.last_mut() {
            last.whitespace = true;
        }
    }

    /// No blank before what comes next.
    pub(crate) fn no_blank(&mut self) {
        if let Some(last) = self.tokens.last_mut() {
            last.whitespace = false;
        }
    }

    /// White space of the text; two line breaks end a paragraph. `blank` says whether it is heard.
    pub(crate) fn white_space(&mut self, c: char, blank: bool) {
        self.line_breaks += match c {
            '\n' => 1,
            '\u{2029}' => 2,
            _ => 0,
        };
        if let Some(last) = self.tokens.last_mut() {
            last.whitespace |= blank;
            if self.line_breaks > 1 {
                last.boundary = Boundary::Paragraph;
            }
        }
    }

    /// A word of the bytes `from`. Words of one reading are one token.
    pub(crate) fn word(&mut self, from: Range<usize>, spoken: &str, phonemes: &str, source: Source) {
        if let Some(last) = self.tokens.last_mut().filter(|_| from.start < self.last.end) {
            self.last.end = self.last.end.max(from.end);
            last.span = self.source.span(&self.last);
            last.text = self.source.text[self.last.clone()].to_owned();
            for (whole, part) in [(&mut last.spoken, spoken), (&mut last.phonemes, phonemes)] {
                if last.whitespace && !whole.is_empty() && !part.is_empty() {
                    whole.push(' ');
                }
                whole.push_str(part);
            }
            last.source = if source == Source::Silent { last.source } else { source };
            last.whitespace = false;
            return;
        }
        self.push(from, spoken, phonemes, source);
    }

    fn push(&mut self, from: Range<usize>, spoken: &str, phonemes: &str, source: Source) {
        self.line_breaks = 0;
        self.tokens.push(Token {
            text: self.source.text[from.clone()].to_owned(),
            span: self.source.span(&from),
            spoken: spoken.to_owned(),
            phonemes: phonemes.to_owned(),
            whitespace: false,
            source,
            boundary: Boundary::None,
        });
        self.last = from;
    }

    /// Phonemes that the user gives.
    pub(crate) fn user(&mut self, from: Range<usize>, phonemes: &str) {
        if !phonemes.contains(char::is_alphabetic) {
            self.warn(self.source.span(&from), Reason::Phonemes);
        }
        let written = self.source.text[from.clone()].to_owned();
        self.push(from, &written, phonemes, Source::User);
    }

    /// A punctuation mark. One of a character that is read already is left out.
    pub(crate) fn mark(&mut self, from: Range<usize>, phonemes: &str) {
        if from.start >= self.last.end {
            self.push(from, "", phonemes, Source::Punctuation);
        }
    }

    /// What can't be said.
    pub(crate) fn silent(&mut self, from: Range<usize>, reason: Reason) {
        if from.start < self.last.end {
            // Part of a reading: only news if nothing of it has a sound.
            if self.tokens.last().is_some_and(|last| last.phonemes.is_empty()) {
                self.warn(self.source.span(&from), reason);
            }
            return;
        }
        self.warn(self.source.span(&from), reason);
        let joins = self.last.end == from.start && self.line_breaks == 0;
        match self.tokens.last_mut().filter(|last| joins && last.source == Source::Silent && !last.whitespace) {
            Some(last) => {
                self.last.end = from.end;
                last.span = self.source.span(&self.last);
                last.text = self.source.text[self.last.clone()].to_owned();
            }
            None => self.push(from, "", "", Source::Silent),
        }
    }

    /// A character without a sound of its own, such as the frame of a keycap: part of what it follows.
    pub(crate) fn absorb(&mut self, from: Range<usize>) {
        if self.last.end == from.start
            && let Some(last) = self.tokens.last_mut()
        {
            self.last.end = from.end;
            last.span = self.source.span(&self.last);
            last.text = self.source.text[self.last.clone()].to_owned();
        }
    }

    fn warn(&mut self, span: Range<usize>, reason: Reason) {
        match self.warnings.last_mut().filter(|w| w.reason == reason && w.span.end == span.start) {
            Some(last) => {
                last.span.end = span.end;
                last.text = self.original[last.span.clone()].to_owned();
            }
            None => self.warnings.push(Warning { text: self.original[span.clone()].to_owned(), span, reason }),
        }
    }

    /// Words of another script, as English says them, their phonemes through `map`.
    pub(crate) fn foreign(&mut self, glyphs: &[Glyph], foreign: &Foreign, map: impl Fn(&Token) -> String) {
        let Some(said) = foreign.read(glyphs) else {
            for glyph in glyphs {
                self.silent(glyph.from.clone(), Reason::Script);
            }
            return;
        };
        for warning in said.warnings {
            if let Some(from) = source_range(glyphs, &warning.span) {
                self.warn(self.source.span(&from), warning.reason);
            }
        }
        for token in said.tokens {
            let Some(from) = source_range(glyphs, &token.span) else { continue };
            let phonemes = map(&token);
            if token.source == Source::Punctuation {
                self.mark(from, &phonemes);
            } else {
                self.word(from, &token.spoken, &phonemes, token.source);
            }
            if token.whitespace {
                self.blank();
            }
        }
    }

    /// All tokens, with the ends of sentences.
    pub(crate) fn finish(mut self) -> Phonemized {
        mark_sentences(&mut self.tokens);
        self.warnings.sort_by_key(|warning| warning.span.start);
        Phonemized { tokens: self.tokens, warnings: self.warnings }
    }
}

/// A sentence ends after `。`, `！` and `？` of any width, and closing marks; after `.` only where a blank follows.
fn mark_sentences(tokens: &mut [Token]) {
    let mut ended = false;
    for at in 0..tokens.len() {
        let next = tokens.get(at + 1).map(|next| next.source == Source::Punctuation && next.text.starts_with(closes));
        let token = &mut tokens[at];
        let mark = token.source == Source::Punctuation;
        ended = mark
            && (token.text.contains(['。', '！', '？', '!', '?', '｡', '．'])
                || token.text.contains('.') && token.whitespace
                || ended && token.text.starts_with(closes));
        if ended && next != Some(true) {
            token.boundary = token.boundary.max(Boundary::Sentence);
        }
    }
    if let Some(last) = tokens.last_mut() {
        last.boundary = Boundary::Paragraph;
    }
}

/// Whether a mark belongs to what it follows: one that closes, or another end.
fn closes(c: char) -> bool {
    "」』”’）)】》〉\"»!?！？。…".contains(c)
}
