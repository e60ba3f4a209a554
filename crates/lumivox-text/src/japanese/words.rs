//! Words of a stretch of Japanese text with their kana.

use super::counters;
use super::kana::{hiragana, is_kana};
use super::mecab::{Dictionary, Morpheme};
use super::numbers;

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Its characters, from the first of the stretch.
    pub start: usize,
    pub end: usize,
    pub surface: String,
    /// What is said; none if nobody knows.
    pub kana: Option<String>,
    /// Whether the dictionary has it.
    pub known: bool,
    /// Its part of speech, in the dictionary's words.
    part_of_speech: String,
}

/// Cuts `text` into words by the dictionary.
pub(super) fn by_dictionary(dictionary: &Dictionary, text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut bytes, mut characters) = (0, 0);
    for morpheme in dictionary.morphemes(text) {
        characters += text[bytes..morpheme.range.start].chars().count();
        bytes = morpheme.range.end;
        let word = word(dictionary, text, &morpheme, characters, words.last());
        characters = word.end;
        words.push(word);
    }
    numbered(words)
}

fn word(dictionary: &Dictionary, text: &str, morpheme: &Morpheme, start: usize, before: Option<&Word>) -> Word {
    let surface = text[morpheme.range.clone()].to_owned();
    let end = start + surface.chars().count();
    let features = dictionary.features(morpheme).unwrap_or_default();
    let part_of_speech: String = features.split(',').take(2).collect::<Vec<_>>().join(",");
    let mut kana = pronunciation(&features).filter(|_| morpheme.known);
    // 行こう, でしょう: the auxiliary is the length of the vowel before it (Open JTalk, `njd_set_pronunciation.c`).
    let verb = before.is_some_and(|word| word.part_of_speech.contains("動詞"));
    if verb && part_of_speech.starts_with("助動詞") && kana.as_deref() == Some("ウ") {
        kana = Some("ー".to_owned());
    }
    let kana = kana.or_else(|| surface.chars().any(is_kana).then(|| surface.clone()));
    Word { start, end, surface, kana, known: morpheme.known, part_of_speech }
}

/// The pronunciation among the features of naist-jdic, IPADIC or UniDic.
pub(super) fn pronunciation(features: &str) -> Option<String> {
    let fields: Vec<&str> = features.split(',').collect();
    let places: &[usize] = match fields.len() {
        // UniDic: pronunciation, else kana.
        27.. => &[9, 20],
        17.. => &[9, 17],
        _ => &[8],
    };
    let clean = |field: &&str| field.chars().filter(|c| !"’ʼ':".contains(*c)).collect::<String>();
    let mut readings = places.iter().filter_map(|at| fields.get(*at)).map(clean);
    let reading = readings.find(|reading| !reading.is_empty() && reading.chars().all(is_kana))?;
    Some(if fields.len() < 17 { as_unidic(&fields, reading) } else { reading })
}

/// Long vowels that UniDic writes as such and the older dictionaries do not: 新しい, 聞いて, という.
fn as_unidic(fields: &[&str], reading: String) -> String {
    const I_ROW: &str = "イキシチニヒミリギジヂビピ";
    if let Some(before) = reading.strip_suffix("イウ").filter(|before| before.is_empty() || *before == "ト") {
        return format!("{before}ユー");
    }
    let is_inflected = fields.first().is_some_and(|part| matches!(*part, "形容詞" | "動詞" | "助動詞"));
    match reading.strip_suffix('イ') {
        Some(before) if is_inflected && before.ends_with(|c| I_ROW.contains(c)) => format!("{before}ー"),
        _ => reading,
    }
}

/// Cuts `text` into words by its characters alone: runs of hiragana, of katakana, of kanji, single other characters.
pub(super) fn by_characters(text: &str) -> Vec<Word> {
    let kind = |c: char| match c {
        'ー' | 'ァ'..='ヺ' | 'ㇰ'..='ㇿ' => 1,
        _ if is_kana(c) => 2,
        _ if is_kanji(c) => 3,
        _ => 0,
    };
    let all: Vec<char> = text.chars().collect();
    let runs = all.chunk_by(|a, b| kind(*a) != 0 && (kind(*a) == kind(*b) || *b == 'ー' && kind(*a) == 2));
    let mut start = 0;
    let word = |run: &[char]| {
        let surface: String = run.iter().collect();
        let kana = run.iter().all(|c| is_kana(*c)).then(|| surface.clone());
        start += run.len();
        Word { start: start - run.len(), end: start, surface, kana, known: false, part_of_speech: String::new() }
    };
    let words: Vec<Word> = runs.map(word).collect();
    numbered(words.into_iter().filter(|word| !word.surface.trim().is_empty()).collect())
}

/// Whether `c` is a kanji or stands for one.
pub(super) fn is_kanji(c: char) -> bool {
    matches!(c, '々' | '〆' | '〇' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Reads numbers in kanji with their counters, where the dictionary has no word for both (Open JTalk does so, too, in
/// `njd_set_digit.c`).
fn numbered(words: Vec<Word>) -> Vec<Word> {
    let mut read: Vec<Word> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let is_number = |word: &Word| word.surface.chars().all(|c| "〇零一二三四五六七八九十百千万億兆".contains(c));
        let count = words[at..].iter().take_while(|word| is_number(word)).count();
        let end = at + count;
        let number: String = words[at..end].iter().map(|word| word.surface.as_str()).collect();
        let number = (count > 0).then(|| numbers::of_kanji(&number)).flatten();
        let counter = words.get(end).and_then(|word| {
            let surface: Vec<char> = word.surface.chars().collect();
            counters::counter(&surface).filter(|(length, _)| *length == surface.len())
        });
        match (number, counter) {
            (Some(number), Some((_, counter))) => {
                read.push(joined(&words[at..=end], counters::read(&number, counter)));
                at = end + 1;
            }
            (Some(number), None) if count > 1 => {
                read.push(joined(&words[at..end], numbers::cardinal(&number)));
                at = end;
            }
            _ => {
                read.extend_from_slice(&words[at..at + count.max(1)]);
                at += count.max(1);
            }
        }
    }
    read
}

fn joined(words: &[Word], kana: String) -> Word {
    let first = words.first().cloned();
    let surface = words.iter().map(|word| word.surface.as_str()).collect();
    let (start, end) = (first.map_or(0, |word| word.start), words.last().map_or(0, |word| word.end));
    Word { start, end, surface, kana: Some(kana), known: true, part_of_speech: "名詞,数".to_owned() }
}

/// The kana of a word in hiragana, the form of the tables.
pub(super) fn sounds(word: &Word) -> String {
    word.kana.as_deref().map(hiragana).unwrap_or_default()
}
