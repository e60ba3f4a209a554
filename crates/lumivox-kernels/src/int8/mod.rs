//! Convolution in bytes, the engine under [`Conv1d`](crate::Conv1d) that trades exactness for speed: products of 8-bit integers, four of which a CPU with VNNI
//! does for one in `f32`, summed exactly in 32 bits.
//!
//! Weights are rounded once, symmetrically, with one scale for each output channel. Inputs are rounded on the way in, behind the prologue: each block of
//! [`COLUMNS`] output steps has its own scale and zero point, from the range of all the input that these steps see (the block and its halo, all channels), so
//! that every sum has one scale, `Σ w·x ≈ s_w·s_x·(Σ q_w·q_x − zero·Σ q_w)`.
//!
//! A thread reads a tile's input once into `f32` rows, with the smallest and largest value of each step on the side, rounds it block by block into
//! `[channel quad][step][4]`, where one load gives a vector of steps and a tap is a shift by whole steps, and then computes eight output rows of the
//! whole tile at a time ([`product`]).
//!
//! Everything behind the prologue is rounded alike on every instruction set: [`conv1d_int8_reference`] is met to the bit.

mod product;
mod reference;

use std::cell::RefCell;

use rayon::prelude::*;

use crate::arch::{Cache, Isa, KernelInt8, SimdInt8, dispatch_int8};
use crate::fuse::{Pass, Task};
use product::{BLOCK, COLUMNS, Factors, Finish, QUAD, block_product};

pub use reference::conv1d_int8_reference;

/// Values of input that a tile may hold, so that it stays in the second-level cache beside the weights.
const TILE_VALUES: usize = 64 * 1024;
/// Output steps of a tile, at most.
const MAX_TILE: usize = 480;
/// Fewer channels than this don't pay for the rounding.
const MIN_CHANNELS: usize = 16;
/// The largest byte.
const TOP: f32 = 255.0;
/// Products whose sum is sure to fit into 32 bits.
const MAX_PRODUCTS: usize = i32::MAX as usize / (255 * 127);
/// The widest vectors' lanes: windows are rounded up to whole vectors.
const MAX_LANES: usize = 16;

/// A packed convolution of stride 1 without channel groups.
#[derive(Clone, Debug)]
pub(crate) struct Int8 {
    c_in: usize,
    c_out: usize,
    taps: usize,
    dilation: usize,
    padding: usize,
    /// `[row block][channel quad][tap][BLOCK][QUAD]`.
    weights: Vec<i8>,
    /// One a row, padded to whole blocks.
    rows: Vec<Row>,
}

/// What a row's sums need to become values.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// A unit of the weights.
    scale: f32,
    /// Of the rounded weights.
    sum: i32,
    bias: f32,
}

/// How the bytes of a block of columns are to be read: `scale·(byte − zero)`.
#[derive(Clone, Copy, Debug)]
struct Scale {
    scale: f32,
    zero: i32,
}

impl Int8 {
    /// Packs `weight: [c_out][c_in][taps]`; none where it does not pay, a sum might not fit into 32 bits, or a weight is not finite.
    pub(crate) fn new(
        weight: &[f32],
        [c_out, c_in, taps]: [usize; 3],
        bias: &[f32],
        dilation: usize,
        padding: usize,
    ) -> Option<Self> {
        let few = c_out < MIN_CHANNELS || c_in < MIN_CHANNELS;
        if few || c_in * taps > MAX_PRODUCTS || weight.iter().any(|w| !w.is_finite()) {
            return None;
        }
        let quads = c_in.div_ceil(QUAD);
        let block_len = quads * taps * BLOCK * QUAD;
        let mut weights = vec![0i8; c_out.div_ceil(BLOCK) * block_len];
        let mut rows = vec![Row::default(); c_out.next_multiple_of(BLOCK)];
        let blocks = weights.par_chunks_mut(block_len).zip(rows.par_chunks_mut(BLOCK));
        blocks.zip(weight.par_chunks(BLOCK * c_in * taps)).zip(bias.par_chunks(BLOCK)).for_each(
            |(((packed, rows), weight), bias)| {
                for (r, (weight, &bias)) in weight.chunks(c_in * taps).zip(bias).enumerate() {
                    rows[r] = pack_row(weight, taps, bias, &mut packed[r * QUAD..]);
                }
            },
        );
        Some(Self { c_in, c_out, taps, dilation, padding, weights, rows })
    }

