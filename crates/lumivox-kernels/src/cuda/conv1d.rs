//! Convolutions and transposed convolutions.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::device::{Buffer, Device, Launch, arguments};
use super::fuse::{Epilogue, Prologue};
use super::signal::{Dtype, Lengths, Signal};
use crate::conv_transpose1d::ConvTranspose1dConfig;
use crate::conv1d::Conv1dConfig;
use crate::op::to_vec;

/// Output channels are padded to a multiple of a block's.
const BLOCK_CHANNELS: usize = 64;
/// Of these, blocks for short signals take so many, and so many steps.
const SHORT_BLOCK: usize = 32;
const BLOCK_STEPS: usize = 128;
/// Blocks for each multiprocessor that fill it: below them the smaller ones are used.
const MANY_BLOCKS: usize = 2;
/// Input channels that the tensor-core kernel takes at a time, to a multiple of which they are padded.
const TENSOR_CHANNELS: usize = 32;
/// Bytes from one step to the next in its shared memory.
const TENSOR_ROW_BYTES: usize = 96;
/// Input channels that the other kernels take at a time.
const CHANNELS_A_STEP: usize = 8;
/// The most shared memory that a block gets without asking.
const MAX_SHARED_BYTES: usize = 48 * 1024;

/// `Geometry` in `conv1d.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Geometry {
    taps: i32,
    stride: i32,
    dilation: i32,
    offset: i32,
    out_stride: i32,
    crop: i32,
    phases: i32,
    rows: i32,
    phase_stride: i64,
}

/// What both kinds of convolution are on a device.
#[derive(Clone, Debug)]
struct Phased {
    weight: Arc<Buffer>,
    bias: Option<Arc<Buffer>>,
    dtype: Dtype,
    geometry: Geometry,
    c_in: usize,
    c_out: usize,
    kernel: Kernel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    /// A matrix product on the CUDA cores.
    Product,
    /// One on the tensor cores.
    Tensor,
    /// A filter for each channel.
    Depthwise,
}

impl Phased {
    /// `weight(phase, tap, channel in, channel out)`; for a filter for each channel the input's is 0.
    fn new(
        device: &Device,
        dtype: Dtype,
        kernel: Kernel,
        [c_in, c_out]: [usize; 2],
        geometry: Geometry,
        bias: Option<&Tensor>,
        weight: impl Fn(usize, usize, usize, usize) -> f32,
    ) -> Result<Self> {
        let [taps, phases] = [geometry.taps, geometry.phases].map(|n| n as usize);
        let rows = c_out.next_multiple_of(BLOCK_CHANNELS);
        let mut packed = Vec::new();
        for phase in 0..phases {
            match kernel {
                Kernel::Product => {
                    for (c, k) in (0..c_in).flat_map(|c| (0..taps).map(move |k| (c, k))) {
                        packed.extend((0..rows).map(|o| if o < c_out { weight(phase, k, c, o) } else { 0.0 }));
                    }
                }
                Kernel::Tensor => {
                    let padded = c_in.next_multiple_of(TENSOR_CHANNELS);
                    for (k, o) in (0..taps).flat_map(|k| (0..rows).map(move |o| (k, o))) {
                        let value = |c: usize| if c < c_in && o < c_out { weight(phase, k, c, o) } else { 0.0 };
                        packed.extend((0..padded).map(value));
                    }
                }
                Kernel::Depthwise => {
                    for k in 0..taps {
                        packed.extend((0..rows).map(|o| if o < c_out { weight(phase, k, 0, o) } else { 0.0 }));
                    }
                }
            }
        }
        let geometry = Geometry { rows: rows as i32, phase_stride: (packed.len() / phases) as i64, ..geometry };
        let bias =
            bias.map(|bias| Ok::<_, candle_core::Error>(Arc::new(device.upload(&to_vec(bias)?)?))).transpose()?;
        let weight = Arc::new(dtype.upload(device, &packed)?);
        Ok(Self { weight, bias, dtype, geometry, c_in, c_out, kernel })
    }

    /// The output of `l_out` steps for `x: (B, C_in, L)`.
    fn run(
        &self,
        x: &Signal,
        l_out: usize,
        lengths: Lengths,
        prologue: Prologue,
        mut epilogue: Epilogue,
    ) -> Result<Signal> {
        let (batch, _, l_in) = x.dims();
        x.check((batch, self.c_in, l_in), self.dtype, "conv1d", "input")?;
        let dims = (batch, self.c_out, l_out);
        let y = match epilogue.out.take() {
            Some(out) => {
                out.check(dims, self.dtype, "conv1d", "output")?;
                out
            }
            None if epilogue.accumulate => bail!("conv1d: nothing to add to"),
            None => Signal::new(x.device(), self.dtype, dims.into(), lengths)?,
        };
        let bias = self.bias.as_ref().map_or(0, |bias| bias.address);
        let (p, e, g) = (prologue.argument(self.c_in, "conv1d")?, epilogue.argument(&y, "conv1d")?, self.geometry);
        // SAFETY: these are the kernels' parameters, and the operands' shapes were checked.
        unsafe {
            let launch = self.launch(batch, l_out, MANY_BLOCKS * y.device().processors())?;
            y.device().launch(&launch, arguments![x.view(), y.view(), self.weight.address, bias, p, e, g])?;
        }
        Ok(y)
    }

