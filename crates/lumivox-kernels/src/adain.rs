//! Adaptive instance normalisation with the activation that follows it.

use candle_core::{Result, Tensor, bail};

use crate::activation::Activation;
use crate::fuse::{Affine, Prologue};
use crate::op::with_values;
use crate::statistics::Statistics;

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
    /// What the normalisation of a signal with `statistics` comes down to, for `style: (B, 2C)` = `[γ | β]`.
    ///
    /// # Errors
    /// If the statistics are not of `B·C` rows.
    pub fn affine(&self, statistics: &Statistics, style: &Tensor) -> Result<Affine> {
        let (batch, width) = style.dims2()?;
        with_values(style, "adain", |style| affine(self.eps, statistics, style, batch, width / 2))
    }

    /// The normalisation and its activation, to stand in front of a convolution.
    pub fn prologue<'a>(&'a self, affine: &'a Affine) -> Prologue<'a> {
        Prologue { affine: Some(affine), activation: &self.activation }
    }
}

fn affine(eps: f32, statistics: &Statistics, style: &[f32], batch: usize, channels: usize) -> Result<Affine> {
    if statistics.rows.len() != batch * channels || style.len() != 2 * batch * channels {
        bail!("adain: {} values of style for {} rows", style.len(), statistics.rows.len());
    }
    let row = |(row, &(mean, variance)): (usize, &(f64, f64))| {
        let style = &style[row / channels * 2 * channels..][..2 * channels];
        let (gamma, beta) = (style[row % channels], style[channels + row % channels]);
        let scale = f64::from(1.0 + gamma) / (variance + f64::from(eps)).sqrt();
        (scale as f32, (f64::from(beta) - mean * scale) as f32)
    };
    Ok(Affine { rows: statistics.rows.iter().enumerate().map(row).collect() })
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
        Activation::Gelu => v / 2.0 * (1.0 + libm::erf(v * std::f64::consts::FRAC_1_SQRT_2)),
        Activation::Snake(alpha) => {
            let alpha = f64::from(alpha[channel]);
            v + (alpha * v).sin().powi(2) / alpha
        }
    };
    x.iter()
        .map(|&x| activate((1.0 + f64::from(gamma)) * (f64::from(x) - mean) / deviation + f64::from(beta)))
        .collect()
}
