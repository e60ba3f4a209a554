//! `lumivox models`

use std::process::ExitCode;

use anyhow::Result;
use lumivox::store::Store;

use crate::args::JsonArguments;
use crate::output::{megabytes, print, table};

/// Lists the models of the manifest.
pub fn run(arguments: &JsonArguments) -> Result<ExitCode> {
    let store = Store::open()?;
    if arguments.json {
        let models: Vec<_> = store
            .models()
            .map(|model| {
                serde_json::json!({
                    "name": model.entry.name, "title": model.entry.title, "family": model.entry.family,
                    "license": model.entry.license, "languages": model.entry.languages,
                    "path": model.path, "installed_bytes": model.installed_bytes,
                })
            })
            .collect();
        print(&format!("{}\n", serde_json::to_string_pretty(&models)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let head = ["name", "model", "licence", "languages", "here"].map(str::to_owned).to_vec();
    let rows = store.models().map(|model| {
        let here = model.installed_bytes.map_or("no; `lumivox pull` fetches it".to_owned(), megabytes);
        let entry = model.entry;
        vec![entry.name.clone(), entry.title.clone(), entry.license.clone(), entry.languages.join(" "), here]
    });
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    print(&format!("{}\nModels are kept in {}.\n", table(&rows), store.root().display()))?;
    Ok(ExitCode::SUCCESS)
}
