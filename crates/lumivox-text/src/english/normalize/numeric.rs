//! Numbers with what belongs to them: signs, money, units, fractions, ranges, decades, telephone numbers.

use regex::Regex;

use super::units::{self, Currency};
use super::{Match, Place, Say, pattern};
use crate::english::Dialect;
use crate::english::numbers::{cardinal, number, ordinal, plural, spell, year};
use crate::error::Result;

const NUMBER: &str = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+";
const SCALE: &str = "hundred|thousand|million|billion|trillion";

pub(super) struct Rules {
    phone: Regex,
    money: Regex,
    feet: Regex,
    mixed_fraction: Regex,
    fraction: Regex,
    range: Regex,
    decade: Regex,
    short_year: Regex,
    ordinal: Regex,
    dotted: Regex,
    numbered: Regex,
    plain: Regex,
}

impl Rules {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            phone: pattern(concat!(
                r"(?:\+?[0-9]{1,3}[-. ])?(?:\([0-9]{3}\) ?|[0-9]{3}[-. ])[0-9]{3}[-. ][0-9]{4}",
                r"|[0-9]{3}-[0-9]{4}|\+[0-9]{1,3}(?:[ -][0-9]{2,5}){2,5}|\+[0-9]{8,15}"
            ))?,
            money: pattern(&format!(
                r"(?P<sign>[-−])?(?P<currency>US\$|C\$|A\$|[$£€¥₹₽₩]) ?(?P<n>{NUMBER})(?:(?P<to>[-–])[$£€]?(?P<n2>{NUMBER}))?(?:(?P<gap>[ -]?)(?P<scale>{SCALE}|bn|tn|[kKmMbBtT]))?"
            ))?,
            feet: pattern(r#"([1-9])['’′]([0-9]{1,2})(?:["”″]|'')?"#)?,
            mixed_fraction: pattern(r"([0-9]{1,4})[ -]([0-9]{1,2})/([0-9]{1,2})|([0-9]{1,4}) ?([½⅓⅔¼¾⅕⅛⅜⅝⅞])")?,
            fraction: pattern(r"([0-9]{1,3})[/⁄]([0-9]{1,3})|([½⅓⅔¼¾⅕⅛⅜⅝⅞])")?,
            range: pattern(&format!(r"({NUMBER}) ?[-–—] ?({NUMBER})"))?,
            decade: pattern(r"['’]?([0-9]{2}|[0-9]{3}0|[0-9]00)['’]?s")?,
            short_year: pattern(r"['’]([0-9]{2})")?,
            ordinal: pattern(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)['’]?(?:st|nd|rd|th|ST|ND|RD|TH)")?,
            dotted: pattern(r"[0-9]+(?:\.[0-9]+){2,}")?,
            numbered: pattern(r"(?:#|№ ?)([0-9]+)")?,
            plain: pattern(&format!(r"([-−+±])?({NUMBER})"))?,
        })
    }

    pub(super) fn read(&self, place: &Place<'_>) -> Match {
        self.telephone(place)
            .or_else(|| self.money(place))
            .or_else(|| self.feet(place))
            .or_else(|| self.fraction(place))
            .or_else(|| self.decade(place))
            .or_else(|| self.range(place))
            .or_else(|| self.ordinal(place))
            .or_else(|| self.dotted(place))
            .or_else(|| self.number(place))
    }

    fn telephone(&self, place: &Place<'_>) -> Match {
        let length = self.phone.find(place.rest)?.end();
        if !place.ends_at(length) {
            return None;
        }
        let mut say = Vec::new();
        if place.rest.starts_with('+') {
            say.extend(Say::words("plus"));
        }
        for group in place.rest[..length].split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()) {
            if matches!(say.last(), Some(Say::Words(w)) if w != "plus") {
                say.push(Say::Pause);
            }
            say.extend(Say::words(spell(group)));
        }
        Some((length, say))
    }

    /// An amount with the currency before it.
    pub(super) fn money(&self, place: &Place<'_>) -> Match {
        let Place { rest, dialect, .. } = *place;
        let found = self.money.captures(rest)?;
        let currency = units::currency(found.name("currency")?.as_str())?;
        let amount = found.name("n")?;
        let mut words = if found.name("sign").is_some() { "minus ".to_owned() } else { String::new() };
        let scale = found.name("scale").filter(|s| {
            let attached = found.name("gap").is_none_or(|g| g.is_empty());
            (s.len() > 1 || attached) && place.ends_at(s.end())
        });
        let second = found.name("n2");
        if let Some(second) = second {
            words += &format!("{} to ", number(amount.as_str(), dialect));
            words += &number(second.as_str(), dialect);
        } else if scale.is_none() {
            words += &amount_in(amount.as_str(), currency, dialect);
        } else {
            words += &number(amount.as_str(), dialect);
        }
        if let Some(scale) = scale {
            words += &format!(" {}", scale_name(scale.as_str()));
        }
        if scale.is_some() || second.is_some() {
            words += &format!(" {}", currency.2);
        }
        let end = scale.or(second).unwrap_or(amount).end();
        place.ends_at(end).then(|| (end, Say::words(words)))
    }

    /// "6'2"": six foot two.
    fn feet(&self, place: &Place<'_>) -> Match {
        let found = self.feet.captures(place.rest)?;
        let words = format!("{} foot {}", cardinal(&found[1], place.dialect), cardinal(&found[2], place.dialect));
        place.ends_at(found[0].len()).then(|| (found[0].len(), Say::words(words)))
    }

    fn fraction(&self, place: &Place<'_>) -> Match {
        let Place { rest, dialect, .. } = *place;
        if let Some(found) = self.mixed_fraction.captures(rest) {
            let whole = found.get(1).or_else(|| found.get(4))?.as_str();
            let part = match found.get(5) {
                Some(sign) => vulgar(sign.as_str()).map(str::to_owned),
                None => fraction(&found[2], &found[3], dialect),
            };
            if let (Some(part), true) = (part, place.ends_at(found[0].len())) {
                let joint = if part.starts_with("one ") { "and a" } else { "and" };
                let part = part.strip_prefix("one ").unwrap_or(&part);
                return Some((found[0].len(), Say::words(format!("{} {joint} {part}", cardinal(whole, dialect)))));
            }
        }
        let found = self.fraction.captures(rest)?;
        let words = match found.get(3) {
            Some(sign) => vulgar(sign.as_str())?.to_owned(),
            None if matches!(&found[0], "24/7" | "9/11" | "7/11" | "50/50") => {
                format!("{} {}", cardinal(&found[1], dialect), cardinal(&found[2], dialect))
            }
            None => fraction(&found[1], &found[2], dialect)?,
        };
        place.ends_at(found[0].len()).then(|| (found[0].len(), Say::words(words)))
    }

    fn decade(&self, place: &Place<'_>) -> Match {
        let Place { rest, dialect, .. } = *place;
        if let Some(found) = self.decade.captures(rest) {
            let digits = &found[1];
            let ends = place.ends_at(found[0].len());
            // "20s" may be seconds; a decade of two digits ends in 0, and "70's" needs no apostrophe before.
            let words = match digits.len() {
                2 if digits.ends_with('0') && digits != "00" => Some(cardinal(digits, dialect)),
                4 => Some(year(digits, dialect)),
                3 => Some(cardinal(digits, dialect)),
                _ => None,
            };
            if let (Some(words), true) = (words, ends) {
                return Some((found[0].len(), Say::words(plural(&words))));
            }
        }
        let found = self.short_year.captures(rest).filter(|f| place.ends_at(f[0].len()))?;
        let words = match found[1].strip_prefix('0') {
            Some(digit) => format!("oh {}", cardinal(digit, dialect)),
            None => cardinal(&found[1], dialect),
        };
        Some((found[0].len(), Say::words(words)))
    }

    fn range(&self, place: &Place<'_>) -> Match {
        let Place { rest, dialect, .. } = *place;
        let found = self.range.captures(rest)?;
        let (low, high) = (&found[1], &found[2]);
        let spaced = found[0].len() > low.len() + high.len() + 3;
        let tight = found[0].contains('–') || !found[0].contains(' ');
        let end = found[0].len();
        let followed = rest[end..].trim_start_matches(' ');
        if spaced
            || !tight
            || low.starts_with('0')
            || !(place.ends_at(end) || units::unit(&rest[end..], true).is_some())
        {
            return None;
        }
        // 2019-20 is a span of years; 555-1234 was a telephone number.
        let years = is_year(low) && (is_year(high) || high.len() == 2);
        let read = |n: &str| if years && n.len() == 4 { year(n, dialect) } else { number(n, dialect) };
        if rest[end..].starts_with('-') {
            return None;
        }
        let joint = if low == high { " " } else { " to " };
        let mut words = format!("{}{joint}{}", read(low), read(high));
        let gap = rest.len() - end - followed.len();
        if let Some((bytes, unit)) = units::unit(followed, true).filter(|_| gap <= 1) {
            words += &format!(" {unit}");
            return Some((end + gap + bytes, Say::words(words)));
        }
        Some((end, Say::words(words)))
    }

    fn ordinal(&self, place: &Place<'_>) -> Match {
        let found = self.ordinal.captures(place.rest)?;
        let words = ordinal(&found[1].replace(',', ""), place.dialect);
        place.ends_at(found[0].len()).then(|| (found[0].len(), Say::words(words)))
    }

    /// Version numbers ("1.2.3": point) and IP addresses ("10.0.0.1": dot).
    fn dotted(&self, place: &Place<'_>) -> Match {
        let found = self.dotted.find(place.rest).filter(|f| place.ends_at(f.end()))?;
        let parts: Vec<_> = found.as_str().split('.').map(|part| number(part, place.dialect)).collect();
        let joint = if parts.len() == 4 { " dot " } else { " point " };
        Some((found.end(), Say::words(parts.join(joint))))
    }

    fn number(&self, place: &Place<'_>) -> Match {
        let Place { rest, dialect, .. } = *place;
        if let Some(found) = self.numbered.captures(rest).filter(|f| place.ends_at(f[0].len())) {
            return Some((found[0].len(), Say::words(format!("number {}", number(&found[1], dialect)))));
        }
        let found = self.plain.captures(rest)?;
        let (written, end) = (&found[2], found[0].len());
        let sign = match found.get(1).map(|s| s.as_str()) {
            Some("+") => "plus ",
            Some("±") => "plus or minus ",
            Some(_) => "minus ",
            None => "",
        };
        let plain = written.bytes().all(|b| b.is_ascii_digit());
        let many_of_a_kind = plain && written.len() > 2 && rest[end..].starts_with('s');
        if let Some((bytes, unit)) = unit_after(&rest[end..], written != "1").filter(|_| !many_of_a_kind) {
            return Some((end + bytes, Say::words(format!("{sign}{} {unit}", number(written, dialect)))));
        }
        let hyphenated = rest[end..].strip_prefix('-').is_some_and(|r| r.starts_with(char::is_alphabetic));
        if !place.ends_at(end) || (hyphenated && plain && sign.is_empty()) {
            return None;
        }
        let words = if plain && is_year(written) && sign.is_empty() {
            year(written, dialect)
        } else {
            number(written, dialect)
        };
        Some((end, Say::words(format!("{sign}{words}"))))
    }
}

