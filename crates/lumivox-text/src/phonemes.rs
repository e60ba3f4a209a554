//! Input that is phonemes already.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SegmentLimits, segments};

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
