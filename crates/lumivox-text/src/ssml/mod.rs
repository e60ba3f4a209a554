//! SSML (W3C, version 1.1) as far as it can be heard here: `speak`, `p`, `s`, `break`, `prosody rate`, `say-as`, `sub`, `phoneme`, `lang` and `voice`.
//!
//! [`parse`] makes parts of a document, each in one language, voice and rate, and pauses between them. Elements and attributes beyond those are reported;
//! their text is spoken all the same.

mod attributes;
mod document;
mod limits;
mod places;

use std::ops::Range;

use crate::language::Language;
use crate::token::{Boundary, Phonemized};

pub use document::parse;

/// A place in a document, and what is the matter there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("SSML, line {line}, column {column}: {reason}")]
pub struct Notice {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is the matter.
    pub reason: String,
}

/// A document, ready to be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// In their order.
    pub parts: Vec<Part>,
    /// What has no effect here.
    pub notices: Vec<Notice>,
}

/// How a part is said; what is `None` is as the request has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The language of the text.
    pub language: Option<Language>,
    /// The voice or speaker.
    pub voice: Option<String>,
    /// Factor of the speed.
    pub rate: f32,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { language: None, voice: None, rate: 1.0 }
    }
}

/// A stretch said in one way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// Silence before it, in seconds.
    pub pause_s: f32,
    /// The text, in which `[[…]]` holds phonemes; empty where only a pause is left at the end.
    pub text: String,
    /// How it is said.
    pub delivery: Delivery,
    /// What ends with it.
    pub boundary: Boundary,
    /// Where its text is from.
    pieces: Vec<Piece>,
}

/// Where a stretch of a part's text stands in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    text: Range<usize>,
    source: Range<usize>,
    /// Whether both run in step.
    in_step: bool,
}

impl Part {
    /// The bytes of the document for bytes of this part's text. What stands for something else (an alias, an entity) is its whole.
    pub fn source(&self, span: &Range<usize>) -> Range<usize> {
        let piece = |at: usize| {
            let index = self.pieces.partition_point(|piece| piece.text.end <= at);
            self.pieces.get(index.min(self.pieces.len().saturating_sub(1)))
        };
        let (Some(first), Some(last)) = (piece(span.start), piece(span.end.saturating_sub(1).max(span.start))) else {
            return 0..0;
        };
        let within =
            |piece: &Piece, at: usize| (piece.source.start + at.saturating_sub(piece.text.start)).min(piece.source.end);
        let start = if first.in_step { within(first, span.start) } else { first.source.start };
        let end = if last.in_step { within(last, span.end) } else { last.source.end };
        start..end.max(start)
    }

    /// Puts what was read of this part at its place in the document.
    pub fn locate(&self, said: &mut Phonemized) {
        let spans = said.tokens.iter_mut().map(|token| &mut token.span);
        for span in spans.chain(said.warnings.iter_mut().map(|warning| &mut warning.span)) {
            *span = self.source(span);
        }
        let sentence = self.text.trim_end().ends_with(['.', '!', '?', '…', '。', '！', '？', '।']);
        if let Some(last) = said.tokens.last_mut() {
            last.boundary = self.boundary.max(if sentence { Boundary::Sentence } else { Boundary::None });
            last.whitespace = true;
        }
    }

    /// Adds text that stands in the document as it is (`in_step`), or for something else.
    fn push(&mut self, text: &str, source: Range<usize>, in_step: bool) {
        let start = self.text.len();
        self.text += text;
        self.pieces.push(Piece { text: start..self.text.len(), source, in_step });
    }
}

#[cfg(test)]
mod tests;
