//! From tokens and readings to units to be sounded, and from sounded units to the public tokens.

use std::ops::Range;

use super::compound::{self, Part};
use super::normalize::{Item, Say, Tagged, is_title};
use super::source_text::{Override, SourceText};
use super::tagger::Tag;
use super::tokenizer::is_currency;
use crate::token::{Boundary, Phonemized, Reason, Source, Token, Warning};

/// More parts than this are not tried as one word.
const MAX_PARTS: usize = 24;

/// A stretch of text that becomes one token.
#[derive(Debug)]
pub(crate) struct Unit {
    pub range: Range<usize>,
    pub kind: Kind,
    pub whitespace: bool,
    pub paragraph_after: bool,
    /// Whether it is an abbreviation whose point also ends the sentence.
    pub ends_sentence: bool,
}

impl Unit {
    fn new(range: Range<usize>, kind: Kind) -> Self {
        Self { range, kind, whitespace: false, paragraph_after: false, ends_sentence: false }
    }
}

/// What a unit is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Already known: punctuation, the user's phonemes.
    Fixed(String, Source),
    /// Read as other words; the sound is filled in later.
    Item(Vec<Say>, String),
    /// A word of one or more parts.
    Word(Vec<Part>),
}

/// Something silent: bytes of the rules' text and why.
pub(crate) type Silent = (Range<usize>, Reason);

/// Puts tokens, overrides and readings in order, cut to fit each other.
pub(crate) fn collect(source: &SourceText, tagged: Tagged<'_>, items: Vec<Item>) -> Vec<Unit> {
    let mut claims = claims(source, items).into_iter().peekable();
    let mut units: Vec<Unit> = Vec::with_capacity(tagged.tokens.len());
    let mut done = 0;
    for (token, tag) in tagged.tokens.iter().zip(tagged.tags) {
        if token.is_space {
            note_space(&mut units, &source.text[token.range.clone()]);
            continue;
        }
        let mut from = token.range.start.max(done);
        while from < token.range.end {
            let claim = claims.next_if(|claim| claim.0.start < token.range.end);
            let until = claim.as_ref().map_or(token.range.end, |claim| claim.0.start).max(from);
            if from < until {
                push_token(&mut units, source, from..until, tag);
            }
            from = until;
            if let Some((range, kind)) = claim {
                from = range.end;
                units.push(Unit::new(range, kind));
            }
        }
        done = from;
        if token.blank_after && done <= token.range.end {
            note_space(&mut units, " ");
        }
    }
    mark_spaces(&source.text, &mut units);
    mark_ends(&source.text, tagged, &mut units);
    units
}

/// Overrides and readings in order; an override wins.
fn claims(source: &SourceText, items: Vec<Item>) -> Vec<(Range<usize>, Kind)> {
    let overlaps = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
    let mut overridden = source.overrides.iter().peekable();
    let mut claims: Vec<(Range<usize>, Kind)> = Vec::with_capacity(items.len() + source.overrides.len());
    for item in items {
        while overridden.next_if(|(range, _)| range.end <= item.range.start).is_some() {}
        if overridden.peek().is_none_or(|(range, _)| !overlaps(range, &item.range)) {
            claims.push((item.range, Kind::Item(item.say, String::new())));
        }
    }
    claims.extend(source.overrides.iter().filter_map(|(range, asked)| match asked {
        Override::Phonemes(phonemes) => Some((range.clone(), Kind::Fixed(phonemes.clone(), Source::User))),
        Override::Stress(_) => None,
    }));
    claims.sort_by_key(|(range, _)| range.start);
    claims
}

fn note_space(units: &mut [Unit], space: &str) {
    if let Some(last) = units.last_mut() {
        last.whitespace = true;
        let lines = space.chars().filter(|c| matches!(c, '\n' | '\u{2028}' | '\u{85}')).count();
        last.paragraph_after |= lines > 1 || space.contains(['\u{2029}', '\u{c}']);
    }
}

/// White space between units wherever the text has it, and between a reading and a word that touches it.
fn mark_spaces(text: &str, units: &mut [Unit]) {
    for i in 1..units.len() {
        let (before, after) = units.split_at_mut(i);
        let (Some(unit), Some(next)) = (before.last_mut(), after.first()) else { continue };
        let gap = text.get(unit.range.end..next.range.start).unwrap_or_default();
        unit.whitespace |= gap.contains(char::is_whitespace);
        let said = |unit: &Unit| match &unit.kind {
            Kind::Fixed(_, source) => *source == Source::User,
            Kind::Item(..) => true,
            Kind::Word(_) => !text[unit.range.clone()].chars().all(|c| ".,;:!?…-–'’".contains(c)),
        };
        let either = matches!(unit.kind, Kind::Item(..)) || matches!(next.kind, Kind::Item(..));
        unit.whitespace |= either && said(unit) && said(next);
        // "five;six": a mark between letters is heard as if a blank came after it.
        let letters = next.range.start == unit.range.end && text[next.range.start..].starts_with(char::is_alphabetic);
        unit.whitespace |= letters
            && matches!(&unit.kind, Kind::Fixed(mark, _) if mark.ends_with(MARKS_INSIDE) && !mark.ends_with('“'));
    }
}

