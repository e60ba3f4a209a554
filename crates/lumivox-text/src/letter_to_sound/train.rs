//! Training of the perceptron.

use std::collections::{BTreeMap, HashMap};

use super::Model;
use super::align::{Aligned, align, phones};
use super::features::{Features, History, label_hash, mix, stress_of};

/// Settings of a training run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The table has 2^`bits` weights of one byte.
    pub bits: u32,
    /// Passes over the data.
    pub epochs: usize,
    /// Weights are rounded to whole numbers from -`levels` to `levels`: fewer levels compress better.
    pub levels: i8,
    /// Seed of the shuffling.
    pub seed: u64,
}

/// A letter takes at most so many different labels.
const MAX_CANDIDATES: usize = 60;
/// Weights beyond this part of the largest are cut, so that the small ones keep their resolution.
const CLIP: f32 = 1.0 / 3.0;

/// Weights in training with the sums for their average.
struct Table {
    weights: Vec<f32>,
    sums: Vec<f32>,
    step: f32,
}

impl Table {
    fn score(&self, active: &[u64], label: u32) -> f32 {
        let (hash, mask) = (label_hash(label), self.weights.len() as u64 - 1);
        active.iter().map(|f| self.weights[((f ^ hash) & mask) as usize]).sum()
    }

    fn update(&mut self, active: &[u64], label: u32, by: f32) {
        let (hash, mask) = (label_hash(label), self.weights.len() as u64 - 1);
        for f in active {
            let at = ((f ^ hash) & mask) as usize;
            self.weights[at] += by;
            self.sums[at] += by * self.step;
        }
    }

    fn quantized_average(&self, levels: i8) -> Vec<i8> {
        let average: Vec<f32> = self.weights.iter().zip(&self.sums).map(|(w, sum)| w - sum / self.step).collect();
        let largest = average.iter().fold(f32::MIN_POSITIVE, |max, w| max.max(w.abs()));
        let levels = f32::from(levels);
        let scale = levels / (largest * CLIP);
        average.iter().map(|w| (w * scale).round().clamp(-levels, levels) as i8).collect()
    }
}

/// Trains on `(spelling in lower case, phonemes)`; `report` is told the share of wrong decisions after each pass.
/// The same examples and options give the same model.
pub fn train(examples: &[(String, String)], options: Options, mut report: impl FnMut(usize, f64)) -> Model {
    let words: Vec<(Vec<char>, Vec<String>)> =
        examples.iter().map(|(spelling, ps)| (spelling.chars().collect(), phones(ps))).collect();
    let (labels, aligned) = align(&words);
    let candidates = candidates(&words, &aligned);
    let size = 1usize << options.bits;
    let mut table = Table { weights: vec![0.0; size], sums: vec![0.0; size], step: 1.0 };
    let mut order: Vec<usize> = (0..words.len()).collect();
    let mut random = options.seed;
    for epoch in 0..options.epochs {
        for i in (1..order.len()).rev() {
            random = mix(random.wrapping_add(i as u64));
            order.swap(i, (random % (i as u64 + 1)) as usize);
        }
        let (mut wrong, mut decisions) = (0usize, 0usize);
        for &word in &order {
            let Some(gold) = &aligned[word] else { continue };
            wrong += learn_word(&words[word].0, gold, &labels, &candidates, &mut table, epoch > 0, &mut random);
            decisions += gold.len();
        }
        report(epoch, wrong as f64 / decisions.max(1) as f64);
    }
    Model { labels, candidates, weights: table.quantized_average(options.levels) }
}

/// The labels of each letter, most frequent first, without those seen once.
fn candidates(words: &[(Vec<char>, Vec<String>)], aligned: &[Aligned]) -> BTreeMap<char, Vec<u32>> {
    let mut counts: HashMap<char, BTreeMap<u32, usize>> = HashMap::new();
    for ((letters, _), labels) in words.iter().zip(aligned) {
        for (letter, label) in letters.iter().zip(labels.iter().flatten()) {
            *counts.entry(*letter).or_default().entry(*label).or_default() += 1;
        }
    }
    let ranked = counts.into_iter().map(|(letter, labels)| {
        let mut labels: Vec<_> = labels.into_iter().filter(|(_, count)| *count > 1).collect();
        labels.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        (letter, labels.into_iter().take(MAX_CANDIDATES).map(|(label, _)| label).collect())
    });
    ranked.collect()
}

/// One pass over a word; returns the number of wrong decisions. With `explore`, three in ten decisions go on from the
/// model's own choice instead of the right one, so that it learns to recover.
fn learn_word(
    letters: &[char],
    gold: &[u32],
    labels: &[String],
    candidates: &BTreeMap<char, Vec<u32>>,
    table: &mut Table,
    explore: bool,
    random: &mut u64,
) -> usize {
    let mut features = Features::new(letters);
    let mut history = History::default();
    let mut wrong = 0;
    for (i, (letter, &right)) in letters.iter().zip(gold).enumerate() {
        let Some(candidates) = candidates.get(letter) else { continue };
        let active = features.at(i, &history);
        let scored = candidates.iter().rev().map(|label| (*label, table.score(active, *label)));
        let Some((chosen, _)) = scored.max_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        if chosen != right {
            wrong += 1;
            table.update(active, right, 1.0);
            table.update(active, chosen, -1.0);
        }
        table.step += 1.0;
        *random = mix(random.wrapping_add(1));
        let next = if explore && *random % 10 < 3 { chosen } else { right };
        history.push(next, stress_of(&labels[next as usize]));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_a_regular_spelling() {
        let words = ["bat", "tab", "cat", "act", "cab", "tack", "back"];
        let say = |w: &str| w.replace("ck", "k").replace('c', "k").replace('a', "ˈæ");
        let examples: Vec<_> = words.iter().cycle().take(70).map(|w| (w.to_string(), say(w))).collect();
        let model = train(&examples, Options { bits: 16, epochs: 30, levels: 127, seed: 1 }, |_, _| {});
        let model = Model::from_bytes(&model.to_bytes()).unwrap();
        for word in words {
            assert_eq!(model.transcribe(&word.chars().collect::<Vec<_>>()), say(word));
        }
    }
}
