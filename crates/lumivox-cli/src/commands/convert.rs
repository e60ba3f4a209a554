//! `lumivox convert`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lumivox::convert::{Options, Report, convert};
use lumivox::store::{Reporter, Stage};
use lumivox_parity::report;

use super::{parity, resolve};
use crate::SOME_FAILED;
use crate::args::{ConvertArguments, Dtype};
use crate::output::{describe, megabytes, note, print, table};
use crate::progress::{self, PullProgress};

/// Folders are looked into this deep: Piper's collection has language, country, voice and quality.
const DEPTH: usize = 8;

/// Converts a checkpoint, or all voices of a folder, and prints what was done.
pub fn run(arguments: &ConvertArguments) -> Result<ExitCode> {
    if arguments.verify && !matches!(arguments.dtype, Dtype::F32) {
        bail!(
            "--verify holds a model to its source as exactly as f32 can; rounded weights are compared with `lumivox parity --bound`"
        );
    }
    if let Some(model) = hub_model(&arguments.input) {
        return from_hub(&model, arguments);
    }
    if arguments.all { all(arguments) } else { one(arguments) }
}

/// The name of the model in a repository of the Hugging Face hub, if that is what the input is.
fn hub_model(input: &Path) -> Option<String> {
    let id = input.to_str().filter(|_| !input.exists())?;
    match id.split_once('/')? {
        ("hexgrad", "Kokoro-82M") => Some("kokoro".to_owned()),
        ("facebook", repository) => Some(format!("mms-{}", repository.strip_prefix("mms-tts-")?)),
        _ => None,
    }
}

/// Fetches a checkpoint from the hub and converts it: pulls the model, and copies its file to where it is wanted.
fn from_hub(model: &str, arguments: &ConvertArguments) -> Result<ExitCode> {
    let as_it_is = matches!(arguments.dtype, Dtype::F32) && arguments.voices.is_empty() && arguments.config.is_none();
    if !as_it_is || arguments.verify || arguments.all {
        bail!(
            "a repository of the hub is converted as it is; fetch its files for --dtype, --voices, --config, --verify and --all"
        );
    }
    let pulled = resolve(model, arguments.quiet)?;
    let output = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("{model}.safetensors")));
    // Whole under its final name, or not at all.
    let unfinished = output.with_extension("safetensors.part");
    fs::copy(&pulled, &unfinished).with_context(|| format!("{} can't be written", unfinished.display()))?;
    fs::rename(&unfinished, &output).with_context(|| format!("{} can't be written", output.display()))?;
    if !arguments.quiet {
        print(&format!("{model}, as `lumivox pull {model}` has it: {}\n", output.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Converts one checkpoint.
fn one(arguments: &ConvertArguments) -> Result<ExitCode> {
    let output = arguments.output.clone().unwrap_or_else(|| arguments.input.with_extension("safetensors"));
    let source = if arguments.verify { Some(runnable(&arguments.input)?) } else { None };
    let progress = PullProgress::new(arguments.quiet);
    let report = convert_to(&arguments.input, &output, arguments, &mut |done, total| {
        progress.progress(Stage::Convert, done, total);
    })?;
    progress.finish();
    if !arguments.quiet {
        print(&format!("{report}\n"))?;
    }
    let Some(source) = source else { return Ok(ExitCode::SUCCESS) };
    let comparison = parity::verify(&output, &source, arguments.quiet)
        .with_context(|| format!("{} is written, but can't be compared", output.display()))?;
    let verdict = report::verdict(&comparison);
    if !comparison.is_within() {
        note(format_args!("{}: {}", output.display(), verdict.trim()));
        return Ok(ExitCode::from(SOME_FAILED));
    }
    if !arguments.quiet {
        print(&format!("  verified    {verdict}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Converts every Piper voice below a folder.
fn all(arguments: &ConvertArguments) -> Result<ExitCode> {
    let voices = voices(&arguments.input, DEPTH)?;
    if voices.is_empty() {
        bail!("{} has no Piper voice (.onnx with its .onnx.json) in it or below", arguments.input.display());
    }
    let folder = arguments.output.as_deref().unwrap_or(&arguments.input);
    let bar = progress::converting(voices.len() as u64, arguments.quiet);
    let (mut rows, mut failed) = (Vec::new(), 0);
    for voice in &voices {
        let name = voice.strip_prefix(&arguments.input).unwrap_or(voice);
        bar.set_message(name.display().to_string());
        let result = voice_to(voice, &folder.join(name.with_extension("safetensors")), arguments);
        failed += usize::from(result.is_err());
        let outcome = result.unwrap_or_else(|error| format!("FAILED: {}", describe(&error)));
        rows.push(vec![name.display().to_string(), outcome]);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if !arguments.quiet || failed > 0 {
        print(&format!("{}{} of {} voices converted\n", table(&rows), voices.len() - failed, voices.len()))?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(SOME_FAILED) })
}

/// Converts a voice, and compares it if that is asked for; what came of it.
fn voice_to(voice: &Path, output: &Path, arguments: &ConvertArguments) -> Result<String> {
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let report = convert_to(voice, output, arguments, &mut |_, _| ())?;
    let mut outcome =
        format!("{}, {}, {}", report.dtype.as_str(), megabytes(fs::metadata(output)?.len()), report.license);
    if arguments.verify {
        let comparison = parity::verify(output, voice, true)?;
        let verdict = report::verdict(&comparison);
        if !comparison.is_within() {
            bail!("{}", verdict.trim().to_owned());
        }
        outcome.push_str(", verified");
    }
    Ok(outcome)
}

fn convert_to(
    input: &Path,
    output: &Path,
    arguments: &ConvertArguments,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report> {
    // By whatever name: the checkpoint must survive.
    if output.canonicalize().is_ok_and(|output| input.canonicalize().is_ok_and(|input| input == output)) {
        bail!("the input and the output are the same file; give another with --output");
    }
    let options = Options {
        config: arguments.config.clone(),
        voices: arguments.voices.clone(),
        language: arguments.language.clone(),
        dtype: arguments.dtype.into(),
        license: arguments.license.clone(),
    };
    Ok(convert(input, output, &options, &mut |step| progress(step.done_bytes, step.total_bytes))?)
}

/// The ONNX file that the model is made from.
fn runnable(input: &Path) -> Result<PathBuf> {
    let is_onnx = |path: &Path| path.extension().is_some_and(|extension| extension == "onnx");
    let found =
        if input.is_dir() { entries(input)?.into_iter().find(|path| is_onnx(path)) } else { Some(input.to_owned()) };
    found.filter(|path| is_onnx(path)).with_context(|| {
        format!("{}: --verify runs the source with ONNX Runtime, so it must be an .onnx file; `lumivox parity --help` tells how others are compared", input.display())
    })
}

/// The Piper voices in a folder and `depth` levels below it, sorted.
fn voices(folder: &Path, depth: usize) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        let mut config = path.clone().into_os_string();
        config.push(".json");
        // Links may lead in circles.
        if path.is_dir() && !path.is_symlink() && depth > 0 {
            found.extend(voices(&path, depth - 1)?);
        } else if path.extension().is_some_and(|extension| extension == "onnx") && Path::new(&config).is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

/// What is in a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} can't be read as a folder", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
