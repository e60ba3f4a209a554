//! How far a VITS voice with rounded weights is from the same voice in `f32`.

use anyhow::{Result, ensure};
use candle_core::{DType, Tensor};
use lumivox::{Options, Synthesizer};
use lumivox_models::Probe;

use crate::metrics::{log_mel_l1, snr_db};

/// How far one utterance is from the reference's.
#[derive(Clone, Debug)]
pub struct Distance {
    /// Ids of the utterance.
    pub ids: usize,
    /// Ids whose duration differs.
    pub durations_differing: usize,
    /// The largest difference of a duration, in frames.
    pub largest_frames: u32,
    /// Frames of the utterance less those of the reference.
    pub longer_by_frames: i64,
    /// Signal-to-noise ratio of the audio with the reference's durations, in dB.
    pub snr_db: f64,
    /// Mean difference of the logarithmic mel spectrograms with the reference's durations.
    pub log_mel_l1: f64,
}

/// Says `phonemes` with `reference` and `other`, each with its own seed, and with `other` a second time in the reference's durations.
///
/// # Errors
/// If a model can't say it, or is no VITS model.
pub fn distance(reference: (&Synthesizer, u64), other: (&Synthesizer, u64), phonemes: &str) -> Result<Distance> {
    let say = |(synthesizer, seed): (&Synthesizer, u64), logw: Option<&Tensor>| -> Result<(Vec<f32>, Timing)> {
        let options = Options { seed, ..Options::default() };
        let mut timing = Timing { injected: logw.cloned(), logw: None, durations: Vec::new() };
        let audio = synthesizer.synthesize(phonemes, &options, 0, &mut timing)?;
        Ok((audio, timing))
    };
    let (want, want_timing) = say(reference, None)?;
    ensure!(want_timing.logw.is_some(), "the reference has no stage `logw`: it is no VITS model");
    let (_, timing) = say(other, None)?;
    let (got, _) = say(other, want_timing.logw.as_ref())?;
    let pairs = || timing.durations.iter().zip(&want_timing.durations);
    let frames = |durations: &[u32]| durations.iter().map(|frames| i64::from(*frames)).sum::<i64>();
    Ok(Distance {
        ids: timing.durations.len(),
        durations_differing: pairs().filter(|(a, b)| a != b).count(),
        largest_frames: pairs().map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0),
        longer_by_frames: frames(&timing.durations) - frames(&want_timing.durations),
        snr_db: snr_db(&got, &want),
        log_mel_l1: log_mel_l1(&got, &want, reference.0.sample_rate_hz()),
    })
}

/// Notes the durations and what they are made from, or injects the latter.
struct Timing {
    injected: Option<Tensor>,
    logw: Option<Tensor>,
    durations: Vec<u32>,
}

impl Probe for Timing {
    fn stage(&mut self, name: &str, x: &Tensor) {
        match name {
            "logw" => self.logw = Some(x.clone()),
            "durations" => {
                let durations = x.to_dtype(DType::U32).and_then(|x| x.flatten_all()).and_then(|x| x.to_vec1());
                self.durations = durations.unwrap_or_default();
            }
            _ => {}
        }
    }

    fn inject(&mut self, name: &str) -> Option<Tensor> {
        self.injected.clone().filter(|_| name == "logw")
    }
}
