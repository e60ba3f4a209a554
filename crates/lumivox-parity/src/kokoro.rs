//! Parity of Kokoro, stage by stage.
//!
//! Two stages amplify rounding. The phase of the harmonic source is a sum over frames, so an F0 that differs in its last bits drifts; and the spectrogram's
//! phase at bins that are numerically zero is rounding noise. Each is judged by itself, and the stages behind it from the reference's values, so there
//! are three passes: nothing injected, F0 injected, and the harmonic source (`har_source`) injected.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use lumivox::{Input, Options, Synthesizer};
use lumivox_models::Probe;
use serde::Deserialize;

use crate::capture::complex;
use crate::golden::Golden;
use crate::metrics::{max_abs, snr_db};

/// The most relative L2 error of any stage.
pub const STAGE_BOUND: f64 = 1e-4;
/// The largest difference of F0, in Hz.
pub const F0_BOUND_HZ: f64 = 2e-3;
/// The least signal-to-noise ratio of the audio with the noise injected, in dB.
pub const NOISE_INJECTED_BOUND_DB: f64 = 35.0;
/// The least signal-to-noise ratio of the audio with the harmonic source injected, in dB.
pub const SOURCE_INJECTED_BOUND_DB: f64 = 80.0;

/// Stages behind the harmonic source: its spectrogram, and the generator.
const BEHIND_SOURCE: [&str; 5] = ["har_complex", "noise_", "ups", "resblock", "conv_post"];
/// Stages between F0 and the source.
const SOURCE: [&str; 2] = ["sine_waves", "har_source"];

/// What the reference was asked to say.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// The voice.
    pub voice: String,
    /// The phonemes, in the model's symbols.
    pub phonemes: String,
    /// 1 as trained.
    pub speed: f32,
    /// Seed of the injected noise.
    pub seed: u64,
}

/// How far one utterance is from the reference's.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The golden's name.
    pub name: String,
    /// Relative L2 error of each stage in the order of the graph, each from the reference's own values where what is in front amplifies rounding.
    pub stages: Vec<(String, f64)>,
    /// Tokens whose duration differs.
    pub durations_differing: usize,
    /// The largest difference of F0, in Hz.
    pub f0_max_abs_hz: f64,
    /// Signal-to-noise ratio of the audio with the reference's noise, in dB.
    pub noise_injected_db: f64,
    /// The same with the reference's harmonic source too; none where durations differ.
    pub source_injected_db: Option<f64>,
}

impl Comparison {
    /// What is outside its bound.
    pub fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = self
            .stages
            .iter()
            .filter(|(_, error)| *error > STAGE_BOUND)
            .map(|(stage, error)| format!("{}: {stage}: relative L2 {error:.2e} > {STAGE_BOUND:.0e}", self.name))
            .collect();
        let mut check = |holds: bool, what: String| {
            if !holds {
                failures.push(format!("{}: {what}", self.name));
            }
        };
        check(self.durations_differing == 0, format!("{} durations differ", self.durations_differing));
        check(
            self.f0_max_abs_hz <= F0_BOUND_HZ,
            format!("F0 differs by {:.2e} Hz > {F0_BOUND_HZ:.0e}", self.f0_max_abs_hz),
        );
        let db = self.noise_injected_db;
        check(db >= NOISE_INJECTED_BOUND_DB, format!("noise injected: {db:.1} dB < {NOISE_INJECTED_BOUND_DB} dB"));
        if let Some(db) = self.source_injected_db {
            check(
                db >= SOURCE_INJECTED_BOUND_DB,
                format!("source injected: {db:.1} dB < {SOURCE_INJECTED_BOUND_DB} dB"),
            );
        }
        failures
    }
}

