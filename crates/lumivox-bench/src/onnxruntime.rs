//! ONNX Runtime in this process, its library loaded from where it is installed.

use std::path::{Path, PathBuf};
use std::time::Instant;

use cpu_time::ProcessTime;
use lumivox::convert::vits::Config;
use lumivox::{KOKORO_DEFAULT_VOICE, VoiceSpec};
use lumivox_parity::onnx::runtime::Runtime;
use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Tensor, TensorElementType, ValueType};

use crate::case::Kind;
use crate::engine::{About, Engine, Said, Segment, Utterance};
use crate::error::{Error, Result};
use crate::speaker::{Subject, existing};

const NAME: &str = "ONNX Runtime";
/// A graph in ONNX Runtime on the CPU, with its defaults but for the number of threads, and that its threads do not spin on when a run is over: the engine whose turn
/// is next would lose a processor to them.
pub(crate) struct OnnxRuntime {
    session: Session,
    inputs: Inputs,
    sample_rate_hz: u32,
    about: About,
}

/// What the graph gets beside the ids.
enum Inputs {
    Kokoro {
        /// The ids' input, which exports call differently.
        tokens: String,
        /// Rows of the voice, one for each number of phonemes.
        style_pack: Vec<Vec<f32>>,
        /// Whether the speed is an integer.
        integer_speed: bool,
    },
    Piper {
        scales: Vec<f32>,
        /// The speaker, of voices that have several.
        sid: Option<i64>,
    },
}

impl OnnxRuntime {
    pub(crate) fn load(subject: &Subject, graph: &Path, python: &Path) -> Result<Self> {
        let graph = find_graph(graph)?;
        let runtime = Runtime::load(Some(python));
        let runtime = runtime.map_err(|error| Error::Rival { engine: NAME, reason: format!("{error:#}") })?;
        let started = Instant::now();
        let session = open(runtime.environment(), &graph, subject.threads).map_err(|error| Error::Rival {
            engine: NAME,
            reason: format!("the graph {} can't be loaded: {error}", graph.display()),
        })?;
        let load_s = started.elapsed().as_secs_f64();
        let inputs = Inputs::of(subject, &session)?;
        let source = graph.file_name().map(|name| name.to_string_lossy().into_owned());
        let version = runtime.version().to_owned();
        let about = About { name: NAME.to_owned(), version, source, load_s, load_peak_rss_bytes: None };
        Ok(Self { session, inputs, sample_rate_hz: subject.synthesizer.sample_rate_hz(), about })
    }

    /// The samples of one segment.
    fn segment(&mut self, segment: &Segment) -> ort::Result<Vec<f32>> {
        let inputs = self.inputs.values(segment)?;
        let outputs = self.session.run(inputs)?;
        let (_, samples) = outputs[0].try_extract_tensor::<f32>()?;
        Ok(samples.to_vec())
    }
}

impl Engine for OnnxRuntime {
    fn about(&self) -> &About {
        &self.about
    }

    fn say(&mut self, utterance: &Utterance, _: bool) -> Result<Said> {
        let (cpu, started) = (ProcessTime::now(), Instant::now());
        let (mut audio, mut ttfb_s) = (Vec::new(), None);
        for segment in &utterance.segments {
            let samples = self
                .segment(segment)
                .map_err(|error| Error::Failed { engine: NAME.into(), reason: error.to_string() })?;
            ttfb_s.get_or_insert_with(|| started.elapsed().as_secs_f64());
            audio.extend(samples);
        }
        let (wall_s, cpu_s) = (started.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
        let samples = audio.len();
        Ok(Said { samples, audio: Some(audio), wall_s, cpu_s, ttfb_s: ttfb_s.unwrap_or(wall_s), host_device_copies: 0 })
    }

    fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }
}

