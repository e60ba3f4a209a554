//! The body of a request for speech.

use std::collections::BTreeMap;
use std::str::FromStr;

use lumivox::Options;
use lumivox::text::{Emoji, Language};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::State;
use crate::encode::Format;
use crate::engine::{InputKind, SpeechRequest};
use crate::error::{ApiError, Result};

/// The fields: OpenAI's, and ours.
#[derive(Debug, Deserialize)]
struct Body {
    #[serde(default)]
    model: String,
    input: String,
    voice: Option<Voice>,
    response_format: Option<String>,
    speed: Option<f32>,
    stream_format: Option<String>,
    #[serde(alias = "language", alias = "lang_code")]
    lang: Option<String>,
    seed: Option<u64>,
    #[serde(default)]
    timestamps: bool,
    input_type: Option<String>,
    #[serde(default)]
    emoji: bool,
    sentence_silence: Option<f32>,
    paragraph_silence: Option<f32>,
    noise_scale: Option<f32>,
    noise_w: Option<f32>,
    length_scale: Option<f32>,
    /// How it should sound, in words: the models here don't take it.
    instructions: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Voice {
    Name(String),
    Object { id: String },
}

/// How the audio is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Its bytes.
    Audio,
    /// Events of server-sent events.
    Events,
}

/// A request that was understood.
#[derive(Debug)]
pub(super) struct Understood {
    pub speech: SpeechRequest,
    pub format: Format,
    pub delivery: Delivery,
    /// Whether events tell when words sound.
    pub timestamps: bool,
    /// Fields that have no effect.
    pub ignored: Vec<String>,
}

/// Reads the first message of a WebSocket, in which all fields may be missing.
pub(super) fn understand_stream(mut fields: Map<String, Value>, state: &State) -> Result<Understood> {
    fields.insert("input".into(), "".into());
    fields.entry("response_format").or_insert("pcm".into());
    // The frames are events as they are.
    fields.insert("stream_format".into(), "sse".into());
    understand(Value::Object(fields).to_string().as_bytes(), state)
}

/// Reads a body.
pub(super) fn understand(body: &[u8], state: &State) -> Result<Understood> {
    let text = std::str::from_utf8(body)
        .map_err(|error| ApiError::Invalid { message: format!("the body is not UTF-8: {error}"), param: None })?;
    let body: Body = serde_json::from_str(text).map_err(|error| ApiError::Invalid {
        message: format!("the body is not what is expected: {error}"),
        param: None,
    })?;
    let delivery = match body.stream_format.as_deref() {
        None | Some("audio") => Delivery::Audio,
        Some("sse") => Delivery::Events,
        Some(other) => {
            return Err(ApiError::invalid(
                "stream_format",
                format!("`{}` is neither audio nor sse", other.escape_debug()),
            ));
        }
    };
    if body.timestamps && delivery == Delivery::Audio {
        return Err(ApiError::invalid(
            "timestamps",
            "timestamps come as events; ask for \"stream_format\": \"sse\" with them",
        ));
    }
    let format = format(body.response_format.as_deref(), state)?;
    let mut ignored: Vec<String> = body.others.into_keys().collect();
    ignored.extend(body.instructions.map(|_| "instructions".to_owned()));
    let defaults = Options::default();
    let options = Options {
        voice: body.voice.map(|voice| match voice {
            Voice::Name(name) | Voice::Object { id: name } => name,
        }),
        language: body.lang.as_deref().map(language).transpose()?,
        emoji: if body.emoji { Emoji::Name } else { Emoji::Skip },
        speed: body.speed.unwrap_or(1.0),
        seed: body.seed.unwrap_or(0),
        sentence_silence_s: body.sentence_silence.unwrap_or(0.0),
        paragraph_silence_s: body.paragraph_silence,
        noise_scale: body.noise_scale,
        noise_w: body.noise_w,
        length_scale: body.length_scale,
        ..defaults
    };
    let kind = match body.input_type.as_deref() {
        None | Some("text") => InputKind::Text,
        Some("ssml") => InputKind::Ssml,
        Some("phonemes") => InputKind::Phonemes,
        Some(_) => return Err(ApiError::invalid("input_type", "it is text, ssml or phonemes")),
    };
    let speech = SpeechRequest { model: body.model, input: body.input, kind, options };
    Ok(Understood { speech, format, delivery, timestamps: body.timestamps, ignored })
}

/// The format that is asked for. OpenAI's default is MP3; where that can't be made, a request that names no format gets WAV.
fn format(asked: Option<&str>, state: &State) -> Result<Format> {
    let format = match asked {
        None if state.config.has_ffmpeg => Format::Mp3,
        None => Format::Wav,
        Some(name) => Format::parse(name).ok_or_else(|| {
            ApiError::invalid(
                "response_format",
                format!("`{}` is none of wav, pcm, flac, opus, mp3, aac", name.escape_debug()),
            )
        })?,
    };
    if format.needs_ffmpeg() && !state.config.has_ffmpeg {
        return Err(ApiError::invalid(
            "response_format",
            "mp3 and aac need ffmpeg, which is not installed on this server; ask for wav, flac, opus or pcm",
        ));
    }
    Ok(format)
}

/// A tag, or one of the letters by which Kokoro's programs name its languages.
fn language(tag: &str) -> Result<Language> {
    let tag = match tag {
        "a" => "en-us",
        "b" => "en-gb",
        "e" => "es",
        "f" => "fr",
        "h" => "hi",
        "i" => "it",
        "j" => "ja",
        "p" => "pt-br",
        "z" => "zh",
        other => other,
    };
    Language::from_str(tag).map_err(|error| ApiError::invalid("lang", error.to_string()))
}
