//! Signals in a device's memory.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use half::f16;

use super::device::{Buffer, Device};
use crate::op::with_values;

/// How values are stored; they are computed in `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// 32 bits.
    F32,
    /// 16 bits: half the memory traffic, and tensor cores.
    F16,
}

impl Dtype {
    /// Of the two names of a kernel, the one for this type.
    pub(super) fn of(self, f32: &'static str, f16: &'static str) -> &'static str {
        match self {
            Self::F32 => f32,
            Self::F16 => f16,
        }
    }

    fn allocate(self, device: &Device, len: usize) -> Result<Buffer> {
        match self {
            Self::F32 => device.allocate::<f32>(len),
            Self::F16 => device.allocate::<f16>(len),
        }
    }

    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }

    /// `values` on the device, stored in this type.
    pub(super) fn upload(self, device: &Device, values: &[f32]) -> Result<Buffer> {
        match self {
            Self::F32 => device.upload(values),
            Self::F16 => device.upload(&values.iter().map(|&v| f16::from_f32(v)).collect::<Vec<_>>()),
        }
    }
}

/// How long each utterance of a batch is: `counts[b]·factor + extra` steps, where the counts are in the device's memory: they may be computed there, and the host
/// need not know them.
#[derive(Clone, Debug, Default)]
pub struct Lengths {
    /// `[B]`; none where all are as long as memory is laid out for.
    pub(super) counts: Option<Arc<Buffer>>,
    pub(super) factor: i32,
    pub(super) extra: i32,
}

impl Lengths {
    /// `counts`, `B` integers.
    pub fn new(counts: Arc<Buffer>) -> Self {
        Self { counts: Some(counts), factor: 1, extra: 0 }
    }

    /// `factor` times as long, and `extra` steps.
    pub fn scaled(&self, factor: usize, extra: i32) -> Self {
        let factor = factor as i32;
        Self { counts: self.counts.clone(), factor: self.factor * factor, extra: self.extra * factor + extra }
    }
}

/// Activations `(B, C, L)` in a device's memory, or some channels of such: clones and parts share it.
#[derive(Clone, Debug)]
pub struct Signal {
    values: Arc<Buffer>,
    dtype: Dtype,
    /// In values, from the buffer's begin.
    start: usize,
    batch_stride: usize,
    batch: usize,
    channels: usize,
    steps: usize,
    lengths: Lengths,
}

/// What kernels get of a signal: `View` in `common.cuh`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct View {
    data: u64,
    batch_stride: i64,
    channels: i32,
    steps: i32,
    counts: u64,
    factor: i32,
    extra: i32,
}

impl Signal {
    /// `(B, C, L)` values that are anything.
    ///
    /// # Errors
    /// If there is not so much memory.
    pub fn new(device: &Device, dtype: Dtype, [batch, channels, steps]: [usize; 3], lengths: Lengths) -> Result<Self> {
        if steps > i32::MAX as usize || channels > i32::MAX as usize {
            bail!("a signal of {channels} channels and {steps} steps");
        }
        let values = Arc::new(dtype.allocate(device, batch * channels * steps)?);
        Ok(Self { values, dtype, start: 0, batch_stride: channels * steps, batch, channels, steps, lengths })
    }

    /// Copies `x: (B, C, L)` to the device.
    ///
    /// # Errors
    /// If `x` has another rank or is not `f32`, or there is not so much memory.
    pub fn from_tensor(device: &Device, dtype: Dtype, x: &Tensor) -> Result<Self> {
        let (batch, channels, steps) = x.dims3()?;
        let values = Arc::new(with_values(x, "signal", |x| dtype.upload(device, x))?);
        let batch_stride = channels * steps;
        Ok(Self { values, dtype, start: 0, batch_stride, batch, channels, steps, lengths: Lengths::default() })
    }

    /// `(B, C, L)` values of 32 bits that are in `buffer` from the word `start` on.
    pub(super) fn inside(values: Arc<Buffer>, start: usize, [batch, channels, steps]: [usize; 3]) -> Self {
        let (dtype, lengths, batch_stride) = (Dtype::F32, Lengths::default(), channels * steps);
        Self { values, dtype, start, batch_stride, batch, channels, steps, lengths }
    }

