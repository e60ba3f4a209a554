//! Cutting a text into stretches that the model says in one go.

use std::ops::Range;

use crate::token::{self, Boundary, Phonemized, Source, Token};

/// How long segments may be, in symbols of the phoneme string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentLimits {
    /// What the first segment should stay within: a short one is heard sooner.
    pub first_symbols: usize,
    /// How much longer (in percent) each next segment may be than the one before, until `max_symbols`.
    pub growth_percent: usize,
    /// Never more; Kokoro reads 510.
    pub max_symbols: usize,
    /// The weakest boundary that always ends a segment: paragraphs, or sentences for models that were trained on single ones.
    pub end_at: Boundary,
}

/// The most symbols that Kokoro reads at once.
const KOKORO_SYMBOLS: usize = 510;

impl Default for SegmentLimits {
    /// As few segments as the model allows: the best sound where nobody waits.
    fn default() -> Self {
        Self {
            first_symbols: KOKORO_SYMBOLS,
            growth_percent: 100,
            max_symbols: KOKORO_SYMBOLS,
            end_at: Boundary::Paragraph,
        }
    }
}

/// A stretch to be said in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Phonemes, at most `max_symbols` characters, without blanks at the ends.
    pub phonemes: String,
    /// The token that each symbol of `phonemes` belongs to; none for the white space between tokens.
    pub owners: Vec<Option<usize>>,
    /// The tokens in it. A word that alone is longer than the limit appears in several segments.
    pub tokens: Range<usize>,
    /// Whether a sentence or paragraph ends here.
    pub boundary: Boundary,
    /// Whether the segment ends inside a word, because the word alone is longer than the limit.
    pub cut_inside_word: bool,
}

/// Marks with a blank of their own.
const WIDE_MARKS: &str = "，、：；";

/// How well a segment can end after a token; more is better.
fn strength(token: &Token) -> u8 {
    // A model may have no symbol for the mark.
    let mark = if token.phonemes.is_empty() { &token.text } else { &token.phonemes };
    let ends = |marks: &str| mark.ends_with(|c| marks.contains(c));
    if token.boundary >= Boundary::Sentence {
        return 4;
    }
    if token.source != Source::Punctuation || !(token.whitespace || ends(WIDE_MARKS)) {
        return 0;
    }
    if ends("!.?…") {
        3
    } else if ends(":;—)”：；؛፤") {
        2
    } else {
        u8::from(ends(",，、،፣"))
    }
}

/// Cuts at the ends of sentences, else of clauses, else at commas, else between words. A paragraph always ends a segment, and whatever else `end_at` says.
/// Stretches without any sound are left out; what is not punctuation in them has a warning already.
pub fn segments(text: &Phonemized, limits: &SegmentLimits) -> Vec<Segment> {
    let max = limits.max_symbols.max(1);
    let mut goal = limits.first_symbols.clamp(1, max);
    let mut segments = Vec::new();
    let mut start = 0;
    while start < text.tokens.len() {
        let end = next_cut(&text.tokens[start..], goal, limits) + start;
        let tokens = &text.tokens[start..end];
        let symbols = token::symbols(tokens);
        let boundary = tokens.last().map_or(Boundary::None, |t| t.boundary);
        if symbols.iter().any(|(symbol, _)| symbol.is_alphanumeric()) {
            push_pieces(&mut segments, &symbols, start..end, boundary, max);
            goal = (goal * limits.growth_percent.max(100) / 100).min(max);
        }
        start = end;
    }
    segments
}

/// One segment, or several where a single word is longer than `max`.
fn push_pieces(
    segments: &mut Vec<Segment>,
    symbols: &[(char, Option<usize>)],
    tokens: Range<usize>,
    boundary: Boundary,
    max: usize,
) {
    let count = symbols.len().div_ceil(max);
    for (i, piece) in symbols.chunks(max).enumerate() {
        let last = i + 1 == count;
        let blank = |(symbol, _): &&(char, Option<usize>)| symbol.is_whitespace();
        let (before, after) = (piece.iter().take_while(blank).count(), piece.iter().rev().take_while(blank).count());
        let piece = piece.get(before..piece.len() - after).unwrap_or_default();
        segments.push(Segment {
            phonemes: piece.iter().map(|(symbol, _)| symbol).collect(),
            owners: piece.iter().map(|(_, owner)| owner.map(|index| tokens.start + index)).collect(),
            tokens: tokens.clone(),
            boundary: if last { boundary } else { Boundary::None },
            cut_inside_word: !last,
        });
    }
}

/// How many tokens the next segment takes, at least one.
fn next_cut(tokens: &[Token], goal: usize, limits: &SegmentLimits) -> usize {
    let (max, end_at) = (limits.max_symbols.max(1), limits.end_at.clamp(Boundary::Sentence, Boundary::Paragraph));
    // The best cut within the goal, the first one beyond it, and the last gap between words.
    let (mut within, mut beyond, mut gap): (Option<(u8, usize)>, Option<usize>, usize) = (None, None, 0);
    let (mut symbols, mut space) = (0, false);
    for (i, token) in tokens.iter().enumerate() {
        let own = token.phonemes.chars().count();
        symbols += if own > 0 { own + usize::from(space && symbols > 0) } else { 0 };
        space = if own > 0 { token.whitespace } else { space || token.whitespace };
        if symbols > max {
            break;
        }
        let end = i + 1;
        if token.whitespace || tokens.get(end).is_none() {
            gap = end;
        }
        let strength = strength(token);
        if symbols <= goal && strength > 0 && within.is_none_or(|(best, _)| best.min(3) <= strength.min(3)) {
            within = Some((strength, end));
        }
        if symbols > goal && strength > 0 {
            beyond = beyond.or(Some(end));
            if within.is_some() || strength >= 3 {
                break;
            }
        }
        if token.boundary >= end_at {
            return if symbols <= goal { end } else { within.map_or(beyond.unwrap_or(end), |(_, end)| end) };
        }
    }
    within.map(|(_, end)| end).or(beyond).unwrap_or(gap).max(1)
}
