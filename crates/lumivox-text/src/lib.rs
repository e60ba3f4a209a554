//! Text to what a speech model reads: tokens with phonemes, segments, ids.
//!
//! A front-end turns text into [`Token`]s, each with its span in the original and its phonemes:
//!
//! - [`English`], in misaki's symbols, as Kokoro reads them; [`to_espeak`] rewrites those in espeak-ng's IPA for Piper's voices;
//! - [`Phonemizer`], Spanish, French, Italian, Brazilian Portuguese and Hindi, in the symbols that Kokoro reads;
//! - [`Mandarin`] and [`Japanese`], as Kokoro reads them;
//! - [`espeak::Espeak`], other languages through an installed espeak-ng, for Piper's voices;
//! - [`piper::phonemize_text`], for Piper's voices that read letters;
//! - [`mms::Mms`], for MMS-TTS, which reads letters too, some languages' [romanised](uroman).
//!
//! [`with_phoneme_blocks`] lets a text give phonemes of its own. [`segments`] cuts tokens where a speaker would pause; [`ids`]
//! turns phonemes into the ids of a model. No word is lost: what cannot be said is a [`Warning`]. Dictionaries and models are
//! compiled in, but for that of Japanese, which is a folder; nothing is downloaded, and there is no tensor library here.

mod characters;
mod cjk;
mod data;
mod english;
mod error;
pub mod espeak;
pub mod evaluation;
pub mod ids;
mod japanese;
mod language;
pub mod letter_to_sound;
mod lexicon;
mod mandarin;
pub mod mms;
mod normalize;
mod phonemes;
mod phonemizer;
pub mod piper;
mod segments;
pub mod ssml;
mod token;
pub mod uroman;

pub use english::{Accent, Dialect, English, Grade, gold_entries, to_espeak};
pub use error::{Error, Result};
pub use japanese::Japanese;
pub use language::{FrontEnd, Language, front_end};
pub use lexicon::{UserLexicon, WithLexicon};
pub use mandarin::Mandarin;
pub use normalize::Emoji;
pub use phonemes::with_phoneme_blocks;
pub use phonemizer::Phonemizer;
pub use segments::{Segment, SegmentLimits, segments};
pub use token::{Boundary, Phonemized, Reason, Source, Token, Warning};
