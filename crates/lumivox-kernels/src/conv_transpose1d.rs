//! Transposed one-dimensional convolution, by phases.
//!
//! Output steps of equal remainder modulo the stride see the same taps, so each phase is an ordinary convolution of `⌈K/stride⌉` taps; all phases run as
//! rows of one [`Direct`] convolution whose store puts them back in order. Nothing is multiplied with the zeros that a transposed convolution is often
//! explained with.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use crate::direct::{Direct, Geometry, Store};
use crate::fuse::{Epilogue, Pass, Prologue};
use crate::op::{to_vec, with_values};
use crate::signal::Signal;

/// Geometry of a [`ConvTranspose1d`], with `torch.nn.ConvTranspose1d`'s names and defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose1dConfig {
    /// Steps cut from both ends of the full output.
    pub padding: usize,
    /// Steps added at the end of the output.
    pub output_padding: usize,
    /// Output steps between input steps.
    pub stride: usize,
    /// Channel groups.
    pub groups: usize,
}

impl Default for ConvTranspose1dConfig {
    fn default() -> Self {
        Self { padding: 0, output_padding: 0, stride: 1, groups: 1 }
    }
}

/// `torch.nn.functional.conv_transpose1d` (dilation 1) with its weights packed once.
///
/// Sums in `f32`: the error against [`conv_transpose1d_reference`] stays within `2e-6 · Σ|w·x|`.
#[derive(Clone, Debug)]
pub struct ConvTranspose1d {
    direct: Arc<Direct>,
    taps: usize,
    config: ConvTranspose1dConfig,
}

impl ConvTranspose1d {
    /// Packs `weight: (C_in, C_out/groups, K)` and `bias: (C_out)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other or `config`, or a size is zero.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, config: ConvTranspose1dConfig) -> Result<Self> {
        let (c_in, c_out, taps) = weight.dims3()?;
        let ConvTranspose1dConfig { padding, output_padding, stride, groups } = config;
        if [c_in, c_out, taps, stride, groups].contains(&0) || c_in % groups != 0 || output_padding >= stride {
            bail!("conv_transpose1d: weight {:?} does not fit {config:?}", weight.shape());
        }
        let bias = match bias {
            Some(bias) if bias.dims() == [c_out * groups] => to_vec(bias)?,
            Some(bias) => bail!("conv_transpose1d: bias {:?} for {} output channels", bias.shape(), c_out * groups),
            None => vec![0.0; c_out * groups],
        };
        let weight = to_vec(weight)?;
        let c_in = c_in / groups;
        let phase_taps = taps.div_ceil(stride);
        let geometry = Geometry {
            groups,
            c_in,
            rows: c_out * stride,
            taps: phase_taps,
            stride: 1,
            dilation: 1,
            padding: phase_taps - 1,
            store: Store::Interleaved { stride, crop: padding },
        };
        let direct = Direct::new(
            geometry,
            |group, row, channel, tap| {
                let (out, phase) = (row / stride, row % stride);
                let k = phase + (phase_taps - 1 - tap) * stride;
                if k < taps { weight[((group * c_in + channel) * c_out + out) * taps + k] } else { 0.0 }
            },
            |group, row| bias[group * c_out + row / stride],
        );
        Ok(Self { direct: Arc::new(direct), taps, config })
    }

    /// `x: (B, C_in, L) → (B, C_out, (L−1)·stride − 2·padding + K + output_padding)`.
    ///
    /// # Errors
    /// If `x` is empty, has another number of channels, or the output would be shorter than nothing.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, steps) = x.dims3()?;
        let run = |x: &[f32]| self.compute((x, [batch, channels, steps]), Prologue::default());
        with_values(x, "conv_transpose1d", run)?.into_tensor()
    }

    /// As [`ConvTranspose1d::forward`], with what stands before it done on the way.
    ///
    /// # Errors
    /// As [`ConvTranspose1d::forward`], or if the prologue has other channels.
    pub fn fused(&self, x: &Signal, prologue: Prologue) -> Result<Signal> {
        let (batch, channels, steps) = x.dims();
        self.compute((&x.values, [batch, channels, steps]), prologue)
    }

    fn compute(&self, x: (&[f32], [usize; 3]), prologue: Prologue) -> Result<Signal> {
        let [batch, channels, l_in] = x.1;
        let geometry = self.direct.geometry;
        let c_in = geometry.c_in * geometry.groups;
        let ConvTranspose1dConfig { padding, output_padding, stride, groups } = self.config;
        let full = (l_in.max(1) - 1) * stride + self.taps + output_padding;
        if channels != c_in || l_in == 0 || full < 2 * padding || !prologue.fits(batch * channels, channels) {
            bail!("conv_transpose1d: input {:?} for {c_in} channels", x.1);
        }
        let out = [geometry.rows / stride * groups, full - 2 * padding];
        Pass::run(x, prologue, out, Epilogue::default(), usize::MAX, |pass| self.direct.run(pass))
    }
}

/// The scalar oracle of [`ConvTranspose1d`]: the definition (every input step adds its kernel to the output), summed in `f64`.
pub fn conv_transpose1d_reference(
    x: &[f32],
    [batch, c_in, l_in]: [usize; 3],
    weight: &[f32],
    [c_out_group, taps]: [usize; 2],
    bias: &[f32],
    config: ConvTranspose1dConfig,
) -> Vec<f64> {
    let ConvTranspose1dConfig { padding, output_padding, stride, groups } = config;
    let l_out = (l_in - 1) * stride + taps + output_padding - 2 * padding;
    let c_out = c_out_group * groups;
    let mut out = vec![0f64; batch * c_out * l_out];
    for (row, out) in out.chunks_mut(l_out.max(1)).enumerate() {
        out.fill(f64::from(bias[row % c_out]));
    }
    for b in 0..batch {
        for i in 0..c_in {
            let group = i / (c_in / groups);
            for t in 0..l_in {
                for o in 0..c_out_group {
                    for k in 0..taps {
                        if let Some(step) = (t * stride + k).checked_sub(padding).filter(|step| *step < l_out) {
                            let w = weight[(i * c_out_group + o) * taps + k];
                            let channel = b * c_out + group * c_out_group + o;
                            out[channel * l_out + step] += f64::from(w) * f64::from(x[(b * c_in + i) * l_in + t]);
                        }
                    }
                }
            }
        }
    }
    out
}
