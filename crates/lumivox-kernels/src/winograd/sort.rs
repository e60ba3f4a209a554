//! Sorting steps into planes and back.
//!
//! Where vectors have 16 lanes they are put together from stretches of others, by tables made once for a dilation; elsewhere runs of values are copied.

use super::transform::OUTPUTS;
use crate::arch::Simd;
use crate::permutation::{LANES, Permutation};

/// Values before the first one and behind the last one that must be there, whatever they are.
pub(super) const MARGIN: usize = OUTPUTS * LANES;

/// Sorts steps into planes, `planes[i][c] = row[6·d·⌊c/d⌋ + i·d + c mod d]`, and back.
#[derive(Clone, Debug)]
pub(super) struct Sorter {
    dilation: usize,
    plan: Plan,
}

#[derive(Clone, Debug)]
enum Plan {
    /// Runs of values are long enough to be copied one by one.
    Copy,
    /// Six vectors become six others: for dilations of 1 and 2, whose runs are too short to be fetched one by one.
    Permute { to_planes: Permutation, to_rows: Permutation },
    /// Each vector is blended from the runs in it.
    Blend { to_planes: Blend, to_rows: Blend },
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
    pub(super) fn new(dilation: usize) -> Self {
        let plan = match dilation {
            1 | 2 => Plan::Permute {
                to_planes: Permutation::new(OUTPUTS, |i| step(dilation, i / LANES, i % LANES)),
                to_rows: Permutation::new(OUTPUTS, |i| {
                    let (plane, column) = place(dilation, i);
                    plane * LANES + column
                }),
            },
            3..LANES => Plan::Blend {
                to_planes: Blend::new(OUTPUTS * dilation, |vector, lane| {
                    (0, step(dilation, vector % OUTPUTS, vector / OUTPUTS * LANES + lane))
                }),
                to_rows: Blend::new(OUTPUTS * dilation, |vector, lane| place(dilation, vector * LANES + lane)),
            },
            _ => Plan::Copy,
        };
        Self { dilation, plan }
    }

    /// The least number of columns that is whole vectors and whole runs; none if that is more than `most`.
    pub(super) fn period(&self, most: usize) -> Option<usize> {
        (1..).map(|n| n * LANES).take_while(|n| *n <= most).find(|n| n.is_multiple_of(self.dilation))
    }

