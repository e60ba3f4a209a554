//! Sorting steps into planes and back.
//!
//! Where the instruction set shuffles, vectors are put together from stretches of others, by tables made once for a dilation; elsewhere runs of values are
//! copied.

mod network;

use super::transform::OUTPUTS;
use crate::arch::Simd;
use crate::permutation::{Apart, LANES, Permutation};
use network::Network;

/// The most planes.
const MAX_PLANES: usize = 2 * OUTPUTS;
/// Values before the first one and behind the last one that must be there, whatever they are.
pub(super) const MARGIN: usize = MAX_PLANES * LANES;

/// Sorts steps into `P` planes, `planes[i][c] = row[P·d·⌊c/d⌋ + i·d + c mod d]`, and back.
#[derive(Clone, Debug)]
pub(super) struct Sorter {
    planes: usize,
    dilation: usize,
    plan: Plan,
}

#[derive(Clone, Debug)]
enum Plan {
    /// Runs of values are long enough to be copied one by one.
    Copy,
    /// Six vectors become six others: for dilations of 1 and 2, whose runs are too short to be fetched one by one. Of twelve planes each then has every other
    /// run of one of these.
    Shuffle(Box<Shuffles>),
    /// Each vector is blended from the runs in it: for vectors of 8 lanes, and of 16.
    Blend([Blends; 2]),
}

/// How six vectors of a row become planes, and back.
#[derive(Clone, Debug)]
struct Shuffles {
    to_planes: Shuffle,
    to_rows: Shuffle,
    /// Of twelve planes.
    halves: Option<Halves>,
}

/// The same of vectors of 16 lanes, and of 8.
#[derive(Clone, Debug)]
struct Shuffle {
    sixteen: Permutation,
    eight: Network,
}

/// Two vectors made of every other run of two, and back.
#[derive(Clone, Debug)]
struct Halves {
    split: Shuffle,
    join: Shuffle,
}

/// Twice six vectors of each of `R` rows.
type Twelve<const R: usize> = [[f32; MAX_PLANES * LANES]; R];

/// Of [`Twelve`]: vectors that follow each other if `n` is 1, or every other one if it is 2.
const fn apart<S: Simd>(n: usize) -> Apart {
    Apart { vector: n * S::LANES, row: MAX_PLANES * LANES }
}

/// How vectors of planes are blended, and those of rows.
#[derive(Clone, Debug)]
struct Blends {
    to_planes: Blend,
    to_rows: Blend,
}

/// Vectors, `[vector][most]`, until they repeat.
#[derive(Clone, Debug)]
struct Blend {
    runs: Vec<Run>,
    /// Runs of the vector that has most.
    most: usize,
}

/// Some lanes of a vector, and where what belongs into its first lane would lie if all of it were this run.
#[derive(Clone, Copy, Debug)]
struct Run {
    lanes: u16,
    plane: u16,
    offset: i32,
}

impl Sorter {
    /// Of 6 or 12 planes.
    pub(super) fn new(planes: usize, dilation: usize) -> Self {
        let plan = match dilation {
            1 | 2 => Plan::Shuffle(Box::new(Shuffles::new(dilation, planes > OUTPUTS))),
            3..LANES => Plan::Blend([8, 16].map(|lanes| Blends {
                to_planes: Blend::new(lanes, planes * dilation, |vector, lane| {
                    (0, step([planes, dilation], vector % planes, vector / planes * lanes + lane))
                }),
                to_rows: Blend::new(lanes, planes * dilation, |vector, lane| {
                    place([planes, dilation], vector * lanes + lane)
                }),
            })),
            _ => Plan::Copy,
        };
        Self { planes, dilation, plan }
    }

    /// The least number of columns that is whole vectors and whole runs; none if that is more than `most`.
    pub(super) fn period(&self, most: usize) -> Option<usize> {
        (1..).map(|n| n * LANES).take_while(|n| *n <= most).find(|n| n.is_multiple_of(self.dilation))
    }

    /// Values of all planes of `columns` columns, or of a row of their values, with the margins.
    pub(super) fn padded_len(&self, columns: usize) -> usize {
        2 * MARGIN + self.planes * columns
    }

