//! What a convolution does to values while it reads and writes them, so that they cross memory once.

use std::ops::Range;

use candle_core::Result;
use rayon::prelude::*;

use crate::activation::Activation;
use crate::arch::{Cache, Simd};
use crate::arena::Buffer;
use crate::parallel::SharedMut;
use crate::signal::Signal;
use crate::statistics::{Moments, Statistics, moments};

/// A factor and an offset for each channel, such as a normalisation comes down to.
#[derive(Clone, Debug)]
pub struct Affine {
    /// `(scale, shift)` of each row of `[B·C]`.
    pub(crate) rows: Vec<(f32, f32)>,
}

/// What is done to the input: `activation(scale·x + shift)`. The convolution's zero padding is not touched.
#[derive(Clone, Copy, Debug)]
pub struct Prologue<'a> {
    /// The factor and offset of each channel, if any.
    pub affine: Option<&'a Affine>,
    /// What follows them.
    pub activation: &'a Activation,
}

impl Default for Prologue<'_> {
    fn default() -> Self {
        Self { affine: None, activation: &Activation::None }
    }
}

impl Prologue<'_> {
    /// Whether it has what `rows` rows of `channels` channels need.
    pub(crate) fn fits(&self, rows: usize, channels: usize) -> bool {
        self.affine.is_none_or(|affine| affine.rows.len() == rows) && self.activation.fits(channels)
    }

    /// Computes what becomes of `x`, values of a channel, `row` among all of the batch.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(&self, s: S, row: usize, channel: usize, x: &[f32], out: &mut [f32]) {
        match self.affine {
            None => self.activation.apply(s, channel, x, out),
            Some(affine) => {
                let (scale, shift) = affine.rows[row];
                self.activation.apply_affine(s, channel, scale, shift, x, out);
            }
        }
    }
}

/// What is done to the output: `add_to + scale·(y + residual)`.
#[derive(Debug)]
pub struct Epilogue<'a> {
    /// Added to the output.
    pub residual: Option<&'a Signal>,
    /// Multiplies their sum.
    pub scale: f32,
    /// Takes up the result.
    pub add_to: Option<Signal>,
    /// Whether the result's [`Statistics`] are gathered on the way.
    pub statistics: bool,
}

impl Default for Epilogue<'_> {
    fn default() -> Self {
        Self { residual: None, scale: 1.0, add_to: None, statistics: false }
    }
}

/// How many channels ahead of the one that is read memory is asked for them.
const CHANNELS_AHEAD: usize = 4;

/// One run of a convolution: where it reads and writes, and what happens on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass<'a> {
    /// `[B][C_in][l_in]`.
    pub(crate) x: &'a [f32],
    pub(crate) channels_in: usize,
    pub(crate) l_in: usize,
    pub(crate) prologue: Prologue<'a>,
    /// `[B][C_out][l_out]`.
    out: SharedMut<'a>,
    pub(crate) channels_out: usize,
    pub(crate) l_out: usize,
    pub(crate) batch: usize,
    residual: Option<&'a [f32]>,
    scale: f32,
    accumulate: bool,
    /// For each output row, one for each `piece` steps.
    moments: Option<SharedMut<'a, Moments>>,
    piece: usize,
}

/// One thread's piece of a pass: some output steps of some row blocks.
pub(crate) struct Task {
    pub(crate) batch: usize,
    pub(crate) steps: Range<usize>,
    pub(crate) blocks: Range<usize>,
}

