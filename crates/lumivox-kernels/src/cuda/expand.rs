//! From tokens to frames: ids, embeddings, durations, and what is expanded by them.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::device::{Buffer, Device, Launch, arguments};
use super::signal::{Dtype, Lengths, Signal};
use crate::op::with_values;

/// Frames and channels of a block.
const BLOCK: usize = 256;
const BLOCK_CHANNELS: usize = 16;
/// A sum for each of the eight warps of a block that adds durations up.
const WARP_SUMS_BYTES: usize = 32;

/// A batch of id sequences on a device.
#[derive(Clone, Debug)]
pub struct Ids {
    /// How many of each utterance, `[B]`, and then the ids, `[B][T]`; what came with them follows.
    buffer: Arc<Buffer>,
    /// Where the ids are, in words.
    start: usize,
    batch: usize,
    tokens: usize,
    largest: u32,
}

impl Ids {
    /// Copies the ids of each utterance to the device, in one transfer.
    ///
    /// # Errors
    /// If there are none, or no memory for them.
    pub fn new(device: &Device, ids: &[&[u32]]) -> Result<Self> {
        Self::with(device, ids, 0, &[])
    }

    /// [`Ids::new`] with a row of `C` values for each utterance, in the same transfer: `(B, C, 1)`. Memory is laid out for `tokens` ids or more of each utterance.
    ///
    /// # Errors
    /// As [`Ids::new`], or if there are not as many rows as utterances, or they are not alike.
    pub fn with_rows(device: &Device, ids: &[&[u32]], tokens: usize, rows: &[&[f32]]) -> Result<(Self, Signal)> {
        let channels = rows.first().map_or(0, |row| row.len());
        if rows.len() != ids.len() || rows.iter().any(|row| row.len() != channels) {
            bail!("ids: {} rows of {channels} values or others for {} utterances", rows.len(), ids.len());
        }
        let words: Vec<u32> = rows.iter().copied().flatten().map(|value| value.to_bits()).collect();
        let ids = Self::with(device, ids, tokens, &words)?;
        let rows = ids.rows(channels);
        Ok((ids, rows))
    }

    /// The rows of `channels` values that came with [`Ids::with_rows`].
    pub fn rows(&self, channels: usize) -> Signal {
        Signal::inside(self.buffer.clone(), self.start + self.batch * self.tokens, [self.batch, channels, 1])
    }

    /// A copy in memory of its own, with what came with the ids, made within the device.
    ///
    /// # Errors
    /// If there is no memory for it, launches are being recorded, or the device fails.
    pub fn duplicate(&self) -> Result<Self> {
        Ok(Self { buffer: Arc::new(self.buffer.device().duplicate(&self.buffer)?), ..self.clone() })
    }

    /// Takes over other ids, laid out for as many utterances and tokens, within the device.
    ///
    /// # Errors
    /// If they are laid out for others, launches are being recorded, or the device fails.
    pub fn assign(&self, ids: &Self) -> Result<()> {
        if (ids.batch, ids.tokens, ids.start) != (self.batch, self.tokens, self.start) {
            bail!("ids: {} of {} tokens for {} of {}", ids.batch, ids.tokens, self.batch, self.tokens);
        }
        self.buffer.device().copy_into(&self.buffer, &ids.buffer)
    }

    /// [`Ids::new`] with one id of another kind for each utterance, in the same transfer. Memory is laid out for `tokens` ids or more of each utterance.
    ///
    /// # Errors
    /// As [`Ids::new`], or if there is not one for each utterance.
    pub fn with_single(device: &Device, ids: &[&[u32]], tokens: usize, single: &[u32]) -> Result<(Self, Self)> {
        let Some(&largest) = single.iter().max().filter(|_| single.len() == ids.len()) else {
            bail!("ids: {} single ones for {} utterances", single.len(), ids.len());
        };
        let ids = Self::with(device, ids, tokens, single)?;
        let single = ids.single(largest);
        Ok((ids, single))
    }

    /// The single ids, none beyond `largest`, that came with [`Ids::with_single`].
    pub fn single(&self, largest: u32) -> Self {
        Self { start: self.start + self.batch * self.tokens, tokens: 1, largest, ..self.clone() }
    }

    fn with(device: &Device, ids: &[&[u32]], tokens: usize, more: &[u32]) -> Result<Self> {
        let (batch, tokens) = (ids.len(), ids.iter().map(|ids| ids.len()).fold(tokens, usize::max));
        let Some(&largest) = ids.iter().copied().flatten().max() else { bail!("ids: there are none") };
        let counts: Vec<u32> = ids.iter().map(|ids| ids.len() as u32).collect();
        let values = [&counts, &padded(ids, tokens), more].concat();
        Ok(Self { buffer: Arc::new(device.upload(&values)?), start: batch, batch, tokens, largest })
    }

    /// How many ids each utterance has.
    pub fn lengths(&self) -> Lengths {
        // Only the first ids in the buffer have their counts in front.
        if self.start == self.batch { Lengths::new(self.buffer.clone()) } else { Lengths::default() }
    }

