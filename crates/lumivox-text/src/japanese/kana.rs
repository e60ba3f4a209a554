//! Hiragana as Kokoro's symbols: the table and the rules of misaki 0.9.4 (`cutlet.py`, `HEPBURN`, `_get_single_mapping`).

/// Small letters that change the sound of the one before them.
const SMALL: &str = "ゃゅょぁぃぅぇぉ";

/// Katakana as hiragana; other characters as they are.
pub(super) fn hiragana(text: &str) -> String {
    let one = |c: char| match c {
        'ァ'..='ヶ' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        'ㇰ'..='ㇿ' => EXTENSIONS.chars().nth((u32::from(c) - 0x31F0) as usize).unwrap_or(c),
        _ => c,
    };
    text.chars().map(one).collect()
}

/// What the small katakana of Ainu are read as, in their order.
const EXTENSIONS: &str = "くしすとぬはひふへほむらりるれろ";

/// Whether `c` is kana.
pub(super) fn is_kana(c: char) -> bool {
    matches!(c, 'ぁ'..='ゖ' | 'ゝ' | 'ゞ' | 'ァ'..='ヺ' | 'ー' | 'ヽ' | 'ヾ' | 'ㇰ'..='ㇿ')
}

fn single(c: char) -> Option<&'static str> {
    SINGLES.iter().find(|(kana, _)| *kana == c).map(|(_, symbols)| *symbols)
}

fn pair(first: char, second: char) -> Option<&'static str> {
    let is_pair = |kana: &str| kana.chars().eq([first, second]);
    PAIRS.iter().find(|(kana, _)| is_pair(kana)).map(|(_, symbols)| *symbols)
}

/// The symbols of `text`, of which what is not kana has none. Blanks stay, but not beside a stop (っ), as in misaki.
pub(super) fn symbols(text: &str) -> String {
    let kana: Vec<char> = hiragana(text).replace("っ ", "っ").replace(" っ", "っ").chars().collect();
    let mut symbols = String::new();
    for (at, &c) in kana.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| kana[at]);
        let after = kana.get(at + 1).copied();
        push(&mut symbols, before, c, after);
    }
    symbols
}

fn push(symbols: &mut String, before: Option<char>, c: char, after: Option<char>) {
    if matches!(c, 'ゝ' | 'ゞ' | '々' | '〃') {
        // The letter before it again.
        let again = before.filter(|_| c == 'ゝ' || c == 'ゞ').map(|b| if c == 'ゞ' { voiced(b) } else { b });
        *symbols += again.and_then(single).unwrap_or_default();
    } else if let Some(sound) = before.and_then(|before| pair(before, c)) {
        *symbols += sound;
    } else if after.is_some_and(|after| pair(c, after).is_some()) {
        // With the next.
    } else if let Some((small, sound)) = after.filter(|after| SMALL.contains(*after)).zip(single(c)) {
        // A pair that is in no table: the vowel of the first gives way.
        let vowel = sound.char_indices().next_back().map_or(0, |(at, _)| at);
        *symbols += &sound[..vowel];
        *symbols += single(small).unwrap_or_default();
    } else if SMALL.contains(c) && before.is_some_and(|before| single(before).is_some()) {
        // With the one before.
    } else {
        *symbols += match c {
            'ー' => "ː",
            'っ' => "ʔ",
            ' ' => " ",
            'ん' => nasal(after.and_then(single).unwrap_or_default()),
            _ => single(c).unwrap_or_default(),
        };
    }
}

/// ん before the sound `next`.
fn nasal(next: &str) -> &'static str {
    match next.chars().next() {
        Some('m' | 'p' | 'b') => "m",
        Some('k' | 'ɡ') => "ŋ",
        Some('ɲ' | 'ʨ' | 'ʥ') => "ɲ",
        Some('n' | 't' | 'd' | 'ɾ' | 'z') => "n",
        _ => "ɴ",
    }
}

fn voiced(c: char) -> char {
    const PLAIN: &str = "かきくけこさしすせそたちつてとはひふへほ";
    const VOICED: &str = "がぎぐげござじずぜぞだぢづでどばびぶべぼ";
    PLAIN.chars().zip(VOICED.chars()).find(|(plain, _)| *plain == c).map_or(c, |(_, voiced)| voiced)
}

