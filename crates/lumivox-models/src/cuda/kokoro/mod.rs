//! Kokoro-82M on a GPU. The stages and their names are those of [`crate::kokoro`].

mod adain_block;
mod albert;
mod decoder;
mod generator;
mod prosody;
mod text_encoder;

use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{
    Conv1d, Device, Dtype, Durations, Ids, Recorded, Signal, copy, fill_normal, fill_normal_into,
};

use super::layers::{On, Projections, plain};
use super::probe::{probed, probed_tokens};
use super::recordings::{FRAMES, Recordings, TOKENS};
use super::{NoiseSource, counters, utterances};
use crate::kokoro::{Config, HARMONICS, MAX_FRAMES};
use crate::layers::check_frames;
use crate::probe::{NoProbe, Probe};
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
    /// If launches are recorded.
    recorders: Option<Recorders>,
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
    /// With the styles, `(B, 2·style_dim, 1)`.
    ids: Ids,
    /// `(B, hidden + style_dim, T)`.
    d: Signal,
}

/// The launches between ids and durations, with what they read.
struct RecordedProsody {
    ids: Ids,
    /// Gives `d` and the durations' logits.
    launches: Recorded<(Signal, Signal)>,
}

/// The launches between durations and samples, with what they read.
struct RecordedDecoding {
    durations: Durations,
    ids: Ids,
    d: Signal,
    noise: Signal,
    /// Gives the samples.
    launches: Recorded<Signal>,
}

