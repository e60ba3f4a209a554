//! Part-of-speech tags: spaCy's `en_core_web_sm` (MIT), its convolutional token encoder and softmax.
//!
//! Six hash embeddings of each token (norm, prefix, suffix, shape, blank after, is space) are mixed by a maxout layer,
//! then four residual maxout layers each look one token to either side; so a tag depends on four neighbours each way
//! and long texts are tagged in windows, in linear time. Architecture: spaCy `ml/models/tok2vec.py`, thinc 8.3.

use std::collections::HashMap;

use ndarray::{Array1, Array2, ArrayView1, Axis, Zip, s};

use super::hash::{embedding_keys, string_hash};
use super::tokenizer::RawToken;
use crate::data;
use crate::error::{Error, Result};

const NAME: &str = "en.tagger";
const DATA: &[u8] = include_bytes!("../../data/en.tagger.zst");

/// The tagger's labels in the order of its softmax (Penn Treebank, as in OntoNotes 5).
const TAGS: [&str; 50] = [
    "$", "''", ",", "-LRB-", "-RRB-", ".", ":", "ADD", "AFX", "CC", "CD", "DT", "EX", "FW", "HYPH", "IN", "JJ", "JJR",
    "JJS", "LS", "MD", "NFP", "NN", "NNP", "NNPS", "NNS", "PDT", "POS", "PRP", "PRP$", "RB", "RBR", "RBS", "RP", "SYM",
    "TO", "UH", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "WDT", "WP", "WP$", "WRB", "XX", "_SP", "``",
];

/// A Penn Treebank tag.
pub(crate) type Tag = &'static str;

const WIDTH: usize = 96;
const PIECES: usize = 3;
const DEPTH: usize = 4;
const ROWS: [usize; 6] = [5000, 1000, 2500, 2500, 50, 50];
/// The seed of the first table; each next one has the next seed.
const FIRST_SEED: u32 = 8;
/// Tokens tagged at once.
const WINDOW: usize = 512;

/// Maxout with layer normalisation: `x: (T, I) → (T, 96)`.
struct Maxout {
    /// `(I, 3·96)`
    weight: Array2<f32>,
    bias: Array1<f32>,
    gain: Array1<f32>,
    shift: Array1<f32>,
}

/// The model.
pub(crate) struct Tagger {
    embeddings: Vec<Array2<f32>>,
    mixer: Maxout,
    layers: Vec<Maxout>,
    /// `(50, 96)`
    softmax_weight: Array2<f32>,
    softmax_bias: Array1<f32>,
    /// Sorted pairs: hash of a word, id of its norm.
    norms: Vec<(u64, u64)>,
    /// Strings that spaCy gives a small fixed id instead of a hash ("X", "case", "num" …).
    symbols: HashMap<Box<str>, u64>,
}

/// Reads f16 numbers one tensor after the other.
struct Weights<'a>(&'a [u8]);

impl Weights<'_> {
    fn vector(&mut self, count: usize) -> Result<Array1<f32>> {
        let (head, tail) = self.0.split_at_checked(2 * count).ok_or_else(|| Error::data(NAME, "too few weights"))?;
        self.0 = tail;
        Ok(head.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect())
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Result<Array2<f32>> {
        self.vector(rows * columns)?.into_shape_with_order((rows, columns)).map_err(|e| Error::data(NAME, e))
    }

    fn maxout(&mut self, inputs: usize) -> Result<Maxout> {
        Ok(Maxout {
            weight: self.matrix(WIDTH * PIECES, inputs)?.t().as_standard_layout().into_owned(),
            bias: self.vector(WIDTH * PIECES)?,
            gain: self.vector(WIDTH)?,
            shift: self.vector(WIDTH)?,
        })
    }
}

