//! One-dimensional Toom-Cook ("Winograd") convolution, the other engine under [`Conv1d`](crate::Conv1d): two to three times fewer multiplications than the
//! definition has.
//!
//! A tile is `F(6, r)` ([`transform`]): outputs that lie a dilation apart are six at a time. Input steps are sorted into six planes, `planes[i][c]` being step
//! `6·d·⌊c/d⌋ + i·d + c mod d`, so that column `c` of all planes is a tile, and everything between the sorting and the sorting back is done on vectors of
//! columns, whatever the dilation `d`. Products are sums over channels for each point: the same [`block_product`] as in direct convolution. Kernels of more than
//! seven taps are cut into groups of six, whose tiles are those of the first group, `d` columns on: their input is transformed once for all groups.

mod transform;

use std::cell::RefCell;

use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::fuse::{Pass, Task};
use crate::product::{BLOCK, Factors, MAX_COLUMNS, block_product};
use transform::{MAX_POINTS, OUTPUTS, Transform};

/// Values of transformed input that a tile may hold, so that it stays in the second-level cache beside the weights.
const TILE_VALUES: usize = 160 * 1024;
/// Columns of a tile, at most.
const MAX_TILE_COLUMNS: usize = 192;
/// Fewer channels than this don't pay for the transforms.
const MIN_CHANNELS: usize = 16;
/// Taps of a group where there are several.
const GROUP_TAPS: usize = OUTPUTS;
/// No bias: it is added once the products are transformed back.
const ZEROS: [f32; BLOCK] = [0.0; BLOCK];

/// A packed convolution of stride 1 without channel groups.
#[derive(Clone, Debug)]
pub(crate) struct Winograd {
    c_in: usize,
    c_out: usize,
    dilation: usize,
    padding: usize,
    tap_groups: usize,
    transform: Transform,
    /// `[row block][point][channel][tap group][BLOCK]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Winograd {
    /// Packs `weight: [c_out][c_in][taps]`; none where there is no transform for the taps or it does not pay.
    pub(crate) fn new(
        weight: &[f32],
        [c_out, c_in, taps]: [usize; 3],
        bias: &[f32],
        dilation: usize,
        padding: usize,
    ) -> Option<Self> {
        let group_taps = if taps > 7 { GROUP_TAPS } else { taps };
        if c_out < MIN_CHANNELS || c_in < MIN_CHANNELS || dilation > MAX_COLUMNS {
            return None;
        }
        let transform = Transform::new(group_taps)?;
        let tap_groups = taps.div_ceil(group_taps);
        let mut packed_bias = bias.to_vec();
        packed_bias.resize(c_out.next_multiple_of(BLOCK), 0.0);
        let block_len = transform.points * c_in * tap_groups * BLOCK;
        let mut weights = vec![0f32; c_out.div_ceil(BLOCK) * block_len];
        weights.par_chunks_mut(block_len).enumerate().for_each(|(block, packed)| {
            for channel in 0..c_in {
                // The block's weights of this channel, `[tap][row]`, padded to whole groups and blocks with zeros.
                let mut rows = vec![[0f64; BLOCK]; tap_groups * group_taps];
                for r in 0..BLOCK.min(c_out - block * BLOCK) {
                    let weight = &weight[((block * BLOCK + r) * c_in + channel) * taps..][..taps];
                    for (row, &w) in rows.iter_mut().zip(weight) {
                        row[r] = w.into();
                    }
                }
                for point in 0..transform.points {
                    for (group, rows) in rows.chunks(group_taps).enumerate() {
                        let mut sum = [0f64; BLOCK];
                        for (row, g) in rows.iter().zip(transform.weight(point)) {
                            for (sum, w) in sum.iter_mut().zip(row) {
                                *sum += g * w;
                            }
                        }
                        let to = &mut packed[((point * c_in + channel) * tap_groups + group) * BLOCK..][..BLOCK];
                        for (to, sum) in to.iter_mut().zip(sum) {
                            *to = sum as f32;
                        }
                    }
                }
            }
        });
        Some(Self { c_in, c_out, dilation, padding, tap_groups, transform, weights, bias: packed_bias })
    }

    /// Taps of a tap group.
    fn group_taps(&self) -> usize {
        self.transform.points + 1 - OUTPUTS
    }

    /// Columns of a tile: as many as the cache holds, whole vectors, cut down to whole dilations.
    fn tile_columns(&self) -> usize {
        let fit = TILE_VALUES / (self.transform.points * self.c_in);
        let columns = (fit / MAX_COLUMNS * MAX_COLUMNS).clamp(MAX_COLUMNS, MAX_TILE_COLUMNS);
        columns / self.dilation * self.dilation
    }

    /// Steps of a row of columns, which are computed together.
    pub(crate) fn grain(&self) -> usize {
        OUTPUTS * self.dilation
    }

