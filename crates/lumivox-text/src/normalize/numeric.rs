//! Numbers with what belongs to them: signs, units, fractions, ordinals, ranges, telephone numbers.

use regex::Regex;

use super::grammar::{Gender, Noun};
use super::money::blank;
use super::number::{self, Number};
use super::{Match, Normalizer, Place, char_at, is_letter};
use crate::error::{Error, Result};

pub(super) struct Patterns {
    phone: Regex,
    local_phone: Regex,
    /// Forms that are telephone numbers in one language alone.
    own_phone: Option<Regex>,
    /// Nine digits in threes are a number, too: telephone numbers only behind words that say so.
    spanish_phone: Regex,
    /// "1m80", "2€50", in French.
    parted: Option<Regex>,
    fraction: Regex,
    mixed: Regex,
    dotted: Regex,
}

/// Compiles a pattern that must match at the start.
pub(super) fn pattern(pattern: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{pattern})")).map_err(|e| Error::data("normalizer", e))
}

impl Patterns {
    pub(super) fn new(tag: &str) -> Result<Self> {
        let own = match tag {
            "fr" => Some(r"0[0-9](?:[ \u{a0}.-]?[0-9]{2}){4}"),
            "it" => Some(r"0[0-9]{1,3}[ \u{a0}./-][0-9]{5,8}|3[0-9]{2}[ \u{a0}./-][0-9]{6,7}"),
            "pt-br" => Some(r"0[358]00[ \u{a0}-]?[0-9]{3}[ \u{a0}-]?[0-9]{4}"),
            "hi" => Some(r"[6-9][0-9]{4}[ \u{a0}-][0-9]{5}"),
            _ => None,
        };
        Ok(Self {
            own_phone: own.map(pattern).transpose()?,
            spanish_phone: pattern(r"[6-9][0-9]{2}(?:[ \u{a0}.][0-9]{3}){2}")?,
            phone: pattern(r"\+[0-9]{1,3}(?:[ \u{a0}.-]?(?:\([0-9]{1,4}\)|[0-9]{1,10})){1,6}")?,
            local_phone: pattern(concat!(
                r"\([0-9]{2,5}\)[ \u{a0}]?[0-9]{3,5}[- ]?[0-9]{3,4}|[0-9]{2} [0-9]{4,5}-[0-9]{4}",
                r"|[0-9]{3}[-.][0-9]{3}[-.][0-9]{4}|[0-9]{3}-[0-9]{3}-[0-9]{3}|[0-9]{3,5}-[0-9]{6,8}|[0-9]{3}-[0-9]{4}|[0-9]{5}-[0-9]{4}|0[0-9]{2,6}[-.][0-9]{4,8}",
                r"|[6-9][0-9]{9}|[6-9][0-9]{2}[ \u{a0}][0-9]{2}[ \u{a0}][0-9]{2}[ \u{a0}][0-9]{2}"
            ))?,
            parted: (tag == "fr").then(|| pattern("([0-9]{1,4})(m|€)([0-9]{2})")).transpose()?,
            fraction: pattern(r"([0-9]{1,18})[/⁄]([0-9]{1,5})")?,
            mixed: pattern(r"([0-9]{1,4})[ \u{a0}]([0-9]{1,2})[/⁄]([0-9]{1,3})|([0-9]{1,4}) ?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")?,
            dotted: pattern(r"[0-9]+(?:\.[0-9]+){2,}")?,
        })
    }
}

/// What a sign for a fraction stands for.
fn vulgar(c: char) -> Option<(u64, u64)> {
    Some(match c {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        _ => return None,
    })
}

