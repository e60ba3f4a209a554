//! Words that no dictionary has: foreign letters, letter names, and the letter-to-sound model.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::normalize::{Say, fractions};
use super::words::{Context, Sound, cap_stress};
use super::{Dialect, English};
use crate::data;
use crate::error::Result;
use crate::letter_to_sound::Model;
use crate::token::Source;

const US: &[u8] = include_bytes!("../../data/en-us.letters.zst");
const GB: &[u8] = include_bytes!("../../data/en-gb.letters.zst");

/// Longer stretches of letters are given to the model in pieces.
const MAX_LETTERS: usize = 48;

/// Loads the model of a dialect.
pub(crate) fn model(dialect: Dialect) -> Result<Model> {
    let (name, bytes) = match dialect {
        Dialect::American => ("en-us.letters", US),
        Dialect::British => ("en-gb.letters", GB),
    };
    Model::from_bytes(&data::decompress(name, bytes)?)
}

/// The name of a sign or letter that stands alone.
fn name(text: &str) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("²", "squared"),
        ("³", "cubed"),
        ("⁴", "to the fourth"),
        ("⁵", "to the fifth"),
        ("⁶", "to the sixth"),
        ("⁷", "to the seventh"),
        ("⁸", "to the eighth"),
        ("⁹", "to the ninth"),
        ("µ", "micro"),
        ("α", "alpha"),
        ("β", "beta"),
        ("γ", "gamma"),
        ("δ", "delta"),
        ("ε", "epsilon"),
        ("ζ", "zeta"),
        ("η", "eta"),
        ("θ", "theta"),
        ("ι", "iota"),
        ("κ", "kappa"),
        ("λ", "lambda"),
        ("μ", "mu"),
        ("ν", "nu"),
        ("ξ", "xi"),
        ("π", "pi"),
        ("ρ", "rho"),
        ("σ", "sigma"),
        ("τ", "tau"),
        ("υ", "upsilon"),
        ("φ", "phi"),
        ("χ", "chi"),
        ("ψ", "psi"),
        ("ω", "omega"),
        ("Γ", "gamma"),
        ("Δ", "delta"),
        ("Θ", "theta"),
        ("Λ", "lambda"),
        ("Π", "pi"),
        ("Σ", "sigma"),
        ("Φ", "phi"),
        ("Ψ", "psi"),
        ("Ω", "omega"),
    ];
    NAMES.iter().find(|(sign, _)| *sign == text).map(|(_, name)| *name).or_else(|| fractions::vulgar(text))
}

/// Latin letters without their marks; none if anything else is among them.
fn fold(text: &str) -> Option<String> {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        let replacement = match c {
            'æ' => "ae",
            'Æ' => "Ae",
            'œ' => "oe",
            'Œ' => "Oe",
            'ø' => "o",
            'Ø' => "O",
            'ł' => "l",
            'Ł' => "L",
            'đ' | 'ð' => "d",
            'Đ' | 'Ð' => "D",
            'þ' => "th",
            'Þ' => "Th",
            'ß' => "ss",
            'ẞ' => "SS",
            'ı' => "i",
            'ħ' => "h",
            'Ħ' => "H",
            'ŋ' => "ng",
            'Ŋ' => "Ng",
            'ſ' => "s",
            'ə' => "e",
            '‘' | '’' | 'ʻ' | 'ʼ' => "'",
            c if c.is_ascii() => {
                folded.push(c);
                continue;
            }
            _ => return None,
        };
        folded.push_str(replacement);
    }
    Some(folded)
}

/// Whether a word is said letter by letter: without vowels ("xml"), or mostly capitals ("IPv").
fn is_spelled(written: &str, letters: &str) -> bool {
    let capitals = written.bytes().filter(u8::is_ascii_uppercase).count();
    letters.len() == 1
        || letters.len() <= 8 && !letters.contains(['a', 'e', 'i', 'o', 'u', 'y']) && !is_held(written)
        || capitals > 1 && letters.len() <= 5 && letters.len() - capitals.min(letters.len()) <= 1
}

/// Whether a written noise ends in a consonant that is held: "shh", "brrr".
fn is_held(written: &str) -> bool {
    ["hh", "rr", "mm", "zz", "ff"].iter().any(|end| written.ends_with(end))
}

impl English {
    /// Sounds of a stretch of letters that is in no dictionary; none for scripts without rules and for signs.
    pub(super) fn unknown(&self, text: &str) -> Option<Sound> {
        if let Some(name) = name(text) {
            let say = [Say::Words(name.to_owned())];
            return Some((self.item(&say, &mut Context::default(), &mut Vec::new()), Source::Normalizer));
        }
        let folded = fold(text)?;
        if folded != text
            && let Some(sound) = self.words.word(&folded, "", cap_stress(&folded), Context::default())
        {
            return Some(sound);
        }
        if folded.bytes().any(|b| b.is_ascii_digit()) && !folded.bytes().any(|b| b.is_ascii_alphabetic()) {
            return Some((self.spelled_digits(&folded), Source::Normalizer));
        }
        let letters: String =
            folded.to_ascii_lowercase().chars().filter(|c| c.is_ascii_lowercase() || *c == '\'').collect();
        let plain = letters.trim_matches('\'');
        if plain.is_empty() {
            return None;
        }
        if is_spelled(&folded, plain) {
            return self.words.letters(plain);
        }
        if let Some(stem) = plain.strip_suffix("'s") {
            return Some((self.words.suffix_s(&self.model_sounds(stem)), Source::Model));
        }
        // The model knows no letter three times over.
        let once = if is_held(plain) { plain.trim_end_matches(|c| plain.ends_with(c)).len() + 1 } else { plain.len() };
        let phonemes = self.model_sounds(&plain[..once]);
        if phonemes.is_empty() { self.words.letters(plain) } else { Some((phonemes, Source::Model)) }
    }

    fn model_sounds(&self, letters: &str) -> String {
        let letters: Vec<char> = letters.chars().collect();
        letters.chunks(MAX_LETTERS).map(|chunk| self.model.transcribe(chunk)).collect()
    }

    fn spelled_digits(&self, text: &str) -> String {
        let names = super::numbers::spell(text);
        let sound = |word| self.words.word(word, "", None, Context::default()).map(|(ps, _)| ps).unwrap_or_default();
        names.split(' ').map(sound).collect::<Vec<_>>().join(" ")
    }
}