    /// Fills the planes of `columns` columns, a multiple of 16, for each of `R` rows with the steps that it has between its margins. Rows are
    /// [`Sorter::padded_len`] values long, and so are a row's planes.
    #[inline(always)]
    pub(super) fn to_planes<S: Simd, const R: usize>(&self, s: S, rows: &[f32], planes: &mut [f32], columns: usize) {
        let (len, count, d) = (self.padded_len(columns), self.planes, self.dilation);
        assert!(columns.is_multiple_of(LANES) && planes.len().min(rows.len()) >= R * len);
        match &self.plan {
            Plan::Shuffle(shuffles) if S::SHUFFLES => {
                let Shuffles { to_planes, halves, .. } = &**shuffles;
                let in_rows = Apart { vector: S::LANES, row: len };
                let mut twelve: Twelve<R> = [[0.0; MAX_PLANES * LANES]; R];
                for column in (0..columns).step_by(S::LANES) {
                    // SAFETY: a row has a value of each plane for each column, each plane all columns.
                    unsafe {
                        let from = rows.as_ptr().add(MARGIN + count * column);
                        let to = planes.as_mut_ptr().add(MARGIN + column);
                        let Some(halves) = halves else {
                            to_planes.apply::<S, R>(s, (from, in_rows), (to, Apart { vector: columns, row: len }));
                            continue;
                        };
                        let sorted = twelve.as_mut_ptr().cast::<f32>();
                        for half in 0..2 {
                            let from = from.add(half * OUTPUTS * S::LANES);
                            to_planes.apply::<S, R>(s, (from, in_rows), (sorted.add(half * S::LANES), apart::<S>(2)));
                        }
                        for plane in 0..OUTPUTS {
                            let from = sorted.cast_const().add(2 * plane * S::LANES);
                            let in_planes = Apart { vector: OUTPUTS * columns, row: len };
                            halves.split.apply::<S, R>(s, (from, apart::<S>(1)), (to.add(plane * columns), in_planes));
                        }
                    }
                }
            }
            Plan::Blend(blends) if S::SHUFFLES => {
                let to_planes = &blends[usize::from(S::LANES == LANES)].to_planes;
                // Columns until the vectors repeat.
                let period = S::LANES * d;
                for start in (0..columns).step_by(period) {
                    let columns_here = (start..columns.min(start + period)).step_by(S::LANES);
                    for (column, vectors) in columns_here.zip(to_planes.runs.chunks_exact(count * to_planes.most)) {
                        for (i, vector) in vectors.chunks_exact(to_planes.most).enumerate() {
                            // SAFETY: a column's values lie less than a margin around its place in the row.
                            unsafe {
                                let from = rows.as_ptr().add(MARGIN + count * start);
                                let to = planes.as_mut_ptr().add(MARGIN + i * columns + column);
                                blend::<S, R>(s, vector, (from, 0), to, len);
                            }
                        }
                    }
                }
            }
            _ => {
                for (row, planes) in rows.chunks_exact(len).zip(planes.chunks_exact_mut(len)).take(R) {
                    let (row, planes) = (&row[MARGIN..], &mut planes[MARGIN..]);
                    for (j, row) in row.chunks_exact(count * d).take(columns / d).enumerate() {
                        for (i, run) in row.chunks_exact(d).enumerate() {
                            copy(run, &mut planes[i * columns + j * d..][..d]);
                        }
                    }
                }
            }
        }
    }

