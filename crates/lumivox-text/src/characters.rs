//! Texts whose characters are what the model reads: words, marks and sentences in any script, and what is lost.

use std::ops::Range;

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::token::{Boundary, Phonemized, Reason, Source, Token, Warning};

/// A character that a model reads or was to read, and the bytes of the text that it came from.
#[derive(Debug, Clone)]
pub(crate) struct Symbol {
    pub from: Range<usize>,
    pub c: char,
}

impl Symbol {
    /// The characters of a text. White space of any kind is a blank.
    pub(crate) fn all(text: &str) -> Vec<Self> {
        let symbol = |(at, c): (usize, char)| {
            let from = at..at + c.len_utf8();
            Self { from, c: if c.is_whitespace() { ' ' } else { c } }
        };
        text.char_indices().map(symbol).collect()
    }
}

/// Signs that Unicode counts as punctuation but that are said.
const SAID: &str = "#%&@§¶‰‱*/\\＃％＆＠＊／＼٪";

/// Marks that end a sentence where a blank follows.
const STOPS: &str = ".!?…؟۔።፧፨։՜՞‼⁇⁈⁉⸮‽";

/// Marks that end a sentence, blank or not.
const WIDE_STOPS: &str = "。！？｡．।॥။၊។៕᠃༎";

/// Marks inside a word, if letters stand on both sides.
const JOINS: &str = "'’‘-‐‑·׳״་・";

/// Marks inside a number, if digits stand on both sides.
const NUMBER_JOINS: &str = ".,:٫٬";

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Punctuation && !SAID.contains(c)
}

/// Why a character that the model does not read is worth a warning; none for white space, punctuation and format characters.
pub(crate) fn loss(c: char) -> Option<Reason> {
    if c.is_whitespace() || is_mark(c) {
        return None;
    }
    match c.general_category() {
        GeneralCategory::Format => None,
        GeneralCategory::Control => Some(Reason::Control),
        _ if c.is_numeric() => Some(Reason::Digits),
        // Variation selectors and the keycap belong to the symbol before them.
        _ if ('\u{FE00}'..='\u{FE0F}').contains(&c) || c == '\u{20E3}' => None,
        _ if c.is_alphabetic() || c.general_category_group() == GeneralCategoryGroup::Mark => Some(Reason::Vocabulary),
        _ => Some(Reason::Symbol),
    }
}

/// Tokens of `text` without their sounds: words, and runs of punctuation.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut chars = text.char_indices().peekable();
    let (mut before, mut line_breaks) = (' ', 0);
    while let Some((start, c)) = chars.next() {
        let end = start + c.len_utf8();
        if c.is_whitespace() {
            line_breaks += usize::from(c == '\n' || c == '\u{2029}') + usize::from(c == '\u{2029}');
            if let Some(last) = tokens.last_mut() {
                last.whitespace = true;
                last.boundary = if line_breaks > 1 { Boundary::Paragraph } else { last.boundary };
            }
            before = ' ';
            continue;
        }
        line_breaks = 0;
        let after = chars.peek().map_or(' ', |&(_, c)| c);
        let mark = is_mark(c) && !joins(before, c, after);
        let source = if mark { Source::Punctuation } else { Source::Characters };
        match tokens.last_mut() {
            Some(last) if !before.is_whitespace() && last.source == source => last.span.end = end,
            _ => tokens.push(Token {
                text: String::new(),
                span: start..end,
                spoken: String::new(),
                phonemes: String::new(),
                whitespace: false,
                source,
                boundary: Boundary::None,
            }),
        }
        before = c;
    }
    for token in &mut tokens {
        token.text = text[token.span.clone()].to_owned();
        if token.source == Source::Characters {
            token.spoken = token.text.clone();
        }
    }
    mark_sentences(&mut tokens);
    tokens
}

/// Whether the mark `c` stands inside a word or a number.
fn joins(before: char, c: char, after: char) -> bool {
    let part = |c: char| c.is_alphanumeric() || c.general_category_group() == GeneralCategoryGroup::Mark;
    (JOINS.contains(c) && part(before) && part(after))
        || (NUMBER_JOINS.contains(c) && before.is_numeric() && after.is_numeric())
}

fn mark_sentences(tokens: &mut [Token]) {
    for i in 0..tokens.len() {
        if ends_sentence(&tokens[..=i], tokens.get(i + 1)) {
            tokens[i].boundary = tokens[i].boundary.max(Boundary::Sentence);
        }
    }
    if let Some(last) = tokens.last_mut() {
        last.boundary = Boundary::Paragraph;
    }
}