impl Maxout {
    fn forward(&self, x: &Array2<f32>) -> Array2<f32> {
        let pieces = x.dot(&self.weight) + &self.bias;
        let mut y = Array2::zeros((x.nrows(), WIDTH));
        Zip::from(&mut y)
            .and(pieces.exact_chunks((1, PIECES)))
            .for_each(|y, pieces| *y = pieces.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        for mut row in y.axis_iter_mut(Axis(0)) {
            let mean = row.sum() / WIDTH as f32;
            row -= mean;
            let variance = row.dot(&row) / WIDTH as f32 + 1e-8;
            row *= variance.sqrt().recip();
            row *= &self.gain;
            row += &self.shift;
        }
        y
    }
}

/// What a token's letters look like: `Xxxx`, `dd`, runs cut at four.
fn shape(text: &str) -> String {
    if text.chars().nth(99).is_some() {
        return "LONG".to_owned();
    }
    let mut shape = String::new();
    let (mut last, mut run) = (None, 0);
    for c in text.chars() {
        let class = if c.is_alphabetic() {
            if c.is_uppercase() { 'X' } else { 'x' }
        } else if c.is_numeric() {
            'd'
        } else {
            c
        };
        run = if last == Some(class) { run + 1 } else { 0 };
        last = Some(class);
        if run < 4 {
            shape.push(class);
        }
    }
    shape
}

impl Tagger {
    /// Also returns the tokenizer's exceptions.
    pub(crate) fn new() -> Result<(Self, String)> {
        let raw = data::decompress(NAME, DATA)?;
        let mut rest = raw.as_slice();
        let exceptions = data::text(NAME, &mut rest)?.to_owned();
        let norms = data::section(NAME, &mut rest)?.as_chunks::<16>().0;
        let symbols = data::text(NAME, &mut rest)?.lines();
        let symbols =
            symbols.filter_map(|line| line.split_once('\t').and_then(|(s, id)| Some((s.into(), id.parse().ok()?))));
        let symbols = symbols.collect();
        if !data::text(NAME, &mut rest)?.lines().eq(TAGS) {
            return Err(Error::data(NAME, "unexpected labels"));
        }
        let half = |b: &[u8; 16], at: usize| u64::from_le_bytes(std::array::from_fn(|i| b[at + i]));
        let mut weights = Weights(data::section(NAME, &mut rest)?);
        let tagger = Self {
            symbols,
            norms: norms.iter().map(|b| (half(b, 0), half(b, 8))).collect(),
            embeddings: ROWS.iter().map(|rows| weights.matrix(*rows, WIDTH)).collect::<Result<_>>()?,
            mixer: weights.maxout(ROWS.len() * WIDTH)?,
            layers: (0..DEPTH).map(|_| weights.maxout(3 * WIDTH)).collect::<Result<_>>()?,
            softmax_weight: weights.matrix(TAGS.len(), WIDTH)?,
            softmax_bias: weights.vector(TAGS.len())?,
        };
        Ok((tagger, exceptions))
    }

    /// spaCy's id of a string.
    fn id(&self, text: &str) -> u64 {
        self.symbols.get(text).copied().unwrap_or_else(|| string_hash(text))
    }

    fn attributes(&self, text: &str, token: &RawToken) -> [u64; 6] {
        let word = &text[token.range.clone()];
        let norm = match &token.norm {
            Some(norm) => self.id(norm),
            None => match self.norms.binary_search_by_key(&string_hash(word), |pair| pair.0) {
                Ok(found) => self.norms[found].1,
                Err(_) => self.id(&word.to_lowercase()),
            },
        };
        let first = word.chars().next().map_or(0, char::len_utf8);
        let last_three = word.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
        [
            norm,
            self.id(&word[..first]),
            self.id(&word[last_three..]),
            self.id(&shape(word)),
            u64::from(token.blank_after),
            u64::from(token.is_space),
        ]
    }

    /// `(T, 96)`: the tokens without their context.
    fn embed(&self, text: &str, tokens: &[RawToken]) -> Array2<f32> {
        let mut mixed = Array2::zeros((tokens.len(), ROWS.len() * WIDTH));
        for (token, mut row) in tokens.iter().zip(mixed.axis_iter_mut(Axis(0))) {
            let slots = row.exact_chunks_mut(WIDTH);
            for (((id, table), seed), mut slot) in
                self.attributes(text, token).into_iter().zip(&self.embeddings).zip(FIRST_SEED..).zip(slots)
            {
                for key in embedding_keys(id, seed) {
                    slot += &table.row(key as usize % table.nrows());
                }
            }
        }
        self.mixer.forward(&mixed)
    }

