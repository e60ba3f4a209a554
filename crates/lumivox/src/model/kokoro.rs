//! Kokoro-82M.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use lumivox_convert::ModelFile;
use lumivox_models::Probe;
use lumivox_models::kokoro::{self, Config, HARMONICS, Kokoro, Prosody, SAMPLE_RATE_HZ};
use lumivox_text::ids::Encoded;
use lumivox_text::ids::kokoro::Vocabulary;
use lumivox_text::{Boundary, Language, Phonemized, SegmentLimits};

#[cfg(any(feature = "cuda", feature = "emulation"))]
use super::gpu;
use super::{Encoding, Model, Speaker, Utterance};
use crate::device::{self, LoadOptions, Precision};
use crate::error::{Error, Result};
use crate::front_ends::FrontEnds;
use crate::noise::{self, Stage};
use crate::options::Options;
use crate::voice::{VoiceSpec, nearest};
use crate::weights;

/// Kokoro's voice where none is asked for.
pub const DEFAULT_VOICE: &str = "af_heart";

/// How segments are cut: a short first one, so that it is heard soon, then up to some 12 s of speech: Kokoro hurries through much longer ones, and memory grows with them.
pub const SEGMENT_LIMITS: SegmentLimits =
    SegmentLimits { first_symbols: 100, growth_percent: 200, max_symbols: 200, end_at: Boundary::Paragraph };

/// The CPU has no use for them.
const NO_F16: Error = Error::Precision { precision: "f16", device: "the CPU", takes: "f32 and int8" };

pub(super) struct KokoroModel {
    graph: Graph,
    vocabulary: Vocabulary,
    /// Where the style packs are.
    file: Arc<ModelFile>,
    front_ends: FrontEnds,
}

/// The graph, where it computes.
enum Graph {
    Cpu(Box<Kokoro>),
    #[cfg(any(feature = "cuda", feature = "emulation"))]
    Gpu(Box<lumivox_models::cuda::kokoro::Kokoro>),
}

