//! What the engine needs of a model family.

#[cfg(any(feature = "cuda", feature = "emulation"))]
mod gpu;
mod kokoro;
mod reader;
mod vits;

pub use kokoro::{DEFAULT_VOICE as KOKORO_DEFAULT_VOICE, SEGMENT_LIMITS as KOKORO_SEGMENT_LIMITS};

use std::ops::Range;
use std::sync::Arc;

use lumivox_convert::{Family, ModelFile};
use lumivox_models::{NoProbe, Probe};
use lumivox_text::ids::Encoded;
use lumivox_text::{Phonemized, SegmentLimits};

use crate::device::{LoadOptions, Precision};
use crate::error::{Error, Result};
use crate::options::Options;

/// A loaded model: how it reads, and how it says what it has read.
pub(crate) trait Model: Send + Sync {
    /// Samples in a second of the audio.
    fn sample_rate_hz(&self) -> u32;

    /// Samples of a frame, the unit of durations.
    fn samples_per_frame(&self) -> usize;

    /// Names of the voices or speakers, sorted; none where there is one without a name.
    fn voices(&self) -> Vec<&str>;

    /// How a text is cut for this model.
    fn segment_limits(&self) -> SegmentLimits;

    /// Text to phonemes in the model's symbols.
    fn read(&self, text: &str, options: &Options) -> Result<Phonemized>;

    /// Phonemes to ids.
    fn encode(&self, phonemes: &str) -> Encoded;

    /// Looks up and checks what `options` ask for.
    fn speaker<'a>(&'a self, options: &Options) -> Result<Box<dyn Speaker<'a> + 'a>>;
}

/// A model with a voice and all other choices made.
pub(crate) trait Speaker<'a>: Send + Sync {
    /// Decides how a segment is said: up to the durations and whatever must be known of the whole before the first sample can be.
    fn begin(&self, segment: &Encoding, seed: u64, probe: &mut dyn Probe) -> Result<Box<dyn Utterance + 'a>>;

    /// Samples of several segments; one after the other unless the device takes them together.
    fn say_all(&self, segments: &[Encoding], seed: u64) -> Result<Vec<Vec<f32>>> {
        segments.iter().map(|segment| say(self, segment, seed)).collect()
    }
}

/// Samples of a segment.
fn say<'a>(speaker: &(impl Speaker<'a> + ?Sized), segment: &Encoding, seed: u64) -> Result<Vec<f32>> {
    let mut utterance = speaker.begin(segment, seed, &mut NoProbe)?;
    let frames = utterance.durations().iter().sum::<u32>() as usize;
    utterance.decode(0..frames, &mut NoProbe)
}

/// A segment as the model reads it.
pub(crate) struct Encoding<'a> {
    /// The ids.
    pub(crate) ids: &'a [u32],
    /// Symbols of the phoneme string that they are from.
    pub(crate) symbols: usize,
    /// The segment's number in what is said: part of the noise's counter.
    pub(crate) index: u32,
}

/// A segment about to be heard.
pub(crate) trait Utterance: Send {
    /// Frames of each id.
    fn durations(&self) -> &[u32];

    /// Whether parts of it can be decoded by themselves.
    fn is_divisible(&self) -> bool;

    /// Samples of `frames`, in -1..1; of all frames where the utterance is not divisible.
    fn decode(&mut self, frames: Range<usize>, probe: &mut dyn Probe) -> Result<Vec<f32>>;
}

/// The model in `file`, which errors call `name`.
pub(crate) fn load(file: Arc<ModelFile>, name: &str, options: &LoadOptions) -> Result<Box<dyn Model>> {
    if options.precision == Precision::Int8 && file.metadata().family != Family::Kokoro {
        return Err(Error::NotOfFamily { name: "precision int8", family: "VITS" });
    }
    Ok(match file.metadata().family {
        Family::Kokoro => Box::new(kokoro::KokoroModel::load(file, name, options)?),
        Family::Vits => Box::new(vits::VitsModel::load(file, name, options)?),
        other => {
            let reason = format!("{other} models can't be spoken");
            return Err(Error::Config { model: name.to_owned(), reason });
        }
    })
}
