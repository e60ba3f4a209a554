//! `lumivox convert`

use std::process::ExitCode;

use anyhow::{Result, bail};
use lumivox::convert::{Options, convert};
use lumivox::store::{Reporter, Stage};

use crate::args::ConvertArguments;
use crate::output::print;
use crate::progress::PullProgress;

/// Converts a checkpoint and prints what was done.
pub fn run(arguments: &ConvertArguments) -> Result<ExitCode> {
    let output = arguments.output.clone().unwrap_or_else(|| arguments.input.with_extension("safetensors"));
    // By whatever name: the checkpoint must survive.
    if output.canonicalize().is_ok_and(|output| arguments.input.canonicalize().is_ok_and(|input| input == output)) {
        bail!("the input and the output are the same file; give another with --output");
    }
    let options = Options {
        config: arguments.config.clone(),
        voices: arguments.voices.clone(),
        language: arguments.language.clone(),
        dtype: arguments.dtype.into(),
        license: arguments.license.clone(),
    };
    let progress = PullProgress::new(arguments.quiet);
    let report = convert(&arguments.input, &output, &options, &mut |step| {
        progress.progress(Stage::Convert, step.done_bytes, step.total_bytes);
    })?;
    progress.finish();
    if !arguments.quiet {
        print(&format!("{report}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
