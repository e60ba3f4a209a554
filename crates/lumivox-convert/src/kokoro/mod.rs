//! Kokoro: its configuration, its tensors, and how each kind of checkpoint names them.

mod config;
mod onnx;
mod read;
mod schema;
mod state_dict;
mod voices;

pub use crate::schema::Schema;
pub use config::{Config, IstftNet, PlBert};
pub(crate) use read::read;
pub use schema::schema;

/// Sample rate of the audio in Hz; upstream has it in its code.
pub const SAMPLE_RATE_HZ: u32 = 24_000;

/// What the names of voice tensors begin with.
pub(crate) const VOICE_PREFIX: &str = "voices.";

/// The language of a voice, by the first letter of its name (`LANG_CODES` of upstream's `pipeline.py`).
pub fn voice_language(voice: &str) -> Option<&'static str> {
    Some(match voice.as_bytes().first()? {
        b'a' => "en-us",
        b'b' => "en-gb",
        b'e' => "es",
        b'f' => "fr",
        b'h' => "hi",
        b'i' => "it",
        b'j' => "ja",
        b'p' => "pt-br",
        b'z' => "zh",
        _ => return None,
    })
}
