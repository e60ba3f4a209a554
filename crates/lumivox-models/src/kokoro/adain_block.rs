//! The residual block with adaptive instance normalisation that the predictor and the decoder share (`AdainResBlk1d` of Kokoro's `istftnet.py`).

use std::f32::consts::FRAC_1_SQRT_2;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{
    Activation, AdaIn, Affine, Algorithm, Conv1d, Conv1dConfig, ConvTranspose1d, ConvTranspose1dConfig, Epilogue,
    Linear, Prologue, Signal,
};

use crate::layers::{conv_transpose1d, conv1d_by, linear, upsample_nearest_2x};

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
        let fc = linear(vb.pp("fc"), style_dim, 2 * channels)?;
        Ok(Self { fc, adain: AdaIn { eps: INSTANCE_NORM_EPS, activation } })
    }

    /// What `style: (B, style_dim)` makes of the normalisation of `x: (B, C, L)`.
    pub(super) fn affine(&self, x: &Signal, style: &Tensor) -> Result<Affine> {
        self.adain.affine(&x.statistics(), &self.fc.forward(style)?)
    }

    /// The normalisation and its activation as what stands in front of a convolution.
    pub(super) fn prologue<'a>(&'a self, affine: &'a Affine) -> Prologue<'a> {
        self.adain.prologue(affine)
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
    pub(super) fn new(
        algorithm: Algorithm,
        vb: VarBuilder,
        [dim_in, dim_out]: [usize; 2],
        style_dim: usize,
        upsample: bool,
    ) -> Result<Self> {
        let leaky = || Activation::LeakyRelu(LEAKY_SLOPE);
        let conv1x1 = if dim_in == dim_out {
            None
        } else {
            let weight = vb.get((dim_out, dim_in, 1), "conv1x1.weight")?;
            Some(Conv1d::new(&weight, None, Conv1dConfig { algorithm, ..Default::default() })?)
        };
        let pool = if upsample {
            let config = ConvTranspose1dConfig { padding: 1, output_padding: 1, stride: 2, groups: dim_in };
            Some(conv_transpose1d(vb.pp("pool"), dim_in, dim_in, 3, config)?)
        } else {
            None
        };
        Ok(Self {
            norm1: StyledNorm::new(vb.pp("norm1"), style_dim, dim_in, leaky())?,
            conv1: conv1d_by(algorithm, vb.pp("conv1"), dim_in, dim_out, 3, 1)?,
            norm2: StyledNorm::new(vb.pp("norm2"), style_dim, dim_out, leaky())?,
            conv2: conv1d_by(algorithm, vb.pp("conv2"), dim_out, dim_out, 3, 1)?,
            conv1x1,
            pool,
        })
    }

    /// `x: (B, dim_in, L)`, `style: (B, style_dim)` → `(B, dim_out, L)`, or `2L` with upsampling.
    pub(super) fn forward(&self, x: &Tensor, style: &Tensor) -> Result<Tensor> {
        let shortcut = Signal::from_tensor(&self.shortcut(x)?)?;
        let x = Signal::from_tensor(x)?;
        let affine = self.norm1.affine(&x, style)?;
        let with_statistics = Epilogue { statistics: true, ..Default::default() };
        let residual = match &self.pool {
            None => self.conv1.fused(&x, self.norm1.prologue(&affine), with_statistics)?,
            Some(pool) => {
                let pooled = pool.fused(&x, self.norm1.prologue(&affine))?;
                self.conv1.fused(&pooled, Prologue::default(), with_statistics)?
            }
        };
        let affine = self.norm2.affine(&residual, style)?;
        let joined = Epilogue { residual: Some(&shortcut), scale: FRAC_1_SQRT_2, ..Default::default() };
        self.conv2.fused(&residual, self.norm2.prologue(&affine), joined)?.into_tensor()
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
