//! Misaki's English symbols as the IPA that espeak-ng 1.52 writes (`--ipa`, no ties), which Piper's English voices were
//! trained on.
//!
//! Most symbols have one equivalent (misaki's own table from espeak's, `misaki/espeak.py`, turned round). Misaki has fewer
//! weak vowels and no length in American English; what it leaves open is decided from stress, the neighbours and, if its
//! vowels can be told apart, the spelling. The rules were found by comparing with espeak-ng on `tests/data/english_sentences.txt`;
//! `tests/espeak_ipa.rs` measures them there and on text that was not looked at.

use super::Dialect;
use super::stress;
use crate::token::{Boundary, Phonemized, Source, Token};

/// An English accent of espeak-ng.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Accent {
    /// `en-us`.
    American,
    /// `en-gb`, and `en`, which is the same in espeak-ng.
    British,
    /// `en-gb-x-rp`, which Piper's British voices speak.
    Received,
}

impl Accent {
    /// The accent of an espeak-ng voice; none for other languages and for accents that this crate does not have.
    pub fn of_voice(voice: &str) -> Option<Self> {
        match voice.to_ascii_lowercase().replace('_', "-").as_str() {
            "en-us" | "gmw/en-us" => Some(Self::American),
            "en" | "en-gb" | "gmw/en" => Some(Self::British),
            "en-gb-x-rp" | "gmw/en-gb-x-rp" => Some(Self::Received),
            _ => None,
        }
    }

    /// The dialect that text is to be read in.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::American => Dialect::American,
            Self::British | Self::Received => Dialect::British,
        }
    }
}

/// Rewrites what [`English`](super::English) said in the accent's [dialect](Accent::dialect) as espeak-ng would write it. Of
/// punctuation the marks `, . ; : ! ?` are left, as in Piper's training data: dashes become `;`, an ellipsis `,` or `.`, brackets
/// and quotes vanish. Words at a joint sound as there: a linking r, "the" and "to" before a vowel.
pub fn to_espeak(said: &Phonemized, accent: Accent) -> Phonemized {
    let mut tokens = Vec::with_capacity(said.tokens.len());
    for (i, token) in said.tokens.iter().enumerate() {
        let phonemes = match mark(token) {
            Some(mark) => mark.to_owned(),
            None => {
                let follows = |token: &&Token| mark(token) != Some("") && !token.phonemes.is_empty();
                let next = said.tokens[i + 1..].iter().find(follows).filter(|token| mark(token).is_none());
                words(token, next.map_or("", |token| &token.phonemes), accent)
            }
        };
        let marks = token.source == Source::Punctuation && !phonemes.is_empty();
        if marks {
            // A dash stands between blanks, the mark it becomes does not.
            let gap = tokens.iter().rposition(|token: &Token| !token.phonemes.is_empty()).unwrap_or(0);
            tokens[gap..].iter_mut().for_each(|token| token.whitespace = false);
        }
        tokens.push(Token { phonemes, whitespace: token.whitespace || marks, ..token.clone() });
    }
    Phonemized { tokens, warnings: said.warnings.clone() }
}

/// The mark that punctuation becomes; none for a word.
fn mark(token: &Token) -> Option<&'static str> {
    if token.source != Source::Punctuation {
        return None;
    }
    let mark = token.phonemes.chars().find_map(|c| match c {
        ',' => Some(","),
        '.' => Some("."),
        '!' => Some("!"),
        '?' => Some("?"),
        ':' => Some(":"),
        ';' | '—' | '–' => Some(";"),
        '…' if token.boundary >= Boundary::Sentence => Some("."),
        '…' => Some(","),
        _ => None,
    });
    Some(mark.unwrap_or(""))
}

/// The words of a token; a number has several.
fn words(token: &Token, next: &str, accent: Accent) -> String {
    let phonemes: Vec<&str> = token.phonemes.split(' ').collect();
    let spoken: Vec<&str> = token.spoken.split([' ', '-']).collect();
    let mut said = Vec::with_capacity(phonemes.len());
    for (i, word) in phonemes.iter().enumerate() {
        let spelling = if phonemes.len() == 1 { &token.text } else { *spoken.get(i).unwrap_or(&"") };
        let spelling = if spoken.len() == phonemes.len() || phonemes.len() == 1 { spelling } else { "" };
        let next = phonemes.get(i + 1).copied().unwrap_or(next);
        said.push(Word::new(spelling, word, accent).at_joint(next));
    }
    said.join(" ")
}

/// A word on its way from one notation to the other.
struct Word {
    /// In lower case.
    spelling: String,
    symbols: Vec<char>,
    /// Places of vowels among the symbols, each with the letters that spell it, if there are as many groups of vowel letters.
    vowels: Vec<(usize, String)>,
    accent: Accent,
}

