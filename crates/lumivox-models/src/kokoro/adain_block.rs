//! The residual block with adaptive instance normalisation that the predictor and the decoder share (`AdainResBlk1d` of Kokoro's `istftnet.py`).

use std::f64::consts::FRAC_1_SQRT_2;

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};
use lumivox_kernels::{Activation, AdaIn, Conv1d, Conv1dConfig, ConvTranspose1d, ConvTranspose1dConfig};

use crate::layers::{conv_transpose1d, conv1d_same, upsample_nearest_2x};

const INSTANCE_NORM_EPS: f32 = 1e-5;
const LEAKY_SLOPE: f32 = 0.2;

/// Adaptive instance normalisation with its projection of the style, and the activation behind it. The checkpoint's own affine part is the identity and
/// absent from it.
pub(super) struct StyledNorm {
    fc: Linear,
    adain: AdaIn,
}

impl StyledNorm {
    pub(super) fn new(vb: VarBuilder, style_dim: usize, channels: usize, activation: Activation) -> Result<Self> {
        let fc = linear(style_dim, 2 * channels, vb.pp("fc"))?;
        Ok(Self { fc, adain: AdaIn { eps: INSTANCE_NORM_EPS, activation } })
    }

    /// `x: (B, C, L)`, `style: (B, style_dim)` → `(B, C, L)`.
    pub(super) fn forward(&self, x: &Tensor, style: &Tensor) -> Result<Tensor> {
        self.adain.forward(x, &self.fc.forward(style)?)
    }
}

pub(super) struct AdainResBlk1d {
    norm1: StyledNorm,
    conv1: Conv1d,
    norm2: StyledNorm,
    conv2: Conv1d,
    /// On the shortcut, where the number of channels changes.
    conv1x1: Option<Conv1d>,
    /// The learned upsampling of the residual branch; the shortcut repeats its steps.
    pool: Option<ConvTranspose1d>,
}

impl AdainResBlk1d {
    pub(super) fn new(vb: VarBuilder, dim_in: usize, dim_out: usize, style_dim: usize, upsample: bool) -> Result<Self> {
        let leaky = || Activation::LeakyRelu(LEAKY_SLOPE);
        let conv1x1 = if dim_in == dim_out {
            None
        } else {
            let weight = vb.get((dim_out, dim_in, 1), "conv1x1.weight")?;
            Some(Conv1d::new(&weight, None, Conv1dConfig::default())?)
        };
        let pool = if upsample {
            let config = ConvTranspose1dConfig { padding: 1, output_padding: 1, stride: 2, groups: dim_in };
            Some(conv_transpose1d(vb.pp("pool"), dim_in, dim_in, 3, config)?)
        } else {
            None
        };
        Ok(Self {
            norm1: StyledNorm::new(vb.pp("norm1"), style_dim, dim_in, leaky())?,
            conv1: conv1d_same(vb.pp("conv1"), dim_in, dim_out, 3, 1)?,
            norm2: StyledNorm::new(vb.pp("norm2"), style_dim, dim_out, leaky())?,
            conv2: conv1d_same(vb.pp("conv2"), dim_out, dim_out, 3, 1)?,
            conv1x1,
            pool,
        })
    }

    /// `x: (B, dim_in, L)`, `style: (B, style_dim)` → `(B, dim_out, L)`, or `2L` with upsampling.
    pub(super) fn forward(&self, x: &Tensor, style: &Tensor) -> Result<Tensor> {
        let mut residual = self.norm1.forward(x, style)?;
        if let Some(pool) = &self.pool {
            residual = pool.forward(&residual)?;
        }
        let residual = self.norm2.forward(&self.conv1.forward(&residual)?, style)?;
        self.conv2.forward_add(&residual, &self.shortcut(x)?)? * FRAC_1_SQRT_2
    }

    fn shortcut(&self, x: &Tensor) -> Result<Tensor> {
        // A pointwise convolution and repetition commute; convolving first is half the work.
        let x = match &self.conv1x1 {
            Some(conv1x1) => conv1x1.forward(x)?,
            None => x.clone(),
        };
        if self.pool.is_some() { upsample_nearest_2x(&x) } else { Ok(x) }
    }
}
