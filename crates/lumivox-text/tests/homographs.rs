//! Words of several pronunciations in sentences: whether the one that is said is nearer to the right one than to the others.
//!
//! Ground truth: Gorman, Mazovetskiy and Nikolaev (2018), through `tools/reference/homographs.py`.

#![allow(clippy::unwrap_used)] // test code

use lumivox_text::{Dialect, English};

/// Phonemes without what tells no pronunciations apart.
fn plain(phonemes: &str) -> Vec<char> {
    phonemes.replace('ˌ', "").replace('T', "t").replace('ᵊ', "ə").replace('ᵻ', "ɪ").chars().collect()
}

fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let best = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[b.len()]
}

/// Right ones and all of a kind, and the misses.
fn score(english: &English, kind: &str) -> (usize, usize, Vec<String>) {
    let (mut right, mut all, mut misses) = (0, 0, Vec::new());
    for line in include_str!("data/english_homographs.tsv").lines() {
        let [of, word, start, wanted, others, sentence] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        if of != kind {
            continue;
        }
        let start: usize = start.parse().unwrap();
        // Offsets count characters in some sentences of the source: the nearest occurrence is meant.
        let small = sentence.to_lowercase();
        let at = small.match_indices(word).map(|(at, _)| at).min_by_key(|at| at.abs_diff(start)).unwrap();
        let said = english.phonemize(sentence);
        let token = said.tokens.iter().find(|token| token.span.contains(&at)).unwrap();
        let far = |sound: &str| distance(&plain(&token.phonemes), &plain(sound));
        let nearest = others.split(',').map(far).min().unwrap();
        all += 1;
        if far(wanted) < nearest {
            right += 1;
        } else {
            misses.push(format!("{word}: {} for {wanted}: {sentence}", token.phonemes));
        }
    }
    println!("{kind}: {right} of {all} ({:.1} %)", 100.0 * right as f64 / all as f64);
    misses.iter().for_each(|miss| println!("  {miss}"));
    (right, all, misses)
}

#[test]
fn parts_of_speech_tell_homographs_apart() {
    let english = English::new(Dialect::American).unwrap();
    let (right, all, _) = score(&english, "pos");
    assert!(all >= 60 && right as f64 >= 0.9 * all as f64, "{right} of {all}");
    let (right, all, _) = score(&english, "lexical");
    assert!(all >= 60 && right as f64 >= 0.5 * all as f64, "{right} of {all}");
}
