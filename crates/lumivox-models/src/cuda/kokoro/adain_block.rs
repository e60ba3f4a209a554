//! The residual block with adaptive instance normalisation that the predictor and the decoder share.

use std::f32::consts::FRAC_1_SQRT_2;
use std::ops::Range;

use candle_core::Result;
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{Activation, Affine, Conv1d, ConvTranspose1d, Epilogue, Prologue, Signal, instance_affine};
use lumivox_kernels::{Conv1dConfig, ConvTranspose1dConfig};

use super::{On, Projections, plain};

const INSTANCE_NORM_EPS: f32 = 1e-5;
const LEAKY_SLOPE: f32 = 0.2;

/// Adaptive instance normalisation and the activation behind it.
pub(super) struct StyledNorm {
    /// Its part of the style's projections: γ and β.
    style: Range<usize>,
    activation: Activation,
}

impl StyledNorm {
    pub(super) fn new(
        projections: &mut Projections,
        vb: VarBuilder,
        style_dim: usize,
        channels: usize,
        activation: Activation,
    ) -> Result<Self> {
        Ok(Self { style: projections.push(vb.pp("fc"), style_dim, 2 * channels)?, activation })
    }

    /// What the projected `style: (B, …, 1)` makes of the normalisation of `x: (B, C, L)`.
    pub(super) fn affine(&self, x: &Signal, style: &Signal) -> Result<Affine> {
        instance_affine(x, &style.channels(self.style.clone())?, INSTANCE_NORM_EPS)
    }

    /// The normalisation and its activation as what stands in front of a convolution.
    pub(super) fn prologue<'a>(&self, affine: &'a Affine) -> Prologue<'a> {
        Prologue { affine: Some(affine), activation: self.activation.clone() }
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
        on: On,
        vb: VarBuilder,
        [dim_in, dim_out]: [usize; 2],
        style_dim: usize,
        upsample: bool,
        projections: &mut Projections,
    ) -> Result<Self> {
        let leaky = || Activation::LeakyRelu(LEAKY_SLOPE);
        let conv1x1 = if dim_in == dim_out {
            None
        } else {
            let weight = vb.get((dim_out, dim_in, 1), "conv1x1.weight")?;
            Some(on.conv1d_of(&weight, None, Conv1dConfig::default())?)
        };
        let pool = if upsample {
            let config = ConvTranspose1dConfig { padding: 1, output_padding: 1, stride: 2, groups: dim_in };
            Some(on.conv_transpose1d(vb.pp("pool"), dim_in, dim_in, 3, config)?)
        } else {
            None
        };
        Ok(Self {
            norm1: StyledNorm::new(projections, vb.pp("norm1"), style_dim, dim_in, leaky())?,
            conv1: on.conv1d_same(vb.pp("conv1"), dim_in, dim_out, 3, 1)?,
            norm2: StyledNorm::new(projections, vb.pp("norm2"), style_dim, dim_out, leaky())?,
            conv2: on.conv1d_same(vb.pp("conv2"), dim_out, dim_out, 3, 1)?,
            conv1x1,
            pool,
        })
    }

    /// `x: (B, dim_in, L)` → `(B, dim_out, L)`, or `2L` with upsampling, in `out` if given; `style` is projected.
    pub(super) fn forward(&self, x: &Signal, style: &Signal, out: Option<Signal>) -> Result<Signal> {
        let affine = self.norm1.affine(x, style)?;
        let normed = self.norm1.prologue(&affine);
        let residual = match &self.pool {
            None => self.conv1.fused(x, normed, Epilogue::default())?,
            Some(pool) => plain(&self.conv1, &pool.fused(x, normed, Epilogue::default())?)?,
        };
        let shortcut = match &self.conv1x1 {
            Some(conv1x1) => plain(conv1x1, x)?,
            None => x.clone(),
        };
        let affine = self.norm2.affine(&residual, style)?;
        let joined = Epilogue { residual: Some(&shortcut), scale: FRAC_1_SQRT_2, out, ..Default::default() };
        self.conv2.fused(&residual, self.norm2.prologue(&affine), joined)
    }
}
