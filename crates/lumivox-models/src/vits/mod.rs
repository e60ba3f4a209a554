//! VITS (Kim et al., 2021): the graph of Piper voices, of Meta's MMS-TTS and of the original models.
//! Reference: `SynthesizerTrn.infer` of the authors' `models.py`.
//!
//! ids → text encoder → durations → prior, stretched → flow → generator → samples.

mod config;
mod duration;
mod flops;
mod flow;
mod generator;
mod stream;
mod text_encoder;

use candle_core::{Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use lumivox_kernels::sample_prior;

#[cfg(any(feature = "cuda", feature = "emulation"))]
pub(crate) use {
    duration::DDS_LAYERS,
    flow::{coupling_tensors, res_skip_tensors},
    generator::END_KERNEL,
};

pub use config::{Config, ResBlockKind};
pub use flops::stage_flops;
pub use stream::Stream;

use crate::layers::check_frames;
use crate::probe::{Probe, probed};
use duration::DurationPredictor;
use flow::Flow;
use generator::Generator;
use text_encoder::{Encoded, TextEncoder};

/// The most frames that are made at once: over half an hour of speech, where a sentence has seconds.
pub(crate) const MAX_FRAMES: u64 = 200_000;

/// The graph with its weights.
pub struct Vits {
    config: Config,
    device: Device,
    enc_p: TextEncoder,
    dp: DurationPredictor,
    flow: Flow,
    dec: Generator,
    /// `(n_speakers, gin_channels)`.
    emb_g: Option<Tensor>,
}

/// What [`Vits::prosody`] finds, and [`Vits::latent`] goes on from.
pub struct Prosody {
    /// Frames (of [`Config::samples_per_frame`] samples) for each id.
    pub durations: Vec<u32>,
    encoded: Encoded,
    g: Option<Tensor>,
}

impl Vits {
    /// Reads the weights that `vb` has under the original names, weight normalisation folded.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` gives it, or `config` can't be right; the error names what.
    pub fn new(config: Config, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let speakers = |gin| vb.get((config.n_speakers, gin), "emb_g.weight");
        Ok(Self {
            device: vb.device().clone(),
            enc_p: TextEncoder::new(&config, vb.pp("enc_p"))?,
            dp: DurationPredictor::new(&config, vb.pp("dp"))?,
            flow: Flow::new(&config, vb.pp("flow"))?,
            dec: Generator::new(&config, vb.pp("dec"))?,
            emb_g: config.speaker_channels().map(speakers).transpose()?,
            config,
        })
    }

    /// The sizes that the graph was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How long each id sounds: `speaker` for models that have several, `noise: (1, 2, T)` normal with the deviation `noise_scale_w`, `length_scale` 1 as
    /// trained and larger for slower.
    ///
    /// # Errors
    /// If there are no ids or one that does not exist, or the speaker does not; or if the durations are none or absurd.
    pub fn prosody(
        &self,
        ids: &[u32],
        speaker: u32,
        noise: &Tensor,
        length_scale: f32,
        probe: &mut dyn Probe,
    ) -> Result<Prosody> {
        if ids.is_empty() {
            bail!("no ids to speak");
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.config.n_vocab) {
            bail!("id {id} is not among the {} of the vocabulary", self.config.n_vocab);
        }
        let speakers = self.config.n_speakers.max(1);
        if speaker as usize >= speakers {
            bail!("speaker {speaker} is not among the {speakers} of the model");
        }
        let embedding = |table: &Tensor| table.narrow(0, speaker as usize, 1)?.unsqueeze(2)?.contiguous();
        let g = self.emb_g.as_ref().map(embedding).transpose()?;
        let ids = Tensor::from_slice(ids, (1, ids.len()), &self.device)?;
        let encoded = self.enc_p.forward(&ids, probe)?;
        let logw = probed(probe, "logw", self.dp.forward(&encoded.x, g.as_ref(), noise)?);
        let frames = (logw.exp()? * f64::from(length_scale))?.ceil()?.flatten_all()?.to_vec1::<f32>()?;
        let durations = frames.into_iter().map(|frames| frames.max(0.0) as u32).collect::<Vec<_>>();
        check_frames(&durations, MAX_FRAMES)?;
        probe.reached("durations");
        probe.stage("durations", &Tensor::from_slice(&durations, durations.len(), &self.device)?);
        Ok(Prosody { durations, encoded, g })
    }

    /// Frames of latent variable and audio for `prosody`.
    pub fn frames(&self, prosody: &Prosody) -> usize {
        prosody.durations.iter().sum::<u32>() as usize
    }

    /// The latent variable `(1, inter_channels, F)`: `noise: (1, inter_channels, F)` is normal with the deviation `noise_scale`.
    ///
    /// # Errors
    /// If `noise` has another shape.
    pub fn latent(&self, prosody: &Prosody, noise: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        let z_p = self.prior(prosody, noise, probe)?;
        Ok(probed(probe, "z", self.flow.inverse(&z_p, self.frames(prosody), prosody.g.as_ref())?))
    }

    /// What the flow makes the latent variable of, `(1, inter_channels, F)`: the tokens' distributions, stretched to frames and drawn from.
    fn prior(&self, prosody: &Prosody, noise: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        let Encoded { mean, logs, .. } = &prosody.encoded;
        Ok(probed(probe, "z_p", sample_prior(mean, logs, &prosody.durations, noise)?))
    }

    /// Samples `(L)` in -1..1 for the latent variable `z: (1, inter_channels, F)`, `L = F · samples_per_frame`.
    ///
    /// # Errors
    /// If `z` has another number of channels.
    pub fn decode(&self, prosody: &Prosody, z: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        let audio = self.dec.forward(z, prosody.g.as_ref(), probe)?.flatten_all()?;
        Ok(probed(probe, "audio", audio))
    }
}
