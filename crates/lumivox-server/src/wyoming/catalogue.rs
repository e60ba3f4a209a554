//! Voices as Wyoming names them.

use std::sync::Arc;

use lumivox::convert::Family;
use serde_json::{Value, json};

use crate::engine::{Available, Engine, SpeechRequest, Voices};
use crate::error::{ApiError, Result};

/// The program `lumivox` and all voices: those of Kokoro by their own names, every other model as one voice, with speakers where it has several.
pub(super) fn info(engine: &Engine) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let attribution = json!({ "name": "lumivox", "url": "" });
    let mut voices = Vec::new();
    for (model, known) in readable(engine) {
        let voice = |name: &str, language: Option<&str>, speakers: Option<Vec<Value>>| {
            json!({
                "name": name, "description": format!("{name} ({})", model.name), "attribution": attribution, "installed": true,
                "version": version, "languages": [language.map_or("en".to_owned(), tag)], "speakers": speakers,
            })
        };
        if known.family == Family::Kokoro {
            // Of several such models the first, which is the default one if that is.
            for each in &known.list {
                if !voices.iter().any(|other: &Value| other["name"] == each.id.as_str()) {
                    voices.push(voice(&each.id, each.language.as_deref(), None));
                }
            }
        } else {
            let speakers = known.list.iter().map(|speaker| json!({ "name": speaker.id })).collect();
            let language = known.list.first().and_then(|speaker| speaker.language.as_deref());
            voices.push(voice(&model.name, language, (known.list.len() > 1).then_some(speakers)));
        }
    }
    let program = json!({
        "name": "lumivox", "description": "Kokoro, Piper and MMS voices", "attribution": attribution, "installed": true, "version": version,
        "voices": voices, "supports_synthesize_streaming": true,
    });
    json!({ "asr": [], "tts": [program], "handle": [], "intent": [], "wake": [], "mic": [], "snd": [] })
}

/// The request for a `voice` of an event: its name, else its language, else the default one.
pub(super) fn find(engine: &Engine, voice: &Value) -> Result<SpeechRequest> {
    let text = |key: &str| voice.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut request = SpeechRequest::default();
    let Some(name) = text("name") else {
        request.options.voice = text("language").and_then(|language| speaks(engine, language));
        return Ok(request);
    };
    for (model, known) in readable(engine) {
        if model.name == name {
            request.model = model.name;
            request.options.voice = text("speaker").map(str::to_owned);
            return Ok(request);
        }
        if known.family == Family::Kokoro && known.list.iter().any(|each| each.id == name) {
            request.model = model.name;
            request.options.voice = Some(name.to_owned());
            return Ok(request);
        }
    }
    let shown: String = name.chars().take(64).collect();
    let message = format!("there is no voice `{}`", shown.escape_debug());
    Err(ApiError::NotFound { message, param: Some("voice") })
}

/// All models that can be read, the default one first. A damaged one must not hide the others.
fn readable(engine: &Engine) -> impl Iterator<Item = (Available, Arc<Voices>)> {
    let mut models = engine.models.available();
    models.sort_by_key(|model| model.name != engine.models.default_name());
    models.into_iter().filter_map(|model| match engine.models.voices(&model) {
        Ok(voices) => Some((model, voices)),
        Err(error) => {
            tracing::warn!(model = model.name, %error, "voices can't be listed");
            None
        }
    })
}

/// A voice of the default model that speaks `language`.
fn speaks(engine: &Engine, language: &str) -> Option<String> {
    let (_, voices) = readable(engine).next().filter(|(model, _)| model.name == engine.models.default_name())?;
    let voices = &voices.list;
    let (whole, primary) = (tag(language), tag(language).split('_').next().unwrap_or_default().to_owned());
    let tags = |voice: &crate::engine::Voice| voice.language.as_deref().map(tag).unwrap_or_default();
    let exact = voices.iter().find(|voice| tags(voice) == whole);
    let voice = exact.or_else(|| voices.iter().find(|voice| tags(voice).split('_').next() == Some(&primary)))?;
    // The default voice, where that speaks the language.
    let default = voices.iter().find(|own| own.id == lumivox::KOKORO_DEFAULT_VOICE && tags(own) == tags(voice));
    Some(default.unwrap_or(voice).id.clone())
}

/// A tag as Home Assistant writes it: `en_US`.
fn tag(language: &str) -> String {
    match language.split_once(['-', '_']) {
        Some((language, region)) => format!("{}_{}", language.to_ascii_lowercase(), region.to_ascii_uppercase()),
        None => language.to_ascii_lowercase(),
    }
}
