//! A written word in the letters that a model knows.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::languages::Traits;
use super::split::is_latin;
use crate::letter_to_sound::Model;
use crate::uroman;

/// Letters that don't come apart into a letter and an accent.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'æ' => "e",
        'œ' => "e",
        'ı' => "i",
        'ħ' => "h",
        'ŋ' => "ng",
        'ə' => "e",
        _ => return None,
    })
}

/// A word in small letters, composed, with plain apostrophes.
fn lower(word: &str) -> String {
    let apostrophe = |c| if "’‘ʼ".contains(c) { '\'' } else { c };
    word.nfkc().flat_map(char::to_lowercase).map(apostrophe).nfc().collect()
}

/// The word in lower case, letters unknown to the model without their accents, other scripts romanised. Empty if nothing is
/// left.
pub(super) fn spell(word: &str, model: &Model) -> Vec<char> {
    let lower = lower(word);
    let foreign = lower.chars().any(|c| c.is_alphabetic() && !is_latin(c) && !model.knows(c));
    let latin = if foreign { uroman::romanize(&lower).to_lowercase() } else { lower };
    let mut letters = Vec::with_capacity(latin.len());
    for c in latin.chars() {
        if model.knows(c) && c != ' ' {
            letters.push(c);
        } else if let Some(plain) = plain(c) {
            letters.extend(plain.chars().filter(|c| model.knows(*c)));
        } else {
            letters.extend(c.nfd().filter(|c| !is_combining_mark(*c) && model.knows(*c)));
        }
    }
    letters
}

/// The names of the letters of a Latin word that is said letter by letter: a single letter that is no word, or several without a
/// vowel. (A spelled vowel that is also a word sounds like that word, as in espeak-ng.)
pub(super) fn letter_names(word: &str, traits: &Traits) -> Option<String> {
    let lower = lower(word);
    let is_vowel = |c: char| c.nfd().next().is_some_and(|c| "aeiouy".contains(c)) || matches!(c, 'œ' | 'æ' | 'ø' | 'ı');
    let one = lower.chars().nth(1).is_none();
    let is_word = if one { traits.one_letter_words.contains(&lower) } else { lower.chars().any(is_vowel) };
    if is_word || lower.chars().any(|c| !c.is_alphabetic()) {
        return None;
    }
    let names: Option<Vec<_>> = lower.chars().map(|c| traits.letter_name(c)).collect();
    names.map(|names| names.join(" ")).filter(|names| !names.is_empty())
}
