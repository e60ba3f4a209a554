//! Text to what a speech model reads: tokens with phonemes, segments, ids.
//!
//! [`English`] turns text into [`Token`]s, each with its span in the original, the words that are said and their phonemes
//! in misaki's symbols. [`segments`] cuts them where a speaker would pause; [`ids::kokoro::Vocabulary`] turns phonemes into
//! the ids of a model. No word is lost: what cannot be said is a [`Warning`]. Dictionaries and models are compiled in,
//! nothing is downloaded, and there is no tensor library here.

mod characters;
mod data;
mod english;
mod error;
pub mod espeak;
pub mod evaluation;
pub mod ids;
pub mod letter_to_sound;
pub mod mms;
mod phonemes;
pub mod piper;
mod segments;
mod token;
pub mod uroman;

pub use english::{Accent, Dialect, English, Grade, gold_entries, to_espeak};
pub use error::{Error, Result};
pub use phonemes::with_phoneme_blocks;
pub use segments::{Segment, SegmentLimits, segments};
pub use token::{Boundary, Phonemized, Reason, Source, Token, Warning};