/// Says the golden's utterance and compares.
///
/// # Errors
/// If the model can't say it, or the golden lacks a tensor that every golden has.
pub fn compare(synthesizer: &Synthesizer, golden: &Golden<Case>) -> Result<Comparison> {
    let want = |name: &str| golden.whole(name).with_context(|| format!("{}: no {name}", golden.name));
    let free = Pass::run(synthesizer, golden, None)?;
    let durations: Vec<u32> = want("pred_dur")?.to_dtype(DType::U32)?.to_vec1()?;
    // Where durations differ the reference's tensors do not fit, and nothing can be injected.
    let fits = free.durations == durations;
    let pass = |stage, tensor| -> Result<Option<Pass>> {
        if fits { Pass::run(synthesizer, golden, Some((stage, want(tensor)?))).map(Some) } else { Ok(None) }
    };
    let f0_injected = pass("F0", "F0")?;
    let source_injected = pass("har_source", "source")?;

    let mut stages = Vec::new();
    for (name, error) in &free.errors {
        let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let pass = if is(&BEHIND_SOURCE) {
            &source_injected
        } else if is(&SOURCE) {
            &f0_injected
        } else {
            &None
        };
        let error = pass.as_ref().map_or(Ok(*error), |pass| pass.error(name))?;
        stages.push((name.clone(), error));
    }
    let values = |x: &Tensor| Ok::<Vec<f32>, anyhow::Error>(x.flatten_all()?.to_vec1()?);
    let source_injected_db = match &source_injected {
        Some(pass) => {
            let audio = Tensor::from_slice(&pass.audio, pass.audio.len(), &Device::Cpu)?;
            let error = golden.error("audio_source", &audio)?.with_context(|| format!("{}: no audio", golden.name))?;
            Some(-20.0 * error.log10())
        }
        None => None,
    };
    let differing = free.durations.iter().zip(&durations).filter(|(got, want)| got != want).count();
    Ok(Comparison {
        name: golden.name.clone(),
        stages,
        durations_differing: differing + free.durations.len().abs_diff(durations.len()),
        f0_max_abs_hz: max_abs(&free.f0, &values(&want("F0")?)?),
        noise_injected_db: snr_db(&free.audio, &values(&want("audio")?)?),
        source_injected_db,
    })
}

/// One synthesis with its errors.
struct Pass {
    errors: Vec<(String, f64)>,
    durations: Vec<u32>,
    f0: Vec<f32>,
    audio: Vec<f32>,
}

impl Pass {
    fn run(synthesizer: &Synthesizer, golden: &Golden<Case>, inject: Option<(&'static str, Tensor)>) -> Result<Self> {
        let case = &golden.case;
        let options = Options { speed: case.speed, seed: case.seed, ..Options::new(&case.voice) };
        // The request's own checks hold here too, though the segment is said directly.
        synthesizer.speak(Input::Phonemes(&case.phonemes), &options)?;
        let mut recorder = Recorder { golden, inject, seen: BTreeMap::new(), errors: Vec::new(), failure: None };
        let audio = synthesizer.synthesize(&case.phonemes, &options, 0, &mut recorder)?;
        if let Some(error) = recorder.failure {
            return Err(error);
        }
        let seen = |name: &str| recorder.seen.get(name).with_context(|| format!("the graph has no stage {name}"));
        Ok(Self {
            durations: seen("pred_dur")?.to_vec1()?,
            f0: seen("F0")?.flatten_all()?.to_vec1()?,
            errors: recorder.errors,
            audio,
        })
    }

    fn error(&self, stage: &str) -> Result<f64> {
        let found = self.errors.iter().find(|(name, _)| name == stage);
        Ok(found.with_context(|| format!("no stage {stage}"))?.1)
    }
}

/// Compares each stage with the golden as it passes.
struct Recorder<'a> {
    golden: &'a Golden<Case>,
    inject: Option<(&'static str, Tensor)>,
    seen: BTreeMap<&'static str, Tensor>,
    errors: Vec<(String, f64)>,
    failure: Option<anyhow::Error>,
}

impl Recorder<'_> {
    fn record(&mut self, name: &str, x: &Tensor) {
        match self.golden.error(name, x) {
            Ok(Some(error)) => self.errors.push((name.to_owned(), error)),
            Ok(None) => {}
            Err(error) => self.failure = Some(error),
        }
    }
}

impl Probe for Recorder<'_> {
    fn stage(&mut self, name: &str, x: &Tensor) {
        match name {
            "pred_dur" => _ = self.seen.insert("pred_dur", x.clone()),
            // The audio is compared by its signal-to-noise ratio, not as a stage.
            "audio" => {}
            // Magnitude and phase are compared as the complex numbers that they stand for: where the magnitude is nothing, neither is the phase.
            "har" => match complex(x) {
                Ok(x) => self.record("har_complex", &x),
                Err(error) => self.failure = Some(error.into()),
            },
            _ => {
                if name == "F0" {
                    self.seen.insert("F0", x.clone());
                }
                self.record(name, x);
            }
        }
    }

    fn inject(&mut self, name: &str) -> Option<Tensor> {
        self.inject.as_ref().filter(|(stage, _)| *stage == name).map(|(_, x)| x.clone())
    }
}