fn is_year(written: &str) -> bool {
    written.len() == 4 && ("1001".."2100").contains(&written)
}

/// A unit or a currency after a number, with what separates them.
fn unit_after(rest: &str, plural: bool) -> Option<(usize, String)> {
    let gap = rest.chars().next().filter(|c| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '-')).map_or(0, char::len_utf8);
    let hyphen = rest.starts_with('-');
    let after = &rest[gap..];
    if let Some((bytes, unit)) = units::unit(after, plural && !hyphen) {
        // "the 5 s" and "4 h" are rare; "5 m" and "8 g" are not.
        return (gap == 0 || !matches!(&after[..bytes], "s" | "h")).then_some((gap + bytes, unit));
    }
    let currency = units::currency(after)?;
    let clean = !after[currency.0.len()..].starts_with(char::is_alphanumeric);
    clean.then(|| (gap + currency.0.len(), if plural { currency.2 } else { currency.1 }.to_owned()))
}

fn scale_name(written: &str) -> &str {
    match written {
        "k" | "K" => "thousand",
        "m" | "M" => "million",
        "b" | "B" | "bn" => "billion",
        "t" | "T" | "tn" => "trillion",
        other => other,
    }
}

/// "three dollars and fifty cents".
fn amount_in(written: &str, currency: &Currency, dialect: Dialect) -> String {
    let written = written.replace(',', "");
    let (whole, hundredths) = written.split_once('.').unwrap_or((&written, ""));
    let whole = whole.trim_start_matches('0');
    let counted = |digits: &str, one: &str, many: &str| {
        format!("{} {}", cardinal(digits, dialect), if digits == "1" { one } else { many })
    };
    let &(_, one, many, hundredth, hundredths_name) = currency;
    if hundredths.len() > 2 || (hundredth.is_empty() && !hundredths.is_empty()) {
        return format!("{} {many}", number(&written, dialect));
    }
    let padded = format!("{hundredths:0<2}");
    let small = padded.trim_start_matches('0');
    match (whole, small) {
        (_, "") => counted(if whole.is_empty() { "0" } else { whole }, one, many),
        ("", small) => counted(small, hundredth, hundredths_name),
        (whole, small) => {
            format!("{} and {}", counted(whole, one, many), counted(small, hundredth, hundredths_name))
        }
    }
}

