//! `lumivox voices`

use std::process::ExitCode;

use anyhow::Result;
use lumivox::convert::ModelFile;
use lumivox::convert::kokoro::voice_language;

use super::find;
use crate::args::VoicesArguments;
use crate::output::{print, table};

/// Lists the voices of a model file with their languages.
pub fn run(arguments: &VoicesArguments) -> Result<ExitCode> {
    let file = ModelFile::open(find(&arguments.model.model)?)?;
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
