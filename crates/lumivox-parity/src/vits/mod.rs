//! Parity of VITS, stage by stage, in one pass: no stage of it amplifies rounding, but for the rounding up of durations, so goldens have none that is near to
//! an integer.

mod hf;
mod models;
mod synthetic;

use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use lumivox::noise::{Stage, normal};
use lumivox_models::Probe;
use lumivox_models::vits::Vits;
use serde::Deserialize;

pub use models::{MODELS, Models};

use crate::golden::Golden;

/// The most relative L2 error of any stage.
pub const STAGE_BOUND: f64 = 1e-4;
/// The largest difference of a sample of the audio, which is in -1..1.
pub const AUDIO_BOUND: f64 = 1e-4;

/// What the reference was asked to say.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Seed of the injected noise.
    pub seed: u64,
    /// Standard deviation of the latent variable's noise.
    pub noise_scale: f32,
    /// 1 as trained, larger for slower.
    pub length_scale: f32,
    /// Standard deviation of the duration predictor's noise.
    pub noise_scale_w: f32,
    /// The speaker, 0 where there is one.
    pub speaker: u32,
}

/// How far one utterance is from the reference's.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The golden's name.
    pub name: String,
    /// Relative L2 error of each stage in the order of the graph.
    pub stages: Vec<(String, f64)>,
    /// Ids whose duration differs.
    pub durations_differing: usize,
    /// The largest difference of a sample.
    pub audio_max_abs: f64,
}

impl Comparison {
    /// What is outside its bound.
    pub fn failures(&self) -> Vec<String> {
        let stages = self.stages.iter().filter(|(_, error)| *error > STAGE_BOUND);
        let mut failures: Vec<String> =
            stages.map(|(stage, error)| format!("{stage}: relative L2 {error:.2e} > {STAGE_BOUND:.0e}")).collect();
        if self.durations_differing > 0 {
            failures.push(format!("{} durations differ", self.durations_differing));
        }
        if self.audio_max_abs > AUDIO_BOUND {
            failures.push(format!("audio differs by {:.2e} > {AUDIO_BOUND:.0e}", self.audio_max_abs));
        }
        failures.into_iter().map(|failure| format!("{}: {failure}", self.name)).collect()
    }
}

/// A model that says ids, wherever it computes.
pub trait Says {
    /// Says `ids` as `case` has it, shows the stages to `probe`, and gives the frames of each id.
    ///
    /// # Errors
    /// If the model can't say them.
    fn say(&self, ids: &[u32], case: &Case, probe: &mut dyn Probe) -> Result<Vec<u32>>;
}

impl Says for Vits {
    fn say(&self, ids: &[u32], case: &Case, probe: &mut dyn Probe) -> Result<Vec<u32>> {
        let noise = |stage, channels: usize, steps: usize, scale: f32| -> Result<Tensor> {
            let values = normal(case.seed, stage, 0, channels * steps);
            Ok((Tensor::from_vec(values, (1, channels, steps), &Device::Cpu)? * f64::from(scale))?)
        };
        let dp_noise = noise(Stage::Durations, 2, ids.len(), case.noise_scale_w)?;
        let prosody = self.prosody(ids, case.speaker, &dp_noise, case.length_scale, probe)?;
        let z_noise = noise(Stage::Latent, self.config().inter_channels, self.frames(&prosody), case.noise_scale)?;
        let z = self.latent(&prosody, &z_noise, probe)?;
        self.decode(&prosody, &z, probe)?;
        Ok(prosody.durations)
    }
}

#[cfg(any(feature = "cuda", feature = "emulation"))]
impl Says for lumivox_models::cuda::vits::Vits {
    fn say(&self, ids: &[u32], case: &Case, probe: &mut dyn Probe) -> Result<Vec<u32>> {
        use lumivox_models::cuda::{NoiseSource, vits::Utterance};

        let noise = |stage: Stage| NoiseSource { seed: case.seed, stream: [stage as u32, 0] };
        let batch = [Utterance { ids, speaker: case.speaker }];
        let dp_noise = (&[noise(Stage::Durations)][..], case.noise_scale_w);
        let prosody = self.prosody(&batch, dp_noise, case.length_scale, probe)?;
        self.decode(&prosody, (&[noise(Stage::Latent)], case.noise_scale), probe)?;
        Ok(prosody.durations.into_iter().next().unwrap_or_default())
    }
}

/// Says the golden's utterance and compares.
///
/// # Errors
/// If the model can't say it, or the golden lacks a tensor that every golden has.
pub fn compare(model: &dyn Says, golden: &Golden<Case>) -> Result<Comparison> {
    let case = &golden.case;
    let want = |name: &str| golden.whole(name).with_context(|| format!("{}: no {name}", golden.name));
    let integers = |name: &str| -> Result<Vec<u32>> {
        Ok(want(name)?.to_vec1::<f32>()?.into_iter().map(|value| value as u32).collect())
    };
    let (ids, durations) = (integers("ids")?, integers("durations")?);
    let mut recorder = Recorder { golden, errors: Vec::new(), audio: None, failure: None };
    let said = model.say(&ids, case, &mut recorder)?;
    if let Some(error) = recorder.failure {
        return Err(error);
    }
    let differing = said.iter().zip(&durations).filter(|(got, want)| got != want).count();
    Ok(Comparison {
        name: golden.name.clone(),
        stages: recorder.errors,
        durations_differing: differing + said.len().abs_diff(durations.len()),
        audio_max_abs: recorder.audio.with_context(|| format!("{}: no audio", golden.name))?,
    })
}

/// Compares each stage with the golden as it passes.
struct Recorder<'a> {
    golden: &'a Golden<Case>,
    errors: Vec<(String, f64)>,
    audio: Option<f64>,
    failure: Option<anyhow::Error>,
}

impl Probe for Recorder<'_> {
    fn stage(&mut self, name: &str, x: &Tensor) {
        let result = match name {
            // Compared exactly, when all is said.
            "durations" => Ok(()),
            "audio" => self.golden.max_abs(name, x).map(|difference| self.audio = difference),
            _ => {
                self.golden.error(name, x).map(|error| self.errors.extend(error.map(|error| (name.to_owned(), error))))
            }
        };
        if let Err(error) = result {
            self.failure = Some(error);
        }
    }
}
