//! Pronunciations that the user gives for words, in any language.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};
use crate::language::FrontEnd;
use crate::normalize::Emoji;
use crate::token::{Boundary, Phonemized, Reason, Source, Token};

/// Words with the phonemes that the user wants, in the symbols of the front-end.
///
/// ```
/// use lumivox_text::{Dialect, English, FrontEnd, UserLexicon};
///
/// let lexicon = UserLexicon::parse("# ours\ntomato\ttəmˈɑːtQ\n")?;
/// let english = lexicon.over(English::new(Dialect::British)?);
/// assert_eq!(english.phonemize("Tomato!").phonemes(), "təmˈɑːtQ!");
/// # Ok::<(), lumivox_text::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserLexicon {
    words: HashMap<String, String>,
    /// Bytes of the longest entry.
    longest: usize,
}

impl UserLexicon {
    /// Reads a JSON object (`{"word": "phonemes"}`), which begins with `{`, or lines of `word`, a tab and `phonemes`; there empty lines and those
    /// that begin with `#` count for nothing. Of several entries for a word the last counts.
    ///
    /// # Errors
    /// [`Error::Lexicon`] with the line, if that has another form, no word, or no letter among its phonemes.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with('{') { Self::parse_json(text) } else { Self::parse_lines(text) }
    }

    fn parse_json(text: &str) -> Result<Self> {
        let words: HashMap<String, String> =
            serde_json::from_str(text).map_err(|error| Error::lexicon(error.line(), error))?;
        let mut lexicon = Self::default();
        for (word, phonemes) in words {
            // JSON has no lines of its own: the first that has the word tells the place.
            let line = || text.lines().position(|line| line.contains(&word)).map_or(1, |line| line + 1);
            lexicon.add(&word, &phonemes).map_err(|reason| Error::lexicon(line(), reason))?;
        }
        Ok(lexicon)
    }

    fn parse_lines(text: &str) -> Result<Self> {
        let mut lexicon = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, phonemes) = line
                .split_once('\t')
                .ok_or_else(|| Error::lexicon(index + 1, "no tab between the word and its phonemes"))?;
            lexicon.add(word, phonemes).map_err(|reason| Error::lexicon(index + 1, reason))?;
        }
        Ok(lexicon)
    }

    fn add(&mut self, word: &str, phonemes: &str) -> Result<(), &'static str> {
        let (word, phonemes) = (word.trim(), phonemes.trim());
        if word.is_empty() {
            return Err("no word");
        } else if phonemes.contains('\t') {
            return Err("more than one tab");
        } else if !phonemes.contains(char::is_alphabetic) {
            return Err("no sound among the phonemes");
        }
        let word: String = word.nfc().collect();
        self.longest = self.longest.max(word.len());
        self.words.insert(word, phonemes.to_owned());
        Ok(())
    }

    /// The phonemes of a word or of words with one blank between: as they are written, composed (NFC), else in small letters.
    pub fn get(&self, word: &str) -> Option<&str> {
        self.words.get(word).or_else(|| self.words.get(&word.to_lowercase())).map(String::as_str)
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Gives the lexicon's sounds to the tokens that are its words, whatever they are read as, numbers and abbreviations among them; what the text itself
    /// gives phonemes for keeps them. Tokens that together are an entry ("New York", a word that the front-end cut in two) become one, the most of
    /// them first. Nothing is warned of in a token that has a sound now.
    pub fn apply(&self, said: &mut Phonemized) {
        self.join(&mut said.tokens);
        let mut sounded = Vec::new();
        for token in &mut said.tokens {
            let Some(phonemes) = self.sound(token) else { continue };
            // An abbreviation's point may end the sentence, too.
            let ends =
                token.phonemes.ends_with('.') && token.source != Source::Punctuation && token.text.ends_with('.');
            token.phonemes = if ends { format!("{phonemes}.") } else { phonemes.to_owned() };
            token.spoken.clone_from(&token.text);
            token.source = Source::User;
            sounded.push(token.span.clone());
        }
        said.warnings.retain(|warning| {
            let next = sounded.partition_point(|span| span.end <= warning.span.start);
            let silent = sounded.get(next).is_none_or(|span| warning.span.end <= span.start);
            silent || warning.reason == Reason::Control
        });
    }

    /// Makes one token of those that together are an entry.
    fn join(&self, tokens: &mut Vec<Token>) {
        let mut at = 0;
        while at < tokens.len() {
            let count = self.entry(&tokens[at..]);
            if count > 1 {
                let last = &tokens[at + count - 1];
                let (end, whitespace, boundary) = (last.span.end, last.whitespace, last.boundary);
                let text = written(&tokens[at..at + count]);
                tokens.drain(at + 1..at + count);
                let whole = &mut tokens[at];
                whole.span.end = end;
                (whole.text, whole.whitespace, whole.boundary) = (text, whitespace, boundary);
                whole.source = Source::Model;
            }
            at += 1;
        }
    }

    /// How many of `tokens` are an entry together, at most.
    fn entry(&self, tokens: &[Token]) -> usize {
        let open = |token: &Token| token.source != Source::User;
        if !tokens.first().is_some_and(|first| open(first) && first.source != Source::Punctuation) {
            return 0;
        }
        let (mut text, mut found) = (String::new(), 0);
        for (index, token) in tokens.iter().enumerate().take_while(|(_, token)| open(token)) {
            text += blank(index.checked_sub(1).map(|before| &tokens[before]), token);
            text += &token.text;
            if text.len() > self.longest {
                break;
            }
            if index > 0 && self.get(&text).is_some() {
                found = index + 1;
            }
            if token.boundary == Boundary::Paragraph {
                break;
            }
        }
        found
    }

    fn sound(&self, token: &Token) -> Option<&str> {
        let given = token.source == Source::User || token.source == Source::Punctuation;
        self.get(&token.text).filter(|_| !given)
    }

    /// A front-end that asks this lexicon first.
    pub fn over<F: FrontEnd>(self, front_end: F) -> WithLexicon<F> {
        WithLexicon { front_end, lexicon: self }
    }
}

