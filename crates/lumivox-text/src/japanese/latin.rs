//! Latin words as Japanese says them: letters by their names, words from their English sounds.

/// What the letters are called.
const LETTERS: [&str; 26] = [
    "エー",
    "ビー",
    "シー",
    "ディー",
    "イー",
    "エフ",
    "ジー",
    "エイチ",
    "アイ",
    "ジェー",
    "ケー",
    "エル",
    "エム",
    "エヌ",
    "オー",
    "ピー",
    "キュー",
    "アール",
    "エス",
    "ティー",
    "ユー",
    "ブイ",
    "ダブリュー",
    "エックス",
    "ワイ",
    "ゼット",
];

/// Longest word in capitals that is spelled.
const MAX_SPELLED: usize = 5;

/// The names of the letters of a word in capitals.
pub(super) fn spelled(word: &str) -> Option<String> {
    let is_spelled = word.bytes().all(|b| b.is_ascii_uppercase()) && word.len() <= MAX_SPELLED;
    (is_spelled && !word.is_empty()).then(|| word.bytes().map(|b| LETTERS[usize::from(b - b'A')]).collect())
}

/// A consonant before a, i, u, e, o, and alone.
fn row(consonant: char) -> Option<[&'static str; 6]> {
    Some(match consonant {
        'k' => ["カ", "キ", "ク", "ケ", "コ", "ク"],
        'ɡ' => ["ガ", "ギ", "グ", "ゲ", "ゴ", "グ"],
        's' | 'θ' => ["サ", "シ", "ス", "セ", "ソ", "ス"],
        'z' | 'ð' => ["ザ", "ジ", "ズ", "ゼ", "ゾ", "ズ"],
        't' | 'T' | 'ɾ' | 'ʔ' => ["タ", "ティ", "トゥ", "テ", "ト", "ト"],
        'd' => ["ダ", "ディ", "ドゥ", "デ", "ド", "ド"],
        'n' => ["ナ", "ニ", "ヌ", "ネ", "ノ", "ン"],
        'ŋ' => ["ンガ", "ンギ", "ング", "ンゲ", "ンゴ", "ング"],
        'h' => ["ハ", "ヒ", "フ", "ヘ", "ホ", "フ"],
        'f' => ["ファ", "フィ", "フ", "フェ", "フォ", "フ"],
        'v' => ["ヴァ", "ヴィ", "ヴ", "ヴェ", "ヴォ", "ヴ"],
        'b' => ["バ", "ビ", "ブ", "ベ", "ボ", "ブ"],
        'p' => ["パ", "ピ", "プ", "ペ", "ポ", "プ"],
        'm' => ["マ", "ミ", "ム", "メ", "モ", "ム"],
        'j' => ["ヤ", "イ", "ユ", "イェ", "ヨ", "イ"],
        'ɹ' | 'l' => ["ラ", "リ", "ル", "レ", "ロ", "ル"],
        'w' => ["ワ", "ウィ", "ウ", "ウェ", "ウォ", "ウ"],
        'ʃ' => ["シャ", "シ", "シュ", "シェ", "ショ", "シュ"],
        'ʧ' => ["チャ", "チ", "チュ", "チェ", "チョ", "チ"],
        'ʤ' | 'ʒ' => ["ジャ", "ジ", "ジュ", "ジェ", "ジョ", "ジ"],
        _ => return None,
    })
}

/// A vowel: its place in a row, and what follows its kana.
fn vowel(symbol: char) -> Option<(usize, &'static str)> {
    Some(match symbol {
        'æ' | 'ɑ' | 'ʌ' | 'ə' | 'a' | 'ɐ' | 'ɒ' => (0, ""),
        'ɪ' | 'ᵻ' => (1, ""),
        'ʊ' => (2, ""),
        'ɛ' | 'e' => (3, ""),
        'o' => (4, ""),
        'i' => (1, "ー"),
        'u' => (2, "ー"),
        'ɔ' | 'O' | 'Q' => (4, "ー"),
        'ɜ' | 'ɚ' => (0, "ー"),
        'A' => (3, "イ"),
        'I' => (0, "イ"),
        'W' => (0, "ウ"),
        'Y' => (4, "イ"),
        _ => return None,
    })
}

