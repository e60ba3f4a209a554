//! What the kernels' tests share.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor};
use lumivox_kernels::{Isa, with_isa};

/// Reproducible values in -1..1.
pub fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

pub fn tensor(values: &[f32], shape: impl Into<candle_core::Shape>) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

pub fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// Fails where `got` is further than `bound` from `want`.
pub fn assert_close(got: &[f32], want: &[f64], bound: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let difference = (f64::from(got) - want).abs();
        assert!(difference <= bound, "{what}: index {i}: {got} for {want}");
    }
}

pub fn on_every_isa(f: impl Fn(&str)) {
    for isa in Isa::available() {
        with_isa(isa, || f(isa.name()));
    }
}
