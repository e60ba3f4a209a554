//! Text to speech, segment by segment.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use candle_core::{Device, Tensor};
use lumivox_convert::{Family, ModelFile};
use lumivox_models::kokoro::{Config, HARMONICS, Kokoro, SAMPLE_RATE_HZ};
use lumivox_models::{NoProbe, Probe};
use lumivox_text::ids::kokoro::Vocabulary;
use lumivox_text::{Dialect, English, Phonemized, Reason, Segment, SegmentLimits, segments};

use crate::error::{Error, Result};
use crate::noise::{self, Stage};
use crate::voice::{VoiceSpec, nearest};
use crate::weights;

/// How segments are cut: a short first one, so that it is heard soon, then up to the length beyond which Kokoro begins to hurry.
pub const SEGMENT_LIMITS: SegmentLimits = SegmentLimits { first_symbols: 100, growth_percent: 200, max_symbols: 400 };

/// What is to be said.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Text, read by the language's front-end.
    Text(&'a str),
    /// Phonemes in the model's symbols.
    Phonemes(&'a str),
}

/// How it is to be said.
#[derive(Clone, Debug)]
pub struct Options {
    /// Voice or blend.
    pub voice: VoiceSpec,
    /// Dialect that text is read in; the voice's own where `None`.
    pub dialect: Option<Dialect>,
    /// 1 as trained, 2 twice as fast; 0.25 to 4.
    pub speed: f32,
    /// The same seed gives the same audio.
    pub seed: u64,
    /// The most bytes of text that are taken.
    pub max_text_bytes: usize,
}

impl Options {
    /// Defaults for `voice`: its own dialect, speed 1, seed 0, at most 500,000 bytes (some ten hours).
    pub fn new(voice: VoiceSpec) -> Self {
        Self { voice, dialect: None, speed: 1.0, seed: 0, max_text_bytes: 500_000 }
    }
}

/// Something that is not said as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Part of the text that is left out.
    Text(lumivox_text::Warning),
    /// A word that is longer than the model can read at once: it is said in pieces.
    Cut(lumivox_text::Warning),
    /// A phoneme that the model has no id for.
    Symbol {
        /// The symbol.
        symbol: char,
        /// How often it occurs.
        count: usize,
    },
}

impl Warning {
    /// Whether something is left out.
    pub fn is_loss(&self) -> bool {
        !matches!(self, Warning::Cut(_))
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Warning::Text(warning) | Warning::Cut(warning) => warning.fmt(f),
            Warning::Symbol { symbol, count } => {
                write!(f, "the model does not know the phoneme `{}` ({count}×): not spoken", symbol.escape_debug())
            }
        }
    }
}

/// A loaded model that speaks. Shared freely between threads.
pub struct Synthesizer {
    graph: Kokoro,
    vocabulary: Vocabulary,
    /// Style packs, `(510, 2·style_dim)`: a row for each number of phonemes.
    voices: BTreeMap<String, Tensor>,
    american: OnceLock<English>,
    british: OnceLock<English>,
    pool: rayon::ThreadPool,
}

impl Synthesizer {
    /// Loads a model file. It computes on `threads` threads; `None` takes one for each processor.
    ///
    /// # Errors
    /// If the file is not a whole model file of a known kind.
    pub fn open(path: &Path, threads: Option<usize>) -> Result<Self> {
        let file = Arc::new(ModelFile::open(path)?);
        let config = |reason: String| Error::Config { path: path.to_path_buf(), reason };
        let family = file.metadata().family;
        if family != Family::Kokoro {
            return Err(config(format!("{family} models can be converted and inspected, but not spoken yet")));
        }
        let json = &file.metadata().config;
        let sizes: Config = serde_json::from_str(json).map_err(|error| config(error.to_string()))?;
        if file.metadata().sample_rate_hz != SAMPLE_RATE_HZ {
            return Err(config(format!("sample rate {} Hz, not {SAMPLE_RATE_HZ}", file.metadata().sample_rate_hz)));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?;
        let voice =
            |name: &str| Ok((name.to_owned(), weights::tensor(&file, &format!("voices.{name}"), &Device::Cpu)?));
        let voices = file.voices().map(voice).collect::<Result<_>>()?;
        let graph = pool.install(|| Kokoro::new(sizes, weights::var_builder(file.clone(), &Device::Cpu)));
        let graph = graph.map_err(|error| config(error.to_string()))?;
        Ok(Self {
            graph,
            vocabulary: Vocabulary::from_config(json)?,
            voices,
            american: OnceLock::new(),
            british: OnceLock::new(),
            pool,
        })
    }

    /// Samples in a second of the audio.
    pub fn sample_rate_hz(&self) -> u32 {
        SAMPLE_RATE_HZ
    }

    /// Names of the voices, sorted.
    pub fn voices(&self) -> impl Iterator<Item = &str> {
        self.voices.keys().map(String::as_str)
    }

    /// The graph itself, for parity tests and measurements.
    pub fn graph(&self) -> &Kokoro {
        &self.graph
    }

    /// Runs `f` in this model's thread pool, as synthesis does.
    pub fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        self.pool.install(f)
    }