    /// Output steps in a tile: the piece that statistics are gathered of.
    pub(crate) fn tile(&self) -> usize {
        OUTPUTS * self.tile_columns()
    }

    /// Computes all of `pass`.
    pub(crate) fn run(&self, pass: Pass) {
        let isa = Isa::current();
        pass.share_out(self.tile(), self.c_out.div_ceil(BLOCK), |task| {
            let tile = Tile { conv: self, pass, task };
            match self.transform.points {
                8 => dispatch(isa, Points::<8>(tile)),
                10 => dispatch(isa, Points::<10>(tile)),
                11 => dispatch(isa, Points::<11>(tile)),
                _ => dispatch(isa, Points::<MAX_POINTS>(tile)),
            }
        });
    }
}

struct Tile<'a> {
    conv: &'a Winograd,
    pass: Pass<'a>,
    task: Task,
}

/// A tile of `N` points.
struct Points<'a, const N: usize>(Tile<'a>);

/// Sizes of a tile's buffers, in values.
struct Sizes {
    /// Columns of the products, whole vectors.
    columns: usize,
    /// Columns of the transformed input: those that the last tap group meets are further right.
    columns_in: usize,
    /// Columns of the planes: a tile's last inputs are the first ones of the next tile.
    plane: usize,
    /// Steps that the planes are sorted from.
    row_in: usize,
    /// Steps that are sorted back.
    row_out: usize,
}

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl<const N: usize> Kernel for Points<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tile { conv, task, .. } = &self.0;
        let sizes = self.sizes(S::LANES);
        // Taken out and put back, not borrowed in a closure: a closure would be compiled without the instruction set.
        let mut scratch = SCRATCH.take();
        let lens = [
            N * conv.c_in * sizes.columns_in,
            (OUTPUTS * sizes.plane).max(OUTPUTS * sizes.columns),
            sizes.row_in.max(sizes.row_out),
            N * BLOCK * sizes.columns,
        ];
        let needed = lens.iter().sum();
        if scratch.len() < needed {
            scratch.resize(needed, 0.0);
        }
        let (transformed, rest) = scratch.split_at_mut(lens[0]);
        let (planes, rest) = rest.split_at_mut(lens[1]);
        let (row, rest) = rest.split_at_mut(lens[2]);
        let products = &mut rest[..lens[3]];
        self.transform_input(s, &sizes, transformed, planes, row);
        let offsets: Vec<usize> = (0..conv.tap_groups).map(|group| group * conv.dilation).collect();
        let factors_len = conv.c_in * conv.tap_groups * BLOCK;
        for block in task.blocks.clone() {
            let valid = BLOCK.min(conv.c_out - block * BLOCK);
            for point in 0..N {
                let factors = Factors {
                    weights: &conv.weights[(block * N + point) * factors_len..][..factors_len],
                    channels: conv.c_in,
                    offsets: &offsets,
                    x: &transformed[point * conv.c_in * sizes.columns_in..][..conv.c_in * sizes.columns_in],
                    row_len: sizes.columns_in,
                };
                let products = &mut products[point * BLOCK * sizes.columns..][..BLOCK * sizes.columns];
                block_product(s, &factors, &ZEROS, [valid, sizes.columns], products, sizes.columns);
            }
            for r in 0..valid {
                self.finish_row(s, &sizes, block * BLOCK + r, products, planes, row);
            }
        }
        SCRATCH.set(scratch);
    }
}