#[rustfmt::skip]
const SINGLES: &[(char, &str)] = &[
    ('ぁ', "a"), ('あ', "a"), ('ぃ', "i"), ('い', "i"), ('ぅ', "ɯ"), ('う', "ɯ"), ('ぇ', "e"), ('え', "e"), ('ぉ', "o"),
    ('お', "o"), ('か', "ka"), ('が', "ɡa"), ('き', "kʲi"), ('ぎ', "ɡʲi"), ('く', "kɯ"), ('ぐ', "ɡɯ"), ('け', "ke"),
    ('げ', "ɡe"), ('こ', "ko"), ('ご', "ɡo"), ('さ', "sa"), ('ざ', "ʣa"), ('し', "ɕi"), ('じ', "ʥi"), ('す', "sɨ"),
    ('ず', "zɨ"), ('せ', "se"), ('ぜ', "ʣe"), ('そ', "so"), ('ぞ', "ʣo"), ('た', "ta"), ('だ', "da"), ('ち', "ʨi"),
    ('ぢ', "ʥi"), ('つ', "ʦɨ"), ('づ', "zɨ"), ('て', "te"), ('で', "de"), ('と', "to"), ('ど', "do"), ('な', "na"),
    ('に', "ɲi"), ('ぬ', "nɯ"), ('ね', "ne"), ('の', "no"), ('は', "ha"), ('ば', "ba"), ('ぱ', "pa"), ('ひ', "çi"),
    ('び', "bʲi"), ('ぴ', "pʲi"), ('ふ', "ɸɯ"), ('ぶ', "bɯ"), ('ぷ', "pɯ"), ('へ', "he"), ('べ', "be"), ('ぺ', "pe"),
    ('ほ', "ho"), ('ぼ', "bo"), ('ぽ', "po"), ('ま', "ma"), ('み', "mʲi"), ('む', "mɯ"), ('め', "me"), ('も', "mo"),
    ('ゃ', "ja"), ('や', "ja"), ('ゅ', "jɯ"), ('ゆ', "jɯ"), ('ょ', "jo"), ('よ', "jo"), ('ら', "ɾa"), ('り', "ɾʲi"),
    ('る', "ɾɯ"), ('れ', "ɾe"), ('ろ', "ɾo"), ('ゎ', "βa"), ('わ', "βa"), ('ゐ', "i"), ('ゑ', "e"), ('を', "o"), ('ゔ', "vɯ"),
    ('ゕ', "ka"), ('ゖ', "ke"), ('ヷ', "va"), ('ヸ', "vʲi"), ('ヹ', "ve"), ('ヺ', "vo"), ('゚', ""), ('゙', ""),
];

#[rustfmt::skip]
const PAIRS: &[(&str, &str)] = &[
    ("いぇ", "je"), ("うぃ", "βi"), ("うぇ", "βe"), ("うぉ", "βo"), ("きぇ", "kʲe"), ("きゃ", "kʲa"), ("きゅ", "kʲɨ"),
    ("きょ", "kʲo"), ("ぎゃ", "ɡʲa"), ("ぎゅ", "ɡʲɨ"), ("ぎょ", "ɡʲo"), ("くぁ", "kᵝa"), ("くぃ", "kᵝi"), ("くぇ", "kᵝe"),
    ("くぉ", "kᵝo"), ("ぐぁ", "ɡᵝa"), ("ぐぃ", "ɡᵝi"), ("ぐぇ", "ɡᵝe"), ("ぐぉ", "ɡᵝo"), ("しぇ", "ɕe"), ("しゃ", "ɕa"),
    ("しゅ", "ɕɨ"), ("しょ", "ɕo"), ("じぇ", "ʥe"), ("じゃ", "ʥa"), ("じゅ", "ʥɨ"), ("じょ", "ʥo"), ("ちぇ", "ʨe"), ("ちゃ", "ʨa"),
    ("ちゅ", "ʨɨ"), ("ちょ", "ʨo"), ("ぢゃ", "ʥa"), ("ぢゅ", "ʥɨ"), ("ぢょ", "ʥo"), ("つぁ", "ʦa"), ("つぃ", "ʦʲi"), ("つぇ", "ʦe"),
    ("つぉ", "ʦo"), ("てぃ", "tʲi"), ("てゅ", "tʲɨ"), ("でぃ", "dʲi"), ("でゅ", "dʲɨ"), ("とぅ", "tɯ"), ("どぅ", "dɯ"),
    ("にぇ", "ɲe"), ("にゃ", "ɲa"), ("にゅ", "ɲɨ"), ("にょ", "ɲo"), ("ひぇ", "çe"), ("ひゃ", "ça"), ("ひゅ", "çɨ"), ("ひょ", "ço"),
    ("びゃ", "bʲa"), ("びゅ", "bʲɨ"), ("びょ", "bʲo"), ("ぴゃ", "pʲa"), ("ぴゅ", "pʲɨ"), ("ぴょ", "pʲo"), ("ふぁ", "ɸa"),
    ("ふぃ", "ɸʲi"), ("ふぇ", "ɸe"), ("ふぉ", "ɸo"), ("ふゅ", "ɸʲɨ"), ("ふょ", "ɸʲo"), ("みゃ", "mʲa"), ("みゅ", "mʲɨ"),
    ("みょ", "mʲo"), ("りゃ", "ɾʲa"), ("りゅ", "ɾʲɨ"), ("りょ", "ɾʲo"), ("ゔぁ", "va"), ("ゔぃ", "vʲi"), ("ゔぇ", "ve"),
    ("ゔぉ", "vo"), ("ゔゅ", "bʲɨ"), ("ゔょ", "bʲo"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: misaki 0.9.4, `Cutlet._romaji_word`.
    #[test]
    fn kana_are_misakis() {
        for (kana, wanted) in [
            ("トーキョー", "toːkʲoː"),
            ("きって", "kʲiʔte"),
            ("さんぽ", "sampo"),
            ("けんこう", "keŋkoɯ"),
            ("コンニチワ", "koɲɲiʨiβa"),
            ("ホンヤ", "hoɴja"),
            ("ファイル", "ɸaiɾɯ"),
            ("ヴァイオリン", "vaioɾʲiɴ"),
            ("ウィキ", "βikʲi"),
            ("フェァ", "ɸe"),
            ("いすゞ", "isɨzɨ"),
        ] {
            assert_eq!(symbols(kana), wanted, "{kana}");
        }
    }
}
