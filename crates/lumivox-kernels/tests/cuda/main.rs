//! The kernels of GPUs against the scalar oracles that the CPU's are held to, in emulation, or on the device that `LUMIVOX_TEST_DEVICE` names.

#![cfg(feature = "emulation")]
#![allow(clippy::unwrap_used)]

mod attention;
mod conv1d;
mod device;
mod elementwise;
mod expand;
mod gate;
mod lstm;
mod norm;
mod random;
mod source;
mod spline;
mod stft;
#[allow(dead_code, reason = "a device has no instruction sets to choose from")]
#[path = "../support/mod.rs"]
mod support;

use std::sync::LazyLock;

use candle_core::Tensor;
use half::f16;
use lumivox_kernels::cuda::{Device, Dtype, Lengths, Signal, device_under_test};

/// The device that tests run on.
static DEVICE: LazyLock<Device> = LazyLock::new(|| device_under_test().unwrap());

/// Both ways to store values, with what rounding to them costs a value of the order of one.
const DTYPES: [(Dtype, f64); 2] = [(Dtype::F32, 6e-8), (Dtype::F16, 5e-4)];

/// `x` as `dtype` stores it.
fn rounded(dtype: Dtype, x: &[f32]) -> Vec<f32> {
    match dtype {
        Dtype::F32 => x.to_vec(),
        Dtype::F16 => x.iter().map(|&x| f16::from_f32(x).to_f32()).collect(),
    }
}

/// Lengths on the device, one for each utterance.
fn lengths(counts: &[usize]) -> Lengths {
    let counts: Vec<u32> = counts.iter().map(|&n| n as u32).collect();
    Lengths::new(DEVICE.upload(&counts).unwrap().into())
}

/// A signal `(B, C, L)` on the device.
fn signal(dtype: Dtype, x: &[f32], dims: (usize, usize, usize)) -> Signal {
    Signal::from_tensor(&DEVICE, dtype, &support::tensor(x, dims)).unwrap()
}

/// The values of a signal.
fn values_of(x: &Signal) -> Vec<f32> {
    support::flat(&x.to_tensor().unwrap())
}

/// `tensor` for the constructors of ops.
fn tensor(x: &[f32], dims: impl Into<candle_core::Shape>) -> Tensor {
    Tensor::from_slice(x, dims, &candle_core::Device::Cpu).unwrap()
}

/// A signal `(B, C, L)` whose utterances are `counts` long. Behind them it is NaN: a kernel that reads there shows.
fn ragged(dtype: Dtype, x: &[f32], (batch, channels, steps): (usize, usize, usize), counts: &[usize]) -> Signal {
    let inside = |i: usize| i % steps < counts[i / steps / channels];
    let x: Vec<f32> = x.iter().enumerate().map(|(i, &x)| if inside(i) { x } else { f32::NAN }).collect();
    signal(dtype, &x, (batch, channels, steps)).with_lengths(lengths(counts))
}

/// Some channels of a larger signal that an op writes to, or reads.
struct Part {
    whole: Signal,
    dims: (usize, usize, usize),
    counts: Vec<usize>,
}

impl Part {
    /// What stands where nothing was written.
    const UNTOUCHED: f32 = 7.0;
    const BEFORE: usize = 2;
    const BEHIND: usize = 1;

    /// Channels `(B, C, L)` that hold `x`, or nothing yet, between others.
    fn new(dtype: Dtype, x: Option<&[f32]>, dims: (usize, usize, usize), counts: &[usize]) -> Self {
        let (batch, channels, steps) = dims;
        let mut values = Vec::new();
        for b in 0..batch {
            let row = |n: usize| vec![Self::UNTOUCHED; n * steps];
            values.extend(row(Self::BEFORE));
            values.extend(x.map_or_else(|| row(channels), |x| x[b * channels * steps..][..channels * steps].to_vec()));
            values.extend(row(Self::BEHIND));
        }
        let whole = signal(dtype, &values, (batch, Self::BEFORE + channels + Self::BEHIND, steps));
        Self { whole: whole.with_lengths(lengths(counts)), dims, counts: counts.to_vec() }
    }

    fn signal(&self) -> Signal {
        self.whole.channels(Self::BEFORE..Self::BEFORE + self.dims.1).unwrap()
    }

    /// The values `(B, C, L)` of an output, around which nothing may have been written.
    fn values(&self) -> Vec<f32> {
        let (_, channels, steps) = self.dims;
        let all = channels + Self::BEFORE + Self::BEHIND;
        let mut values = Vec::new();
        for (i, &value) in values_of(&self.whole).iter().enumerate() {
            let (b, c, t) = (i / steps / all, i / steps % all, i % steps);
            let ours = (Self::BEFORE..Self::BEFORE + channels).contains(&c);
            assert!(
                ours && t < self.counts[b] || value == Self::UNTOUCHED,
                "utterance {b}: step {t} of channel {c} was written"
            );
            if ours {
                values.push(value);
            }
        }
        values
    }
}

/// The first `count` steps of channel `c` of utterance `b`.
fn row(x: &[f32], (_, channels, steps): (usize, usize, usize), b: usize, c: usize, count: usize) -> &[f32] {
    &x[(b * channels + c) * steps..][..count]
}
