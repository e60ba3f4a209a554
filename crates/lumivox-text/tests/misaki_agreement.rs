//! How many words of running text sound exactly as misaki 0.9.4 says them, with its dictionaries and its tagger.
//!
//! Ground truth: `tools/reference/misaki_english.py`.

#![allow(clippy::unwrap_used)] // test code

use lumivox_text::{Dialect, English, Phonemized};
use serde::Deserialize;

#[derive(Deserialize)]
struct Sentence {
    text: String,
    /// Text, American phonemes, British phonemes (none: not in misaki's dictionaries).
    tokens: Vec<(String, Option<String>, Option<String>)>,
}

/// Sentences that were in view while the rules were written.
fn seen() -> Vec<Sentence> {
    sentences(include_str!("data/english_misaki.json"))
}

/// Sentences that were not: State of the Union addresses.
fn held_out() -> Vec<Sentence> {
    sentences(include_str!("data/english_held_out_misaki.json"))
}

fn sentences(lines: &str) -> Vec<Sentence> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[derive(Default)]
struct Score {
    words: usize,
    right: usize,
    punctuation: usize,
    punctuation_right: usize,
    unknown: usize,
    misses: Vec<String>,
}

/// Tokens as `(characters up to its end, white space not counted, phonemes, is a word)`.
fn ends<'a>(tokens: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Vec<(usize, Option<&'a str>, bool)> {
    let mut end = 0;
    tokens
        .map(|(text, phonemes)| {
            end += text.chars().filter(|c| !c.is_whitespace()).count();
            (end, phonemes, text.chars().any(char::is_alphanumeric))
        })
        .collect()
}

/// Compares stretches between common token ends, so that a different split of the same sounds is no miss.
fn compare(score: &mut Score, sentence: &Sentence, dialect: Dialect, ours: &Phonemized) {
    let theirs = sentence.tokens.iter().map(|(text, us, gb)| {
        (text.as_str(), if dialect == Dialect::American { us.as_deref() } else { gb.as_deref() })
    });
    let theirs = ends(theirs);
    let ours = ends(ours.tokens.iter().map(|t| (t.text.as_str(), Some(t.phonemes.as_str()))));
    let (mut i, mut j) = (0, 0);
    while i < theirs.len() && j < ours.len() {
        let (from_i, from_j) = (i, j);
        while theirs[i].0 != ours[j].0 {
            if theirs[i].0 < ours[j].0 { i += 1 } else { j += 1 }
        }
        (i, j) = (i + 1, j + 1);
        let (theirs, ours) = (&theirs[from_i..i], &ours[from_j..j]);
        let said: String = ours.iter().filter_map(|t| t.1).collect();
        let words = theirs.iter().filter(|t| t.2).count();
        let Some(wanted) = theirs.iter().map(|t| t.1).collect::<Option<String>>() else {
            score.unknown += words;
            continue;
        };
        let right = said == wanted;
        if words == 0 {
            score.punctuation += 1;
            score.punctuation_right += usize::from(right);
        }
        score.words += words;
        score.right += if right { words } else { 0 };
        if !right {
            score.misses.push(format!("{wanted} | {said} | {}", sentence.text));
        }
    }
    assert_eq!((i, j), (theirs.len(), ours.len()), "other characters: {}", sentence.text);
}

fn score(dialect: Dialect, sentences: &[Sentence]) -> Score {
    let english = English::new(dialect).unwrap();
    let mut score = Score::default();
    for sentence in sentences {
        compare(&mut score, sentence, dialect, &english.phonemize(&sentence.text));
    }
    println!(
        "{dialect}: {} of {} words ({:.2} %), {} of {} punctuation marks, {} words unknown to misaki",
        score.right,
        score.words,
        100.0 * score.right as f64 / score.words as f64,
        score.punctuation_right,
        score.punctuation,
        score.unknown
    );
    score.misses.iter().for_each(|miss| println!("  {miss}"));
    score
}

#[test]
fn american_words() {
    assert!(seen().len() >= 300);
    let score = score(Dialect::American, &seen());
    assert!(score.words > 4000);
    assert!(score.right as f64 >= 0.995 * score.words as f64, "{} of {}", score.right, score.words);
    assert!(score.punctuation_right as f64 >= 0.99 * score.punctuation as f64);
}

#[test]
fn british_words() {
    let score = score(Dialect::British, &seen());
    assert!(score.words > 4000);
    assert!(score.right as f64 >= 0.995 * score.words as f64, "{} of {}", score.right, score.words);
}

#[test]
fn words_of_held_out_sentences() {
    let held_out = held_out();
    assert!(held_out.len() + seen().len() >= 500 && held_out.len() >= 300);
    for dialect in [Dialect::American, Dialect::British] {
        let score = score(dialect, &held_out);
        assert!(score.words > 5000);
        assert!(score.right as f64 >= 0.985 * score.words as f64, "{} of {}", score.right, score.words);
    }
}
