//! The gate of WaveNet.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::arena::Buffer;
use crate::math;
use crate::op::with_values;
use crate::signal::Signal;

/// `tanh(a + p)·sigmoid(b + q)` where `x: (B, 2C, L)` = `[a | b]` and `condition: (B, 2C, 1)` = `[p | q]`, if given → `(B, C, L)`: `fused_add_tanh_sigmoid_multiply`
/// of VITS. Absolute error against [`gate_reference`] ≤ 1e-6.
///
/// # Errors
/// If the number of channels is odd or the condition has others.
pub fn gate(x: &Signal, condition: Option<&Tensor>) -> Result<Signal> {
    let (batch, channels, steps) = x.dims();
    if channels % 2 == 1 || condition.is_some_and(|condition| condition.dims() != [batch, channels, 1]) {
        bail!("gate: a condition {:?} for {:?}", condition.map(Tensor::shape), x.dims());
    }
    match condition {
        Some(condition) => with_values(condition, "gate", |condition| Ok(gated(x, condition))),
        None => Ok(gated(x, &vec![0.0; batch * channels])),
    }
    .map(|values| Signal::new(values, [batch, channels / 2, steps]))
}

fn gated(x: &Signal, condition: &[f32]) -> Buffer {
    let (batch, channels, steps) = x.dims();
    let half = channels / 2;
    let mut out = Buffer::new(batch * half * steps);
    let isa = Isa::current();
    out.par_chunks_mut(steps.max(1)).enumerate().for_each(|(row, out)| {
        let first = row / half * channels + row % half;
        let rows = [first, first + half].map(|row| (&x.values[row * steps..][..steps], condition[row]));
        dispatch(isa, Row { rows, out });
    });
    out
}

/// One output channel: its two input channels with their conditions.
struct Row<'a> {
    rows: [(&'a [f32], f32); 2],
    out: &'a mut [f32],
}

impl Kernel for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Row { rows: [(a, p), (b, q)], out } = self;
        let (p, q) = (s.splat(p), s.splat(q));
        let whole = out.len() - out.len() % S::LANES;
        for i in (0..whole).step_by(S::LANES) {
            // SAFETY: the three rows have `whole` values, a multiple of LANES.
            unsafe {
                let (a, b) = (s.load(a.as_ptr().add(i)), s.load(b.as_ptr().add(i)));
                s.store(out.as_mut_ptr().add(i), gate_vector(s, s.add(a, p), s.add(b, q)));
            }
        }
        if whole < out.len() {
            let n = out.len() - whole;
            let (mut last_a, mut last_b) = ([0f32; 16], [0f32; 16]);
            last_a[..n].copy_from_slice(&a[whole..]);
            last_b[..n].copy_from_slice(&b[whole..]);
            // SAFETY: no set has more than 16 lanes.
            unsafe {
                let (a, b) = (s.load(last_a.as_ptr()), s.load(last_b.as_ptr()));
                s.store(last_a.as_mut_ptr(), gate_vector(s, s.add(a, p), s.add(b, q)));
            }
            out[whole..].copy_from_slice(&last_a[..n]);
        }
    }
}

#[inline(always)]
fn gate_vector<S: Simd>(s: S, a: S::V, b: S::V) -> S::V {
    s.mul(math::tanh(s, a), math::sigmoid(s, b))
}

/// The scalar oracle of [`gate`] for one value, in `f64`.
pub fn gate_reference(a: f32, b: f32) -> f64 {
    f64::from(a).tanh() / (1.0 + (-f64::from(b)).exp())
}
