//! Input that is phonemes already, whole or in part.

use std::ops::Range;

use crate::token::{Boundary, Phonemized, Reason, Source, Token, Warning};

/// Marks that stand for themselves in a phoneme string and at which it can be cut.
const MARKS: &str = ";:,.!?—…\"()“”";

impl Phonemized {
    /// Phonemes as tokens, so that they are cut into segments like text: words at white space, punctuation apart, a paragraph at each line break. Nothing is
    /// changed but white space; a word without a letter is warned of.
    pub fn from_phonemes(phonemes: &str) -> Self {
        let mut tokens: Vec<Token> = Vec::new();
        let mut open = false;
        for (start, symbol) in phonemes.char_indices() {
            if symbol.is_whitespace() {
                open = false;
                if let Some(last) = tokens.last_mut() {
                    last.whitespace = true;
                    if symbol == '\n' {
                        last.boundary = Boundary::Paragraph;
                    } else if last.phonemes.ends_with(['.', '!', '?', '…']) {
                        last.boundary = last.boundary.max(Boundary::Sentence);
                    }
                }
                continue;
            }
            let end = start + symbol.len_utf8();
            let mark = MARKS.contains(symbol);
            match tokens.last_mut() {
                Some(last) if open && mark == (last.source == Source::Punctuation) => {
                    last.text.push(symbol);
                    last.phonemes.push(symbol);
                    last.span.end = end;
                }
                _ => tokens.push(Token {
                    text: symbol.into(),
                    span: start..end,
                    spoken: String::new(),
                    phonemes: symbol.into(),
                    whitespace: false,
                    source: if mark { Source::Punctuation } else { Source::User },
                    boundary: Boundary::None,
                }),
            }
            open = true;
        }
        if let Some(last) = tokens.last_mut() {
            last.boundary = Boundary::Paragraph;
        }
        let mute = tokens.iter().filter(|t| t.source == Source::User && !t.phonemes.contains(char::is_alphabetic));
        let warning = |t: &Token| Warning { text: t.text.clone(), span: t.span.clone(), reason: Reason::Phonemes };
        let warnings = mute.map(warning).collect();
        Self { tokens, warnings }
    }
}

/// Reads a text in which `[[…]]` holds phonemes, as Piper does: those go to the model as they are, the rest through `read`, a
/// stretch at a time. Spans are those of the whole text, the brackets with the first and last word between them. Brackets
/// that do not close, or with nothing in them, are ordinary text.
///
/// ```
/// use lumivox_text::{Dialect, English, with_phoneme_blocks};
///
/// let english = English::new(Dialect::American)?;
/// let said = with_phoneme_blocks("I say [[təmˈɑːtoʊ]].", |part| Ok::<_, lumivox_text::Error>(english.phonemize(part)))?;
/// assert_eq!(said.phonemes(), "ˌI sˈA təmˈɑːtoʊ.");
/// # Ok::<(), lumivox_text::Error>(())
/// ```
///
/// # Errors
/// Those of `read`.
pub fn with_phoneme_blocks<E>(
    text: &str,
    mut read: impl FnMut(&str) -> Result<Phonemized, E>,
) -> Result<Phonemized, E> {
    let mut whole = Phonemized::default();
    let mut at = 0;
    for block in blocks(text) {
        if at < block.start {
            append(&mut whole, text, at..block.start, read(&text[at..block.start])?);
        }
        let inner = block.start + 2..block.end - 2;
        let mut said = Phonemized::from_phonemes(&text[inner.clone()]);
        shift(&mut said, 2);
        if let Some(first) = said.tokens.first_mut() {
            first.span.start = 0;
        }
        if let Some(last) = said.tokens.last_mut() {
            last.span.end = block.len();
        }
        append(&mut whole, text, block.clone(), said);
        at = block.end;
    }
    if at < text.len() {
        append(&mut whole, text, at..text.len(), read(&text[at..])?);
    }
    Ok(whole)
}

/// Where `[[…]]` stand in a text, brackets included.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("[[").map(|found| at + found) {
        let Some(close) = text[open + 2..].find("]]").map(|found| open + 2 + found) else { break };
        // Of "[[[a]]" the inner brackets count.
        let open = text[..close].rfind("[[").unwrap_or(open);
        if !text[open + 2..close].trim().is_empty() {
            blocks.push(open..close + 2);
        }
        at = close + 2;
    }
    blocks
}