impl Word {
    fn new(spelling: &str, phonemes: &str, accent: Accent) -> Self {
        let spelling = spelling.to_lowercase().replace('’', "'");
        let mut phonemes = phonemes.to_owned();
        if spelling.ends_with("one") {
            phonemes = phonemes.replace("wən", "wʌn");
        }
        if accent != Accent::American && ["one", "ones", "everyone", "someone", "anyone", "once"].contains(&&*spelling)
        {
            phonemes = phonemes.replace("wˈʌn", "wˈɒn").replace("wʌn", "wɒn");
        }
        let symbols: Vec<char> = phonemes.chars().collect();
        let places: Vec<usize> = (0..symbols.len()).filter(|&i| is_vowel(symbols[i])).collect();
        let mut groups = vowel_letters(&spelling);
        if groups.len() != places.len() {
            groups = vec![String::new(); places.len()];
        }
        Self { spelling, symbols, vowels: places.into_iter().zip(groups).collect(), accent }
    }

    fn get(&self, i: usize) -> Option<char> {
        self.symbols.get(i).copied()
    }

    fn vowel_at(&self, i: usize) -> bool {
        self.get(i).is_some_and(is_vowel)
    }

    fn stress_at(&self, i: usize) -> bool {
        matches!(self.get(i), Some('ˈ' | 'ˌ'))
    }

    /// Whether the vowel at `i` is stressed.
    fn is_stressed(&self, i: usize) -> bool {
        i > 0 && self.stress_at(i - 1)
    }

    /// The letters of the vowel at `i`.
    fn letters(&self, i: usize) -> &str {
        self.vowels.iter().find(|(place, _)| *place == i).map_or("", |(_, letters)| letters)
    }

    /// The word as it sounds before `next`, which is empty at a pause.
    fn at_joint(&self, next: &str) -> String {
        let before_vowel = next.chars().find(|c| !matches!(c, 'ˈ' | 'ˌ')).is_some_and(is_vowel);
        let phonemes: String = self.symbols.iter().collect();
        match (&*self.spelling, &*phonemes) {
            ("the", "ði") => return "ðɪ".to_owned(),
            ("to", "tə" | "tʊ") if before_vowel => return "tʊ".to_owned(),
            (_, "hæz" | "haz") => return "hɐz".to_owned(),
            _ => {}
        }
        let mut said = self.alone();
        if !before_vowel {
            return said;
        }
        let american = self.accent == Accent::American;
        let rhotic = self.spelling.ends_with('r') || self.spelling.ends_with("re");
        if american && (said.ends_with('ɚ') || said.ends_with("ɜː"))
            || !american && rhotic && said.ends_with(['ə', 'ɐ', 'ː'])
        {
            said.push('ɹ');
        } else if american && self.spelling == "it" && said.ends_with('t') && !next.starts_with(['ˈ', 'ˌ']) {
            said.pop();
            said.push('ɾ');
        }
        said
    }

    fn alone(&self) -> String {
        let mut said = String::with_capacity(2 * self.symbols.len());
        for (i, &symbol) in self.symbols.iter().enumerate() {
            let own = match self.accent {
                Accent::American => self.american(i, symbol, &said),
                Accent::British | Accent::Received => self.british(i, symbol),
            };
            match own.or_else(|| self.common(i, symbol)) {
                Some(written) => said.push_str(written),
                None => said.push(symbol),
            }
        }
        said
    }

