//! The graphs on a GPU: the same weights and stages as on the CPU, laid out for one: every signal is channel-major, several utterances go through in one pass, and
//! between ids and samples nothing visits the host but the durations, which say how much memory the rest needs.

pub mod kokoro;
mod layers;
mod probe;
mod recordings;
pub mod vits;

use candle_core::{Result, Tensor, bail};

use crate::probe::Probe;

/// Where an utterance's noise is drawn from: a seed, and the stream's counter, as [`lumivox_kernels::fill_normal`] takes them.
#[derive(Clone, Copy, Debug)]
pub struct NoiseSource {
    /// The seed.
    pub seed: u64,
    /// What the counter ends with.
    pub stream: [u32; 2],
}

/// Seeds and streams of several sources.
fn counters(noise: &[NoiseSource]) -> (Vec<u64>, Vec<[u32; 2]>) {
    noise.iter().map(|noise| (noise.seed, noise.stream)).unzip()
}

/// What each utterance of `audio: (B, 1, L)` has of it, `frames` frames of `rate` samples; the first one is shown to the probe.
fn utterances(audio: &Tensor, frames: &[usize], rate: usize, probe: &mut dyn Probe) -> Result<Vec<Vec<f32>>> {
    let samples =
        |(b, frames): (usize, &usize)| audio.get(b)?.squeeze(0)?.narrow(0, 0, frames * rate)?.to_vec1::<f32>();
    let samples = frames.iter().enumerate().map(samples).collect::<Result<Vec<_>>>()?;
    if probe.is_active() {
        let [first, ..] = &samples[..] else { bail!("no utterances") };
        probe.stage("audio", &Tensor::from_slice(first, first.len(), &candle_core::Device::Cpu)?);
    }
    Ok(samples)
}
