//! Layer normalisation over the last dimension.

use candle_core::{D, Result, Tensor, bail};
use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::op::{to_vec, with_values};
use crate::statistics::moments;

/// Rows that one task of the thread pool takes.
const TASK_ROWS: usize = 16;
/// `torch.nn.LayerNorm` over `C` values. The error against [`layer_norm_reference`] stays within `1e-5 · (1 + |γ|)` for inputs of unit variance.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
    eps: f64,
}

impl LayerNorm {
    /// Of `gamma: (C)`, the factors, and `beta: (C)`, the offsets; `eps` is added to the variance.
    ///
    /// # Errors
    /// If the shapes differ, or there are no channels.
    pub fn new(gamma: &Tensor, beta: &Tensor, eps: f64) -> Result<Self> {
        if gamma.dims1()? == 0 || gamma.dims() != beta.dims() {
            bail!("layer_norm: gamma {:?} and beta {:?}", gamma.shape(), beta.shape());
        }
        Ok(Self { gamma: to_vec(gamma)?, beta: to_vec(beta)?, eps })
    }

    /// `x: (…, C)`, normalised over the last dimension.
    ///
    /// # Errors
    /// If `x` has another last dimension.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.dim(D::Minus1)? != self.gamma.len() {
            bail!("layer_norm: input {:?} for {} channels", x.shape(), self.gamma.len());
        }
        with_values(x, "layer_norm", |values| {
            let out = normalise_rows(values, self.gamma.len(), self.eps, |_| (&self.gamma, &self.beta));
            Tensor::from_vec(out, x.shape(), x.device())
        })
    }
}

/// Adaptive layer normalisation of StyleTTS 2 (`AdaLayerNorm`): `x: (B, T, C)` is normalised over the last dimension, scaled by `1 + γ` and shifted by `β`
/// from `style: (B, 2C)` = `[γ | β]`. The error is that of [`LayerNorm`].
///
/// # Errors
/// If the shapes do not fit each other.
pub fn ada_layer_norm(x: &Tensor, style: &Tensor, eps: f64) -> Result<Tensor> {
    let (batch, tokens, channels) = x.dims3()?;
    if style.dims() != [batch, 2 * channels] {
        bail!("ada_layer_norm: style {:?} for input {:?}", style.shape(), x.shape());
    }
    let mut style = to_vec(style)?;
    style.chunks_mut(2 * channels).for_each(|style| style[..channels].iter_mut().for_each(|gamma| *gamma += 1.0));
    with_values(x, "ada_layer_norm", |values| {
        let parameters = |row: usize| style[row / tokens * 2 * channels..][..2 * channels].split_at(channels);
        Tensor::from_vec(normalise_rows(values, channels, eps, parameters), x.shape(), x.device())
    })
}

/// Normalises each row of `channels` values with the factors and offsets that `parameters` has for it.
fn normalise_rows<'a>(
    x: &[f32],
    channels: usize,
    eps: f64,
    parameters: impl Fn(usize) -> (&'a [f32], &'a [f32]) + Sync,
) -> Vec<f32> {
    let mut out = vec![0f32; x.len()];
    let isa = Isa::current();
    let tasks = out.par_chunks_mut(TASK_ROWS * channels).zip(x.par_chunks(TASK_ROWS * channels)).enumerate();
    tasks.for_each(|(task, (out, x))| {
        for (i, (out, x)) in out.chunks_mut(channels).zip(x.chunks(channels)).enumerate() {
            let (gamma, beta) = parameters(task * TASK_ROWS + i);
            dispatch(isa, Row { x, gamma, beta, eps, out });
        }
    });
    out
}

struct Row<'a> {
    x: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    eps: f64,
    out: &'a mut [f32],
}

impl Kernel for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (mean, variance) = moments(s, self.x).of(self.x.len());
        let (mean, scale) = (mean as f32, (1.0 / (variance + self.eps).sqrt()) as f32);
        let values = self.x.iter().zip(self.gamma).zip(self.beta).zip(self.out);
        for (((x, gamma), beta), out) in values {
            *out = (x - mean) * scale * gamma + beta;
        }
    }
}

/// The scalar oracle of [`LayerNorm`] for one row, in `f64`.
pub fn layer_norm_reference(x: &[f32], gamma: &[f32], beta: &[f32], eps: f64) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
    let value =
        |((&x, &gamma), &beta)| f64::from(gamma) * (f64::from(x) - mean) / (variance + eps).sqrt() + f64::from(beta);
    x.iter().zip(gamma).zip(beta).map(value).collect()
}