impl<const N: usize> Points<'_, N> {
    fn sizes(&self, lanes: usize) -> Sizes {
        let Tile { conv, task, .. } = &self.0;
        let d = conv.dilation;
        let columns = (task.steps.len().div_ceil(OUTPUTS * d) * d).next_multiple_of(lanes);
        let columns_in = (columns + (conv.tap_groups - 1) * d).next_multiple_of(lanes);
        let plane = (columns_in + d).next_multiple_of(d);
        Sizes { columns, columns_in, plane, row_in: OUTPUTS * plane, row_out: OUTPUTS * columns.next_multiple_of(d) }
    }

    /// `transformed[point][channel][column]`, what the products take of the input.
    #[inline(always)]
    fn transform_input<S: Simd>(
        &self,
        s: S,
        sizes: &Sizes,
        transformed: &mut [f32],
        planes: &mut [f32],
        row: &mut [f32],
    ) {
        let Tile { conv, pass, task } = &self.0;
        let start = task.steps.start as isize - conv.padding as isize;
        // What lies behind the inputs of the columns that are stored may be anything.
        let stored = task.steps.len().next_multiple_of(OUTPUTS * conv.dilation);
        let needed = stored + (conv.tap_groups * conv.group_taps() - 1) * conv.dilation;
        for channel in 0..conv.c_in {
            pass.read(s, task.batch, channel, start, &mut row[..needed]);
            sort(&row[..sizes.row_in], planes, sizes.plane, conv.dilation);
            let mut column = 0;
            while column < sizes.columns_in {
                // SAFETY: planes have `plane >= columns_in + dilation` columns, the transformed rows `columns_in`, a multiple of LANES.
                unsafe {
                    let d: [S::V; N] = std::array::from_fn(|i| {
                        let at = i % OUTPUTS * sizes.plane + column + i / OUTPUTS * conv.dilation;
                        debug_assert!(at + S::LANES <= planes.len());
                        s.load(planes.as_ptr().add(at))
                    });
                    let v = conv.transform.input(s, &d);
                    for (point, &v) in v.iter().enumerate() {
                        let at = (point * conv.c_in + channel) * sizes.columns_in + column;
                        debug_assert!(at + S::LANES <= transformed.len());
                        s.store(transformed.as_mut_ptr().add(at), v);
                    }
                }
                column += S::LANES;
            }
        }
    }

    /// Makes the outputs of row `channel` of `products: [point][row of the block][column]` and stores them.
    #[inline(always)]
    fn finish_row<S: Simd>(
        &self,
        s: S,
        sizes: &Sizes,
        channel: usize,
        products: &[f32],
        planes: &mut [f32],
        row: &mut [f32],
    ) {
        let Tile { conv, pass, task } = &self.0;
        let bias = s.splat(conv.bias[channel]);
        let mut column = 0;
        while column < sizes.columns {
            // SAFETY: products and planes have `columns` columns, a multiple of LANES.
            unsafe {
                let m: [S::V; N] = std::array::from_fn(|point| {
                    let at = (point * BLOCK + channel % BLOCK) * sizes.columns + column;
                    debug_assert!(at + S::LANES <= products.len());
                    s.load(products.as_ptr().add(at))
                });
                for (i, &y) in conv.transform.output(s, &m).iter().enumerate() {
                    s.store(planes.as_mut_ptr().add(i * sizes.columns + column), s.add(y, bias));
                }
            }
            column += S::LANES;
        }
        sort_back(planes, sizes.columns, conv.dilation, &mut row[..task.steps.len()]);
        // SAFETY: rows and steps are this task's alone.
        unsafe { pass.store(s, task.batch, channel, task.steps.start, &row[..task.steps.len()]) };
    }
}

/// `planes[i][c] = row[6·d·⌊c/d⌋ + i·d + c mod d]`.
#[inline(always)]
fn sort(row: &[f32], planes: &mut [f32], plane: usize, dilation: usize) {
    match dilation {
        1 => sort_by::<1>(row, planes, plane),
        3 => sort_by::<3>(row, planes, plane),
        5 => sort_by::<5>(row, planes, plane),
        _ => {
            for (j, row) in row.chunks_exact(OUTPUTS * dilation).enumerate() {
                for (i, row) in row.chunks_exact(dilation).enumerate() {
                    planes[i * plane + j * dilation..][..dilation].copy_from_slice(row);
                }
            }
        }
    }
}

#[inline(always)]
fn sort_by<const D: usize>(row: &[f32], planes: &mut [f32], plane: usize) {
    let (first, rest) = planes.split_at_mut(plane);
    let mut rest = rest.chunks_exact_mut(plane);
    let mut planes: [_; OUTPUTS] = std::array::from_fn(|i| if i == 0 { None } else { rest.next() });
    planes[0] = Some(first);
    for (i, plane) in planes.iter_mut().enumerate() {
        let Some(plane) = plane else { return };
        for (values, row) in plane.chunks_exact_mut(D).zip(row.chunks_exact(OUTPUTS * D)) {
            values.copy_from_slice(&row[i * D..(i + 1) * D]);
        }
    }
}

/// The inverse of [`sort`], as far as `row` goes.
#[inline(always)]
fn sort_back(planes: &[f32], plane: usize, dilation: usize, row: &mut [f32]) {
    match dilation {
        1 => sort_back_by::<1>(planes, plane, row),
        3 => sort_back_by::<3>(planes, plane, row),
        5 => sort_back_by::<5>(planes, plane, row),
        _ => {
            for (j, row) in row.chunks_mut(dilation).enumerate() {
                let (i, j) = (j % OUTPUTS, j / OUTPUTS);
                row.copy_from_slice(&planes[i * plane + j * dilation..][..row.len()]);
            }
        }
    }
}

#[inline(always)]
fn sort_back_by<const D: usize>(planes: &[f32], plane: usize, row: &mut [f32]) {
    for (j, row) in row.chunks_mut(OUTPUTS * D).enumerate() {
        for (i, row) in row.chunks_mut(D).enumerate() {
            row.copy_from_slice(&planes[i * plane + j * D..][..row.len()]);
        }
    }
}