    fn launch(&self, batch: usize, l_out: usize, many_blocks: usize) -> Result<Launch> {
        let Geometry { taps, stride, dilation, out_stride, crop, phases, .. } = self.geometry;
        let [taps, stride, dilation, phases] = [taps, stride, dilation, phases].map(|n| n as usize);
        // Steps of the longest phase.
        let steps = (l_out + crop as usize).div_ceil(out_stride as usize);
        let halo = (taps - 1) * dilation + 1;
        let blocks = |steps_each: usize, channels: usize| {
            [steps.div_ceil(steps_each), self.c_out.div_ceil(channels), batch * phases]
        };
        let (launch, bytes) = match self.kernel {
            Kernel::Depthwise => {
                let name = self.dtype.of("depthwise_f32", "depthwise_f16");
                (Launch::new(name, [l_out.div_ceil(256), self.c_out, batch], 256), 0)
            }
            Kernel::Tensor => {
                let bytes = ((BLOCK_STEPS + halo - 1) * TENSOR_ROW_BYTES).max(8 * 256 * 4);
                (Launch::new("conv1d_tensor_f16", blocks(BLOCK_STEPS, BLOCK_CHANNELS), 256), bytes)
            }
            Kernel::Product => {
                let large = blocks(BLOCK_STEPS, BLOCK_CHANNELS);
                let bytes = |[steps, channels]: [usize; 2]| {
                    let span = ((steps - 1) * stride + halo).next_multiple_of(4);
                    CHANNELS_A_STEP * (span + taps * channels) * 4
                };
                let (name, grid, size) = if large.iter().product::<usize>() >= many_blocks
                    && bytes([BLOCK_STEPS, BLOCK_CHANNELS]) <= MAX_SHARED_BYTES
                {
                    (self.dtype.of("conv1d_f32", "conv1d_f16"), large, [BLOCK_STEPS, BLOCK_CHANNELS])
                } else {
                    let name = self.dtype.of("conv1d_short_f32", "conv1d_short_f16");
                    (name, blocks(SHORT_BLOCK, SHORT_BLOCK), [SHORT_BLOCK, SHORT_BLOCK])
                };
                (Launch::new(name, grid, 256), bytes(size))
            }
        };
        if bytes > MAX_SHARED_BYTES {
            bail!("conv1d: {taps} taps of dilation {dilation} and stride {stride} are too many for a block's memory");
        }
        Ok(launch.shared(bytes))
    }
}

/// As [`crate::Conv1d`], on a device. Groups are one, or as many as channels.
///
/// Sums are in `f32` in any order: the error against [`crate::conv1d_reference`] stays within `4e-6 · Σ|w·x|` in [`Dtype::F32`], and within `2e-3 · Σ|w·x|` with 16
/// bits, whose values are rounded before and after.
#[derive(Clone, Debug)]
pub struct Conv1d {
    phased: Phased,
    config: Conv1dConfig,
}

impl Conv1d {
    /// Packs `weight: (C_out, C_in/groups, K)` and `bias: (C_out)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other or `config`, or there is no memory for them.
    pub fn new(
        device: &Device,
        dtype: Dtype,
        weight: &Tensor,
        bias: Option<&Tensor>,
        config: Conv1dConfig,
    ) -> Result<Self> {
        let (c_out, c_in, taps) = weight.dims3()?;
        let Conv1dConfig { padding, stride, dilation, groups, .. } = config;
        let depthwise = groups > 1 && groups == c_out && c_in == 1;
        let bias_fits = bias.is_none_or(|bias| bias.dims() == [c_out]);
        if [c_out, c_in, taps, stride, dilation].contains(&0) || !(groups == 1 || depthwise) || !bias_fits {
            bail!("conv1d: weight {:?} does not fit {config:?}", weight.shape());
        }
        let kernel = match dtype {
            _ if depthwise => Kernel::Depthwise,
            Dtype::F16 if stride == 1 && c_in >= TENSOR_CHANNELS && c_out >= SHORT_BLOCK => Kernel::Tensor,
            _ => Kernel::Product,
        };
        let geometry = Geometry {
            taps: taps as i32,
            stride: stride as i32,
            dilation: dilation as i32,
            offset: -(padding as i32),
            out_stride: 1,
            crop: 0,
            phases: 1,
            rows: 0,
            phase_stride: 0,
        };
        let values = to_vec(weight)?;
        let value = |_, k: usize, c: usize, o: usize| values[(o * c_in + c) * taps + k];
        let phased = Phased::new(device, dtype, kernel, [c_in * groups, c_out], geometry, bias, value)?;
        Ok(Self { phased, config })
    }

