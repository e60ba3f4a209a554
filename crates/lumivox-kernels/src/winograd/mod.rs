//! One-dimensional Toom-Cook ("Winograd") convolution, the other engine under [`Conv1d`](crate::Conv1d): two to four times fewer multiplications than the
//! definition has.
//!
//! A tile is `F(6, r)` ([`transform`]): outputs that lie a dilation apart are six at a time. Input steps are sorted into six planes, `planes[i][c]` being step
//! `6·d·⌊c/d⌋ + i·d + c mod d`, so that column `c` of all planes is a tile, and everything between the sorting and the sorting back is done on vectors of
//! columns, whatever the dilation `d`. Products are sums over channels for each point: the same [`block_product`] as in direct convolution.
//!
//! Kernels of eight to twelve taps are cut in two halves `g₀` and `g₁` of six, and so are tiles of twelve outputs, in twelve planes. Of the input's three
//! overlapping stretches `x₀`, `x₁`, `x₂` the outputs are `x₀g₀ + x₁g₁` and `x₁g₀ + x₂g₁`, which is `F(2, 2)` around `F(6, 6)`: with `m = x₁(g₀ + g₁)` they are
//! `(x₀ − x₁)g₀ + m` and `(x₂ − x₁)g₁ + m`, three products instead of four.

mod sort;
mod transform;

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use crate::arch::{Cache, Isa, Kernel, Simd, dispatch};
use crate::arena::Buffer;
use crate::fuse::{Pass, share};
use crate::parallel::SharedMut;
use crate::product::{BLOCK, Factors, MAX_COLUMNS, block_product};
use sort::{MARGIN, Sorter};
use transform::{MAX_POINTS, OUTPUTS, Transform};

/// Tiles for each thread from which on they are shared out as they are.
const MANY_TILES: usize = 4;
/// Columns of a tile, where dilations allow it: its transformed input is some megabytes, which stay in the third-level cache.
const MAX_TILE_COLUMNS: usize = 96;
/// The longest period of columns that chunks are made of.
const MAX_PERIOD: usize = 80;
/// Input channels that are sorted together.
const CHANNELS: usize = 2;
/// Row blocks whose products are made together, while what they take of the input is in the nearest caches.
const BLOCKS: usize = 2;
/// More weights of products than this (16 MiB) are made when they are needed, of the taps, which are about half as many.
const MAX_PRODUCTS_WEIGHTS: usize = 4 * 1024 * 1024;
/// Fewer channels than this don't pay for the transforms.
const MIN_CHANNELS: usize = 16;
/// More taps than this are cut in two halves.
const MAX_WHOLE_TAPS: usize = 7;
/// Taps of a half.
const HALF_TAPS: usize = OUTPUTS;
/// What the values of a slice of weights are a multiple of, four of the widest vectors.
const SLICE_GRAIN: usize = 64;
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
    taps: usize,
    /// Parts that the taps and a tile's outputs are cut into, one or two.
    parts: usize,
    transform: Transform,
    sorter: Sorter,
    /// What each product of a tile takes of each tap, `[product][tap]`; products are in the order `[set][point]`, the sets of two parts those of `g₀`, `g₀ + g₁`
    /// and `g₁`.
    coefficients: Vec<Vec<f64>>,
    weights: Weights,
    bias: Vec<f32>,
}

