//! What the rules need to know of a language.

use super::agreement::Agreement;
use super::speller::Speller;

/// The gender of what is counted; none where numbers stand alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gender {
    Alone,
    Masculine,
    Feminine,
}

/// How the digits behind the decimal sign are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decimals {
    /// One by one.
    Digits,
    /// Leading zeros one by one, then as a number of at most so many digits; longer ones digit by digit.
    Number(usize),
    /// Leading zeros one by one, then in pairs.
    Pairs,
}

/// A noun with its plural and gender.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noun {
    pub one: &'static str,
    pub many: &'static str,
    pub gender: Gender,
}

pub(super) const fn masculine(one: &'static str, many: &'static str) -> Noun {
    Noun { one, many, gender: Gender::Masculine }
}

pub(super) const fn feminine(one: &'static str, many: &'static str) -> Noun {
    Noun { one, many, gender: Gender::Feminine }
}

/// A currency: its signs and codes, its unit and hundredth.
#[derive(Debug)]
pub(super) struct Currency {
    pub signs: &'static [&'static str],
    pub unit: Noun,
    pub hundredth: Option<Noun>,
}

/// A time of day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub hour: u64,
    pub minute: u64,
    pub second: Option<u64>,
    /// Whether a.m. or p.m. is written, and that it is p.m.
    pub afternoon: Option<bool>,
}

/// Words of the rules.
#[derive(Debug)]
pub(super) struct Words {
    pub point: &'static str,
    pub minus: &'static str,
    pub plus: &'static str,
    pub plus_minus: &'static str,
    pub percent: &'static str,
    pub per_mille: &'static str,
    /// Between the ends of a range.
    pub to: &'static str,
    /// Between units and hundredths of money; empty for none.
    pub money_joint: &'static str,
    /// Between a scale and a noun: "millones de euros".
    pub of: &'static str,
    pub of_vowel: &'static str,
    /// "por" in "metros por segundo".
    pub per: &'static str,
    /// Between the sides of what is measured: "dix par quinze"; in sums the name of `×` stands there.
    pub by: &'static str,
    /// Between a whole number and a fraction.
    pub and: &'static str,
}

/// Where an abbreviation stands that means something else elsewhere.
#[derive(Debug)]
pub(super) enum Context {
    /// Behind one of these words; in small letters.
    After(&'static [&'static str]),
    /// Before one of these.
    Before(&'static [&'static str]),
    AfterNumber,
    /// Before an hour or another day of the week, or behind one.
    AmongDays,
}

/// Roman numerals.
#[derive(Debug)]
pub(super) struct Roman {
    /// Words behind which they are read as cardinals; in small letters.
    pub counted: &'static [&'static str],
    /// Words behind which they are read as ordinals up to `ordinal_to`.
    pub ranked: &'static [&'static str],
    /// Names of rulers, behind which they are read as ordinals up to `ordinal_to`.
    pub rulers: &'static [&'static str],
    /// Those of them that are women's.
    pub queens: &'static [&'static str],
    /// Words before which they are read as ordinals of the word's gender.
    pub before: &'static [(&'static str, Gender)],
    pub ordinal_to: u64,
}

/// A language.
pub(super) struct Grammar {
    /// CLDR's rules.
    pub tag: &'static str,
    pub decimal_comma: bool,
    /// CLDR's rule sets of cardinals: alone, masculine, feminine.
    pub cardinals: [&'static str; 3],
    /// CLDR's rule sets of ordinals: masculine, feminine.
    pub ordinals: [&'static str; 2],
    /// What numbers take the gender of.
    pub agreement: Agreement,
    pub decimals: Decimals,
    pub words: Words,
    pub months: [&'static str; 12],
    /// Further spellings of months, with the number from 0.
    pub month_forms: &'static [(&'static str, usize)],
    /// The first of a month.
    pub first: Option<&'static str>,
    /// Words that may stand between day, month and year.
    pub date_joint: &'static str,
    /// Words behind which a number with a point is a time: "alle 8.05".
    pub before_times: &'static [&'static str],
    pub clock: fn(&Speller, Clock) -> String,
    pub fraction: fn(&Speller, u64, u64) -> Option<String>,
    /// Whether a year of four digits from 1100 to 1999 is read in hundreds.
    pub year_hundreds: Option<&'static str>,
    pub phone_pairs: bool,
    /// Numbers that take a noun with "de": "millón" …, singular and plural.
    pub scales: &'static [&'static str],
    /// How they are written short beside a currency: the sign, the word for one and for more ("M€").
    pub short_scales: &'static [(&'static str, &'static str, &'static str)],
    pub currencies: &'static [Currency],
    pub units: &'static [(&'static str, Noun)],
    /// What makes an ordinal of digits, the longest first.
    pub ordinal_marks: &'static [(&'static str, Gender)],
    /// Whether the mark is the ending that is said ("5वीं").
    pub ordinal_mark_is_said: bool,
    pub roman: Roman,
    /// `(written, read)`.
    pub abbreviations: &'static [(&'static str, &'static str)],
    /// Read so only before a number.
    pub before_numbers: &'static [(&'static str, &'static str)],
    /// Read so only in a context.
    pub in_context: &'static [(&'static str, &'static str, Context)],
    /// Names of the letters a to z.
    pub letters: [&'static str; 26],
    /// Capitals that are spelled although they could be read as a word.
    pub spelled: &'static [&'static str],
    /// Capitals that are read as a word although they look as if they could not.
    pub read: &'static [&'static str],
    /// Signs with a name.
    pub symbols: &'static [(&'static str, &'static str)],
    /// Signs of addresses, in the order of [`ADDRESS_SIGNS`].
    pub address: [&'static str; 12],
    pub hashtag: &'static str,
}

/// Signs that have a name in addresses.
pub(super) const ADDRESS_SIGNS: [char; 12] = ['.', '/', '-', '_', '@', ':', '?', '=', '&', '#', '%', '+'];

impl Grammar {
    /// The number (from 0) of a month's name or abbreviation.
    pub(super) fn month(&self, word: &str) -> Option<usize> {
        let word = word.to_lowercase();
        let bare = word.trim_end_matches('.');
        let whole = self.months.iter().position(|month| *month == bare);
        whole.or_else(|| self.month_forms.iter().find(|(form, _)| *form == bare).map(|(_, month)| *month))
    }

    pub(super) fn letter(&self, c: char) -> Option<&'static str> {
        let plain = c.to_lowercase().next()?;
        let index = (plain as u32).checked_sub('a' as u32)? as usize;
        self.letters.get(index).copied()
    }
}
