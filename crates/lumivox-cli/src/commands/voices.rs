//! `lumivox voices`

use std::process::ExitCode;

use anyhow::Result;
use lumivox::convert::Family;
use lumivox::convert::kokoro::voice_language;
use lumivox::convert::vits::{Config, MmsText, PiperText, Text};

use super::open;
use crate::args::VoicesArguments;
use crate::output::{print, table};

/// Lists the voices of a model file with their languages, or its speakers with their numbers.
pub fn run(arguments: &VoicesArguments) -> Result<ExitCode> {
    let file = open(&arguments.model.model)?;
    if file.metadata().family == Family::Vits {
        return speakers(&Config::parse(&file.metadata().config)?, arguments.json.json);
    }
    let voices: Vec<(&str, &str)> = file.voices().map(|voice| (voice, voice_language(voice).unwrap_or("?"))).collect();
    if arguments.json.json {
        let voices: Vec<_> =
            voices.iter().map(|(name, language)| serde_json::json!({ "name": name, "language": language })).collect();
        print(&format!("{}\n", serde_json::to_string_pretty(&voices)?))?;
    } else {
        let rows: Vec<Vec<String>> =
            voices.iter().map(|(name, language)| vec![(*name).to_owned(), (*language).to_owned()]).collect();
        print(&table(&rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists the speakers of a VITS model by their numbers, with names where they have some.
fn speakers(config: &Config, json: bool) -> Result<ExitCode> {
    let (Text::Piper(PiperText { speaker_id_map: names, .. }) | Text::Mms(MmsText { speaker_id_map: names, .. })) =
        &config.text;
    let name = |id: u32| names.iter().find(|(_, known)| **known == id).map(|(name, _)| name.as_str());
    let speakers: Vec<(u32, Option<&str>)> = (0..config.n_speakers.max(1) as u32).map(|id| (id, name(id))).collect();
    if json {
        let speakers: Vec<_> =
            speakers.iter().map(|(id, name)| serde_json::json!({ "speaker": id, "name": name })).collect();
        print(&format!("{}\n", serde_json::to_string_pretty(&speakers)?))?;
    } else {
        let row = |(id, name): &(u32, Option<&str>)| vec![id.to_string(), name.unwrap_or_default().to_owned()];
        print(&table(&speakers.iter().map(row).collect::<Vec<_>>()))?;
    }
    Ok(ExitCode::SUCCESS)
}
