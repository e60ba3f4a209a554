//! Numbers in words.

use super::grammar::{Decimals, Gender, Grammar};
use super::rbnf::RuleSets;
use crate::error::Result;

/// Spells numbers in a language.
pub(super) struct Speller {
    pub grammar: &'static Grammar,
    sets: RuleSets,
}

impl Speller {
    pub(super) fn new(grammar: &'static Grammar) -> Result<Self> {
        Ok(Self { grammar, sets: RuleSets::new(grammar.tag)? })
    }

    /// A whole number; digits one by one where there are too many for a name.
    pub(super) fn cardinal(&self, digits: &str, gender: Gender) -> String {
        let set = match gender {
            Gender::Alone => self.grammar.cardinals[0],
            Gender::Masculine => self.grammar.cardinals[1],
            Gender::Feminine => self.grammar.cardinals[2],
        };
        let words = digits.parse().ok().and_then(|n| self.sets.spell(set, n)).unwrap_or_else(|| self.digits(digits));
        if self.grammar.tag == "it" { without_inner_accents(&words) } else { words }
    }

    /// [`Self::cardinal`] of a number.
    pub(super) fn count(&self, number: u64, gender: Gender) -> String {
        self.cardinal(&number.to_string(), gender)
    }

    pub(super) fn ordinal(&self, number: u64, gender: Gender) -> String {
        let set = self.grammar.ordinals[usize::from(gender == Gender::Feminine)];
        self.sets.spell(set, number).unwrap_or_else(|| self.count(number, gender))
    }

    /// Digit by digit; anything else is passed over.
    pub(super) fn digits(&self, digits: &str) -> String {
        let set = self.grammar.cardinals[0];
        let names = digits.chars().filter_map(|c| self.sets.spell(set, u64::from(c.to_digit(10)?)));
        names.collect::<Vec<_>>().join(" ")
    }

    /// A year: where the language reads it in hundreds so ("उन्नीस सौ अस्सी").
    pub(super) fn year(&self, digits: &str) -> String {
        let number: u64 = digits.parse().unwrap_or(0);
        match self.grammar.year_hundreds {
            Some(hundred)
                if digits.len() == 4 && !(number / 100).is_multiple_of(10) && (1100..3000).contains(&number) =>
            {
                let high = self.count(number / 100, Gender::Alone);
                match number % 100 {
                    0 => format!("{high} {hundred}"),
                    low => format!("{high} {hundred} {}", self.count(low, Gender::Alone)),
                }
            }
            _ => self.cardinal(digits, Gender::Alone),
        }
    }

    /// A number with its decimals, both as digits.
    pub(super) fn decimal(&self, whole: &str, decimals: &str, gender: Gender) -> String {
        let zeros = whole.len() > 1 && whole.starts_with('0');
        let whole = if zeros { self.digits(whole) } else { self.cardinal(whole, gender) };
        if decimals.is_empty() {
            return whole;
        }
        format!("{whole} {} {}", self.grammar.words.point, self.decimals(decimals))
    }

    fn decimals(&self, decimals: &str) -> String {
        let significant = decimals.trim_start_matches('0');
        let zeros = self.digits(&decimals[..decimals.len() - significant.len()]);
        let rest = match self.grammar.decimals {
            _ if significant.is_empty() => String::new(),
            Decimals::Number(longest) if significant.len() <= longest => self.cardinal(significant, Gender::Alone),
            Decimals::Digits | Decimals::Number(_) => self.digits(significant),
            Decimals::Pairs => {
                let bytes = significant.as_bytes();
                let pair = |pair: &[u8]| {
                    let pair = String::from_utf8_lossy(pair);
                    if pair.starts_with('0') { self.digits(&pair) } else { self.cardinal(&pair, Gender::Alone) }
                };
                bytes.chunks(2).map(pair).collect::<Vec<_>>().join(" ")
            }
        };
        [zeros, rest].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

impl Speller {
    /// The ordinal before a masculine noun, where that is shorter: "primer".
    pub(super) fn short_ordinal(&self, number: u64) -> String {
        let set = "spellout-ordinal-masculine-adjective";
        self.sets.spell(set, number).unwrap_or_else(|| self.ordinal(number, Gender::Masculine))
    }
}

/// CLDR keeps the accent of "ventitré" before "mila", where Italian has none.
fn without_inner_accents(words: &str) -> String {
    let mut plain = String::with_capacity(words.len());
    let mut chars = words.chars().peekable();
    while let Some(c) = chars.next() {
        let inner = c == 'é' && chars.peek().is_some_and(|next| next.is_alphabetic());
        plain.push(if inner { 'e' } else { c });
    }
    plain
}