/// The katakana of a word's phonemes in misaki's symbols for English.
pub(super) fn katakana(phonemes: &str) -> String {
    let sounds: Vec<char> = phonemes.chars().filter(|c| row(*c).is_some() || vowel(*c).is_some()).collect();
    let is_vowel = |at: usize| sounds.get(at).is_some_and(|c| vowel(*c).is_some());
    let mut kana = String::new();
    let mut at = 0;
    while let Some(&sound) = sounds.get(at) {
        if let Some((place, tail)) = vowel(sound) {
            kana += ["ア", "イ", "ウ", "エ", "オ"][place];
            at += 1 + lengthened(&sounds, at, tail, &mut kana);
            continue;
        }
        let next = sounds.get(at + 1).copied();
        if next == Some('j') && is_vowel(at + 2) && "kɡnhbpmɹlfv".contains(sound) {
            // The i of the row and a small letter: キュ.
            let (place, tail) = vowel(sounds[at + 2]).unwrap_or((2, ""));
            kana += row(sound).unwrap_or_default()[1];
            kana += ["ャ", "ィ", "ュ", "ェ", "ョ"][place];
            at += 3 + lengthened(&sounds, at + 2, tail, &mut kana);
        } else if let Some((place, tail)) = next.and_then(vowel) {
            kana += row(sound).unwrap_or_default()[place];
            at += 2 + lengthened(&sounds, at + 1, tail, &mut kana);
        } else {
            bare(&sounds, at, &mut kana);
            at += 1;
        }
    }
    kana
}

/// What follows a vowel: the rest of a long one, and an r that is no consonant. Tells how many sounds of `sounds` that is.
fn lengthened(sounds: &[char], at: usize, tail: &str, kana: &mut String) -> usize {
    let is_vowel = |at: usize| sounds.get(at).is_some_and(|c| vowel(*c).is_some());
    if sounds.get(at + 1) != Some(&'ɹ') || is_vowel(at + 2) {
        *kana += tail;
        return 0;
    }
    *kana += match sounds[at] {
        'ɪ' | 'i' | 'ɛ' | 'ʊ' | 'u' | 'I' | 'W' => "ア",
        _ => "ー",
    };
    1
}

/// A consonant without a vowel.
fn bare(sounds: &[char], at: usize, kana: &mut String) {
    let sound = sounds[at];
    let next = sounds.get(at + 1);
    let short = |at: usize| "æɑʌɛɪʊ".contains(sounds[at]);
    let is_last = next.is_none() || next == Some(&'s') && at + 2 == sounds.len();
    if is_last && "ptkʧʤdɡʃ".contains(sound) && at.checked_sub(1).is_some_and(short) {
        kana.push('ッ');
    }
    *kana += match (sound, next) {
        ('m', Some('p' | 'b')) | ('ŋ', Some('k' | 'ɡ')) => "ン",
        _ => row(sound).unwrap_or_default()[5],
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_sounds_are_kana() {
        for (phonemes, kana) in [
            ("kˈæt", "カット"),
            ("kəmpjˈuTəɹ", "カンピューター"),
            ("ˈɪntəɹnˌɛt", "インターネット"),
            ("pˈIθˌɑn", "パイサン"),
            ("ɡˈuɡᵊl", "グーグル"),
            ("mjˈuzɪk", "ミュージック"),
            ("sˈɪŋ", "シング"),
            ("kˈɑɹ", "カー"),
        ] {
            assert_eq!(katakana(phonemes), kana, "{phonemes}");
        }
        assert_eq!(spelled("NHK").as_deref(), Some("エヌエイチケー"));
        assert_eq!((spelled("Web"), spelled("ABCDEF")), (None, None));
    }
}
