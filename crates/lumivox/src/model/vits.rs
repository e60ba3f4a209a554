//! VITS: Piper voices, MMS-TTS and the original models.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use lumivox_convert::{ModelFile, vits as converted};
use lumivox_models::Probe;
use lumivox_models::vits::{Config, Stream, Vits};
use lumivox_text::ids::Encoded;
use lumivox_text::{Boundary, Phonemized, SegmentLimits};

use super::reader::Reader;
use super::{Encoding, Model, Speaker, Utterance};
use crate::device::{self, LoadOptions, Precision};
use crate::error::{Error, Result};
use crate::noise::{self, Stage};
use crate::options::Options;
use crate::voice::nearest;
use crate::weights;

/// How segments are cut: the models were trained on single sentences, and the generator streams whatever the length.
const SEGMENT_LIMITS: SegmentLimits =
    SegmentLimits { first_symbols: 600, growth_percent: 100, max_symbols: 600, end_at: Boundary::Sentence };

pub(super) struct VitsModel {
    graph: Graph,
    /// The voice's own scales, and the names of its speakers.
    config: converted::Config,
    reader: Reader,
}

/// The graph, where it computes.
enum Graph {
    Cpu(Box<Vits>),
    #[cfg(any(feature = "cuda", feature = "emulation"))]
    Gpu(Box<lumivox_models::cuda::vits::Vits>),
}

impl Graph {
    fn new(config: Config, file: Arc<ModelFile>, options: &LoadOptions) -> Result<Self> {
        let weights = weights::var_builder(file, &Device::Cpu);
        Ok(match &options.device {
            device::Device::Cpu if options.precision == Precision::F16 => {
                return Err(Error::Precision { precision: "f16", device: "the CPU", takes: "f32" });
            }
            device::Device::Cpu => Self::Cpu(Box::new(Vits::new(config, weights)?)),
            #[cfg(any(feature = "cuda", feature = "emulation"))]
            device::Device::Gpu(device) => {
                let dtype = options.precision.dtype()?;
                let graph = lumivox_models::cuda::vits::Vits::new(device, config, dtype, weights)?;
                Self::Gpu(Box::new(if options.cuda_graphs { graph.recording() } else { graph }))
            }
        })
    }

    fn config(&self) -> &Config {
        match self {
            Self::Cpu(graph) => graph.config(),
            #[cfg(any(feature = "cuda", feature = "emulation"))]
            Self::Gpu(graph) => graph.config(),
        }
    }
}

impl VitsModel {
    pub(super) fn load(file: Arc<ModelFile>, name: &str, options: &LoadOptions) -> Result<Self> {
        let config_error = |reason: String| Error::Config { model: name.to_owned(), reason };
        let json = &file.metadata().config;
        let sizes: Config = serde_json::from_str(json).map_err(|error| config_error(error.to_string()))?;
        let config = converted::Config::parse(json).map_err(|error| config_error(error.to_string()))?;
        let reader = Reader::new(&config.text).map_err(config_error)?;
        let graph = Graph::new(sizes, file, options).map_err(|error| match error {
            Error::Compute(error) => config_error(error.to_string()),
            other => other,
        })?;
        Ok(Self { graph, config, reader })
    }

    fn speaker_ids(&self) -> &BTreeMap<String, u32> {
        match &self.config.text {
            converted::Text::Piper(text) => &text.speaker_id_map,
            converted::Text::Mms(text) => &text.speaker_id_map,
        }
    }

    /// Who speaks where nobody is asked for.
    fn default_speaker_id(&self) -> u32 {
        match &self.config.text {
            converted::Text::Piper(text) => text.default_speaker_id,
            converted::Text::Mms(_) => 0,
        }
    }

    /// The number of a speaker, given as such or as a name.
    fn speaker_id(&self, name: &str) -> Result<u32> {
        let speakers = self.config.n_speakers.max(1);
        let known = self.speaker_ids();
        let id = known.get(name).copied().or_else(|| name.trim().parse().ok());
        id.filter(|id| (*id as usize) < speakers).ok_or_else(|| Error::UnknownSpeaker {
            name: name.to_owned(),
            speakers,
            nearest: nearest(name, known.keys().map(String::as_str)),
        })
    }
}

impl Model for VitsModel {
    fn sample_rate_hz(&self) -> u32 {
        self.config.sampling_rate
    }

