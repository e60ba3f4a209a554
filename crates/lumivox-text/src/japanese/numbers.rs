//! Numbers in katakana.

/// Readings of digits one by one.
const DIGITS: [&str; 10] = ["ゼロ", "イチ", "ニ", "サン", "ヨン", "ゴ", "ロク", "ナナ", "ハチ", "キュー"];
const MYRIADS: [&str; 5] = ["", "マン", "オク", "チョー", "ケー"];

/// Longest number that has a name.
pub(super) const MAX_DIGITS: usize = 4 * MYRIADS.len();

/// Digit by digit; what is no digit is left out.
pub(super) fn digits(digits: &str) -> String {
    digits.chars().filter_map(|c| c.to_digit(10)).map(|digit| DIGITS[digit as usize]).collect()
}

/// Digit by digit, as telephone numbers are said: ニー and ゴー.
pub(super) fn telephone(number: &str) -> String {
    let said = |digit: u32| match digit {
        2 => "ニー",
        5 => "ゴー",
        _ => DIGITS[digit as usize],
    };
    number.chars().filter_map(|c| c.to_digit(10)).map(said).collect()
}

/// A whole number, with blanks between its powers of ten; longer ones than [`MAX_DIGITS`] digit by digit.
pub(super) fn cardinal(number: &str) -> String {
    let number = number.trim_start_matches('0');
    if number.is_empty() {
        return DIGITS[0].to_owned();
    }
    if number.len() > MAX_DIGITS {
        return digits(number);
    }
    let values: Vec<usize> = number.chars().filter_map(|c| c.to_digit(10)).map(|digit| digit as usize).collect();
    let mut said: Vec<String> = Vec::new();
    let first = values.len() % 4;
    let groups = [&values[..first]].into_iter().filter(|group| !group.is_empty()).chain(values[first..].chunks(4));
    let count = values.len().div_ceil(4);
    for (index, group) in groups.enumerate() {
        let myriad = count - index - 1;
        let thousands = group_below_myriad(group, myriad);
        if !thousands.is_empty() {
            said.push(joined(&thousands, MYRIADS[myriad]));
        }
    }
    said.join(" ")
}

/// 1 to 9999.
fn group_below_myriad(group: &[usize], myriad: usize) -> String {
    let mut said: Vec<String> = Vec::new();
    for (at, &digit) in group.iter().enumerate() {
        said.push(match (group.len() - at - 1, digit) {
            (_, 0) => String::new(),
            (0, digit) => DIGITS[digit].to_owned(),
            (1, 1) => "ジュー".to_owned(),
            (1, digit) => format!("{}ジュー", DIGITS[digit]),
            (2, 1) => "ヒャク".to_owned(),
            (2, 3) => "サンビャク".to_owned(),
            (2, 6) => "ロッピャク".to_owned(),
            (2, 8) => "ハッピャク".to_owned(),
            (2, digit) => format!("{}ヒャク", DIGITS[digit]),
            (_, 1) if myriad > 0 && group.len() == 4 => "イッセン".to_owned(),
            (_, 1) => "セン".to_owned(),
            (_, 3) => "サンゼン".to_owned(),
            (_, 8) => "ハッセン".to_owned(),
            (_, digit) => format!("{}セン", DIGITS[digit]),
        });
    }
    said.retain(|part| !part.is_empty());
    said.join(" ")
}

/// A number before its power of ten thousand: 一兆 is イッチョー.
fn joined(number: &str, myriad: &str) -> String {
    if myriad.starts_with("チ") {
        for (end, short) in [("イチ", "イッ"), ("ハチ", "ハッ"), ("ジュー", "ジュッ")] {
            if let Some(rest) = number.strip_suffix(end) {
                return format!("{rest}{short}{myriad}");
            }
        }
    }
    format!("{number}{myriad}")
}

/// A whole number or a decimal one.
pub(super) fn decimal(whole: &str, fraction: Option<&str>) -> String {
    let Some(fraction) = fraction else { return cardinal(whole) };
    let mut said = cardinal(whole);
    if let Some(rest) = said.strip_suffix("ジュー") {
        said = format!("{rest}ジュッ");
    }
    let said = match whole.trim_start_matches('0') {
        "" => "レー".to_owned(),
        _ => said,
    };
    format!("{said} テン {}", digits(fraction))
}

/// The digits of a number in kanji, such as 二十三 or 一九九八.
pub(super) fn of_kanji(number: &str) -> Option<String> {
    const KANJI: &str = "〇一二三四五六七八九";
    let digit = |c: char| KANJI.chars().position(|kanji| kanji == c).or((c == '零').then_some(0));
    if number.chars().all(|c| digit(c).is_some()) {
        return Some(number.chars().filter_map(digit).map(|digit| digit.to_string()).collect());
    }
    let (mut total, mut myriads, mut last) = (0_u64, 0_u64, None);
    for c in number.chars() {
        if let Some(value) = digit(c) {
            if last.is_some() {
                return None;
            }
            last = Some(value as u64);
            continue;
        }
        let unit = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            '万' => 10_000,
            '億' => 100_000_000,
            '兆' => 1_000_000_000_000,
            _ => return None,
        };
        if unit < 10_000 {
            total += last.take().unwrap_or(1) * unit;
        } else {
            total += last.take().unwrap_or(0);
            myriads += total.max(1) * unit;
            total = 0;
        }
    }
    Some((myriads + total + last.unwrap_or(0)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_names() {
        for (number, said) in [
            ("0", "ゼロ"),
            ("10", "ジュー"),
            ("21", "ニジューイチ"),
            ("300", "サンビャク"),
            ("1000", "セン"),
            ("3600", "サンゼンロッピャク"),
            ("8808", "ハッセンハッピャクハチ"),
            ("10000", "イチマン"),
            ("11000000", "イッセンヒャクマン"),
            ("1000000000000", "イッチョー"),
            ("2024", "ニセンニジューヨン"),
            ("100000001", "イチオクイチ"),
        ] {
            assert_eq!(cardinal(number).replace(' ', ""), said, "{number}");
        }
        assert_eq!(decimal("3", Some("14")), "サン テン イチヨン");
        assert_eq!(decimal("10", Some("5")), "ジュッ テン ゴ");
        assert_eq!(decimal("0", Some("5")), "レー テン ゴ");
        assert_eq!(telephone("0125"), "ゼロイチニーゴー");
    }

    #[test]
    fn kanji_are_numbers() {
        for (kanji, number) in
            [("二十三", "23"), ("百", "100"), ("一九九八", "1998"), ("三万五千", "35000"), ("一億二千万", "120000000")]
        {
            assert_eq!(of_kanji(kanji).as_deref(), Some(number));
        }
        assert_eq!((of_kanji("二三十"), of_kanji("何")), (None, None));
    }
}
