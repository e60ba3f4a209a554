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
use crate::arena::Buffer;
use crate::fuse::Pass;
use crate::parallel::SharedMut;
use crate::product::{BLOCK, Factors, MAX_COLUMNS, block_product};
use sort::{MARGIN, Sorter, padded_len};
use transform::{MAX_POINTS, OUTPUTS, Transform};

/// Values of transformed input that a tile may hold, so that it stays in the second-level cache beside the weights.
const TILE_VALUES: usize = 160 * 1024;
/// Tiles for each thread from which on they are shared out as they are.
const MANY_TILES: usize = 4;
/// Columns of a tile, at most.
const MAX_TILE_COLUMNS: usize = 96;
/// The longest period of columns that chunks are made of.
const MAX_PERIOD: usize = 80;
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

    /// Columns that are finished together, whole vectors and whole dilations where that is not too many, so that their products stay in the nearest caches.
    fn chunk(&self) -> usize {
        match self.sorter.period(MAX_PERIOD) {
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
        match self.transform.points {
            8 => self.run_points::<8>(pass),
            10 => self.run_points::<10>(pass),
            11 => self.run_points::<11>(pass),
            _ => self.run_points::<MAX_POINTS>(pass),
        }
    }

    /// [`Winograd::run`] with `N` points.
    fn run_points<const N: usize>(&self, pass: Pass) {
        let isa = Isa::current();
        let (tile, threads) = (self.tile(), rayon::current_num_threads());
        let in_row = pass.l_out.div_ceil(tile);
        let tiles = (0..pass.batch * in_row).map(|i| {
            let start = i % in_row * tile;
            Tile::new(self, pass, i / in_row, start..pass.l_out.min(start + tile))
        });
        let tiles: Vec<Tile> = tiles.collect();
        let blocks = self.c_out.div_ceil(BLOCK);
        if tiles.len() >= MANY_TILES * threads {
            tiles.par_iter().for_each(|tile| {
                let mut kept = TRANSFORMED.take();
                let transformed = aligned(&mut kept, tile.transformed_len());
                let to = SharedMut::new(transformed);
                dispatch(isa, TransformInput::<N> { tile, channels: 0..self.c_in, to });
                dispatch(isa, Multiply::<N> { tile, blocks: 0..blocks, transformed });
                TRANSFORMED.set(kept);
            });
            return;
        }
        // Few tiles (short inputs): channels and row blocks are shared out, so that no thread is left without work.
        tiles.par_iter().for_each(|tile| {
            let mut transformed = Buffer::new(tile.transformed_len());
            let to = SharedMut::new(&mut transformed);
            shares(self.c_in, CHANNELS).for_each(|channels| dispatch(isa, TransformInput::<N> { tile, channels, to }));
            let transformed = &*transformed;
            shares(blocks, 1).for_each(|blocks| dispatch(isa, Multiply::<N> { tile, blocks, transformed }));
        });
    }
}

/// `0..n` in parts for the threads of the pool, all but the last one multiples of `grain`.
fn shares(n: usize, grain: usize) -> impl ParallelIterator<Item = Range<usize>> {
    let len = n.div_ceil(2 * rayon::current_num_threads()).next_multiple_of(grain);
    (0..n.div_ceil(len)).into_par_iter().map(move |i| i * len..n.min((i + 1) * len))
}

/// Some steps of a pass, and the sizes of what is made of them, in values. All are whole cache lines.
struct Tile<'a> {
    conv: &'a Winograd,
    pass: Pass<'a>,
    batch: usize,
    steps: Range<usize>,
    /// Columns of the products.
    columns: usize,
    /// Columns of the transformed input: those that the last tap group meets are further right.
    columns_in: usize,
    /// Columns of the planes: a tile's last inputs are the first ones of the next tile.
    plane: usize,
}

thread_local! {
    static TRANSFORMED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl<'a> Tile<'a> {
    fn new(conv: &'a Winograd, pass: Pass<'a>, batch: usize, steps: Range<usize>) -> Self {
        let d = conv.dilation;
        let columns = (steps.len().div_ceil(OUTPUTS * d) * d).next_multiple_of(CACHE_LINE);
        let columns_in = (columns + (conv.tap_groups - 1) * d).next_multiple_of(CACHE_LINE);
        let plane = (columns_in + d).next_multiple_of(d).next_multiple_of(CACHE_LINE);
        Self { conv, pass, batch, steps, columns, columns_in, plane }
    }

    /// Values of the transformed input.
    fn transformed_len(&self) -> usize {
        self.conv.transform.points * self.conv.c_in * self.columns_in
    }
}

/// The part of `scratch` that begins with a cache line, `len` values.
fn aligned(scratch: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if scratch.len() < len + CACHE_LINE {
        scratch.resize(len + CACHE_LINE, 0.0);
    }
    let first = scratch.as_ptr().align_offset(CACHE_LINE * size_of::<f32>());
    &mut scratch[first..first + len]
}

/// Makes `to[point][channel][column]`, what the products take of the input, for some channels.
struct TransformInput<'a, const N: usize> {
    tile: &'a Tile<'a>,
    channels: Range<usize>,
    to: SharedMut<'a>,
}

