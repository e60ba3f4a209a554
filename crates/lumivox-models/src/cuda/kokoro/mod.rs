//! Kokoro-82M on a GPU. The stages and their names are those of [`crate::kokoro`].

mod adain_block;
mod albert;
mod decoder;
mod generator;
mod prosody;
mod text_encoder;

use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{Conv1d, Device, Dtype, Durations, Ids, Signal, copy, fill_normal};

use super::NoiseSource;
use super::layers::{On, Projections, plain};
use super::probe::{probed, probed_tokens};
use crate::kokoro::{Config, HARMONICS};
use crate::probe::Probe;
use albert::Albert;
use decoder::Decoder;
use prosody::ProsodyPredictor;
use text_encoder::TextEncoder;

/// The graph with its weights.
pub struct Kokoro {
    config: Config,
    device: Device,
    bert: Albert,
    bert_encoder: Conv1d,
    predictor: ProsodyPredictor,
    text_encoder: TextEncoder,
    decoder: Decoder,
    /// What all adaptive normalisations of the predictor, and of the decoder, take from the style.
    prosody_projections: Conv1d,
    decoder_projections: Conv1d,
}

/// One utterance of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Utterance<'a> {
    /// Ids with the boundary id 0 at both ends.
    pub ids: &'a [u32],
    /// The voice's style, `(2·style_dim)`, the decoder's half first.
    pub ref_s: &'a [f32],
}

/// What [`Kokoro::prosody`] finds, and [`Kokoro::decode`] goes on from.
pub struct Prosody {
    /// Frames (of [`Config::samples_per_frame`] samples) for each id of each utterance.
    pub pred_dur: Vec<Vec<u32>>,
    durations: Durations,
    ids: Ids,
    /// `(B, hidden + style_dim, T)`.
    d: Signal,
    /// `(B, 2·style_dim, 1)`.
    ref_s: Signal,
    /// What the predictor's layers take from the style.
    style: Signal,
}

impl Kokoro {
    /// Reads the weights that `vb` has under upstream's names, weight normalisation folded. Decoder and generator store values in `dtype`; durations, F0 and energy
    /// are computed with 32 bits always.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` gives it, `config` can't be right, or the device has not enough memory.
    pub fn new(device: &Device, config: Config, dtype: Dtype, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let on = On { device, dtype };
        let (mut prosody, mut decoder) = (Projections::default(), Projections::default());
        let hidden = config.plbert.hidden_size;
        Ok(Self {
            bert: Albert::new(on.f32(), &config, vb.pp("bert"))?,
            bert_encoder: on.f32().linear(vb.pp("bert_encoder"), hidden, config.hidden_dim)?,
            predictor: ProsodyPredictor::new(on.f32(), &config, vb.pp("predictor"), &mut prosody)?,
            text_encoder: TextEncoder::new(on.f32(), &config, vb.pp("text_encoder"))?,
            decoder: Decoder::new(on, &config, vb.pp("decoder"), &mut decoder)?,
            prosody_projections: prosody.finish(on)?,
            decoder_projections: decoder.finish(on)?,
            device: device.clone(),
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

    /// How long each id of each utterance sounds; `speed` 1.0 as trained. One copy to the device and one back.
    ///
    /// # Errors
    /// If there are no ids, more than the context holds, or one that does not exist; or the device fails.
    pub fn prosody(&self, batch: &[Utterance], speed: f32, probe: &mut dyn Probe) -> Result<Prosody> {
        let Config { n_token, style_dim, .. } = self.config;
        for Utterance { ids, ref_s } in batch {
            if ids.is_empty() {
                bail!("no ids to speak");
            }
            if let Some(id) = ids.iter().find(|id| **id as usize >= n_token) {
                bail!("id {id} is not among the {n_token} of the vocabulary");
            }
            if ref_s.len() != 2 * style_dim {
                bail!("a style of {} values for {}", ref_s.len(), 2 * style_dim);
            }
        }
        let rows: Vec<&[f32]> = batch.iter().map(|utterance| utterance.ref_s).collect();
        let ids: Vec<&[u32]> = batch.iter().map(|utterance| utterance.ids).collect();
        let (ids, ref_s) = Ids::with_rows(&self.device, &ids, &rows)?;
        let prosody_style = ref_s.channels(style_dim..2 * style_dim)?;
        let style = plain(&self.prosody_projections, &prosody_style)?;
        let bert_dur = self.bert.forward(&ids, probe)?;
        let d_en = probed_tokens(probe, "d_en", plain(&self.bert_encoder, &bert_dur)?)?;
        let d = self.predictor.encode(&d_en, &prosody_style, &style, probe)?;
        let durations = self.predictor.durations(&d, speed, probe)?;
        let pred_dur = durations.to_host()?;
        if probe.is_active() {
            let [first, ..] = &pred_dur[..] else { bail!("no utterances") };
            probe.stage("pred_dur", &Tensor::from_slice(first, first.len(), &candle_core::Device::Cpu)?);
        }
        Ok(Prosody { pred_dur, durations, ids, d, ref_s, style })
    }

    /// Samples in -1..1 of each utterance, whose noise `noise` says. One copy to the host.
    ///
    /// # Errors
    /// If there is not noise for each utterance, or the device fails.
    pub fn decode(&self, prosody: &Prosody, noise: &[NoiseSource], probe: &mut dyn Probe) -> Result<Vec<Vec<f32>>> {
        let frames: Vec<usize> = prosody.pred_dur.iter().map(|frames| frames.iter().sum::<u32>() as usize).collect();
        let longest = frames.iter().copied().max().unwrap_or_default();
        if noise.len() != frames.len() {
            bail!("noise for {} utterances of {}", noise.len(), frames.len());
        }
        let durations = &prosody.durations;
        let en = durations.expand(&prosody.d, longest, None)?;
        let (f0, n) = self.predictor.curves(&en, &prosody.style, probe)?;
        let t_en = self.text_encoder.forward(&prosody.ids, probe)?;
        let style = plain(&self.decoder_projections, &prosody.ref_s.channels(0..self.config.style_dim)?)?;
        let rate = self.config.samples_per_frame();
        let (seeds, streams): (Vec<u64>, Vec<_>) = noise.iter().map(|noise| (noise.seed, noise.stream)).unzip();
        let lengths = durations.lengths().scaled(rate * HARMONICS, 0);
        let dims = [frames.len(), 1, longest * rate * HARMONICS];
        let noise = fill_normal(&self.device, &seeds, &streams, dims, lengths, 1.0)?;
        let (_, channels, tokens) = t_en.dims();
        let dims = [frames.len(), channels, tokens];
        let narrow = Signal::new(&self.device, self.decoder.dtype(), dims, t_en.lengths().clone())?;
        let asr = |out| durations.expand(&copy(&t_en, narrow.clone())?, longest, Some(out));
        let audio = self.decoder.forward(
            asr,
            [frames.len(), longest],
            durations.lengths(),
            [&f0, &n],
            &style,
            &noise,
            probe,
        )?;
        let audio = audio.to_tensor()?.squeeze(1)?;
        let samples = |(b, frames): (usize, &usize)| audio.get(b)?.narrow(0, 0, frames * rate)?.to_vec1::<f32>();
        let samples = frames.iter().enumerate().map(samples).collect::<Result<Vec<_>>>()?;
        if probe.is_active() {
            let [first, ..] = &samples[..] else { bail!("no utterances") };
            probe.stage("audio", &Tensor::from_slice(first, first.len(), &candle_core::Device::Cpu)?);
        }
        Ok(samples)
    }
}