impl Normalizer {
    pub(super) fn phone(&self, place: &Place) -> Match {
        let pairs = self.speller.grammar.phone_pairs;
        const CALLED: [&str; 9] = ["al", "tel.", "tfno.", "tlf.", "teléfono", "móvil", "fax", "whatsapp", "llame"];
        let called = self.speller.grammar.tag == "es" && {
            // "Tel.: 912 345 678".
            let before = place.before.trim_end_matches([' ', ':']);
            let word = before.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
            CALLED.contains(&word.as_str())
        };
        let patterns = &self.numeric;
        let patterns = [Some(&patterns.phone), patterns.own_phone.as_ref(), Some(&patterns.local_phone)];
        let patterns = patterns.into_iter().flatten().chain(called.then_some(&self.numeric.spanish_phone));
        let length = patterns.filter_map(|p| p.find(place.rest)).map(|m| m.end()).find(|length| {
            let digits = place.rest[..*length].bytes().filter(u8::is_ascii_digit).count();
            let goes_on = place
                .after(*length)
                .strip_prefix(['-', '.', ','])
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            digits >= 7 && place.ends_at(*length) && !goes_on
        })?;
        let written = &place.rest[..length];
        let mut words = Vec::new();
        if written.starts_with('+') {
            words.push(self.speller.grammar.words.plus.to_owned());
        }
        for group in written.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()) {
            if !pairs {
                words.push(self.speller.digits(group));
                continue;
            }
            let step = if group.len() > 3 { 2 } else { group.len() };
            for part in group.as_bytes().chunks(step) {
                let part = String::from_utf8_lossy(part);
                let zero = part.starts_with('0');
                words.push(if zero { self.speller.digits(&part) } else { self.speller.cardinal(&part, Gender::Alone) });
            }
        }
        Some((length, words.join(" ")))
    }

    /// "3/4", "-2 1/2", "1 ½"; before a unit the fraction is of one: "tres quintos de metro".
    pub(super) fn fraction(&self, place: &Place) -> Match {
        let unsigned = place.rest.trim_start_matches(['-', '−']);
        let sign = place.rest.len() - unsigned.len();
        let inner = Place { before: place.before, rest: unsigned };
        let (length, words) = self.mixed_fraction(&inner).or_else(|| self.simple_fraction(&inner))?;
        let minus = self.speller.grammar.words.minus;
        Some((sign + length, if sign > 0 { format!("{minus} {words}") } else { words }))
    }

    fn mixed_fraction(&self, place: &Place) -> Match {
        let speller = &self.speller;
        let found = self.numeric.mixed.captures(place.rest)?;
        let length = found[0].len();
        let value = |group: usize| found.get(group).and_then(|m| m.as_str().parse::<u64>().ok());
        let (whole, (above, below)) = match (found.get(1), found.get(5)) {
            (Some(whole), _) => (whole.as_str(), (value(2)?, value(3)?)),
            (None, Some(sign)) => (&found[4], vulgar(char_at(sign.as_str(), 0))?),
            _ => return None,
        };
        let words = (speller.grammar.fraction)(speller, above, below)?;
        // "dos y medio": without the article.
        let half = (above, below) == (1, 2);
        let words = words.split_once(' ').filter(|_| half).map_or(words.as_str(), |(_, half)| half);
        let whole = speller.cardinal(whole, Gender::Alone);
        let fits = place.ends_at(length) && !place.after(length).starts_with(['/', '⁄']);
        fits.then(|| (length, format!("{whole} {} {words}", speller.grammar.words.and)))
    }

    fn simple_fraction(&self, place: &Place) -> Match {
        let found = self.numeric.fraction.captures(place.rest)?;
        let length = found[0].len();
        let value = |group: usize| found[group].parse::<u64>().ok();
        let words = (self.speller.grammar.fraction)(&self.speller, value(1)?, value(2)?)?;
        // "1/100.000", "les 17/18 juin".
        let more = place.after(length).strip_prefix(['.', ',']);
        let grouped = more.is_some_and(|more| more.starts_with(|c: char| c.is_ascii_digit()));
        let next = &place.after(length)[blank(place.after(length))..];
        let month = self.speller.grammar.month(&next[..super::words::length(next)]).is_some();
        if !place.ends_at(length) || place.after(length).starts_with(['/', '⁄']) || grouped || month {
            return None;
        }
        let gap = blank(place.after(length));
        match self.unit(place.after(length + gap)) {
            Some((taken, noun)) => {
                let of = self.of(noun.one);
                Some((length + gap + taken, format!("{words} {of}{}", noun.one)))
            }
            None => Some((length, words)),
        }
    }

    /// A sign for a fraction alone: "½".
    pub(super) fn vulgar(&self, place: &Place) -> Match {
        let sign = char_at(place.rest, 0);
        let (above, below) = vulgar(sign)?;
        Some((sign.len_utf8(), (self.speller.grammar.fraction)(&self.speller, above, below)?))
    }

    /// "1.º", "21e", "5वीं".
    pub(super) fn ordinal(&self, place: &Place) -> Match {
        let number = number::parse(place.rest, self.speller.grammar.decimal_comma).filter(|n| n.decimals.is_empty())?;
        let after = place.after(number.length);
        let fits =
            |mark: &&(&'static str, Gender)| after.starts_with(mark.0) && place.ends_at(number.length + mark.0.len());
        let (mark, gender) = self.speller.grammar.ordinal_marks.iter().filter(fits).max_by_key(|mark| mark.0.len())?;
        let length = number.length + mark.len();
        let value: u64 = number.whole.parse().ok()?;
        let degrees = *mark == "°" && (value == 0 || value > 31);
        let said = self.speller.grammar.ordinal_mark_is_said && mark.starts_with('व');
        let words = match (*mark, value) {
            _ if degrees => return None,
            _ if said => format!("{}{mark}", self.speller.count(value, Gender::Alone)),
            (".er" | "er" | ".ᵉʳ", _) if self.speller.grammar.tag == "es" => self.speller.short_ordinal(value),
            ("ers" | "res" | "es" | "èmes" | "emes", _) => self.speller.ordinal(value, *gender) + "s",
            ("nd", 2) => "second".to_owned(),
            ("nde", 2) => "seconde".to_owned(),
            _ => self.speller.ordinal(value, *gender),
        };
        Some((length, words))
    }

    /// A number with its sign, and what follows it: percent, a unit, the end of a range.
    pub(super) fn number(&self, place: &Place) -> Match {
        let words = &self.speller.grammar.words;
        let unsigned = place.rest.trim_start_matches(['-', '−', '+', '±']);
        let sign = &place.rest[..place.rest.len() - unsigned.len()];
        let sign_word = match sign {
            "" => String::new(),
            "-" | "−" => format!("{} ", words.minus),
            "+" => format!("{} ", words.plus),
            "±" => format!("{} ", words.plus_minus),
            _ => return None,
        };
        let comma = self.speller.grammar.decimal_comma;
        let number = number::parse(unsigned, comma)?;
        let length = sign.len() + number.length;
        if let Some(dotted) = self.dotted(place, sign, &number) {
            return Some(dotted);
        }
        let (length, first, number) = match self.range(place, length, &number) {
            Some((length, last)) => {
                let first = self.speller.decimal(&number.whole, &number.decimals, Gender::Alone);
                (length, format!("{first} {} ", words.to), last)
            }
            None => (length, String::new(), number),
        };
        if let Some((end, said)) = self.measured(place, length, &number) {
            return Some((end, format!("{sign_word}{first}{said}")));
        }
        let year = self.is_year(place, length, &number);
        let said = if self.scale(place.after(length)).is_some() {
            self.speller.decimal(&number.whole, &number.decimals, Gender::Masculine)
        } else if year {
            self.speller.year(&number.whole)
        } else {
            self.agreeing(place, length, &number)
        };
        Some((length, format!("{sign_word}{first}{said}")))
    }

    /// "1.2.3", "192.168.1.1".
    fn dotted(&self, place: &Place, sign: &str, number: &Number) -> Match {
        let found =
            self.numeric.dotted.find(place.rest).filter(|found| sign.is_empty() && found.end() > number.length)?;
        let address = self.speller.grammar.address[0];
        // The numbers of a network address are read digit by digit.
        let network = found.as_str().split('.').count() == 4;
        let spell = |part: &str| {
            if network { self.speller.digits(part) } else { self.speller.decimal(part, "", Gender::Alone) }
        };
        let parts = found.as_str().split('.').map(spell);
        Some((found.end(), parts.collect::<Vec<_>>().join(&format!(" {address} "))))
    }

    /// The second number of a range, if it is larger, and where it ends.
    fn range(&self, place: &Place, length: usize, first: &Number) -> Option<(usize, Number)> {
        let chained =
            place.before.strip_suffix(['-', '–']).is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()));
        if chained || (first.whole.starts_with('0') && first.whole.len() > 1) {
            return None;
        }
        let after = place.after(length);
        let gap = usize::from(after.starts_with(" –") || after.starts_with(" -"));
        let dash = after[gap..].chars().next().filter(|c| matches!(c, '-' | '–'))?;
        let start = length + gap + dash.len_utf8();
        let start = start + if gap > 0 { place.after(start).strip_prefix(' ').map(|_| 1)? } else { 0 };
        let last = number::parse(place.after(start), self.speller.grammar.decimal_comma)?;
        let value = |number: &Number| format!("{}.{}", number.whole, number.decimals).parse::<f64>().unwrap_or(0.0);
        let end = start + last.length;
        let joined = place.after(end).starts_with(['-', '–']);
        let difference = super::words::is_sum(place.after(start));
        (value(&last) > value(first) && place.ends_at(end) && !joined && !difference).then_some((end, last))
    }

    /// "1m80": the hundredths behind the sign of what they are of.
    pub(super) fn parted(&self, place: &Place) -> Match {
        let found = self.numeric.parted.as_ref()?.captures(place.rest).filter(|found| place.ends_at(found[0].len()))?;
        let noun = if &found[2] == "m" { "mètre" } else { "euro" };
        let plural = if &found[1] == "1" { "" } else { "s" };
        let [whole, part] = [&found[1], &found[3]].map(|digits| self.speller.decimal(digits, "", Gender::Masculine));
        Some((found[0].len(), format!("{whole} {noun}{plural} {part}")))
    }

    /// Percent or a unit behind a number that ends at `length`.
    fn measured(&self, place: &Place, length: usize, number: &Number) -> Match {
        let words = &self.speller.grammar.words;
        let gap = blank(place.after(length));
        let after = place.after(length + gap);
        let alone = |sign: &str| self.speller.decimal(&number.whole, &number.decimals, Gender::Alone) + " " + sign;
        if after.starts_with('%') {
            return Some((length + gap + 1, alone(words.percent)));
        } else if after.starts_with('‰') {
            return Some((length + gap + '‰'.len_utf8(), alone(words.per_mille)));
        }
        let bare = number.whole.trim_start_matches('0');
        let whole = if bare.is_empty() { "0" } else { bare }.to_owned();
        let number = Number { whole, ..number.clone() };
        // "8 ° C": the blank does not count.
        let degrees =
            after.strip_prefix("° ").and_then(|after| self.unit(&format!("°{after}"))).filter(|(taken, _)| *taken > 2);
        if let Some((taken, noun)) = degrees {
            return Some((length + gap + taken + 1, self.counted(&number, noun)));
        }
        let (mut taken, noun) = self.unit(after)?;
        // "4K" is no temperature.
        if gap == 0 && after[..taken] == *"K" {
            return None;
        }
        let mut said = self.counted(&number, noun);
        if let Some(divisor) = after[taken..].strip_prefix('/') {
            let (per, noun) = self.unit(divisor)?;
            taken += 1 + per;
            said += &format!(" {} {}", words.per, noun.one);
        }
        Some((length + gap + taken, said))
    }

    /// The longest unit that `text` begins with and that ends there; the Greek mu counts as the sign for a millionth.
    pub(super) fn unit(&self, text: &str) -> Option<(usize, Noun)> {
        let goes_on = |c: char| is_letter(c) || c.is_ascii_digit() || matches!(c, '²' | '³' | '\'');
        let micro = text.starts_with('μ').then(|| text.replacen('μ', "µ", 1));
        let text = micro.as_deref().unwrap_or(text);
        let ends = |symbol: &str| !text[symbol.len()..].starts_with(goes_on);
        let fits = self.speller.grammar.units.iter().filter(|(symbol, _)| text.starts_with(symbol) && ends(symbol));
        fits.max_by_key(|(symbol, _)| symbol.len()).map(|(symbol, noun)| (symbol.len(), *noun))
    }

    /// Whether a number of four digits is a year, where that is read in its own way: with a word of time beside it.
    fn is_year(&self, place: &Place, length: usize, number: &Number) -> bool {
        if self.speller.grammar.year_hundreds.is_none() || number.length != 4 || !number.decimals.is_empty() {
            return false;
        }
        const BEFORE: [&str; 7] = ["सन", "सन्", "साल", "वर्ष", "जनवरी", "दिसंबर", "अगस्त"];
        const BEHIND: [&str; 7] = ["में", "का", "की", "के", "से", "तक", "ई."];
        let next = place.after(length).trim_start_matches([' ', '\u{a0}']);
        let next = &next[..super::words::length(next)];
        BEFORE.contains(&place.previous_word().as_str()) || BEHIND.contains(&next)
    }
}