/// "three quarters", "one half", "five thirty-seconds".
fn fraction(numerator: &str, denominator: &str, dialect: Dialect) -> Option<String> {
    let (n, d): (u32, u32) = (numerator.parse().ok()?, denominator.parse().ok()?);
    if n == 0 || d < 2 || numerator.starts_with('0') || denominator.starts_with('0') {
        return None;
    }
    if d > 100 || n > 99 {
        return Some(format!("{} over {}", cardinal(numerator, dialect), cardinal(denominator, dialect)));
    }
    let name = match d {
        2 if n == 1 => "half".to_owned(),
        2 => "halves".to_owned(),
        4 if n == 1 => "quarter".to_owned(),
        4 => "quarters".to_owned(),
        _ if n == 1 => ordinal(denominator, dialect),
        _ => ordinal(denominator, dialect) + "s",
    };
    Some(format!("{} {name}", cardinal(numerator, dialect)))
}

/// The reading of a fraction that is one character.
pub(in crate::english) fn vulgar(sign: &str) -> Option<&'static str> {
    Some(match sign {
        "½" => "one half",
        "⅓" => "one third",
        "⅔" => "two thirds",
        "¼" => "one quarter",
        "¾" => "three quarters",
        "⅕" => "one fifth",
        "⅛" => "one eighth",
        "⅜" => "three eighths",
        "⅝" => "five eighths",
        "⅞" => "seven eighths",
        _ => return None,
    })
}
