//! VITS on a GPU. The stages and their names are those of [`crate::vits`].

mod duration;
mod flow;
mod generator;
mod text_encoder;

use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{Device, Dtype, Durations, Embedding, Ids, Signal, copy, fill_normal, sample_prior};

use super::NoiseSource;
use super::layers::{On, plain};
use super::probe::probed;
use crate::probe::Probe;
use crate::vits::{Config, MAX_FRAMES};
use duration::DurationPredictor;
use flow::Flow;
use generator::Generator;
use text_encoder::TextEncoder;

/// The graph with its weights.
pub struct Vits {
    config: Config,
    device: Device,
    dtype: Dtype,
    enc_p: TextEncoder,
    dp: DurationPredictor,
    flow: Flow,
    dec: Generator,
    /// `(n_speakers, gin_channels)`.
    emb_g: Option<Embedding>,
}

/// One utterance of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Utterance<'a> {
    /// Ids, blanks between them where the model has those.
    pub ids: &'a [u32],
    /// The speaker, 0 where there is one.
    pub speaker: u32,
}

/// What [`Vits::prosody`] finds, and [`Vits::decode`] goes on from.
pub struct Prosody {
    /// Frames (of [`Config::samples_per_frame`] samples) for each id of each utterance.
    pub durations: Vec<Vec<u32>>,
    frames: Durations,
    /// Mean and logarithm of the deviation of the prior, `(B, 2·inter_channels, T)`.
    stats: Signal,
    /// The speakers' embeddings, `(B, gin_channels, 1)`.
    g: Option<Signal>,
}

impl Vits {
    /// Reads the weights that `vb` has under the original names, weight normalisation folded. The generator stores values in `dtype`; what is in front of it, durations
    /// among it, is computed with 32 bits always.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` gives it, `config` can't be right, or the device has not enough memory.
    pub fn new(device: &Device, config: Config, dtype: Dtype, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let on = On { device, dtype };
        let speakers = |gin| Embedding::new(device, &vb.get((config.n_speakers, gin), "emb_g.weight")?);
        Ok(Self {
            device: device.clone(),
            dtype,
            enc_p: TextEncoder::new(on.f32(), &config, vb.pp("enc_p"))?,
            dp: DurationPredictor::new(on.f32(), &config, vb.pp("dp"))?,
            flow: Flow::new(on.f32(), &config, vb.pp("flow"))?,
            dec: Generator::new(on, &config, vb.pp("dec"))?,
            emb_g: config.speaker_channels().map(speakers).transpose()?,
            config,
        })
    }

    /// The sizes that the graph was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where it is.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How long each id of each utterance sounds: noise of the deviation `noise_scale_w` for each utterance, `length_scale` 1 as trained and larger for slower. One
    /// copy to the device and one back.
    ///
    /// # Errors
    /// If there are no ids or one that does not exist, or a speaker does not; if the durations are none or absurd; or the device fails.
    pub fn prosody(
        &self,
        batch: &[Utterance],
        (noise, noise_scale_w): (&[NoiseSource], f32),
        length_scale: f32,
        probe: &mut dyn Probe,
    ) -> Result<Prosody> {
        self.check(batch)?;
        if noise.len() != batch.len() {
            bail!("noise for {} utterances of {}", noise.len(), batch.len());
        }
        let ids: Vec<&[u32]> = batch.iter().map(|utterance| utterance.ids).collect();
        let speakers: Vec<u32> = batch.iter().map(|utterance| utterance.speaker).collect();
        let (ids, speakers) = Ids::with_single(&self.device, &ids, &speakers)?;
        let g = self.emb_g.as_ref().map(|table| table.forward(&speakers, None, 1.0)).transpose()?;
        let (x, stats) = self.enc_p.forward(&ids, probe)?;
        let dims = [batch.len(), 2, ids.tokens()];
        let noise = self.normal(noise, dims, ids.lengths(), noise_scale_w)?;
        let logw = probed(probe, "logw", self.dp.forward(&x, g.as_ref(), &noise)?)?;
        let frames = Durations::from_logs(&logw, length_scale)?;
        let durations = frames.to_host()?;
        for durations in &durations {
            match durations.iter().map(|frames| u64::from(*frames)).sum::<u64>() {
                0 => bail!("the model gives the text no duration"),
                1..=MAX_FRAMES => {}
                _ => bail!("the model gives the text more than {MAX_FRAMES} frames; its weights can't be right"),
            }
        }
        if probe.is_active() {
            let [first, ..] = &durations[..] else { bail!("no utterances") };
            probe.stage("durations", &Tensor::from_slice(first, first.len(), &candle_core::Device::Cpu)?);
        }
        Ok(Prosody { durations, frames, stats, g })
    }

