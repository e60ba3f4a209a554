//! What kernels do to values while they read and write them.

use std::sync::Arc;

use candle_core::{Result, bail};

use super::device::{Buffer, Device};
use super::signal::Signal;

/// What is applied to each value.
#[derive(Clone, Debug, Default)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `x` where positive, `slope·x` elsewhere.
    LeakyRelu(f32),
    /// `x/2 · (1 + erf(x/√2))`.
    Gelu,
    /// `x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))`.
    GeluTanh,
    /// `x + sin²(α·x)/α`, one `α` for each channel.
    Snake {
        /// `(C)` of `f32`.
        alpha: Arc<Buffer>,
        /// `C`.
        channels: usize,
    },
    /// `tanh(x)`.
    Tanh,
}

impl Activation {
    /// [`Activation::Snake`] with `alpha`, one for each channel.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn snake(device: &Device, alpha: &[f32]) -> Result<Self> {
        Ok(Self::Snake { alpha: Arc::new(device.upload(alpha)?), channels: alpha.len() })
    }

    /// Whether it has parameters for `channels` channels.
    pub(super) fn fits(&self, channels: usize) -> bool {
        !matches!(self, Self::Snake { channels: own, .. } if *own != channels)
    }

    pub(super) fn argument(&self) -> ActivationArgument {
        let (kind, slope, alpha) = match self {
            Self::None => (0, 0.0, 0),
            Self::LeakyRelu(slope) => (1, *slope, 0),
            Self::Gelu => (2, 0.0, 0),
            Self::GeluTanh => (3, 0.0, 0),
            Self::Snake { alpha, .. } => (4, 0.0, alpha.address),
            Self::Tanh => (5, 0.0, 0),
        };
        ActivationArgument { kind, slope, alpha }
    }
}

/// `Activation` in `common.cuh`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct ActivationArgument {
    kind: i32,
    slope: f32,
    alpha: u64,
}

/// A factor and an offset for each channel, `(B, C)` pairs of `f32`, such as a normalisation comes down to.
#[derive(Clone, Debug)]
pub struct Affine(pub(super) Arc<Buffer>);

/// What is done to the input: `activation(scale·x + shift)`. The convolution's zero padding is not touched.
#[derive(Clone, Debug, Default)]
pub struct Prologue<'a> {
    /// The factor and offset of each channel, if any.
    pub affine: Option<&'a Affine>,
    /// What follows them.
    pub activation: Activation,
}

impl Prologue<'_> {
    /// For an input of `channels` channels.
    pub(super) fn argument(&self, channels: usize, op: &str) -> Result<PrologueArgument> {
        if !self.activation.fits(channels) {
            bail!("{op}: an activation of other than {channels} channels");
        }
        let affine = self.affine.map_or(0, |affine| affine.0.address);
        Ok(PrologueArgument { affine, activation: self.activation.argument() })
    }
}

/// `Prologue` in `common.cuh`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct PrologueArgument {
    affine: u64,
    activation: ActivationArgument,
}

/// What is done to the output `y`: `scale·(activation(y) + residual)`, written to `out` or added to what it holds.
#[derive(Clone, Debug)]
pub struct Epilogue<'a> {
    /// Applied to the output; no snake.
    pub activation: Activation,
    /// Added to it; a residual of half the steps is repeated, each step twice.
    pub residual: Option<&'a Signal>,
    /// Multiplies their sum.
    pub scale: f32,
    /// Takes up the result; a new signal if none.
    pub out: Option<Signal>,
    /// Whether the result is added to what `out` holds.
    pub accumulate: bool,
}

impl Default for Epilogue<'_> {
    fn default() -> Self {
        Self { activation: Activation::None, residual: None, scale: 1.0, out: None, accumulate: false }
    }
}

/// `Epilogue` in `common.cuh`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct EpilogueArgument {
    residual: u64,
    residual_batch_stride: i64,
    residual_steps: i32,
    residual_shift: i32,
    scale: f32,
    accumulate: i32,
    activation: ActivationArgument,
}

impl Epilogue<'_> {
    /// For an output `y`, whose residual is checked to fit.
    pub(super) fn argument(&self, y: &Signal, op: &str) -> Result<EpilogueArgument> {
        if matches!(self.activation, Activation::Snake { .. }) {
            bail!("{op}: a snake stands in front of a convolution, not behind one");
        }
        let mut argument = EpilogueArgument {
            residual: 0,
            residual_batch_stride: 0,
            residual_steps: 0,
            residual_shift: 0,
            scale: self.scale,
            accumulate: i32::from(self.accumulate),
            activation: self.activation.argument(),
        };
        if let Some(residual) = self.residual {
            let (batch, channels, steps) = y.dims();
            let of_half = 2 * residual.dims().2 == steps;
            let expected = if of_half { steps / 2 } else { steps };
            residual.check((batch, channels, expected), y.dtype(), op, "residual")?;
            argument.residual = residual.address();
            argument.residual_batch_stride = residual.batch_stride();
            argument.residual_steps = expected as i32;
            argument.residual_shift = i32::from(of_half);
        }
        Ok(argument)
    }
}
