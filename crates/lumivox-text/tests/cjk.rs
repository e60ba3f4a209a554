//! Mandarin and Japanese on any text: no character is lost, spans are in order, the time is linear.

#![allow(clippy::unwrap_used)] // test code

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use lumivox_text::{FrontEnd, Japanese, Mandarin, SegmentLimits, Source, segments};
use proptest::prelude::*;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

static MANDARIN: LazyLock<Mandarin> = LazyLock::new(|| Mandarin::new().unwrap());
static JAPANESE: LazyLock<Japanese> = LazyLock::new(|| Japanese::without_dictionary().unwrap());

fn front_ends() -> [(&'static str, &'static dyn FrontEnd); 2] {
    [("zh", &*MANDARIN), ("ja", &*JAPANESE)]
}

/// Marks, which may be heard as a pause or not at all; not those that are said.
fn may_be_silent(c: char) -> bool {
    let mark =
        c.general_category_group() == GeneralCategoryGroup::Punctuation && !"#%&@§¶‰‱*/\\＃％＆＠＊／＼٪".contains(c);
    let joiner = c.general_category() == GeneralCategory::Format
        || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0000}'..='\u{E0FFF}');
    c.is_whitespace() || mark || joiner || "~～〜".contains(c)
}

/// What is lost of `text`, if anything; or how the tokens are not in order.
fn fault(front_end: &dyn FrontEnd, text: &str) -> Option<String> {
    let said = front_end.phonemize(text);
    let mut end = 0;
    for token in &said.tokens {
        if token.span.start < end || token.span.end < token.span.start || text.get(token.span.clone()).is_none() {
            return Some(format!("order: {token:?} in {said:?}"));
        }
        end = token.span.end;
    }
    if let Some(warning) = said.warnings.iter().find(|w| text.get(w.span.clone()) != Some(w.text.as_str())) {
        return Some(format!("{warning:?}"));
    }
    let mut covered = vec![false; text.len() + 1];
    let heard = said.tokens.iter().filter(|t| !t.phonemes.is_empty()).map(|t| t.span.clone());
    for span in heard.chain(said.warnings.iter().map(|w| w.span.clone())) {
        covered[span].fill(true);
    }
    let lost = text.char_indices().find(|(at, c)| !may_be_silent(*c) && !covered[*at]);
    lost.map(|(at, c)| format!("{c:?} at {at} of {text:?} is neither heard nor reported: {said:?}"))
}

/// Sentences in Chinese, Japanese and English, and in 30 scripts.
fn corpus() -> String {
    let scripts: serde_json::Value = serde_json::from_str(include_str!("data/uroman.json")).unwrap();
    let mut texts = vec![
        include_str!("data/mandarin_sentences.txt").to_owned(),
        include_str!("data/japanese_sentences.txt").to_owned(),
        include_str!("data/english_sentences.txt").to_owned(),
    ];
    strings(&scripts, &mut texts);
    texts.join("\n")
}

fn strings(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| strings(value, texts)),
        serde_json::Value::Object(values) => values.values().for_each(|value| strings(value, texts)),
        _ => {}
    }
}

#[test]
fn nothing_of_a_mixed_corpus_is_lost() {
    let corpus = corpus();
    let lines: Vec<&str> = corpus.lines().filter(|line| !line.trim().is_empty()).collect();
    assert!(lines.len() > 1000, "{}", lines.len());
    for (language, front_end) in front_ends() {
        for pair in lines.chunks(2) {
            // Two lines in one, so that scripts meet.
            let text = pair.concat();
            assert_eq!(fault(front_end, &text), None, "{language}");
        }
    }
}

#[test]
fn digits_and_signs_are_heard_in_both() {
    for (language, front_end) in front_ends() {
        for text in ["3:30", "50%", "-5℃", "１２３", "2024-01-15", "￥25.80", "a@b.com", "½", "①", "㎏", "5 km"]
        {
            let said = front_end.phonemize(text);
            assert!(said.warnings.is_empty() && !said.phonemes().is_empty(), "{language} {text}: {said:?}");
            assert!(said.tokens.iter().all(|t| t.source != Source::Silent), "{said:?}");
        }
    }
}

#[test]
fn letters_that_no_word_has_are_heard() {
    for (language, front_end) in front_ends() {
        for letter in "abcdefghijklmnopqrstuvwxyz".chars() {
            for text in [format!("a{letter}"), letter.to_string().repeat(115)] {
                assert_eq!(fault(front_end, &text), None, "{language}");
            }
        }
    }
}

#[test]
fn time_is_linear_in_the_text() {
    for (language, front_end) in front_ends() {
        let time = |unit: &str, bytes: usize| {
            let text = unit.repeat(bytes / unit.len());
            let start = Instant::now();
            segments(&front_end.phonemize(&text), &SegmentLimits::default());
            start.elapsed()
        };
        for unit in ["(", "a", "日", "か", "カ", "1", "1-", "1:", "1.", "。", "🎉", "[a](", "a@", "- ", "日a", "一"]
        {
            let (small, large) = (time(unit, 1 << 10), time(unit, 1 << 14));
            assert!(large < small * 48 + Duration::from_secs(2), "{language} {unit:?}: {small:?}, then {large:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        for (language, front_end) in front_ends() {
            prop_assert_eq!(fault(front_end, &text), None, "{}", language);
        }
    }

    #[test]
    fn text_like_writing(text in "([一-三日月年个人本時分你好]{1,4}|[あ-んー]{1,4}|[ア-ンｱ-ﾝﾞ]{1,4}|[0-9０-９]{1,4}|[A-Za-zＡ-Ｚ]{1,5}|[、。，！？：；「」《》（）…—・〜]|[$€£￥%+=*/:;.,!?'\"()@#&-]| |\n|🎉|é|e\u{301}|㈱|①|℃|\\[x\\]\\(/y/\\)|\0|\u{ad}|www\\.a\\.com|[𠀀-𠀃]){0,16}") {
        for (language, front_end) in front_ends() {
            prop_assert_eq!(fault(front_end, &text), None, "{}", language);
        }
    }
}
