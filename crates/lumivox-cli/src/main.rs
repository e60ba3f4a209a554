//! The `lumivox` command.

mod args;
mod commands;
mod interrupt;
mod output;
mod partial;
mod progress;
mod sink;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use args::{Arguments, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Some inputs, lines or voices failed, and the others are done; or a comparison is outside its bounds.
const SOME_FAILED: u8 = 1;
/// Wrong usage, or nothing could be done. clap ends with the same code.
const FATAL: u8 = 2;

fn main() -> ExitCode {
    let started = Instant::now();
    let result = match Arguments::parse().command {
        Command::Say(arguments) => commands::say::run(&arguments),
        Command::Piper(arguments) => commands::piper::run(&arguments),
        Command::Pull(arguments) => commands::pull::run(&arguments),
        Command::Models(arguments) => commands::models::run(&arguments),
        Command::Voices(arguments) => commands::voices::run(&arguments),
        Command::Convert(arguments) => commands::convert::run(&arguments),
        Command::Inspect(arguments) => commands::inspect::run(&arguments),
        Command::Explain(arguments) => commands::explain::run(&arguments),
        Command::Serve(arguments) => commands::serve::run(&arguments),
        Command::Bench(arguments) => commands::bench::run(&arguments, started),
        Command::Parity(arguments) => commands::parity::run(&arguments),
        Command::Completions(arguments) => commands::shell::completions(&arguments),
        Command::Manual(arguments) => commands::shell::manual(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            output::note(format_args!("lumivox: {}", output::describe(&error)));
            ExitCode::from(FATAL)
        }
    }
}
