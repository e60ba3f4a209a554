//! Numbers, dates, times, money, units and signs in katakana.

use super::counters;
use super::marks::{UNITS, sign};
use super::numbers::{cardinal, decimal, digits, telephone};
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
    let before = scan.before(at);
    let after_number = before.is_some_and(|c| c.is_ascii_digit() || "%℃°年月日時分円".contains(c));
    if let Some(day) = day_of_the_week(scan, at) {
        return Some((day.to_owned(), at + 1));
    }
    match c {
        '￥' | '¥' | '$' | '€' | '£' | '￡' => money(scan, at).or_else(|| alone(c, at)),
        '-' | '−' | '－'
            if number_follows && !before.is_some_and(|c| c.is_ascii_alphanumeric() || ")-".contains(c)) =>
        {
            let (said, end) = expression(scan, at + 1);
            Some((format!("マイナス {said}"), end))
        }
        // misaki reads a wave dash before a number so.
        '〜' | '～' | '~' if number_follows => Some(("カラ".into(), at + 1)),
        '-' | '−' | '–' | '—' if number_follows && after_number => Some((between(scan, at).into(), at + 1)),
        '+' if number_follows => international(scan, at).or_else(|| alone(c, at)),
        '〒' => {
            let (groups, end) = scan.groups(at + 1, "-", 2, 2).or_else(|| scan.groups(at + 2, "-", 2, 2))?;
            let said: Vec<String> = groups.iter().map(|group| telephone(group)).collect();
            Some((format!("{} {}", sign(c)?, said.join(" ノ ")), end))
        }
        '+' | '&' if before.is_some_and(|c| c.is_ascii_alphabetic() || c == '+') => None,
        '+' | '#' if !(number_follows || before.is_some_and(char::is_alphanumeric)) => None,
        _ => alone(c, at),
    }
}

/// What a dash between two numbers is: minus, the "no" of an address, "against" in a score, or "from … to".
fn between(scan: Scan, at: usize) -> &'static str {
    let (left, right) = (scan.digits_before(at), scan.digits(at + 1));
    let place = at.checked_sub(left.len()).and_then(|start| scan.before(start));
    match scan.c(at + 1 + right.len()) {
        Some('=') => "ヒク",
        _ if left.is_empty() => "カラ",
        _ if place.is_some_and(|c| "区町村市目条丁".contains(c)) => "ノ",
        _ if scan.is_score(at) => "タイ",
        _ => "カラ",
    }
}

/// "+81 3 1234 5678".
fn international(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at + 1, " -", 2, 5)?;
    let is_telephone = (10..=14).contains(&groups.concat().len()) && groups[0].len() < 4;
    let said: Vec<String> = groups.iter().map(|group| telephone(group)).collect();
    is_telephone.then(|| (format!("プラス {}", said.join(" ノ ")), end))
}

/// The numbers of an address: 1-2-3.
fn address(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, "-", 3, 5)?;
    let short = groups.iter().all(|group| group.len() < 4 && !group.starts_with('0'));
    let said: Vec<String> = groups.iter().map(|group| cardinal(group)).collect();
    (short && scan.c(end) != Some('=')).then(|| (said.join(" ノ "), end))
}

/// "5/1(水)": a month and a day, if the day of the week follows.
fn month_and_day(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, "/", 2, 2)?;
    let weekday = scan.c(end + 1).is_some_and(|c| "月火水木金土日".contains(c));
    let closed = matches!((scan.c(end), scan.c(end + 2)), (Some('(' | '（'), Some(')' | '）' | '・')));
    let said = format!("{} {}", counted(&groups[0], &['月'])?, counted(&groups[1], &['日'])?);
    (weekday && closed).then_some((said, end))
}

/// "26日(木)": the day of the week behind a date.
fn day_of_the_week(scan: Scan, at: usize) -> Option<&'static str> {
    let opened = matches!(scan.before(at), Some('(' | '（'));
    let closed = matches!(scan.c(at + 1), Some(')' | '）' | '・'));
    let dated = at.checked_sub(1).and_then(|at| scan.before(at)).is_some_and(|c| c == '日' || c.is_ascii_digit());
    Some(match scan.c(at).filter(|_| opened && closed && dated)? {
        '月' => "ゲツヨービ",
        '火' => "カヨービ",
        '水' => "スイヨービ",
        '木' => "モクヨービ",
        '金' => "キンヨービ",
        '土' => "ドヨービ",
        '日' => "ニチヨービ",
        _ => return None,
    })
}

/// "1日3回", "1日中": a day, not the first of a month.
fn one_day(scan: Scan, at: usize) -> Option<Reading> {
    let alone = scan.digits(at) == "1" && scan.c(at + 1) == Some('日') && scan.before(at) != Some('月');
    if !alone {
        return None;
    } else if scan.c(at + 2) == Some('中') {
        return Some(("イチニチジュー".into(), at + 3));
    }
    let each = ["あたり", "当たり", "平均", "で"].iter().any(|word| scan.starts_with(at + 2, word));
    (each || scan.is_digit(at + 2)).then(|| ("イチニチ".into(), at + 2))
}