    fn check(&self, batch: &[Utterance]) -> Result<()> {
        let (vocabulary, speakers) = (self.config.n_vocab, self.config.n_speakers.max(1));
        for Utterance { ids, speaker } in batch {
            if ids.is_empty() {
                bail!("no ids to speak");
            }
            if let Some(id) = ids.iter().find(|id| **id as usize >= vocabulary) {
                bail!("id {id} is not among the {vocabulary} of the vocabulary");
            }
            if *speaker as usize >= speakers {
                bail!("speaker {speaker} is not among the {speakers} of the model");
            }
        }
        Ok(())
    }

    /// Samples in -1..1 of each utterance, with noise of the deviation `noise_scale`. One copy to the host.
    ///
    /// # Errors
    /// If there is not noise for each utterance, or the device fails.
    pub fn decode(
        &self,
        prosody: &Prosody,
        (noise, noise_scale): (&[NoiseSource], f32),
        probe: &mut dyn Probe,
    ) -> Result<Vec<Vec<f32>>> {
        let frames: Vec<usize> = prosody.durations.iter().map(|frames| frames.iter().sum::<u32>() as usize).collect();
        if noise.len() != frames.len() {
            bail!("noise for {} utterances of {}", noise.len(), frames.len());
        }
        let dims = [frames.len(), self.config.inter_channels, frames.iter().copied().max().unwrap_or_default()];
        let noise = self.normal(noise, dims, prosody.frames.lengths(), noise_scale)?;
        let z_p = probed(probe, "z_p", sample_prior(&prosody.stats, &prosody.frames, &noise)?)?;
        let g = prosody.g.as_ref();
        let z = probed(probe, "z", self.flow.inverse(z_p, g)?)?;
        let narrow = Signal::new(&self.device, self.dtype, dims, z.lengths().clone())?;
        let audio = self.dec.forward(&copy(&z, narrow)?, g, probe)?;
        let audio = audio.to_tensor()?.squeeze(1)?;
        let rate = self.config.samples_per_frame();
        let samples = |(b, frames): (usize, &usize)| audio.get(b)?.narrow(0, 0, frames * rate)?.to_vec1::<f32>();
        let samples = frames.iter().enumerate().map(samples).collect::<Result<Vec<_>>>()?;
        if probe.is_active() {
            let [first, ..] = &samples[..] else { bail!("no utterances") };
            probe.stage("audio", &Tensor::from_slice(first, first.len(), &candle_core::Device::Cpu)?);
        }
        Ok(samples)
    }

    fn normal(
        &self,
        noise: &[NoiseSource],
        dims: [usize; 3],
        lengths: lumivox_kernels::cuda::Lengths,
        scale: f32,
    ) -> Result<Signal> {
        let (seeds, streams): (Vec<u64>, Vec<_>) = noise.iter().map(|noise| (noise.seed, noise.stream)).unzip();
        fill_normal(&self.device, &seeds, &streams, dims, lengths, scale)
    }
}

/// Adds to every step of `x: (B, C, L)` what `cond` makes of the speakers `g: (B, gin, 1)`, where there are several.
fn conditioned(x: &Signal, cond: Option<&lumivox_kernels::cuda::Conv1d>, g: Option<&Signal>) -> Result<()> {
    match (cond, g) {
        (Some(cond), Some(g)) => lumivox_kernels::cuda::broadcast_add(x, &plain(cond, g)?),
        _ => Ok(()),
    }
}