    /// `x: (B, C_in, L) → (B, C_out, (L + 2·padding − dilation·(K−1) − 1)/stride + 1)`, with what stands before and behind the convolution.
    ///
    /// # Errors
    /// If `x` is of other channels or type or shorter than the kernel, what is fused does not fit, or the device fails.
    pub fn fused(&self, x: &Signal, prologue: Prologue, epilogue: Epilogue) -> Result<Signal> {
        let Conv1dConfig { padding, stride, dilation, .. } = self.config;
        let (_, _, l_in) = x.dims();
        let span = dilation * (self.phased.geometry.taps as usize - 1) + 1;
        if l_in + 2 * padding < span {
            bail!("conv1d: {l_in} steps for a kernel that spans {span}");
        }
        let l_out = (l_in + 2 * padding - span) / stride + 1;
        let extra = 2 * padding as i32 - span as i32 + 1;
        let lengths = match stride {
            1 => x.lengths().scaled(1, extra),
            _ if x.lengths().counts.is_none() => Lengths::default(),
            _ => strided(x.lengths(), extra, stride)?,
        };
        self.phased.run(x, l_out, lengths, prologue, epilogue)
    }
}

/// Lengths `(n + extra − 1)/stride + 1` of those that are `n`, which must be of one form for all.
fn strided(lengths: &Lengths, extra: i32, stride: usize) -> Result<Lengths> {
    let stride = stride as i32;
    if lengths.factor % stride != 0 {
        bail!("conv1d: a stride of {stride} for lengths that are multiples of {}", lengths.factor);
    }
    let extra = (lengths.extra + extra - 1).div_euclid(stride) + 1;
    Ok(Lengths { counts: lengths.counts.clone(), factor: lengths.factor / stride, extra })
}

/// As [`crate::ConvTranspose1d`], on a device. Groups are one, or as many as channels. Errors are those of [`Conv1d`].
#[derive(Clone, Debug)]
pub struct ConvTranspose1d {
    phased: Phased,
    taps: usize,
    config: ConvTranspose1dConfig,
}

impl ConvTranspose1d {
    /// Packs `weight: (C_in, C_out/groups, K)` and `bias: (C_out)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other or `config`, or there is no memory for them.
    pub fn new(
        device: &Device,
        dtype: Dtype,
        weight: &Tensor,
        bias: Option<&Tensor>,
        config: ConvTranspose1dConfig,
    ) -> Result<Self> {
        let (c_in, c_out, taps) = weight.dims3()?;
        let ConvTranspose1dConfig { padding, output_padding, stride, groups } = config;
        let depthwise = groups > 1 && groups == c_in && c_out == 1;
        let bias_fits = bias.is_none_or(|bias| bias.dims() == [c_out * groups]);
        let sizes = [c_out, c_in, taps, stride];
        if sizes.contains(&0) || !(groups == 1 || depthwise) || !bias_fits || output_padding >= stride {
            bail!("conv_transpose1d: weight {:?} does not fit {config:?}", weight.shape());
        }
        let kernel = match dtype {
            _ if depthwise => Kernel::Depthwise,
            Dtype::F16 if c_in >= TENSOR_CHANNELS && c_out >= SHORT_BLOCK => Kernel::Tensor,
            _ => Kernel::Product,
        };
        let phase_taps = taps.div_ceil(stride);
        let geometry = Geometry {
            taps: phase_taps as i32,
            stride: 1,
            dilation: 1,
            offset: 1 - phase_taps as i32,
            out_stride: stride as i32,
            crop: padding as i32,
            phases: stride as i32,
            rows: 0,
            phase_stride: 0,
        };
        let values = to_vec(weight)?;
        let value = |phase: usize, tap: usize, c: usize, o: usize| {
            let k = phase + (phase_taps - 1 - tap) * stride;
            // A filter for each channel has one output of its own.
            let (c, o) = if depthwise { (o, 0) } else { (c, o) };
            if k < taps { values[(c * c_out + o) * taps + k] } else { 0.0 }
        };
        let phased = Phased::new(device, dtype, kernel, [c_in, c_out * groups], geometry, bias, value)?;
        Ok(Self { phased, taps, config })
    }

    /// `x: (B, C_in, L) → (B, C_out, (L−1)·stride − 2·padding + K + output_padding)`.
    ///
    /// # Errors
    /// As [`Conv1d::fused`].
    pub fn fused(&self, x: &Signal, prologue: Prologue, epilogue: Epilogue) -> Result<Signal> {
        let ConvTranspose1dConfig { padding, output_padding, stride, .. } = self.config;
        let extra = (self.taps + output_padding) as i32 - (stride + 2 * padding) as i32;
        let l_out = (x.dims().2 * stride).checked_add_signed(extra as isize).filter(|n| *n > 0);
        let Some(l_out) = l_out else { bail!("conv_transpose1d: {} steps are too few", x.dims().2) };
        self.phased.run(x, l_out, x.lengths().scaled(stride, extra), prologue, epilogue)
    }
}
