//! Layer normalisation over the channels of channel-major activations.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::activation::Activation;
use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::op::to_vec;
use crate::parallel::SharedMut;
use crate::signal::Signal;

/// Steps that a thread takes at a time: two vectors of the widest set.
const CHUNK: usize = 32;

/// Layer normalisation of each step of `(B, C, L)` over its channels (`LayerNorm` of VITS and StyleTTS 2, `torch.nn.LayerNorm` of the transposed): mean and biased
/// variance in two passes in `f32`, then `γ` and `β`. The error against [`channel_norm_reference`] stays within `2e-6 · (1 + |γ|)` for up to a thousand channels
/// of unit variance.
#[derive(Clone, Debug)]
pub struct ChannelNorm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
    eps: f32,
}

impl ChannelNorm {
    /// From `gamma: (C)` and `beta: (C)`; `eps` is added to the variance.
    ///
    /// # Errors
    /// If their shapes differ.
    pub fn new(gamma: &Tensor, beta: &Tensor, eps: f32) -> Result<Self> {
        if gamma.dims() != beta.dims() || gamma.rank() != 1 {
            bail!("channel_norm: γ {:?} and β {:?}", gamma.shape(), beta.shape());
        }
        Ok(Self { gamma: to_vec(gamma)?, beta: to_vec(beta)?, eps })
    }

    /// `x: (B, C, L) → (B, C, L)`.
    ///
    /// # Errors
    /// If `x` has other channels.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.in_place(Signal::from_tensor(x)?)?.into_tensor()
    }

    /// Normalises `x: (B, C, L)` in its buffer.
    ///
    /// # Errors
    /// If `x` has other channels.
    pub fn in_place(&self, x: Signal) -> Result<Signal> {
        self.fused(x, &Activation::None, None)
    }

    /// `activation(norm(x)) + residual` in the buffer of `x: (B, C, L)`.
    ///
    /// # Errors
    /// If `x` or the activation has other channels, or the residual another shape.
    pub fn fused(&self, mut x: Signal, activation: &Activation, residual: Option<&Signal>) -> Result<Signal> {
        let dims @ (batch, channels, steps) = x.dims();
        if channels != self.gamma.len() || !activation.fits(channels) {
            bail!("channel_norm: {channels} channels for {} or an activation of others", self.gamma.len());
        }
        if let Some(residual) = residual {
            residual.check_dims(dims, "channel_norm", "residual")?;
        }
        let residual = residual.map(|residual| &*residual.values);
        x.statistics = None;
        let isa = Isa::current();
        let values = SharedMut::new(&mut x.values);
        let chunks = steps.div_ceil(CHUNK);
        (0..batch * chunks).into_par_iter().for_each(|task| {
            let start = task / chunks * channels * steps + task % chunks * CHUNK;
            let width = CHUNK.min(steps - task % chunks * CHUNK);
            dispatch(isa, Columns { norm: self, activation, values, residual, start, width, steps });
        });
        Ok(x)
    }
}

/// Some steps of all channels.
struct Columns<'a> {
    norm: &'a ChannelNorm,
    activation: &'a Activation,
    values: SharedMut<'a>,
    residual: Option<&'a [f32]>,
    start: usize,
    width: usize,
    steps: usize,
}

impl Kernel for Columns<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { norm: ChannelNorm { gamma, beta, eps }, activation, values, residual, start, width, steps } = self;
        // SAFETY: these steps are this task's alone.
        let row = |channel: usize| unsafe { values.slice(start + channel * steps, width) };
        let n = gamma.len() as f32;
        let (mut mean, mut deviation) = ([0f32; CHUNK], [0f32; CHUNK]);
        for channel in 0..gamma.len() {
            for (mean, x) in mean.iter_mut().zip(&*row(channel)) {
                *mean += x;
            }
        }
        mean.iter_mut().for_each(|mean| *mean /= n);
        for channel in 0..gamma.len() {
            for ((deviation, mean), x) in deviation.iter_mut().zip(&mean).zip(&*row(channel)) {
                *deviation += (x - mean) * (x - mean);
            }
        }
        deviation.iter_mut().for_each(|deviation| *deviation = 1.0 / (*deviation / n + eps).sqrt());
        for channel in 0..gamma.len() {
            let (row, mut normed) = (row(channel), [0f32; CHUNK]);
            for (((y, x), mean), deviation) in normed.iter_mut().zip(&*row).zip(&mean).zip(&deviation) {
                *y = (x - mean) * deviation * gamma[channel] + beta[channel];
            }
            activation.apply(s, channel, &normed[..width], row);
            if let Some(residual) = residual {
                for (y, residual) in row.iter_mut().zip(&residual[start + channel * steps..]) {
                    *y += residual;
                }
            }
        }
    }
}

/// The scalar oracle of [`ChannelNorm`] for one step's channels, in `f64`.
pub fn channel_norm_reference(x: &[f32], gamma: &[f32], beta: &[f32], eps: f32) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
    let scale = 1.0 / (variance + f64::from(eps)).sqrt();
    let value = |((&x, &gamma), &beta): ((&f32, &f32), &f32)| {
        (f64::from(x) - mean) * scale * f64::from(gamma) + f64::from(beta)
    };
    x.iter().zip(gamma).zip(beta).map(value).collect()
}
