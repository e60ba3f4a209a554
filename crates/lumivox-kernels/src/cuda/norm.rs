//! Normalisations over time and over channels.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::device::{Buffer, Device, Launch, arguments};
use super::fuse::{Activation, Affine};
use super::signal::{Dtype, Signal};
use crate::op::to_vec;

/// Rows from this length on get the largest blocks.
const LONG_ROW: usize = 8192;
/// Bytes of a `block_sum`.
const BLOCK_SUM_BYTES: usize = 32 * 4;
/// Blocks of 32 steps that fill a GPU: where there are fewer, blocks take fewer steps.
const MANY_BLOCKS: usize = 160;

/// Adaptive instance normalisation of StyleTTS 2 (`AdaIN1d`) as what it comes down to for each channel of `x: (B, C, L)`: `scale = (1 + γ)/√(variance + eps)` and
/// `shift = β − mean·scale`, of each utterance's own length, where `style: (B, 2C, 1)` = `[γ | β]` is stored in [`Dtype::F32`]. To be put in front of a convolution
/// ([`super::Prologue`]).
///
/// The error of `scale·x + shift` against [`crate::adain_reference`] stays within `2e-6 · (1 + |γ|)` for inputs of unit variance.
///
/// # Errors
/// If the style does not fit `x`, or the device fails.
pub fn instance_affine(x: &Signal, style: &Signal, eps: f32) -> Result<Affine> {
    let (batch, channels, steps) = x.dims();
    style.check((batch, 2 * channels, 1), Dtype::F32, "instance_affine", "style")?;
    let affine = Arc::new(x.device().allocate::<f32>(2 * batch * channels)?);
    let kernel = x.dtype().of("instance_affine_f32", "instance_affine_f16");
    let threads = if steps < LONG_ROW { 256 } else { 1024 };
    let launch = Launch::new(kernel, [channels, batch, 1], threads).shared(BLOCK_SUM_BYTES);
    // SAFETY: these are the kernel's parameters, and the style's shape was checked.
    unsafe { x.device().launch(&launch, arguments![x.view(), style.view(), affine.address, eps])? };
    Ok(Affine(affine))
}

/// `NormParameters` in `norm.cu`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Parameters {
    gamma: u64,
    beta: u64,
    batch_stride: i64,
    gamma_offset: f32,
    eps: f32,
}

/// As [`crate::ChannelNorm`], on a device: `torch.nn.LayerNorm` of each step of `(B, C, L)` over its channels. The error against [`crate::channel_norm_reference`] stays
/// within `2e-6 · (1 + |γ|)` for channels of unit variance in [`Dtype::F32`], to which 16 bits add the rounding of the result.
#[derive(Clone, Debug)]
pub struct ChannelNorm {
    /// `[2][C]`: factors, then offsets.
    parameters: Arc<Buffer>,
    channels: usize,
    eps: f32,
}

impl ChannelNorm {
    /// From `gamma: (C)` and `beta: (C)`; `eps` is added to the variance.
    ///
    /// # Errors
    /// If their shapes differ, or there is no memory for them.
    pub fn new(device: &Device, gamma: &Tensor, beta: &Tensor, eps: f32) -> Result<Self> {
        if gamma.dims() != beta.dims() || gamma.rank() != 1 {
            bail!("channel_norm: γ {:?} and β {:?}", gamma.shape(), beta.shape());
        }
        let (mut values, beta) = (to_vec(gamma)?, to_vec(beta)?);
        values.extend(&beta);
        Ok(Self { parameters: Arc::new(device.upload(&values)?), channels: beta.len(), eps })
    }

    /// `activation(norm(x)) + residual` of `x: (B, C, L)`, in `out` or a new signal; `out` may be `x` or the residual.
    ///
    /// # Errors
    /// If `x` has other channels, the residual or `out` is not as `x`, or the device fails.
    pub fn fused(
        &self,
        x: &Signal,
        activation: &Activation,
        residual: Option<&Signal>,
        out: Option<Signal>,
    ) -> Result<Signal> {
        if x.dims().1 != self.channels || !activation.fits(self.channels) {
            bail!("channel_norm: {} channels for {} or an activation of others", x.dims().1, self.channels);
        }
        let gamma = self.parameters.address;
        let beta = gamma + 4 * self.channels as u64;
        let parameters = Parameters { gamma, beta, batch_stride: 0, gamma_offset: 0.0, eps: self.eps };
        normalised(x, parameters, activation, residual, out, "channel_norm")
    }
}

/// Adaptive layer normalisation of StyleTTS 2 (`AdaLayerNorm`): each step of `x: (B, C, L)` is normalised over its channels, scaled by `1 + γ` and shifted by `β` from
/// `style: (B, 2C, 1)` = `[γ | β]`, which is stored in [`Dtype::F32`]; in `out`, which may be `x`, or a new signal. The error is that of [`ChannelNorm`].
///
/// # Errors
/// If the style does not fit `x`, `out` is not as `x`, or the device fails.
pub fn ada_layer_norm(x: &Signal, style: &Signal, eps: f32, out: Option<Signal>) -> Result<Signal> {
    let (batch, channels, _) = x.dims();
    style.check((batch, 2 * channels, 1), Dtype::F32, "ada_layer_norm", "style")?;
    let gamma = style.address();
    let beta = gamma + 4 * channels as u64;
    let parameters = Parameters { gamma, beta, batch_stride: style.batch_stride(), gamma_offset: 1.0, eps };
    normalised(x, parameters, &Activation::None, None, out, "ada_layer_norm")
}

fn normalised(
    x: &Signal,
    parameters: Parameters,
    activation: &Activation,
    residual: Option<&Signal>,
    out: Option<Signal>,
    op: &str,
) -> Result<Signal> {
    let (batch, channels, steps) = x.dims();
    if let Some(residual) = residual {
        residual.check(x.dims(), x.dtype(), op, "residual")?;
    }
    let y = x.output(channels, out, op)?;
    let kernel = x.dtype().of("channel_norm_f32", "channel_norm_f16");
    // Eight steps are the least that memory is read in.
    let (width, threads) = if steps.div_ceil(32) * batch >= MANY_BLOCKS { (32, 256) } else { (8, 512) };
    let launch = Launch::new(kernel, [steps.div_ceil(width), batch, 1], threads).shared(2 * 4 * threads as usize);
    let (has_residual, width) = (i32::from(residual.is_some()), width as i32);
    let residual = residual.unwrap_or(x).view();
    let (activation, views) = (activation.argument(), [x.view(), y.view()]);
    let operands = arguments![views[0], views[1], parameters, activation, residual, has_residual, width];
    // SAFETY: these are the kernel's parameters, and the operands' shapes were checked.
    unsafe { x.device().launch(&launch, operands)? };
    Ok(y)
}
