//! Multi-head self-attention over channel-major tokens, with or without relative positions.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::arena::Buffer;
use crate::math;
use crate::op::to_vec;
use crate::parallel::SharedMut;
use crate::product::{BLOCK, Factors, block_product};
use crate::signal::Signal;

/// Rows of the operands are padded to whole vectors of the widest set.
const PAD: usize = 16;
const NO_BIAS: [f32; BLOCK] = [0.0; BLOCK];

/// Learned parts of scores and values for each distance `−window … window` between two tokens, the same for all heads (Shaw et al., 2018).
#[derive(Clone, Debug)]
pub struct RelativePositions {
    window: usize,
    head_dim: usize,
    /// `[head_dim][2·window + 1, padded]`.
    keys: Vec<f32>,
    /// `[2·window + 1][head_dim]`.
    values: Vec<f32>,
}

impl RelativePositions {
    /// From `keys` and `values`, both `(2·window + 1, head_dim)`.
    ///
    /// # Errors
    /// If their shapes differ or the number of rows is even.
    pub fn new(keys: &Tensor, values: &Tensor) -> Result<Self> {
        let (rows, head_dim) = keys.dims2()?;
        if values.dims() != keys.dims() || rows % 2 == 0 {
            bail!("relative positions: keys {:?} and values {:?}", keys.shape(), values.shape());
        }
        let unpacked = to_vec(keys)?;
        let width = rows.next_multiple_of(PAD);
        let mut keys = vec![0f32; head_dim * width];
        for (row, key) in unpacked.chunks_exact(head_dim).enumerate() {
            for (c, &value) in key.iter().enumerate() {
                keys[c * width + row] = value;
            }
        }
        Ok(Self { window: rows / 2, head_dim, keys, values: to_vec(values)? })
    }
}

/// `softmax(q·k/√d + positions)·v` for each head of `d` channels, where `qkv: (B, 3·heads·d, T)` = `[q | k | v]` → `(B, heads·d, T)`.
///
/// Sums are in `f32`; the error against [`attention_reference`] stays within 1e-5 for operands of the order of one.
///
/// # Errors
/// If the channels do not divide among the heads, or the positions are for another `d`.
pub fn attention(qkv: &Signal, heads: usize, positions: Option<&RelativePositions>) -> Result<Signal> {
    let (batch, channels, tokens) = qkv.dims();
    if heads == 0 || channels % (3 * heads) != 0 || positions.is_some_and(|p| p.head_dim != channels / 3 / heads) {
        bail!("attention: {heads} heads of queries, keys and values in {channels} channels");
    }
    let channels = channels / 3;
    let d = channels / heads;
    let (tokens_padded, d_padded) = (tokens.next_multiple_of(PAD), d.next_multiple_of(PAD));
    // One of the three for a head, counted through the batch.
    let of = |what: usize, head: usize| {
        let row = (head / heads * 3 + what) * channels + head % heads * d;
        &qkv.values[row * tokens..][..d * tokens]
    };
    // Keys as they are, values token by token, both padded.
    let mut keys = Buffer::new(batch * channels * tokens_padded);
    let mut values = Buffer::new(batch * heads * tokens * d_padded);
    let operands = keys.par_chunks_exact_mut(d * tokens_padded).zip(values.par_chunks_exact_mut(tokens * d_padded));
    operands.enumerate().for_each(|(head, (keys, values))| {
        for (to, from) in keys.chunks_exact_mut(tokens_padded).zip(of(1, head).chunks_exact(tokens)) {
            to[..tokens].copy_from_slice(from);
            to[tokens..].fill(0.0);
        }
        for (c, from) in of(2, head).chunks_exact(tokens).enumerate() {
            for (to, from) in values[c..].iter_mut().step_by(d_padded).zip(from) {
                *to = *from;
            }
        }
        for to in values.chunks_exact_mut(d_padded) {
            to[d..].fill(0.0);
        }
    });
    let mut out = Buffer::new(batch * channels * tokens);
    let shared = SharedMut::new(&mut out);
    let isa = Isa::current();
    let blocks = tokens.div_ceil(BLOCK);
    (0..batch * heads * blocks).into_par_iter().for_each(|task| {
        let (head, block) = (task / blocks, task % blocks);
        let queries = Queries {
            q: of(0, head),
            keys: &keys[head * d * tokens_padded..][..d * tokens_padded],
            values: &values[head * tokens * d_padded..][..tokens * d_padded],
            positions,
            out: shared,
            out_start: head * d * tokens,
            first: block * BLOCK,
            tokens,
            d,
        };
        dispatch(isa, queries);
    });
    Ok(Signal::new(out, [batch, channels, tokens]))
}

/// A block of queries of one head.
struct Queries<'a> {
    /// `[d][T]`.
    q: &'a [f32],
    /// `[d][T, padded]`.
    keys: &'a [f32],
    /// `[T][d, padded]`.
    values: &'a [f32],
    positions: Option<&'a RelativePositions>,
    out: SharedMut<'a>,
    out_start: usize,
    first: usize,
    tokens: usize,
    d: usize,
}