    /// What all accents share.
    fn common(&self, i: usize, symbol: char) -> Option<&'static str> {
        Some(match symbol {
            'A' => "eɪ",
            'I' => "aɪ",
            'O' => "oʊ",
            'Q' => "əʊ",
            'W' => "aʊ",
            'Y' => "ɔɪ",
            'ʤ' => "dʒ",
            'ʧ' => "tʃ",
            'T' => "ɾ",
            'ᵊ' => "ə",
            'ə' => return self.schwa(i),
            'n' if matches!(self.get(i + 1), Some('k' | 'ɡ')) => "ŋ",
            'l' if i > 0 && self.get(i - 1) == Some('ʃ') && !self.vowel_at(i + 1) => "əl",
            'ɪ' if i == 0 && self.accent != Accent::Received && self.spelling.starts_with('e') => {
                return matches!(self.get(1), Some('n' | 'm' | 'k' | 'ɡ' | 'ŋ')).then_some("ɛ");
            }
            _ => return None,
        })
    }

    /// A weak vowel by its letters.
    fn schwa(&self, i: usize) -> Option<&'static str> {
        let american = self.accent == Accent::American;
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| self.spelling.starts_with(prefix));
        if i == 0 && self.symbols.len() > 1 && starts(&["a"]) {
            return Some("ɐ");
        } else if i == 0 && starts(&["un"]) {
            return Some("ʌ");
        }
        let is_first = self.vowels.first().is_some_and(|(place, _)| *place == i);
        let is_last = self.vowels.last().is_some_and(|(place, _)| *place == i);
        match self.letters(i) {
            "i" => {
                let rest: String = self.symbols[i + 1..].iter().collect();
                let central = matches!(&*rest, "ti" | "Ti" | "li")
                    || ["bl", "bᵊl", "bˈɪl"].iter().any(|after| rest.starts_with(after));
                Some(if american && central { "ᵻ" } else { "ɪ" })
            }
            "e" if is_first && !is_last => match american {
                true if starts(&["re", "de", "be"]) => Some("ᵻ"),
                _ if self.accent != Accent::Received && starts(&["en", "em", "ex", "wh"]) => Some("ɛ"),
                _ => starts(&["e", "re", "de", "be", "se", "pre"]).then_some("ɪ"),
            },
            "u" if i > 0 && self.get(i - 1) == Some('j') => Some("ʊ"),
            _ if self.accent == Accent::Received && is_last && matches!(self.get(i + 1), None | Some('z')) => {
                const ENDINGS: [&str; 10] = ["er", "or", "ar", "re", "our", "ure", "a", "ers", "ors", "ars"];
                let open =
                    (i == 0 || !self.vowel_at(i - 1)) && ENDINGS.iter().any(|ending| self.spelling.ends_with(ending));
                open.then_some("ɐ")
            }
            _ => None,
        }
    }

    fn american(&self, i: usize, symbol: char, said: &str) -> Option<&'static str> {
        Some(match symbol {
            // Not where r begins the next syllable: "direct".
            'ə' if self.get(i + 1) == Some('ɹ') && !self.stress_at(i + 2) => "ɚ",
            'ɹ' if (said.ends_with('ɚ') || said.ends_with("ɜː")) && !self.vowel_at(i + 1) => "",
            'i' if self.is_stressed(i) || self.vowels.len() == 1 || self.stress_at(i + 1) => "iː",
            'i' if self.get(i + 1).is_some_and(|next| next != 'z' && !is_vowel(next)) => "ɪ",
            'u' => "uː",
            'ɑ' => "ɑː",
            'ɜ' => "ɜː",
            'ɔ' => {
                let short = self.letters(i) == "o"
                    && self.get(i + 1).is_some_and(|next| next != 'ɹ')
                    && !self.spelling.starts_with("or");
                if short { "ɔ" } else { "ɔː" }
            }
            _ => return None,
        })
    }

    fn british(&self, i: usize, symbol: char) -> Option<&'static str> {
        let received = self.accent == Accent::Received;
        let next = self.get(i + 1);
        let length = next == Some('ː');
        Some(match symbol {
            'ɪ' if self.vowel_at(i + 1) => "i",
            'ɪ' if self.stress_at(i + 1) && self.vowel_at(i + 2) => "iː",
            'ɛ' if length => "e",
            'ː' if i > 0 && self.get(i - 1) == Some('ɛ') => "ə",
            'ː' if i > 0 && self.is_bath(i - 1) => "",
            'ɑ' if self.is_bath(i) => "a",
            'a' if received => "æ",
            'i' if received && !length && !self.is_stressed(i) && !self.stress_at(i + 1) && !self.vowel_at(i + 1) => {
                "ɪ"
            }
            _ => return None,
        })
    }

    /// Whether the long vowel at `i` is the one of "bath", which espeak-ng's plain British has short.
    fn is_bath(&self, i: usize) -> bool {
        const SPELLINGS: [&str; 12] =
            ["ast", "ask", "asp", "ass", "aft", "ath", "ance", "ant", "anch", "alf", "ans", "ampl"];
        self.accent == Accent::British
            && self.get(i) == Some('ɑ')
            && self.letters(i) == "a"
            && SPELLINGS.iter().any(|letters| self.spelling.contains(letters))
    }
}

/// Whether `c` is a vowel of misaki's, weak ones and those in phonemes from the user included.
fn is_vowel(c: char) -> bool {
    stress::is_vowel(c) || matches!(c, 'ᵊ' | 'ɐ' | 'e' | 'o')
}

/// Groups of vowel letters that are heard: not the e at the end, nor that of -ed but after t and d.
fn vowel_letters(spelling: &str) -> Vec<String> {
    const VOWELS: [char; 6] = ['a', 'e', 'i', 'o', 'u', 'y'];
    if !spelling.is_ascii() {
        return Vec::new();
    }
    let mut heard = spelling.strip_suffix("'s").unwrap_or(spelling);
    let after = |stem: &str, not: &[char]| stem.ends_with(|c| !VOWELS.contains(&c) && !not.contains(&c));
    heard = heard.strip_suffix('e').filter(|stem| after(stem, &[])).unwrap_or(heard);
    heard = heard.strip_suffix("ed").filter(|stem| after(stem, &['t', 'd'])).unwrap_or(heard);
    heard = heard.strip_prefix('y').unwrap_or(heard);
    heard.split(|c| !VOWELS.contains(&c)).filter(|group| !group.is_empty()).map(str::to_owned).collect()
}
