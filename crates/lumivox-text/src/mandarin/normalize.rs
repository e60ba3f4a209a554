//! Numbers, dates, times, money, units and signs as Chinese characters. Plain numbers, years, fractions and percentages are read
//! as cn2an 0.5 reads them (`transform.py`); what it does not know, or reads against usage (telephone numbers, times, 2 before a
//! measure word, ranges), by rules of our own.

use super::marks::{MEASURES, UNITS, sign};
use super::numbers::{cardinal, decimal, digits};
use crate::cjk::{Glyph, Number, Scan, with_readings};

/// A reading and where what it reads ends.
type Reading = (String, usize);

/// The text with everything in it that is said otherwise than it is written.
pub(super) fn normalize(glyphs: &[Glyph]) -> Vec<Glyph> {
    with_readings(glyphs, reading)
}

fn reading(scan: Scan, at: usize) -> Option<Reading> {
    let c = scan.c(at)?;
    if c.is_ascii_digit() {
        return Some(expression(scan, at));
    }
    let number_follows = scan.is_digit(at + 1);
    match c {
        '￥' | '¥' | '$' | '€' | '£' | '￡' | '₩' => money(scan, at).or_else(|| alone(c, at)),
        '-' | '−' | '－' if number_follows && is_sign(scan, at) => negative(scan, at),
        '-' | '−' | '~' | '～' | '–' | '—' if number_follows && is_range(scan, at) => {
            Some((between(scan, at).into(), at + 1))
        }
        '-' | '−' if is_between_numbers(scan, at) => Some(("减".into(), at + 1)),
        '*' if is_between_numbers(scan, at) => Some(("乘".into(), at + 1)),
        '/' if is_between_numbers(scan, at) => Some(("除以".into(), at + 1)),
        '+' if number_follows && telephone(scan, at + 1).is_some() => telephone(scan, at + 1),
        // C++, AT&T and Q&A are words.
        '+' | '&' if scan.before(at).is_some_and(|c| c.is_ascii_alphabetic() || c == '+') => None,
        // A plus sign with nothing to add to is a bullet.
        '+' if !scan.before(at).is_some_and(char::is_alphanumeric) && !is_between_numbers(scan, at) => None,
        _ => alone(c, at),
    }
}

fn alone(c: char, at: usize) -> Option<Reading> {
    sign(c).map(|name| (name.to_owned(), at + 1))
}

/// Whether a hyphen is a minus sign: nothing that it could join stands before it.
fn is_sign(scan: Scan, at: usize) -> bool {
    !scan.before(at).is_some_and(|c| c.is_ascii_alphanumeric() || ")]%℃°-".contains(c))
}

/// Whether a dash stands between the two ends of a range.
fn is_range(scan: Scan, at: usize) -> bool {
    scan.before(at).is_some_and(|c| c.is_ascii_digit() || "%℃°年月日号点分时元米岁".contains(c))
}

/// What a dash between two numbers is: minus, the colon of a score, or "to".
fn between(scan: Scan, at: usize) -> &'static str {
    let (left, right) = (scan.digits_before(at), scan.digits(at + 1));
    let score = scan.is_score(at);
    match (scan.c(at), scan.c(at + 1 + right.len())) {
        (Some('-' | '−'), Some('=')) => "减",
        (Some('-' | '–'), _) if !left.is_empty() && (score || scan.ends_with(at - left.len(), "比分")) => "比",
        _ => "到",
    }
}

/// Whether the digits at `at` are a code and no quantity: behind a word that says so, or three and more behind a Latin letter.
fn is_code(scan: Scan, at: usize) -> bool {
    const CODES: [&str; 18] = [
        "邮编",
        "邮政编码",
        "密码",
        "验证码",
        "房间",
        "房号",
        "尾号",
        "代码",
        "账号",
        "编号",
        "学号",
        "工号",
        "车牌",
        "分机",
        "QQ",
        "微信",
        "卡号",
        "号码",
    ];
    const CALLS: [&str; 5] = ["拨打", "电话", "热线", "报警", "打"];
    let mut before = at;
    while scan.before(before).is_some_and(|c| " ：:是为".contains(c)) {
        before -= 1;
    }
    let digits = scan.digits(at).len();
    let glued = scan.before(at).is_some_and(|c| c.is_ascii_uppercase()) && digits > 2;
    let whole = !matches!(scan.c(at + digits), Some('.' | ',' | '%' | '个' | '元' | '块' | '人' | '名' | '号'));
    whole
        && digits > 2
        && (glued
            || CODES.iter().any(|word| scan.ends_with(before, word))
            || (digits < 6 && CALLS.iter().any(|word| scan.ends_with(before, word))))
}