/// The weights, for each row block.
#[derive(Clone, Debug)]
enum Weights {
    /// What the products take: `[row block][product][channel][BLOCK]`, a product's filled up to [`SLICE_GRAIN`]. Those of `g₀ + g₁` are left out, sums of others.
    Products(Vec<f32>),
    /// The taps, where the above would be too much memory: `[row block][tap][channel][BLOCK]`, a tap's likewise. Products' weights are made of them again and again.
    Taps(Vec<f32>),
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
        let parts = if taps > MAX_WHOLE_TAPS { 2 } else { 1 };
        let part_taps = if parts > 1 { HALF_TAPS } else { taps };
        if c_out < MIN_CHANNELS || c_in < MIN_CHANNELS || dilation > MAX_COLUMNS || taps > parts * part_taps {
            return None;
        }
        let transform = Transform::new(part_taps)?;
        let mut packed_bias = bias.to_vec();
        packed_bias.resize(c_out.next_multiple_of(BLOCK), 0.0);
        let coefficients: Vec<Vec<f64>> = (0..sets(parts) * transform.points)
            .map(|product| {
                let (set, of_taps) = (product / transform.points, transform.weight(product % transform.points));
                let of_part = |part: usize| if set == 2 - 2 * part { 0.0 } else { 1.0 };
                (0..parts).flat_map(|part| of_taps.iter().map(move |g| of_part(part) * g)).collect()
            })
            .collect();
        let of_a_part = |product: usize| parts == 1 || product / transform.points != 1;
        let kept: Vec<&[f64]> = (0..coefficients.len()).filter(|i| of_a_part(*i)).map(|i| &*coefficients[i]).collect();
        let keep_taps = kept.len() * c_in * c_out > MAX_PRODUCTS_WEIGHTS;
        let slices = if keep_taps { parts * part_taps } else { kept.len() };
        let slice_len = slice_len(c_in);
        let mut packed = vec![0f32; c_out.div_ceil(BLOCK) * slices * slice_len];
        packed.par_chunks_mut(slices * slice_len).enumerate().for_each(|(block, packed)| {
            for channel in 0..c_in {
                // The block's weights of this channel, `[tap][row]`, padded to whole parts and blocks with zeros.
                let mut rows = vec![[0f64; BLOCK]; parts * part_taps];
                for r in 0..BLOCK.min(c_out - block * BLOCK) {
                    let weight = &weight[((block * BLOCK + r) * c_in + channel) * taps..][..taps];
                    for (row, &w) in rows.iter_mut().zip(weight) {
                        row[r] = w.into();
                    }
                }
                for (slice, packed) in packed.chunks_exact_mut(slice_len).enumerate() {
                    let mut sum = [0f64; BLOCK];
                    if keep_taps {
                        sum = rows[slice];
                    } else {
                        for (row, g) in rows.iter().zip(kept[slice]) {
                            for (sum, w) in sum.iter_mut().zip(row) {
                                *sum += g * w;
                            }
                        }
                    }
                    packed[channel * BLOCK..][..BLOCK].copy_from_slice(&sum.map(|sum| sum as f32));
                }
            }
        });
        let weights = if keep_taps { Weights::Taps(packed) } else { Weights::Products(packed) };
        let sorter = Sorter::new(parts * OUTPUTS, dilation);
        Some(Self {
            c_in,
            c_out,
            dilation,
            padding,
            taps: parts * part_taps,
            parts,
            transform,
            sorter,
            coefficients,
            weights,
            bias: packed_bias,
        })
    }

    /// Taps, with those of zero that fill up two halves: what they meet comes into sums, of which it falls out but for rounding.
    pub(crate) fn taps(&self) -> usize {
        self.taps
    }

    /// Outputs of a tile.
    fn outputs(&self) -> usize {
        self.parts * OUTPUTS
    }

    /// Products of a tile.
    fn products(&self) -> usize {
        self.coefficients.len()
    }

    /// What `product` takes of the channels for some row block, `[channel][BLOCK]`; `made` is room to make it in.
    #[inline(always)]
    fn product_weights<'a, S: Simd>(&'a self, s: S, block: usize, product: usize, made: &'a mut [f32]) -> &'a [f32] {
        let (len, used) = (slice_len(self.c_in), self.c_in * BLOCK);
        let made = &mut made[..len];
        let taps = match &self.weights {
            Weights::Products(weights) => {
                let (points, count) = (self.transform.points, self.parts * self.transform.points);
                let slice = |i: usize| &weights[(block * count + i) * len..][..len];
                match product / points {
                    0 => return &slice(product)[..used],
                    2 => return &slice(product - points)[..used],
                    _ => {}
                }
                let (first, second) = (slice(product - points), slice(product));
                for i in (0..len).step_by(S::LANES) {
                    // SAFETY: all three have `len` values, whole vectors.
                    unsafe {
                        let sum = s.add(s.load(first.as_ptr().add(i)), s.load(second.as_ptr().add(i)));
                        s.store(made.as_mut_ptr().add(i), sum);
                    }
                }
                return &made[..used];
            }
            Weights::Taps(weights) => &weights[block * self.taps * len..][..self.taps * len],
        };
        let coefficients = &self.coefficients[product];
        for i in (0..len).step_by(4 * S::LANES) {
            let mut sums = [s.splat(0.0); 4];
            for (tap, &g) in coefficients.iter().enumerate().filter(|(_, g)| **g != 0.0) {
                let g = s.splat(g as f32);
                for (v, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: a tap has `len` values, whole fours of vectors.
                    *sum = unsafe { s.mul_add(g, s.load(taps.as_ptr().add(tap * len + i + v * S::LANES)), *sum) };
                }
            }
            for (v, &sum) in sums.iter().enumerate() {
                // SAFETY: so has `made`.
                unsafe { s.store(made.as_mut_ptr().add(i + v * S::LANES), sum) };
            }
        }
        &made[..used]
    }

    /// Columns that are sorted back and stored together, whole vectors and whole dilations where that is not too many.
    fn chunk(&self) -> usize {
        match self.sorter.period(MAX_PERIOD) {
            Some(period) => MAX_COLUMNS.next_multiple_of(period),
            None => (MAX_TILE_COLUMNS / self.dilation * self.dilation).next_multiple_of(CACHE_LINE),
        }
    }

    /// Steps of a row of columns, which are computed together.
    pub(crate) fn grain(&self) -> usize {
        self.outputs() * self.dilation
    }

    /// Output steps that are stored together: the piece that statistics are gathered of.
    pub(crate) fn piece(&self) -> usize {
        self.outputs() * (self.chunk() / self.dilation * self.dilation)
    }

    /// Computes all of `pass`.
    pub(crate) fn run(&self, pass: Pass) {
        match (self.transform.points, self.parts) {
            (8, _) => self.run_points::<8, 1>(pass),
            (10, _) => self.run_points::<10, 1>(pass),
            (11, 1) => self.run_points::<11, 1>(pass),
            (11, _) => self.run_points::<11, 2>(pass),
            _ => self.run_points::<MAX_POINTS, 1>(pass),
        }
    }

    /// [`Winograd::run`] with `N` points and `P` parts.
    fn run_points<const N: usize, const P: usize>(&self, pass: Pass) {
        let isa = Isa::current();
        let enough = MANY_TILES * rayon::current_num_threads();
        // As large as it may be, unless only smaller ones are enough.
        let (least, most) = (self.piece(), (MAX_TILE_COLUMNS / self.chunk()).max(1) * self.piece());
        let are_enough = |tile: usize| pass.batch * pass.l_out.div_ceil(tile) >= enough;
        let tile = if are_enough(least) && !are_enough(most) { least } else { most };
        let in_row = pass.l_out.div_ceil(tile);
        let tiles = (0..pass.batch * in_row).map(|i| {
            let start = i % in_row * tile;
            Tile::new(self, pass, i / in_row, start..pass.l_out.min(start + tile))
        });
        let tiles: Vec<Tile> = tiles.collect();
        let blocks = self.c_out.div_ceil(BLOCK);
        if tiles.len() >= enough {
            tiles.par_iter().for_each(|tile| {
                let mut kept = TRANSFORMED.take();
                let transformed = aligned(&mut kept, tile.transformed_len());
                let to = SharedMut::new(transformed);
                dispatch(isa, TransformInput::<N, P> { tile, channels: 0..self.c_in, to });
                dispatch(isa, Multiply::<N, P> { tile, blocks: 0..blocks, transformed });
                TRANSFORMED.set(kept);
            });
            return;
        }
        // Few tiles (short inputs): channels and row blocks are shared out, so that no thread is left without work.
        tiles.par_iter().for_each(|tile| {
            let mut transformed = Buffer::new(tile.transformed_len());
            let to = SharedMut::new(&mut transformed);
            shares(self.c_in, CHANNELS)
                .for_each(|channels| dispatch(isa, TransformInput::<N, P> { tile, channels, to }));
            let transformed = &*transformed;
            shares(blocks, 1).for_each(|blocks| dispatch(isa, Multiply::<N, P> { tile, blocks, transformed }));
        });
    }
}