#[derive(Default)]
struct Recorders {
    prosody: Recordings<RecordedProsody>,
    decoding: Recordings<RecordedDecoding>,
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
            recorders: None,
        })
    }

    /// Records launches (CUDA graphs), so that a request of a size that there was before costs a handful of them. Sizes are rounded up, and the memory of the last few is
    /// kept. The results are the same; a request whose stages are looked at is not recorded.
    pub fn recording(self) -> Self {
        Self { recorders: Some(Recorders::default()), ..self }
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
        let recorders = self.recorders.as_ref().filter(|_| !probe.is_active());
        let longest = ids.iter().map(|ids| ids.len()).max().unwrap_or_default();
        let tokens = if recorders.is_some() { longest.next_multiple_of(TOKENS) } else { longest };
        let tokens = tokens.min(longest.max(self.config.plbert.max_position_embeddings));
        let (ids, _) = Ids::with_rows(&self.device, &ids, tokens, &rows)?;
        let (d, durations) = match recorders {
            None => {
                let (d, logits) = self.encode(&ids, probe)?;
                (d, Durations::from_logits(&logits, speed)?)
            }
            Some(recorders) => recorders.prosody.with(
                [ids.batch(), ids.tokens(), 0],
                || {
                    let ids = ids.duplicate()?;
                    let launches = self.device.record(|| self.encode(&ids, &mut NoProbe))?;
                    Ok(RecordedProsody { ids, launches })
                },
                |recorded| {
                    recorded.ids.assign(&ids)?;
                    recorded.launches.replay()?;
                    let (d, logits) = &recorded.launches.output;
                    // The next request has the recording's memory.
                    Ok((d.duplicate()?.with_lengths(ids.lengths()), Durations::from_logits(logits, speed)?))
                },
            )?,
        };
        let pred_dur = durations.to_host()?;
        for pred_dur in &pred_dur {
            check_frames(pred_dur, MAX_FRAMES)?;
        }
        if probe.is_active() {
            let [first, ..] = &pred_dur[..] else { bail!("no utterances") };
            probe.stage("pred_dur", &Tensor::from_slice(first, first.len(), &candle_core::Device::Cpu)?);
        }
        Ok(Prosody { pred_dur, durations, ids, d })
    }

    /// The encoding that all prosody is predicted from, `(B, hidden + style_dim, T)`, and the durations' logits, `(B, max_dur, T)`.
    fn encode(&self, ids: &Ids, probe: &mut dyn Probe) -> Result<(Signal, Signal)> {
        let (prosody_style, style) = self.prosody_style(ids)?;
        let bert_dur = self.bert.forward(ids, probe)?;
        let d_en = probed_tokens(probe, "d_en", plain(&self.bert_encoder, &bert_dur)?)?;
        let d = self.predictor.encode(&d_en, &prosody_style, &style, probe)?;
        let logits = self.predictor.duration_logits(&d, probe)?;
        Ok((d, logits))
    }

    /// The half of the styles that prosody is predicted from, and what the predictor's layers take from it.
    fn prosody_style(&self, ids: &Ids) -> Result<(Signal, Signal)> {
        let style_dim = self.config.style_dim;
        let half = ids.rows(2 * style_dim).channels(style_dim..2 * style_dim)?;
        let projected = plain(&self.prosody_projections, &half)?;
        Ok((half, projected))
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
        let (seeds, streams) = counters(noise);
        let values = self.config.samples_per_frame() * HARMONICS;
        let Prosody { durations, ids, d, .. } = prosody;
        let audio = match self.recorders.as_ref().filter(|_| !probe.is_active()) {
            None => {
                let lengths = durations.lengths().scaled(values, 0);
                let dims = [frames.len(), 1, longest * values];
                let noise = fill_normal(&self.device, &seeds, &streams, dims, lengths, 1.0)?;
                self.samples(durations, ids, d, longest, &noise, probe)?.to_tensor()?
            }
            Some(recorders) => {
                let longest = longest.next_multiple_of(FRAMES);
                recorders.decoding.with(
                    [frames.len(), ids.tokens(), longest],
                    || {
                        let (durations, ids) = (durations.duplicate()?, ids.duplicate()?);
                        let d = d.duplicate()?.with_lengths(ids.lengths());
                        let lengths = durations.lengths().scaled(values, 0);
                        let noise =
                            Signal::new(&self.device, Dtype::F32, [frames.len(), 1, longest * values], lengths)?;
                        let launches =
                            self.device.record(|| self.samples(&durations, &ids, &d, longest, &noise, &mut NoProbe))?;
                        Ok(RecordedDecoding { durations, ids, d, noise, launches })
                    },
                    |recorded| {
                        recorded.durations.assign(durations)?;
                        recorded.ids.assign(ids)?;
                        recorded.d.assign(d)?;
                        fill_normal_into(&recorded.noise, &seeds, &streams, 1.0)?;
                        recorded.launches.replay()?;
                        recorded.launches.output.to_tensor()
                    },
                )?
            }
        };
        utterances(&audio, &frames, self.config.samples_per_frame(), probe)
    }

    /// Samples, `(B, 1, L)`, of utterances of up to `frames` frames; `noise: (B, 1, L·HARMONICS)`.
    fn samples(
        &self,
        durations: &Durations,
        ids: &Ids,
        d: &Signal,
        frames: usize,
        noise: &Signal,
        probe: &mut dyn Probe,
    ) -> Result<Signal> {
        let (_, style) = self.prosody_style(ids)?;
        let en = durations.expand(d, frames, None)?;
        let (f0, n) = self.predictor.curves(&en, &style, probe)?;
        let t_en = self.text_encoder.forward(ids, probe)?;
        let style_dim = self.config.style_dim;
        let style = plain(&self.decoder_projections, &ids.rows(2 * style_dim).channels(0..style_dim)?)?;
        let (batch, channels, tokens) = t_en.dims();
        let narrow = Signal::new(&self.device, self.decoder.dtype(), [batch, channels, tokens], ids.lengths())?;
        let t_en = copy(&t_en, narrow)?;
        let asr = |out| durations.expand(&t_en, frames, Some(out));
        self.decoder.forward(asr, [batch, frames], durations.lengths(), [&f0, &n], &style, noise, probe)
    }
}