fn alone(c: char, at: usize) -> Option<Reading> {
    sign(c).map(|name| (name.to_owned(), at + 1))
}

/// What begins with a digit.
fn expression(scan: Scan, at: usize) -> Reading {
    telephone_number(scan, at)
        .or_else(|| date(scan, at))
        .or_else(|| address(scan, at))
        .or_else(|| month_and_day(scan, at))
        .or_else(|| one_day(scan, at))
        .or_else(|| version(scan, at))
        .or_else(|| time(scan, at))
        .or_else(|| fraction(scan, at))
        .unwrap_or_else(|| quantity(scan, at))
}

/// Numbers with an area code, mobile and free numbers.
fn telephone_number(scan: Scan, at: usize) -> Option<Reading> {
    let plain = scan.digits(at);
    if matches!(plain.len(), 10 | 11) && plain.starts_with('0') {
        return Some((telephone(&plain), at + plain.len()));
    }
    let (groups, end) = scan.groups(at, "-", 2, 4)?;
    let number = groups.concat();
    let is_telephone = groups[0].starts_with('0') && groups.len() > 2 && matches!(number.len(), 10 | 11);
    let said: Vec<String> = groups.iter().map(|group| telephone(group)).collect();
    is_telephone.then(|| (said.join(" ノ "), end))
}

/// 2024-01-15, 2024/1/15, 2024.1.15
fn date(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, "-/.", 3, 3)?;
    let [year, month, day] = groups.as_slice() else { return None };
    let in_range = |text: &str, most: u32| text.len() < 3 && text.parse().is_ok_and(|n: u32| (1..=most).contains(&n));
    if year.len() != 4 || !in_range(month, 12) || !in_range(day, 31) {
        return None;
    }
    let parts = [(year, '年'), (month, '月'), (day, '日')];
    let said: Option<Vec<String>> = parts.iter().map(|(number, unit)| counted(number, &[*unit])).collect();
    Some((said?.join(" "), end))
}

/// A number with a counter.
fn counted(number: &str, counter: &[char]) -> Option<String> {
    let number = number.trim_start_matches('0');
    counters::counter(counter).map(|(_, at)| counters::read(if number.is_empty() { "0" } else { number }, at))
}

/// 1.2.3, 192.168.1.1
fn version(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, ".", 3, usize::MAX)?;
    Some((groups.iter().map(|group| digits(group)).collect::<Vec<_>>().join(" テン "), end))
}

/// 15:30, 15:30:05; other numbers with a colon are a score or a ratio.
fn time(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, ":", 2, 3)?;
    let below = |text: &str, limit: u32| text.parse().is_ok_and(|n: u32| n < limit);
    if below(&groups[0], 25) && groups[0].len() < 3 && groups[1..].iter().all(|g| g.len() == 2 && below(g, 60)) {
        let mut said = counted(&groups[0], &['時'])?;
        if groups[1] != "00" || groups.len() > 2 {
            said = format!("{said} {}", counted(&groups[1], &['分'])?);
        }
        if let Some(second) = groups.get(2) {
            said = format!("{said} {}", counted(second, &['秒'])?);
        }
        return Some((said, end));
    }
    (groups.len() == 2).then(|| (format!("{} タイ {}", cardinal(&groups[0]), cardinal(&groups[1])), end))
}

/// 1/3
fn fraction(scan: Scan, at: usize) -> Option<Reading> {
    let (groups, end) = scan.groups(at, "/⁄", 2, 2)?;
    Some((format!("{} ブンノ {}", cardinal(&groups[1]), cardinal(&groups[0])), end))
}

/// `¥500`, `$3.5`
fn money(scan: Scan, at: usize) -> Option<Reading> {
    let unit = sign(scan.c(at)?)?;
    let (said, end, whole) = amount(scan, at + 1)?;
    let written = scan.c(end) == Some('円');
    let said = match whole.filter(|_| unit == "エン" && !written) {
        Some(number) => counted(&number, &['円'])?,
        None if written => return None,
        None => format!("{said} {unit}"),
    };
    Some((said, end))
}

