//! Ends of sentences.

use super::languages::Traits;
use crate::token::{Boundary, Source, Token};

/// Marks that end a sentence, blank or not.
const DANDAS: [char; 2] = ['।', '॥'];

/// A sentence ends after `.`, `!`, `?` or `…` and closing marks, if white space and no small letter follows, and not after an
/// abbreviation, whose point is no pause.
pub(super) fn mark(tokens: &mut [Token], traits: &Traits) {
    let mut ended = false;
    for i in 0..tokens.len() {
        let (before, rest) = tokens.split_at_mut(i);
        let [token, next @ ..] = rest else { break };
        let next = next.first();
        if token.source == Source::Punctuation && token.phonemes.contains(['.', '!', '?', '…']) {
            let word = before.last().filter(|word| !word.whitespace && word.source != Source::Punctuation);
            let next_goes_on = |next: &Token| {
                word.is_some_and(|word| is_abbreviation(&word.text, traits))
                    || (!traits.latin && word.is_some_and(|word| is_initial(word, before, token, next)))
            };
            let abbreviated = token.text == "." && next.is_some_and(next_goes_on);
            if abbreviated {
                token.phonemes.clear();
            }
            ended = !abbreviated;
        } else if !(token.source == Source::Punctuation && closes(&token.text)) {
            ended = false;
        }
        let goes_on = next.is_some_and(|next| next.text.starts_with(char::is_lowercase) || closes(&next.text));
        let apart = token.whitespace || next.is_none() || token.text.contains(DANDAS);
        if ended && apart && !goes_on {
            token.boundary = token.boundary.max(Boundary::Sentence);
            ended = false;
        }
    }
    if let Some(last) = tokens.last_mut() {
        last.boundary = Boundary::Paragraph;
    }
}

fn closes(mark: &str) -> bool {
    matches!(mark, "\"" | "”" | "»" | "›" | ")" | "]" | "'" | "’")
}

/// Whether `word` is one of initials in a script without capitals ("एम.ए."): short, with a point and no blank before or behind it.
fn is_initial(word: &Token, before: &[Token], point: &Token, next: &Token) -> bool {
    let short = |word: &Token| word.source != Source::Punctuation && word.text.chars().count() <= 4;
    let last = before.len().checked_sub(2).map(|at| &before[at]);
    let inner = last.is_some_and(|last| last.text == "." && !last.whitespace && last.phonemes.is_empty());
    short(word) && (inner || (!point.whitespace && short(next)))
}

/// Whether a point after `word` belongs to it: a known abbreviation, or an initial.
fn is_abbreviation(word: &str, traits: &Traits) -> bool {
    let lower = word.to_lowercase();
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    initial || traits.abbreviations.contains(&lower.as_str())
}
