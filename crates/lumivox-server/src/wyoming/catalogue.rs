//! Voices as Wyoming names them.

use serde_json::{Value, json};

use crate::engine::{Available, Engine, SpeechRequest};
use crate::error::{ApiError, Result};

/// The program `lumivox` and all voices: those of Kokoro by their own names, every other model as one voice, with speakers where it has several.
pub(super) fn info(engine: &Engine) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let attribution = json!({ "name": "lumivox", "url": "https://github.com/lumivox/lumivox" });
    let mut voices = Vec::new();
    for model in models(engine) {
        let Ok(known) = engine.models.voices(&model) else { continue };
        let voice = |name: &str, language: Option<&str>, speakers: Option<Vec<Value>>| {
            json!({
                "name": name, "description": format!("{name} ({})", model.name), "attribution": attribution, "installed": true,
                "version": version, "languages": [language.map_or("en".to_owned(), tag)], "speakers": speakers,
            })
        };
        if is_kokoro(&model, &known) {
            // Of several such models the first, which is the default one if that is.
            for each in known.iter() {
                if !voices.iter().any(|other: &Value| other["name"] == each.id.as_str()) {
                    voices.push(voice(&each.id, each.language.as_deref(), None));
                }
            }
        } else {
            let speakers = known.iter().map(|speaker| json!({ "name": speaker.id })).collect();
            let language = known.first().and_then(|speaker| speaker.language.as_deref());
            voices.push(voice(&model.name, language, (known.len() > 1).then_some(speakers)));
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
    for model in models(engine) {
        let known = engine.models.voices(&model)?;
        if model.name == name {
            request.model = model.name;
            request.options.voice = text("speaker").map(str::to_owned);
            return Ok(request);
        }
        if is_kokoro(&model, &known) && known.iter().any(|each| each.id == name) {
            request.model = model.name;
            request.options.voice = Some(name.to_owned());
            return Ok(request);
        }
    }
    let shown: String = name.chars().take(64).collect();
    let message = format!("there is no voice `{}`", shown.escape_debug());
    Err(ApiError::NotFound { message, param: Some("voice") })
}

/// All models, the default one first.
fn models(engine: &Engine) -> Vec<Available> {
    let mut models = engine.models.available();
    models.sort_by_key(|model| model.name != engine.models.default_name());
    models
}

/// Whether a model's voices have names and languages of their own.
fn is_kokoro(model: &Available, voices: &[crate::engine::Voice]) -> bool {
    model.name.starts_with("kokoro") || voices.iter().any(|voice| voice.id == "af_heart")
}

/// A voice of the default model that speaks `language`.
fn speaks(engine: &Engine, language: &str) -> Option<String> {
    let model = models(engine).into_iter().next()?;
    let voices = engine.models.voices(&model).ok()?;
    let (whole, primary) = (tag(language), tag(language).split('_').next().unwrap_or_default().to_owned());
    let tags = |voice: &crate::engine::Voice| voice.language.as_deref().map(tag).unwrap_or_default();
    let exact = voices.iter().find(|voice| tags(voice) == whole);
    let voice = exact.or_else(|| voices.iter().find(|voice| tags(voice).split('_').next() == Some(&primary)))?;
    // The default voice, where that speaks the language.
    let default = voices.iter().find(|own| own.id == "af_heart" && tags(own) == tags(voice));
    Some(default.unwrap_or(voice).id.clone())
}

/// A tag as Home Assistant writes it: `en_US`.
fn tag(language: &str) -> String {
    match language.split_once(['-', '_']) {
        Some((language, region)) => format!("{}_{}", language.to_ascii_lowercase(), region.to_ascii_uppercase()),
        None => language.to_ascii_lowercase(),
    }
}