impl<const N: usize> Kernel for TransformInput<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tile { conv, pass, batch, ref steps, columns_in, plane, .. } = *self.tile;
        let start = steps.start as isize - conv.padding as isize;
        // What lies behind the inputs of the columns that are stored may be anything.
        let stored = steps.len().next_multiple_of(OUTPUTS * conv.dilation);
        let needed = stored + (conv.tap_groups * conv.group_taps() - 1) * conv.dilation;
        let len = padded_len(plane);
        // Taken out and put back, not borrowed in a closure: a closure would be compiled without the instruction set.
        let mut scratch = SCRATCH.take();
        let (rows, planes) = aligned(&mut scratch, 2 * CHANNELS * len).split_at_mut(CHANNELS * len);
        for first in self.channels.clone().step_by(CHANNELS) {
            let channels = first..self.channels.end.min(first + CHANNELS);
            for (channel, row) in channels.clone().zip(rows.chunks_exact_mut(len)) {
                pass.read(s, batch, channel, start, &mut row[MARGIN..MARGIN + needed]);
            }
            conv.sorter.to_planes::<S, CHANNELS>(s, rows, planes, plane);
            for (channel, planes) in channels.zip(planes.chunks_exact(len)) {
                for column in (0..columns_in).step_by(S::LANES) {
                    // SAFETY: planes have `plane >= columns_in + dilation` columns, the transformed rows, which are this channel's alone, `columns_in`, a multiple
                    // of LANES.
                    unsafe {
                        let d: [S::V; N] = std::array::from_fn(|i| {
                            let at = MARGIN + i % OUTPUTS * plane + column + i / OUTPUTS * conv.dilation;
                            debug_assert!(at + S::LANES <= planes.len());
                            s.load(planes.as_ptr().add(at))
                        });
                        let v = conv.transform.input(s, &d);
                        for (point, &v) in v.iter().enumerate() {
                            let at = (point * conv.c_in + channel) * columns_in + column;
                            s.store(self.to.slice(at, S::LANES).as_mut_ptr(), v);
                        }
                    }
                }
            }
        }
        SCRATCH.set(scratch);
    }
}

/// Multiplies `transformed` by the weights of some row blocks, and makes and stores their outputs.
struct Multiply<'a, const N: usize> {
    tile: &'a Tile<'a>,
    blocks: Range<usize>,
    transformed: &'a [f32],
}

impl<const N: usize> Kernel for Multiply<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tile { conv, columns, columns_in, .. } = *self.tile;
        let chunk = conv.chunk();
        let sorted = BLOCK * padded_len(chunk);
        let mut scratch = SCRATCH.take();
        let (planes, rest) = aligned(&mut scratch, 2 * sorted + N * BLOCK * chunk).split_at_mut(sorted);
        let (rows, products) = rest.split_at_mut(sorted);
        let offsets: Vec<usize> = (0..conv.tap_groups).map(|group| group * conv.dilation).collect();
        let factors_len = conv.c_in * conv.tap_groups * BLOCK;
        for block in self.blocks.clone() {
            let valid = BLOCK.min(conv.c_out - block * BLOCK);
            for start in (0..columns).step_by(chunk) {
                let width = chunk.min(columns - start);
                for point in 0..N {
                    let x = &self.transformed[point * conv.c_in * columns_in..][..conv.c_in * columns_in];
                    let factors = Factors {
                        weights: &conv.weights[(block * N + point) * factors_len..][..factors_len],
                        channels: conv.c_in,
                        offsets: &offsets,
                        x: &x[start..],
                        row_len: columns_in,
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

impl<const N: usize> Multiply<'_, N> {
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
        let Tile { conv, pass, batch, ref steps, .. } = *self.tile;
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
        let start = steps.start + OUTPUTS * columns.start;
        let stored = (steps.end - start).min(OUTPUTS * columns.len());
        conv.sorter.to_rows::<S, BLOCK>(s, planes, chunk, rows, stored);
        for (r, row) in rows.chunks_exact(len).take(conv.c_out - block * BLOCK).take(BLOCK).enumerate() {
            // SAFETY: rows and steps are this task's alone.
            unsafe { pass.store(s, batch, block * BLOCK + r, start, &row[MARGIN..MARGIN + stored]) };
        }
    }
}