/// How many sets of products `parts` parts of taps and outputs take.
const fn sets(parts: usize) -> usize {
    2 * parts - 1
}

/// Values of the weights that a row block has for a tap or a product.
fn slice_len(c_in: usize) -> usize {
    (c_in * BLOCK).next_multiple_of(SLICE_GRAIN)
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
    /// Columns of the products and of the transformed input.
    columns: usize,
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
        let columns = (steps.len().div_ceil(conv.outputs() * d) * d).next_multiple_of(CACHE_LINE);
        let plane = (columns + d).next_multiple_of(d).next_multiple_of(CACHE_LINE);
        Self { conv, pass, batch, steps, columns, plane }
    }

    /// Values of the transformed input.
    fn transformed_len(&self) -> usize {
        self.conv.products() * self.product_len()
    }

    /// Values from the transformed input of one product to that of the next. One line more than there are, as powers of two apart they would all fall into the same
    /// few places of a cache.
    fn product_len(&self) -> usize {
        self.conv.c_in * self.columns + CACHE_LINE
    }

    /// The same of the products of a row block.
    fn sums_len(&self) -> usize {
        BLOCK * self.columns + CACHE_LINE
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

/// Makes `to[product][channel][column]`, what the products take of the input, for some channels.
struct TransformInput<'a, const N: usize, const P: usize> {
    tile: &'a Tile<'a>,
    channels: Range<usize>,
    to: SharedMut<'a>,
}

