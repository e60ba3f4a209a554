//! One-dimensional Toom-Cook ("Winograd") convolution, the other engine under [`Conv1d`](crate::Conv1d): two to three times fewer multiplications than the
//! definition has.
//!
//! A tile is `F(6, r)` ([`transform`]): outputs that lie a dilation apart are six at a time. Input steps are sorted into six planes, `planes[i][c]` being step
//! `6·d·⌊c/d⌋ + i·d + c mod d`, so that column `c` of all planes is a tile, and everything between the sorting and the sorting back is done on vectors of
//! columns, whatever the dilation `d`. Products are sums over channels for each point: the same [`block_product`] as in direct convolution. Kernels of more than
//! seven taps are cut into groups of six, whose tiles are those of the first group, `d` columns on: their input is transformed once for all groups.

mod sort;
mod transform;

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::fuse::{Pass, Task};
use crate::product::{BLOCK, Factors, MAX_COLUMNS, block_product};
use sort::{MARGIN, Sorter, padded_len};
use transform::{MAX_POINTS, OUTPUTS, Transform};

/// Values of transformed input that a tile may hold, so that it stays in the second-level cache beside the weights.
const TILE_VALUES: usize = 160 * 1024;
/// Columns of a tile, at most.
const MAX_TILE_COLUMNS: usize = 96;
/// Columns of a chunk, at most, where chunks are worth it.
const MAX_CHUNK: usize = 80;
/// Input channels that are sorted together.
const CHANNELS: usize = 2;
/// Fewer channels than this don't pay for the transforms.
const MIN_CHANNELS: usize = 16;
/// Taps of a group where there are several.
const GROUP_TAPS: usize = OUTPUTS;
/// Values of a cache line.
const CACHE_LINE: usize = 16;
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
    sorter: Sorter,
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
        let sorter = Sorter::new(dilation);
        Some(Self { c_in, c_out, dilation, padding, tap_groups, transform, sorter, weights, bias: packed_bias })
    }

    /// Taps of a tap group.
    fn group_taps(&self) -> usize {
        self.transform.points + 1 - OUTPUTS
    }

    /// Columns that are finished together, whole vectors and whole dilations where that is not too many; their products stay in the first-level cache.
    fn chunk(&self) -> usize {
        match self.sorter.period(MAX_CHUNK) {
            Some(period) => MAX_COLUMNS.next_multiple_of(period),
            None => (MAX_TILE_COLUMNS / self.dilation * self.dilation).next_multiple_of(CACHE_LINE),
        }
    }

    /// Columns of a tile: as many as the cache holds, whole chunks, cut down to whole dilations.
    fn tile_columns(&self) -> usize {
        let fit = (TILE_VALUES / (self.transform.points * self.c_in)).min(MAX_TILE_COLUMNS);
        let columns = fit / self.chunk() * self.chunk();
        columns.max(self.chunk()) / self.dilation * self.dilation
    }

    /// Steps of a row of columns, which are computed together.
    pub(crate) fn grain(&self) -> usize {
        OUTPUTS * self.dilation
    }

    /// Output steps in a tile.
    fn tile(&self) -> usize {
        OUTPUTS * self.tile_columns()
    }

    /// Output steps that are stored together: the piece that statistics are gathered of.
    pub(crate) fn piece(&self) -> usize {
        OUTPUTS * (self.chunk() / self.dilation * self.dilation)
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
        let chunk = conv.chunk();
        // All of them whole cache lines.
        let sorted = (CHANNELS * padded_len(sizes.plane)).max(BLOCK * padded_len(chunk));
        let lens = [N * conv.c_in * sizes.columns_in, sorted, sorted, N * BLOCK * chunk];
        let needed = lens.iter().sum::<usize>() + CACHE_LINE;
        if scratch.len() < needed {
            scratch.resize(needed, 0.0);
        }
        let first = scratch.as_ptr().align_offset(CACHE_LINE * size_of::<f32>());
        let (transformed, rest) = scratch[first..].split_at_mut(lens[0]);
        let (planes, rest) = rest.split_at_mut(lens[1]);
        let (rows, rest) = rest.split_at_mut(lens[2]);
        let products = &mut rest[..lens[3]];
        self.transform_input(s, &sizes, transformed, planes, rows);
        let offsets: Vec<usize> = (0..conv.tap_groups).map(|group| group * conv.dilation).collect();
        let factors_len = conv.c_in * conv.tap_groups * BLOCK;
        for block in task.blocks.clone() {
            let valid = BLOCK.min(conv.c_out - block * BLOCK);
            for start in (0..sizes.columns).step_by(chunk) {
                let width = chunk.min(sizes.columns - start);
                for point in 0..N {
                    let x = &transformed[point * conv.c_in * sizes.columns_in..][..conv.c_in * sizes.columns_in];
                    let factors = Factors {
                        weights: &conv.weights[(block * N + point) * factors_len..][..factors_len],
                        channels: conv.c_in,
                        offsets: &offsets,
                        x: &x[start..],
                        row_len: sizes.columns_in,
                    };
                    let products = &mut products[point * BLOCK * chunk..][..BLOCK * chunk];
                    block_product(s, &factors, &ZEROS, [valid, width], products, chunk);
                }
                self.finish(s, block, start..start + width, products, planes, rows);
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
        let plane = (columns_in + d).next_multiple_of(d).next_multiple_of(CACHE_LINE);
        Sizes { columns, columns_in, plane }
    }

    /// `transformed[point][channel][column]`, what the products take of the input.
    #[inline(always)]
    fn transform_input<S: Simd>(
        &self,
        s: S,
        sizes: &Sizes,
        transformed: &mut [f32],
        planes: &mut [f32],
        rows: &mut [f32],
    ) {
        let Tile { conv, pass, task } = &self.0;
        let start = task.steps.start as isize - conv.padding as isize;
        // What lies behind the inputs of the columns that are stored may be anything.
        let stored = task.steps.len().next_multiple_of(OUTPUTS * conv.dilation);
        let needed = stored + (conv.tap_groups * conv.group_taps() - 1) * conv.dilation;
        let len = padded_len(sizes.plane);
        for first in (0..conv.c_in).step_by(CHANNELS) {
            let channels = first..conv.c_in.min(first + CHANNELS);
            for (channel, row) in channels.clone().zip(rows.chunks_exact_mut(len)) {
                pass.read(s, task.batch, channel, start, &mut row[MARGIN..MARGIN + needed]);
            }
            conv.sorter.to_planes::<S, CHANNELS>(s, rows, planes, sizes.plane);
            for (channel, planes) in channels.zip(planes.chunks_exact(len)) {
                let mut column = 0;
                while column < sizes.columns_in {
                    // SAFETY: planes have `plane >= columns_in + dilation` columns, the transformed rows `columns_in`, a multiple of LANES.
                    unsafe {
                        let d: [S::V; N] = std::array::from_fn(|i| {
                            let at = MARGIN + i % OUTPUTS * sizes.plane + column + i / OUTPUTS * conv.dilation;
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
    }

    /// Makes the outputs of a block's rows for some columns of `products: [point][row of the block][chunk]` and stores them.
    #[inline(always)]
    fn finish<S: Simd>(
        &self,
        s: S,
        block: usize,
        columns: Range<usize>,
        products: &[f32],
        planes: &mut [f32],
        rows: &mut [f32],
    ) {
        let Tile { conv, pass, task } = &self.0;
        let chunk = conv.chunk();
        let len = padded_len(chunk);
        for (r, planes) in planes.chunks_exact_mut(len).take(BLOCK).enumerate() {
            let bias = s.splat(conv.bias[block * BLOCK + r]);
            let mut column = 0;
            while column < columns.len() {
                // SAFETY: products and planes have `chunk` columns, a multiple of LANES.
                unsafe {
                    let m: [S::V; N] = std::array::from_fn(|point| {
                        let at = (point * BLOCK + r) * chunk + column;
                        debug_assert!(at + S::LANES <= products.len());
                        s.load(products.as_ptr().add(at))
                    });
                    for (i, &y) in conv.transform.output(s, &m).iter().enumerate() {
                        s.store(planes.as_mut_ptr().add(MARGIN + i * chunk + column), s.add(y, bias));
                    }
                }
                column += S::LANES;
            }
        }
        let steps = (task.steps.len() - OUTPUTS * columns.start).min(OUTPUTS * columns.len());
        conv.sorter.to_rows::<S, BLOCK>(s, planes, chunk, rows, steps);
        for (r, row) in rows.chunks_exact(len).take(conv.c_out - block * BLOCK).take(BLOCK).enumerate() {
            let start = task.steps.start + OUTPUTS * columns.start;
            // SAFETY: rows and steps are this task's alone.
            unsafe { pass.store(s, task.batch, block * BLOCK + r, start, &row[MARGIN..MARGIN + steps]) };
        }
    }
}
