//! Amounts of money.

use super::grammar::{Currency, Gender, Noun};
use super::number::{self, Number};
use super::{Match, Normalizer, Place};

impl Normalizer {
    /// An amount with its currency before or behind it.
    pub(super) fn money(&self, place: &Place) -> Match {
        self.currency_first(place).or_else(|| self.currency_last(place))
    }

    /// "R$ 12,05", "-€5", "€2 billones".
    fn currency_first(&self, place: &Place) -> Match {
        let unsigned = place.rest.trim_start_matches(['-', '−']);
        let sign = place.rest.len() - unsigned.len();
        let (currency, mut length) = self.currency(unsigned)?;
        // "F1", "F 16": a letter is a sign only behind the amount.
        if length == 1 && unsigned.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        length += sign;
        length += blank(place.after(length));
        let number = number::parse(place.after(length), self.speller.grammar.decimal_comma)?;
        length += number.length;
        let scale = self.scale(place.after(length)).or_else(|| self.short_scale(place.after(length), &number));
        length += scale.map_or(0, |(taken, _)| taken);
        let words = self.amount(&number, currency, scale.map(|(_, name)| name));
        // "$20 dólares".
        let gap = blank(place.after(length));
        let again = &place.after(length + gap)[..super::words::length(place.after(length + gap))];
        if gap > 0 && again == currency.unit.many {
            length += gap + again.len();
        }
        self.priced(place, length, sign > 0, words)
    }

    /// An amount with its sign, and what it is the price of: "€/kg", "R$ 5/mês".
    fn priced(&self, place: &Place, mut length: usize, negative: bool, mut words: String) -> Match {
        let grammar = self.speller.grammar;
        if let Some(divisor) = place.after(length).strip_prefix('/') {
            match self.unit(divisor) {
                Some((taken, noun)) => {
                    words += &format!(" {} {}", grammar.words.per, noun.one);
                    length += 1 + taken;
                }
                None if divisor.starts_with(char::is_lowercase) => {
                    words += &format!(" {}", grammar.words.per);
                    return Some((length + 1, words));
                }
                None => {}
            }
        }
        let words = if negative { format!("{} {words}", grammar.words.minus) } else { words };
        place.ends_at(length).then_some((length, words))
    }

    /// "12,05 €", "2,3 millones €", "5 USD".
    fn currency_last(&self, place: &Place) -> Match {
        let unsigned = place.rest.trim_start_matches(['-', '−']);
        let sign = place.rest.len() - unsigned.len();
        let number = number::parse(unsigned, self.speller.grammar.decimal_comma)?;
        let mut length = sign + number.length;
        let scale = self.scale(place.after(length)).or_else(|| self.short_scale(place.after(length), &number));
        length += scale.map_or(0, |(taken, _)| taken);
        length += blank(place.after(length));
        let (currency, taken) = self.currency(place.after(length))?;
        let written = &place.after(length)[..taken];
        length += taken;
        let next = place.after(length).trim_start_matches([' ', '\u{a0}']);
        // "5 $ 6": the sign is the next amount's.
        if next.len() < place.after(length).len()
            && next.starts_with(|c: char| c.is_ascii_digit())
            && written.ends_with('$')
        {
            return None;
        }
        let words = self.amount(&number, currency, scale.map(|(_, name)| name));
        self.priced(place, length, sign > 0, words)
    }