impl<const N: usize, const P: usize> Kernel for TransformInput<'_, N, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tile { conv, pass, batch, ref steps, columns, plane, .. } = *self.tile;
        let start = steps.start as isize - conv.padding as isize;
        // What lies behind the inputs of the columns that are stored may be anything.
        let needed = steps.len().next_multiple_of(conv.grain()) + (conv.taps - 1) * conv.dilation;
        let len = conv.sorter.padded_len(plane);
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
                for column in (0..columns).step_by(S::LANES) {
                    // Step `i` of the columns' tiles.
                    let input = |i: usize| {
                        let at = MARGIN + i % (P * OUTPUTS) * plane + column + i / (P * OUTPUTS) * conv.dilation;
                        debug_assert!(at + S::LANES <= planes.len());
                        // SAFETY: planes have `plane >= columns + dilation` columns.
                        unsafe { s.load(planes.as_ptr().add(at)) }
                    };
                    let mut set = 0;
                    while set < sets(P) {
                        let d: [S::V; N] = match (P, set) {
                            (1, _) => std::array::from_fn(input),
                            (_, 0) => std::array::from_fn(|i| s.sub(input(i), input(OUTPUTS + i))),
                            (_, 1) => std::array::from_fn(|i| input(OUTPUTS + i)),
                            _ => std::array::from_fn(|i| s.sub(input(2 * OUTPUTS + i), input(OUTPUTS + i))),
                        };
                        for (point, &v) in conv.transform.input(s, &d).iter().enumerate() {
                            let at = (set * N + point) * self.tile.product_len() + channel * columns + column;
                            // SAFETY: a row has `columns` values, a multiple of LANES, and is this channel's alone.
                            unsafe { s.store(self.to.slice(at, S::LANES).as_mut_ptr(), v) };
                        }
                        set += 1;
                    }
                }
            }
        }
        SCRATCH.set(scratch);
    }
}

/// Multiplies `transformed` by the weights of some row blocks, and makes and stores their outputs.
struct Multiply<'a, const N: usize, const P: usize> {
    tile: &'a Tile<'a>,
    blocks: Range<usize>,
    transformed: &'a [f32],
}