/// A number with the powers of ten in kanji that follow it (3万5000, 1.5億): its reading, its end, and its digits if it is whole.
fn amount(scan: Scan, at: usize) -> Option<(String, usize, Option<String>)> {
    let Number { whole, fraction, end } = scan.number(at)?;
    if fraction.is_some() {
        let said = decimal(&whole, fraction.as_deref());
        let power = scan.c(end).and_then(|c| power(c).map(|_| cardinal_of_power(c)));
        return Some(match power {
            Some(power) => (format!("{said} {power}"), end + 1, None),
            None => (said, end, None),
        });
    }
    let Some(first) = scan.c(end).and_then(power).filter(|_| whole.len() <= 4) else {
        let known = !(whole.len() > 1 && whole.starts_with('0'));
        return Some(if known { (cardinal(&whole), end, Some(whole)) } else { (digits(&whole), end, None) });
    };
    let (mut value, mut at) = (whole.parse::<u64>().ok()? * first, end + 1);
    while let Some(number) = scan.number(at).filter(|n| n.fraction.is_none() && n.whole.len() <= 4) {
        let power = scan.c(number.end).and_then(power);
        value += number.whole.parse::<u64>().ok()? * power.unwrap_or(1);
        at = number.end + usize::from(power.is_some());
        if power.is_none() {
            break;
        }
    }
    let value = value.to_string();
    Some((cardinal(&value), at, Some(value)))
}

fn power(c: char) -> Option<u64> {
    Some(match c {
        '百' => 100,
        '千' => 1000,
        '万' => 10_000,
        '億' => 100_000_000,
        '兆' => 1_000_000_000_000,
        _ => return None,
    })
}

fn cardinal_of_power(c: char) -> &'static str {
    match c {
        '百' => "ヒャク",
        '千' => "セン",
        '万' => "マン",
        '億' => "オク",
        _ => "チョー",
    }
}

/// A number with its counter or unit.
fn quantity(scan: Scan, at: usize) -> Reading {
    let glued = scan.before(at).is_some_and(|c| c.is_ascii_alphabetic());
    let Some((said, end, whole)) = amount(scan, at) else { return (digits(&scan.digits(at)), at + 1) };
    let rest: Vec<char> = scan.0[end..].iter().take(8).map(|glyph| glyph.c).collect();
    if let Some((length, counter)) = counters::counter(&rest).filter(|_| !glued) {
        let said = match whole {
            Some(number) => counters::read(&number, counter),
            None => format!("{said} {}", counters::plain(counter)),
        };
        return (said, end + length);
    }
    let spaced = end + usize::from(scan.c(end) == Some(' ') && scan.is_latin(end + 1));
    let unit = UNITS.iter().filter(|_| !glued).find_map(|(written, name)| {
        let unit_end = spaced + written.chars().count();
        let is_word = written.ends_with(|c: char| c.is_ascii_alphabetic()) && scan.is_latin(unit_end);
        (scan.starts_with(spaced, written) && !is_word).then_some((*name, unit_end))
    });
    match unit {
        Some((name, end)) => (format!("{said} {name}"), end),
        None => (said, end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cjk::glyphs;

    fn said(text: &str) -> String {
        normalize(&glyphs(text, 0..text.len(), None)).iter().map(|glyph| glyph.c).collect()
    }

    /// The usual readings, as grammars list them.
    #[test]
    fn what_is_not_words_is_read() {
        for (text, reading) in [
            ("2024年1月15日", "ニセンニジューヨネンイチガツジューゴニチ"),
            ("午後3:30から", "午後サンジサンジュップンから"),
            ("9:00", "クジ"),
            ("￥1,500", "センゴヒャクエン"),
            ("3万5000円", "サンマンゴセンエン"),
            ("1.5億円", "イチテンゴオクエン"),
            ("50%", "ゴジューパーセント"),
            ("-5℃", "マイナスゴド"),
            ("1/3", "サンブンノイチ"),
            ("03-1234-5678", "ゼロサンノイチニーサンヨンノゴーロクナナハチ"),
            ("10〜20人", "ジューカラニジューニン"),
            ("180cm", "ヒャクハチジューセンチメートル"),
            ("3つの本", "ミッツの本"),
            ("007", "ゼロゼロナナ"),
            ("３個", "サンコ"),
            ("千代田区1-2-3", "千代田区イチノニノサン"),
            ("港区4-5", "港区ヨンノゴ"),
            ("10-4=6", "ジューヒクヨンイコールロク"),
            ("3-1で勝つ", "サンタイイチで勝つ"),
            ("5/1(水)", "ゴガツツイタチ(スイヨービ)"),
            ("26日（木）", "ニジューロクニチ（モクヨービ）"),
            ("1日3回", "イチニチサンカイ"),
            ("6:30-8:00", "ロクジサンジュップンカラハチジ"),
            ("1日中", "イチニチジュー"),
            ("5月1日中", "ゴガツツイタチ中"),
            ("+81 3 1234 5678", "プラスハチイチノサンノイチニーサンヨンノゴーロクナナハチ"),
            ("№5", "ナンバーゴ"),
            ("〒150-0001", "ユービンバンゴーイチゴーゼロノゼロゼロゼロイチ"),
        ] {
            assert_eq!(said(text).replace(' ', ""), reading, "{text}");
        }
    }
}