impl Graph {
    fn new(config: Config, file: Arc<ModelFile>, options: &LoadOptions) -> Result<Self> {
        let weights = weights::var_builder(file, &Device::Cpu);
        Ok(match &options.device {
            device::Device::Cpu => {
                let precision = match options.precision {
                    Precision::F32 => kokoro::Precision::F32,
                    Precision::Int8 => kokoro::Precision::Int8,
                    Precision::F16 => return Err(NO_F16),
                };
                Self::Cpu(Box::new(Kokoro::new(config, precision, weights)?))
            }
            #[cfg(any(feature = "cuda", feature = "emulation"))]
            device::Device::Gpu(device) => {
                let dtype = options.precision.dtype()?;
                let graph = lumivox_models::cuda::kokoro::Kokoro::new(device, config, dtype, weights)?;
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

impl KokoroModel {
    pub(super) fn load(file: Arc<ModelFile>, name: &str, options: &LoadOptions) -> Result<Self> {
        let config_error = |reason: String| Error::Config { model: name.to_owned(), reason };
        let json = &file.metadata().config;
        let sizes: Config = serde_json::from_str(json).map_err(|error| config_error(error.to_string()))?;
        let rate = file.metadata().sample_rate_hz;
        if rate != SAMPLE_RATE_HZ {
            return Err(config_error(format!("sample rate {rate} Hz, not {SAMPLE_RATE_HZ}")));
        }
        let vocabulary = Vocabulary::from_config(json)?;
        let graph = Graph::new(sizes, file.clone(), options).map_err(|error| match error {
            Error::Compute(error) => config_error(error.to_string()),
            other => other,
        })?;
        Ok(Self { graph, vocabulary, file, front_ends: FrontEnds::default() })
    }

    fn voice(&self, options: &Options) -> Result<VoiceSpec> {
        options.voice.as_deref().unwrap_or(DEFAULT_VOICE).parse()
    }

    /// Whether all voices of a blend are here.
    fn check_voice(&self, voice: &VoiceSpec) -> Result<()> {
        match voice.parts.iter().find(|(name, _)| self.file.voice(name).is_none()) {
            Some((name, _)) => {
                let nearest = nearest(name, self.file.voices());
                Err(Error::UnknownVoice { name: name.clone(), nearest })
            }
            None => Ok(()),
        }
    }

    /// The blend's style pack, `(510, 2·style_dim)`: a row for each number of phonemes.
    fn style_pack(&self, voice: &VoiceSpec) -> Result<Tensor> {
        let mut blend: Option<Tensor> = None;
        for (name, share) in &voice.parts {
            let pack = weights::tensor(&self.file, &format!("voices.{name}"), &Device::Cpu)?;
            let part = if *share == 1.0 { pack } else { (pack * f64::from(*share))? };
            blend = Some(match blend {
                None => part,
                Some(sum) => (sum + part)?,
            });
        }
        blend.ok_or_else(|| Error::VoiceSyntax(String::new()))
    }
}

impl Model for KokoroModel {
    fn sample_rate_hz(&self) -> u32 {
        SAMPLE_RATE_HZ
    }

    fn samples_per_frame(&self) -> usize {
        self.graph.config().samples_per_frame()
    }

    fn voices(&self) -> Vec<&str> {
        self.file.voices().collect()
    }

    fn segment_limits(&self) -> SegmentLimits {
        SEGMENT_LIMITS
    }

    fn read(&self, text: &str, options: &Options) -> Result<Phonemized> {
        let spec = self.voice(options)?;
        let voice = spec.main_voice();
        let no_front_end = || Error::NoFrontEnd { voice: voice.to_owned() };
        let language = options.language.or_else(|| Language::of_kokoro_voice(voice)).ok_or_else(no_front_end)?;
        self.front_ends.read_part(text, language, options)
    }

    fn encode(&self, phonemes: &str) -> Encoded {
        self.vocabulary.encode(phonemes)
    }

    fn speaker<'a>(&'a self, options: &Options) -> Result<Box<dyn Speaker<'a> + 'a>> {
        for (name, value) in [("noise scale", options.noise_scale), ("noise-w scale", options.noise_w)] {
            if value.is_some() {
                return Err(Error::NotOfFamily { name, family: "Kokoro" });
            }
        }
        let voice = self.voice(options)?;
        self.check_voice(&voice)?;
        let speed = options.speed / options.length_scale.unwrap_or(1.0);
        Ok(Box::new(KokoroSpeaker { model: self, voice, speed }))
    }
}

struct KokoroSpeaker<'a> {
    model: &'a KokoroModel,
    voice: VoiceSpec,
    speed: f32,
}

impl KokoroSpeaker<'_> {
    /// The style of a segment, `(1, 2·style_dim)`: the row for the number of phonemes, as the Python package picks it. The pack, half a megabyte, is not
    /// kept: a document may have thousands of speakers, one for each rate.
    fn ref_s(&self, segment: &Encoding) -> Result<Tensor> {
        let style_pack = self.model.style_pack(&self.voice)?;
        let row = segment.symbols.clamp(1, style_pack.dim(0)?) - 1;
        Ok(style_pack.narrow(0, row, 1)?.force_contiguous()?)
    }
}

impl<'a> Speaker<'a> for KokoroSpeaker<'a> {
    fn begin(&self, segment: &Encoding, seed: u64, probe: &mut dyn Probe) -> Result<Box<dyn Utterance + 'a>> {
        let ref_s = self.ref_s(segment)?;
        match &self.model.graph {
            Graph::Cpu(graph) => {
                let prosody = graph.prosody(segment.ids, &ref_s, self.speed, probe)?;
                Ok(Box::new(KokoroUtterance { graph, prosody, ref_s, seed, index: segment.index }))
            }
            #[cfg(any(feature = "cuda", feature = "emulation"))]
            Graph::Gpu(graph) => gpu::kokoro::begin(graph, segment, &ref_s, self.speed, seed, probe),
        }
    }

    #[cfg(any(feature = "cuda", feature = "emulation"))]
    fn say_all(&self, segments: &[Encoding], seed: u64) -> Result<Vec<Vec<f32>>> {
        match &self.model.graph {
            Graph::Cpu(_) => segments.iter().map(|segment| super::say(self, segment, seed)).collect(),
            Graph::Gpu(graph) => {
                let styles = segments.iter().map(|segment| self.ref_s(segment)).collect::<Result<Vec<_>>>()?;
                gpu::kokoro::say_all(graph, segments, &styles, self.speed, seed)
            }
        }
    }
}

struct KokoroUtterance<'a> {
    graph: &'a Kokoro,
    prosody: Prosody,
    ref_s: Tensor,
    seed: u64,
    index: u32,
}

impl Utterance for KokoroUtterance<'_> {
    fn durations(&self) -> &[u32] {
        &self.prosody.pred_dur
    }

    /// AdaIN takes its statistics over the whole utterance.
    fn is_divisible(&self) -> bool {
        false
    }

    fn decode(&mut self, _: Range<usize>, probe: &mut dyn Probe) -> Result<Vec<f32>> {
        let samples = self.graph.samples(&self.prosody);
        let noise = noise::normal(self.seed, Stage::SineGen, self.index, samples * HARMONICS);
        let noise = Tensor::from_vec(noise, (1, samples, HARMONICS), &Device::Cpu)?;
        probe.reached("noise");
        Ok(self.graph.decode(&self.prosody, &self.ref_s, &noise, probe)?.to_vec1()?)
    }
}
