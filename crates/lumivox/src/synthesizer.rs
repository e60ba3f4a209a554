//! A loaded model that speaks.

use std::path::Path;
use std::sync::Arc;

use lumivox_convert::ModelFile;
use lumivox_models::Probe;
use lumivox_text::ids::Encoded;

use crate::device::{Device, LoadOptions};
use crate::error::{Error, Result};
use crate::model::{self, Encoding, Model};
use crate::options::{ChunkSize, Input, Options};
use crate::reading::Reading;
use crate::speech::Speech;

/// The most segments that a GPU takes in one pass.
const MAX_BATCH: usize = 64;

/// The most threads of a model: more than any machine has processors, few enough to be started.
const MAX_THREADS: usize = 1024;

/// A loaded model that speaks. Shared freely between threads.
pub struct Synthesizer {
    pub(crate) model: Box<dyn Model>,
    pool: rayon::ThreadPool,
    device: Device,
}

impl Synthesizer {
    /// Loads a model file. It computes on `threads` threads; `None` takes one for each processor.
    ///
    /// # Errors
    /// If the file is not a whole model file of a known kind.
    pub fn open(path: &Path, threads: Option<usize>) -> Result<Self> {
        Self::open_with(path, &LoadOptions { threads, ..Default::default() })
    }

    /// [`Synthesizer::open`] with all choices: see [`LoadOptions`].
    ///
    /// # Errors
    /// As [`Synthesizer::open`], or if the device or the model has no such precision, or the device not enough memory.
    pub fn open_with(path: &Path, options: &LoadOptions) -> Result<Self> {
        Self::load(ModelFile::open(path)?, &path.display().to_string(), options)
    }

    /// The [voice inside this program](crate::embedded).
    ///
    /// # Errors
    /// If the thread pool can't be started, or as [`Synthesizer::open_with`] for the device.
    #[cfg(feature = "embedded-voice")]
    pub fn embedded(options: &LoadOptions) -> Result<Self> {
        Self::load(crate::embedded::model_file()?, crate::embedded::NAME, options)
    }

    fn load(file: ModelFile, name: &str, options: &LoadOptions) -> Result<Self> {
        if let Some(threads) = options.threads.filter(|threads| *threads > MAX_THREADS) {
            let (least, most) = (1.0, MAX_THREADS as f32);
            return Err(Error::OutOfRange { name: "number of threads", value: threads as f32, least, most });
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads.unwrap_or(0)).build()?;
        let model = pool.install(|| model::load(Arc::new(file), name, options))?;
        Ok(Self { model, pool, device: options.device.clone() })
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Samples in a second of the audio.
    pub fn sample_rate_hz(&self) -> u32 {
        self.model.sample_rate_hz()
    }

    /// Samples of a frame, the unit of durations and of [`ChunkSize::Frames`].
    pub fn samples_per_frame(&self) -> usize {
        self.model.samples_per_frame()
    }

    /// Names of the voices (Kokoro) or speakers (VITS), sorted; none where there is one without a name.
    pub fn voices(&self) -> Vec<&str> {
        self.model.voices()
    }

    /// The ids that the model reads for `phonemes`, its boundary symbols and blanks among them.
    ///
    /// # Errors
    /// If the model has no id for a symbol; the error names the first such symbol.
    pub fn ids(&self, phonemes: &str) -> Result<Vec<u32>> {
        let encoded = self.encode(phonemes);
        match encoded.unknown.first() {
            Some(&(_, symbol)) => Err(Error::UnknownSymbol { symbol }),
            None => Ok(encoded.ids),
        }
    }

    /// Runs `f` in this model's thread pool, as synthesis does.
    pub fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        self.pool.install(f)
    }

    /// Checks `options` against the model: whether the voice exists, and every number makes sense.
    ///
    /// # Errors
    /// If something does not; the error says what would.
    pub fn check(&self, options: &Options) -> Result<()> {
        options.check()?;
        self.model.speaker(options).map(drop)
    }

    /// Prepares speech: reads the text, checks everything that can be wrong with the request, and leaves the synthesis to the iterator, whose chunks are
    /// whole segments.
    ///
    /// # Errors
    /// If a voice does not exist, a number is out of range, the text too long, or nothing in it can be spoken.
    pub fn speak(&self, input: Input, options: &Options) -> Result<Speech<'_>> {
        self.stream(input, options, ChunkSize::Segment)
    }

    /// [`Synthesizer::speak`] in chunks of `chunk_size`, each ready long before the last. Joined they are the same audio. VITS models are cut anywhere;
    /// Kokoro, whose normalisation looks at a whole segment, between segments.
    ///
    /// # Errors
    /// As [`Synthesizer::speak`].
    pub fn stream(&self, input: Input, options: &Options, chunk_size: ChunkSize) -> Result<Speech<'_>> {
        options.check()?;
        let (Input::Text(text) | Input::Ssml(text) | Input::Phonemes(text)) = input;
        if text.len() > options.max_text_bytes {
            return Err(Error::TextTooLong { bytes: text.len(), limit: options.max_text_bytes });
        }
        let reading = Reading::new(&*self.model, input, options)?;
        Speech::new(self, reading, options, chunk_size)
    }

    /// Says several segments at once, on a GPU up to 64 in one pass: what [`Synthesizer::synthesize`] says of each, the segments counted from `first` on.
    ///
    /// # Errors
    /// If the options or the phonemes do not suit the model.
    pub fn synthesize_batch(&self, phonemes: &[&str], options: &Options, first: u32) -> Result<Vec<Vec<f32>>> {
        options.check()?;
        let speaker = self.model.speaker(options)?;
        let encoded: Vec<_> = phonemes.iter().map(|phonemes| self.model.encode(phonemes)).collect();
        let segments = encoded.iter().zip(phonemes).zip(first..).map(|((encoded, phonemes), index)| Encoding {
            ids: &encoded.ids,
            symbols: phonemes.chars().count(),
            index,
        });
        let segments: Vec<_> = segments.collect();
        let mut samples = Vec::new();
        for batch in segments.chunks(MAX_BATCH) {
            samples.extend(self.pool.install(|| speaker.say_all(batch, options.seed))?);
        }
        Ok(samples)
    }

    /// The ids that the graph gets for a segment's `phonemes`, and the symbols that it has none for.
    pub fn encode(&self, phonemes: &str) -> Encoded {
        self.model.encode(phonemes)
    }

    /// Says one segment at once; symbols that the model has no id for are left out. `segment` is the segment's number in its utterance and part of the
    /// noise's counter; `probe` sees every stage.
    ///
    /// # Errors
    /// If the options or the phonemes do not suit the model.
    pub fn synthesize(
        &self,
        phonemes: &str,
        options: &Options,
        segment: u32,
        probe: &mut (dyn Probe + Send),
    ) -> Result<Vec<f32>> {
        options.check()?;
        let speaker = self.model.speaker(options)?;
        let encoded = self.model.encode(phonemes);
        let segment = Encoding { ids: &encoded.ids, symbols: phonemes.chars().count(), index: segment };
        self.pool.install(|| {
            let mut utterance = speaker.begin(&segment, options.seed, probe)?;
            let frames = utterance.durations().iter().sum::<u32>() as usize;
            utterance.decode(0..frames, probe)
        })
    }
}
