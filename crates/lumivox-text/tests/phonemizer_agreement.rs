//! How many words of held-out sentences are said as espeak-ng says them through misaki.
//!
//! `tests/data/README.md` says where the sentences and the ground truth are from. Each bound is what was measured before this
//! crate had the models, by a prototype.

#![allow(clippy::unwrap_used)] // test code

use lumivox_text::evaluation::Agreement;
use lumivox_text::{Language, Phonemizer, ids};

fn check(language: Language, sentences: &str, least_percent: f64) {
    let sentences: Vec<(String, String)> = serde_json::from_str(sentences).unwrap();
    assert!(sentences.len() >= 200);
    let phonemizer = Phonemizer::new(language).unwrap();
    let vocabulary = ids::kokoro::Vocabulary::from_config(include_str!("data/kokoro_vocabulary.json")).unwrap();
    let mut agreement = Agreement::default();
    for (text, reference) in &sentences {
        let said = phonemizer.phonemize(text).phonemes();
        let before = agreement;
        agreement.add(&said, reference);
        if agreement.equal - before.equal < agreement.words - before.words {
            println!("{text}\n  {said}\n  {reference}");
        }
        assert!(vocabulary.encode(&said).unknown.is_empty(), "{said}");
    }
    println!("{language}: {agreement}");
    assert!(agreement.percent() >= least_percent, "{language}: {agreement}");
}

#[test]
fn spanish() {
    check(Language::Spanish, include_str!("data/es_sentences.json"), 99.0);
}

#[test]
fn french() {
    check(Language::French, include_str!("data/fr_sentences.json"), 97.5);
}

#[test]
fn italian() {
    check(Language::Italian, include_str!("data/it_sentences.json"), 97.5);
}

#[test]
fn brazilian_portuguese() {
    check(Language::BrazilianPortuguese, include_str!("data/pt-br_sentences.json"), 96.4);
}

#[test]
fn hindi() {
    check(Language::Hindi, include_str!("data/hi_sentences.json"), 92.9);
}
