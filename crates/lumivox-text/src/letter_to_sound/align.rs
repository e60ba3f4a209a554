//! Which phonemes belong to which letter: hard EM over monotone alignments of a letter to zero to three phonemes. The blank
//! between the words of a clause counts as a letter, and as a phoneme.

use std::collections::HashMap;

use super::features::Reach;

/// Phonemes a letter can take.
const MAX_PHONES: usize = 3;
const ROUNDS: usize = 7;

/// How far an alignment may stray from the diagonal, in phonemes: more than any word is long, and far in a clause.
const BAND: usize = 16;

/// Splits a phoneme string into phonemes with their stress marks, length and nasality.
pub(super) fn phones(phonemes: &str) -> Vec<String> {
    let mut phones: Vec<String> = Vec::new();
    let mut stress = String::new();
    for c in phonemes.chars() {
        if matches!(c, 'ˈ' | 'ˌ') {
            stress.push(c);
        } else if matches!(c, 'ː' | 'ʰ' | '\u{303}')
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

/// Up to [`MAX_PHONES`] numbered phonemes as one number.
type Packed = u64;

fn pack(phones: &[u32]) -> Packed {
    phones.iter().fold(0, |packed, phone| (packed << 20) | u64::from(phone + 1))
}

/// How often a letter was seen with phonemes in the last round.
#[derive(Default)]
struct Counts {
    pairs: HashMap<(char, Packed), f64>,
    letters: HashMap<char, f64>,
}

/// What phonemes are compared by. In clauses stress makes no difference: which syllable bears it says nothing about the letter,
/// and rare combinations would be aligned to whatever stands beside.
fn compared(phone: &str, reach: Reach) -> &str {
    match reach {
        Reach::Word => phone,
        Reach::Clause => phone.trim_start_matches(['ˈ', 'ˌ']),
    }
}

/// Numbers for the phonemes of each example.
fn number(words: &[(Vec<char>, Vec<String>)], reach: Reach) -> Vec<Vec<u32>> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut number = |phone| {
        let fresh = numbers.len() as u32;
        *numbers.entry(phone).or_insert(fresh)
    };
    words.iter().map(|(_, phones)| phones.iter().map(|phone| number(compared(phone, reach))).collect()).collect()
}

/// Aligns all words or clauses; returns the label names and each one's labels. What single words show comes first.
pub(super) fn align(words: &[(Vec<char>, Vec<String>)], reach: Reach) -> (Vec<String>, Vec<Aligned>) {
    let numbers = number(words, reach);
    let mut ids: HashMap<String, u32> = HashMap::new();
    let mut counts: Option<Counts> = None;
    let mut aligned = Vec::new();
    for _ in 0..ROUNDS {
        let mut next = Counts::default();
        aligned = words
            .iter()
            .zip(&numbers)
            .map(|((letters, phones), numbers)| {
                if counts.is_none() && letters.contains(&' ') {
                    return None;
                }
                let takes = best_path(letters, numbers, counts.as_ref())?;
                let mut from = 0;
                let mut labels = Vec::with_capacity(letters.len());
                for (letter, take) in letters.iter().zip(takes) {
                    let fresh = ids.len() as u32;
                    let id = *ids.entry(phones[from..from + take].concat()).or_insert(fresh);
                    *next.pairs.entry((*letter, pack(&numbers[from..from + take]))).or_default() += 1.0;
                    from += take;
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
fn best_path(letters: &[char], phones: &[u32], counts: Option<&Counts>) -> Option<Vec<usize>> {
    let (n, m) = (letters.len(), phones.len());
    let mut best = vec![vec![f64::NEG_INFINITY; m + 1]; n + 1];
    let mut back = vec![vec![0; m + 1]; n + 1];
    best[0][0] = 0.0;
    for i in 0..n {
        let middle = i * m / n;
        for j in middle.saturating_sub(BAND)..=(middle + BAND).min(m) {
            if best[i][j] == f64::NEG_INFINITY {
                continue;
            }
            for take in 0..=MAX_PHONES.min(m - j) {
                let score = match counts {
                    None => first_guess((i + 1) as f64 / n as f64, (j + take) as f64 / m.max(1) as f64, take),
                    Some(counts) => log_probability(letters[i], &phones[j..j + take], counts),
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

fn log_probability(letter: char, phones: &[u32], counts: &Counts) -> f64 {
    match counts.pairs.get(&(letter, pack(phones))) {
        Some(count) => ((count + 0.01) / (counts.letters[&letter] + 1.0)).ln(),
        None => -12.0 - 2.0 * phones.len() as f64,
    }
}