impl Inputs {
    /// Matches the graph's inputs with the model.
    fn of(subject: &Subject, session: &Session) -> Result<Self> {
        let input = |name: &str| session.inputs().iter().find(|input| input.name() == name);
        let unfit = |kind: &str| {
            let names: Vec<&str> = session.inputs().iter().map(|input| input.name()).collect();
            let reason = format!("the graph's inputs are {}; those of {kind} are expected", names.join(", "));
            Error::Rival { engine: NAME, reason }
        };
        match subject.kind {
            Kind::Kokoro => {
                let kind = "Kokoro (tokens or input_ids, style, speed)";
                let tokens = ["tokens", "input_ids"].into_iter().find(|name| input(name).is_some());
                let (Some(tokens), Some(_), Some(speed)) = (tokens, input("style"), input("speed")) else {
                    return Err(unfit(kind));
                };
                let integer_speed = !matches!(speed.dtype(), ValueType::Tensor { ty: TensorElementType::Float32, .. });
                Ok(Self::Kokoro { tokens: tokens.to_owned(), style_pack: style_pack(subject)?, integer_speed })
            }
            Kind::Piper => {
                let (Some(_), Some(_), Some(_)) = (input("input"), input("input_lengths"), input("scales")) else {
                    return Err(unfit("a Piper voice (input, input_lengths, scales)"));
                };
                let config = Config::parse(&subject.config).map_err(|error| Error::Model(error.to_string()))?;
                let sid = input("sid").map(|_| speaker(subject)).transpose()?;
                Ok(Self::Piper { scales: vec![config.noise_scale as f32, config.length_scale as f32, 0.0], sid })
            }
            Kind::Mms => Err(Error::Rival {
                engine: NAME,
                reason: "graphs of MMS-TTS are not known; the original is measured with --against torch=DIR".into(),
            }),
        }
    }

    /// The graph's inputs for a segment.
    fn values(&self, segment: &Segment) -> ort::Result<Vec<(String, SessionInputValue<'static>)>> {
        let ids: Vec<i64> = segment.ids.iter().map(|id| i64::from(*id)).collect();
        let length = ids.len();
        let tokens = Tensor::from_array(([1, length], ids))?.into_dyn();
        let mut values = Vec::new();
        let mut push = |name: &str, value: DynValue| values.push((name.to_owned(), value.into()));
        match self {
            Self::Kokoro { tokens: name, style_pack, integer_speed } => {
                push(name, tokens);
                let symbols = segment.phonemes.chars().count();
                let row = &style_pack[symbols.clamp(1, style_pack.len()) - 1];
                push("style", Tensor::from_array(([1, row.len()], row.clone()))?.into_dyn());
                let speed = if *integer_speed {
                    Tensor::from_array(([1], vec![1i32]))?.into_dyn()
                } else {
                    Tensor::from_array(([1], vec![1f32]))?.into_dyn()
                };
                push("speed", speed);
            }
            Self::Piper { scales, sid } => {
                push("input", tokens);
                push("input_lengths", Tensor::from_array(([1], vec![length as i64]))?.into_dyn());
                push("scales", Tensor::from_array(([3], scales.clone()))?.into_dyn());
                if let Some(sid) = sid {
                    push("sid", Tensor::from_array(([1], vec![*sid]))?.into_dyn());
                }
            }
        }
        Ok(values)
    }
}

/// The voice's rows, `(510, 1, 2·style_dim)` in the model file.
fn style_pack(subject: &Subject) -> Result<Vec<Vec<f32>>> {
    let spec: VoiceSpec = subject.options.voice.as_deref().unwrap_or(KOKORO_DEFAULT_VOICE).parse()?;
    let file = subject.source.open()?;
    let mut pack: Vec<f32> = Vec::new();
    let mut rows = 1;
    for (name, share) in &spec.parts {
        let key = format!("voices.{name}");
        let (Some(values), Some(view)) = (file.values(&key), file.tensor(&key)) else {
            return Err(Error::Rival { engine: NAME, reason: format!("the model file has no voice `{name}`") });
        };
        rows = view.shape()[0];
        pack.resize(values.len(), 0.0);
        pack.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
    }
    Ok(pack.chunks(pack.len() / rows.max(1)).map(<[f32]>::to_vec).collect())
}

/// The number of the speaker that lumivox has.
fn speaker(subject: &Subject) -> Result<i64> {
    let config = Config::parse(&subject.config).map_err(|error| Error::Model(error.to_string()))?;
    Ok(lumivox_parity::request::speaker(&config, subject.options.voice.as_deref()).into())
}

/// The graph's file.
pub(crate) fn find_graph(graph: &Path) -> Result<PathBuf> {
    existing(graph, NAME, "the graph that --against onnxruntime=FILE names")
}

fn open(environment: &Environment, graph: &Path, threads: usize) -> std::result::Result<Session, String> {
    let build = || -> std::result::Result<_, Box<dyn std::error::Error>> {
        let builder = Session::builder(environment)?.with_intra_threads(threads)?.with_inter_threads(1)?;
        let mut builder = builder.with_config_entry("session.force_spinning_stop", "1")?;
        Ok(builder.commit_from_file(graph)?)
    };
    build().map_err(|error| error.to_string())
}
