//! The inner product of bytes: eight output rows × 48 columns, summed exactly.

use crate::arch::SimdInt8;

/// Output rows whose weights are packed together.
pub(super) const BLOCK: usize = 8;
/// Columns that are summed at once: three AVX-512 vectors.
pub(super) const COLUMNS: usize = 48;
/// Input channels whose bytes stand side by side.
pub(super) const QUAD: usize = 4;

/// The factors of a block of rows.
pub(super) struct Factors<'a> {
    /// `[channel quad][tap][BLOCK][QUAD]`.
    pub(super) weights: &'a [i8],
    /// `[channel quad][step][QUAD]`.
    pub(super) x: &'a [u8],
    /// Steps of `x`.
    pub(super) steps: usize,
    pub(super) taps: usize,
    /// Steps between taps.
    pub(super) dilation: usize,
}

/// What makes values of the sums: `value[r][j] = scale[r]·(start[r] + sum[r][j]) + bias[r]`.
pub(super) struct Finish {
    pub(super) start: [i32; BLOCK],
    pub(super) scale: [f32; BLOCK],
    pub(super) bias: [f32; BLOCK],
}

/// `values[r·ld + j]` of [`Finish`] from `sum[r][j] = Σ weights[quad][tap][r][i] · x[quad][j + tap·dilation][i]`, for `BLOCK` rows `r` and `COLUMNS` columns `j`.
#[inline(always)]
pub(super) fn block_product<S: SimdInt8>(s: S, factors: &Factors, finish: &Finish, values: &mut [f32], ld: usize) {
    let Factors { weights, x, steps, taps, dilation } = *factors;
    let quads = weights.len() / (taps * BLOCK * QUAD);
    // Checked once for thousands of products.
    assert!(weights.len() == quads * taps * BLOCK * QUAD && x.len() >= quads * steps * QUAD);
    assert!((taps - 1) * dilation + COLUMNS <= steps && (BLOCK - 1) * ld + COLUMNS <= values.len());
    // SAFETY: the assertions above; each tile's rows and columns lie within BLOCK and COLUMNS.
    unsafe {
        if S::LANES == 16 {
            tile::<S, 8, 3>(s, factors, quads, finish, [0, 0], values.as_mut_ptr(), ld);
        } else {
            for column in (0..COLUMNS).step_by(2 * S::LANES) {
                for row in (0..BLOCK).step_by(4) {
                    tile::<S, 4, 2>(s, factors, quads, finish, [row, column], values.as_mut_ptr(), ld);
                }
            }
        }
    }
}

/// `R` rows from `row` on, `N` vectors of columns from `column` on.
///
/// # Safety
/// All reads and writes must lie inside of the buffers.
#[inline(always)]
unsafe fn tile<S: SimdInt8, const R: usize, const N: usize>(
    s: S,
    factors: &Factors,
    quads: usize,
    finish: &Finish,
    [row, column]: [usize; 2],
    values: *mut f32,
    ld: usize,
) {
    let mut sums: [[S::Sums; N]; R] = std::array::from_fn(|r| [s.splat_sum(finish.start[row + r]); N]);
    // SAFETY: the caller's promise.
    unsafe {
        let mut weights = factors.weights.as_ptr().add(row * QUAD);
        let mut x = factors.x.as_ptr().add(column * QUAD);
        for _ in 0..quads {
            let mut tap = x;
            for _ in 0..factors.taps {
                let inputs: [S::Inputs; N] = std::array::from_fn(|j| s.load_inputs(tap.add(j * S::LANES * QUAD)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let weights = s.splat_weights(weights.add(r * QUAD));
                    for (sum, inputs) in sums.iter_mut().zip(&inputs) {
                        *sum = s.dot(*sum, inputs, &weights);
                    }
                }
                weights = weights.add(BLOCK * QUAD);
                // Behind the last tap this may point past the buffer, unread.
                tap = tap.wrapping_add(factors.dilation * QUAD);
            }
            x = x.wrapping_add(factors.steps * QUAD);
        }
        for (r, sums) in sums.iter().enumerate() {
            let (scale, bias) = (s.splat(finish.scale[row + r]), s.splat(finish.bias[row + r]));
            for (j, &sum) in sums.iter().enumerate() {
                // Not fused, so that every instruction set rounds alike.
                let value = s.add(s.mul(s.to_f32(sum), scale), bias);
                s.store(values.add((row + r) * ld + column + j * S::LANES), value);
            }
        }
    }
}
