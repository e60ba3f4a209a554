//! Amounts of money.

use regex::Regex;

use super::numeric::NUMBER;
use super::units::{self, Currency};
use super::{Match, Place, Say, pattern};
use crate::english::Dialect;
use crate::english::numbers::{cardinal, number};
use crate::error::Result;

const SCALE: &str = "hundred|thousand|million|billion|trillion";

pub(super) struct Rules {
    money: Regex,
    decimal_comma: Regex,
}

impl Rules {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            money: pattern(&format!(
                r"(?P<sign>[-−])?(?P<currency>[A-Z]{{1,2}}\$|[$£€¥₹₽₩]) ?(?P<inner>[-−])?(?P<n>{NUMBER})(?:(?P<to>[-–])[$£€]?(?P<n2>{NUMBER}))?(?:(?P<gap>[ -]?)(?P<scale>{SCALE}|bn|tn|[kKmMbBtT]))?"
            ))?,
            decimal_comma: pattern(r"([0-9]{1,9}),([0-9]{2}) ?€")?,
        })
    }

    /// An amount with the currency before it.
    pub(super) fn read(&self, place: &Place<'_>) -> Match {
        let Place { rest, dialect, .. } = *place;
        if let Some(found) = self.decimal_comma.captures(rest) {
            let words = amount_in(&format!("{}.{}", &found[1], &found[2]), units::currency("€")?, dialect);
            return place.ends_at(found[0].len()).then(|| (found[0].len(), Say::words(words)));
        }
        let found = self.money.captures(rest)?;
        let currency = units::currency(found.name("currency")?.as_str())?;
        let amount = found.name("n")?;
        let mut words =
            if found.name("sign").or(found.name("inner")).is_some() { "minus ".to_owned() } else { String::new() };
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
        let mut end = scale.or(second).unwrap_or(amount).end();
        if let Some((bytes, divisor)) = units::per(&rest[end..]) {
            end += bytes;
            words += &divisor;
        }
        place.ends_at(end).then(|| (end, Say::words(words)))
    }
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