impl Pass<'_> {
    /// Runs `compute`, which must store every step of every row in pieces of `piece` steps, and gives what was stored, `(B, channels_out, l_out)`.
    ///
    /// # Errors
    /// If residual or accumulator have another shape.
    pub(crate) fn run(
        x: (&[f32], [usize; 3]),
        prologue: Prologue,
        [channels_out, l_out]: [usize; 2],
        epilogue: Epilogue,
        piece: usize,
        compute: impl FnOnce(Pass),
    ) -> Result<Signal> {
        let (x, [batch, channels_in, l_in]) = x;
        let dims = (batch, channels_out, l_out);
        let Epilogue { residual, scale, add_to, statistics } = epilogue;
        for (signal, what) in [(residual, "residual"), (add_to.as_ref(), "accumulator")] {
            if let Some(signal) = signal {
                signal.check_dims(dims, "conv1d", what)?;
            }
        }
        let accumulate = add_to.is_some();
        let mut out = match add_to {
            Some(signal) => signal.values,
            None => Buffer::new(batch * channels_out * l_out),
        };
        let pieces = if statistics { batch * channels_out * l_out.div_ceil(piece) } else { 0 };
        let mut moments = vec![Moments::default(); pieces];
        compute(Pass {
            x,
            channels_in,
            l_in,
            prologue,
            out: SharedMut::new(&mut out),
            channels_out,
            l_out,
            batch,
            residual: residual.map(|signal| &*signal.values),
            scale,
            accumulate,
            moments: statistics.then(|| SharedMut::new(&mut moments)),
            piece,
        });
        let mut signal = Signal::new(out, [batch, channels_out, l_out]);
        signal.statistics = statistics.then(|| Statistics::join(&moments, piece, l_out));
        Ok(signal)
    }

    /// Runs `compute` for all tasks of at most `tile` output steps × some of `blocks` row blocks, on the threads of the pool. Where there are few tiles (short
    /// inputs) the row blocks are shared out too, so that no thread is left without work.
    pub(crate) fn share_out(&self, tile: usize, blocks: usize, compute: impl Fn(Task) + Sync) {
        let tiles = self.l_out.div_ceil(tile);
        let threads = rayon::current_num_threads();
        let parts = (2 * threads).div_ceil((self.batch * tiles).max(1)).clamp(1, blocks.min(threads));
        let part_blocks = blocks.div_ceil(parts);
        let parts = blocks.div_ceil(part_blocks);
        (0..self.batch * tiles * parts).into_par_iter().for_each(|task| {
            let (part, rest) = (task % parts, task / parts);
            let start = rest % tiles * tile;
            compute(Task {
                batch: rest / tiles,
                steps: start..(start + tile).min(self.l_out),
                blocks: part * part_blocks..((part + 1) * part_blocks).min(blocks),
            });
        });
    }

    /// Reads `out.len()` input steps of a channel from `start` on, which may lie outside of the signal, where there are zeros.
    #[inline(always)]
    pub(crate) fn read<S: Simd>(&self, s: S, batch: usize, channel: usize, start: isize, out: &mut [f32]) {
        let row = batch * self.channels_in + channel;
        let x = &self.x[row * self.l_in..][..self.l_in];
        let first = start.clamp(0, self.l_in as isize);
        let end = (start + out.len() as isize).clamp(first, self.l_in as isize);
        let (before, after) = ((first - start) as usize, (end - start) as usize);
        let before = before.min(out.len());
        let after = after.clamp(before, out.len());
        out[..before].fill(0.0);
        out[after..].fill(0.0);
        // The next channels are what is read next, too far away for the CPU to see them coming.
        prefetch(s, x.as_ptr().wrapping_add(CHANNELS_AHEAD * self.l_in), first as usize..end as usize, Cache::First);
        let (x, out) = (&x[first as usize..end as usize], &mut out[before..after]);
        self.prologue.apply(s, row, channel, x, out);
    }

    /// Asks for input steps while there is something to be computed, a while before [`Pass::read`] reads them: in the `i`th of `count` parts for its share of the
    /// channels. Steps that there are not are left out.
    #[inline(always)]
    pub(crate) fn prefetch_read<S: Simd>(&self, s: S, batch: usize, steps: Range<usize>, i: usize, count: usize) {
        for channel in share(0..self.channels_in, i, count) {
            let at = (batch * self.channels_in + channel) * self.l_in;
            prefetch(s, self.x.as_ptr().wrapping_add(at), steps.start..steps.end.min(self.l_in), Cache::Second);
        }
    }

    /// Asks for what [`Pass::store`] will touch, a while ahead of it.
    #[inline(always)]
    pub(crate) fn prefetch_store<S: Simd>(&self, s: S, [batch, channel]: [usize; 2], steps: Range<usize>, into: Cache) {
        let at = (batch * self.channels_out + channel) * self.l_out;
        prefetch(s, self.out.as_ptr().wrapping_add(at), steps.clone(), into);
        if let Some(residual) = self.residual {
            prefetch(s, residual.as_ptr().wrapping_add(at), steps, into);
        }
    }

    /// A vector of sums as it is stored.
    #[inline(always)]
    fn finished<S: Simd>(&self, s: S, sums: S::V, residual: Option<S::V>, before: Option<S::V>) -> S::V {
        let y = match residual {
            Some(residual) => s.add(sums, residual),
            None => sums,
        };
        s.mul_add(y, s.splat(self.scale), before.unwrap_or(s.splat(0.0)))
    }

    /// Stores output steps of a channel, from a multiple of the pass's piece on and to the piece's or the row's end.
    ///
    /// # Safety
    /// No other thread may store the same steps.
    #[inline(always)]
    pub(crate) unsafe fn store<S: Simd>(&self, s: S, batch: usize, channel: usize, start: usize, sums: &[f32]) {
        let row = batch * self.channels_out + channel;
        let at = row * self.l_out + start;
        // SAFETY: this thread's alone by the caller's promise.
        let out = unsafe { self.out.slice(at, sums.len()) };
        let whole = sums.len() - sums.len() % S::LANES;
        let residual = self.residual.map(|residual| &residual[at..at + sums.len()]);
        for i in (0..whole).step_by(S::LANES) {
            // SAFETY: all vectors lie below the length that the three slices share.
            unsafe {
                let residual = residual.map(|residual| s.load(residual.as_ptr().add(i)));
                let before = self.accumulate.then(|| s.load(out.as_ptr().add(i)));
                s.store(out.as_mut_ptr().add(i), self.finished(s, s.load(sums.as_ptr().add(i)), residual, before));
            }
        }
        if whole < sums.len() {
            // Through whole vectors, too, so that a value does not depend on where a row ends.
            let padded = |values: &[f32]| {
                let mut padded = [0f32; 16];
                padded[..sums.len() - whole].copy_from_slice(&values[whole..]);
                padded
            };
            let (mut y, residual) = (padded(sums), residual.map(padded));
            let before = self.accumulate.then(|| padded(out));
            // SAFETY: no set has more than 16 lanes.
            unsafe {
                let residual = residual.as_ref().map(|residual| s.load(residual.as_ptr()));
                let before = before.as_ref().map(|before| s.load(before.as_ptr()));
                s.store(y.as_mut_ptr(), self.finished(s, s.load(y.as_ptr()), residual, before));
            }
            out[whole..].copy_from_slice(&y[..sums.len() - whole]);
        }
        if let Some(all) = self.moments {
            let index = row * self.l_out.div_ceil(self.piece) + start / self.piece;
            // SAFETY: the piece is this thread's alone.
            unsafe { all.write(index, moments(s, out)) };
        }
    }
}

/// The `i`th of `count` shares of a range.
pub(crate) fn share(all: Range<usize>, i: usize, count: usize) -> Range<usize> {
    all.start + i * all.len() / count..all.start + (i + 1) * all.len() / count
}

/// Asks for the cache lines of some values of a row.
#[inline(always)]
fn prefetch<S: Simd>(s: S, row: *const f32, values: Range<usize>, into: Cache) {
    const CACHE_LINE: usize = 64 / size_of::<f32>();
    for i in values.step_by(CACHE_LINE) {
        s.prefetch(row.wrapping_add(i), into);
    }
}