    /// Fills `R` times six planes of `plane` columns, a multiple of 16, with the `6·plane` steps that each of `R` rows has between its margins. Rows are
    /// [`padded_len`] values long, and so are six planes.
    #[inline(always)]
    pub(super) fn to_planes<S: Simd, const R: usize>(&self, s: S, rows: &[f32], planes: &mut [f32], plane: usize) {
        let len = padded_len(plane);
        assert!(plane.is_multiple_of(LANES) && planes.len().min(rows.len()) >= R * len);
        match &self.plan {
            Plan::Permute { to_planes, .. } if S::LANES == LANES => {
                for column in (0..plane).step_by(LANES) {
                    // SAFETY: a row has six values for each column, each plane all columns.
                    unsafe {
                        let from = (rows.as_ptr().add(MARGIN + OUTPUTS * column), LANES);
                        let to = (planes.as_mut_ptr().add(MARGIN + column), plane);
                        to_planes.apply::<S, R>(s, from, to, len);
                    }
                }
            }
            Plan::Blend { to_planes, .. } if S::LANES == LANES => {
                // Columns until the vectors repeat.
                let period = LANES * self.dilation;
                for start in (0..plane).step_by(period) {
                    let columns = (start..plane.min(start + period)).step_by(LANES);
                    for (column, vectors) in columns.zip(to_planes.runs.chunks_exact(OUTPUTS * to_planes.most)) {
                        for (i, vector) in vectors.chunks_exact(to_planes.most).enumerate() {
                            // SAFETY: a column's values lie less than a margin around six times the column.
                            unsafe {
                                let from = rows.as_ptr().add(MARGIN + OUTPUTS * start);
                                let to = planes.as_mut_ptr().add(MARGIN + i * plane + column);
                                blend::<S, R>(s, vector, (from, 0), to, len);
                            }
                        }
                    }
                }
            }
            _ => {
                let d = self.dilation;
                for (row, planes) in rows.chunks_exact(len).zip(planes.chunks_exact_mut(len)).take(R) {
                    let (row, planes) = (&row[MARGIN..], &mut planes[MARGIN..]);
                    for (j, row) in row.chunks_exact(OUTPUTS * d).take(plane / d).enumerate() {
                        for (i, run) in row.chunks_exact(d).enumerate() {
                            copy(run, &mut planes[i * plane + j * d..][..d]);
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
        plane: usize,
        rows: &mut [f32],
        steps: usize,
    ) {
        let len = padded_len(plane);
        assert!(plane.is_multiple_of(S::LANES) && planes.len().min(rows.len()) >= R * len);
        assert!(steps.div_ceil(OUTPUTS * self.dilation) * self.dilation <= plane);
        match &self.plan {
            Plan::Permute { to_rows, .. } if S::LANES == LANES => {
                for column in (0..steps.div_ceil(OUTPUTS)).step_by(LANES) {
                    // SAFETY: each plane has a vector here, and the row six, the last ones of them maybe in the margin.
                    unsafe {
                        let from = (planes.as_ptr().add(MARGIN + column), plane);
                        let to = (rows.as_mut_ptr().add(MARGIN + OUTPUTS * column), LANES);
                        to_rows.apply::<S, R>(s, from, to, len);
                    }
                }
            }
            Plan::Blend { to_rows, .. } if S::LANES == LANES => {
                let period = OUTPUTS * LANES * self.dilation;
                for start in (0..steps).step_by(period) {
                    let steps = (start..steps.min(start + period)).step_by(LANES);
                    for (step, vector) in steps.zip(to_rows.runs.chunks_exact(to_rows.most)) {
                        // SAFETY: a step's value lies less than a margin around a sixth of the step in some plane.
                        unsafe {
                            let from = (planes.as_ptr().add(MARGIN + start / OUTPUTS), plane);
                            blend::<S, R>(s, vector, from, rows.as_mut_ptr().add(MARGIN + step), len);
                        }
                    }
                }
            }
            _ => {
                let d = self.dilation;
                for (row, planes) in rows.chunks_exact_mut(len).zip(planes.chunks_exact(len)).take(R) {
                    for (j, run) in row[MARGIN..][..steps].chunks_mut(d).enumerate() {
                        copy(&planes[MARGIN + j % OUTPUTS * plane + j / OUTPUTS * d..][..run.len()], run);
                    }
                }
            }
        }
    }
}

/// Values of six planes of `plane` columns, or of a row of their values, with the margins.
pub(super) fn padded_len(plane: usize) -> usize {
    2 * MARGIN + OUTPUTS * plane
}

/// The step in column `column` of plane `plane`.
fn step(dilation: usize, plane: usize, column: usize) -> usize {
    column / dilation * OUTPUTS * dilation + plane * dilation + column % dilation
}

/// The plane and column of step `step`.
fn place(dilation: usize, step: usize) -> (usize, usize) {
    (step / dilation % OUTPUTS, step / (OUTPUTS * dilation) * dilation + step % dilation)
}

impl Blend {
    /// Of `vectors` vectors, given the plane and place that each of a vector's lanes is from.
    fn new(vectors: usize, from: impl Fn(usize, usize) -> (usize, usize)) -> Self {
        let vector = |vector: usize| {
            let mut runs: Vec<Run> = Vec::new();
            for lane in 0..LANES {
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
            let d = sorter.dilation;
            let steps = columns / d * d * OUTPUTS;
            let rows: Vec<f32> = (0..ROWS * padded_len(columns)).map(|i| i as f32).collect();
            let mut planes = vec![-1f32; rows.len()];
            sorter.to_planes::<S, ROWS>(s, &rows, &mut planes, columns);
            let mut back = vec![-1f32; rows.len()];
            sorter.to_rows::<S, ROWS>(s, &planes, columns, &mut back, steps);
            let len = padded_len(columns);
            for ((row, planes), back) in rows.chunks(len).zip(planes.chunks(len)).zip(back.chunks(len)) {
                for i in 0..OUTPUTS {
                    for c in 0..columns / d * d {
                        let want = row[MARGIN + 6 * d * (c / d) + i * d + c % d];
                        assert_eq!(planes[MARGIN + i * columns + c], want, "dilation {d}: plane {i}, column {c}");
                    }
                }
                assert_eq!(back[MARGIN..][..steps], row[MARGIN..][..steps], "dilation {d}, {columns} columns");
            }
        }
    }

    #[test]
    fn planes_are_their_definition_and_go_back() {
        for isa in Isa::available() {
            for dilation in 1..20 {
                let sorter = Sorter::new(dilation);
                for columns in [LANES, 3 * LANES, 12 * LANES, 13 * LANES] {
                    dispatch(isa, ThereAndBack(&sorter, columns));
                }
            }
        }
    }
}
