//! Numbers with what they count: 三本 is サンボン, 四時 is ヨジ.

use super::numbers::cardinal;

/// How the end of a number and the beginning of a counter change each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Not at all.
    None,
    /// か行: イッカイ, ロッカイ, ハッカイ, ジュッカイ, ヒャッカイ.
    K,
    /// か行, and サンガイ.
    KG,
    /// さ行 and た行: イッサツ, ハッサツ, ジュッサツ.
    S,
    /// さ行, and サンゾク.
    SZ,
    /// は行: イッポン, サンボン, ロッポン, ハッポン, ジュッポン, ヒャッポン.
    HB,
    /// は行: イップン, サンプン, ヨンプン, ロップン, ハップン, ジュップン.
    HP,
    /// ぱ行: イッページ, ハッページ, ジュッページ.
    P,
    /// 円, 年, 時: ヨ for 4.
    Yo,
    /// 時: ヨジ, シチジ, クジ.
    Hour,
    /// 月: シガツ, シチガツ, クガツ.
    Month,
    /// 人: ヒトリ, フタリ, ヨニン.
    People,
    /// 日: ツイタチ, フツカ …
    Day,
    /// つ: ヒトツ, フタツ …
    Things,
}

use Change::{Day, HB, HP, Hour, K, KG, Month, P, People, S, SZ, Things, Yo};

/// Counters as written, longer ones before what they begin with.
const COUNTERS: &[(&str, &str, Change)] = &[
    ("年間", "ネンカン", Yo),
    ("年生", "ネンセー", Yo),
    ("年代", "ネンダイ", Yo),
    ("年度", "ネンド", Yo),
    ("年", "ネン", Yo),
    ("時間", "ジカン", Hour),
    ("時", "ジ", Hour),
    ("分間", "フンカン", HP),
    ("分", "フン", HP),
    ("秒間", "ビョーカン", Change::None),
    ("秒", "ビョー", Change::None),
    ("か月", "カゲツ", K),
    ("ヶ月", "カゲツ", K),
    ("カ月", "カゲツ", K),
    ("ケ月", "カゲツ", K),
    ("ヵ月", "カゲツ", K),
    ("か国", "カコク", K),
    ("ヶ国", "カコク", K),
    ("カ国", "カコク", K),
    ("か所", "カショ", K),
    ("ヶ所", "カショ", K),
    ("カ所", "カショ", K),
    ("箇所", "カショ", K),
    ("週間", "シューカン", S),
    ("月", "ガツ", Month),
    ("日間", "カカン", Day),
    ("日", "カ", Day),
    ("人", "ニン", People),
    ("名", "メー", Change::None),
    ("円", "エン", Yo),
    ("つ", "ツ", Things),
    ("個", "コ", K),
    ("回", "カイ", K),
    ("階", "カイ", KG),
    ("件", "ケン", K),
    ("軒", "ケン", KG),
    ("曲", "キョク", K),
    ("巻", "カン", K),
    ("級", "キュー", K),
    ("機", "キ", K),
    ("国", "コク", K),
    ("歳", "サイ", S),
    ("才", "サイ", S),
    ("冊", "サツ", S),
    ("隻", "セキ", S),
    ("足", "ソク", SZ),
    ("世紀", "セーキ", S),
    ("章", "ショー", S),
    ("周年", "シューネン", S),
    ("周", "シュー", S),
    ("種類", "シュルイ", S),
    ("社", "シャ", S),
    ("頭", "トー", S),
    ("点", "テン", S),
    ("着", "チャク", S),
    ("丁目", "チョーメ", S),
    ("通", "ツー", S),
    ("トン", "トン", S),
    ("本", "ホン", HB),
    ("匹", "ヒキ", HB),
    ("杯", "ハイ", HB),
    ("泊", "ハク", HP),
    ("発", "ハツ", HP),
    ("ページ", "ページ", P),
    ("パーセント", "パーセント", P),
    ("ポイント", "ポイント", P),
    ("枚", "マイ", Change::None),
    ("台", "ダイ", Change::None),
    ("番", "バン", Change::None),
    ("度", "ド", Change::None),
    ("倍", "バイ", Change::None),
    ("号", "ゴー", Change::None),
    ("位", "イ", Change::None),
    ("割", "ワリ", Change::None),
    ("話", "ワ", Change::None),
    ("羽", "ワ", Change::None),
    ("歩", "ホ", HP),
    ("万円", "マンエン", Change::None),
    ("億円", "オクエン", Change::None),
    ("ドル", "ドル", Change::None),
    ("ユーロ", "ユーロ", Change::None),
    ("メートル", "メートル", Change::None),
    ("キロメートル", "キロメートル", K),
    ("センチメートル", "センチメートル", S),
    ("キロ", "キロ", K),
    ("グラム", "グラム", Change::None),
];