    /// The inverse of [`Sorter::to_planes`] for the first `steps` steps; what is behind them, the margin included, may be overwritten.
    #[inline(always)]
    pub(super) fn to_rows<S: Simd, const R: usize>(
        &self,
        s: S,
        planes: &[f32],
        columns: usize,
        rows: &mut [f32],
        steps: usize,
    ) {
        let (len, count, d) = (self.padded_len(columns), self.planes, self.dilation);
        assert!(columns.is_multiple_of(S::LANES) && planes.len().min(rows.len()) >= R * len);
        assert!(steps.div_ceil(count * d) * d <= columns);
        match &self.plan {
            Plan::Shuffle(shuffles) if S::SHUFFLES => {
                let Shuffles { to_rows, halves, .. } = &**shuffles;
                let in_rows = Apart { vector: S::LANES, row: len };
                let mut twelve: Twelve<R> = [[0.0; MAX_PLANES * LANES]; R];
                for column in (0..steps.div_ceil(count)).step_by(S::LANES) {
                    // SAFETY: each plane has a vector here, and the row one for each plane, the last ones of them maybe in the margin.
                    unsafe {
                        let from = planes.as_ptr().add(MARGIN + column);
                        let to = rows.as_mut_ptr().add(MARGIN + count * column);
                        let Some(halves) = halves else {
                            to_rows.apply::<S, R>(s, (from, Apart { vector: columns, row: len }), (to, in_rows));
                            continue;
                        };
                        let joined = twelve.as_mut_ptr().cast::<f32>();
                        for plane in 0..OUTPUTS {
                            let in_planes = Apart { vector: OUTPUTS * columns, row: len };
                            let to = joined.add(2 * plane * S::LANES);
                            halves.join.apply::<S, R>(s, (from.add(plane * columns), in_planes), (to, apart::<S>(1)));
                        }
                        for half in 0..2 {
                            let from = joined.cast_const().add(half * S::LANES);
                            let to = to.add(half * OUTPUTS * S::LANES);
                            to_rows.apply::<S, R>(s, (from, apart::<S>(2)), (to, in_rows));
                        }
                    }
                }
            }
            Plan::Blend(blends) if S::SHUFFLES => {
                let to_rows = &blends[usize::from(S::LANES == LANES)].to_rows;
                let period = count * S::LANES * d;
                for start in (0..steps).step_by(period) {
                    let steps = (start..steps.min(start + period)).step_by(S::LANES);
                    for (step, vector) in steps.zip(to_rows.runs.chunks_exact(to_rows.most)) {
                        // SAFETY: a step's value lies less than a margin around its column in some plane.
                        unsafe {
                            let from = (planes.as_ptr().add(MARGIN + start / count), columns);
                            blend::<S, R>(s, vector, from, rows.as_mut_ptr().add(MARGIN + step), len);
                        }
                    }
                }
            }
            _ => {
                for (row, planes) in rows.chunks_exact_mut(len).zip(planes.chunks_exact(len)).take(R) {
                    for (j, run) in row[MARGIN..][..steps].chunks_mut(d).enumerate() {
                        copy(&planes[MARGIN + j % count * columns + j / count * d..][..run.len()], run);
                    }
                }
            }
        }
    }
}

/// The step in column `column` of plane `plane`.
fn step([planes, dilation]: [usize; 2], plane: usize, column: usize) -> usize {
    column / dilation * planes * dilation + plane * dilation + column % dilation
}

/// The plane and column of step `step`.
fn place([planes, dilation]: [usize; 2], step: usize) -> (usize, usize) {
    (step / dilation % planes, step / (planes * dilation) * dilation + step % dilation)
}

impl Shuffles {
    fn new(dilation: usize, halves: bool) -> Self {
        let split = |vectors| Permutation::new(vectors, |i| step([vectors, dilation], i / LANES, i % LANES));
        let join = |vectors| {
            Permutation::new(vectors, |i| {
                let (plane, column) = place([vectors, dilation], i);
                plane * LANES + column
            })
        };
        Self {
            to_planes: Shuffle { sixteen: split(OUTPUTS), eight: Network::to_planes(dilation) },
            to_rows: Shuffle { sixteen: join(OUTPUTS), eight: Network::to_row(dilation) },
            halves: halves.then(|| Halves {
                split: Shuffle { sixteen: split(2), eight: Network::split(dilation) },
                join: Shuffle { sixteen: join(2), eight: Network::join(dilation) },
            }),
        }
    }
}

impl Shuffle {
    /// [`Permutation::apply`].
    ///
    /// # Safety
    /// The instruction set must shuffle, and all of these vectors must be readable and writable.
    #[inline(always)]
    unsafe fn apply<S: Simd, const R: usize>(&self, s: S, from: (*const f32, Apart), to: (*mut f32, Apart)) {
        const { assert!(S::LANES == LANES || S::LANES == network::LANES) };
        // SAFETY: the caller's promise.
        unsafe {
            if S::LANES == LANES {
                self.sixteen.apply::<S, R>(s, from, to);
            } else {
                self.eight.apply::<S, R>(s, from, to);
            }
        }
    }
}