    /// Prepares speech: reads the text, checks everything that can be wrong with the request, and leaves the synthesis to the iterator.
    ///
    /// # Errors
    /// If a voice does not exist, the speed is out of range, the text too long, or nothing in it can be spoken.
    pub fn speak(&self, input: Input, options: &Options) -> Result<Speech<'_>> {
        check_speed(options.speed)?;
        let style_pack = self.style_pack(&options.voice)?;
        let (Input::Text(text) | Input::Phonemes(text)) = input;
        if text.len() > options.max_text_bytes {
            return Err(Error::TextTooLong { bytes: text.len(), limit: options.max_text_bytes });
        }
        let read = match input {
            Input::Text(text) => self.front_end(options)?.phonemize(text),
            Input::Phonemes(phonemes) => Phonemized::from_phonemes(phonemes),
        };
        let segments = segments(&read, &SEGMENT_LIMITS);
        let warnings = self.warnings(&read, &segments);
        let segments: Vec<Segment> =
            segments.into_iter().filter(|segment| self.vocabulary.encode(&segment.phonemes).ids.len() > 2).collect();
        if segments.is_empty() {
            return Err(Error::NothingToSay { warnings: warnings.iter().map(Warning::to_string).collect() });
        }
        let (speed, seed) = (options.speed, options.seed);
        Ok(Speech { synthesizer: self, read, segments, warnings, style_pack, speed, seed, next: 0 })
    }

    /// The front-end for the options' dialect, loaded when it is first asked for.
    ///
    /// # Errors
    /// If the voice speaks a language without front-end and no dialect is given.
    pub fn front_end(&self, options: &Options) -> Result<&English> {
        let voice = options.voice.main_voice();
        let no_front_end = || Error::NoFrontEnd { voice: voice.to_owned() };
        let dialect = options.dialect.or_else(|| Dialect::of_kokoro_voice(voice)).ok_or_else(no_front_end)?;
        let cell = match dialect {
            Dialect::American => &self.american,
            Dialect::British => &self.british,
        };
        if let Some(english) = cell.get() {
            return Ok(english);
        }
        let english = English::new(dialect)?;
        Ok(cell.get_or_init(|| english))
    }

    /// The blend's style pack, `(510, 2·style_dim)`.
    ///
    /// # Errors
    /// If a voice does not exist; the error names the nearest ones.
    pub fn style_pack(&self, voice: &VoiceSpec) -> Result<Tensor> {
        let mut blend: Option<Tensor> = None;
        for (name, share) in &voice.parts {
            let Some(pack) = self.voices.get(name) else {
                return Err(Error::UnknownVoice { name: name.clone(), nearest: nearest(name, self.voices()) });
            };
            blend = Some(match blend {
                None if *share == 1.0 => pack.clone(),
                None => (pack * f64::from(*share))?,
                Some(sum) => (sum + (pack * f64::from(*share))?)?,
            });
        }
        blend.ok_or_else(|| Error::VoiceSyntax(String::new()))
    }

    /// Says one segment: samples in -1..1; symbols that the model has no id for are left out. The style row is the one for the number of phonemes, as the Python package picks it; `segment` is the segment's
    /// number in its utterance and part of the noise's counter.
    ///
    /// # Errors
    /// If the speed is out of range, the segment too long, or the graph fails.
    pub fn synthesize(
        &self,
        phonemes: &str,
        style_pack: &Tensor,
        speed: f32,
        seed: u64,
        segment: u32,
        probe: &mut (dyn Probe + Send),
    ) -> Result<Vec<f32>> {
        check_speed(speed)?;
        let ids = self.vocabulary.encode(phonemes).ids;
        let row = phonemes.chars().count().clamp(1, style_pack.dim(0)?) - 1;
        let ref_s = style_pack.narrow(0, row, 1)?.contiguous()?;
        self.pool.install(|| {
            let prosody = self.graph.prosody(&ids, &ref_s, speed, probe)?;
            let samples = self.graph.samples(&prosody);
            let noise = noise::normal(seed, Stage::SineGen, segment, samples * HARMONICS);
            let noise = Tensor::from_vec(noise, (1, samples, HARMONICS), &Device::Cpu)?;
            Ok(self.graph.decode(&prosody, &ref_s, &noise, probe)?.to_vec1()?)
        })
    }

    /// What is not said as it should be: what the text's front-end reports, words that had to be cut, and symbols that the model has no id for.
    fn warnings(&self, read: &Phonemized, segments: &[Segment]) -> Vec<Warning> {
        let mut unknown = BTreeMap::new();
        for segment in segments {
            for (_, symbol) in self.vocabulary.encode(&segment.phonemes).unknown {
                *unknown.entry(symbol).or_insert(0) += 1;
            }
        }
        let cut_tokens =
            segments.iter().filter(|segment| segment.cut_inside_word).map(|segment| segment.tokens.end - 1);
        let cut = cut_tokens.collect::<BTreeSet<_>>().into_iter().map(|index| {
            let token = &read.tokens[index];
            // The beginning is enough to find such a word by.
            let text: String = token.text.chars().take(40).collect();
            Warning::Cut(lumivox_text::Warning { text, span: token.span.clone(), reason: Reason::Cut })
        });
        let text = read.warnings.iter().cloned().map(Warning::Text);
        text.chain(cut).chain(unknown.into_iter().map(|(symbol, count)| Warning::Symbol { symbol, count })).collect()
    }
}

