//! Numbers with what belongs to them: signs, units, fractions, ranges, decades, telephone numbers.

use regex::Regex;

use super::fractions::{fraction, is_pair, vulgar};
use super::{Match, Place, Say, money, pattern, units};
use crate::english::numbers::{cardinal, number, ordinal, plural, spell, year};
use crate::error::Result;

pub(super) const NUMBER: &str = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+";

pub(super) struct Rules {
    phone: Regex,
    money: money::Rules,
    feet: Regex,
    feet_and_inches: Regex,
    sides: Regex,
    duration: Regex,
    power_of_ten: Regex,
    grouped: Regex,
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
                r"[0-9]{5}-[0-9]{4}|[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{4}(?:[- ][0-9]{4}){3}",
                r"|(?:\+?[0-9]{1,3}[-. ])?(?:\([0-9]{3}\)[ -]?|[0-9]{3}[-. ])[0-9]{3}[-. ][0-9]{4}",
                r"|0[0-9]{2} [0-9]{4} [0-9]{4}|0[0-9]{3} [0-9]{3} [0-9]{4}|0[0-9]{4} [0-9]{5,6}|0[0-9]{10}",
                r"|[0-9]{3}-[0-9]{4}|\+[0-9]{1,3}(?:[ -][0-9]{2,5}){2,5}|\+[0-9]{8,15}"
            ))?,
            money: money::Rules::new()?,
            duration: pattern(
                r"(?:([0-9]{1,4}) ?h(?:rs?)? ?)?(?:([0-9]{1,4}) ?m(?:in)? ?)?(?:([0-9]{1,4}) ?s(?:ec)?)?",
            )?,
            power_of_ten: pattern(&format!(r"([-−])?({NUMBER})(?:e([-−+])?|E([-−+]))([0-9]{{1,3}})"))?,
            grouped: pattern(r"([0-9]{1,3})(?:(?: [0-9]{3}){2,}|(?:[\u{a0}\u{202f}'’][0-9]{3})+)")?,
            feet: pattern(r#"([1-9])['’′]([0-9]{1,2})(?:["”″]|'')?"#)?,
            feet_and_inches: pattern(r"([0-9]{1,3}) ?ft\.? ?([0-9]{1,2}) ?in\b")?,
            sides: pattern(r"([0-9]{1,4})[x×]([0-9]{1,4})(?:[x×]([0-9]{1,4}))?")?,
            mixed_fraction: pattern(r"([0-9]{1,4})[ -]([0-9]{1,2})/([0-9]{1,2})|([0-9]{1,4}) ?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")?,
            fraction: pattern(r"([0-9]{1,3})[/⁄]([0-9]{1,3})(?:(?:rd|th|nd)s?)?|([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")?,
            range: pattern(&format!(r"({NUMBER}) ?[-–—] ?({NUMBER})"))?,
            decade: pattern(r"['’]?([0-9]{2}|[0-9]{3}0|[0-9]+00|[0-9]{1,3}(?:,[0-9]{3})+)['’]?s")?,
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
            .or_else(|| self.feet_and_inches(place))
            .or_else(|| self.sides(place))
            .or_else(|| self.duration(place))
            .or_else(|| self.power_of_ten(place))
            .or_else(|| self.fraction(place))
            .or_else(|| self.decade(place))
            .or_else(|| self.range(place))
            .or_else(|| self.ordinal(place))
            .or_else(|| self.dotted(place))
            .or_else(|| self.number(place))
    }

    /// An amount with the currency before it.
    pub(super) fn money(&self, place: &Place<'_>) -> Match {
        self.money.read(place)
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

    /// "6'2"": six foot two.
    fn feet(&self, place: &Place<'_>) -> Match {
        let found = self.feet.captures(place.rest)?;
        let words = format!("{} foot {}", cardinal(&found[1], place.dialect), cardinal(&found[2], place.dialect));
        place.ends_at(found[0].len()).then(|| (found[0].len(), Say::words(words)))
    }

    /// "6 ft 2 in".
    fn feet_and_inches(&self, place: &Place<'_>) -> Match {
        let found = self.feet_and_inches.captures(place.rest)?;
        let count = |number: &str, one: &str, many: &str| {
            format!("{} {}", cardinal(number, place.dialect), if number == "1" { one } else { many })
        };
        let words = format!("{} {}", count(&found[1], "foot", "feet"), count(&found[2], "inch", "inches"));
        place.ends_at(found[0].len()).then(|| (found[0].len(), Say::words(words)))
    }

    /// "4x4", "1920x1080"; "3x4=12" is a sum.
    fn sides(&self, place: &Place<'_>) -> Match {
        let found = self.sides.captures(place.rest).filter(|found| place.ends_at(found[0].len()))?;
        let joint = if is_sum(&place.rest[found[0].len()..]) { " times " } else { " by " };
        let sides = found.iter().skip(1).flatten().map(|side| number(side.as_str(), place.dialect));
        Some(with_unit(place.rest, found[0].len(), sides.collect::<Vec<_>>().join(joint), true))
    }

    /// "2h 30m", "5m 10s".
    fn duration(&self, place: &Place<'_>) -> Match {
        let found = self.duration.captures(place.rest)?;
        let end = found[0].trim_end().len();
        let named = ["hour", "minute", "second"].into_iter().enumerate();
        let parts: Vec<_> = named
            .filter_map(|(i, unit)| {
                let count = found.get(i + 1)?.as_str();
                let plural = if count == "1" { "" } else { "s" };
                Some(format!("{} {unit}{plural}", cardinal(count, place.dialect)))
            })
            .collect();
        (parts.len() > 1 && place.ends_at(end)).then(|| (end, Say::words(parts.join(" "))))
    }

    /// "1.5e-3".
    fn power_of_ten(&self, place: &Place<'_>) -> Match {
        let found = self.power_of_ten.captures(place.rest).filter(|f| place.ends_at(f[0].len()))?;
        let minus = |sign: Option<regex::Match<'_>>| match sign.map(|s| s.as_str()) {
            None | Some("+") => "",
            Some(_) => "minus ",
        };
        let (sign, power_sign) = (minus(found.get(1)), minus(found.get(3).or(found.get(4))));
        let (factor, power) = (number(&found[2], place.dialect), cardinal(&found[5], place.dialect));
        Some((found[0].len(), Say::words(format!("{sign}{factor} times ten to the {power_sign}{power}"))))
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
                return Some(with_unit(
                    rest,
                    found[0].len(),
                    format!("{} {joint} {part}", cardinal(whole, dialect)),
                    true,
                ));
            }
        }
        let found = self.fraction.captures(rest)?;
        let words = match found.get(3) {
            Some(sign) => vulgar(sign.as_str())?.to_owned(),
            None if is_pair(&found[1], &found[2]) => {
                format!("{} {}", cardinal(&found[1], dialect), cardinal(&found[2], dialect))
            }
            None => fraction(&found[1], &found[2], dialect)?,
        };
        place.ends_at(found[0].len()).then(|| with_unit(rest, found[0].len(), words, false))
    }

    fn decade(&self, place: &Place<'_>) -> Match {
        let Place { rest, dialect, .. } = *place;
        if let Some(found) = self.decade.captures(rest) {
            let digits = &found[1].replace(',', "");
            let ends = place.ends_or_joins_at(found[0].len());
            // "20s" may be seconds; a decade of two digits ends in 0, and "70's" needs no apostrophe before.
            let words = match digits.len() {
                2 if digits.ends_with('0') && digits != "00" => Some(cardinal(digits, dialect)),
                2 => None,
                _ if is_year(digits) => Some(year(digits, dialect)),
                _ => Some(cardinal(digits, dialect)),
            };
            // "100s of people" are hundreds.
            let words = words.map(|w| w.strip_prefix("one ").map(str::to_owned).unwrap_or(w));
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
        let end = found[0].len();
        // "8 - 10 people" is a range, "5 - 3" and "1 - 2 = -1" are not.
        let operator = |c: char| "=+*/×÷".contains(c);
        let value = |n: &str| n.replace(',', "").parse::<f64>().unwrap_or(0.0);
        let rises = value(low) < value(high)
            && !rest[end..].trim_start().starts_with(operator)
            && !place.before.trim_end().ends_with(operator);
        let tight = found[0].contains('–') || !found[0].contains(' ') || (rises && found[0].contains('-'));
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
        let joint = match () {
            () if is_sum(&rest[end..]) => " minus ",
            () if low == high => " ",
            () => " to ",
        };
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
        place.ends_or_joins_at(found[0].len()).then(|| (found[0].len(), Say::words(words)))
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
        if let Some(found) = self.grouped.captures(rest).filter(|f| is_grouped(&f[0], &f[1])) {
            let digits: String = found[0].chars().filter(char::is_ascii_digit).collect();
            let end = found[0].len();
            return place.ends_at(end).then(|| with_unit(rest, end, cardinal(&digits, dialect), true));
        }
        if rest.starts_with("401(k)") {
            return Some((6, Say::words("four oh one k")));
        }
        let found =
            self.plain.captures(rest).filter(|_| !(rest.starts_with('+') && place.before.ends_with(is_digit)))?;
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
        if let Some((bytes, unit)) = feet_or_inches(place, end, written) {
            return Some((end + bytes, Say::words(format!("{sign}{} {unit}", number(written, dialect)))));
        }
        let hyphenated = rest[end..].strip_prefix('-').is_some_and(|r| r.starts_with(char::is_alphabetic));
        if !place.ends_at(end) || (hyphenated && plain && sign.is_empty()) {
            return None;
        }
        let words = if plain && is_year(written) && sign.is_empty() {
            year(written, dialect)
        } else if (plain && (is_postal_code(place, written) || place.before.ends_with("ending in ")))
            || (matches!(written, "911" | "411") && place.tag(end + 1) != "NNS")
        {
            spell(written)
        } else {
            number(written, dialect)
        };
        Some((end, Say::words(format!("{sign}{words}"))))
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn is_year(written: &str) -> bool {
    written.len() == 4 && ("1001".."2100").contains(&written)
}

/// Whether what a number belongs to equals something.
fn is_sum(after: &str) -> bool {
    after.trim_start().starts_with('=')
}

/// The states whose short names stand before postal codes.
const STATES: &str = "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH \
                      OK OR PA PR RI SC SD TN TX UT VT VA WA WV WI WY";

/// "MO 63101".
fn is_postal_code(place: &Place<'_>, written: &str) -> bool {
    let state = place.previous_word();
    written.len() == 5 && state.len() == 2 && STATES.split(' ').any(|known| known == state)
}

/// Whether groups of three digits belong to one number ("1 000 000"); with blanks they may be several ("100 200 300").
fn is_grouped(written: &str, first: &str) -> bool {
    !written.contains(' ') || first.len() < 3 || written.contains(" 000")
}

/// Adds a unit of measurement that follows.
fn with_unit(rest: &str, length: usize, words: String, plural: bool) -> (usize, Vec<Say>) {
    match unit_after(&rest[length..], plural) {
        Some((bytes, unit)) => (length + bytes, Say::words(format!("{words} {unit}"))),
        None => (length, Say::words(words)),
    }
}

/// The marks of feet and inches after a number, where they do not close a quotation.
fn feet_or_inches(place: &Place<'_>, end: usize, written: &str) -> Option<(usize, &'static str)> {
    let mut after = place.rest[end..].chars();
    let mark = after.next()?;
    let near = &place.before[super::floor_boundary(place.before, place.before.len().saturating_sub(300))..];
    // Quotation marks, without the marks of feet and inches and without apostrophes.
    let quotes = |marks: &str, inside: fn(&char) -> bool| {
        let marks = near.char_indices().filter(|(_, c)| marks.contains(*c));
        marks.filter(|(at, _)| !near[..*at].chars().next_back().as_ref().is_some_and(inside)).count()
    };
    let feet = match mark {
        '′' => true,
        '″' => false,
        '\'' | '’' if quotes("'‘’", |c| c.is_alphanumeric()) == 0 => true,
        '"' | '”' if quotes("\"“”", char::is_ascii_digit) % 2 == 0 => false,
        _ => return None,
    };
    if written.len() > 3 && !written.contains('.') || after.next().is_some_and(char::is_alphanumeric) {
        return None;
    }
    Some((
        mark.len_utf8(),
        match (feet, written == "1") {
            (true, true) => "foot",
            (true, false) => "feet",
            (false, true) => "inch",
            (false, false) => "inches",
        },
    ))
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