impl Kernel for Queries<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { tokens, d, first, .. } = self;
        let rows = BLOCK.min(tokens - first);
        let (tokens_padded, d_padded) = (tokens.next_multiple_of(PAD), d.next_multiple_of(PAD));
        let mut weights = vec![0f32; BLOCK * d.max(tokens)];
        let mut scores = vec![0f32; BLOCK * tokens_padded];
        let scale = (d as f32).powf(-0.5);
        for (to, from) in weights.chunks_exact_mut(BLOCK).zip(self.q.chunks_exact(tokens)) {
            for (to, from) in to.iter_mut().zip(&from[first..first + rows]) {
                *to = from * scale;
            }
        }
        product(s, &weights[..BLOCK * d], self.keys, tokens_padded, [rows, tokens], &mut scores);
        if let Some(positions) = self.positions {
            let width = positions.keys.len() / d;
            let mut near = vec![0f32; BLOCK * width];
            product(s, &weights[..BLOCK * d], &positions.keys, width, [rows, 2 * positions.window + 1], &mut near);
            for r in 0..rows {
                for (token, distance) in self.near(first + r, positions.window) {
                    scores[r * tokens_padded + token] += near[r * width + distance];
                }
            }
        }
        for r in 0..rows {
            softmax(s, &mut scores[r * tokens_padded..][..tokens]);
            for (weights, &p) in weights.chunks_exact_mut(BLOCK).zip(&scores[r * tokens_padded..][..tokens]) {
                weights[r] = p;
            }
        }
        let mut context = vec![0f32; BLOCK * d_padded];
        product(s, &weights[..BLOCK * tokens], self.values, d_padded, [rows, d], &mut context);
        for r in 0..rows {
            let context = &mut context[r * d_padded..][..d];
            if let Some(positions) = self.positions {
                for (token, distance) in self.near(first + r, positions.window) {
                    let p = scores[r * tokens_padded + token];
                    for (context, value) in context.iter_mut().zip(&positions.values[distance * d..][..d]) {
                        *context += p * value;
                    }
                }
            }
            for (c, &value) in context.iter().enumerate() {
                // SAFETY: the columns of these queries are this task's alone.
                unsafe { self.out.write(self.out_start + c * tokens + first + r, value) };
            }
        }
    }
}

impl Queries<'_> {
    /// The tokens within the window around `query`, with the index of their distance.
    fn near(&self, query: usize, window: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let end = (query + window + 1).min(self.tokens);
        (query.saturating_sub(window)..end).map(move |token| (token, token + window - query))
    }
}

/// The product of `weights: [n][BLOCK]` with `x: [n][row_len]`: `sums: [row][row_len]`. A function, as a closure is compiled without the instruction set.
#[inline(always)]
fn product<S: Simd>(s: S, weights: &[f32], x: &[f32], row_len: usize, size: [usize; 2], sums: &mut [f32]) {
    let factors = Factors { weights, channels: weights.len() / BLOCK, offsets: &[0], x, row_len };
    block_product(s, &factors, &NO_BIAS, size, sums, row_len);
}

/// `e^x / Σ e^x`, after the largest has been taken away.
#[inline(always)]
fn softmax<S: Simd>(s: S, x: &mut [f32]) {
    let whole = x.len() - x.len() % S::LANES;
    let mut largest = s.splat(f32::NEG_INFINITY);
    for i in (0..whole).step_by(S::LANES) {
        // SAFETY: `whole` is a multiple of LANES within `x`.
        largest = s.max(unsafe { s.load(x.as_ptr().add(i)) }, largest);
    }
    let mut lanes = [f32::NEG_INFINITY; 16];
    // SAFETY: no set has more than 16 lanes.
    unsafe { s.store(lanes.as_mut_ptr(), largest) };
    let largest = lanes.iter().chain(&x[whole..]).copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sums = s.splat(0.0);
    for i in (0..whole).step_by(S::LANES) {
        // SAFETY: `whole` is a multiple of LANES within `x`.
        unsafe {
            let e = math::exp(s, s.sub(s.load(x.as_ptr().add(i)), s.splat(largest)));
            s.store(x.as_mut_ptr().add(i), e);
            sums = s.add(sums, e);
        }
    }
    let mut sum = s.sum(sums);
    for x in &mut x[whole..] {
        *x = (*x - largest).exp();
        sum += *x;
    }
    x.iter_mut().for_each(|x| *x /= sum);
}

/// The scalar oracle of [`attention`] for one head, in `f64`: `q`, `k`, `v`: `[d][T]`, positions `[2·window + 1][d]` → `[d][T]`.
pub fn attention_reference(
    [q, k, v]: [&[f32]; 3],
    tokens: usize,
    positions: Option<(&[f32], &[f32], usize)>,
) -> Vec<f64> {
    let d = q.len() / tokens;
    let at = |x: &[f32], c: usize, t: usize| f64::from(x[c * tokens + t]);
    let mut out = vec![0f64; d * tokens];
    for i in 0..tokens {
        let distance = |j: usize| {
            let (_, _, window) = positions?;
            (i.abs_diff(j) <= window).then(|| j + window - i)
        };
        let score = |j: usize| {
            let content: f64 = (0..d).map(|c| at(q, c, i) * at(k, c, j)).sum();
            let relative = match (positions, distance(j)) {
                (Some((keys, ..)), Some(r)) => (0..d).map(|c| at(q, c, i) * f64::from(keys[r * d + c])).sum(),
                _ => 0.0,
            };
            (content + relative) / (d as f64).sqrt()
        };
        let scores: Vec<f64> = (0..tokens).map(score).collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
        for (j, score) in scores.iter().enumerate() {
            let p = (score - largest).exp() / sum;
            for c in 0..d {
                let relative = match (positions, distance(j)) {
                    (Some((_, values, _)), Some(r)) => f64::from(values[r * d + c]),
                    _ => 0.0,
                };
                out[c * tokens + i] += p * (at(v, c, j) + relative);
            }
        }
    }
    out
}
