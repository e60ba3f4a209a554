//! Training of the perceptron.

use std::collections::{BTreeMap, HashMap};

use super::Model;
use super::align::{Aligned, align, phones};
use super::clause;
use super::features::{Context, History, Reach, label_hash, mix, stress_of};

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
    /// Whether the examples are words or clauses.
    pub reach: Reach,
}

/// A letter takes at most so many different labels.
const MAX_CANDIDATES: usize = 60;
/// In clauses a label that is so many times rarer than the letter's most frequent one comes from a wrong alignment.
const RAREST: usize = 3000;
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
    let (labels, aligned) = align(&words, options.reach);
    let candidates = candidates(&words, &aligned, options.reach);
    let size = 1usize << options.bits;
    let table = Table { weights: vec![0.0; size], sums: vec![0.0; size], step: 1.0 };
    let mut learner =
        Learner { labels: &labels, candidates: &candidates, reach: options.reach, table, random: options.seed };
    let mut order: Vec<usize> = (0..words.len()).collect();
    for epoch in 0..options.epochs {
        for i in (1..order.len()).rev() {
            learner.random = mix(learner.random.wrapping_add(i as u64));
            order.swap(i, (learner.random % (i as u64 + 1)) as usize);
        }
        let (mut wrong, mut decisions) = (0usize, 0usize);
        for &word in &order {
            let Some(gold) = &aligned[word] else { continue };
            wrong += learner.learn(&words[word].0, gold, epoch > 0);
            decisions += gold.len();
        }
        report(epoch, wrong as f64 / decisions.max(1) as f64);
    }
    let weights = learner.table.quantized_average(options.levels);
    Model { labels, candidates, weights, reach: options.reach }
}

/// The labels of each letter, most frequent first, without those seen once.
fn candidates(words: &[(Vec<char>, Vec<String>)], aligned: &[Aligned], reach: Reach) -> BTreeMap<char, Vec<u32>> {
    let mut counts: HashMap<char, BTreeMap<u32, usize>> = HashMap::new();
    for ((letters, _), labels) in words.iter().zip(aligned) {
        for (letter, label) in letters.iter().zip(labels.iter().flatten()) {
            *counts.entry(*letter).or_default().entry(*label).or_default() += 1;
        }
    }
    let ranked = counts.into_iter().map(|(letter, labels)| {
        let mut labels: Vec<_> = labels.into_iter().filter(|(_, count)| *count > 1).collect();
        labels.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        if reach == Reach::Clause {
            let most = labels.first().map_or(0, |(_, count)| *count);
            labels.retain(|(_, count)| *count * RAREST > most);
        }
        (letter, labels.into_iter().take(MAX_CANDIDATES).map(|(label, _)| label).collect())
    });
    ranked.collect()
}

/// What is learned so far.
struct Learner<'a> {
    labels: &'a [String],
    candidates: &'a BTreeMap<char, Vec<u32>>,
    reach: Reach,
    table: Table,
    random: u64,
}

impl Learner<'_> {
    /// How many features an example shows. Without what tells a word from all others, or its neighbours, the model must learn
    /// from letters; otherwise it would know the training words by heart and no other.
    fn features_seen(&mut self) -> usize {
        if self.reach == Reach::Word {
            return usize::MAX;
        }
        self.random = mix(self.random.wrapping_add(1));
        match self.random % 10 {
            0..4 => clause::GENERAL,
            4..7 => clause::LEXICAL,
            _ => usize::MAX,
        }
    }

    /// One pass over an example; returns the number of wrong decisions. With `explore`, three in ten decisions go on from the
    /// model's own choice instead of the right one, so that it learns to recover.
    fn learn(&mut self, letters: &[char], gold: &[u32], explore: bool) -> usize {
        let mut context = Context::new(self.reach, letters);
        let mut history = History::default();
        let mut wrong = 0;
        let seen = self.features_seen();
        for step in 0..letters.len() {
            let i = context.position(step, letters.len());
            let Some(candidates) = self.candidates.get(&letters[i]) else { continue };
            let right = gold[i];
            if self.reach == Reach::Clause && !candidates.contains(&right) {
                continue;
            }
            let active = context.at(i, &history);
            let active = &active[..seen.min(active.len())];
            let scored = candidates.iter().rev().map(|label| (*label, self.table.score(active, *label)));
            let Some((chosen, _)) = scored.max_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
            if chosen != right {
                wrong += 1;
                self.table.update(active, right, 1.0);
                self.table.update(active, chosen, -1.0);
            }
            self.table.step += 1.0;
            self.random = mix(self.random.wrapping_add(1));
            let next = if explore && self.random % 10 < 3 { chosen } else { right };
            history.push(next, stress_of(&self.labels[next as usize]));
            if letters[i] == ' ' {
                history.next_word();
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_a_regular_spelling() {
        let words = ["bat", "tab", "cat", "act", "cab", "tack", "back"];
        let say = |w: &str| w.replace("ck", "k").replace('c', "k").replace('a', "ˈæ");
        let examples: Vec<_> = words.iter().cycle().take(70).map(|w| (w.to_string(), say(w))).collect();
        let model =
            train(&examples, Options { bits: 16, epochs: 30, levels: 127, seed: 1, reach: Reach::Word }, |_, _| {});
        let model = Model::from_bytes(&model.to_bytes()).unwrap();
        for word in words {
            assert_eq!(model.transcribe(&word.chars().collect::<Vec<_>>()), say(word));
        }
    }

    #[test]
    fn learns_what_neighbours_do() {
        let say = |article: &str, noun: &str| {
            let liaison = if noun.starts_with('a') && article.ends_with('s') { "z" } else { "" };
            format!("{}{liaison} {}", article.replace('s', ""), noun.replace('s', "").replace('a', "ˈa"))
        };
        let (articles, nouns) = (["les", "des", "le", "de"], ["amis", "ami", "tas", "ta", "abats", "mat"]);
        let clauses = articles.iter().flat_map(|a| nouns.iter().map(move |n| (format!("{a} {n}"), say(a, n))));
        let words = articles.iter().chain(&nouns).map(|w| (w.to_string(), say(w, "").trim().replace('a', "ˈa")));
        let examples: Vec<_> = clauses.chain(words).collect();
        let examples: Vec<_> = examples.iter().cycle().take(10 * examples.len()).cloned().collect();
        let options = Options { bits: 16, epochs: 30, levels: 127, seed: 1, reach: Reach::Clause };
        let model = Model::from_bytes(&train(&examples, options, |_, _| {}).to_bytes()).unwrap();
        for (clause, phonemes) in &examples {
            assert_eq!(model.transcribe(&clause.chars().collect::<Vec<_>>()), *phonemes, "{clause}");
        }
        assert!(model.knows(' ') && !model.knows('x'));
    }
}
