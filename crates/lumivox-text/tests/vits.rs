//! The front-ends of MMS-TTS and of Piper's `text` voices: ids as the originals have them, spans, sentences, what is lost.

#![allow(clippy::unwrap_used)] // test code

use std::collections::BTreeMap;

use lumivox_text::ids::mms::Vocabulary;
use lumivox_text::ids::piper::PhonemeIds;
use lumivox_text::mms::{Mms, Options};
use lumivox_text::{Boundary, Phonemized, Reason, SegmentLimits, Source, piper, segments};
use proptest::prelude::*;
use serde::Deserialize;

/// A model's vocabulary and sentences with HF's ids (`tools/reference/mms_golden.py`).
#[derive(Deserialize)]
struct Golden {
    vocab: BTreeMap<String, u32>,
    add_blank: bool,
    is_uroman: bool,
    pad_token: String,
    sentences: Vec<(String, Vec<u32>)>,
}

fn goldens() -> BTreeMap<String, Golden> {
    serde_json::from_str(include_str!("data/mms.json")).unwrap()
}

impl Golden {
    fn vocabulary(&self) -> Vocabulary {
        Vocabulary::new(&self.vocab, self.add_blank).unwrap().with_pad_token(Some(&self.pad_token))
    }

    fn front_end(&self, language: &str) -> Mms {
        let (vocabulary, language) = (self.vocabulary(), Some(language.to_owned()));
        Mms::new(Options { vocabulary, language, normalize: true, is_uroman: self.is_uroman })
    }
}

fn model(language: &str) -> Mms {
    goldens()[language].front_end(language)
}

#[test]
fn mms_ids_are_those_of_hf() {
    let mut sentences = 0;
    for (language, golden) in goldens() {
        let (mms, vocabulary) = (golden.front_end(&language), golden.vocabulary());
        for (text, ids) in &golden.sentences {
            let encoded = vocabulary.encode(&mms.phonemize(text).phonemes());
            assert_eq!(&encoded.ids, ids, "{language}: {text}");
            assert_eq!(encoded.symbols.len(), ids.len());
            assert!(encoded.unknown.is_empty());
            sentences += 1;
        }
    }
    assert!(sentences >= 60, "{sentences}");
}

fn warned(said: &Phonemized) -> Vec<(&str, Reason)> {
    said.warnings.iter().map(|warning| (warning.text.as_str(), warning.reason)).collect()
}

#[test]
fn what_a_model_does_not_know_is_reported() {
    let text = "Room 789: “café” — 5€, naïve 🎉👍🏽 мир\u{7}, & Straße.";
    let said = model("eng").phonemize(text);
    use Reason::{Control, Digits, Symbol, Vocabulary};
    let expected = [
        ("789", Digits),
        ("é", Vocabulary),
        ("€", Symbol),
        ("ï", Vocabulary),
        ("🎉👍🏽", Symbol),
        ("мир", Vocabulary),
        ("\u{7}", Control),
        ("&", Symbol),
        ("ß", Vocabulary),
    ];
    assert_eq!(warned(&said), expected);
    assert!(said.warnings.iter().all(|warning| text[warning.span.clone()] == warning.text));
    assert!(said.warnings[0].to_string().contains("write numbers as words"));
    let romanised = model("kor").phonemize("안녕 11월, 세계");
    assert_eq!(warned(&romanised), [("11", Digits)]);
    assert_eq!(romanised.phonemes(), "annyeong weol segye");
    assert_eq!(romanised.tokens[1].phonemes, "weol");
}

#[test]
fn sentences_end_in_any_script() {
    let ends = |said: &Phonemized| {
        let end =
            |boundary| said.tokens.iter().filter(|t| t.boundary == boundary).map(|t| t.span.end).collect::<Vec<_>>();
        (end(Boundary::Sentence).len(), end(Boundary::Paragraph).len())
    };
    for (language, text, expected) in [
        ("eng", "One. Two! Three? four. J. Smith, e.g. this. \"Five.\" Six", (6, 1)),
        ("eng", "hard\nwrapped line\n\nparagraph\r\n\r\nend", (0, 3)),
        ("eng", "it was plain. so it went. etc. and No. 5 went on… and on", (2, 1)),
        ("hin", "यह एक है। वह दो है॥ तीन", (2, 1)),
        ("amh", "ሰላም። ደህና ነኝ። እሺ", (2, 1)),
        ("ara", "كيف حالك؟ أنا بخير۔ شكرا", (2, 1)),
        ("kor", "世界。你好！好", (2, 1)),
    ] {
        assert_eq!(ends(&model(language).phonemize(text)), expected, "{text}");
    }
}

#[test]
fn long_texts_are_cut_at_sentences_and_clauses() {
    let sentence = "A dog ran to the river, and the cat sat on a mat, which was red. ";
    let said = model("eng").phonemize(&sentence.repeat(40));
    let limits = SegmentLimits { first_symbols: 40, growth_percent: 200, max_symbols: 200, ..SegmentLimits::default() };
    let cut = segments(&said, &limits);
    assert_eq!(cut[0].phonemes, "a dog ran to the river");
    assert!(cut[1..].iter().all(|segment| segment.boundary >= Boundary::Sentence), "{cut:#?}");
    let bare = |text: &str| text.replace(' ', "");
    assert_eq!(bare(&cut.iter().map(|s| s.phonemes.as_str()).collect::<String>()), bare(&said.phonemes()));
    // Digits that the vocabulary has are something to say.
    assert_eq!(segments(&model("eng").phonemize("123"), &limits).len(), 1);
}