fn is_between_numbers(scan: Scan, at: usize) -> bool {
    let (mut left, mut right) = (at, at + 1);
    while scan.before(left) == Some(' ') {
        left -= 1;
    }
    while scan.c(right) == Some(' ') {
        right += 1;
    }
    left.checked_sub(1).is_some_and(|left| scan.is_digit(left)) && scan.is_digit(right)
}

/// What begins with a digit.
fn expression(scan: Scan, at: usize) -> Reading {
    telephone(scan, at)
        .or_else(|| date(scan, at))
        .or_else(|| version(scan, at))
        .or_else(|| time(scan, at))
        .or_else(|| fraction(scan, at))
        .or_else(|| year(scan, at))
        .or_else(|| is_code(scan, at).then(|| (digits(&scan.digits(at), true), at + scan.digits(at).len())))
        .unwrap_or_else(|| quantity(scan, at, ""))
}

/// Mobile numbers of eleven digits, numbers with an area code, and service numbers (400-…).
fn telephone(scan: Scan, at: usize) -> Option<Reading> {
    let plain = scan.digits(at);
    let is_mobile =
        |number: &str| number.len() == 11 && number.starts_with('1') && matches!(number.as_bytes()[1], b'3'..=b'9');
    if is_mobile(&plain) && scan.c(at + 11) != Some('.') {
        return Some((digits(&plain, true), at + 11));
    }
    let (groups, end) = scan.groups(at, "- ", 2, 4)?;
    let lengths: Vec<usize> = groups.iter().map(String::len).collect();
    let is_telephone = match lengths.as_slice() {
        [3 | 4, 7 | 8] => groups[0].starts_with('0'),
        [3, 4, 4] => is_mobile(&groups.concat()) || groups[0].starts_with('0'),
        [3, 3, 4] | [4, 3, 3] => groups[0].starts_with(['4', '8', '1']),
        [2, 11] => is_mobile(&groups[1]),
        [2, 3, 4, 4] => is_mobile(&groups[1..].concat()),
        _ => false,
    };
    is_telephone.then(|| (digits(&groups.concat(), true), end))
}

/// 2024-01-15, 2024/1/15, 24/1/15, 2024.1.15
fn date(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, "-/.", 3, 3)?;
    let [year, month, day] = groups.as_slice() else { return None };
    let in_range = |text: &str, most: u32| text.len() < 3 && text.parse().is_ok_and(|n: u32| (1..=most).contains(&n));
    let years = year.len() == 4 || year.len() == 2 && scan.c(at + 2) == Some('/');
    let is_date = years && in_range(month, 12) && in_range(day, 31);
    is_date.then(|| (format!("{}年{}月{}日", digits(year, false), cardinal(month), cardinal(day)), end))
}

/// 1.2.3, 192.168.1.1
fn version(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, ".", 3, usize::MAX)?;
    Some((groups.iter().map(|group| digits(group, false)).collect::<Vec<_>>().join("点"), end))
}

/// 15:30, 15:30:05; other numbers with a colon are a score or a ratio.
fn time(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, ":", 2, 3)?;
    let below = |text: &str, limit: u32| text.parse().is_ok_and(|n: u32| n < limit);
    let sixty = |text: &String| text.len() == 2 && below(text, 60);
    if !(below(&groups[0], 25) && groups[0].len() < 3 && groups[1..].iter().all(sixty)) {
        return (groups.len() == 2).then(|| (format!("{}比{}", cardinal(&groups[0]), cardinal(&groups[1])), end));
    }
    let hour = if groups[0].parse() == Ok(2) { "两".to_owned() } else { cardinal(&groups[0]) };
    let part = |text: &str| if text.starts_with('0') { digits(text, false) } else { cardinal(text) };
    let mut said = hour + "点";
    match (groups[1].as_str(), groups.get(2)) {
        ("00", None) if scan.c(end) != Some('整') => said.push('整'),
        ("00", None) => {}
        (minute, second) => {
            said += &part(minute);
            said.push('分');
            if let Some(second) = second {
                said += &part(second);
                said.push('秒');
            }
        }
    }
    Some((said, end))
}

