//! Mean and variance of rows, from one look at a row or joined from pieces that several threads have seen.

use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};

/// Mean and biased variance of each row of `[B·C][L]`.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// `(mean, variance)` of each row.
    pub(crate) rows: Vec<(f64, f64)>,
}

/// What is known of a piece of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    mean: f64,
    /// `Σ (x − mean)²`.
    squares: f64,
}

impl Moments {
    /// Mean and biased variance of the piece's `n` values.
    pub(crate) fn of(self, n: usize) -> (f64, f64) {
        (self.mean, self.squares / n as f64)
    }
}

impl Statistics {
    /// Mean and biased variance of each row.
    pub fn rows(&self) -> impl Iterator<Item = (f64, f64)> {
        self.rows.iter().copied()
    }

    /// Of rows of `steps` values.
    pub(crate) fn of(x: &[f32], steps: usize) -> Self {
        let isa = Isa::current();
        let row = |x: &[f32]| dispatch(isa, Row(x)).of(x.len());
        Self { rows: x.par_chunks(steps.max(1)).map(row).collect() }
    }

    /// Joins the pieces of each row in their order, `piece` values each but for the last, of `steps` in all: the parallel algorithm of Chan et al. (1983).
    pub(crate) fn join(pieces: &[Moments], piece: usize, steps: usize) -> Self {
        let row = |pieces: &[Moments]| {
            let mut all = Moments::default();
            for (i, next) in pieces.iter().enumerate() {
                let (before, n) = ((i * piece) as f64, piece.min(steps - i * piece) as f64);
                let delta = next.mean - all.mean;
                all.mean += delta * n / (before + n);
                all.squares += next.squares + delta * delta * before * n / (before + n);
            }
            (all.mean, all.squares / steps as f64)
        };
        Self { rows: pieces.chunks(steps.div_ceil(piece)).map(row).collect() }
    }
}

struct Row<'a>(&'a [f32]);

impl Kernel for Row<'_> {
    type Output = Moments;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Moments {
        moments(s, self.0)
    }
}

/// Of a piece of a row, in two passes over `f32` lanes joined in `f64`.
#[inline(always)]
pub(crate) fn moments<S: Simd>(s: S, x: &[f32]) -> Moments {
    let mean = power_sum(s, x, None) / x.len() as f64;
    // Around the rounded mean; what rounding changes is of second order.
    Moments { mean, squares: power_sum(s, x, Some(mean as f32)) }
}

/// `Σ (x − centre)²` with a centre, `Σ x` without: vector sums over pieces of at most 1,024 vectors, the pieces joined in `f64`.
#[inline(always)]
fn power_sum<S: Simd>(s: S, x: &[f32], centre: Option<f32>) -> f64 {
    let mut total = 0f64;
    for piece in x.chunks(1024 * S::LANES) {
        let mut lanes = s.splat(0.0);
        let vectors = piece.chunks_exact(S::LANES);
        for &value in vectors.remainder() {
            total += centre.map_or(f64::from(value), |centre| f64::from((value - centre) * (value - centre)));
        }
        for vector in vectors {
            // SAFETY: `chunks_exact` gives LANES values.
            let v = unsafe { s.load(vector.as_ptr()) };
            lanes = match centre {
                None => s.add(lanes, v),
                Some(centre) => {
                    let d = s.sub(v, s.splat(centre));
                    s.mul_add(d, d, lanes)
                }
            };
        }
        total += f64::from(s.sum(lanes));
    }
    total
}
