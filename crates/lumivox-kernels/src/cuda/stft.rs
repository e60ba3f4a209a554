//! Short-time Fourier transform and its inverse.

use std::f64::consts::PI;
use std::sync::Arc;

use candle_core::{Result, bail};

use super::device::{Buffer, Device, Launch, arguments};
use super::signal::{Dtype, Lengths, Signal};

/// Frames of a block, and hops of one of the inverse, at most.
const BLOCK_FRAMES: usize = 32;
const BLOCK_HOPS: usize = 64;
/// The most shared memory that a block gets without asking.
const MAX_SHARED_BYTES: usize = 48 * 1024;

/// As [`crate::Stft`], on a device: a transform of `n_fft` samples every `hop_length` samples.
#[derive(Clone, Debug)]
pub struct Stft {
    n_fft: usize,
    hop_length: usize,
    /// Window, cosine and sine, `[n_fft][3]` of `f64`.
    table: Arc<Buffer>,
    /// The same and the window's square, `[n_fft][4]` of `f32`.
    float_table: Arc<Buffer>,
}

impl Stft {
    /// The transform's tables.
    ///
    /// # Errors
    /// If `n_fft` is odd or zero, or `hop_length` is not in `1..=n_fft`, or there is no memory.
    pub fn new(device: &Device, n_fft: usize, hop_length: usize) -> Result<Self> {
        if n_fft == 0 || n_fft % 2 == 1 || hop_length == 0 || hop_length > n_fft {
            bail!("stft: n_fft {n_fft} with hop_length {hop_length}");
        }
        let entry = |j: usize| {
            let angle = 2.0 * PI * j as f64 / n_fft as f64;
            // torch.hann_window gives f32 values; its rounding is part of what is matched.
            [f64::from((0.5 - 0.5 * angle.cos()) as f32), angle.cos(), angle.sin()]
        };
        let table: Vec<f64> = (0..n_fft).flat_map(entry).collect();
        let narrow = |&[window, cos, sin]: &[f64; 3]| [window, cos, sin, window * window].map(|value| value as f32);
        let float_table: Vec<f32> = table.as_chunks().0.iter().flat_map(narrow).collect();
        let (table, float_table) = (device.upload(&table)?.into(), device.upload(&float_table)?.into());
        Ok(Self { n_fft, hop_length, table, float_table })
    }

    /// Frequency bins, `n_fft/2 + 1`.
    pub fn bins(&self) -> usize {
        self.n_fft / 2 + 1
    }

    /// As [`crate::Stft::transform`]: `x: (B, 1, L)` of [`Dtype::F32`] → `(B, 2·bins, L/hop_length + 1)` of `out_dtype`, magnitudes and then phases, that of a
    /// negative real coefficient **+π**. Each utterance must be longer than `n_fft/2`.
    ///
    /// The error of the coefficients against [`crate::stft_reference`] stays within 1e-6 of the frame's largest; 16 bits round magnitudes and phases.
    ///
    /// # Errors
    /// If `x` is of another shape or type or too short, lengths are multiples of what is no multiple of the hop, or the device fails.
    pub fn transform(&self, x: &Signal, out_dtype: Dtype) -> Result<Signal> {
        let (batch, _, length) = x.dims();
        let (n_fft, hop_length, bins) = (self.n_fft, self.hop_length, self.bins());
        x.check((batch, 1, length), Dtype::F32, "stft", "input")?;
        if length <= n_fft / 2 {
            bail!("stft: {length} samples are too few for n_fft {n_fft}");
        }
        let frames = length / hop_length + 1;
        let y = Signal::new(x.device(), out_dtype, [batch, 2 * bins, frames], framed(x.lengths(), hop_length)?)?;
        let bytes = |frames: usize| (n_fft + 2 * bins + 1) * frames * size_of::<f64>();
        let block_frames = fitting(BLOCK_FRAMES, n_fft, bytes)?;
        let launch = Launch::new(out_dtype.of("stft_f32", "stft_f16"), [frames.div_ceil(block_frames), 1, batch], 256)
            .shared(bytes(block_frames));
        let (n_fft, hop_length, block_frames) = (n_fft as i32, hop_length as i32, block_frames as i32);
        // SAFETY: these are the kernels' parameters, and the operands' shapes were checked.
        unsafe {
            let table = self.table.address;
            x.device().launch(&launch, arguments![x.view(), y.view(), table, n_fft, hop_length, block_frames])?;
        }
        Ok(y)
    }

    /// As [`crate::Stft::inverse_exp_sin`]: `x: (B, 2·bins, F)` → `(B, 1, (F−1)·hop_length)` of [`Dtype::F32`].
    ///
    /// The error against [`crate::istft_reference`] of the stored values stays within 2e-6 of the sum of a frame's magnitudes, divided by the window's weight.
    ///
    /// # Errors
    /// If `x` has another number of channels or no frames, or the device fails.
    pub fn inverse_exp_sin(&self, x: &Signal) -> Result<Signal> {
        let (batch, channels, frames) = x.dims();
        let (n_fft, hop_length, bins) = (self.n_fft, self.hop_length, self.bins());
        if channels != 2 * bins || frames == 0 {
            bail!("istft: input {:?} for {bins} bins", x.dims());
        }
        let lengths = x.lengths().scaled(hop_length, -(hop_length as i32));
        let y = Signal::new(x.device(), Dtype::F32, [batch, 1, (frames - 1) * hop_length], lengths)?;
        let capacity = |hops: usize| hops + n_fft.div_ceil(hop_length) + 1;
        let bytes = |hops: usize| (2 * bins + n_fft) * capacity(hops) * size_of::<f32>();
        let block_hops = fitting(BLOCK_HOPS, n_fft, bytes)?;
        let name = x.dtype().of("istft_f32", "istft_f16");
        let launch = Launch::new(name, [(frames - 1).div_ceil(block_hops), 1, batch], 256).shared(bytes(block_hops));
        let [n_fft, hop_length, capacity, block_hops] =
            [n_fft, hop_length, capacity(block_hops), block_hops].map(|n| n as i32);
        // SAFETY: as above.
        unsafe {
            let (table, view) = (self.float_table.address, y.view());
            x.device().launch(&launch, arguments![x.view(), view, table, n_fft, hop_length, block_hops, capacity])?;
        }
        Ok(y)
    }
}

/// `most` or a power of two less, so that a block's memory suffices.
fn fitting(most: usize, n_fft: usize, bytes: impl Fn(usize) -> usize) -> Result<usize> {
    let sizes = std::iter::successors(Some(most), |size| Some(size / 2)).take_while(|size| *size > 0);
    match { sizes }.find(|size| bytes(*size) <= MAX_SHARED_BYTES) {
        Some(size) => Ok(size),
        None => bail!("stft: n_fft {n_fft} is too large for a block's memory"),
    }
}

/// Lengths `n/hop_length + 1` of those that are `n`, which must be of one form for all.
fn framed(lengths: &Lengths, hop_length: usize) -> Result<Lengths> {
    let hop_length = hop_length as i32;
    if lengths.counts.is_none() {
        return Ok(Lengths::default());
    }
    if lengths.factor % hop_length != 0 {
        bail!("stft: a hop of {hop_length} for lengths that are multiples of {}", lengths.factor);
    }
    let extra = lengths.extra.div_euclid(hop_length) + 1;
    Ok(Lengths { counts: lengths.counts.clone(), factor: lengths.factor / hop_length, extra })
}
