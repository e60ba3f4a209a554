//! Direct convolution, the engine under [`Conv1d`](crate::Conv1d) and [`ConvTranspose1d`](crate::ConvTranspose1d).
//!
//! The work is cut into tiles of output steps. A thread copies the tile's input, with its halo and zeros for the padding, into a contiguous buffer once; then
//! for each block of eight output rows it walks input channels and taps with the block's sums in registers: `TILE_ROWS` rows × up to three vectors of steps,
//! one broadcast weight for each row. Weights are packed once as `[group][row block][channel][tap][8]`, the order in which they are read. With a stride, the
//! input copy sorts steps by phase, so that each tap still reads neighbours.

use std::cell::RefCell;

use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::parallel::SharedMut;

/// Output rows packed together.
const BLOCK: usize = 8;
/// Output steps in a tile, at most; a multiple of three vectors of every instruction set.
const MAX_TILE: usize = 480;
/// Steps that one register tile spans at most (three AVX-512 vectors).
const MAX_COLUMNS: usize = 48;
/// Values of input that a tile may hold, so that it stays in the second-level cache beside the weights.
const TILE_VALUES: usize = 96 * 1024;

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
    /// Output channels of a group.
    pub(crate) fn c_out(&self) -> usize {
        match self.store {
            Store::Dense => self.rows,
            Store::Interleaved { stride, .. } => self.rows / stride,
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
}

impl Direct {
    /// Packs the weights that `weight(group, row, channel, tap)` and `bias(group, row)` give.
    pub(crate) fn new(
        geometry: Geometry,
        weight: impl Fn(usize, usize, usize, usize) -> f32,
        bias: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let Geometry { groups, c_in, rows, taps, .. } = geometry;
        let blocks = rows.div_ceil(BLOCK);
        let mut weights = vec![0f32; groups * blocks * taps * c_in * BLOCK];
        let mut packed_bias = vec![0f32; groups * blocks * BLOCK];
        for group in 0..groups {
            for row in 0..rows {
                let block = group * blocks + row / BLOCK;
                packed_bias[block * BLOCK + row % BLOCK] = bias(group, row);
                for tap in 0..taps {
                    for channel in 0..c_in {
                        let index = ((block * c_in + channel) * taps + tap) * BLOCK + row % BLOCK;
                        weights[index] = weight(group, row, channel, tap);
                    }
                }
            }
        }
        Self { geometry, weights, bias: packed_bias }
    }

    /// Output channels over all groups.
    pub(crate) fn c_out(&self) -> usize {
        self.geometry.groups * self.geometry.c_out()
    }

    /// Computes `out` (`[batch][c_out][l_out]`) from `x` (`[batch][groups·c_in][l_in]`), adding `residual`, of the shape of `out`, where given.
    pub(crate) fn run(
        &self,
        x: &[f32],
        residual: Option<&[f32]>,
        out: &mut [f32],
        batch: usize,
        l_in: usize,
        l_out: usize,
    ) {
        let values_in = batch * self.geometry.groups * self.geometry.c_in * l_in;
        let values_out = batch * self.c_out() * l_out;
        let fits = x.len() == values_in && out.len() == values_out;
        assert!(
            fits && residual.is_none_or(|residual| residual.len() == values_out),
            "buffers do not fit the convolution"
        );
        if out.is_empty() {
            return;
        }
        let geometry = self.geometry;
        let columns = match geometry.store {
            Store::Dense => l_out,
            Store::Interleaved { stride, crop } => (l_out + crop).div_ceil(stride),
        };
        let blocks = geometry.rows.div_ceil(BLOCK);
        let tile =
            (TILE_VALUES / (geometry.c_in * geometry.stride) / MAX_COLUMNS * MAX_COLUMNS).clamp(MAX_COLUMNS, MAX_TILE);
        let tiles = columns.div_ceil(tile);
        // Few tiles (short inputs): the row blocks are shared out too, so that no thread is left without work.
        let wanted = 4 * rayon::current_num_threads();
        let parts = wanted.div_ceil(batch * geometry.groups * tiles).clamp(1, blocks);
        let part_blocks = blocks.div_ceil(parts);
        let parts = blocks.div_ceil(part_blocks);
        let isa = Isa::current();
        let call = Call { conv: self, x, residual, out: SharedMut::new(out), l_in, l_out, columns };
        (0..batch * geometry.groups * tiles * parts).into_par_iter().for_each(|task| {
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
            dispatch(isa, Tile { call, task });
        });
    }
}

/// What all tasks of one run share.
#[derive(Clone, Copy)]
struct Call<'a> {
    conv: &'a Direct,
    x: &'a [f32],
    residual: Option<&'a [f32]>,
    out: SharedMut<'a>,
    l_in: usize,
    l_out: usize,
    /// Columns of the product: output steps, or steps of one phase.
    columns: usize,
}

