//! Activations, as they follow a normalisation or stand in front of a convolution.

use candle_core::{Result, Tensor, bail};

use crate::arch::{Simd, map};
use crate::math;
use crate::op::to_vec;

/// What is applied to each value.
#[derive(Clone, Debug)]
pub enum Activation {
    /// Nothing.
    None,
    /// `x` where positive, `slope·x` elsewhere.
    LeakyRelu(f32),
    /// `x/2 · (1 + erf(x/√2))`.
    Gelu,
    /// `x + sin²(α·x)/α`, one `α` for each channel.
    Snake(Vec<f32>),
}

impl Activation {
    /// [`Activation::Snake`] from a tensor of `C` values in any shape.
    ///
    /// # Errors
    /// If the tensor can't be read as `f32`, or holds a zero.
    pub fn snake(alpha: &Tensor) -> Result<Self> {
        let alpha = to_vec(alpha)?;
        if alpha.contains(&0.0) {
            bail!("snake: alpha holds a zero");
        }
        Ok(Self::Snake(alpha))
    }

    /// Whether it has parameters for `channels` channels.
    pub(crate) fn fits(&self, channels: usize) -> bool {
        !matches!(self, Self::Snake(alpha) if alpha.len() != channels)
    }

    /// `activation(scale·x + shift)` of one channel's values.
    #[inline(always)]
    pub(crate) fn apply_affine<S: Simd>(
        &self,
        s: S,
        channel: usize,
        scale: f32,
        shift: f32,
        x: &[f32],
        out: &mut [f32],
    ) {
        let (scale, shift) = (s.splat(scale), s.splat(shift));
        match self {
            Self::None => map!(s, x, out, |v| s.mul_add(v, scale, shift)),
            Self::LeakyRelu(slope) => {
                let slope = s.splat(*slope);
                map!(s, x, out, |v| math::leaky_relu(s, s.mul_add(v, scale, shift), slope))
            }
            Self::Gelu => map!(s, x, out, |v| math::gelu(s, s.mul_add(v, scale, shift))),
            Self::Snake(alpha) => {
                let (alpha, alpha_inv) = (s.splat(alpha[channel]), s.splat(1.0 / alpha[channel]));
                map!(s, x, out, |v| math::snake(s, s.mul_add(v, scale, shift), alpha, alpha_inv))
            }
        }
    }

    /// `activation(x)` of one channel's values.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(&self, s: S, channel: usize, x: &[f32], out: &mut [f32]) {
        match self {
            Self::None => out[..x.len()].copy_from_slice(x),
            Self::LeakyRelu(slope) => {
                let slope = s.splat(*slope);
                map!(s, x, out, |v| math::leaky_relu(s, v, slope))
            }
            Self::Gelu => map!(s, x, out, |v| math::gelu(s, v)),
            Self::Snake(alpha) => {
                let (alpha, alpha_inv) = (s.splat(alpha[channel]), s.splat(1.0 / alpha[channel]));
                map!(s, x, out, |v| math::snake(s, v, alpha, alpha_inv))
            }
        }
    }
}
