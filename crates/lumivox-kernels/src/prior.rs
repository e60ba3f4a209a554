//! The prior of VITS, drawn from.

use candle_core::{Device, Result, Tensor, bail};
use rayon::prelude::*;

use crate::op::with_values;

/// `mean[t] + exp(logs[t])·noise[f]`, each token `t` for as many frames as `durations` says: `mean, logs: (B, C, T)`, `noise: (B, C, F)` → `(B, C, F)`
/// (`SynthesizerTrn.infer` of VITS between `generate_path` and the flow). The error against [`sample_prior_reference`] is within `5e-7 · (|mean| + |exp(logs)·noise|)`
/// for `logs` in -10..10.
///
/// # Errors
/// If the shapes do not fit each other, or the durations do not add up to `F`.
pub fn sample_prior(mean: &Tensor, logs: &Tensor, durations: &[u32], noise: &Tensor) -> Result<Tensor> {
    let dims @ (batch, channels, frames) = noise.dims3()?;
    let tokens = durations.len();
    let total = durations.iter().map(|frames| *frames as usize).sum::<usize>();
    if mean.dims() != [batch, channels, tokens] || logs.dims() != mean.dims() || total != frames {
        let (mean, logs, noise) = (mean.shape(), logs.shape(), noise.shape());
        bail!("sample_prior: mean {mean:?}, logs {logs:?} and noise {noise:?} for {tokens} tokens of {total} frames");
    }
    with_values(mean, "sample_prior", |mean| {
        with_values(logs, "sample_prior", |logs| {
            with_values(noise, "sample_prior", |noise| {
                let mut out = noise.to_vec();
                let rows = out.par_chunks_mut(frames.max(1)).enumerate();
                rows.for_each(|(row, mut out)| {
                    for (token, &frames) in durations.iter().enumerate() {
                        let (mean, deviation) = (mean[row * tokens + token], logs[row * tokens + token].exp());
                        let (here, rest) = out.split_at_mut(frames as usize);
                        here.iter_mut().for_each(|value| *value = mean + deviation * *value);
                        out = rest;
                    }
                });
                Tensor::from_vec(out, dims, &Device::Cpu)
            })
        })
    })
}

/// The scalar oracle of [`sample_prior`] for one value, in `f64`.
pub fn sample_prior_reference(mean: f32, logs: f32, noise: f32) -> f64 {
    f64::from(mean) + f64::from(logs).exp() * f64::from(noise)
}