/// The counter that `text` begins with: its length in characters, and its number.
pub(super) fn counter(text: &[char]) -> Option<(usize, usize)> {
    let fits = |written: &str| written.chars().count() <= text.len() && written.chars().zip(text).all(|(a, b)| a == *b);
    let fitting = COUNTERS.iter().enumerate().filter(|(_, (written, ..))| fits(written));
    fitting.map(|(at, (written, ..))| (written.chars().count(), at)).max_by_key(|(length, _)| *length)
}

/// The counter `at` without a number.
pub(super) fn plain(at: usize) -> &'static str {
    COUNTERS[at].1
}

/// The reading of `number`, in ASCII digits, with the counter `at`; a blank between them where they are words of their own.
pub(super) fn read(number: &str, at: usize) -> String {
    let (_, counter, change) = COUNTERS[at];
    let value: u64 = number.parse().unwrap_or(u64::MAX);
    match change {
        Day => return day(number, value, counter),
        Things => {
            if let Some(said) = value.checked_sub(1).and_then(|at| NATIVE.get(at as usize)) {
                return (*said).to_owned();
            }
        }
        People if value == 1 => return "ヒトリ".to_owned(),
        People if value == 2 => return "フタリ".to_owned(),
        _ => {}
    }
    let said = ending_changed(&cardinal(number), change);
    format!("{said} {}", beginning_changed(counter, number, change))
}

const NATIVE: [&str; 10] =
    ["ヒトツ", "フタツ", "ミッツ", "ヨッツ", "イツツ", "ムッツ", "ナナツ", "ヤッツ", "ココノツ", "トー"];

/// Days of the month, and numbers of days.
fn day(number: &str, value: u64, counter: &str) -> String {
    const DAYS: [&str; 10] =
        ["ツイタチ", "フツカ", "ミッカ", "ヨッカ", "イツカ", "ムイカ", "ナノカ", "ヨーカ", "ココノカ", "トーカ"];
    let more = counter.trim_start_matches('カ');
    let more = if counter == "カカン" { "カン" } else { more };
    match value {
        1 if !more.is_empty() => format!("イチニチ{more}"),
        1..=10 => format!("{}{more}", DAYS[value as usize - 1]),
        14 => format!("ジューヨッカ{more}"),
        20 => format!("ハツカ{more}"),
        24 => format!("ニジューヨッカ{more}"),
        _ => format!("{} ニチ{more}", cardinal(number)),
    }
}

