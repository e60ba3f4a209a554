//! Numbers in Chinese characters, as cn2an 0.5 writes them (`an2cn.py`).

const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
const UNITS: [&str; 16] =
    ["", "十", "百", "千", "万", "十", "百", "千", "亿", "十", "百", "千", "万", "十", "百", "千"];

/// Longest number that has a name.
pub(super) const MAX_DIGITS: usize = UNITS.len();

/// Digit by digit; `1` as 幺 if `telephone`.
pub(super) fn digits(digits: &str, telephone: bool) -> String {
    let said = |c: char| match c.to_digit(10) {
        Some(1) if telephone => '幺',
        Some(digit) => DIGITS[digit as usize],
        None => '点',
    };
    digits.chars().map(said).collect()
}

/// A whole number of at most [`MAX_DIGITS`] digits; longer ones digit by digit.
pub(super) fn cardinal(number: &str) -> String {
    let number = number.trim_start_matches('0');
    if number.len() > MAX_DIGITS {
        return digits(number, false);
    }
    let mut said = String::new();
    for (at, c) in number.chars().enumerate() {
        let place = number.len() - at - 1;
        let digit = c.to_digit(10).unwrap_or(0) as usize;
        if digit > 0 {
            said.push(DIGITS[digit]);
            said += UNITS[place];
            continue;
        }
        if place.is_multiple_of(4) {
            said.push('零');
            said += UNITS[place];
        }
        if !said.ends_with('零') {
            said.push('零');
        }
    }
    let said = said.replace("零零", "零").replace("零万", "万").replace("零亿", "亿").replace("亿万", "亿");
    let mut said = without_idle_zero(said.trim_matches('零'));
    if said.starts_with("一十") {
        said.remove(0);
    }
    if said.is_empty() { DIGITS[0].to_string() } else { said }
}

/// Leaves out 零 between 万 or 亿 and a full group of thousands.
fn without_idle_zero(said: &str) -> String {
    let all: Vec<char> = said.chars().collect();
    let is_idle = |at: usize| {
        all[at] == '零'
            && at.checked_sub(1).is_some_and(|before| "万亿".contains(all[before]))
            && all.get(at + 1).is_some_and(|c| DIGITS[1..].contains(c))
            && all.get(at + 2) == Some(&'千')
    };
    (0..all.len()).filter(|at| !is_idle(*at)).map(|at| all[at]).collect()
}

/// A whole number or a decimal one.
pub(super) fn decimal(whole: &str, fraction: Option<&str>) -> String {
    let mut said = cardinal(whole);
    if let Some(fraction) = fraction {
        said.push('点');
        said += &digits(fraction, false);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: cn2an 0.5.24, by `tools/reference/misaki_mandarin.py`.
    #[test]
    fn numbers_are_cn2ans() {
        let mut lines = 0;
        for line in include_str!("../../tests/data/mandarin_numbers.tsv").lines() {
            let (number, said) = line.split_once('\t').unwrap_or_default();
            let (whole, fraction) = number.split_once('.').map_or((number, None), |(w, f)| (w, Some(f)));
            assert_eq!(decimal(whole, fraction), said, "{number}");
            lines += 1;
        }
        assert!(lines >= 200);
    }

    #[test]
    fn telephone_numbers_say_one_as_yao() {
        assert_eq!(digits("110", true), "幺幺零");
    }
}
