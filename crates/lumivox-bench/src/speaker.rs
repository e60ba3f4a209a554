//! lumivox itself, as a program has it that links the library.

use std::path::{Path, PathBuf};
use std::time::Instant;

use cpu_time::ProcessTime;
use lumivox::convert::ModelFile;
use lumivox::{ChunkSize, Device, Input, LoadOptions, Options, Precision, Synthesizer};

use crate::case::{Case, Kind};
use crate::engine::{About, Engine, Said, Segment, Utterance};
use crate::error::{Error, Result};
use crate::machine::{peak_rss_bytes, reset_peak_rss};

/// How the model is loaded and speaks.
#[derive(Clone, Debug, Default)]
pub struct SubjectOptions {
    /// Where, on how many threads and in which numbers it computes.
    pub load: LoadOptions,
    /// Voice or speaker; the model's own if `None`.
    pub voice: Option<String>,
}

/// Where a model is.
#[derive(Clone, Debug)]
pub enum ModelSource {
    /// A model file.
    File(PathBuf),
    /// The voice inside this program.
    Embedded,
}

impl ModelSource {
    pub(crate) fn open(&self) -> Result<ModelFile> {
        Ok(match self {
            Self::File(path) => ModelFile::open(path)?,
            Self::Embedded => lumivox::embedded::model_file()?,
        })
    }

    fn load(&self, options: &LoadOptions) -> Result<Synthesizer> {
        Ok(match self {
            Self::File(path) => Synthesizer::open_with(path, options)?,
            Self::Embedded => Synthesizer::embedded(options)?,
        })
    }
}

/// The model that is measured, loaded.
pub struct Subject {
    pub(crate) synthesizer: Synthesizer,
    pub(crate) source: ModelSource,
    pub(crate) kind: Kind,
    /// The model file's configuration, JSON.
    pub(crate) config: String,
    pub(crate) options: Options,
    pub(crate) threads: usize,
    about: About,
}

impl Subject {
    /// Loads the model.
    ///
    /// # Errors
    /// If it is not a whole model file of a known family, or has no such voice or precision.
    pub fn open(source: ModelSource, options: &SubjectOptions) -> Result<Self> {
        // Closed again before the model is loaded: what is mapped counts as memory.
        let (kind, config) = {
            let file = source.open()?;
            (Kind::of(&file)?, file.metadata().config.clone())
        };
        reset_peak_rss(None);
        let started = Instant::now();
        let synthesizer = source.load(&options.load)?;
        let load_s = started.elapsed().as_secs_f64();
        // Durations without noise are the same for every engine.
        let noise_w = if kind == Kind::Kokoro { None } else { Some(0.0) };
        let speech = Options { voice: options.voice.clone(), noise_w, ..Options::default() };
        synthesizer.check(&speech)?;
        let name = match options.load.precision {
            Precision::F32 => "lumivox",
            Precision::F16 => "lumivox (f16)",
            Precision::Int8 => "lumivox (int8)",
        };
        let about = About {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source: None,
            load_s,
            load_peak_rss_bytes: peak_rss_bytes(None),
        };
        let threads = synthesizer.install(rayon::current_num_threads);
        Ok(Self { threads, synthesizer, source, kind, config, options: speech, about })
    }

    /// The model's family.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Threads that it computes on.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// What this engine is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What it says in the place of a text of the bench.
    ///
    /// # Errors
    /// If nothing of the text can be spoken, or not all of it.
    pub fn read(&self, text: &str) -> Result<Case> {
        let speech = self.synthesizer.speak(Input::Text(text), &self.options)?;
        if let Some(warning) = speech.warnings().iter().find(|warning| warning.is_loss()) {
            let reason = warning.to_string();
            return Err(Error::WrongOutput { engine: self.about.name.clone(), case: "--text".into(), reason });
        }
        let segments = speech.segments().iter().map(|segment| segment.phonemes.clone()).collect();
        Ok(Case { name: "own".into(), characters: text.chars().count(), segments })
    }

    /// The text as ids, in the segments in which this engine says it, which other engines get, too.
    ///
    /// # Errors
    /// If the model has no id for a symbol.
    pub fn utterance(&self, case: &Case) -> Result<Utterance> {
        let unspeakable = |source| Error::Unspeakable { case: case.name.clone(), source };
        let text = case.segments.join("\n");
        let speech = self.synthesizer.speak(Input::Phonemes(&text), &self.options).map_err(unspeakable)?;
        let segment = |phonemes: &str| -> lumivox::Result<Segment> {
            Ok(Segment { phonemes: phonemes.to_owned(), ids: self.synthesizer.ids(phonemes)? })
        };
        let segments = speech.segments().iter().map(|part| segment(&part.phonemes)).collect::<lumivox::Result<_>>();
        let segments = segments.map_err(unspeakable)?;
        Ok(Utterance { name: case.name.clone(), characters: case.characters, segments })
    }

    /// Says it in chunks; `enough` ends it behind a chunk.
    pub(crate) fn speak(&self, utterance: &Utterance, chunk_size: ChunkSize, enough: bool) -> Result<Said> {
        let phonemes: Vec<&str> = utterance.segments.iter().map(|segment| segment.phonemes.as_str()).collect();
        let phonemes = phonemes.join("\n");
        let copies_before = self.copies();
        let (cpu, started) = (ProcessTime::now(), Instant::now());
        let (mut audio, mut ttfb_s) = (Vec::new(), None);
        for chunk in self.synthesizer.stream(Input::Phonemes(&phonemes), &self.options, chunk_size)? {
            audio.extend_from_slice(&chunk?.samples);
            ttfb_s.get_or_insert_with(|| started.elapsed().as_secs_f64());
            if enough {
                break;
            }
        }
        let (wall_s, cpu_s) = (started.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
        let (samples, host_device_copies) = (audio.len(), self.copies() - copies_before);
        Ok(Said { samples, audio: Some(audio), wall_s, cpu_s, ttfb_s: ttfb_s.unwrap_or(wall_s), host_device_copies })
    }

    /// Copies between host and device since the model was loaded.
    fn copies(&self) -> u64 {
        let copies = self.device().copies();
        copies.to_device + copies.to_host
    }

    /// Where the model computes.
    pub fn device(&self) -> &Device {
        self.synthesizer.device()
    }

    /// Whether the first samples of a segment are there before its last ones.
    pub(crate) fn streams(&self) -> bool {
        self.kind != Kind::Kokoro && matches!(self.device(), Device::Cpu)
    }
}

impl Engine for &Subject {
    fn about(&self) -> &About {
        &self.about
    }

    fn say(&mut self, utterance: &Utterance, _: bool) -> Result<Said> {
        self.speak(utterance, ChunkSize::Segment, false)
    }

    fn first_audio(&mut self, utterance: &Utterance) -> Result<Option<f64>> {
        if !self.streams() {
            return Ok(None);
        }
        Ok(Some(self.speak(utterance, ChunkSize::Auto, true)?.ttfb_s))
    }

    fn sample_rate_hz(&self) -> u32 {
        self.synthesizer.sample_rate_hz()
    }

    fn is_reproducible(&self) -> bool {
        true
    }
}

/// The path of a file that another engine needs; if there is none, an error that says `what` it is.
pub(crate) fn existing(path: &Path, engine: &'static str, what: &str) -> Result<PathBuf> {
    if path.exists() {
        return Ok(path.to_owned());
    }
    Err(Error::Rival { engine, reason: format!("there is no {} ({what})", path.display()) })
}