    /// `B`.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// `T`, the ids of the longest utterance.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    fn address(&self) -> u64 {
        self.buffer.address + (self.start * size_of::<u32>()) as u64
    }
}

/// Rows of `tokens` values, filled up with zeros.
fn padded(rows: &[&[u32]], tokens: usize) -> Vec<u32> {
    rows.iter().flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0, tokens - row.len()))).collect()
}

/// A vector for each id, `torch.nn.Embedding`.
#[derive(Clone, Debug)]
pub struct Embedding {
    /// `[N][C]`.
    table: Arc<Buffer>,
    rows: usize,
    channels: usize,
}

impl Embedding {
    /// `table: (N, C)`.
    ///
    /// # Errors
    /// If it has another rank, or there is no memory for it.
    pub fn new(device: &Device, table: &Tensor) -> Result<Self> {
        let (rows, channels) = table.dims2()?;
        let table = with_values(table, "embedding", |table| device.upload(table))?;
        Ok(Self { table: Arc::new(table), rows, channels })
    }

    /// `(table[id] + positions[t])·scale`, channel-major: `(B, C, T)` of [`Dtype::F32`]. `positions` has a row for each step. Within 1e-7 of the values' size.
    ///
    /// # Errors
    /// If there are ids beyond the table or steps beyond the positions, or these have other channels; or if the device fails.
    pub fn forward(&self, ids: &Ids, positions: Option<&Self>, scale: f32) -> Result<Signal> {
        if ids.largest as usize >= self.rows {
            bail!("embedding: id {} of {}", ids.largest, self.rows);
        }
        if let Some(positions) = positions.filter(|p| p.rows < ids.tokens || p.channels != self.channels) {
            let (rows, channels) = (positions.rows, positions.channels);
            bail!("embedding: {rows} positions of {channels} channels for {} of {}", ids.tokens, self.channels);
        }
        let device = self.table.device();
        let y = Signal::new(device, Dtype::F32, [ids.batch, self.channels, ids.tokens], ids.lengths())?;
        let positions = positions.map_or(0, |positions| positions.table.address);
        let grid = [ids.tokens.div_ceil(32), self.channels.div_ceil(32), ids.batch];
        let launch = Launch::new("embedding_f32", grid, 256).shared(32 * 33 * size_of::<f32>());
        // SAFETY: these are the kernel's parameters; ids and steps have rows.
        unsafe {
            device.launch(&launch, arguments![self.table.address, positions, ids.address(), y.view(), scale])?;
        }
        Ok(y)
    }
}

/// How many frames each token sounds, at most 2²⁰, on a device.
#[derive(Clone, Debug)]
pub struct Durations {
    /// Frames of each utterance and its tokens, both `[B]`, frames of each token and their sums up to and with it, both `[B][T]`.
    buffer: Arc<Buffer>,
    batch: usize,
    tokens: usize,
}

impl Durations {
    /// As Kokoro predicts them: the sum of the sigmoids of `logits: (B, max_dur, T)` over `speed`, rounded, halves to even; at least one.
    ///
    /// # Errors
    /// If `logits` is not [`Dtype::F32`], `speed` is not positive, or the device fails.
    pub fn from_logits(logits: &Signal, speed: f32) -> Result<Self> {
        Self::predicted("durations_from_logits", logits, speed)
    }

    /// As VITS predicts them: `⌈exp(logw)·length_scale⌉` for `logw: (B, 1, T)`.
    ///
    /// # Errors
    /// If `logw` is of another shape or not [`Dtype::F32`], `length_scale` is not positive, or the device fails.
    pub fn from_logs(logw: &Signal, length_scale: f32) -> Result<Self> {
        let (batch, _, tokens) = logw.dims();
        logw.check((batch, 1, tokens), Dtype::F32, "durations", "logarithms")?;
        Self::predicted("durations_from_logs", logw, length_scale)
    }

    fn predicted(kernel: &'static str, x: &Signal, pace: f32) -> Result<Self> {
        let (batch, _, tokens) = x.dims();
        x.check(x.dims(), Dtype::F32, "durations", "input")?;
        if pace.is_nan() || pace <= 0.0 {
            bail!("durations: a pace of {pace}");
        }
        let buffer = x.device().allocate::<u32>(2 * batch * (1 + tokens))?;
        let launch = Launch::new(kernel, [1, 1, batch], 256).shared(WARP_SUMS_BYTES);
        // SAFETY: these are the kernels' parameters, and the buffer has room for all four parts.
        unsafe { x.device().launch(&launch, arguments![x.view(), buffer.address, batch as i32, pace])? };
        Ok(Self { buffer: Arc::new(buffer), batch, tokens })
    }

    /// A copy in memory of its own, made within the device.
    ///
    /// # Errors
    /// If there is no memory for it, launches are being recorded, or the device fails.
    pub fn duplicate(&self) -> Result<Self> {
        Ok(Self { buffer: Arc::new(self.buffer.device().duplicate(&self.buffer)?), ..self.clone() })
    }

