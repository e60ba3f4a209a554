//! `lumivox say`

mod done;
mod jobs;
mod many;
mod speaker;
mod take;
mod timestamps;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use cpu_time::ProcessTime;
use lumivox::Options;

use super::{Loaded, load, with_reading};
use crate::args::{Chapters, Container, SayArguments};
use crate::interrupt::remove_unfinished_on_interrupt;
use crate::output::{note, print};
use crate::progress;
use jobs::{Job, Plan};
use speaker::{Figures, Speaker};
use timestamps::TimestampFormat;

/// Texts shorter than so many bytes are said before a progress bar is of use.
const BAR_BYTES: u64 = 200;

/// Speaks.
pub fn run(arguments: &SayArguments) -> Result<ExitCode> {
    check_output(arguments)?;
    let plan = jobs::plan(arguments)?;
    if plan.jobs.is_empty() {
        plan.failed.iter().for_each(|why| note(format_args!("lumivox: {why}")));
        bail!("none of the inputs could be read");
    }
    remove_unfinished_on_interrupt()?;
    let options = options(arguments)?;
    let loaded = load(arguments.model.as_deref(), &options, &arguments.compute, arguments.quiet)?;
    // What is wrong with everything is told once.
    loaded.synthesizer.check(&options)?;
    let bytes = plan.jobs.iter().map(Job::bytes).sum();
    let bar = progress::speaking(bytes, arguments.quiet || bytes < BAR_BYTES);
    let (started, cpu) = (Instant::now(), ProcessTime::now());
    let speaker = Speaker {
        loaded: &loaded,
        arguments,
        options: &options,
        identity: identity(&loaded, arguments, &options)?,
        bar: &bar,
        several: plan.folder.is_some(),
        started,
    };
    let report = |figures: &Figures, output: &Path| {
        report(figures, &speaker, output, cpu.elapsed().as_secs_f64(), started.elapsed().as_secs_f64())
    };
    match &plan {
        Plan { folder: Some(folder), .. } => many::say_all(&speaker, &plan, |figures| report(figures, folder)),
        Plan { jobs, .. } => {
            let job = jobs.first().context("there is nothing to say")?;
            let figures = speaker.say(job);
            bar.finish_and_clear();
            report(&figures?, &job.output)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Formats that a file's name can promise, and `say` doesn't keep.
const OTHER_FORMATS: [&str; 8] = ["aac", "aiff", "flac", "m4a", "mp3", "oga", "ogg", "opus"];

/// Checks what can be wrong with the output before anything is read, fetched or loaded.
fn check_output(arguments: &SayArguments) -> Result<()> {
    let several = arguments.input.len() > 1 || arguments.chapters == Some(Chapters::Files);
    let to_stdout = match &arguments.output {
        Some(output) => output == Path::new("-"),
        None => arguments.stream && !several,
    };
    if arguments.format == Container::Pcm && !to_stdout {
        bail!("--format pcm is for standard output; add --output -");
    }
    let named = arguments.output.as_deref().and_then(Path::extension).and_then(|extension| extension.to_str());
    if let Some(name) = named.filter(|name| OTHER_FORMATS.contains(&&*name.to_ascii_lowercase())) {
        bail!("`say` writes WAV files, no .{name}; name it .wav, or pipe it on: --output - | ffmpeg -i - FILE.{name}");
    }
    if to_stdout && arguments.lines {
        bail!("--lines needs a folder; give one with --output");
    }
    if to_stdout && several {
        bail!("several outputs need a folder; give one with --output");
    }
    if to_stdout && arguments.chapters.is_some() {
        bail!("standard output gets no marks; leave --chapters out, or give a file with --output");
    }
    if to_stdout && io::stdout().is_terminal() {
        bail!("audio can't be shown on a terminal; pipe it on, or give a file with --output");
    }
    let Some(timestamps) = &arguments.timestamps else { return Ok(()) };
    TimestampFormat::of(timestamps)?;
    if several {
        bail!("--timestamps is for one output; say the inputs by themselves, or the chapters into one file");
    }
    // Known now, and not when all is said.
    match timestamps.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => bail!("--timestamps {}: there is no folder {}", timestamps.display(), folder.display()),
        None => Ok(()),
    }
}

fn options(arguments: &SayArguments) -> Result<Options> {
    let delivery = &arguments.delivery;
    let options = Options {
        voice: delivery.voice.clone(),
        language: delivery.language,
        speed: delivery.speed,
        length_scale: delivery.length_scale,
        noise_scale: delivery.noise_scale,
        noise_w: delivery.noise_w,
        sentence_silence_s: delivery.sentence_silence,
        paragraph_silence_s: delivery.paragraph_silence,
        seed: arguments.seed,
        max_text_bytes: arguments.max_text_bytes,
        ..Options::default()
    };
    with_reading(&delivery.reading, options)
}

/// What audio depends on beside its text: the program, the model, the device and the options.
fn identity(loaded: &Loaded, arguments: &SayArguments, options: &Options) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(loaded.name.as_bytes());
    if let Some(path) = &loaded.path {
        add(&lumivox::convert::header(path).with_context(|| format!("{} can't be read", path.display()))?);
    }
    if let Some(path) = &arguments.delivery.reading.lexicon {
        add(&std::fs::read(path).with_context(|| format!("the lexicon {} can't be read", path.display()))?);
    }
    let options = Options { lexicon: None, max_text_bytes: 0, ..options.clone() };
    let precision = lumivox::Precision::from(arguments.compute.precision);
    let format = lumivox::audio::SampleFormat::from(arguments.sample_format);
    add(format!("{options:?} {} {precision:?} {format:?}", loaded.synthesizer.device().name()).as_bytes());
    let SayArguments { phonemes, ssml, fit, chapter_silence, .. } = arguments;
    add(format!("{phonemes} {ssml} {fit} {chapter_silence}").as_bytes());
    Ok(hasher.finalize().to_hex().to_string())
}

/// The figures, for people on standard error, or as JSON.
fn report(figures: &Figures, speaker: &Speaker, output: &Path, cpu_s: f64, compute_s: f64) -> Result<()> {
    let Speaker { loaded, arguments, .. } = speaker;
    let Figures { audio_s, resumed_s, ttfb_s, warnings } = figures;
    let new_s = audio_s - resumed_s;
    // Where all was done before there is no rate.
    let rtf = if new_s > 0.0 { compute_s / new_s } else { 0.0 };
    let to_stdout = output == Path::new("-");
    let to = if to_stdout { "standard output".into() } else { output.display().to_string() };
    // The model tells the original weights from those that stand in for them.
    let Loaded { name: model, load_s, .. } = loaded;
    if arguments.json {
        let json = serde_json::json!({
            "output": to, "model": model, "audio_s": audio_s, "resumed_s": resumed_s, "compute_s": compute_s, "cpu_s": cpu_s,
            "rtf": rtf, "ttfb_s": ttfb_s, "load_s": load_s, "device": loaded.synthesizer.device().name(), "warnings": warnings,
        });
        if to_stdout {
            note(json);
        } else {
            print(&format!("{json}\n"))?;
        }
    } else if !arguments.quiet {
        note(format_args!(
            "{to}: {new_s:.2} s of audio in {compute_s:.2} s (RTF {rtf:.3}), first audio after {ttfb_s:.2} s, {model} loaded in {load_s:.2} s"
        ));
    }
    Ok(())
}