    /// Steps behind a block that it sees.
    fn halo(&self) -> usize {
        (self.taps - 1) * self.dilation
    }

    /// Input steps that are rounded together: a block and its halo.
    fn window(&self) -> usize {
        (COLUMNS + self.halo()).next_multiple_of(MAX_LANES)
    }

    /// Output steps in a tile: the piece that statistics are gathered of.
    pub(crate) fn tile(&self) -> usize {
        (TILE_VALUES / self.c_in / COLUMNS * COLUMNS).clamp(COLUMNS, MAX_TILE)
    }

    /// Computes all of `pass`.
    pub(crate) fn run(&self, pass: Pass) {
        let isa = Isa::current();
        pass.share_out(self.tile(), self.c_out.div_ceil(BLOCK), |task| {
            dispatch_int8(isa, Tile { conv: self, pass, task });
        });
    }
}

/// Rounds `weight: [c_in][taps]`, an output channel, into its places in `packed`.
fn pack_row(weight: &[f32], taps: usize, bias: f32, packed: &mut [i8]) -> Row {
    let largest = weight.iter().fold(0f32, |largest, w| largest.max(w.abs()));
    let scale = largest / f32::from(i8::MAX);
    let mut sum = 0;
    for (channel, weight) in weight.chunks(taps).enumerate() {
        for (tap, &w) in weight.iter().enumerate() {
            let byte = if scale > 0.0 { (w / scale).round_ties_even() as i8 } else { 0 };
            packed[(channel / QUAD * taps + tap) * BLOCK * QUAD + channel % QUAD] = byte;
            sum += i32::from(byte);
        }
    }
    Row { scale, sum, bias }
}

struct Tile<'a> {
    conv: &'a Int8,
    pass: Pass<'a>,
    task: Task,
}

/// A thread's buffers.
#[derive(Default)]
struct Scratch {
    values: Vec<f32>,
    bytes: Vec<u8>,
    scales: Vec<Scale>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

impl KernelInt8 for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: SimdInt8>(self, s: S) {
        let conv = self.conv;
        let columns = self.task.steps.len().next_multiple_of(COLUMNS);
        let row_len = columns - COLUMNS + conv.window();
        let quads = conv.c_in.div_ceil(QUAD);
        let lens = [quads * QUAD * row_len, 2 * row_len, BLOCK * columns];
        let window_len = quads * conv.window() * QUAD;
        // Taken out and put back, not borrowed in a closure: a closure would be compiled without the instruction set.
        let mut scratch = SCRATCH.take();
        if scratch.values.len() < lens.iter().sum() {
            scratch.values.resize(lens.iter().sum(), 0.0);
        }
        if scratch.bytes.len() < columns / COLUMNS * window_len {
            scratch.bytes.resize(columns / COLUMNS * window_len, 0);
        }
        let (input, rest) = scratch.values.split_at_mut(lens[0]);
        let (range, rest) = rest.split_at_mut(lens[1]);
        let (low, high) = range.split_at_mut(row_len);
        let values = &mut rest[..lens[2]];
        self.read_input(s, input, low, high);
        scratch.scales.clear();
        for (block, bytes) in scratch.bytes.chunks_exact_mut(window_len).take(columns / COLUMNS).enumerate() {
            let steps = block * COLUMNS..block * COLUMNS + COLUMNS + conv.halo();
            let (scale, per_unit) = Scale::of(&low[steps.clone()], &high[steps]);
            self.round(s, &input[block * COLUMNS..], row_len, per_unit, scale.zero, bytes);
            scratch.scales.push(scale);
        }
        for block in self.task.blocks.clone() {
            let windows = scratch.bytes.chunks_exact(window_len);
            for (i, (x, &scale)) in windows.zip(&scratch.scales).enumerate() {
                self.prefetch_store(s, block, i);
                self.product(s, block, x, scale, &mut values[i * COLUMNS..], columns);
            }
            for r in 0..BLOCK.min(conv.c_out - block * BLOCK) {
                let values = &values[r * columns..][..self.task.steps.len()];
                // SAFETY: rows and steps are this task's alone.
                unsafe { self.pass.store(s, self.task.batch, block * BLOCK + r, self.task.steps.start, values) };
            }
        }
        SCRATCH.set(scratch);
    }
}

