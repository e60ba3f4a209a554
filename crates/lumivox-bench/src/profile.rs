//! Where the time goes, stage by stage.

use std::time::Instant;

use lumivox_kernels::peak_gflops;
use lumivox_models::{Probe, StageFlops, kokoro, vits};
use serde::Serialize;

use crate::case::Kind;
use crate::engine::Utterance;
use crate::error::{Error, Result};
use crate::record::Profile;
use crate::speaker::Subject;
use crate::spread::Spread;

/// What one stage takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageTime {
    /// The stage, as parity tests and goldens name it.
    pub name: String,
    /// Median of the rounds.
    pub seconds: f64,
    /// The part of all stages' time.
    pub share: f64,
    /// Arithmetic by the definition of its layers, in GFLOP; 0 where none is counted.
    pub gflop: f64,
    /// `gflop` in a second.
    pub gflops: f64,
    /// `gflops` of the machine's measured peak. More than 1 is possible: algorithms with fewer multiplications than the definition has.
    pub share_of_peak: f64,
}

/// A [`Probe`] that only looks at the clock: tensors stay where they are, and operations fused.
pub struct TimingProbe {
    last: Instant,
    stages: Vec<(String, f64)>,
}

impl TimingProbe {
    /// From now on.
    pub fn begin() -> Self {
        Self { last: Instant::now(), stages: Vec::new() }
    }

    /// Seconds of each stage, in the order in which they ran; what came behind the last one is its own.
    pub fn finish(mut self) -> Vec<(String, f64)> {
        let rest = self.last.elapsed().as_secs_f64();
        if let Some((_, seconds)) = self.stages.last_mut() {
            *seconds += rest;
        }
        self.stages
    }
}

impl Probe for TimingProbe {
    fn stage(&mut self, _: &str, _: &candle_core::Tensor) {}

    fn reached(&mut self, name: &str) {
        let now = Instant::now();
        self.stages.push((name.to_owned(), (now - self.last).as_secs_f64()));
        self.last = now;
    }

    fn is_active(&self) -> bool {
        false
    }
}

/// Times each stage of `utterance` in `rounds` rounds, after one that does not count.
///
/// # Errors
/// If the model fails, or its stages are not those that arithmetic is counted for.
pub(crate) fn profile(subject: &Subject, utterance: &Utterance, rounds: usize, peak_gflops: f64) -> Result<Profile> {
    let flops = stage_flops(subject, utterance)?;
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); flops.len()];
    let (mut totals, mut samples) = (Vec::new(), 0);
    for round in 0..=rounds {
        let started = Instant::now();
        let (sums, said) = stage_seconds(subject, utterance, &flops)?;
        samples = said;
        if round > 0 {
            totals.push(started.elapsed().as_secs_f64());
            times.iter_mut().zip(sums).for_each(|(times, sum)| times.push(sum));
        }
    }
    let medians: Vec<f64> = times.into_iter().map(|times| Spread::of(times).p50).collect();
    let all: f64 = medians.iter().sum();
    let stage = |(stage, seconds): (StageFlops, f64)| {
        let (gflop, share) = (stage.flop / 1e9, seconds / all);
        let gflops = if seconds > 0.0 { gflop / seconds } else { 0.0 };
        StageTime { name: stage.name, seconds, share, gflop, gflops, share_of_peak: gflops / peak_gflops }
    };
    Ok(Profile {
        text: utterance.name.clone(),
        audio_s: samples as f64 / f64::from(subject.synthesizer.sample_rate_hz()),
        total_s: Spread::of(totals).p50,
        peak_gflops,
        stages: flops.into_iter().zip(medians).map(stage).collect(),
    })
}

/// What each stage takes in one go, all segments together, and how many samples came out.
fn stage_seconds(subject: &Subject, utterance: &Utterance, flops: &[StageFlops]) -> Result<(Vec<f64>, usize)> {
    let (mut sums, mut samples) = (vec![0.0; flops.len()], 0);
    for (index, segment) in utterance.segments.iter().enumerate() {
        let mut probe = TimingProbe::begin();
        let audio = subject.synthesizer.synthesize(&segment.phonemes, &subject.options, index as u32, &mut probe)?;
        samples += audio.len();
        let stages = probe.finish();
        let ran: Vec<&str> = stages.iter().map(|(name, _)| name.as_str()).collect();
        let counted: Vec<&str> = flops.iter().map(|stage| stage.name.as_str()).collect();
        if ran != counted {
            return Err(Error::Stages(format!("{} ran, {} are counted", ran.join(" "), counted.join(" "))));
        }
        sums.iter_mut().zip(stages).for_each(|(sum, (_, seconds))| *sum += seconds);
    }
    Ok((sums, samples))
}

/// What all of the engine's threads can do at once, in GFLOP/s.
pub(crate) fn peak(subject: &Subject) -> f64 {
    subject.synthesizer.install(|| rayon::broadcast(|_| peak_gflops()).iter().sum())
}

/// The arithmetic of each stage, all segments together.
fn stage_flops(subject: &Subject, utterance: &Utterance) -> Result<Vec<StageFlops>> {
    let mut sums: Vec<StageFlops> = Vec::new();
    for (index, segment) in utterance.segments.iter().enumerate() {
        let audio = subject.synthesizer.synthesize(
            &segment.phonemes,
            &subject.options,
            index as u32,
            &mut lumivox_models::NoProbe,
        )?;
        let (tokens, frames) = (segment.ids.len(), audio.len() / subject.synthesizer.samples_per_frame());
        let config_error = |error: serde_json::Error| Error::Model(error.to_string());
        let stages = match subject.kind {
            Kind::Kokoro => {
                kokoro::stage_flops(&serde_json::from_str(&subject.config).map_err(config_error)?, tokens, frames)
            }
            Kind::Piper | Kind::Mms => {
                vits::stage_flops(&serde_json::from_str(&subject.config).map_err(config_error)?, tokens, frames)
            }
        };
        if sums.is_empty() {
            sums = stages;
        } else {
            sums.iter_mut().zip(stages).for_each(|(sum, stage)| sum.flop += stage.flop);
        }
    }
    Ok(sums)
}