    /// The currency whose longest sign `text` begins with, and the sign's bytes.
    fn currency(&self, text: &str) -> Option<(&'static Currency, usize)> {
        let all = self.speller.grammar.currencies.iter();
        let fits = |currency: &&'static Currency| {
            currency.signs.iter().filter(|sign| begins_with(text, sign)).map(|sign| sign.len()).max()
        };
        all.filter_map(|currency| Some((currency, fits(&currency)?))).max_by_key(|(_, length)| *length)
    }

    /// " millones": bytes with the blank, and the word.
    pub(super) fn scale(&self, text: &str) -> Option<(usize, &'static str)> {
        let gap = blank(text);
        let word = &text[gap..gap + super::words::length(&text[gap..])];
        let found = self.speller.grammar.scales.iter().find(|scale| **scale == word).filter(|_| gap > 0);
        found.map(|scale| (gap + scale.len(), *scale))
    }

    /// " M", "mln": bytes with the blank, and the word, if nothing but a currency or the end of a word follows.
    fn short_scale(&self, text: &str, number: &Number) -> Option<(usize, &'static str)> {
        let gap = blank(text);
        let begins = |sign: &str| text[gap..].starts_with(sign);
        let ends =
            |sign: &str| !text[gap + sign.len()..].starts_with(|c: char| super::is_letter(c) || c.is_ascii_digit());
        let fits = self.speller.grammar.short_scales.iter().filter(|(sign, ..)| begins(sign) && ends(sign));
        let (sign, one, many) = fits.max_by_key(|(sign, ..)| sign.len())?;
        Some((gap + sign.len(), if number.is_one() { *one } else { *many }))
    }

    fn amount(&self, number: &Number, currency: &Currency, scale: Option<&str>) -> String {
        let (speller, words) = (&self.speller, &self.speller.grammar.words);
        let unit = currency.unit;
        if let Some(scale) = scale {
            let count = speller.decimal(&number.whole, &number.decimals, Gender::Masculine);
            // "tres mil euros", but "tres millones de euros".
            let of =
                if words.of.is_empty() || speller.grammar.scales.contains(&scale) { self.of(unit.many) } else { "" };
            return format!("{count} {scale} {of}{}", unit.many);
        }
        let hundredths = if number.decimals.len() <= 2 { currency.hundredth } else { None };
        let Some(hundredth) = hundredths.filter(|_| !number.decimals.is_empty()) else {
            return self.counted(number, unit);
        };
        let small = format!("{:0<2}", number.decimals);
        let small = small.trim_start_matches('0');
        let whole = Number { length: 0, whole: number.whole.clone(), decimals: String::new() };
        let part = Number { length: 0, whole: small.to_owned(), decimals: String::new() };
        match (number.whole.trim_start_matches('0'), small) {
            (_, "") => self.counted(&whole, unit),
            ("", _) => self.counted(&part, hundredth),
            _ => {
                let joint =
                    if words.money_joint.is_empty() { String::new() } else { format!("{} ", words.money_joint) };
                format!("{} {joint}{}", self.counted(&whole, unit), self.counted(&part, hundredth))
            }
        }
    }

    /// A number with a noun: "veintiuna libras", "un millón de euros".
    pub(super) fn counted(&self, number: &Number, noun: Noun) -> String {
        let words = self.speller.decimal(&number.whole, &number.decimals, noun.gender);
        let scaled = words.rsplit(' ').next().is_some_and(|last| self.speller.grammar.scales.contains(&last));
        let of = if scaled && number.decimals.is_empty() { self.of(noun.many) } else { "" };
        // French counts from two on, and so nothing and one and a half are singular; the others count one alone.
        let small = self.speller.grammar.tag == "fr" && matches!(number.whole.trim_start_matches('0'), "" | "1");
        format!("{words} {of}{}", if number.is_one() || small { noun.one } else { noun.many })
    }

    pub(super) fn of(&self, noun: &str) -> &'static str {
        let words = &self.speller.grammar.words;
        if noun.starts_with(['a', 'e', 'i', 'o', 'u', 'h', 'é']) { words.of_vowel } else { words.of }
    }
}

/// Bytes of a single blank.
pub(super) fn blank(text: &str) -> usize {
    text.chars().next().filter(|c| matches!(c, ' ' | '\u{a0}' | '\u{202f}')).map_or(0, char::len_utf8)
}

/// Whether `text` begins with a sign, or with a code of three letters in any casing; not one that is an English word, too.
fn begins_with(text: &str, sign: &str) -> bool {
    let code = sign.len() == 3 && sign.bytes().all(|b| b.is_ascii_uppercase()) && sign != "TRY";
    text.starts_with(sign) || (code && text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(sign)))
}
