//! Multi-head self-attention over row-major tokens whose queries, keys and values come from one linear layer.
//!
//! A thread takes one head. Its keys are transposed and its values copied into contiguous buffers once; then eight queries at a time meet all keys, are
//! turned into weights, and meet all values, both products with the convolutions' inner loop.

use std::cell::RefCell;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::math;
use crate::op::with_values;
use crate::parallel::SharedMut;
use crate::product::{BLOCK, Factors, block_product};

/// `softmax(q·kᵀ/√head_dim)·v` for each of `heads` heads: `qkv: (B, T, 3C)` = `[q | k | v]`, each head's channels side by side → `(B, T, C)`.
///
/// The error against [`attention_qkvpacked_reference`] stays within `2e-5 · max|v|` for scores of -20..20.
///
/// # Errors
/// If `heads` does not divide `C`.
pub fn attention_qkvpacked(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (batch, tokens, width) = qkv.dims3()?;
    if heads == 0 || width == 0 || !width.is_multiple_of(3 * heads) {
        bail!("attention: input {:?} for {heads} heads", qkv.shape());
    }
    let mut out = vec![0f32; batch * tokens * width / 3];
    let isa = Isa::current();
    with_values(qkv, "attention", |qkv| {
        let out = SharedMut::new(&mut out);
        (0..batch * heads).into_par_iter().for_each(|task| {
            let qkv = &qkv[task / heads * tokens * width..][..tokens * width];
            let head_dim = width / 3 / heads;
            dispatch(isa, Head { qkv, out, batch: task / heads, head: task % heads, head_dim, tokens });
        });
        Ok(())
    })?;
    Tensor::from_vec(out, (batch, tokens, width / 3), qkv.device())
}

/// One head of one sequence.
struct Head<'a> {
    /// `[T][3C]`.
    qkv: &'a [f32],
    /// `[B][T][C]`.
    out: SharedMut<'a>,
    batch: usize,
    head: usize,
    head_dim: usize,
    tokens: usize,
}

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Kernel for Head<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { qkv, head_dim, tokens, .. } = self;
        if tokens == 0 {
            return;
        }
        let width = qkv.len() / tokens;
        let (keys_len, values_len) = (tokens.next_multiple_of(S::LANES), head_dim.next_multiple_of(S::LANES));
        // Taken out and put back, not borrowed in a closure: a closure would be compiled without the instruction set.
        let mut scratch = SCRATCH.take();
        let sizes = [head_dim * keys_len, tokens * values_len, BLOCK * head_dim, BLOCK * tokens, BLOCK * keys_len];
        let sums_len = BLOCK * values_len;
        scratch.clear();
        scratch.resize(sizes.iter().sum::<usize>() + sums_len, 0.0);
        let (keys, rest) = scratch.split_at_mut(sizes[0]);
        let (values, rest) = rest.split_at_mut(sizes[1]);
        let (queries, rest) = rest.split_at_mut(sizes[2]);
        let (weights, rest) = rest.split_at_mut(sizes[3]);
        let (scores, sums) = rest.split_at_mut(sizes[4]);
        for (t, row) in qkv.chunks_exact(width).enumerate() {
            let part = |which: usize| &row[which * width / 3 + self.head * head_dim..][..head_dim];
            keys[t..].iter_mut().step_by(keys_len).zip(part(1)).for_each(|(key, &x)| *key = x);
            values[t * values_len..][..head_dim].copy_from_slice(part(2));
        }
        let scale = (head_dim as f32).powf(-0.5);
        for first in (0..tokens).step_by(BLOCK) {
            let count = BLOCK.min(tokens - first);
            for r in 0..count {
                let query = &qkv[(first + r) * width + self.head * head_dim..][..head_dim];
                queries[r..].iter_mut().step_by(BLOCK).zip(query).for_each(|(packed, &x)| *packed = scale * x);
            }
            let factors = Factors { weights: queries, channels: head_dim, offsets: &[0], x: keys, row_len: keys_len };
            block_product(s, &factors, &[0.0; BLOCK], [count, tokens], scores, keys_len);
            for (r, scores) in scores.chunks_exact_mut(keys_len).take(count).enumerate() {
                softmax(s, scores, tokens);
                weights[r..].iter_mut().step_by(BLOCK).zip(&*scores).for_each(|(weight, &x)| *weight = x);
            }
            let factors = Factors { weights, channels: tokens, offsets: &[0], x: values, row_len: values_len };
            block_product(s, &factors, &[0.0; BLOCK], [count, head_dim], sums, values_len);
            for (r, sums) in sums.chunks_exact(values_len).take(count).enumerate() {
                let row = (self.batch * tokens + first + r) * width / 3;
                // SAFETY: the head's channels are this task's alone.
                unsafe { self.out.slice(row + self.head * head_dim, head_dim) }.copy_from_slice(&sums[..head_dim]);
            }
        }
        SCRATCH.set(scratch);
    }
}

/// Of the first `n` values, in place; the rest of `x`, whole vectors, becomes anything.
#[inline(always)]
fn softmax<S: Simd>(s: S, x: &mut [f32], n: usize) {
    let max = x[..n].iter().fold(f32::NEG_INFINITY, |max, &x| if x > max { x } else { max });
    for vector in x.chunks_exact_mut(S::LANES) {
        // SAFETY: `chunks_exact_mut` gives LANES values.
        unsafe { s.store(vector.as_mut_ptr(), math::exp(s, s.sub(s.load(vector.as_ptr()), s.splat(max)))) };
    }
    x[n..].fill(0.0);
    let mut sum = s.splat(0.0);
    for vector in x.chunks_exact(S::LANES) {
        // SAFETY: as above.
        sum = s.add(sum, unsafe { s.load(vector.as_ptr()) });
    }
    let scale = 1.0 / s.sum(sum);
    x[..n].iter_mut().for_each(|x| *x *= scale);
}

/// The scalar oracle of [`attention_qkvpacked`] for one sequence, in `f64`: `qkv: [T][3C]` → `[T][C]`.
pub fn attention_qkvpacked_reference(qkv: &[f32], tokens: usize, heads: usize) -> Vec<f64> {
    let width = qkv.len() / tokens;
    let (channels, head_dim) = (width / 3, width / 3 / heads);
    let mut out = vec![0f64; tokens * channels];
    for head in 0..heads {
        let at = |t: usize, which: usize, d: usize| f64::from(qkv[t * width + which * channels + head * head_dim + d]);
        for i in 0..tokens {
            let dot = |j: usize| (0..head_dim).map(|d| at(i, 0, d) * at(j, 1, d)).sum::<f64>();
            let scores: Vec<f64> = (0..tokens).map(|j| dot(j) / (head_dim as f64).sqrt()).collect();
            let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = scores.iter().map(|score| (score - max).exp()).sum();
            for d in 0..head_dim {
                let context = (0..tokens).map(|j| (scores[j] - max).exp() / total * at(j, 2, d)).sum();
                out[i * channels + head * head_dim + d] = context;
            }
        }
    }
    out
}