/// What tokens are written as, each white space between them one blank.
fn written(tokens: &[Token]) -> String {
    let before = std::iter::once(None).chain(tokens.iter().map(Some));
    before.zip(tokens).map(|(before, token)| blank(before, token).to_owned() + &token.text).collect()
}

/// The blank between two tokens, if something stands between them.
fn blank(before: Option<&Token>, token: &Token) -> &'static str {
    if before.is_some_and(|before| before.span.end < token.span.start) { " " } else { "" }
}

/// A front-end under a user's lexicon.
#[derive(Debug, Clone)]
pub struct WithLexicon<F> {
    front_end: F,
    lexicon: UserLexicon,
}

impl<F: FrontEnd> FrontEnd for WithLexicon<F> {
    fn read(&self, text: &str, emoji: Emoji) -> Phonemized {
        let mut said = self.front_end.read(text, emoji);
        self.lexicon.apply(&mut said);
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dialect, English};

    #[test]
    fn json_and_lines_say_the_same() {
        let json = UserLexicon::parse(" {\n\"GIF\": \"dʒˈɪf\",\n\"data\": \"dˈɑːtə\"}").unwrap();
        let lines = UserLexicon::parse("\u{feff}# words\n\nGIF\tdʒˈɪf\r\ndata \t dˈɑːtə\n").unwrap();
        assert_eq!(json, lines);
        assert_eq!((json.get("Data"), json.get("GIF"), json.get("gif")), (Some("dˈɑːtə"), Some("dʒˈɪf"), None));
        assert_eq!((json.len(), UserLexicon::parse("").unwrap().is_empty()), (2, true));
    }

    #[test]
    fn errors_tell_the_line() {
        for (text, line, reason) in [
            ("a\tb\nc d\n", 2, "no tab"),
            ("#\n\ta", 2, "no word"),
            ("a\t123", 1, "no sound"),
            ("a\tb\tc", 1, "more than one tab"),
            ("{\"a\": \"b\",\n\"c\": 1}", 2, "expected a string"),
            ("{\n\"a\": \"b\",\n\"c\": \"\"}", 3, "no sound"),
            ("{\n", 2, "EOF"),
        ] {
            match UserLexicon::parse(text) {
                Err(Error::Lexicon { line: at, reason: why }) => {
                    assert_eq!(at, line, "{text:?}: {why}");
                    assert!(why.contains(reason), "{text:?}: {why}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn entries_of_several_words() {
        let lexicon =
            UserLexicon::parse("New York\tnˈujɔɹk\nNew York City\tɛnwaɪsˈi\ncafe\u{301} noir\tkafˈe\n21 Lane\tlˈA\n")
                .unwrap();
        let english = lexicon.over(English::new(Dialect::American).unwrap());
        let text = "In New\u{a0}York, New York City; new  york café noir. 21 Lane! New\n\nYork";
        let said = english.phonemize(text);
        let users = said.tokens.iter().filter(|token| token.source == Source::User);
        let sounds: Vec<_> = users.map(|token| (&text[token.span.clone()], token.phonemes.as_str())).collect();
        assert_eq!(
            sounds[..],
            [("New\u{a0}York", "nˈujɔɹk"), ("New York City", "ɛnwaɪsˈi"), ("café noir", "kafˈe"), ("21 Lane", "lˈA")]
        );
        assert!(said.phonemes().contains("nˈujɔɹk, ɛnwaɪsˈi;"), "{}", said.phonemes());
    }

    /// A front-end may cut a word in two.
    #[test]
    fn entries_without_blanks() {
        let lexicon = UserLexicon::parse("拼多多\tpʰi→n two→two→\n").unwrap();
        let text = "我在拼多多买东西。";
        let said = lexicon.over(crate::Mandarin::new().unwrap()).read(text, Emoji::Skip);
        let user = said.tokens.iter().find(|token| token.source == Source::User).unwrap();
        assert_eq!((&text[user.span.clone()], user.phonemes.as_str()), ("拼多多", "pʰi→n two→two→"));
    }

    #[test]
    fn the_lexicon_goes_first_and_the_text_before_it() {
        let lexicon = UserLexicon::parse("read\tɹˈɛd\n3.5\tθɹˈi\nпривет\tpɹɪvjˈet\nInc.\tɪŋk\n").unwrap();
        let english = lexicon.over(English::new(Dialect::American).unwrap());
        let text = "Read 3.5 [read](/ɹˈid/) Привет, by Foo Inc.";
        let said = english.phonemize(text);
        let users: Vec<_> = said.tokens.iter().filter(|token| token.source == Source::User).collect();
        let sounds: Vec<_> = users.iter().map(|token| (&text[token.span.clone()], token.phonemes.as_str())).collect();
        assert_eq!(
            sounds,
            [("Read", "ɹˈɛd"), ("3.5", "θɹˈi"), ("[read](/ɹˈid/)", "ɹˈid"), ("Привет", "pɹɪvjˈet"), ("Inc.", "ɪŋk.")]
        );
        assert!(said.warnings.is_empty(), "{:?}", said.warnings);
    }
}
