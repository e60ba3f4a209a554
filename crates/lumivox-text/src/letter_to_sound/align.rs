//! Which phonemes belong to which letter: hard EM over monotone alignments of a letter to zero to three phonemes.

use std::collections::HashMap;

/// Phonemes a letter can take.
const MAX_PHONES: usize = 3;
const ROUNDS: usize = 7;

/// Splits a phoneme string into phonemes with their stress marks and length.
pub(super) fn phones(phonemes: &str) -> Vec<String> {
    let mut phones: Vec<String> = Vec::new();
    let mut stress = String::new();
    for c in phonemes.chars() {
        if matches!(c, 'ˈ' | 'ˌ') {
            stress.push(c);
        } else if c == 'ː'
            && stress.is_empty()
            && let Some(last) = phones.last_mut()
        {
            last.push(c);
        } else {
            let mut phone = std::mem::take(&mut stress);
            phone.push(c);
            phones.push(phone);
        }
    }
    phones
}

/// Label ids of a word's letters; none where the word can't be aligned.
pub(super) type Aligned = Option<Vec<u32>>;

/// How often a letter was seen with a label in the last round.
#[derive(Default)]
struct Counts {
    pairs: HashMap<(char, u32), f64>,
    letters: HashMap<char, f64>,
}

/// Aligns all words; returns the label names and each word's labels.
pub(super) fn align(words: &[(Vec<char>, Vec<String>)]) -> (Vec<String>, Vec<Aligned>) {
    let mut ids: HashMap<String, u32> = HashMap::new();
    let mut counts: Option<Counts> = None;
    let mut aligned = Vec::new();
    for _ in 0..ROUNDS {
        let mut next = Counts::default();
        aligned = words
            .iter()
            .map(|(letters, phones)| {
                let takes = best_path(letters, phones, counts.as_ref(), &ids)?;
                let mut from = 0;
                let mut labels = Vec::with_capacity(letters.len());
                for (letter, take) in letters.iter().zip(takes) {
                    let fresh = ids.len() as u32;
                    let id = *ids.entry(phones[from..from + take].concat()).or_insert(fresh);
                    from += take;
                    *next.pairs.entry((*letter, id)).or_default() += 1.0;
                    *next.letters.entry(*letter).or_default() += 1.0;
                    labels.push(id);
                }
                Some(labels)
            })
            .collect();
        counts = Some(next);
    }
    let mut names = vec![String::new(); ids.len()];
    for (name, id) in ids {
        names[id as usize] = name;
    }
    (names, aligned)
}

/// The likeliest number of phonemes for each letter.
fn best_path(
    letters: &[char],
    phones: &[String],
    counts: Option<&Counts>,
    ids: &HashMap<String, u32>,
) -> Option<Vec<usize>> {
    let (n, m) = (letters.len(), phones.len());
    let mut best = vec![vec![f64::NEG_INFINITY; m + 1]; n + 1];
    let mut back = vec![vec![0; m + 1]; n + 1];
    best[0][0] = 0.0;
    for i in 0..n {
        for j in 0..=m {
            if best[i][j] == f64::NEG_INFINITY {
                continue;
            }
            for take in 0..=MAX_PHONES.min(m - j) {
                let score = match counts {
                    None => first_guess((i + 1) as f64 / n as f64, (j + take) as f64 / m.max(1) as f64, take),
                    Some(counts) => log_probability(letters[i], &phones[j..j + take], counts, ids),
                };
                let total = best[i][j] + score;
                if total > best[i + 1][j + take] {
                    best[i + 1][j + take] = total;
                    back[i + 1][j + take] = take;
                }
            }
        }
    }
    if best[n][m] == f64::NEG_INFINITY {
        return None;
    }
    let mut j = m;
    let mut takes: Vec<usize> = (0..n)
        .rev()
        .map(|i| {
            let take = back[i + 1][j];
            j -= take;
            take
        })
        .collect();
    takes.reverse();
    Some(takes)
}

/// Before anything is counted: near the diagonal, one phoneme a letter.
fn first_guess(letters_done: f64, phones_done: f64, take: usize) -> f64 {
    let cost = [1.0, 0.0, 1.5, 4.0];
    -3.0 * (letters_done - phones_done).abs() - cost[take]
}

fn log_probability(letter: char, phones: &[String], counts: &Counts, ids: &HashMap<String, u32>) -> f64 {
    let pair = ids.get(&phones.concat()).and_then(|id| counts.pairs.get(&(letter, *id)));
    match pair {
        Some(count) => ((count + 0.01) / (counts.letters[&letter] + 1.0)).ln(),
        None => -12.0 - 2.0 * phones.len() as f64,
    }
}