/// Finds abbreviations at the end of a sentence: at the end of the text, or before a word with a capital that is no name.
fn mark_ends(text: &str, tagged: Tagged<'_>, units: &mut [Unit]) {
    for i in 0..units.len() {
        let written = &text[units[i].range.clone()];
        if !written.ends_with('.') || matches!(units[i].kind, Kind::Fixed(..)) || is_title(written) {
            continue;
        }
        let closing = |unit: &&Unit| matches!(&unit.kind, Kind::Fixed(mark, _) if ["”", "“", "(", ")", ""].contains(&mark.as_str()));
        let marks = units[i + 1..].iter().take(4).take_while(closing).count();
        let next = i + 1 + marks;
        let paragraph = units[i..next].iter().any(|unit| unit.paragraph_after);
        let spaced = units[i..next].iter().any(|unit| unit.whitespace);
        let begins = |next: &Unit| {
            let word = &text[next.range.clone()];
            let capital = word.starts_with(char::is_uppercase)
                && (matches!(word, "I" | "A") || word.contains(char::is_lowercase));
            capital && !tagged.at(next.range.start).starts_with("NNP") && !CONTINUED.contains(&written)
        };
        let next = units.get(next);
        units[i].ends_sentence = paragraph || next.is_none_or(|next| spaced && begins(next));
    }
}

/// Abbreviations that something always follows.
const CONTINUED: [&str; 12] =
    ["e.g.", "i.e.", "E.g.", "I.e.", "vs.", "Vs.", "v.", "cf.", "viz.", "approx.", "Approx.", "c."];

/// Marks that are punctuation even between letters.
const MARKS_INSIDE: [char; 9] = [',', ';', ':', '!', '?', '…', '"', '“', '”'];

/// What may be passed over without a warning.
pub(super) fn is_plain_punctuation(c: char) -> bool {
    c.is_whitespace() || ".,;:!?…'\"‘’“”„‚«»‹›()[]{}¡¿-‐‑‒–—―•·´`¨¸".contains(c)
}

/// The phonemes of punctuation, where `text` with this tag is punctuation.
fn punctuation(text: &str, tag: &str) -> Option<String> {
    const TAGS: [&str; 12] = [".", ",", "-LRB-", "-RRB-", "``", "\"\"", "''", ":", "$", "#", "NFP", "HYPH"];
    let dashes = text.chars().all(|c| matches!(c, '-' | '–' | '—'));
    if dashes && (tag == ":" || text.starts_with('—') || (text.starts_with("--") && tag != "HYPH")) {
        return Some("—".to_owned());
    }
    if text.chars().all(|c| ",;:!?…".contains(c)) {
        return Some(text.to_owned());
    }
    if tag == "HYPH" || !TAGS.contains(&tag) || text.chars().any(char::is_alphanumeric) || text.chars().any(is_currency)
    {
        return None;
    }
    let phonemes = match tag {
        "-LRB-" => "(".to_owned(),
        "-RRB-" => ")".to_owned(),
        "``" => "“".to_owned(),
        "''" | "\"\"" => "”".to_owned(),
        _ => text.chars().filter(|c| ";:,.!?—…\"“”".contains(*c)).collect(),
    };
    text.chars().all(is_plain_punctuation).then_some(phonemes)
}

/// Adds a token, or its parts to the word that it continues.
fn push_token(units: &mut Vec<Unit>, source: &SourceText, range: Range<usize>, tag: Tag) {
    let text = &source.text[range.clone()];
    if let Some(phonemes) = punctuation(text, tag) {
        units.push(Unit::new(range, Kind::Fixed(phonemes, Source::Punctuation)));
        return;
    }
    let next = source.overrides.partition_point(|(overridden, _)| overridden.end <= range.start);
    let level = source.overrides.get(next).and_then(|(overridden, asked)| match asked {
        Override::Stress(level) if overridden.contains(&range.start) => Some(*level),
        _ => None,
    });
    for (offset, part) in compound::split(text) {
        let start = range.start + offset;
        if let Some(mark) = mark_inside(&source.text, start, part) {
            units.push(Unit::new(start..start + part.len(), Kind::Fixed(mark, Source::Punctuation)));
            continue;
        }
        let part = Part { text: part.to_owned(), start, tag, level, sound: None, reading: None, prespace: false };
        let end = start + part.text.len();
        match units.last_mut() {
            Some(Unit { range, kind: Kind::Word(parts), whitespace: false, .. }) if parts.len() < MAX_PARTS => {
                range.end = end;
                parts.push(part);
            }
            _ => units.push(Unit::new(start..end, Kind::Word(vec![part]))),
        }
    }
}

