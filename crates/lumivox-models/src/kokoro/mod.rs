//! Kokoro-82M: StyleTTS 2 (Li et al., 2023) with an iSTFTNet generator, without diffusion.
//! Reference: `KModel` of the Python package `kokoro` 0.9.4, and the modules it is made of.
//!
//! phoneme ids → ALBERT → prosody (durations, F0, energy) · text encoder → decoder → generator → samples.

mod adain_block;
mod albert;
mod config;
mod decoder;
mod flops;
mod generator;
mod prosody;
mod source;
mod text_encoder;

use candle_core::{Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use lumivox_kernels::Linear;

#[cfg(any(feature = "cuda", feature = "emulation"))]
pub(crate) use {config::StageSizes, generator::NOISE_DILATIONS, source::harmonic_source};

pub use config::{AlbertConfig, Config, GeneratorConfig, Precision};
pub use flops::stage_flops;

use crate::layers::{check_frames, linear, repeat_each};
use crate::probe::{Probe, probed};
use albert::Albert;
use decoder::Decoder;
use prosody::ProsodyPredictor;
use text_encoder::TextEncoder;

/// Samples in a second of the audio. Upstream has it in code, not in its config.
pub const SAMPLE_RATE_HZ: u32 = 24_000;
/// Sines of the harmonic source: the fundamental and eight overtones.
pub const HARMONICS: usize = 9;
/// The most frames that are made at once: twelve minutes, where 510 symbols have half a minute.
pub(crate) const MAX_FRAMES: u64 = 30_000;

/// The graph with its weights.
pub struct Kokoro {
    config: Config,
    device: Device,
    bert: Albert,
    bert_encoder: Linear,
    predictor: ProsodyPredictor,
    text_encoder: TextEncoder,
    decoder: Decoder,
}

/// What [`Kokoro::prosody`] finds, and [`Kokoro::decode`] goes on from.
pub struct Prosody {
    /// Frames (of [`Config::samples_per_frame`] samples) for each id.
    pub pred_dur: Vec<u32>,
    /// Encoded ids, `(1, T, hidden + style_dim)`.
    d: Tensor,
    /// Ids, `(1, T)`.
    ids: Tensor,
}

impl Kokoro {
    /// Reads the weights that `vb` has under upstream's names, weight normalisation folded.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` gives it, or `config` can't be right; the error names what.
    pub fn new(config: Config, precision: Precision, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        Ok(Self {
            device: vb.device().clone(),
            bert: Albert::new(&config, vb.pp("bert"))?,
            bert_encoder: linear(vb.pp("bert_encoder"), config.plbert.hidden_size, config.hidden_dim)?,
            predictor: ProsodyPredictor::new(&config, vb.pp("predictor"))?,
            text_encoder: TextEncoder::new(&config, vb.pp("text_encoder"))?,
            decoder: Decoder::new(&config, precision, vb.pp("decoder"))?,
            config,
        })
    }

    /// The sizes that the graph was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How long each id sounds: `ids` with the boundary id 0 at both ends, `ref_s: (1, 2·style_dim)` (decoder's half first), `speed` 1.0 as trained.
    ///
    /// # Errors
    /// If there are no ids, more than the context holds, or one that does not exist.
    pub fn prosody(&self, ids: &[u32], ref_s: &Tensor, speed: f32, probe: &mut dyn Probe) -> Result<Prosody> {
        if ids.is_empty() {
            bail!("no ids to speak");
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.config.n_token) {
            bail!("id {id} is not among the {} of the vocabulary", self.config.n_token);
        }
        let ids = Tensor::from_slice(ids, (1, ids.len()), &self.device)?;
        let bert_dur = self.bert.forward(&ids, probe)?;
        let d_en = probed(probe, "d_en", self.bert_encoder.forward(&bert_dur)?);
        let d = self.predictor.encode(&d_en, &self.prosody_style(ref_s)?, probe)?;
        let pred_dur = self.predictor.durations(&d, speed, probe)?;
        check_frames(&pred_dur, MAX_FRAMES)?;
        probe.reached("pred_dur");
        probe.stage("pred_dur", &Tensor::from_slice(&pred_dur, pred_dur.len(), &self.device)?);
        Ok(Prosody { pred_dur, d, ids })
    }

    /// Samples `(L)` in -1..1, `L = Prosody::samples`: `noise: (1, L, HARMONICS)` is standard normal.
    ///
    /// # Errors
    /// If `noise` or `ref_s` has another shape.
    pub fn decode(&self, prosody: &Prosody, ref_s: &Tensor, noise: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        let frames = repeat_each(&prosody.pred_dur, &self.device)?;
        let en = prosody.d.index_select(&frames, 1)?;
        let (f0, n) = self.predictor.curves(&en, &self.prosody_style(ref_s)?, probe)?;
        let t_en = self.text_encoder.forward(&prosody.ids, probe)?;
        let asr = probed(probe, "asr", t_en.index_select(&frames, 2)?);
        let style = ref_s.narrow(1, 0, self.config.style_dim)?.contiguous()?;
        let audio = self.decoder.forward(&asr, &f0, &n, &style, noise, probe)?.squeeze(0)?;
        Ok(probed(probe, "audio", audio))
    }

    /// The half of the style that prosody is predicted from.
    fn prosody_style(&self, ref_s: &Tensor) -> Result<Tensor> {
        ref_s.narrow(1, self.config.style_dim, self.config.style_dim)?.contiguous()
    }

    /// Samples that [`Kokoro::decode`] will give for `prosody`, which is also how much noise it needs.
    pub fn samples(&self, prosody: &Prosody) -> usize {
        prosody.pred_dur.iter().sum::<u32>() as usize * self.config.samples_per_frame()
    }
}