    fn samples_per_frame(&self) -> usize {
        self.graph.config().samples_per_frame()
    }

    fn voices(&self) -> Vec<&str> {
        self.speaker_ids().keys().map(String::as_str).collect()
    }

    fn segment_limits(&self) -> SegmentLimits {
        SEGMENT_LIMITS
    }

    fn read(&self, text: &str, options: &Options) -> Result<Phonemized> {
        self.reader.read(text, options)
    }

    fn encode(&self, phonemes: &str) -> Encoded {
        self.reader.encode(phonemes)
    }

    fn speaker<'a>(&'a self, options: &Options) -> Result<Box<dyn Speaker<'a> + 'a>> {
        let speaker = options.voice.as_deref().map_or(Ok(self.default_speaker_id()), |name| self.speaker_id(name))?;
        let length_scale = options.length_scale.unwrap_or(self.config.length_scale as f32);
        let delivery = Delivery {
            speaker,
            length_scale: length_scale / options.speed,
            noise_scale: options.noise_scale.unwrap_or(self.config.noise_scale as f32),
            noise_w: options.noise_w.unwrap_or(self.config.noise_scale_w as f32),
        };
        match &self.graph {
            Graph::Cpu(graph) => Ok(Box::new(VitsSpeaker { graph, delivery })),
            #[cfg(any(feature = "cuda", feature = "emulation"))]
            Graph::Gpu(graph) => Ok(Box::new(GpuSpeaker { graph, delivery })),
        }
    }
}

/// Who speaks, and how.
pub(super) struct Delivery {
    pub(super) speaker: u32,
    pub(super) length_scale: f32,
    pub(super) noise_scale: f32,
    pub(super) noise_w: f32,
}

#[cfg(any(feature = "cuda", feature = "emulation"))]
struct GpuSpeaker<'a> {
    graph: &'a lumivox_models::cuda::vits::Vits,
    delivery: Delivery,
}

#[cfg(any(feature = "cuda", feature = "emulation"))]
impl<'a> Speaker<'a> for GpuSpeaker<'a> {
    fn begin(&self, segment: &Encoding, seed: u64, probe: &mut dyn Probe) -> Result<Box<dyn Utterance + 'a>> {
        super::gpu::vits::begin(self.graph, segment, &self.delivery, seed, probe)
    }

    fn say_all(&self, segments: &[Encoding], seed: u64) -> Result<Vec<Vec<f32>>> {
        super::gpu::vits::say_all(self.graph, segments, &self.delivery, seed)
    }
}

struct VitsSpeaker<'a> {
    graph: &'a Vits,
    delivery: Delivery,
}

impl<'a> Speaker<'a> for VitsSpeaker<'a> {
    fn begin(&self, segment: &Encoding, seed: u64, probe: &mut dyn Probe) -> Result<Box<dyn Utterance + 'a>> {
        let Delivery { speaker, length_scale, noise_scale, noise_w } = self.delivery;
        let noise = |stage, scale: f32, channels: usize, steps: usize| -> Result<Tensor> {
            let mut values = noise::normal(seed, stage, segment.index, channels * steps);
            values.iter_mut().for_each(|value| *value *= scale);
            Ok(Tensor::from_vec(values, (1, channels, steps), &Device::Cpu)?)
        };
        let dp_noise = noise(Stage::Durations, noise_w, 2, segment.ids.len())?;
        let prosody = self.graph.prosody(segment.ids, speaker, &dp_noise, length_scale, probe)?;
        let channels = self.graph.config().inter_channels;
        let z_noise = noise(Stage::Latent, noise_scale, channels, self.graph.frames(&prosody))?;
        probe.reached("noise");
        Ok(Box::new(VitsUtterance(self.graph.stream(prosody, &z_noise, probe)?)))
    }
}

struct VitsUtterance<'a>(Stream<'a>);

impl Utterance for VitsUtterance<'_> {
    fn durations(&self) -> &[u32] {
        &self.0.prosody().durations
    }

    fn is_divisible(&self) -> bool {
        true
    }

    fn decode(&mut self, frames: Range<usize>, probe: &mut dyn Probe) -> Result<Vec<f32>> {
        Ok(self.0.decode(frames, probe)?.to_vec1()?)
    }
}
