//! Punctuation and signs.

/// How a mark stands between words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A blank before it.
    Opens,
    /// A blank after it, none before it.
    Closes,
    /// A blank after it.
    Apart,
}

/// A mark: where it stands and its symbol, as in misaki 0.9.4 (`cutlet.py`: `HEPBURN`, `_romaji_tokens`). Brackets have none: misaki
/// writes signs for them that Kokoro does not have.
pub(super) fn mark(c: char) -> Option<(Place, &'static str)> {
    Some(match c {
        '。' | '.' | '．' | '｡' => (Place::Closes, "."),
        '、' | '，' | ',' | '､' => (Place::Closes, ","),
        '？' | '?' => (Place::Closes, "?"),
        '！' | '!' => (Place::Closes, "!"),
        '：' | ':' => (Place::Closes, ":"),
        '；' | ';' => (Place::Apart, ";"),
        '「' | '『' | '«' | '“' | '｢' => (Place::Opens, "“"),
        '」' | '』' | '»' | '”' | '｣' => (Place::Closes, "”"),
        '（' | '《' | '【' | '(' | '[' | '［' | '〈' | '〔' => (Place::Opens, ""),
        '）' | '》' | '】' | ')' | ']' | '］' | '〉' | '〕' => (Place::Closes, ""),
        '～' | '〜' | '—' | '―' | '–' => (Place::Apart, "—"),
        '…' | '‥' => (Place::Apart, "…"),
        '"' | '＂' => (Place::Apart, "\""),
        '・' => (Place::Apart, ""),
        _ => return None,
    })
}

/// What a sign is called.
pub(super) fn sign(c: char) -> Option<&'static str> {
    Some(match c {
        '%' => "パーセント",
        '‰' => "パーミル",
        '℃' | '°' => "ド",
        '℉' => "カシド",
        '+' => "プラス",
        '=' => "イコール",
        '×' => "カケル",
        '÷' => "ワル",
        '±' => "プラスマイナス",
        '<' => "ショーナリ",
        '>' => "ダイナリ",
        '&' => "アンド",
        '№' => "ナンバー",
        '@' => "アットマーク",
        '#' => "シャープ",
        '￥' | '¥' => "エン",
        '$' => "ドル",
        '€' => "ユーロ",
        '£' | '￡' => "ポンド",
        '〒' => "ユービンバンゴー",
        '∞' => "ムゲンダイ",
        '√' => "ルート",
        '※' => "コメ",
        _ => return None,
    })
}

/// Units of measure, as written after a number.
pub(super) const UNITS: &[(&str, &str)] = &[
    ("km/h", "キロメートルマイジ"),
    ("km²", "ヘーホーキロメートル"),
    ("m²", "ヘーホーメートル"),
    ("m³", "リッポーメートル"),
    ("km2", "ヘーホーキロメートル"),
    ("m2", "ヘーホーメートル"),
    ("m3", "リッポーメートル"),
    ("km", "キロメートル"),
    ("cm", "センチメートル"),
    ("mm", "ミリメートル"),
    ("kg", "キログラム"),
    ("mg", "ミリグラム"),
    ("ml", "ミリリットル"),
    ("mL", "ミリリットル"),
    ("kWh", "キロワットジ"),
    ("kW", "キロワット"),
    ("kHz", "キロヘルツ"),
    ("MHz", "メガヘルツ"),
    ("GHz", "ギガヘルツ"),
    ("Hz", "ヘルツ"),
    ("KB", "キロバイト"),
    ("MB", "メガバイト"),
    ("GB", "ギガバイト"),
    ("TB", "テラバイト"),
    ("°C", "ド"),
    ("°F", "ド"),
    ("m", "メートル"),
    ("g", "グラム"),
    ("t", "トン"),
    ("L", "リットル"),
    ("l", "リットル"),
    ("W", "ワット"),
    ("V", "ボルト"),
    ("%", "パーセント"),
    ("‰", "パーミル"),
    ("℃", "ド"),
    ("℉", "ド"),
    ("°", "ド"),
];