    /// One tag a token.
    pub(crate) fn tag(&self, text: &str, tokens: &[RawToken]) -> Vec<Tag> {
        let mut tags = Vec::with_capacity(tokens.len());
        for start in (0..tokens.len()).step_by(WINDOW) {
            let end = (start + WINDOW).min(tokens.len());
            let (first, last) = (start.saturating_sub(DEPTH), (end + DEPTH).min(tokens.len()));
            // Neighbours inside the text, rows of zeros beyond its ends (spaCy pads there).
            let mut rows = Array2::zeros((end - start + 2 * DEPTH, WIDTH));
            let offset = first + DEPTH - start;
            rows.slice_mut(s![offset..offset + last - first, ..]).assign(&self.embed(text, &tokens[first..last]));
            for layer in &self.layers {
                rows += &layer.forward(&with_neighbours(&rows));
            }
            let known = rows.slice(s![DEPTH..DEPTH + end - start, ..]);
            let scores = known.dot(&self.softmax_weight.t()) + &self.softmax_bias;
            tags.extend(scores.axis_iter(Axis(0)).map(best));
        }
        tags
    }
}

/// The tag with the highest score.
fn best(scores: ArrayView1<'_, f32>) -> Tag {
    let best = TAGS.iter().zip(scores).max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or("XX", |(tag, _)| tag)
}

/// `(T, 96) → (T, 288)`: each row between its neighbours, zeros beyond the ends.
fn with_neighbours(rows: &Array2<f32>) -> Array2<f32> {
    let mut wide = Array2::zeros((rows.nrows(), 3 * WIDTH));
    wide.slice_mut(s![1.., ..WIDTH]).assign(&rows.slice(s![..-1, ..]));
    wide.slice_mut(s![.., WIDTH..2 * WIDTH]).assign(rows);
    wide.slice_mut(s![..-1, 2 * WIDTH..]).assign(&rows.slice(s![1.., ..]));
    wide
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::english::tokenizer::Tokenizer;

    #[test]
    fn tokens_and_tags_are_spacys() {
        // Expected values: spaCy 3.8 with en_core_web_sm (3.8.0), tok2vec and tagger only.
        let (tagger, exceptions) = Tagger::new().unwrap();
        let tokenizer = Tokenizer::new(&exceptions);
        for (text, expected) in [
            ("FOR HALF A CUP OF", "FOR/IN HALF/NNP A/DT CUP/NNP OF/IN"),
            ("I can't  read the colour of it.", "I/PRP ca/MD n't/RB  /_SP read/VB the/DT colour/NN of/IN it/PRP ./."),
            (
                "\"Well-known dogs' owners,\" she'd say (in the U.S.).",
                "\"/`` Well/RB -/HYPH known/VBN dogs/NNS '/POS owners/NNS ,/, \"/'' she/PRP 'd/MD say/VB (/-LRB- in/IN the/DT \
                 U.S./NNP )/-RRB- ./.",
            ),
        ] {
            let tokens = tokenizer.tokenize(text);
            let tags = tagger.tag(text, &tokens);
            let said: Vec<_> =
                tokens.iter().zip(tags).map(|(t, tag)| format!("{}/{tag}", &text[t.range.clone()])).collect();
            assert_eq!(said.join(" "), expected);
        }
    }

    #[test]
    fn windows_do_not_show() {
        let (tagger, exceptions) = Tagger::new().unwrap();
        let sentence = "He will read the record that she read, and close the close door. ";
        let text = sentence.repeat(3 * WINDOW / 15);
        let tokens = Tokenizer::new(&exceptions).tokenize(&text);
        let tags = tagger.tag(&text, &tokens);
        let each = tokens.len() / (3 * WINDOW / 15);
        for repeated in tags.chunks(each).skip(1).take(3 * WINDOW / 15 - 2) {
            assert_eq!(repeated, &tags[each..2 * each]);
        }
    }
}
