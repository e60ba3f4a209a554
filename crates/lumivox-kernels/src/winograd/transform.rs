//! The transforms of Toom-Cook convolution `F(6, r)`: six outputs of `r` taps from `n = 6 + r − 1` products.
//!
//! A filter and a stretch of input are polynomials; both are evaluated at `n − 1` points and at infinity, multiplied there, and the product's coefficients are the
//! outputs (Winograd, 1980; Lavin and Gray, 2016, call it `F(m, r)`). The points come in pairs `±a`, so that half of the work of a pair is shared.

use crate::arch::Simd;

/// Outputs of a transform.
pub(crate) const OUTPUTS: usize = 6;
/// Products of the largest transform.
pub(crate) const MAX_POINTS: usize = 12;

/// The points `a` of the pairs `±a` for each number of taps, those with the least amplification of rounding among fractions with small terms; where `n` is
/// even, zero is a point too.
fn pairs(taps: usize) -> Option<&'static [f64]> {
    match taps {
        3 => Some(&[0.5, 1.0, 2.0]),
        5 => Some(&[0.4, 0.8, 1.25, 2.5]),
        6 => Some(&[0.25, 0.6, 1.0, 4.0 / 3.0, 3.0]),
        7 => Some(&[1.0 / 3.0, 2.0 / 3.0, 1.0, 1.5, 3.0]),
        _ => None,
    }
}

/// The matrices of `F(6, taps)`. Products are in the order `+a, −a` of each pair, zero if it is a point, infinity.
#[derive(Clone, Debug)]
pub(crate) struct Transform {
    /// Products of a transform, `n`.
    pub(crate) points: usize,
    /// What a product takes of each input: `[n][n]`.
    input: [[f32; MAX_POINTS]; MAX_POINTS],
    /// What a product takes of each tap: `[n][taps]`.
    weight: Vec<Vec<f64>>,
    /// The powers `a^0 … a^5` of each pair's point.
    powers: [[f32; OUTPUTS]; MAX_POINTS / 2],
}

impl Transform {
    /// Of `taps` taps; there is none but for 3, 5, 6 and 7.
    pub(crate) fn new(taps: usize) -> Option<Self> {
        let pairs = pairs(taps)?;
        let points = OUTPUTS + taps - 1;
        let mut finite: Vec<f64> = pairs.iter().flat_map(|&a| [a, -a]).collect();
        if finite.len() + 1 < points {
            finite.push(0.0);
        }
        let mut input = [[0f32; MAX_POINTS]; MAX_POINTS];
        let mut weight = Vec::with_capacity(points);
        for (i, &a) in finite.iter().enumerate() {
            let others = finite.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, &b)| b);
            let mut row = polynomial(others.clone());
            let mut divisor: f64 = others.map(|b| a - b).product();
            // The even part of a pair's second row shall be that of the first; without zero as a point it comes out negated.
            if a < 0.0 && finite.len().is_multiple_of(2) {
                row.iter_mut().for_each(|c| *c = -*c);
                divisor = -divisor;
            }
            copy_row(&mut input[i], &row);
            weight.push((0..taps as i32).map(|j| a.powi(j) / divisor).collect());
        }
        copy_row(&mut input[points - 1], &polynomial(finite.iter().copied()));
        weight.push((0..taps).map(|j| if j + 1 == taps { 1.0 } else { 0.0 }).collect());
        let mut powers = [[0f32; OUTPUTS]; MAX_POINTS / 2];
        for (row, &a) in powers.iter_mut().zip(pairs) {
            *row = std::array::from_fn(|j| a.powi(j as i32) as f32);
        }
        Some(Self { points, input, weight, powers })
    }

    /// What product `point` takes of each tap.
    pub(crate) fn weight(&self, point: usize) -> &[f64] {
        &self.weight[point]
    }

    /// The factors that `N` consecutive inputs give the products.
    #[inline(always)]
    pub(crate) fn input<S: Simd, const N: usize>(&self, s: S, d: &[S::V; N]) -> [S::V; N] {
        let mut out = [s.splat(0.0); N];
        let mut i = 0;
        while i + 2 < N {
            let (even, odd) =
                (every_other::<S, N>(s, &self.input[i], d, 0), every_other::<S, N>(s, &self.input[i], d, 1));
            out[i] = s.add(even, odd);
            out[i + 1] = s.sub(even, odd);
            i += 2;
        }
        if N.is_multiple_of(2) {
            // Zero: an even polynomial.
            out[N - 2] = every_other::<S, N>(s, &self.input[N - 2], d, 0);
        }
        // Infinity: of the parity of its degree.
        out[N - 1] = every_other::<S, N>(s, &self.input[N - 1], d, (N - 1) % 2);
        out
    }

    /// The outputs that `N` products give.
    #[inline(always)]
    pub(crate) fn output<S: Simd, const N: usize>(&self, s: S, m: &[S::V; N]) -> [S::V; OUTPUTS] {
        let mut out = [s.splat(0.0); OUTPUTS];
        let mut i = 0;
        while i + 2 < N {
            let parts = [s.add(m[i], m[i + 1]), s.sub(m[i], m[i + 1])];
            let powers = &self.powers[i / 2];
            let mut j = 0;
            while j < OUTPUTS {
                out[j] = s.mul_add(parts[j % 2], s.splat(powers[j]), out[j]);
                j += 1;
            }
            i += 2;
        }
        if N.is_multiple_of(2) {
            out[0] = s.add(out[0], m[N - 2]);
        }
        out[OUTPUTS - 1] = s.add(out[OUTPUTS - 1], m[N - 1]);
        out
    }
}

/// `Σ row[i]·d[i]` over every other `i` from `first` on.
#[inline(always)]
fn every_other<S: Simd, const N: usize>(s: S, row: &[f32; MAX_POINTS], d: &[S::V; N], first: usize) -> S::V {
    let mut sum = s.mul(d[first], s.splat(row[first]));
    let mut i = first + 2;
    while i < N {
        sum = s.mul_add(d[i], s.splat(row[i]), sum);
        i += 2;
    }
    sum
}

/// Coefficients of `Π (x − root)`, the constant first.
fn polynomial(roots: impl Iterator<Item = f64>) -> Vec<f64> {
    roots.fold(vec![1.0], |c, root| {
        let below = |k: usize| if k > 0 { c[k - 1] } else { 0.0 };
        let same = |k: usize| c.get(k).copied().unwrap_or(0.0);
        (0..=c.len()).map(|k| below(k) - root * same(k)).collect()
    })
}

fn copy_row(to: &mut [f32; MAX_POINTS], from: &[f64]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = from as f32;
    }
}
