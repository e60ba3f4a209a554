//! The kernels of GPUs against the scalar oracles that the CPU's are held to, in emulation.

#![cfg(feature = "emulation")]
#![allow(clippy::unwrap_used)]

mod conv1d;
mod expand;
mod lstm;
mod random;
mod source;
mod stft;
#[path = "../support/mod.rs"]
mod support;

use std::sync::LazyLock;

use candle_core::Tensor;
use half::f16;
use lumivox_kernels::cuda::{Device, Dtype, Lengths, Signal, emulated};

/// The device that tests run on.
static DEVICE: LazyLock<Device> = LazyLock::new(|| emulated().unwrap());

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
