//! Direct convolution, an engine under [`Conv1d`](crate::Conv1d) and [`ConvTranspose1d`](crate::ConvTranspose1d).
//!
//! The work is cut into tiles of output steps. A thread copies the tile's input, with its halo and zeros for the padding, into a contiguous buffer once; then
//! it computes one block of eight output rows after the other ([`block_product`]). Weights are packed once as `[group][row block][channel][tap][8]`, the order
//! in which they are read. With a stride, the input copy sorts steps by phase, so that each tap still reads neighbours.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::fuse::Pass;
use crate::permutation::{self, Apart, Permutation};
use crate::product::{BLOCK, Factors, MAX_COLUMNS, block_product};

/// Output steps in a tile, at most.
const MAX_TILE: usize = 480;
/// Values of input that a tile may hold, so that it stays in the second-level cache beside the weights.
const TILE_VALUES: usize = 192 * 1024;

/// Rows that are interleaved in registers, at most.
const MAX_INTERLEAVED: usize = 16;

/// Where the rows of the product go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Store {
    /// Row `o` is output channel `o`.
    Dense,
    /// Row `o·stride + r` holds the steps `q·stride + r − crop` of output channel `o`: the phases of a transposed convolution.
    Interleaved { stride: usize, crop: usize },
}

/// Sizes and layout of a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) groups: usize,
    /// Input channels of a group.
    pub(crate) c_in: usize,
    /// Rows of a group.
    pub(crate) rows: usize,
    pub(crate) taps: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    /// Zeros before the first input step.
    pub(crate) padding: usize,
    pub(crate) store: Store,
}

impl Geometry {
    /// Output steps in a tile: the piece that statistics are gathered of.
    pub(crate) fn tile(&self) -> usize {
        (TILE_VALUES / (self.c_in * self.stride) / MAX_COLUMNS * MAX_COLUMNS).clamp(MAX_COLUMNS, MAX_TILE)
    }

    /// Row blocks that are stored together: those that have whole output channels.
    fn blocks_in_turn(&self) -> usize {
        match self.store {
            Store::Dense => 1,
            Store::Interleaved { stride, .. } => (1..).find(|n| (n * BLOCK).is_multiple_of(stride)).unwrap_or(stride),
        }
    }
}

/// A packed convolution.
#[derive(Clone, Debug)]
pub(crate) struct Direct {
    pub(crate) geometry: Geometry,
    weights: Vec<f32>,
    /// One a row, padded to whole blocks for each group.
    bias: Vec<f32>,
    /// How vectors of an output channel's rows become its steps, where the rows are few enough.
    interleaving: Option<Permutation>,
}

impl Direct {
    /// Packs the weights that `weight(group, row, channel, tap)` and `bias(group, row)` give.
    pub(crate) fn new(
        geometry: Geometry,
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
        bias: impl Fn(usize, usize) -> f32 + Sync,
    ) -> Self {
        let Geometry { groups, c_in, rows, taps, .. } = geometry;
        let blocks = rows.div_ceil(BLOCK);
        let mut weights = vec![0f32; groups * blocks * taps * c_in * BLOCK];
        let mut packed_bias = vec![0f32; groups * blocks * BLOCK];
        let packed = weights.par_chunks_mut(c_in * taps * BLOCK).zip(packed_bias.par_chunks_mut(BLOCK));
        packed.enumerate().for_each(|(i, (weights, packed_bias))| {
            let (group, first) = (i / blocks, i % blocks * BLOCK);
            for (r, row) in (first..rows.min(first + BLOCK)).enumerate() {
                packed_bias[r] = bias(group, row);
                for channel in 0..c_in {
                    for tap in 0..taps {
                        weights[(channel * taps + tap) * BLOCK + r] = weight(group, row, channel, tap);
                    }
                }
            }
        });
        let interleaving = match geometry.store {
            Store::Interleaved { stride: stride @ 2..=MAX_INTERLEAVED, .. } => {
                Some(Permutation::new(stride, |i| i % stride * permutation::LANES + i / stride))
            }
            _ => None,
        };
        Self { geometry, weights, bias: packed_bias, interleaving }
    }

