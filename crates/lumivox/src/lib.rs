//! Text-to-speech with Kokoro-82M and the VITS family (Piper voices, MMS-TTS) in pure Rust, without Python and ONNX Runtime.
//!
//! A model file, which [`lumivox_convert`] makes from a published checkpoint, is loaded into a [`Synthesizer`]; [`Synthesizer::speak`] reads a text and returns
//! an iterator of audio chunks, the first of which is ready long before the last.
//!
//! ```
//! use lumivox::audio::{SampleFormat, WavFile};
//! use lumivox::{Input, Options, Synthesizer, store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The model file: from the cache, or fetched and converted first. `()` watches no progress.
//! let model = store::resolve("kokoro", &())?;
//! let synthesizer = Synthesizer::open(&model, None)?;
//! let folder = tempfile::tempdir()?;
//! let mut wav = WavFile::create(&folder.path().join("hello.wav"), synthesizer.sample_rate_hz(), SampleFormat::I16)?;
//! for chunk in synthesizer.speak(Input::Text("Hello, world!"), &Options::new("af_heart"))? {
//!     wav.write(&chunk?.samples)?;
//! }
//! wav.finish()?;
//! # Ok(())
//! # }
//! ```
//!
//! Noise comes from a counter-based generator ([`noise`]): the same text, voice and seed give the same audio on any number of threads.

pub mod audio;
mod device;
#[cfg(feature = "embedded-voice")]
pub mod embedded;
mod error;
mod front_ends;
mod model;
pub mod noise;
mod options;
mod owned;
mod reading;
mod speech;
pub mod store;
mod synthesizer;
mod timestamps;
mod voice;
pub mod weights;

pub use device::{Copies, Device, DeviceChoice, LoadOptions, Precision};
pub use error::{Error, Result};
pub use front_ends::FrontEnds;
pub use model::{KOKORO_DEFAULT_VOICE, KOKORO_SEGMENT_LIMITS};
pub use options::{ChunkSize, G2p, Input, Options};
pub use owned::OwnedSpeech;
pub use speech::{Chunk, Speech, Warning};
pub use synthesizer::Synthesizer;
pub use timestamps::{PhonemeTime, Timestamps, WordTime};
pub use voice::VoiceSpec;

pub use lumivox_convert as convert;
pub use lumivox_text as text;

/// The snippets of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
