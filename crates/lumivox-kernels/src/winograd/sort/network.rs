//! What [`Permutation`](crate::permutation::Permutation) does with vectors of 16 lanes, for vectors of 8, where an instruction moves lanes of one vector only.
//!
//! Two neighbouring values are a unit, so that a vector has places for four, and three vectors have twelve units. Of these the four units `3c + p` lie in four
//! different places: for each `p` blending brings them into one vector, which is put in order, a half for each of the two planes that they are of. The next
//! three vectors give the same planes' other halves.

use super::step;
use crate::arch::Simd;
use crate::permutation::Apart;
use crate::winograd::transform::OUTPUTS;

/// Lanes of the vectors.
pub(super) const LANES: usize = 8;

/// Some vectors made of as many others.
#[derive(Clone, Debug)]
pub(super) enum Network {
    /// Six stretches of a row become six planes.
    ToPlanes(Six),
    /// And back.
    ToRow(Six),
    /// Two vectors become one of their even runs and one of the odd ones, with lanes in this order.
    Split([u32; LANES]),
    /// And back.
    Join([u32; LANES]),
}

/// The order of six vectors, for a dilation of 1 or 2.
#[derive(Clone, Debug)]
pub(super) struct Six {
    /// For each `p` the order of the lanes.
    order: [[u32; LANES]; 3],
    /// For each `p` the planes.
    planes: [[usize; 2]; 3],
}

impl Network {
    pub(super) fn to_planes(dilation: usize) -> Self {
        Self::ToPlanes(Six { order: std::array::from_fn(|p| units(dilation, p)), planes: planes(dilation) })
    }

    pub(super) fn to_row(dilation: usize) -> Self {
        Self::ToRow(Six { order: std::array::from_fn(|p| inverse(units(dilation, p))), planes: planes(dilation) })
    }

    pub(super) fn split(dilation: usize) -> Self {
        Self::Split(runs(dilation))
    }

    pub(super) fn join(dilation: usize) -> Self {
        Self::Join(inverse(runs(dilation)))
    }

    /// Writes the vectors that those at `from` become to `to`; for each of `R` rows.
    ///
    /// # Safety
    /// The instruction set must have 8 lanes and shuffle, and all of these vectors must be readable and writable.
    #[inline(always)]
    pub(super) unsafe fn apply<S: Simd, const R: usize>(
        &self,
        s: S,
        (from, from_apart): (*const f32, Apart),
        (to, to_apart): (*mut f32, Apart),
    ) {
        for r in 0..R {
            // SAFETY: the caller's promise.
            let load = |i: usize| unsafe { s.load(from.add(r * from_apart.row + i * from_apart.vector)) };
            // SAFETY: the caller's promise.
            let store = |i: usize, v: S::V| unsafe { s.store(to.add(r * to_apart.row + i * to_apart.vector), v) };
            match self {
                Self::ToPlanes(Six { order, planes }) => {
                    let row: [S::V; OUTPUTS] = std::array::from_fn(load);
                    let first = gather(s, [row[0], row[1], row[2]]);
                    let second = gather(s, [row[3], row[4], row[5]]);
                    for p in 0..3 {
                        let halves = s.halves(s.permute(first[p], &order[p]), s.permute(second[p], &order[p]));
                        store(planes[p][0], halves[0]);
                        store(planes[p][1], halves[1]);
                    }
                }
                Self::ToRow(Six { order, planes }) => {
                    let (mut first, mut second) = ([s.splat(0.0); 3], [s.splat(0.0); 3]);
                    for p in 0..3 {
                        let halves = s.halves(load(planes[p][0]), load(planes[p][1]));
                        first[p] = s.permute(halves[0], &order[p]);
                        second[p] = s.permute(halves[1], &order[p]);
                    }
                    let (first, second) = (scatter(s, first), scatter(s, second));
                    for i in 0..3 {
                        store(i, first[i]);
                        store(3 + i, second[i]);
                    }
                }
                Self::Split(order) => {
                    let halves = s.halves(s.permute(load(0), order), s.permute(load(1), order));
                    store(0, halves[0]);
                    store(1, halves[1]);
                }
                Self::Join(order) => {
                    let halves = s.halves(load(0), load(1));
                    store(0, s.permute(halves[0], order));
                    store(1, s.permute(halves[1], order));
                }
            }
        }
    }
}

/// For each `p` the units `3c + p` of three vectors, each in its lane.
#[inline(always)]
fn gather<S: Simd>(s: S, [a, b, c]: [S::V; 3]) -> [S::V; 3] {
    [
        s.blend::<0b00_00_11_00>(s.blend::<0b00_11_00_00>(a, b), c),
        s.blend::<0b00_11_00_00>(s.blend::<0b11_00_00_11>(a, b), c),
        s.blend::<0b11_00_00_11>(s.blend::<0b00_00_11_00>(a, b), c),
    ]
}

/// The inverse of [`gather`].
#[inline(always)]
fn scatter<S: Simd>(s: S, [a, b, c]: [S::V; 3]) -> [S::V; 3] {
    [
        s.blend::<0b00_11_00_00>(s.blend::<0b00_00_11_00>(a, b), c),
        s.blend::<0b00_00_11_00>(s.blend::<0b11_00_00_11>(a, b), c),
        s.blend::<0b11_00_00_11>(s.blend::<0b00_11_00_00>(a, b), c),
    ]
}

/// The order of the units `3c + p`, each in its lane, that has a half for each of their two planes.
fn units(dilation: usize, p: usize) -> [u32; LANES] {
    std::array::from_fn(|lane| {
        let (c, value) = match dilation {
            1 => (lane % 4, lane / 4),
            _ => ([0, 2, 1, 3][lane / 2], lane % 2),
        };
        (2 * ((3 * c + p) % 4) + value) as u32
    })
}

/// For each `p` the two planes that the units `3c + p` are of.
fn planes(dilation: usize) -> [[usize; 2]; 3] {
    std::array::from_fn(|p| if dilation == 1 { [2 * p, 2 * p + 1] } else { [p, p + 3] })
}

/// The order of a vector's lanes that has the even runs in one half, and the odd ones in the other.
fn runs(dilation: usize) -> [u32; LANES] {
    std::array::from_fn(|lane| step([2, dilation], lane / 4, lane % 4) as u32)
}

fn inverse(order: [u32; LANES]) -> [u32; LANES] {
    let mut inverse = [0; LANES];
    for (i, from) in order.into_iter().enumerate() {
        inverse[from as usize] = i as u32;
    }
    inverse
}