impl Tile<'_> {
    /// Reads the tile's `input: [channel][step]` and the range of each step, which includes zero.
    #[inline(always)]
    fn read_input<S: SimdInt8>(&self, s: S, input: &mut [f32], low: &mut [f32], high: &mut [f32]) {
        let start = self.task.steps.start as isize - self.conv.padding as isize;
        low.fill(0.0);
        high.fill(0.0);
        // What stands in the rows that fill up the last quad does not matter: their weights are zeros.
        for (channel, row) in input.chunks_exact_mut(low.len()).take(self.conv.c_in).enumerate() {
            self.pass.read(s, self.task.batch, channel, start, row);
            let steps = row.chunks_exact(S::LANES);
            for ((x, low), high) in steps.zip(low.chunks_exact_mut(S::LANES)).zip(high.chunks_exact_mut(S::LANES)) {
                // SAFETY: `chunks_exact` gives LANES values.
                unsafe {
                    let x = s.load(x.as_ptr());
                    s.store(low.as_mut_ptr(), s.min(x, s.load(low.as_ptr())));
                    s.store(high.as_mut_ptr(), s.max(x, s.load(high.as_ptr())));
                }
            }
        }
    }

    /// Rounds a window that begins each of the rows of `input`: `bytes[channel quad][step][QUAD]`.
    #[inline(always)]
    fn round<S: SimdInt8>(&self, s: S, input: &[f32], row_len: usize, per_unit: f32, zero: i32, bytes: &mut [u8]) {
        let window = self.conv.window();
        let per_unit = s.splat(per_unit);
        for (quad, bytes) in bytes.chunks_exact_mut(window * QUAD).enumerate() {
            let rows: [&[f32]; QUAD] = std::array::from_fn(|i| &input[(quad * QUAD + i) * row_len..][..window]);
            for (j, bytes) in bytes.chunks_exact_mut(S::LANES * QUAD).enumerate() {
                // SAFETY: the rows have `window` values, a multiple of LANES, and `bytes` is as long.
                unsafe {
                    let x = rows.map(|row| s.mul(s.load(row.as_ptr().add(j * S::LANES)), per_unit));
                    s.store_bytes(bytes.as_mut_ptr(), x, zero);
                }
            }
        }
    }

    /// Asks for what will be stored of a block of rows and a block of columns.
    #[inline(always)]
    fn prefetch_store<S: SimdInt8>(&self, s: S, block: usize, columns: usize) {
        let Task { batch, steps, .. } = &self.task;
        let start = steps.start + columns * COLUMNS;
        for channel in block * BLOCK..self.conv.c_out.min((block + 1) * BLOCK) {
            let steps = start..steps.end.min(start + COLUMNS);
            self.pass.prefetch_store(s, [*batch, channel], steps, Cache::First);
        }
    }

    /// Computes a block of rows for a block of columns, whose window is `x`.
    #[inline(always)]
    fn product<S: SimdInt8>(&self, s: S, block: usize, x: &[u8], scale: Scale, values: &mut [f32], ld: usize) {
        let conv = self.conv;
        let size = conv.c_in.div_ceil(QUAD) * conv.taps * BLOCK * QUAD;
        let rows = &conv.rows[block * BLOCK..][..BLOCK];
        let finish = Finish {
            start: std::array::from_fn(|r| -scale.zero * rows[r].sum),
            scale: std::array::from_fn(|r| scale.scale * rows[r].scale),
            bias: std::array::from_fn(|r| rows[r].bias),
        };
        let weights = &conv.weights[block * size..][..size];
        let factors = Factors { weights, x, steps: conv.window(), taps: conv.taps, dilation: conv.dilation };
        block_product(s, &factors, &finish, values, ld);
    }
}

impl Scale {
    /// Of values in a range, given the ends of each step's, and what values are multiplied with to become bytes.
    fn of(low: &[f32], high: &[f32]) -> (Self, f32) {
        let low = low.iter().fold(0f32, |low, &x| low.min(x));
        let high = high.iter().fold(0f32, |high, &x| high.max(x));
        let range = high - low;
        // None where the range is too small for its inverse.
        let per_unit = if range > f32::MIN_POSITIVE { TOP / range } else { 0.0 };
        (Self { scale: range / TOP, zero: (-low * per_unit).round_ties_even() as i32 }, per_unit)
    }
}