/// Whether the last of `tokens` ends a sentence; `next` follows it.
fn ends_sentence(tokens: &[Token], next: Option<&Token>) -> bool {
    let [rest @ .., mark] = tokens else { return false };
    if mark.source != Source::Punctuation {
        return false;
    }
    if mark.text.contains(|c| WIDE_STOPS.contains(c)) {
        return true;
    }
    let blank = mark.whitespace || next.is_none();
    if !blank || !mark.text.contains(|c| STOPS.contains(c)) {
        return false;
    }
    if mark.text.contains(['!', '?']) || next.is_none() {
        return true;
    }
    let goes_on = next.is_some_and(|token| token.text.starts_with(|c: char| c.is_lowercase() || c.is_numeric()));
    if mark.text.contains("..") || mark.text.contains('…') {
        return !goes_on;
    }
    // "etc. and", "z. B. so", "No. 5", "J. Smith"; but "that was it. Yes", "plain. so".
    let before = rest.last().filter(|word| !word.whitespace).map_or("", |word| &word.text);
    let is_initial = before.chars().count() == 1 && before.starts_with(char::is_uppercase);
    let is_short = before.contains('.') || before.chars().count() <= 3;
    mark.text != "." || !(is_initial || (is_short && goes_on))
}

/// A text with its sounds: each of `kept` goes to the token that it came from, in their order, with as many blanks between
/// words as there are blanks among them. `lost` are the characters that the model does not read. Both are in the order of the
/// text. A word that is in neither of them is reported, too.
pub(crate) fn read(text: &str, kept: &[Symbol], lost: &[Symbol]) -> Phonemized {
    let mut tokens = tokens(text);
    assign(&mut tokens, kept);
    let mut warnings = Vec::new();
    for symbol in lost {
        report(text, symbol, &mut warnings);
    }
    let mut said = kept.iter().filter(|symbol| symbol.c != ' ').peekable();
    let mut reported =
        warnings.iter().map(|warning: &Warning| warning.span.clone()).collect::<Vec<_>>().into_iter().peekable();
    for token in &tokens {
        while said.next_if(|symbol| symbol.from.end <= token.span.start).is_some() {}
        while reported.next_if(|span| span.end <= token.span.start).is_some() {}
        let is_said = said.peek().is_some_and(|symbol| symbol.from.start < token.span.end);
        let is_reported = reported.peek().is_some_and(|span| span.start < token.span.end);
        let reason = token.text.chars().find_map(loss);
        if let Some(reason) = reason.filter(|_| !is_said && !is_reported) {
            warnings.push(Warning { text: token.text.clone(), span: token.span.clone(), reason });
        }
    }
    warnings.sort_by_key(|warning| warning.span.start);
    Phonemized { tokens, warnings }
}

/// Puts the symbols into the tokens.
fn assign(tokens: &mut [Token], kept: &[Symbol]) {
    let (mut at, mut blanks, mut last): (usize, usize, Option<usize>) = (0, 0, None);
    for symbol in kept {
        while at + 1 < tokens.len() && tokens[at].span.end <= symbol.from.start {
            at += 1;
        }
        let Some(token) = tokens.get(at) else { return };
        let inside = token.span.contains(&symbol.from.start);
        if symbol.c == ' ' && (!inside || token.source == Source::Punctuation) {
            blanks += 1;
            continue;
        } else if symbol.c == ' ' && last.is_none() {
            continue;
        }
        if let Some(last) = last.filter(|_| blanks > 0) {
            let between = usize::from(last != at);
            tokens[last].whitespace |= last != at;
            tokens[last].phonemes.extend(std::iter::repeat_n(' ', blanks - between));
        }
        tokens[at].phonemes.push(symbol.c);
        (blanks, last) = (0, Some(at));
    }
    if let Some(last) = last {
        let end = tokens[last].phonemes.trim_end().len();
        tokens[last].phonemes.truncate(end);
    }
}

/// Adds a lost character to the warnings, to the one before it if they stand together.
fn report(text: &str, symbol: &Symbol, warnings: &mut Vec<Warning>) {
    let written = &text[symbol.from.clone()];
    let Some(reason) = loss(symbol.c) else { return };
    match warnings.last_mut() {
        Some(last) if last.span.end >= symbol.from.start && last.reason == reason => {
            last.span.end = last.span.end.max(symbol.from.end);
            last.text = text[last.span.clone()].to_owned();
        }
        _ => warnings.push(Warning { text: written.to_owned(), span: symbol.from.clone(), reason }),
    }
}
