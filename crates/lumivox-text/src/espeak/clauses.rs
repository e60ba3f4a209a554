//! What is said to espeak-ng in one line, and the mark that it leaves.

use std::ops::Range;

use crate::token::{Boundary, Source, Token};

/// Characters of the longest line; espeak-ng cuts longer clauses itself, where it likes.
const LONGEST: usize = 300;

/// Bytes of the longest word that is sure to be said whole; espeak-ng has room for 160.
const LONGEST_WORD_BYTES: usize = 150;

/// Words without a pause between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// Its tokens, from the first to the last word.
    pub tokens: Range<usize>,
    /// A line that can do no harm: no line breaks, no control characters, none of espeak-ng's own markup.
    pub line: String,
}

/// Cuts tokens into clauses; marks that end one get their phoneme.
pub(super) fn clauses(text: &str, tokens: &mut [Token]) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for i in 0..tokens.len() {
        let is_word = tokens[i].source == Source::Characters;
        let text_of = &tokens[i].text;
        // What may have no sound stands alone, so that it is seen; and words that have to be said in pieces.
        let symbol = !text_of.contains(char::is_alphanumeric) && !text_of.is_ascii();
        let alone = is_word && (symbol || text_of.len() > LONGEST_WORD_BYTES);
        let length =
            open.as_ref().map_or(0, |open| text[tokens[open.start].span.start..tokens[i].span.end].chars().count());
        let mark = if is_word { None } else { mark(tokens, i) };
        if alone || mark.is_some() || length > LONGEST {
            let end = if mark.is_some() { tokens[i].span.end } else { tokens[i].span.start };
            close(text, tokens, open.take(), end, &mut clauses);
        }
        if let Some(Some(mark)) = mark {
            tokens[i].phonemes = mark.to_string();
            tokens[i].whitespace = true;
            let gap = i.saturating_sub(1);
            tokens[gap].whitespace &= gap == i;
        }
        if is_word {
            open = Some(open.map_or(i, |open| open.start)..i + 1);
            if alone || tokens[i].boundary >= Boundary::Sentence {
                close(text, tokens, open.take(), tokens[i].span.end, &mut clauses);
            }
        }
    }
    close(text, tokens, open, text.len(), &mut clauses);
    clauses
}

/// Adds the clause of the words `open`, in the text as far as `end`.
fn close(text: &str, tokens: &[Token], open: Option<Range<usize>>, end: usize, clauses: &mut Vec<Clause>) {
    let Some(open) = open else { return };
    let line: String = text[tokens[open.start].span.start..end].chars().map(harmless).collect();
    let line = line.trim();
    if open.len() > 1 || tokens[open.start].text.len() <= LONGEST_WORD_BYTES {
        clauses.push(Clause { tokens: open, line: line.to_owned() });
        return;
    }
    let mut rest = line;
    while !rest.is_empty() {
        let piece = &rest[..rest.floor_char_boundary(LONGEST_WORD_BYTES)];
        clauses.push(Clause { tokens: open.clone(), line: piece.to_owned() });
        rest = &rest[piece.len()..];
    }
}

/// `[[` would begin espeak-ng's own phonemes, a line break another clause.
fn harmless(c: char) -> char {
    if c.is_whitespace() || c.is_control() || matches!(c, '[' | ']') { ' ' } else { c }
}

/// Whether the punctuation at `i` ends a clause, and what piper-tts then leaves of it.
fn mark(tokens: &[Token], i: usize) -> Option<Option<char>> {
    let token = &tokens[i];
    let is_last = i + 1 == tokens.len();
    let blank = token.whitespace || is_last;
    let after_blank = i > 0 && tokens[i - 1].whitespace;
    let ends_sentence = token.boundary >= Boundary::Sentence;
    if token.text.contains("..") || token.text.contains('…') {
        return blank.then_some(Some(if ends_sentence { '.' } else { ',' }));
    }
    token.text.chars().find_map(|c| match c {
        ',' | ';' | ':' | '!' | '?' if blank => Some(Some(c)),
        '.' if blank => (ends_sentence).then_some(Some('.')),
        '،' | '፣' if blank => Some(Some(',')),
        '؛' | '\u{37E}' if blank => Some(Some(';')),
        '؟' if blank => Some(Some('?')),
        '۔' | '።' | '｡' if blank => Some(Some('.')),
        '—' | '–' if blank && after_blank && !is_last => Some(Some(';')),
        '。' | '！' | '？' | '।' | '॥' | '։' | '、' | '，' | '：' | '；' => Some(None),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::characters;

    fn lines(text: &str) -> (Vec<String>, String) {
        let mut tokens = characters::tokens(text);
        let lines = clauses(text, &mut tokens).into_iter().map(|clause| clause.line).collect();
        (lines, tokens.into_iter().map(|token| token.phonemes).collect())
    }

    /// Marks as piper-tts 1.8 leaves them.
    #[test]
    fn clauses_end_at_marks() {
        for (text, expected, marks) in [
            (
                "foo, bar; baz: (x) 3.14 12:30 e.g. this.",
                &["foo,", "bar;", "baz:", "x) 3.14 12:30 e.g. this."][..],
                ",;:.",
            ),
            ("ja — nein – doch... so", &["ja —", "nein –", "doch...", "so"], ";;,"),
            ("आप है। ठीक", &["आप है।", "ठीक"], ""),
            ("مرحبا، كيف؟ نعم۔", &["مرحبا،", "كيف؟", "نعم۔"], ",?."),
            ("你好，世界。", &["你好，", "世界。"], ""),
            ("what?! \"Yes.\"", &["what?!", "Yes.\""], "?."),
            ("hi 🎉 you", &["hi", "🎉", "you"], ""),
            ("a [[b]]\u{0} <c>\nd", &["a   b    <c> d"], ""),
        ] {
            let expected: Vec<String> = expected.iter().map(|&line| line.to_owned()).collect();
            assert_eq!(lines(text), (expected, marks.to_owned()), "{text}");
        }
        assert!(lines(&"word ".repeat(1000)).0.iter().all(|line| line.chars().count() <= LONGEST));
        let monster = "bä".repeat(1000);
        let (pieces, _) = lines(&format!("a {monster} b"));
        assert!(pieces.len() > 20 && pieces.iter().all(|piece| piece.len() <= LONGEST_WORD_BYTES));
        assert_eq!(pieces.concat(), format!("a{monster}b"));
        assert_eq!(lines("... !? 。"), (Vec::new(), ".!".to_owned()));
    }
}
