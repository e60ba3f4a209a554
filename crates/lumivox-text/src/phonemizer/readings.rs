//! What is read as other words than it is written in: numbers, dates, money, abbreviations.

use std::ops::Range;

use crate::language::Language;

/// A stretch of the text and the words to say instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub range: Range<usize>,
    pub words: String,
}

/// The readings in a text, in order; they don't overlap. Without a normaliser for the language there are none, and digits are
/// reported as silent.
pub(super) fn readings(_: Language, _: &str) -> Vec<Reading> {
    Vec::new()
}
