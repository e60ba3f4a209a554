//! `lumivox pull`

use std::process::ExitCode;

use anyhow::Result;
use lumivox::store::Store;

use crate::args::PullArguments;
use crate::output::print;
use crate::progress::PullProgress;

/// Fetches and converts a model, or fetches a dictionary.
pub fn run(arguments: &PullArguments) -> Result<ExitCode> {
    let progress = PullProgress::new(arguments.quiet);
    let store = Store::open()?;
    if store.dictionaries().any(|(entry, _)| entry.name == arguments.name) {
        let (folder, fetched) = store.dictionary(&arguments.name, arguments.again, &progress)?;
        progress.finish();
        if !arguments.quiet {
            let state = if fetched { "is here now" } else { "is here already" };
            print(&format!("{} {state}: {}\n", arguments.name, folder.display()))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let pulled = store.pull(&arguments.name, arguments.again, &progress)?;
    progress.finish();
    if !arguments.quiet {
        match pulled.report {
            Some(report) => print(&format!("{report}\n"))?,
            None => {
                let name = pulled.path.file_stem().unwrap_or_default().to_string_lossy();
                print(&format!("{name} is here already: {}\n", pulled.path.display()))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