/// The number before the counter.
fn ending_changed(said: &str, change: Change) -> String {
    let endings: &[(&str, &str)] = match change {
        K | KG => &[
            ("イチ", "イッ"),
            ("ロク", "ロッ"),
            ("ハチ", "ハッ"),
            ("ジュー", "ジュッ"),
            ("ヒャク", "ヒャッ"),
            ("ビャク", "ビャッ"),
            ("ピャク", "ピャッ"),
        ],
        HB | HP => &[
            ("イチ", "イッ"),
            ("ロク", "ロッ"),
            ("ハチ", "ハッ"),
            ("ジュー", "ジュッ"),
            ("ヒャク", "ヒャッ"),
            ("ビャク", "ビャッ"),
            ("ピャク", "ピャッ"),
        ],
        S | SZ | P => &[("イチ", "イッ"), ("ハチ", "ハッ"), ("ジュー", "ジュッ")],
        Yo | People => &[("ヨン", "ヨ")],
        Hour => &[("ゼロ", "レー"), ("ヨン", "ヨ"), ("ナナ", "シチ"), ("キュー", "ク")],
        Month => &[("ヨン", "シ"), ("ナナ", "シチ"), ("キュー", "ク")],
        Change::None | Day | Things => &[],
    };
    let changed = endings.iter().find_map(|(end, other)| said.strip_suffix(end).map(|rest| format!("{rest}{other}")));
    changed.unwrap_or_else(|| said.to_owned())
}

/// The counter after the number.
fn beginning_changed(counter: &str, number: &str, change: Change) -> String {
    let last = number.trim_end_matches('0').chars().next_back();
    let zeros = number.len() - number.trim_end_matches('0').len();
    let (first, rest) = counter.split_at(counter.chars().next().map_or(0, char::len_utf8));
    let three = zeros == 0 && last == Some('3') || zeros >= 3;
    let short = match zeros {
        0 => matches!(last, Some('1' | '6' | '8')),
        1 | 2 => true,
        _ => false,
    };
    let four = zeros == 0 && last == Some('4');
    let first = match (change, first) {
        (KG, "カ") if three => "ガ",
        (KG, "ケ") if three => "ゲ",
        (SZ, "ソ") if three => "ゾ",
        (HB, first) if three => soft(first),
        (HB, first) if short => hard(first),
        (HP, first) if three || short || four => hard(first),
        (_, first) => first,
    };
    format!("{first}{rest}")
}

fn soft(kana: &str) -> &str {
    match kana {
        "ハ" => "バ",
        "ヒ" => "ビ",
        "フ" => "ブ",
        "ホ" => "ボ",
        other => other,
    }
}

fn hard(kana: &str) -> &str {
    match kana {
        "ハ" => "パ",
        "ヒ" => "ピ",
        "フ" => "プ",
        "ホ" => "ポ",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let digits = text.chars().take_while(char::is_ascii_digit).count();
        let rest: Vec<char> = text.chars().skip(digits).collect();
        read(&text[..digits], counter(&rest).unwrap().1)
    }

    /// The usual readings, as grammars list them.
    #[test]
    fn sounds_change() {
        for (text, reading) in [
            ("1本", "イッポン"),
            ("3本", "サンボン"),
            ("4本", "ヨンホン"),
            ("10本", "ジュッポン"),
            ("100本", "ヒャッポン"),
            ("1000本", "センボン"),
            ("3階", "サンガイ"),
            ("6回", "ロッカイ"),
            ("8歳", "ハッサイ"),
            ("20歳", "ニジュッサイ"),
            ("3匹", "サンビキ"),
            ("4分", "ヨンプン"),
            ("5分", "ゴフン"),
            ("30分", "サンジュップン"),
            ("4時", "ヨジ"),
            ("9時間", "クジカン"),
            ("7月", "シチガツ"),
            ("14人", "ジューヨニン"),
            ("2人", "フタリ"),
            ("1日", "ツイタチ"),
            ("1日間", "イチニチカン"),
            ("3日間", "ミッカカン"),
            ("20日", "ハツカ"),
            ("15日", "ジューゴニチ"),
            ("3つ", "ミッツ"),
            ("2024年", "ニセンニジューヨネン"),
            ("6か月", "ロッカゲツ"),
            ("500円", "ゴヒャクエン"),
            ("1ページ", "イッページ"),
        ] {
            assert_eq!(said(text).replace(' ', ""), reading, "{text}");
        }
    }
}
