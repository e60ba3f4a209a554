//! Numbers in English words: cardinals, ordinals, years, digits. British English says "and" after the hundreds.

use super::Dialect;

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [&str; 12] = [
    "",
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
];
/// More digits than this are read one by one.
const MAX_DIGITS: usize = 36;

fn below_hundred(n: usize) -> String {
    match (n / 10, n % 10) {
        (0 | 1, _) => ONES[n].to_owned(),
        (tens, 0) => TENS[tens].to_owned(),
        (tens, ones) => format!("{}-{}", TENS[tens], ONES[ones]),
    }
}

fn below_thousand(n: usize, and: bool) -> String {
    match (n / 100, n % 100) {
        (0, rest) => below_hundred(rest),
        (hundreds, 0) => format!("{} hundred", ONES[hundreds]),
        (hundreds, rest) => {
            format!("{} hundred {}{}", ONES[hundreds], if and { "and " } else { "" }, below_hundred(rest))
        }
    }
}

/// "four thousand five hundred six"; digits one by one where there are too many for a name.
pub(crate) fn cardinal(digits: &str, dialect: Dialect) -> String {
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return ONES[0].to_owned();
    }
    if significant.len() > MAX_DIGITS {
        return spell(digits);
    }
    let and = dialect == Dialect::British;
    let mut words = Vec::new();
    let groups = significant.len().div_ceil(3);
    for group in 0..groups {
        let end = significant.len() - 3 * (groups - 1 - group);
        let value: usize = significant[end.saturating_sub(3)..end].parse().unwrap_or(0);
        if value == 0 {
            continue;
        }
        let scale = groups - 1 - group;
        if and && scale == 0 && value < 100 && !words.is_empty() {
            words.push("and".to_owned());
        }
        words.push(below_thousand(value, and));
        if scale > 0 {
            words.push(SCALES[scale].to_owned());
        }
    }
    words.join(" ")
}

/// "twenty-first", "one hundred fifth".
pub(crate) fn ordinal(digits: &str, dialect: Dialect) -> String {
    let words = cardinal(digits, dialect);
    let start = words.rfind([' ', '-']).map_or(0, |at| at + 1);
    let (head, last) = words.split_at(start);
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        _ => last.strip_suffix('y').map_or_else(|| format!("{last}th"), |stem| format!("{stem}ieth")),
    };
    format!("{head}{last}")
}

/// A year of four digits: "nineteen eighty-four", "nineteen oh five", "two thousand five", "twenty ten".
pub(crate) fn year(digits: &str, dialect: Dialect) -> String {
    let number: usize = digits.parse().unwrap_or(0);
    let (high, low) = (number / 100, number % 100);
    if high == 0 || high >= 100 || (high % 10 == 0 && low < 10) {
        return cardinal(digits, dialect);
    }
    let low = match low {
        0 => "hundred".to_owned(),
        1..10 => format!("oh {}", ONES[low]),
        _ => below_hundred(low),
    };
    format!("{} {low}", below_hundred(high))
}

/// Digit by digit; anything else in `digits` is passed over.
pub(crate) fn spell(digits: &str) -> String {
    let names = digits.chars().filter_map(|c| c.to_digit(10)).map(|d| ONES[d as usize]);
    names.collect::<Vec<_>>().join(" ")
}

/// A number with or without thousands commas and decimals: "1,234.5", ".75", "007"; several numbers if the commas do not
/// stand at the thousands.
pub(crate) fn number(written: &str, dialect: Dialect) -> String {
    let mut groups = written.split('.').next().unwrap_or_default().split(',').skip(1);
    if !groups.all(|group| group.len() == 3) {
        return written.split(',').map(|part| number(part, dialect)).collect::<Vec<_>>().join(" ");
    }
    let written = written.replace(',', "");
    let (whole, decimals) = written.split_once('.').unwrap_or((&written, ""));
    let whole_words = match whole {
        "" => String::new(),
        w if w.len() > 1 && w.starts_with('0') => spell(w),
        w => cardinal(w, dialect),
    };
    match (whole_words.as_str(), decimals) {
        (w, "") => w.to_owned(),
        ("", d) => format!("point {}", spell(d)),
        (w, d) => format!("{w} point {}", spell(d)),
    }
}

/// The plural of the last word: "forties", "nineteen hundreds".
pub(crate) fn plural(words: &str) -> String {
    match words.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if words.ends_with('x') => format!("{words}es"),
        None => format!("{words}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dialect::{American, British};

    #[test]
    fn cardinals_and_ordinals() {
        for (digits, american, british) in [
            ("0", "zero", "zero"),
            ("13", "thirteen", "thirteen"),
            ("45", "forty-five", "forty-five"),
            ("105", "one hundred five", "one hundred and five"),
            ("1000", "one thousand", "one thousand"),
            ("1005", "one thousand five", "one thousand and five"),
            (
                "123456",
                "one hundred twenty-three thousand four hundred fifty-six",
                "one hundred and twenty-three thousand four hundred and fifty-six",
            ),
            ("1000000001", "one billion one", "one billion and one"),
        ] {
            assert_eq!(cardinal(digits, American), american);
            assert_eq!(cardinal(digits, British), british);
        }
        for (digits, words) in [
            ("1", "first"),
            ("2", "second"),
            ("12", "twelfth"),
            ("20", "twentieth"),
            ("21", "twenty-first"),
            ("100", "one hundredth"),
            ("103", "one hundred third"),
            ("1000", "one thousandth"),
        ] {
            assert_eq!(ordinal(digits, American), words);
        }
    }

    #[test]
    fn years_decimals_plurals() {
        for (digits, words) in [
            ("1984", "nineteen eighty-four"),
            ("1905", "nineteen oh five"),
            ("1900", "nineteen hundred"),
            ("2000", "two thousand"),
            ("2005", "two thousand five"),
            ("2010", "twenty ten"),
            ("1066", "ten sixty-six"),
            ("1000", "one thousand"),
        ] {
            assert_eq!(year(digits, American), words);
        }
        assert_eq!(number("3.14", American), "three point one four");
        assert_eq!(number(".5", American), "point five");
        assert_eq!(number("1,234.50", American), "one thousand two hundred thirty-four point five zero");
        assert_eq!(number("007", American), "zero zero seven");
        assert_eq!(number("1,2,3", American), "one two three");
        assert_eq!(plural("nineteen sixty"), "nineteen sixties");
        assert_eq!(plural("nineteen hundred"), "nineteen hundreds");
        assert_eq!(number(&"9".repeat(50), American), ["nine"; 50].join(" "));
    }
}
