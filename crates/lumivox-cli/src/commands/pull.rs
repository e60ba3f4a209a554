//! `lumivox pull`

use std::process::ExitCode;

use anyhow::Result;
use lumivox::store::{Source, Store};

use crate::args::{PullArguments, PullSource};
use crate::output::print;
use crate::progress::PullProgress;

/// Fetches and converts a model.
pub fn run(arguments: &PullArguments) -> Result<ExitCode> {
    let source = match arguments.source {
        PullSource::Auto => Source::Auto,
        PullSource::Hub => Source::Hub,
        PullSource::Mirror => Source::Mirror,
    };
    let progress = PullProgress::new(arguments.quiet);
    let pulled = Store::open()?.pull(&arguments.name, source, &progress)?;
    progress.finish();
    if !arguments.quiet {
        match pulled.report {
            Some(report) => print(&format!("{report}\n"))?,
            None => print(&format!("{} is here already: {}\n", arguments.name, pulled.path.display()))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}