    /// Computes all of `pass`.
    pub(crate) fn run(&self, pass: Pass) {
        let geometry = self.geometry;
        let columns = match geometry.store {
            Store::Dense => pass.l_out,
            Store::Interleaved { stride, crop } => (pass.l_out + crop).div_ceil(stride),
        };
        let blocks = geometry.rows.div_ceil(BLOCK);
        let tile = geometry.tile();
        let tiles = columns.div_ceil(tile);
        // Few tiles (short inputs): the row blocks are shared out too, so that no thread is left without work.
        let wanted = 4 * rayon::current_num_threads();
        let parts = wanted.div_ceil((pass.batch * geometry.groups * tiles).max(1)).clamp(1, blocks);
        let part_blocks = blocks.div_ceil(parts).next_multiple_of(geometry.blocks_in_turn());
        let parts = blocks.div_ceil(part_blocks);
        let isa = Isa::current();
        (0..pass.batch * geometry.groups * tiles * parts).into_par_iter().for_each(|task| {
            let (part, rest) = (task % parts, task / parts);
            let (tile_index, rest) = (rest % tiles, rest / tiles);
            let start = tile_index * tile;
            let first = part * part_blocks;
            let task = Task {
                batch: rest / geometry.groups,
                group: rest % geometry.groups,
                columns: start..(start + tile).min(columns),
                blocks: first..(first + part_blocks).min(blocks),
            };
            dispatch(isa, Tile { conv: self, pass, task });
        });
    }
}

/// One thread's piece: some columns of some row blocks of one group.
struct Task {
    batch: usize,
    group: usize,
    columns: Range<usize>,
    blocks: Range<usize>,
}

struct Tile<'a> {
    conv: &'a Direct,
    pass: Pass<'a>,
    task: Task,
}

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Kernel for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Geometry { rows, c_in, taps, stride, dilation, .. } = self.conv.geometry;
        let width = self.task.columns.len();
        let halo = (taps - 1) * dilation;
        // Vectors may run past the last column; what they read there is never stored.
        let phase_len = width + halo / stride + 1 + S::LANES;
        let row_len = stride * phase_len;
        let ld = width.next_multiple_of(S::LANES);
        // Taken out and put back, not borrowed in a closure: a closure would be compiled without the instruction set.
        let mut scratch = SCRATCH.take();
        let turn = self.conv.geometry.blocks_in_turn();
        let out_len = match self.conv.geometry.store {
            Store::Dense => 0,
            Store::Interleaved { stride, .. } => stride * ld,
        };
        let needed = c_in * row_len + turn * BLOCK * ld + row_len.max(out_len);
        if scratch.len() < needed {
            scratch.resize(needed, 0.0);
        }
        let (input, rest) = scratch.split_at_mut(c_in * row_len);
        let (sums, row) = rest.split_at_mut(turn * BLOCK * ld);
        self.copy_input(s, input, row, phase_len);
        let offset = |tap: usize| tap * dilation % stride * phase_len + tap * dilation / stride;
        let offsets: Vec<usize> = (0..taps).map(offset).collect();
        let blocks = rows.div_ceil(BLOCK);
        for block in self.task.blocks.clone() {
            let block_of_all = self.task.group * blocks + block;
            let size = c_in * taps * BLOCK;
            let factors = Factors {
                weights: &self.conv.weights[block_of_all * size..][..size],
                channels: c_in,
                offsets: &offsets,
                x: input,
                row_len,
            };
            let valid = BLOCK.min(rows - block * BLOCK);
            let slot = block % turn;
            let block_sums = &mut sums[slot * BLOCK * ld..][..BLOCK * ld];
            let bias = &self.conv.bias[block_of_all * BLOCK..][..BLOCK];
            block_product(s, &factors, bias, [valid, width], block_sums, ld);
            if slot + 1 == turn || block + 1 == blocks {
                self.store(s, (block - slot) * BLOCK..block * BLOCK + valid, sums, ld, row);
            }
        }
        SCRATCH.set(scratch);
    }
}