    /// Takes over other durations, laid out for as many utterances and tokens, within the device.
    ///
    /// # Errors
    /// If they are laid out for others, launches are being recorded, or the device fails.
    pub fn assign(&self, durations: &Self) -> Result<()> {
        if (durations.batch, durations.tokens) != (self.batch, self.tokens) {
            let Self { batch, tokens, .. } = durations;
            bail!("durations: {batch} of {tokens} tokens for {} of {}", self.batch, self.tokens);
        }
        self.buffer.device().copy_into(&self.buffer, &durations.buffer)
    }

    /// Given ones, in one transfer.
    ///
    /// # Errors
    /// If there is no utterance, or no memory for them.
    pub fn from_host(device: &Device, durations: &[&[u32]]) -> Result<Self> {
        let tokens = durations.iter().map(|frames| frames.len()).max().unwrap_or_default();
        if tokens == 0 {
            bail!("durations: there are no tokens");
        }
        let sums = durations.iter().map(|frames| {
            let sums = frames.iter().scan(0u32, |sum, frames| {
                *sum = sum.saturating_add(*frames);
                Some(*sum)
            });
            sums.collect::<Vec<_>>()
        });
        let sums: Vec<Vec<u32>> = sums.collect();
        let ends: Vec<&[u32]> = sums.iter().map(Vec::as_slice).collect();
        let values = [
            sums.iter().map(|sums| sums.last().copied().unwrap_or_default()).collect(),
            durations.iter().map(|frames| frames.len() as u32).collect(),
            padded(durations, tokens),
            padded(&ends, tokens),
        ];
        Ok(Self { buffer: Arc::new(device.upload(&values.concat())?), batch: durations.len(), tokens })
    }

    /// The frames of each token of each utterance, once all that was launched before is done.
    ///
    /// # Errors
    /// If the device fails, also in an earlier launch.
    pub fn to_host(&self) -> Result<Vec<Vec<u32>>> {
        let (batch, tokens) = (self.batch, self.tokens);
        let values = self.buffer.device().download::<u32>(&self.buffer, batch * (2 + tokens))?;
        let counts = values[batch..2 * batch].iter();
        let row =
            |(b, &count): (usize, &u32)| values[2 * batch + b * tokens..][..(count as usize).min(tokens)].to_vec();
        Ok(counts.enumerate().map(row).collect())
    }

    /// The frames of each utterance.
    pub fn lengths(&self) -> Lengths {
        Lengths::new(self.buffer.clone())
    }

    /// Repeats each token for its frames: `x: (B, C, T) → (B, C, frames)`, written to `out` if there is one, which may be some channels of a larger signal.
    /// Values are copied as they are. `frames` is what memory is laid out for; what an utterance has beyond is dropped.
    ///
    /// # Errors
    /// If `x` has other tokens than these, `out` does not fit, or the device fails.
    pub fn expand(&self, x: &Signal, frames: usize, out: Option<Signal>) -> Result<Signal> {
        let (batch, channels, _) = x.dims();
        let dims = (batch, channels, frames);
        x.check((self.batch, channels, self.tokens), x.dtype(), "expand", "input")?;
        let y = match out {
            Some(out) => {
                out.check(dims, x.dtype(), "expand", "output")?;
                out
            }
            None => Signal::new(x.device(), x.dtype(), dims.into(), self.lengths())?,
        };
        let launch = Launch::new(x.dtype().of("expand_f32", "expand_f16"), grid(dims), BLOCK as u32);
        // SAFETY: these are the kernels' parameters, and the operands' shapes were checked.
        unsafe {
            x.device().launch(&launch, arguments![x.view(), y.view(), self.buffer.address, batch as i32])?;
        }
        Ok(y)
    }
}

fn grid((batch, channels, frames): (usize, usize, usize)) -> [usize; 3] {
    [frames.div_ceil(BLOCK), channels.div_ceil(BLOCK_CHANNELS), batch]
}

/// As [`crate::sample_prior`], on a device: `mean[t] + exp(logs[t])·noise[f]`, each token `t` for its frames: `stats: (B, 2C, T)`, the means and then the logarithms
/// of the deviations, and `noise: (B, C, F)` → `(B, C, F)`, all [`Dtype::F32`].
///
/// The error against [`crate::sample_prior_reference`] is within `5e-7 · (|mean| + |exp(logs)·noise|)` for `logs` in -10..10.
///
/// # Errors
/// If the shapes do not fit each other or the durations, or the device fails.
pub fn sample_prior(stats: &Signal, durations: &Durations, noise: &Signal) -> Result<Signal> {
    let dims @ (batch, channels, _) = noise.dims();
    stats.check((durations.batch, 2 * channels, durations.tokens), Dtype::F32, "sample_prior", "statistics")?;
    noise.check((durations.batch, channels, dims.2), Dtype::F32, "sample_prior", "noise")?;
    let y = Signal::new(noise.device(), Dtype::F32, dims.into(), durations.lengths())?;
    let launch = Launch::new("sample_prior_f32", grid(dims), BLOCK as u32);
    let (stats, noise, memory) = (stats.view(), noise.view(), durations.buffer.address);
    // SAFETY: these are the kernel's parameters, and the operands' shapes were checked.
    unsafe { y.device().launch(&launch, arguments![stats, noise, y.view(), memory, batch as i32])? };
    Ok(y)
}