    /// A tensor `(B, C, L)` on the CPU with a copy of the values; what lies behind an utterance's end is anything.
    ///
    /// # Errors
    /// If the device fails, also in an earlier launch; or if the signal is a part of another.
    pub fn to_tensor(&self) -> Result<Tensor> {
        let len = self.batch * self.channels * self.steps;
        if self.start != 0 || self.batch_stride * self.batch != len {
            bail!("only whole signals are copied to the host");
        }
        let values = match self.dtype {
            Dtype::F32 => self.device().download::<f32>(&self.values, len)?,
            Dtype::F16 => self.device().download::<f16>(&self.values, len)?.into_iter().map(f16::to_f32).collect(),
        };
        Tensor::from_vec(values, (self.batch, self.channels, self.steps), &candle_core::Device::Cpu)
    }

    /// Copies `values`, `(B, C, L)` in row-major order, into the signal's memory.
    ///
    /// # Errors
    /// If they are not as many as the signal's, it is not of 32 bits or a part of another, or the device fails.
    pub fn write(&self, values: &[f32]) -> Result<()> {
        let len = self.batch * self.channels * self.steps;
        if self.start != 0 || self.batch_stride * self.batch != len || values.len() != len || self.dtype != Dtype::F32 {
            bail!("{} values for {:?} of {:?}", values.len(), self.dims(), self.dtype);
        }
        self.device().upload_into(&self.values, values)
    }

    /// A copy in memory of its own, made within the device. A part of a signal takes the whole with it.
    ///
    /// # Errors
    /// If there is no memory for it, launches are being recorded, or the device fails.
    pub fn duplicate(&self) -> Result<Self> {
        Ok(Self { values: Arc::new(self.device().duplicate(&self.values)?), ..self.clone() })
    }

    /// Takes over the values of `x`, of the same shape, within the device.
    ///
    /// # Errors
    /// If the shapes differ, launches are being recorded, or the device fails.
    pub fn assign(&self, x: &Self) -> Result<()> {
        x.check(self.dims(), self.dtype, "assign", "value")?;
        self.device().copy_into(&self.values, &x.values)
    }

    /// Some of the channels, in the same memory.
    ///
    /// # Errors
    /// If there are no such channels.
    pub fn channels(&self, channels: Range<usize>) -> Result<Self> {
        if channels.is_empty() || channels.end > self.channels {
            bail!("channels {channels:?} of {}", self.channels);
        }
        let start = self.start + channels.start * self.steps;
        Ok(Self { start, channels: channels.len(), ..self.clone() })
    }

    /// `(B, C, L)`.
    pub fn dims(&self) -> (usize, usize, usize) {
        (self.batch, self.channels, self.steps)
    }

    /// How values are stored.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Where it is.
    pub fn device(&self) -> &Device {
        self.values.device()
    }

    /// How long its utterances are.
    pub fn lengths(&self) -> &Lengths {
        &self.lengths
    }

    /// The same values with other lengths.
    pub fn with_lengths(self, lengths: Lengths) -> Self {
        Self { lengths, ..self }
    }

    /// The address of the first value.
    pub(super) fn address(&self) -> u64 {
        self.values.address + self.start as u64 * self.dtype.bytes()
    }

    pub(super) fn batch_stride(&self) -> i64 {
        self.batch_stride as i64
    }

    pub(super) fn view(&self) -> View {
        View {
            data: self.address(),
            batch_stride: self.batch_stride as i64,
            channels: self.channels as i32,
            steps: self.steps as i32,
            counts: self.lengths.counts.as_ref().map_or(0, |counts| counts.address),
            factor: self.lengths.factor,
            extra: self.lengths.extra,
        }
    }

    /// What an op writes to that makes `channels` channels of this signal's: `out` if it fits, or a new signal of the same type and lengths.
    pub(super) fn output(&self, channels: usize, out: Option<Self>, op: &str) -> Result<Self> {
        let dims = (self.batch, channels, self.steps);
        match out {
            Some(out) => out.check(dims, self.dtype, op, "output").map(|()| out),
            None => Self::new(self.device(), self.dtype, dims.into(), self.lengths.clone()),
        }
    }

    /// Fails unless the signal is `(batch, channels, steps)` of `dtype`.
    pub(super) fn check(&self, dims: (usize, usize, usize), dtype: Dtype, op: &str, what: &str) -> Result<()> {
        if self.dims() == dims && self.dtype == dtype {
            return Ok(());
        }
        bail!("{op}: {what} {:?} of {:?} for {dims:?} of {dtype:?}", self.dims(), self.dtype)
    }
}