/// One thread's piece: some columns of some row blocks of one group.
struct Task {
    batch: usize,
    group: usize,
    columns: std::ops::Range<usize>,
    blocks: std::ops::Range<usize>,
}

struct Tile<'a> {
    call: Call<'a>,
    task: Task,
}

thread_local! {
    static INPUT: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Kernel for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let conv = self.call.conv;
        let width = self.task.columns.len();
        let halo = (conv.geometry.taps - 1) * conv.geometry.dilation;
        // Register tiles may run past the last column; what they read there is never stored.
        let phase_len = width + halo / conv.geometry.stride + 1 + MAX_COLUMNS;
        let row_len = conv.geometry.stride * phase_len;
        // Taken out and put back, not borrowed in a closure: a closure would be compiled without the instruction set.
        let mut input = INPUT.take();
        if input.len() < conv.geometry.c_in * row_len {
            input.resize(conv.geometry.c_in * row_len, 0.0);
        }
        self.copy_input(&mut input, phase_len);
        let mut done = 0;
        while done < width {
            let vectors = (width - done).div_ceil(S::LANES).min(3);
            for block in self.task.blocks.clone() {
                let x = &input[done..];
                match (S::TILE_ROWS, vectors) {
                    (8, 1) => self.block::<S, 8, 1>(simd, x, phase_len, block, done),
                    (8, 2) => self.block::<S, 8, 2>(simd, x, phase_len, block, done),
                    (8, _) => self.block::<S, 8, 3>(simd, x, phase_len, block, done),
                    (_, 1) => self.block::<S, 4, 1>(simd, x, phase_len, block, done),
                    (_, 2) => self.block::<S, 4, 2>(simd, x, phase_len, block, done),
                    (_, _) => self.block::<S, 4, 3>(simd, x, phase_len, block, done),
                }
            }
            done += vectors * S::LANES;
        }
        INPUT.set(input);
    }
}

