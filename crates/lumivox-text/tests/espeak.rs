//! The installed espeak-ng as a front-end. These tests need the program: `apt-get install espeak-ng`.

#![allow(clippy::unwrap_used)] // test code

use std::time::{Duration, Instant};

use lumivox_text::espeak::Espeak;
use lumivox_text::evaluation::Agreement;
use lumivox_text::{Boundary, Error, Language, Phonemized, Source};
use proptest::prelude::*;

fn voice(name: &str) -> Espeak {
    Espeak::new(name).unwrap_or_else(|error| panic!("{error} (for this test: apt-get install espeak-ng)"))
}

#[test]
fn words_and_marks() {
    let text = "Guten Tag, Herr Müller! Wie geht es Ihnen?\n\nDanke…";
    let said = voice("de").phonemize(text).unwrap();
    assert!(said.phonemes().starts_with("ɡˈuːtən tˈɑːk, hˈɛɾ mˈylɜ!"), "{}", said.phonemes());
    assert!(said.phonemes().ends_with("."));
    let words: Vec<_> = said.tokens.iter().filter(|t| t.source == Source::Espeak).map(|t| t.text.as_str()).collect();
    assert_eq!(words, ["Guten", "Tag", "Herr", "Müller", "Wie", "geht", "es", "Ihnen", "Danke"]);
    assert!(said.tokens.iter().all(|t| text[t.span.clone()] == t.text));
    let boundaries: Vec<_> = said.tokens.iter().map(|t| t.boundary).filter(|b| *b != Boundary::None).collect();
    assert_eq!(boundaries, [Boundary::Sentence, Boundary::Paragraph, Boundary::Paragraph]);
    assert!(said.warnings.is_empty());
}

#[test]
fn words_said_in_another_language_have_no_flags() {
    let said = voice("de").phonemize("Das Computer-Update von Microsoft Windows").unwrap();
    assert!(!said.phonemes().contains(['(', ')']), "{}", said.phonemes());
}

#[test]
fn numbers_that_become_words_are_in_one_token_with_their_clause() {
    let said = voice("es").phonemize("Tengo 365 años, gracias").unwrap();
    let tokens: Vec<_> = said.tokens.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(tokens, ["Tengo 365 años", ",", "gracias"]);
}

#[test]
fn hostile_text_is_harmless() {
    let espeak = voice("fr");
    let long = "bla".repeat(2000);
    let text = format!("-v de --help\n\n[[h@l]] {long}\u{0}\u{1b}[2J, <voice name=\"de\"> `id` $(id) ; oui\r\nnon");
    let said = espeak.phonemize(&text).unwrap();
    assert!(said.tokens.iter().all(|t| text[t.span.clone()] == t.text));
    let blabla = said.tokens.iter().find(|t| t.text.contains(&long)).unwrap();
    assert_eq!(blabla.phonemes.matches('b').count(), 2000, "{}", blabla.phonemes);
    assert!(said.phonemes().ends_with("nˈɔ̃"), "{said:?}");
    assert!(espeak.phonemize("").unwrap().tokens.is_empty());
}

#[test]
fn many_clauses_keep_their_order() {
    let text = (1..200)
        .map(|i| if i % 7 == 0 { "sí, (no) ! 😀\n".to_owned() } else { "Hola mundo. ".to_owned() })
        .collect::<String>();
    let espeak = voice("es");
    let said = espeak.phonemize(&text).unwrap();
    let hello = espeak.phonemize("Hola mundo.").unwrap().phonemes();
    assert_eq!(said.phonemes().matches(&hello).count(), 171);
}

#[test]
fn errors_say_what_to_do() {
    assert!(matches!(Espeak::new("xx-nowhere"), Err(Error::NoEspeakVoice(_))));
    for voice in ["", "-h", "../../etc/passwd", "de fr", "de\n"] {
        assert!(matches!(Espeak::new(voice), Err(Error::NoEspeakVoice(_))), "{voice}");
    }
    let missing = Espeak::with_program("/nowhere/espeak-ng", "de", Duration::from_secs(5)).unwrap_err();
    assert!(missing.to_string().contains("install espeak-ng"), "{missing}");
}

#[cfg(unix)]
#[test]
fn programs_that_hang_or_fail_are_given_up() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("lumivox-espeak-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let script = |name: &str, body: &str| {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let start = Instant::now();
    let hung = Espeak::with_program(script("hung", "exec sleep 60"), "de", Duration::from_millis(300));
    assert!(matches!(hung, Err(Error::Espeak(reason)) if reason.contains("too long")));
    assert!(start.elapsed() < Duration::from_secs(20));
    let failed = Espeak::with_program(script("failed", "echo broken >&2; exit 3"), "de", Duration::from_secs(20));
    assert!(matches!(failed, Err(Error::Espeak(reason)) if reason.contains("broken")));
    std::fs::remove_dir_all(&folder).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_word_vanishes(text in "([a-zäöü]{1,6}|[0-9]{1,3}|[а-я]{1,4}|[ \n.,!?-]{1,3}|[🎉€$+=&]|\\PC){0,14}") {
        let said = voice("de").phonemize(&text).unwrap();
        for word in text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)) {
            let from = word.as_ptr() as usize - text.as_ptr() as usize;
            let to = from + word.len();
            let touched = said.warnings.iter().any(|w| w.span.start < to && from < w.span.end)
                || said.tokens.iter().any(|t| !t.phonemes.is_empty() && t.span.start < to && from < t.span.end);
            prop_assert!(touched, "{word:?} of {text:?}: {said:?}");
        }
        prop_assert!(said.tokens.iter().all(|t| text[t.span.clone()] == t.text));
    }
}

/// In the symbols that Kokoro reads. Ground truth: `tools/lexicon/espeak_languages.py`, with espeak-ng 1.52, from which other versions differ in places.
#[test]
fn kokoro_is_given_what_misaki_gives_it() {
    for (language, sentences, least_percent) in [
        (Language::Spanish, include_str!("data/es_sentences.json"), 95.0),
        (Language::French, include_str!("data/fr_sentences.json"), 95.0),
        (Language::Italian, include_str!("data/it_sentences.json"), 95.0),
        (Language::BrazilianPortuguese, include_str!("data/pt-br_sentences.json"), 95.0),
        (Language::Hindi, include_str!("data/hi_sentences.json"), 95.0),
    ] {
        let pairs: Vec<(String, String)> = serde_json::from_str(sentences).unwrap();
        let espeak = Espeak::for_kokoro(language).unwrap();
        let text: String = pairs.iter().map(|(text, _)| format!("{text}\n\n")).collect();
        let said = espeak.phonemize(&text).unwrap();
        let mut agreement = Agreement::default();
        let mut at = 0;
        for (sentence, reference) in &pairs {
            let end = at + sentence.len();
            let tokens = said.tokens.iter().filter(|token| (at..end).contains(&token.span.start)).cloned().collect();
            let phonemes = Phonemized { tokens, warnings: Vec::new() }.phonemes();
            agreement.add(&phonemes, reference);
            at = end + 2;
        }
        println!("{language}: {agreement}");
        assert!(agreement.percent() >= least_percent, "{language}: {agreement}");
    }
    assert!(matches!(Espeak::for_kokoro(Language::Japanese), Err(Error::NoEspeakReading(_))));
}
