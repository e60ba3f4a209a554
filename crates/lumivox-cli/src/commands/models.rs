//! `lumivox models`

use std::process::ExitCode;

use anyhow::{Result, bail};
use lumivox::store::{self, ModelStatus, Store};

use crate::args::ModelsArguments;
use crate::output::{megabytes, print, table};

/// Lists models: the manifest's and those that are here, all that are known, or those that speak a language.
pub fn run(arguments: &ModelsArguments) -> Result<ExitCode> {
    let store = Store::open()?;
    let models: Vec<ModelStatus> = match &arguments.language {
        Some(language) => store.models_speaking(language)?,
        None if arguments.all => store.known_models().collect(),
        None => store.models().collect(),
    };
    if arguments.json.json {
        let models: Vec<_> = models.iter().map(json).collect();
        print(&format!("{}\n", serde_json::to_string_pretty(&models)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(language) = arguments.language.as_ref().filter(|_| models.is_empty()) {
        bail!("no model that is known speaks {language}");
    }
    let head = ["name", "model", "licence", "languages", "here"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(models.iter().map(row)).collect();
    let more = if arguments.all || arguments.language.is_some() {
        "`lumivox pull NAME` fetches a model.".to_owned()
    } else {
        format!(
            "By name, {} Piper voices (such as en_US-lessac-medium) and MMS-TTS in {} languages (such as mms-swh) can be pulled, too.\n\
             `lumivox models --language LANGUAGE` finds what speaks a language, `--all` lists everything, `lumivox pull NAME` fetches it.",
            store::piper_voice_count(),
            store::mms_language_count()
        )
    };
    print(&format!("{}\n{more}\nModels are kept in {}.\n", table(&rows), store.root().display()))?;
    Ok(ExitCode::SUCCESS)
}

fn row(model: &ModelStatus) -> Vec<String> {
    let entry = &model.entry;
    vec![
        entry.name.clone(),
        entry.title.clone(),
        entry.license.clone().unwrap_or_else(|| "see its card".into()),
        entry.languages.join(" "),
        model.installed_bytes.map_or("no".into(), megabytes),
    ]
}

fn json(model: &ModelStatus) -> serde_json::Value {
    serde_json::json!({
        "name": model.entry.name, "title": model.entry.title, "family": model.entry.family,
        "license": model.entry.license, "languages": model.entry.languages,
        "path": model.path, "installed_bytes": model.installed_bytes,
    })
}