impl Tile<'_> {
    /// Copies the input that the task's columns see: `input[channel][phase][step]`, zeros where the padding is.
    #[inline(always)]
    fn copy_input<S: Simd>(&self, s: S, input: &mut [f32], row: &mut [f32], phase_len: usize) {
        let Geometry { c_in, stride, padding, .. } = self.conv.geometry;
        let start = (self.task.columns.start * stride) as isize - padding as isize;
        for (channel, input) in input.chunks_exact_mut(stride * phase_len).enumerate() {
            let channel = self.task.group * c_in + channel;
            if stride == 1 {
                self.pass.read(s, self.task.batch, channel, start, input);
                continue;
            }
            let row = &mut row[..stride * phase_len];
            self.pass.read(s, self.task.batch, channel, start, row);
            for (phase, input) in input.chunks_exact_mut(phase_len).enumerate() {
                for (value, &x) in input.iter_mut().zip(row[phase..].iter().step_by(stride)) {
                    *value = x;
                }
            }
        }
    }

    /// Writes the finished columns of some rows of the group, `sums: [row][ld]`; `out` is room for a channel's steps.
    #[inline(always)]
    fn store<S: Simd>(&self, s: S, rows: Range<usize>, sums: &[f32], ld: usize, out: &mut [f32]) {
        let Task { batch, group, columns, .. } = &self.task;
        let channel = group * (self.pass.channels_out / self.conv.geometry.groups);
        let width = columns.len();
        match self.conv.geometry.store {
            Store::Dense => {
                for (row, sums) in rows.zip(sums.chunks_exact(ld)) {
                    // SAFETY: rows and columns are this task's alone.
                    unsafe { self.pass.store(s, *batch, channel + row, columns.start, &sums[..width]) };
                }
            }
            Store::Interleaved { stride, crop } => {
                // The steps that there are, of those that the columns have.
                let first = crop.saturating_sub(columns.start * stride);
                let start = columns.start * stride + first - crop;
                let last = (columns.end * stride).min(self.pass.l_out + crop) - columns.start * stride;
                for (i, sums) in sums.chunks_exact(stride * ld).take(rows.len() / stride).enumerate() {
                    self.interleave(s, sums, ld, width, out);
                    if first < last {
                        let channel = channel + rows.start / stride + i;
                        // SAFETY: rows and columns are this task's alone.
                        unsafe { self.pass.store(s, *batch, channel, start, &out[first..last]) };
                    }
                }
            }
        }
    }

    /// `out[column·stride + row] = sums[row][column]` for `width` columns and maybe some more, up to `ld`.
    #[inline(always)]
    fn interleave<S: Simd>(&self, s: S, sums: &[f32], ld: usize, width: usize, out: &mut [f32]) {
        let stride = sums.len() / ld;
        assert!(out.len() >= stride * ld && ld.is_multiple_of(S::LANES));
        match &self.conv.interleaving {
            Some(interleaving) if S::LANES == permutation::LANES => {
                for column in (0..width).step_by(S::LANES) {
                    // SAFETY: all rows have a vector here, and `out` has as many values.
                    unsafe {
                        let from = (sums.as_ptr().add(column), Apart { vector: ld, row: 0 });
                        let to = (out.as_mut_ptr().add(column * stride), Apart { vector: S::LANES, row: 0 });
                        interleaving.apply::<S, 1>(s, from, to);
                    }
                }
            }
            _ => {
                for (row, sums) in sums.chunks_exact(ld).enumerate() {
                    for (out, &sum) in out[row..].iter_mut().step_by(stride).zip(&sums[..width]) {
                        *out = sum;
                    }
                }
            }
        }
    }
}