impl Tile<'_> {
    /// Copies the input that the task's columns see: `input[channel][phase][step]`, zeros where the padding is.
    #[inline(always)]
    fn copy_input(&self, input: &mut [f32], phase_len: usize) {
        let Call { conv, x, l_in, .. } = self.call;
        let stride = conv.geometry.stride;
        let first_channel = (self.task.batch * conv.geometry.groups + self.task.group) * conv.geometry.c_in;
        // The input step under column 0, tap 0 of the tile, counted with the padding.
        let origin = self.task.columns.start * stride;
        for channel in 0..conv.geometry.c_in {
            let source = &x[(first_channel + channel) * l_in..][..l_in];
            for phase in 0..stride {
                let target = &mut input[(channel * stride + phase) * phase_len..][..phase_len];
                let shift = origin + phase;
                // The steps q for which shift + q·stride − padding lies in the input.
                let low = conv.geometry.padding.saturating_sub(shift).div_ceil(stride).min(phase_len);
                let high = (l_in + conv.geometry.padding).saturating_sub(shift).div_ceil(stride).clamp(low, phase_len);
                target[..low].fill(0.0);
                target[high..].fill(0.0);
                if low < high {
                    let start = shift + low * stride - conv.geometry.padding;
                    if stride == 1 {
                        target[low..high].copy_from_slice(&source[start..start + high - low]);
                    } else {
                        for (target, &value) in target[low..high].iter_mut().zip(source[start..].iter().step_by(stride))
                        {
                            *target = value;
                        }
                    }
                }
            }
        }
    }

    /// Where a tap's first step lies in a row of the input buffer.
    #[inline(always)]
    fn offset(&self, tap: usize, phase_len: usize) -> usize {
        let conv = self.call.conv;
        let steps = tap * conv.geometry.dilation;
        if conv.geometry.stride == 1 {
            steps
        } else {
            steps % conv.geometry.stride * phase_len + steps / conv.geometry.stride
        }
    }

    /// Eight rows of up to `N` vectors of columns, `R` rows in registers at a time.
    #[inline(always)]
    fn block<S: Simd, const R: usize, const N: usize>(
        &self,
        simd: S,
        x: &[f32],
        phase_len: usize,
        block: usize,
        done: usize,
    ) {
        let conv = self.call.conv;
        let block_of_all = self.task.group * conv.geometry.rows.div_ceil(BLOCK) + block;
        let weights = &conv.weights[block_of_all * conv.geometry.taps * conv.geometry.c_in * BLOCK..]
            [..conv.geometry.taps * conv.geometry.c_in * BLOCK];
        let bias = &conv.bias[block_of_all * BLOCK..][..BLOCK];
        let valid_rows = (conv.geometry.rows - block * BLOCK).min(BLOCK);
        let row_len = conv.geometry.stride * phase_len;
        let halo = (conv.geometry.taps - 1) * conv.geometry.dilation;
        let mut sums = [[0f32; MAX_COLUMNS]; BLOCK];
        for half in (0..valid_rows).step_by(R) {
            let mut acc: [[S::V; N]; R] = std::array::from_fn(|r| [simd.splat(bias[half + r]); N]);
            // No read lies further than this; the buffer was sized for it. Checked once for thousands of products.
            let furthest = (conv.geometry.stride - 1) * phase_len + halo / conv.geometry.stride;
            assert!((conv.geometry.c_in - 1) * row_len + furthest + N * S::LANES <= x.len());
            // SAFETY: reads lie below that; weights lie in the block's slice.
            unsafe {
                let mut wp = weights.as_ptr().add(half);
                for channel in 0..conv.geometry.c_in {
                    let row = x.as_ptr().add(channel * row_len);
                    for tap in 0..conv.geometry.taps {
                        let xp = row.add(self.offset(tap, phase_len));
                        let columns: [S::V; N] = std::array::from_fn(|j| simd.load(xp.add(j * S::LANES)));
                        for (r, acc) in acc.iter_mut().enumerate() {
                            let weight = simd.splat(*wp.add(r));
                            for (acc, &column) in acc.iter_mut().zip(&columns) {
                                *acc = simd.mul_add(weight, column, *acc);
                            }
                        }
                        wp = wp.add(BLOCK);
                    }
                }
            }
            for (row, acc) in sums[half..].iter_mut().zip(&acc) {
                for (j, &acc) in acc.iter().enumerate() {
                    // SAFETY: N·LANES <= MAX_COLUMNS.
                    unsafe { simd.store(row.as_mut_ptr().add(j * S::LANES), acc) };
                }
            }
        }
        let columns = (self.task.columns.len() - done).min(N * S::LANES);
        for (r, sums) in sums[..valid_rows].iter().enumerate() {
            self.store_row(block * BLOCK + r, self.task.columns.start + done, &sums[..columns]);
        }
    }

    /// Writes the finished columns of one row of the group.
    #[inline(always)]
    fn store_row(&self, row: usize, column: usize, sums: &[f32]) {
        let Call { conv, residual, out, l_out, columns, .. } = self.call;
        debug_assert!(column + sums.len() <= columns);
        let first_channel = (self.task.batch * conv.geometry.groups + self.task.group) * conv.geometry.c_out();
        match conv.geometry.store {
            Store::Dense => {
                let start = (first_channel + row) * l_out + column;
                // SAFETY: rows and columns are this task's alone.
                let out = unsafe { out.slice(start, sums.len()) };
                match residual {
                    None => out.copy_from_slice(sums),
                    Some(residual) => {
                        for ((out, &sum), &residual) in out.iter_mut().zip(sums).zip(&residual[start..]) {
                            *out = sum + residual;
                        }
                    }
                }
            }
            Store::Interleaved { stride, crop } => {
                let (channel, phase) = (row / stride, row % stride);
                let start = (first_channel + channel) * l_out;
                for (j, &sum) in sums.iter().enumerate() {
                    let step = (column + j) * stride + phase;
                    if step >= crop && step - crop < l_out {
                        let index = start + step - crop;
                        let sum = residual.map_or(sum, |residual| sum + residual[index]);
                        // SAFETY: each index belongs to one row and column, which are this task's alone.
                        unsafe { out.write(index, sum) };
                    }
                }
            }
        }
    }
}
