//! Mandarin: agreement with misaki 0.9.4, and text that is not plain.
//!
//! Ground truth: `tools/reference/misaki_mandarin.py`.

#![allow(clippy::unwrap_used)] // test code

use std::sync::LazyLock;
use std::time::Instant;

use lumivox_text::{Boundary, FrontEnd, Mandarin, Phonemized, Reason, Source};

static MANDARIN: LazyLock<Mandarin> = LazyLock::new(|| Mandarin::new().unwrap());

fn say(text: &str) -> Phonemized {
    MANDARIN.phonemize(text)
}

/// One blank where misaki has several.
fn single_spaced(phonemes: &str) -> String {
    phonemes.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn sentences_are_misakis() {
    let (mut total, mut exact, mut words, mut right) = (0, 0, 0, 0);
    for line in include_str!("data/mandarin_misaki.tsv").lines() {
        let [text, cut, phonemes] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let said = say(text);
        assert!(said.warnings.is_empty(), "{said:?}");
        let (wanted, ours) = (single_spaced(phonemes), said.phonemes());
        total += 1;
        exact += usize::from(wanted == ours);
        if wanted != ours {
            println!("{text}\n  {cut}\n  misaki {wanted}\n  ours   {ours}");
        }
        let (wanted, ours) = (wanted.split(' ').collect::<Vec<_>>(), ours.split(' ').collect::<Vec<_>>());
        words += wanted.len();
        right += if wanted.len() == ours.len() { wanted.iter().zip(&ours).filter(|(a, b)| a == b).count() } else { 0 };
    }
    println!("{exact} of {total} sentences, {right} of {words} words");
    assert!(total >= 200);
    // What a simple reading by jieba and pypinyin reached: 328 of 331, 99.1 %.
    assert!(exact * 331 >= total * 328);
}

#[test]
fn loading_is_quick() {
    let load = || {
        let start = Instant::now();
        Mandarin::new().unwrap();
        start.elapsed()
    };
    // The quickest of several: other programs and tests run at the same time.
    let elapsed = (0..5).map(|_| load()).min().unwrap();
    println!("loaded in {elapsed:?}");
    assert!(elapsed.as_millis() < if cfg!(debug_assertions) { 2000 } else { 150 }, "{elapsed:?}");
}

#[test]
fn numbers_foreign_words_and_names() {
    for (text, spoken) in [
        ("电话13812345678", "dian4 hua4|yao1 san1 ba1 yao1 er4 san1 si4 wu3 liu4 qi1 ba1"),
        ("2个", "liang3 ge4"),
        ("iPhone 15", "iPhone|shi2 wu3"),
    ] {
        let said = say(text);
        let words: Vec<_> = said.tokens.iter().map(|t| t.spoken.as_str()).collect();
        assert_eq!(words.join("|"), spoken, "{said:?}");
    }
    let said = say("我用Python写machine learning的代码。");
    assert!(said.warnings.is_empty());
    assert_eq!(said.tokens.iter().filter(|t| t.text.is_ascii()).count(), 3, "{said:?}");
    assert!(said.tokens.iter().all(|t| t.source == Source::Punctuation || !t.phonemes.is_empty()));
}

#[test]
fn spans_are_of_the_original() {
    let text = "他[行](/xɑŋ↗/)了，２０２４年 ok e\u{301}！\u{1F389}";
    let said = say(text);
    for token in &said.tokens {
        assert!(text.get(token.span.clone()).is_some(), "{token:?}");
    }
    let of = |written: &str| said.tokens.iter().find(|t| &text[t.span.clone()] == written).unwrap();
    assert_eq!(of("[行](/xɑŋ↗/)").source, Source::User);
    assert_eq!(of("２０２４年").source, Source::Normalizer);
    assert_eq!(of("ok").text, "ok");
    assert_eq!(said.warnings.len(), 1);
    assert_eq!((said.warnings[0].text.as_str(), said.warnings[0].reason), ("\u{1F389}", Reason::Symbol));
}

#[test]
fn sentences_and_paragraphs_end() {
    let said = say("他说：“走吧！”然后走了。真的？\n\n对。");
    let ends: Vec<_> =
        said.tokens.iter().filter(|t| t.boundary != Boundary::None).map(|t| (t.text.as_str(), t.boundary)).collect();
    assert_eq!(
        ends,
        [
            ("”", Boundary::Sentence),
            ("。", Boundary::Sentence),
            ("？", Boundary::Paragraph),
            ("。", Boundary::Paragraph)
        ]
    );
}

/// `A` is a letter, not the article; the point of a title ends no sentence.
#[test]
fn latin_letters_and_titles() {
    let phonemes = |text: &str| say(text).phonemes();
    assert!(phonemes("A座").starts_with("ˈA"), "{}", phonemes("A座"));
    assert!(!phonemes("我见到Dr. Wang了。").contains("dˈɑktəɹ."), "{}", phonemes("我见到Dr. Wang了。"));
}
