//! The form that a number takes before the noun that it counts: "una persona", "veintiún libros", "duas casas", "vingt et une filles".
//!
//! A noun's gender is told by its ending; what an ending tells wrongly is listed. Where the word behind a number is no noun, or none that a number
//! counts, the number stands alone.

use super::grammar::Gender;
use super::number::Number;
use super::{Normalizer, Place, words};

/// How the genders of nouns are told.
#[derive(Debug)]
pub(super) struct Agreement {
    /// Masculine although they end as feminine nouns do; in the singular.
    pub masculine: &'static [&'static str],
    /// Endings of masculine nouns that are longer than one of `feminine_endings`.
    pub masculine_endings: &'static [&'static str],
    /// Feminine although they don't end as such; in the singular and, where it is more than an `s`, the plural.
    pub feminine: &'static [&'static str],
    /// Endings of feminine nouns, without the `s` of the plural.
    pub feminine_endings: &'static [&'static str],
    /// Words behind a number that it does not count, though they look as if it did.
    pub not_counted: &'static [&'static str],
    /// Longer words than articles and prepositions behind which one thing is counted ("hay 1 persona").
    pub before_one: &'static [&'static str],
    /// Last digits, and whether hundreds, that have two genders.
    pub ones: &'static [u64],
    pub hundreds: bool,
    /// Whether plurals end in `s` or `x`, without which a word behind a number above one is none that it counts.
    pub plural_in_s: bool,
}

/// No agreement.
pub(super) const NONE: Agreement = Agreement {
    masculine: &[],
    masculine_endings: &[],
    feminine: &[],
    feminine_endings: &[],
    not_counted: &[],
    before_one: &[],
    ones: &[],
    hundreds: false,
    plural_in_s: false,
};

impl Agreement {
    fn gender(&self, word: &str) -> Gender {
        let singular = word.strip_suffix('s').unwrap_or(word);
        let is = |list: &[&str]| list.contains(&word) || list.contains(&singular);
        let ends = |list: &[&str]| list.iter().any(|ending| word.ends_with(ending) || singular.ends_with(ending));
        let feminine =
            is(self.feminine) || (ends(self.feminine_endings) && !is(self.masculine) && !ends(self.masculine_endings));
        if feminine { Gender::Feminine } else { Gender::Masculine }
    }

    /// Whether a whole number has a form of its own before a noun.
    fn concerns(&self, number: &Number) -> bool {
        let Ok(value) = number.whole.parse::<u64>() else { return false };
        let varies = |value: u64| {
            let teens = (11..20).contains(&(value % 100));
            (!teens && self.ones.contains(&(value % 10))) || (self.hundreds && (2..10).contains(&(value / 100)))
        };
        // "ventuno case", "ventuno libri": Italian numbers above one stay as they are.
        (self.plural_in_s || number.is_one())
            && number.decimals.is_empty()
            && !number.whole.starts_with('0')
            && (varies(value % 1000) || (self.hundreds && value < 1_000_000 && varies(value / 1000)))
    }
}

impl Normalizer {
    /// The gender of what a number that ends at `length` counts; that of no noun, if it counts none.
    pub(super) fn agreement(&self, place: &Place, length: usize, number: &Number) -> Gender {
        let grammar = self.speller.grammar;
        let rules = &grammar.agreement;
        let gap = super::money::blank(place.after(length));
        let mut noun = word(place.after(length + gap));
        // "21 mil personas": a noun of its own where nothing else is counted.
        let thousands = rules.hundreds && noun == "mil";
        if thousands {
            let after = place.after(length + gap + noun.len());
            noun = Some(word(&after[super::money::blank(after)..])).filter(|noun| noun.ends_with('s')).unwrap_or("mil");
        }
        let counts = gap > 0
            && rules.concerns(number)
            && noun.chars().count() > 2
            && noun.chars().all(|c| c.is_lowercase() || c == '-')
            && !rules.not_counted.contains(&noun);
        if !counts {
            return Gender::Alone;
        }
        let one = number.is_one();
        let previous = place.previous_word();
        let (short, label) = (previous.chars().count() <= 3, previous.ends_with('.'));
        if one && (label || !(short || rules.before_one.contains(&previous.as_str()))) {
            return Gender::Alone;
        }
        if !one && rules.plural_in_s && !thousands && !noun.ends_with(['s', 'x']) {
            return Gender::Alone;
        }
        rules.gender(noun)
    }

    /// The number before the noun that it counts.
    pub(super) fn agreeing(&self, place: &Place, length: usize, number: &Number) -> String {
        let gender = self.agreement(place, length, number);
        let words = self.speller.decimal(&number.whole, &number.decimals, gender);
        let words = if gender == Gender::Feminine { feminine_thousands(&words) } else { words };
        let noun = place.after(length).trim_start_matches([' ', '\u{a0}', '\u{202f}']);
        // "uno studente", "un'ora".
        match (self.speller.grammar.tag, gender, words.as_str()) {
            ("it", Gender::Masculine, "un") if is_impure(noun) => "uno".to_owned(),
            ("it", Gender::Feminine, "una") if noun.starts_with(['a', 'e', 'i', 'o', 'u']) => "un'".to_owned(),
            _ => words,
        }
    }
}

fn word(text: &str) -> &str {
    &text[..words::length(text)]
}

/// CLDR leaves thousands masculine: "duzentas mil pessoas", "quinientas mil personas".
fn feminine_thousands(words: &str) -> String {
    let Some((thousands, rest)) = words.split_once(" mil") else { return words.to_owned() };
    let feminine = |word: &str| match word {
        "um" => "uma".to_owned(),
        "dois" => "duas".to_owned(),
        _ => word.strip_suffix("entos").map_or_else(|| word.to_owned(), |stem| format!("{stem}entas")),
    };
    let thousands: Vec<String> = thousands.split(' ').map(feminine).collect();
    format!("{} mil{rest}", thousands.join(" "))
}

/// Whether an Italian noun takes "uno": it begins with s and a consonant, z, gn, ps, x or y.
fn is_impure(noun: &str) -> bool {
    let mut chars = noun.chars();
    let (first, second) = (chars.next(), chars.next());
    match first {
        Some('z' | 'x' | 'y') => true,
        Some('s') => second.is_some_and(|c| !"aeiouàèéìòù".contains(c)),
        Some('g') => second == Some('n'),
        Some('p') => second == Some('s'),
        _ => false,
    }
}
