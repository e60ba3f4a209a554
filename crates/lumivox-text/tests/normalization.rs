//! Readings of numbers, dates, money and the like against published references, in all languages.
//!
//! Ground truth: `tools/normalize/suite.py`, which names each case's reference. Where ours departs from the reference on purpose, or falls short of it,
//! `data/normalization_departures.tsv` says how it reads instead and why.

#![allow(clippy::unwrap_used)] // test code

use std::collections::{BTreeMap, HashMap};

use lumivox_text::{Emoji, FrontEnd, front_end};
use unicode_normalization::UnicodeNormalization;

struct Case<'a> {
    language: &'a str,
    class: &'a str,
    reference: &'a str,
    written: &'a str,
    spoken: Vec<&'a str>,
}

fn cases() -> Vec<Case<'static>> {
    let lines = include_str!("data/normalization.tsv").lines();
    lines
        .map(|line| {
            let [language, class, reference, written, spoken] =
                line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            Case { language, class, reference, written, spoken: spoken.split('~').collect() }
        })
        .collect()
}

/// `(language, written)` → (ours, why).
fn departures() -> HashMap<(&'static str, &'static str), (&'static str, &'static str)> {
    let lines = include_str!("data/normalization_departures.tsv").lines();
    lines
        .map(|line| {
            let [language, written, ours, why] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            ((language, written), (ours, why))
        })
        .collect()
}

/// What is said instead of what is written.
fn words(front_end: &dyn FrontEnd, written: &str) -> String {
    let words: Vec<String> =
        front_end.read(written, Emoji::Name).tokens.into_iter().map(|token| token.spoken).collect();
    words.join(" ")
}

/// What is compared: small letters and digits; hyphens and marks between words don't matter.
fn plain(words: &str) -> String {
    let keep = |c: char| {
        if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) || c == '\'' { c } else { ' ' }
    };
    let words: String = words.nfc().collect::<String>().to_lowercase().chars().map(keep).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Sounds are compared instead where the words that are said are not written: letters, length, tones.
fn sounds(front_end: &dyn FrontEnd, text: &str) -> String {
    let phonemes = front_end.read(text, Emoji::Name).phonemes();
    phonemes.chars().filter(|c| c.is_alphabetic() || "↓↑→↗↘ː".contains(*c)).collect()
}

#[test]
fn readings_are_the_references() {
    let (cases, departures) = (cases(), departures());
    let mut front_ends: HashMap<&str, Box<dyn FrontEnd>> = HashMap::new();
    let mut counts: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    let (mut failures, mut agreeing) = (Vec::new(), 0);
    // Japanese needs its dictionary, with which `lumivox/tests/japanese.rs` reads its cases.
    for Case { language, class, reference, written, spoken } in cases.iter().filter(|case| case.language != "ja") {
        let front_end = front_ends.entry(language).or_insert_with(|| front_end(language.parse().unwrap()).unwrap());
        let comparable = |words: &str| if *language == "zh" { sounds(&**front_end, words) } else { plain(words) };
        let ours = if *language == "zh" { sounds(&**front_end, written) } else { plain(&words(&**front_end, written)) };
        let agrees = spoken.iter().any(|spoken| comparable(spoken) == ours);
        let count = counts.entry((language, class)).or_default();
        count.1 += 1;
        count.0 += usize::from(agrees);
        agreeing += usize::from(agrees);
        let fine = match departures.get(&(*language, *written)) {
            Some((departure, _)) => !agrees && comparable(departure) == ours,
            None => agrees,
        };
        if !fine {
            failures.push(format!("{language}\t{written}\t{ours}\t{reference}: {}", spoken.join("~")));
        }
    }
    for ((language, class), (right, all)) in &counts {
        println!("{language} {class}: {right} of {all}");
    }
    println!("{agreeing} of {} agree", cases.len());
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
    assert!(agreeing >= 1200 && front_ends.len() == 8, "{agreeing}");
}

#[test]
fn departures_have_reasons_and_cases() {
    let cases = cases();
    for ((language, written), (_, why)) in departures() {
        assert!(!why.is_empty(), "{language} {written}");
        assert!(cases.iter().any(|case| (case.language, case.written) == (language, written)), "{language} {written}");
    }
}
