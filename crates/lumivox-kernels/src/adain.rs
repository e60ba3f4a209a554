//! Adaptive instance normalisation with the activation that follows it.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch, map};
use crate::math;
use crate::op::{f32_slice, to_vec};

/// What is applied to the normalised values.
#[derive(Clone, Debug)]
pub enum Activation {
    /// Nothing.
    None,
    /// `x` where positive, `slope·x` elsewhere.
    LeakyRelu(f32),
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
}

/// Adaptive instance normalisation of StyleTTS 2 (`AdaIN1d`): each channel is normalised over time by its own mean and biased variance, then scaled by
/// `1 + γ` and shifted by `β` from the style, then activated.
///
/// Means and variances are taken in two passes over `f32` lanes joined in `f64`; the error against [`adain_reference`] stays within
/// `1e-5 · (1 + |γ|)` for inputs of unit variance.
#[derive(Clone, Debug)]
pub struct AdaIn {
    /// Added to the variance.
    pub eps: f32,
    /// What follows.
    pub activation: Activation,
}

impl AdaIn {
    /// `x: (B, C, L)`, `style: (B, 2C)` = `[γ | β]` → `(B, C, L)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other or a snake's number of channels.
    pub fn forward(&self, x: &Tensor, style: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op2_no_bwd(&style.contiguous()?, self)
    }
}

impl CustomOp2 for AdaIn {
    fn name(&self) -> &'static str {
        "adain"
    }
    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout, style: &CpuStorage, sl: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, steps) = xl.shape().dims3()?;
        if sl.shape().dims() != [batch, 2 * channels] {
            bail!("adain: style {:?} for an input {:?}", sl.shape(), xl.shape());
        }
        if let Activation::Snake(alpha) = &self.activation
            && alpha.len() != channels
        {
            bail!("adain: {} snake parameters for {channels} channels", alpha.len());
        }
        let (x, style) = (f32_slice(x, xl, "adain")?, f32_slice(style, sl, "adain")?);
        let mut out = vec![0f32; x.len()];
        let isa = Isa::current();
        out.par_chunks_mut(steps.max(1)).zip(x.par_chunks(steps.max(1))).enumerate().for_each(|(row, (out, x))| {
            let (b, channel) = (row / channels, row % channels);
            let style = &style[b * 2 * channels..][..2 * channels];
            let activation = match &self.activation {
                Activation::None => RowActivation::None,
                Activation::LeakyRelu(slope) => RowActivation::LeakyRelu(*slope),
                Activation::Snake(alpha) => RowActivation::Snake(alpha[channel]),
            };
            let (gamma, beta) = (style[channel], style[channels + channel]);
            dispatch(isa, Row { x, out, gamma, beta, eps: self.eps, activation });
        });
        Ok((CpuStorage::F32(out), xl.shape().clone()))
    }
}

#[derive(Clone, Copy)]
enum RowActivation {
    None,
    LeakyRelu(f32),
    Snake(f32),
}

struct Row<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
    gamma: f32,
    beta: f32,
    eps: f32,
    activation: RowActivation,
}

impl Kernel for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Row { x, out, gamma, beta, eps, activation } = self;
        let n = x.len() as f64;
        let mean = power_sum(s, x, None) / n;
        let variance = power_sum(s, x, Some(mean as f32)) / n;
        let scale = f64::from(1.0 + gamma) / (variance + f64::from(eps)).sqrt();
        let (scale, shift) = (s.splat(scale as f32), s.splat((f64::from(beta) - mean * scale) as f32));
        match activation {
            RowActivation::None => map!(s, x, out, |v| s.mul_add(v, scale, shift)),
            RowActivation::LeakyRelu(slope) => {
                map!(s, x, out, |v| math::leaky_relu(s, s.mul_add(v, scale, shift), s.splat(slope)))
            }
            RowActivation::Snake(alpha) => {
                let (alpha, alpha_inv) = (s.splat(alpha), s.splat(1.0 / alpha));
                map!(s, x, out, |v| math::snake(s, s.mul_add(v, scale, shift), alpha, alpha_inv))
            }
        }
    }
}

/// `Σ (x − centre)²` with a centre, `Σ x` without: vector sums over pieces of at most 1,024 vectors, the pieces joined in `f64`.
#[inline(always)]
fn power_sum<S: Simd>(s: S, x: &[f32], centre: Option<f32>) -> f64 {
    let mut total = 0f64;
    for piece in x.chunks(1024 * S::LANES) {
        let mut lanes = s.splat(0.0);
        let vectors = piece.chunks_exact(S::LANES);
        for &value in vectors.remainder() {
            total += centre.map_or(f64::from(value), |centre| f64::from((value - centre) * (value - centre)));
        }
        for vector in vectors {
            // SAFETY: `chunks_exact` gives LANES values.
            let v = unsafe { s.load(vector.as_ptr()) };
            lanes = match centre {
                None => s.add(lanes, v),
                Some(centre) => {
                    let d = s.sub(v, s.splat(centre));
                    s.mul_add(d, d, lanes)
                }
            };
        }
        total += f64::from(s.sum(lanes));
    }
    total
}

/// The scalar oracle of [`AdaIn`] for one row of `L` steps, in `f64`; `alpha` where the activation is a snake.
pub fn adain_reference(x: &[f32], gamma: f32, beta: f32, adain: &AdaIn, channel: usize) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
    let deviation = (variance + f64::from(adain.eps)).sqrt();
    let activate = |v: f64| match &adain.activation {
        Activation::None => v,
        Activation::LeakyRelu(slope) => {
            if v < 0.0 {
                v * f64::from(*slope)
            } else {
                v
            }
        }
        Activation::Snake(alpha) => {
            let alpha = f64::from(alpha[channel]);
            v + (alpha * v).sin().powi(2) / alpha
        }
    };
    x.iter()
        .map(|&x| activate((1.0 + f64::from(gamma)) * (f64::from(x) - mean) / deviation + f64::from(beta)))
        .collect()
}
