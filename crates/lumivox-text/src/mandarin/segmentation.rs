//! Cutting Han characters into words as jieba 0.42 does (`jieba/__init__.py`, `__cut_DAG`; `jieba/finalseg`): the most probable
//! sequence of dictionary words, and single characters in a row that are no word joined by a hidden Markov model.

use super::word_list::WordList;
use crate::data;
use crate::error::{Error, Result};

const NAME: &str = "zh.words";

/// What is impossible: jieba's constant.
const IMPOSSIBLE: f64 = -3.14e100;

/// Last character that the model joins.
const LAST_MODELLED: u16 = 0x9FD5;

/// States of a character: first, inner, last or only one of a word.
const B: usize = 0;
const M: usize = 1;
const E: usize = 2;
const S: usize = 3;

/// Log probabilities of the states of a first character (`prob_start.py`).
const START: [f64; 4] = [-0.26268660809250016, IMPOSSIBLE, IMPOSSIBLE, -1.4652633398537678];

/// For each state, those that can come before it with their log probabilities (`prob_trans.py`), the one that wins a tie first.
const BEFORE: [[(usize, f64); 2]; 4] = [
    [(S, -0.7211965654669841), (E, -0.5897149736854513)],
    [(M, -1.2603623820268226), (B, -0.916290731874155)],
    [(M, -0.33344856811948514), (B, -0.510825623765990)],
    [(S, -0.6658631448798212), (E, -0.8085250474669937)],
];

/// The cutter.
pub(super) struct Segmentation {
    words: WordList,
    /// Logarithms of the words' frequencies.
    weights: Vec<f64>,
    log_total: f64,
    modelled: Vec<u16>,
    /// Log probabilities for each of `modelled`, by state.
    emissions: Vec<[f32; 4]>,
}

impl Segmentation {
    /// Reads the data compiled into the crate.
    pub(super) fn new() -> Result<Self> {
        let raw = data::decompress(NAME, include_bytes!("../../data/zh.words.zst"))?;
        let mut rest = raw.as_slice();
        let total: f64 = data::text(NAME, &mut rest)?.parse().map_err(|e| Error::data(NAME, e))?;
        let words = WordList::read(NAME, &mut rest)?;
        let weights: Vec<f64> = leb128(data::section(NAME, &mut rest)?).map(|n| f64::from(n).ln()).collect();
        let modelled: Vec<u16> = data::text(NAME, &mut rest)?.encode_utf16().collect();
        let floats = data::section(NAME, &mut rest)?;
        if weights.len() != words.len() || floats.len() != modelled.len() * 16 {
            return Err(Error::data(NAME, "cut short"));
        }
        let float = |state: usize, at: usize| {
            let at = (state * modelled.len() + at) * 4;
            f32::from_le_bytes([floats[at], floats[at + 1], floats[at + 2], floats[at + 3]])
        };
        let emissions = (0..modelled.len()).map(|at| [B, M, E, S].map(|state| float(state, at))).collect();
        Ok(Self { words, weights, log_total: total.ln(), modelled, emissions })
    }

    /// The lengths of the words of `text`.
    pub(super) fn cut(&self, text: &[u16]) -> Vec<usize> {
        let lengths = self.route(text);
        let mut words = Vec::with_capacity(lengths.len());
        let (mut at, mut single) = (0, 0);
        for length in lengths {
            if length == 1 {
                single += 1;
            } else {
                self.join(&text[at - single..at], &mut words);
                single = 0;
                words.push(length);
            }
            at += length;
        }
        self.join(&text[at - single..at], &mut words);
        words
    }

    /// The most probable sequence of dictionary words; of equals, the one with the longer first word.
    fn route(&self, text: &[u16]) -> Vec<usize> {
        let mut best = vec![(0.0, 1); text.len() + 1];
        for at in (0..text.len()).rev() {
            // A character that is no word counts as one that was seen once.
            let mut choice = (best[at + 1].0 - self.log_total, 1);
            let mut listed = false;
            self.words.prefixes(&text[at..], |length, word| {
                let weight = self.weights[word] - self.log_total + best[at + length].0;
                if !listed || weight >= choice.0 {
                    choice = (weight, length);
                }
                listed = true;
            });
            best[at] = choice;
        }
        let mut lengths = Vec::new();
        let mut at = 0;
        while at < text.len() {
            lengths.push(best[at].1);
            at += best[at].1;
        }
        lengths
    }

    /// Joins a row of single characters to words, unless the row is a word that was better left apart.
    fn join(&self, text: &[u16], words: &mut Vec<usize>) {
        if text.len() < 2 || self.words.find(text).is_some() {
            words.extend(text.iter().map(|_| 1));
            return;
        }
        for part in text.chunk_by(|a, b| (*a <= LAST_MODELLED) == (*b <= LAST_MODELLED)) {
            if part[0] <= LAST_MODELLED {
                self.model(part, words);
            } else {
                words.extend(part.iter().map(|_| 1));
            }
        }
    }

    fn emission(&self, c: u16) -> [f64; 4] {
        match self.modelled.binary_search(&c) {
            Ok(at) => self.emissions[at].map(|p| if p.is_nan() { IMPOSSIBLE } else { f64::from(p) }),
            Err(_) => [IMPOSSIBLE; 4],
        }
    }

    /// Viterbi over the states of the characters.
    fn model(&self, text: &[u16], words: &mut Vec<usize>) {
        let first = self.emission(text[0]);
        let mut scores = [B, M, E, S].map(|state| START[state] + first[state]);
        let mut from: Vec<[usize; 4]> = Vec::with_capacity(text.len());
        for &c in &text[1..] {
            let emission = self.emission(c);
            let step = [B, M, E, S].map(|state| {
                let score = |(before, transition): (usize, f64)| scores[before] + transition + emission[state];
                let [one, other] = BEFORE[state];
                if score(other) > score(one) { (score(other), other.0) } else { (score(one), one.0) }
            });
            scores = step.map(|(score, _)| score);
            from.push(step.map(|(_, before)| before));
        }
        let mut states = vec![if scores[E] > scores[S] { E } else { S }];
        for before in from.iter().rev() {
            states.push(before[states[states.len() - 1]]);
        }
        let mut length = 0;
        for state in states.into_iter().rev() {
            length += 1;
            if state == E || state == S {
                words.push(length);
                length = 0;
            }
        }
    }
}

/// Numbers in groups of seven bits, the lowest first.
fn leb128(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let mut rest = bytes.iter();
    std::iter::from_fn(move || {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = *rest.next()?;
            number |= u32::from(byte & 127) << shift;
            shift = (shift + 7).min(28);
            if byte < 128 {
                return Some(number);
            }
        }
    })
}