/// Speeds that the model can follow.
fn check_speed(speed: f32) -> Result<()> {
    if (0.25..=4.0).contains(&speed) { Ok(()) } else { Err(Error::Speed(speed)) }
}

/// Speech in the making: an iterator over its chunks, each of which is synthesised when it is asked for.
pub struct Speech<'a> {
    synthesizer: &'a Synthesizer,
    read: Phonemized,
    segments: Vec<Segment>,
    warnings: Vec<Warning>,
    style_pack: Tensor,
    speed: f32,
    seed: u64,
    next: usize,
}

/// A stretch of speech.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Mono samples in -1..1 at [`Synthesizer::sample_rate_hz`].
    pub samples: Vec<f32>,
    /// What was said.
    pub phonemes: String,
    /// The bytes of the input that it was said for.
    pub span: Range<usize>,
}

impl Speech<'_> {
    /// What is not said as it should be.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The input as tokens.
    pub fn read(&self) -> &Phonemized {
        &self.read
    }

    /// The segments, each of which becomes a chunk.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    fn chunk(&self, index: usize) -> Result<Chunk> {
        let segment = &self.segments[index];
        let samples = self.synthesizer.synthesize(
            &segment.phonemes,
            &self.style_pack,
            self.speed,
            self.seed,
            index as u32,
            &mut NoProbe,
        )?;
        let tokens = &self.read.tokens[segment.tokens.clone()];
        let start = tokens.first().map_or(0, |token| token.span.start);
        let end = tokens.last().map_or(start, |token| token.span.end);
        Ok(Chunk { samples, phonemes: segment.phonemes.clone(), span: start..end })
    }
}

impl Iterator for Speech<'_> {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.segments.len() {
            return None;
        }
        let chunk = self.chunk(self.next);
        // A failed segment ends the speech: going on would drop words.
        self.next = if chunk.is_ok() { self.next + 1 } else { self.segments.len() };
        Some(chunk)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.segments.len() - self.next;
        (0, Some(left))
    }
}