/// 1/3
fn fraction(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, "/⁄", 2, 2)?;
    Some((format!("{}分之{}", cardinal(&groups[1]), cardinal(&groups[0])), end))
}

/// Years are read digit by digit: of four digits, or of two that begin with 0 or before a month.
fn year(scan: Scan, at: usize) -> Option<Reading> {
    let year = scan.digits(at);
    let end = at + year.len();
    let month_follows = scan.is_digit(end + 1) && scan.c(end + 1 + scan.digits(end + 1).len()) == Some('月');
    let is_year = match year.len() {
        4 => true,
        2 => year.starts_with('0') && !matches!(scan.c(end), Some('月' | '日' | '号')) || month_follows,
        _ => false,
    };
    // "2020-2024年"
    let range = year.len() == 4
        && scan.c(end).is_some_and(|c| "-–—~～至到".contains(c))
        && scan.digits(end + 1).len() == 4
        && scan.c(end + 5) == Some('年');
    (is_year && (range || scan.c(end) == Some('年'))).then(|| (digits(&year, false), end))
}

/// `$5`, `￥25.80`, `$3亿`
fn money(scan: Scan, at: usize) -> Option<Reading> {
    let unit = sign(scan.c(at)?)?;
    let start = if scan.c(at + 1) == Some(' ') { at + 2 } else { at + 1 };
    let number = scan.number(start)?;
    let mut end = number.end;
    let mut said = decimal(&number.whole, number.fraction.as_deref());
    while let Some(c) = scan.c(end).filter(|c| "十百千万亿".contains(*c)) {
        said.push(c);
        end += 1;
    }
    // 元 may be written, too.
    let written = scan.starts_with(end, unit);
    Some((if written { said } else { said + unit }, end))
}

/// A number below zero; of degrees, 零下.
fn negative(scan: Scan, at: usize) -> Option<Reading> {
    if let Some((fraction, end)) = fraction(scan, at + 1) {
        return Some((format!("负{fraction}"), end));
    }
    let number = scan.number(at + 1)?;
    let degrees = unit(scan, number.end).is_some_and(|(name, _)| name.ends_with("氏度"));
    Some(quantity(scan, at + 1, if degrees { "零下" } else { "负" }))
}

/// The unit of measure at `at`, and where it ends.
fn unit(scan: Scan, at: usize) -> Option<(&'static str, usize)> {
    let fits = |written: &str, at: usize| {
        let end = at + written.chars().count();
        let is_word = written.ends_with(|c: char| c.is_ascii_alphabetic()) && scan.is_latin(end);
        (scan.starts_with(at, written) && !is_word).then_some(end)
    };
    let spaced = if scan.c(at) == Some(' ') && scan.is_latin(at + 1) { at + 1 } else { at };
    UNITS.iter().find_map(|(written, name)| fits(written, spaced).map(|end| (*name, end)))
}

/// A number with its unit or per cent sign; `sign` is said before it.
fn quantity(scan: Scan, at: usize, sign: &str) -> Reading {
    let Number { whole, fraction, end } =
        scan.number(at).unwrap_or_else(|| Number { whole: scan.digits(at), fraction: None, end: at + 1 });
    let glued = scan.before(at).is_some_and(|c| c.is_ascii_alphabetic());
    let dated = whole.len() == 2 && matches!(scan.c(end), Some('月' | '日' | '号'));
    let mut said = if whole.len() > 1 && whole.starts_with('0') && fraction.is_none() && !dated {
        digits(&whole, false)
    } else {
        decimal(&whole, fraction.as_deref())
    };
    if let Some((_, parts)) = [('%', "百分之"), ('‰', "千分之")].iter().find(|(c, _)| scan.c(end) == Some(*c)) {
        return (format!("{parts}{sign}{said}"), end + 1);
    }
    let measured = (!glued).then(|| unit(scan, end)).flatten();
    let before_measure = measured.map_or_else(
        || MEASURES.iter().any(|word| scan.starts_with(end, word)),
        |(name, _)| MEASURES.contains(&name) || name.contains('米'),
    );
    if whole == "2" && fraction.is_none() && before_measure && scan.before(at) != Some('第') && sign.is_empty() {
        said = "两".to_owned();
    }
    match measured {
        Some((name, end)) => (format!("{sign}{said}{name}"), end),
        None => (format!("{sign}{said}"), end),
    }
}

#[cfg(test)]
#[path = "normalize_tests.rs"]
mod tests;
