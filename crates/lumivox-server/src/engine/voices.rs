//! Which voices a model has.

use lumivox::convert::kokoro::voice_language;
use lumivox::convert::vits::{Config, MmsText, PiperText, Text};
use lumivox::convert::{Family, ModelFile};

use crate::error::{ApiError, Result};

/// A voice or speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// What a request calls it.
    pub id: String,
    /// The tag of the language that it speaks, as far as that is known.
    pub language: Option<String>,
}

/// The voices of a model, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voices {
    /// Kokoro's voices have names and languages of their own; the speakers of a VITS model speak its language.
    pub family: Family,
    /// The voices.
    pub list: Vec<Voice>,
}

/// Names of OpenAI's voices, and Kokoro's that speak for them.
const OPENAI: [(&str, &str); 13] = [
    ("alloy", "af_alloy"),
    ("ash", "am_michael"),
    ("ballad", "bm_george"),
    ("cedar", "am_fenrir"),
    ("coral", "af_bella"),
    ("echo", "am_echo"),
    ("fable", "bm_fable"),
    ("marin", "af_heart"),
    ("nova", "af_nova"),
    ("onyx", "am_onyx"),
    ("sage", "af_sarah"),
    ("shimmer", "af_sky"),
    ("verse", "am_puck"),
];

/// A model's voice for what a request asks for: OpenAI's names mean one of Kokoro's, and where there is but one voice, that.
pub(super) fn resolve(asked: &str, voices: &[&str]) -> Option<String> {
    let stands_for = OPENAI.iter().find(|(name, _)| *name == asked);
    match stands_for {
        _ if asked.is_empty() || voices.contains(&asked) => Some(asked.to_owned()).filter(|voice| !voice.is_empty()),
        Some((_, voice)) if voices.contains(voice) => Some((*voice).to_owned()),
        // A model without those voices speaks with its own.
        Some(_) => None,
        None => Some(asked.to_owned()),
    }
}

/// The voices in a model file.
pub(super) fn of(file: &ModelFile) -> Result<Voices> {
    let family = file.metadata().family;
    let mut list: Vec<Voice> = if family == Family::Vits {
        let config = Config::parse(&file.metadata().config).map_err(|error| ApiError::Internal(error.to_string()))?;
        let (Text::Piper(PiperText { speaker_id_map: names, .. }) | Text::Mms(MmsText { speaker_id_map: names, .. })) =
            &config.text;
        let name =
            |id: u32| names.iter().find(|(_, known)| **known == id).map_or(id.to_string(), |(name, _)| name.clone());
        let language = file.metadata().languages.first().cloned();
        let speakers = 0..u32::try_from(config.n_speakers.max(1)).unwrap_or(1);
        speakers.map(|id| Voice { id: name(id), language: language.clone() }).collect()
    } else {
        let voice = |id: &str| Voice { id: id.to_owned(), language: voice_language(id).map(str::to_owned) };
        file.voices().map(voice).collect()
    };
    list.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Voices { family, list })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openais_voices_are_kokoros_and_else_the_models_own() {
        let kokoro = ["af_alloy", "af_heart", "af_sky"];
        assert_eq!(resolve("alloy", &kokoro).as_deref(), Some("af_alloy"));
        assert_eq!(resolve("af_heart", &kokoro).as_deref(), Some("af_heart"));
        assert_eq!(resolve("af_heart:60,af_sky:40", &kokoro).as_deref(), Some("af_heart:60,af_sky:40"));
        assert_eq!(resolve("", &kokoro), None);
        assert_eq!(resolve("alloy", &[]), None);
        assert_eq!(resolve("nobody", &[]).as_deref(), Some("nobody"));
    }
}
