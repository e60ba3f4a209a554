//! VITS on a GPU. The stages and their names are those of [`crate::vits`].

mod duration;
mod flow;
mod generator;
mod text_encoder;

use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{
    Conv1d, Device, Dtype, Durations, Embedding, Ids, Recorded, Signal, broadcast_add, copy, fill_normal,
    fill_normal_into, sample_prior,
};

use super::layers::{On, plain};
use super::probe::probed;
use super::recordings::{FRAMES, Recordings, TOKENS};
use super::{NoiseSource, counters, utterances};
use crate::layers::check_frames;
use crate::probe::{NoProbe, Probe};
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
    /// If launches are recorded.
    recorders: Option<Recorders>,
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
    /// With the speakers, if there are several.
    ids: Ids,
    /// Mean and logarithm of the deviation of the prior, `(B, 2·inter_channels, T)`.
    stats: Signal,
}

/// The launches between ids and durations, with what they read.
struct RecordedProsody {
    ids: Ids,
    noise: Signal,
    /// Gives the prior's statistics and the logarithms of durations.
    launches: Recorded<(Signal, Signal)>,
}

/// The launches between durations and samples, with what they read.
struct RecordedDecoding {
    ids: Ids,
    frames: Durations,
    stats: Signal,
    noise: Signal,
    /// Gives the samples.
    launches: Recorded<Signal>,
}

#[derive(Default)]
struct Recorders {
    prosody: Recordings<RecordedProsody>,
    decoding: Recordings<RecordedDecoding>,
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
        let recorders = self.recorders.as_ref().filter(|_| !probe.is_active());
        let longest = ids.iter().map(|ids| ids.len()).max().unwrap_or_default();
        let tokens = if recorders.is_some() { longest.next_multiple_of(TOKENS) } else { longest };
        let (ids, _) = Ids::with_single(&self.device, &ids, tokens, &speakers)?;
        let (seeds, streams) = counters(noise);
        let dims = [batch.len(), 2, ids.tokens()];
        let (stats, frames) = match recorders {
            None => {
                let noise = fill_normal(&self.device, &seeds, &streams, dims, ids.lengths(), noise_scale_w)?;
                let (stats, logw) = self.encode(&ids, &noise, probe)?;
                (stats, Durations::from_logs(&logw, length_scale)?)
            }
            Some(recorders) => recorders.prosody.with(
                [batch.len(), tokens, 0],
                || {
                    let ids = ids.duplicate()?;
                    let noise = Signal::new(&self.device, Dtype::F32, dims, ids.lengths())?;
                    let launches = self.device.record(|| self.encode(&ids, &noise, &mut NoProbe))?;
                    Ok(RecordedProsody { ids, noise, launches })
                },
                |recorded| {
                    recorded.ids.assign(&ids)?;
                    fill_normal_into(&recorded.noise, &seeds, &streams, noise_scale_w)?;
                    recorded.launches.replay()?;
                    let (stats, logw) = &recorded.launches.output;
                    // The next request has the recording's memory.
                    let frames = Durations::from_logs(logw, length_scale)?;
                    Ok((stats.duplicate()?.with_lengths(ids.lengths()), frames))
                },
            )?,
        };
        let durations = frames.to_host()?;
        for durations in &durations {
            check_frames(durations, MAX_FRAMES)?;
        }
        if probe.is_active() {
            let [first, ..] = &durations[..] else { bail!("no utterances") };
            probe.stage("durations", &Tensor::from_slice(first, first.len(), &candle_core::Device::Cpu)?);
        }
        Ok(Prosody { durations, frames, ids, stats })
    }

    /// The prior's statistics, `(B, 2·inter_channels, T)`, and the logarithms of durations, `(B, 1, T)`; `noise: (B, 2, T)`.
    fn encode(&self, ids: &Ids, noise: &Signal, probe: &mut dyn Probe) -> Result<(Signal, Signal)> {
        let g = self.speakers(ids)?;
        let (x, stats) = self.enc_p.forward(ids, probe)?;
        let logw = probed(probe, "logw", self.dp.forward(&x, g.as_ref(), noise)?)?;
        Ok((stats, logw))
    }

    /// The embeddings of the speakers that came with the ids, `(B, gin_channels, 1)`, where there are several.
    fn speakers(&self, ids: &Ids) -> Result<Option<Signal>> {
        let Some(table) = &self.emb_g else { return Ok(None) };
        table.forward(&ids.single(self.config.n_speakers.saturating_sub(1) as u32), None, 1.0).map(Some)
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
        let longest = frames.iter().copied().max().unwrap_or_default();
        let (seeds, streams) = counters(noise);
        let (batch, channels) = (frames.len(), self.config.inter_channels);
        let Prosody { frames: durations, ids, stats, .. } = prosody;
        let audio = match self.recorders.as_ref().filter(|_| !probe.is_active()) {
            None => {
                let dims = [batch, channels, longest];
                let noise = fill_normal(&self.device, &seeds, &streams, dims, durations.lengths(), noise_scale)?;
                self.samples(ids, durations, stats, &noise, probe)?.to_tensor()?
            }
            Some(recorders) => {
                let longest = longest.next_multiple_of(FRAMES);
                recorders.decoding.with(
                    [batch, ids.tokens(), longest],
                    || {
                        let (ids, frames) = (ids.duplicate()?, durations.duplicate()?);
                        let stats = stats.duplicate()?.with_lengths(ids.lengths());
                        let dims = [batch, channels, longest];
                        let noise = Signal::new(&self.device, Dtype::F32, dims, frames.lengths())?;
                        let launches =
                            self.device.record(|| self.samples(&ids, &frames, &stats, &noise, &mut NoProbe))?;
                        Ok(RecordedDecoding { ids, frames, stats, noise, launches })
                    },
                    |recorded| {
                        recorded.ids.assign(ids)?;
                        recorded.frames.assign(durations)?;
                        recorded.stats.assign(stats)?;
                        fill_normal_into(&recorded.noise, &seeds, &streams, noise_scale)?;
                        recorded.launches.replay()?;
                        recorded.launches.output.to_tensor()
                    },
                )?
            }
        };
        utterances(&audio, &frames, self.config.samples_per_frame(), probe)
    }

    /// Samples, `(B, 1, L)`; `noise: (B, inter_channels, F)`.
    fn samples(
        &self,
        ids: &Ids,
        frames: &Durations,
        stats: &Signal,
        noise: &Signal,
        probe: &mut dyn Probe,
    ) -> Result<Signal> {
        let g = self.speakers(ids)?;
        let z_p = probed(probe, "z_p", sample_prior(stats, frames, noise)?)?;
        let z = probed(probe, "z", self.flow.inverse(z_p, g.as_ref())?)?;
        let narrow = Signal::new(&self.device, self.dtype, noise.dims().into(), z.lengths().clone())?;
        self.dec.forward(&copy(&z, narrow)?, g.as_ref(), probe)
    }
}

/// Adds to every step of `x: (B, C, L)` what `cond` makes of the speakers `g: (B, gin, 1)`, where there are several.
fn conditioned(x: &Signal, cond: Option<&Conv1d>, g: Option<&Signal>) -> Result<()> {
    match (cond, g) {
        (Some(cond), Some(g)) => broadcast_add(x, &plain(cond, g)?),
        _ => Ok(()),
    }
}