impl Blend {
    /// Of `vectors` vectors of `lanes` lanes, given the plane and place that each of a vector's lanes is from.
    fn new(lanes: usize, vectors: usize, from: impl Fn(usize, usize) -> (usize, usize)) -> Self {
        let vector = |vector: usize| {
            let mut runs: Vec<Run> = Vec::new();
            for lane in 0..lanes {
                let (plane, place) = from(vector, lane);
                let here = Run { lanes: 1 << lane, plane: plane as u16, offset: place as i32 - lane as i32 };
                match runs.last_mut() {
                    Some(run) if (run.plane, run.offset) == (here.plane, here.offset) => run.lanes |= here.lanes,
                    _ => runs.push(here),
                }
            }
            runs
        };
        let mut all: Vec<Vec<Run>> = (0..vectors).map(vector).collect();
        let most = all.iter().map(Vec::len).max().unwrap_or_default();
        for runs in &mut all {
            // Runs of no lanes, in a place that is read anyway.
            runs.resize(most, Run { lanes: 0, ..runs[0] });
        }
        Self { runs: all.concat(), most }
    }
}

/// Writes the vector that `runs` make, counted from `from` in planes that are `plane` apart; for each of `R` rows, `len` values apart.
///
/// # Safety
/// All runs must be readable, and the vectors writable.
#[inline(always)]
unsafe fn blend<S: Simd, const R: usize>(
    s: S,
    runs: &[Run],
    (from, plane): (*const f32, usize),
    to: *mut f32,
    len: usize,
) {
    let mut vectors = [s.splat(0.0); R];
    for run in runs {
        // SAFETY: the caller's promise.
        unsafe {
            let from = from.offset(usize::from(run.plane) as isize * plane as isize + run.offset as isize);
            for (r, vector) in vectors.iter_mut().enumerate() {
                *vector = s.load_into(*vector, run.lanes, from.add(r * len));
            }
        }
    }
    for (r, &vector) in vectors.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { s.store(to.add(r * len), vector) };
    }
}

/// Copies one value after another where they are too few to call for it.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    if from.len() < LANES {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    } else {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Isa, Kernel, dispatch};

    const ROWS: usize = 3;

    struct ThereAndBack<'a>(&'a Sorter, usize);

    impl Kernel for ThereAndBack<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Self(sorter, columns) = self;
            let (count, d) = (sorter.planes, sorter.dilation);
            let (steps, len) = (columns / d * d * count, sorter.padded_len(columns));
            let rows: Vec<f32> = (0..ROWS * len).map(|i| i as f32).collect();
            let mut planes = vec![-1f32; rows.len()];
            sorter.to_planes::<S, ROWS>(s, &rows, &mut planes, columns);
            let mut back = vec![-1f32; rows.len()];
            sorter.to_rows::<S, ROWS>(s, &planes, columns, &mut back, steps);
            for ((row, planes), back) in rows.chunks(len).zip(planes.chunks(len)).zip(back.chunks(len)) {
                for i in 0..count {
                    for c in 0..columns / d * d {
                        let want = row[MARGIN + count * d * (c / d) + i * d + c % d];
                        let got = planes[MARGIN + i * columns + c];
                        assert_eq!(got, want, "{count} planes, dilation {d}: plane {i}, column {c}");
                    }
                }
                let (got, want) = (&back[MARGIN..][..steps], &row[MARGIN..][..steps]);
                assert_eq!(got, want, "{count} planes, dilation {d}, {columns} columns");
            }
        }
    }

    #[test]
    fn planes_are_their_definition_and_go_back() {
        for isa in Isa::available() {
            for (planes, dilation) in (1..20).flat_map(|dilation| [(6, dilation), (12, dilation)]) {
                let sorter = Sorter::new(planes, dilation);
                for columns in [LANES, 3 * LANES, 12 * LANES, 13 * LANES] {
                    dispatch(isa, ThereAndBack(&sorter, columns));
                }
            }
        }
    }
}
