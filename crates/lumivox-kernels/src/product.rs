//! The inner product that all convolutions are made of.
//!
//! Eight output rows × up to three vectors of columns are summed in registers while input channels and taps are walked: one load for each vector and one
//! broadcast weight for each row and product.

use crate::arch::Simd;

/// Output rows whose weights are packed together.
pub(crate) const BLOCK: usize = 8;
/// Columns that are summed at once, at most: three AVX-512 vectors.
pub(crate) const MAX_COLUMNS: usize = 48;

/// The factors of a block of rows: `weights: [channel][tap][BLOCK]`, and where the columns that a tap meets begin in a channel's row of `x`.
pub(crate) struct Factors<'a> {
    pub(crate) weights: &'a [f32],
    pub(crate) channels: usize,
    pub(crate) offsets: &'a [usize],
    pub(crate) x: &'a [f32],
    /// Values from one channel's row in `x` to the next.
    pub(crate) row_len: usize,
}

/// `sums[r·ld + j] = bias[r] + Σ weights[channel][tap][r] · x[channel·row_len + offsets[tap] + j]` for the first `rows` rows `r` (up to `BLOCK`, maybe more of them)
/// and `columns` columns `j`, rounded up to whole vectors: `x` and `sums` must have that much.
#[inline(always)]
pub(crate) fn block_product<S: Simd>(
    s: S,
    factors: &Factors,
    bias: &[f32],
    [rows, columns]: [usize; 2],
    sums: &mut [f32],
    ld: usize,
) {
    let Factors { weights, channels, offsets, x, row_len } = *factors;
    let whole = columns.next_multiple_of(S::LANES);
    let furthest = offsets.iter().max().copied().unwrap_or(0) + whole;
    // Checked once for thousands of products.
    assert!(channels > 0 && weights.len() == channels * offsets.len() * BLOCK && bias.len() == BLOCK);
    assert!((channels - 1) * row_len + furthest <= x.len() && (BLOCK - 1) * ld + whole <= sums.len());
    let mut done = 0;
    while done < whole {
        // A single row leaves registers for all.
        let most = if rows == 1 { 3 } else { S::TILE_VECTORS };
        let vectors = ((whole - done) / S::LANES).min(most);
        // SAFETY: the assertions above; `done + vectors·LANES <= whole`.
        unsafe {
            let (x, sums) = (x.as_ptr().add(done), sums.as_mut_ptr().add(done));
            let tile = Tile { weights: weights.as_ptr(), x, channels, offsets, row_len, bias, rows, sums, ld };
            match (S::TILE_ROWS, vectors) {
                (_, 1) if rows == 1 => tile.run::<S, 1, 1>(s),
                (_, 2) if rows == 1 => tile.run::<S, 1, 2>(s),
                (_, _) if rows == 1 => tile.run::<S, 1, 3>(s),
                (8, 1) => tile.run::<S, 8, 1>(s),
                (8, 2) => tile.run::<S, 8, 2>(s),
                (8, _) => tile.run::<S, 8, 3>(s),
                (_, 1) => tile.run::<S, 4, 1>(s),
                (_, _) => tile.run::<S, 4, 2>(s),
            }
        }
        done += vectors * S::LANES;
    }
}

/// Some vectors of columns.
struct Tile<'a> {
    weights: *const f32,
    x: *const f32,
    channels: usize,
    offsets: &'a [usize],
    row_len: usize,
    bias: &'a [f32],
    rows: usize,
    sums: *mut f32,
    ld: usize,
}

impl Tile<'_> {
    /// `R` rows at a time, `N` vectors of columns.
    ///
    /// # Safety
    /// All reads and writes must lie inside of the buffers.
    #[inline(always)]
    unsafe fn run<S: Simd, const R: usize, const N: usize>(&self, s: S) {
        for half in (0..self.rows).step_by(R) {
            let mut acc: [[S::V; N]; R] = std::array::from_fn(|r| [s.splat(self.bias[half + r]); N]);
            // SAFETY: the caller's promise.
            unsafe {
                let mut weights = self.weights.add(half);
                let mut row = self.x;
                for _ in 0..self.channels {
                    for &offset in self.offsets {
                        let x = row.add(offset);
                        let columns: [S::V; N] = std::array::from_fn(|j| s.load(x.add(j * S::LANES)));
                        for (r, acc) in acc.iter_mut().enumerate() {
                            let weight = s.splat(*weights.add(r));
                            for (acc, &column) in acc.iter_mut().zip(&columns) {
                                *acc = s.mul_add(weight, column, *acc);
                            }
                        }
                        weights = weights.add(BLOCK);
                    }
                    row = row.add(self.row_len);
                }
                for (r, acc) in acc.iter().enumerate() {
                    for (j, &acc) in acc.iter().enumerate() {
                        s.store(self.sums.add((half + r) * self.ld + j * S::LANES), acc);
                    }
                }
            }
        }
    }
}
