//! espeak-ng's IPA with ties in the symbols that Kokoro reads, as misaki 0.9.4 writes them (`espeak.py`, `EspeakG2P` and, for English,
//! `EspeakFallback`).

use unicode_normalization::UnicodeNormalization;

use crate::english::Dialect;
use crate::error::{Error, Result};
use crate::language::Language;

/// The mark that is asked for between the letters of one sound.
pub(super) const TIE: &str = "^";

/// Sounds of two letters that have one symbol.
const TIED: [(&str, &str); 10] = [
    ("a^ɪ", "I"),
    ("a^ʊ", "W"),
    ("d^z", "ʣ"),
    ("d^ʒ", "ʤ"),
    ("e^ɪ", "A"),
    ("o^ʊ", "O"),
    ("ə^ʊ", "Q"),
    ("s^s", "S"),
    ("t^s", "ʦ"),
    ("t^ʃ", "ʧ"),
];

/// English, longest first; what follows depends on the dialect.
const ENGLISH: [(&str, &str); 17] = [
    ("ʔˌn\u{329}", "ʔn"),
    ("ʔn\u{329}", "ʔn"),
    ("a^ɪ", "I"),
    ("a^ʊ", "W"),
    ("d^ʒ", "ʤ"),
    ("e^ɪ", "A"),
    ("t^ʃ", "ʧ"),
    ("ɔ^ɪ", "Y"),
    ("ə^l", "ᵊl"),
    ("ʲo", "jo"),
    ("ʲə", "jə"),
    ("ʲ", ""),
    ("ɚ", "əɹ"),
    ("r", "ɹ"),
    ("x", "k"),
    ("ç", "k"),
    ("ɐ", "ə"),
];

const AMERICAN: [(&str, &str); 5] = [("o^ʊ", "O"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", "")];
const BRITISH: [(&str, &str); 3] = [("e^ə", "ɛː"), ("iə", "ɪə"), ("ə^ʊ", "Q")];

/// The espeak-ng voice of a language.
pub(super) fn voice(language: Language) -> Result<&'static str> {
    match language {
        Language::French => Ok("fr-fr"),
        Language::Japanese | Language::Mandarin => Err(Error::NoEspeakReading(language)),
        other => Ok(other.tag()),
    }
}

/// A word's IPA in Kokoro's symbols.
pub(super) fn symbols(ipa: &str, language: Language) -> String {
    let replaced = |text: String, table: &[(&str, &str)]| {
        table.iter().fold(text, |text, (written, symbol)| text.replace(written, symbol))
    };
    let mapped = match language {
        Language::English(dialect) => {
            let mapped = syllabic(&replaced(ipa.to_owned(), &ENGLISH));
            let mapped = match dialect {
                Dialect::American => replaced(mapped, &AMERICAN),
                Dialect::British => replaced(mapped, &BRITISH),
            };
            // A lone "e" is the diphthong, a lone "o" an open one.
            replaced(mapped, &[("e", "A"), ("ɬ", "l"), ("\u{303}", ""), ("o", "ɔ"), ("ɾ", "T"), ("ʔ", "t")])
        }
        _ => replaced(ipa.to_owned(), &TIED).replace("ɔ^ɪ", "Y").replace('-', ""),
    };
    mapped.replace(TIE, "").chars().flat_map(with_loose_tilde).collect()
}

/// A syllabic consonant has a weak vowel before it.
fn syllabic(ipa: &str) -> String {
    let mut letters: Vec<char> = Vec::new();
    for c in ipa.chars() {
        match (c, letters.last().copied()) {
            ('\u{329}', Some(last)) if !last.is_whitespace() => {
                letters.pop();
                letters.extend(['ᵊ', last]);
            }
            ('\u{329}', _) => {}
            _ => letters.push(c),
        }
    }
    letters.into_iter().collect()
}

/// Kokoro's nasal vowels are a vowel and a tilde.
fn with_loose_tilde(c: char) -> Vec<char> {
    let parts: Vec<char> = c.nfd().collect();
    if parts.last() == Some(&'\u{303}') { parts } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_misakis() {
        // Expected: misaki 0.9.4 with these as espeak-ng's output.
        for (ipa, language, expected) in [
            ("t^ʃˈa^ɪld", Language::English(Dialect::American), "ʧˈIld"),
            ("bˈʌʔn\u{329}", Language::English(Dialect::American), "bˈʌtn"),
            ("lˈɪɾə^l", Language::English(Dialect::American), "lˈɪTᵊl"),
            ("nˈɜːs", Language::English(Dialect::American), "nˈɜɹs"),
            ("ɡˈə^ʊ", Language::English(Dialect::British), "ɡˈQ"),
            ("ðˈe^ə", Language::English(Dialect::British), "ðˈɛː"),
            ("mut^ʃˈat^ʃo", Language::Spanish, "muʧˈaʧo"),
            ("pˈɑ\u{303}", Language::French, "pˈɑ\u{303}"),
            ("sˈɐ\u{303}ʊ\u{303}", Language::BrazilianPortuguese, "sˈɐ\u{303}ʊ\u{303}"),
            ("kˈõ", Language::BrazilianPortuguese, "kˈo\u{303}"),
        ] {
            assert_eq!(symbols(ipa, language), expected, "{ipa}");
        }
        assert!(voice(Language::Mandarin).is_err());
    }
}