#[test]
fn tokens_are_words_with_their_places() {
    let text = "Don't – stop,\tthe  well-known “3.14”!";
    let said = model("eng").phonemize(text);
    let tokens: Vec<_> = said.tokens.iter().map(|t| (t.text.as_str(), t.phonemes.as_str(), t.source)).collect();
    use Source::{Characters, Punctuation};
    let expected = [
        ("Don't", "don't", Characters),
        ("–", "–", Punctuation),
        ("stop", "stop", Characters),
        (",", "", Punctuation),
        ("the", "the ", Characters),
        ("well-known", "well-known", Characters),
        ("“", "", Punctuation),
        ("3.14", "314", Characters),
        ("”!", "", Punctuation),
    ];
    assert_eq!(tokens, expected);
    assert!(said.tokens.iter().all(|t| text[t.span.clone()] == t.text));
    assert_eq!(said.phonemes(), "don't – stop the  well-known 314");
    assert!(said.warnings.is_empty());
}

/// A real voice's map, and piper-tts's ids (`tools/reference/piper_ids.py`).
#[derive(Deserialize)]
struct PiperGolden {
    phoneme_id_map: BTreeMap<String, Vec<u32>>,
    phonemes: Vec<(String, Vec<u32>)>,
}

#[test]
fn piper_ids_are_those_of_piper() {
    let golden: PiperGolden = serde_json::from_str(include_str!("data/piper_ids.json")).unwrap();
    let ids = PhonemeIds::new(&golden.phoneme_id_map).unwrap();
    for (phonemes, expected) in &golden.phonemes {
        let encoded = ids.encode(phonemes);
        assert_eq!(&encoded.ids, expected, "{phonemes}");
        assert_eq!(encoded.symbols.len(), expected.len());
    }
    assert!(golden.phonemes.len() >= 15);
}

fn letters() -> PhonemeIds {
    let symbols = "_^$ !'(),-.:;?abcdefghijklmnopqrstuvwxyzабвгдежзийклмнопрстуфхцчшщьюяєіїґ\u{301}\u{306}\u{308}";
    PhonemeIds::new(&symbols.chars().zip(0..).map(|(symbol, id)| (symbol.to_string(), vec![id])).collect()).unwrap()
}

#[test]
fn text_voices_read_code_points() {
    let ids = letters();
    let said = piper::phonemize_text("Ще не вмерла, Україна й ко́жен!  Так: 5 ₴", &ids);
    assert_eq!(said.phonemes(), "ще не вмерла, украі\u{308}на и\u{306} ко\u{301}жен!  так:");
    assert_eq!(warned(&said), [("5", Reason::Digits), ("₴", Reason::Symbol)]);
    assert!(ids.encode(&said.phonemes()).unknown.is_empty());
    let boundaries: Vec<_> = said.tokens.iter().filter(|t| t.boundary == Boundary::Sentence).collect();
    assert_eq!((boundaries.len(), boundaries[0].text.as_str()), (1, "!"));
}

/// Words of `text` that have neither a sound nor a warning, though one of their characters is a letter, digit or symbol.
fn vanished(text: &str, said: &Phonemized) -> Vec<String> {
    let touches = |from: usize, to: usize| {
        said.warnings.iter().any(|w| w.span.start < to && from < w.span.end)
            || said.tokens.iter().any(|t| !t.phonemes.is_empty() && t.span.start < to && from < t.span.end)
    };
    let sounding = |word: &&str| word.chars().any(|c| c.is_alphanumeric() || "€$+=🎉".contains(c));
    let place = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_whitespace()
        .filter(sounding)
        .filter(|word| !touches(place(word), place(word) + word.len()))
        .map(str::to_owned)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_word_vanishes(text in "([a-zA-Z]{1,6}|[а-я]{1,5}|[가-힣]{1,3}|[ሀ-ቧ]{1,3}|[一-丰]{1,3}|[ء-ي]{1,4}|[က-ဿ]{1,4}|[ก-๛]{1,4}|[0-9]{1,4}|[२-९]{1,2}|[ \n.,!?'–-]{1,3}|[🎉€$+=]|\\PC){0,12}") {
        for language in ["eng", "hin", "kor", "ron"] {
            let said = model(language).phonemize(&text);
            prop_assert_eq!(vanished(&text, &said), Vec::<String>::new(), "{} {:?}", language, said);
            prop_assert!(said.tokens.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
            prop_assert!(said.tokens.iter().all(|t| text[t.span.clone()] == t.text));
            prop_assert!(said.warnings.iter().all(|w| text[w.span.clone()] == w.text));
        }
        let said = piper::phonemize_text(&text, &letters());
        prop_assert_eq!(vanished(&text, &said), Vec::<String>::new(), "{:?}", said);
        prop_assert!(letters().encode(&said.phonemes()).unknown.is_empty());
    }
}
