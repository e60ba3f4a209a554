//! What fractions are called.

use crate::english::Dialect;
use crate::english::numbers::{cardinal, ordinal};

/// "three quarters", "one half", "five thirty-seconds".
pub(super) fn fraction(numerator: &str, denominator: &str, dialect: Dialect) -> Option<String> {
    let (n, d): (u32, u32) = (numerator.parse().ok()?, denominator.parse().ok()?);
    if (n > 0 && numerator.starts_with('0')) || denominator.starts_with('0') {
        return None;
    }
    // Ratios and what is no usual fraction ("120/80", "12/25", "4/4").
    let usual = matches!(d, 2..=12 | 16 | 20 | 32 | 50 | 64 | 100);
    if n == 0 || n >= d || !usual && n > 1 || d > 100 {
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
        "⅖" => "two fifths",
        "⅗" => "three fifths",
        "⅘" => "four fifths",
        "⅙" => "one sixth",
        "⅚" => "five sixths",
        "⅛" => "one eighth",
        "⅜" => "three eighths",
        "⅝" => "five eighths",
        "⅞" => "seven eighths",
        _ => return None,
    })
}

/// Two numbers that are said one after the other: shares of a hundred ("60/40") and fixed expressions.
pub(super) fn is_pair(first: &str, second: &str) -> bool {
    let sum = first.parse::<u32>().ok().zip(second.parse::<u32>().ok()).map(|(a, b)| a + b);
    sum == Some(100) && first.len() == 2 && second.len() == 2
        || matches!((first, second), ("24", "7") | ("9" | "7", "11") | ("20", "20"))
}
