//! `lumivox completions` and `lumivox manual`

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::args::{Arguments, CompletionsArguments, ManualArguments};
use crate::output::print;

/// Prints what a shell completes the command line by.
pub fn completions(arguments: &CompletionsArguments) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "lumivox", &mut script);
    print(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a manual page for the program and for each command.
pub fn manual(arguments: &ManualArguments) -> Result<ExitCode> {
    let folder = &arguments.output;
    let failed = || format!("the pages can't be written to {}", folder.display());
    fs::create_dir_all(folder).with_context(failed)?;
    clap_mangen::generate_to(Arguments::command(), folder).with_context(failed)?;
    Ok(ExitCode::SUCCESS)
}