fn shift(said: &mut Phonemized, by: usize) {
    let spans = said.tokens.iter_mut().map(|token| &mut token.span);
    for span in spans.chain(said.warnings.iter_mut().map(|warning| &mut warning.span)) {
        *span = span.start + by..span.end + by;
    }
}

/// Puts what was read of `text[part]` behind the rest. Where the part ends, the text goes on, unless it says otherwise.
fn append(whole: &mut Phonemized, text: &str, part: Range<usize>, mut said: Phonemized) {
    shift(&mut said, part.start);
    let start = &text[part.start..part.end - text[part.clone()].trim_start().len()];
    if let Some(last) = whole.tokens.last_mut() {
        last.whitespace |= !start.is_empty();
        if start.matches('\n').count() > 1 {
            last.boundary = Boundary::Paragraph;
        }
    }
    if let Some(last) = said.tokens.last_mut().filter(|_| part.end < text.len()) {
        let gap = &text[part.start + text[part.clone()].trim_end().len()..part.end];
        last.whitespace = !gap.is_empty();
        last.boundary = if gap.matches('\n').count() > 1 {
            Boundary::Paragraph
        } else if !gap.is_empty() && last.text.ends_with(['.', '!', '?', '…', '。', '！', '？', '।']) {
            Boundary::Sentence
        } else {
            Boundary::None
        };
    }
    whole.tokens.append(&mut said.tokens);
    whole.warnings.append(&mut said.warnings);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SegmentLimits, segments};

    /// A front-end that takes letters for phonemes.
    fn spell(text: &str) -> Phonemized {
        Phonemized::from_phonemes(text)
    }

    fn read(text: &str) -> Phonemized {
        with_phoneme_blocks(text, |part| Ok::<_, std::convert::Infallible>(spell(part))).unwrap()
    }

    #[test]
    fn blocks_hold_phonemes_and_the_rest_is_read() {
        let text = "say [[ tə mˈɑː ]], now. [[ba]]ck";
        let mut parts = Vec::new();
        let said = with_phoneme_blocks(text, |part| {
            parts.push(part.to_owned());
            Ok::<_, std::convert::Infallible>(spell(part))
        })
        .unwrap();
        assert_eq!(parts, ["say ", ", now. ", "ck"]);
        assert_eq!(said.phonemes(), "say tə mˈɑː, now. back");
        let spans: Vec<_> = said.tokens.iter().map(|token| &text[token.span.clone()]).collect();
        assert_eq!(spans, ["say", "[[ tə", "mˈɑː ]]", ",", "now", ".", "[[ba]]", "ck"]);
        let ends: Vec<_> = said.tokens.iter().map(|token| token.boundary).filter(|b| *b != Boundary::None).collect();
        assert_eq!(ends, [Boundary::Sentence, Boundary::Paragraph]);
        let late = read("[[a]]  b [[123]]");
        assert_eq!(read("[[a]]\n\nb").tokens[0].boundary, Boundary::Paragraph);
        assert_eq!((late.phonemes().as_str(), late.warnings[0].span.clone()), ("a b 123", 11..14));
    }

    #[test]
    fn brackets_that_do_not_close_are_text() {
        for text in ["a [[b", "a [[ ]] b", "a ]] b", "[[", "]][[", "[[]]"] {
            assert_eq!(read(text), spell(text), "{text}");
        }
        assert_eq!(blocks("[[[a]]] [[b [[c]]"), [1..6, 12..17]);
    }

    #[test]
    fn phonemes_come_back_as_they_were_and_are_cut_like_text() {
        let said = Phonemized::from_phonemes("  həlˈO, wˈɜɹld!  ðɪs  ɪz\nˈIpə.");
        assert_eq!(said.phonemes(), "həlˈO, wˈɜɹld! ðɪs ɪz ˈIpə.");
        let limits =
            SegmentLimits { first_symbols: 14, growth_percent: 100, max_symbols: 16, end_at: Boundary::Paragraph };
        let cut: Vec<_> = segments(&said, &limits).into_iter().map(|s| s.phonemes).collect();
        assert_eq!(cut, ["həlˈO, wˈɜɹld!", "ðɪs ɪz", "ˈIpə."]);
        assert!(said.warnings.is_empty());
        let mute = Phonemized::from_phonemes("123 456").warnings;
        assert_eq!(
            mute.iter().map(|w| (w.span.clone(), w.reason)).collect::<Vec<_>>(),
            [(0..3, Reason::Phonemes), (4..7, Reason::Phonemes)]
        );
        assert!(Phonemized::from_phonemes(" \n").tokens.is_empty());
    }
}
