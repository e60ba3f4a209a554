//! Values put in another order across several vectors, such as those of rows that are interleaved.

use std::cmp::Ordering;

use crate::arch::Simd;

/// Lanes of the vectors that the tables are for.
pub(crate) const LANES: usize = 16;

/// Some vectors of 16 lanes made of as many others, each value going to a place of its own.
#[derive(Clone, Debug)]
pub(crate) struct Permutation {
    vectors: usize,
    /// `[to][from − 1]`: what vector `to` takes, lane by lane, of itself as it is so far (to begin with it is the first vector), or, from 16 on, of vector `from`.
    table: Vec<[u32; LANES]>,
}

/// How many values vectors, and rows of them, are apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Apart {
    pub(crate) vector: usize,
    pub(crate) row: usize,
}

impl Permutation {
    /// Of `vectors` vectors, two at least, given the place that each place's value comes from, both counted through all vectors.
    pub(crate) fn new(vectors: usize, from: impl Fn(usize) -> usize) -> Self {
        let lane = |to: usize, step: usize, lane: usize| {
            let from = from(to * LANES + lane);
            let (vector, index) = (from / LANES, (from % LANES) as u32);
            match step.cmp(&vector) {
                Ordering::Equal => LANES as u32 + index,
                // The first vector's values are fetched from their places by the first step.
                _ if step == 1 && vector == 0 => index,
                _ => lane as u32,
            }
        };
        let steps = (0..vectors).flat_map(|to| (1..vectors).map(move |step| (to, step)));
        let table = steps.map(|(to, step)| std::array::from_fn(|i| lane(to, step, i))).collect();
        Self { vectors, table }
    }

    /// Writes the vectors that those at `from` become to `to`; for each of `R` rows.
    ///
    /// # Safety
    /// The instruction set must have 16 lanes, and all of these vectors must be readable and writable.
    #[inline(always)]
    pub(crate) unsafe fn apply<S: Simd, const R: usize>(
        &self,
        s: S,
        (from, from_apart): (*const f32, Apart),
        (to, to_apart): (*mut f32, Apart),
    ) {
        for (i, row) in self.table.chunks_exact(self.vectors - 1).enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let mut vectors: [S::V; R] = std::array::from_fn(|r| s.load(from.add(r * from_apart.row)));
                for (j, index) in row.iter().enumerate() {
                    for (r, vector) in vectors.iter_mut().enumerate() {
                        *vector = s.permute2(
                            *vector,
                            index,
                            s.load(from.add(r * from_apart.row + (j + 1) * from_apart.vector)),
                        );
                    }
                }
                for (r, &vector) in vectors.iter().enumerate() {
                    s.store(to.add(r * to_apart.row + i * to_apart.vector), vector);
                }
            }
        }
    }
}