/// The phonemes of a mark between letters ("five;six", `said:"go"`).
fn mark_inside(text: &str, start: usize, part: &str) -> Option<String> {
    if part == "…" {
        return Some(part.to_owned());
    }
    let end = start + part.len();
    let beside = |c: char| c.is_alphabetic() || MARKS_INSIDE.contains(&c);
    let previous = text[..start].chars().next_back().filter(|c| beside(*c))?;
    let inside = part.chars().all(|c| MARKS_INSIDE.contains(&c)) && text[end..].starts_with(beside);
    let quote = if previous.is_alphabetic() { "”" } else { "“" };
    inside.then(|| part.replace('"', quote))
}

/// The public result.
pub(crate) fn finish(
    original: &str,
    source: &SourceText,
    units: Vec<Unit>,
    silent: Vec<Silent>,
    mut warnings: Vec<Warning>,
) -> Phonemized {
    let mut tokens = Vec::with_capacity(units.len());
    for unit in units {
        let written = source.text[unit.range.clone()].to_owned();
        let (spoken, phonemes, origin) = match unit.kind {
            Kind::Fixed(phonemes, Source::User) => (written.clone(), phonemes, Source::User),
            Kind::Fixed(phonemes, origin) => (String::new(), phonemes, origin),
            Kind::Item(say, phonemes) => (spoken(&say), phonemes, Source::Normalizer),
            Kind::Word(parts) => {
                let (phonemes, origin) = join_parts(&parts);
                (if phonemes.is_empty() { String::new() } else { written.clone() }, phonemes, origin)
            }
        };
        let boundary = if unit.paragraph_after { Boundary::Paragraph } else { Boundary::None };
        let mut phonemes = match origin {
            Source::User => phonemes,
            _ => phonemes.replace('ɾ', "T").replace('ʔ', "t"),
        };
        if unit.ends_sentence && !phonemes.is_empty() && !phonemes.ends_with('.') {
            phonemes.push('.');
        }
        let span = source.span(&unit.range);
        if origin == Source::User && !phonemes.contains(char::is_alphabetic) {
            push_warning(&mut warnings, original, span.clone(), Reason::Phonemes);
        }
        tokens.push(Token {
            text: written,
            span,
            spoken,
            phonemes,
            whitespace: unit.whitespace,
            source: origin,
            boundary,
        });
    }
    mark_sentences(&mut tokens);
    for (range, reason) in silent {
        push_warning(&mut warnings, original, source.span(&range), reason);
    }
    warnings.sort_by_key(|w| w.span.start);
    Phonemized { tokens, warnings }
}

fn push_warning(warnings: &mut Vec<Warning>, original: &str, span: Range<usize>, reason: Reason) {
    if let Some(last) = warnings.last_mut().filter(|w| w.reason == reason && w.span.end == span.start) {
        last.span.end = span.end;
        last.text = original[last.span.clone()].to_owned();
        return;
    }
    warnings.push(Warning { text: original[span.clone()].to_owned(), span, reason });
}

fn spoken(say: &[Say]) -> String {
    let mut spoken = String::new();
    for part in say {
        match part {
            Say::Words(words) | Say::Letters(words) => {
                if !spoken.is_empty() {
                    spoken.push(' ');
                }
                spoken += words;
            }
            Say::Pause => spoken.push(','),
            Say::Possessive => spoken += "'s",
        }
    }
    spoken
}

fn join_parts(parts: &[Part]) -> (String, Source) {
    let mut phonemes = String::new();
    let mut origin = None;
    for part in parts {
        let Some((ps, from)) = &part.sound else { continue };
        if ps.is_empty() {
            continue;
        }
        if part.prespace && !phonemes.is_empty() && !phonemes.ends_with(' ') {
            phonemes.push(' ');
        }
        phonemes += ps;
        origin = match origin {
            None => Some(*from),
            Some(Source::Model) => Some(Source::Model),
            Some(_) if *from == Source::Model => Some(Source::Model),
            Some(_) => Some(Source::Compound),
        };
    }
    (phonemes, origin.unwrap_or(Source::Silent))
}

/// A sentence ends after `.`, `!`, `?` or `…` and closing marks, if white space and no small letter follows.
fn mark_sentences(tokens: &mut [Token]) {
    let mut ended: Option<usize> = None;
    for i in 0..tokens.len() {
        let token = &tokens[i];
        let punctuation = token.source == Source::Punctuation;
        let abbreviation = token.source != Source::User && token.phonemes.ends_with('.');
        if abbreviation || punctuation && token.phonemes.contains(['.', '!', '?', '…']) {
            ended = Some(i);
        } else if !(punctuation && ["”", "\"", ")"].contains(&token.phonemes.as_str())) {
            ended = None;
        }
        let goes_on = tokens.get(i + 1).is_some_and(|next| next.text.starts_with(char::is_lowercase));
        let closes = tokens.get(i + 1).is_none_or(|_| token.whitespace);
        if ended.is_some() && closes && !goes_on {
            tokens[i].boundary = tokens[i].boundary.max(Boundary::Sentence);
            ended = None;
        }
    }
    if let Some(last) = tokens.last_mut() {
        last.boundary = Boundary::Paragraph;
    }
}