impl<const N: usize, const P: usize> Kernel for Multiply<'_, N, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tile { conv, columns, .. } = *self.tile;
        let (chunk, count) = (conv.chunk(), conv.products());
        let sorted = BLOCK * conv.sorter.padded_len(chunk);
        let weights_len = slice_len(conv.c_in);
        let block_len = count * self.tile.sums_len();
        let mut scratch = SCRATCH.take();
        let room = aligned(&mut scratch, 2 * sorted + weights_len + BLOCKS * block_len);
        let (planes, room) = room.split_at_mut(sorted);
        let (rows, room) = room.split_at_mut(sorted);
        let (made, products) = room.split_at_mut(weights_len);
        for first in self.blocks.clone().step_by(BLOCKS) {
            let blocks = first..self.blocks.end.min(first + BLOCKS);
            for product in 0..count {
                self.prefetch(s, &blocks, product);
                let x = &self.transformed[product * self.tile.product_len()..][..conv.c_in * columns];
                for (block, products) in blocks.clone().zip(products.chunks_exact_mut(block_len)) {
                    let factors = Factors {
                        weights: conv.product_weights(s, block, product, made),
                        channels: conv.c_in,
                        offsets: &[0],
                        x,
                        row_len: columns,
                    };
                    let valid = BLOCK.min(conv.c_out - block * BLOCK);
                    let products = &mut products[product * self.tile.sums_len()..][..BLOCK * columns];
                    block_product(s, &factors, &ZEROS, [valid, columns], products, columns);
                }
            }
            for (block, products) in blocks.clone().zip(products.chunks_exact(block_len)) {
                for start in (0..columns).step_by(chunk) {
                    self.finish(s, block, start..columns.min(start + chunk), products, planes, rows);
                }
            }
        }
        SCRATCH.set(scratch);
    }
}

impl<const N: usize, const P: usize> Multiply<'_, N, P> {
    /// Asks for memory while there are products to be computed: for what will be stored of these blocks, and for the next tile's input.
    #[inline(always)]
    fn prefetch<S: Simd>(&self, s: S, blocks: &Range<usize>, product: usize) {
        let Tile { conv, pass, batch, ref steps, .. } = *self.tile;
        let count = conv.products();
        let rows = blocks.start * BLOCK..conv.c_out.min(blocks.end * BLOCK);
        for row in share(rows, product, count) {
            pass.prefetch_store(s, [batch, row], steps.clone(), Cache::Second);
        }
        // Where the blocks are shared out, the next tile may be another thread's.
        if self.blocks.len() < conv.c_out.div_ceil(BLOCK) {
            return;
        }
        let all = self.blocks.len().div_ceil(BLOCKS) * count;
        let done = (blocks.start - self.blocks.start) / BLOCKS * count + product;
        pass.prefetch_read(s, batch, steps.end..steps.end + steps.len(), done, all);
    }

    /// Makes the outputs of a block's rows for some columns of `products: [product][row of the block][column]` and stores them.
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
        let Tile { conv, pass, batch, ref steps, columns: all, .. } = *self.tile;
        let chunk = conv.chunk();
        let len = conv.sorter.padded_len(chunk);
        for (r, planes) in planes.chunks_exact_mut(len).take(BLOCK).enumerate() {
            let bias = s.splat(conv.bias[block * BLOCK + r]);
            let mut column = 0;
            while column < columns.len() {
                let product = |set: usize, point: usize| {
                    let at = (set * N + point) * self.tile.sums_len() + r * all + columns.start + column;
                    debug_assert!(at + S::LANES <= products.len());
                    // SAFETY: the tile's columns are whole vectors.
                    unsafe { s.load(products.as_ptr().add(at)) }
                };
                let mut part = 0;
                while part < P {
                    let m: [S::V; N] = match P {
                        1 => std::array::from_fn(|point| product(0, point)),
                        _ => std::array::from_fn(|point| s.add(product(2 * part, point), product(1, point))),
                    };
                    for (i, &y) in conv.transform.output(s, &m).iter().enumerate() {
                        // SAFETY: planes have `chunk` columns, whole vectors.
                        unsafe {
                            let at = MARGIN + (part * OUTPUTS + i) * chunk + column;
                            s.store(planes.as_mut_ptr().add(at), s.add(y, bias));
                        }
                    }
                    part += 1;
                }
                column += S::LANES;
            }
        }
        let start = steps.start + conv.outputs() * columns.start;
        let stored = (steps.end - start).min(conv.outputs() * columns.len());
        conv.sorter.to_rows::<S, BLOCK>(s, planes, chunk, rows, stored);
        for (r, row) in rows.chunks_exact(len).take(conv.c_out - block * BLOCK).take(BLOCK).enumerate() {
            // SAFETY: rows and steps are this task's alone.
            unsafe { pass.store(s, batch, block * BLOCK + r, start, &row[MARGIN..MARGIN + stored]) };
        }
    }
}
