//! `lumivox say`

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use cpu_time::ProcessTime;
use lumivox::{ChunkSize, Input, Options, Speech, Synthesizer, Timestamps};

use super::{Loaded, load, read_text, with_reading};
use crate::args::{Container, SayArguments};
use crate::output::{describe, note, print};
use crate::sink::{Sink, remove_unfinished_on_interrupt};
use crate::{SOME_FAILED, progress};

/// Speaks.
pub fn run(arguments: &SayArguments) -> Result<ExitCode> {
    let default = match arguments {
        SayArguments { lines: true, .. } => "out",
        SayArguments { stream: true, .. } => "-",
        _ => "out.wav",
    };
    let output = arguments.output.as_deref().unwrap_or(Path::new(default));
    check_output(arguments, output)?;
    let text = read_text(arguments.text.as_deref(), arguments.input.as_deref(), arguments.max_text_bytes)?;
    if text.trim().is_empty() {
        bail!("the text is empty; there is nothing to say");
    }
    remove_unfinished_on_interrupt()?;
    let options = options(arguments)?;
    let loaded = load(arguments.model.as_deref(), &options, &arguments.compute, arguments.quiet)?;
    if arguments.lines {
        return say_lines(&loaded, &text, arguments, &options, output);
    }
    let figures = say(&loaded.synthesizer, &text, arguments, &options, output)?;
    report(&figures, &loaded, output, arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks what can be wrong with the output before anything is fetched or loaded.
fn check_output(arguments: &SayArguments, output: &Path) -> Result<()> {
    let to_stdout = output == Path::new("-");
    if arguments.format == Container::Pcm && !to_stdout {
        bail!("--format pcm is for standard output; add --output -");
    }
    if to_stdout && arguments.lines {
        bail!("--lines needs a folder; give one with --output");
    }
    if to_stdout && io::stdout().is_terminal() {
        bail!("audio can't be shown on a terminal; pipe it on, or give a file with --output");
    }
    let Some(timestamps) = &arguments.timestamps else { return Ok(()) };
    TimestampFormat::of(timestamps)?;
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

/// What one utterance took.
#[derive(Default)]
struct Figures {
    audio_s: f64,
    compute_s: f64,
    cpu_s: f64,
    ttfb_s: f64,
    warnings: Vec<String>,
}

/// Says `text` to `output`, a file or `-`.
fn say(
    synthesizer: &Synthesizer,
    text: &str,
    arguments: &SayArguments,
    options: &Options,
    output: &Path,
) -> Result<Figures> {
    let (started, cpu) = (Instant::now(), ProcessTime::now());
    let input = match (arguments.phonemes, arguments.ssml) {
        (true, _) => Input::Phonemes(text),
        (_, true) => Input::Ssml(text),
        _ => Input::Text(text),
    };
    let chunk_size = if arguments.stream { ChunkSize::Auto } else { ChunkSize::Segment };
    let mut speech = synthesizer.stream(input, options, chunk_size)?;
    let warnings = check_warnings(&speech, arguments)?;
    let format = arguments.sample_format.into();
    let mut sink = Sink::open(output, synthesizer.sample_rate_hz(), format, arguments.format == Container::Wav)?;
    let symbols = |segment: usize| speech.segments()[segment].phonemes.chars().count() as u64;
    let symbols: Vec<u64> = (0..speech.segments().len()).map(symbols).collect();
    let bar = progress::speaking(symbols.iter().sum(), arguments.quiet || symbols.len() < 2);
    let mut figures = Figures { warnings, ..Default::default() };
    let mut samples = 0;
    for chunk in speech.by_ref() {
        let chunk = chunk?;
        if samples == 0 {
            figures.ttfb_s = started.elapsed().as_secs_f64();
        }
        samples += chunk.samples.len();
        sink.write(&chunk.samples)?;
        if chunk.ends_segment {
            bar.inc(symbols[chunk.segment]);
        }
    }
    sink.finish()?;
    bar.finish_and_clear();
    if let Some(path) = &arguments.timestamps {
        write_timestamps(path, speech.timestamps(), text)?;
    }
    figures.compute_s = started.elapsed().as_secs_f64();
    figures.cpu_s = cpu.elapsed().as_secs_f64();
    figures.audio_s = samples as f64 / f64::from(synthesizer.sample_rate_hz());
    Ok(figures)
}

/// Shows what is not said as it should be; with --strict a loss is an error.
fn check_warnings(speech: &Speech, arguments: &SayArguments) -> Result<Vec<String>> {
    let losses = speech.warnings().iter().filter(|warning| warning.is_loss()).map(ToString::to_string);
    let losses: Vec<String> = losses.collect();
    if arguments.strict && !losses.is_empty() {
        bail!("part of the text can't be spoken, which --strict forbids:\n  {}", losses.join("\n  "));
    }
    let warnings: Vec<String> = speech.warnings().iter().map(ToString::to_string).collect();
    if !arguments.quiet {
        warnings.iter().for_each(|warning| note(format_args!("warning: {warning}")));
    }
    Ok(warnings)
}

/// Forms of timestamps, by the file's extension.
enum TimestampFormat {
    Json,
    Srt,
    Vtt,
}

impl TimestampFormat {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(Self::Json),
            Some("srt") => Ok(Self::Srt),
            Some("vtt") => Ok(Self::Vtt),
            _ => bail!("--timestamps {}: the name must end in .json, .srt or .vtt", path.display()),
        }
    }
}

/// Writes the file, which has its name only when it is whole.
fn write_timestamps(path: &Path, timestamps: &Timestamps, text: &str) -> Result<()> {
    let content = match TimestampFormat::of(path)? {
        TimestampFormat::Json => timestamps.to_json()? + "\n",
        TimestampFormat::Srt => timestamps.to_srt(text),
        TimestampFormat::Vtt => timestamps.to_vtt(text),
    };
    lumivox::audio::write_file(path, content.as_bytes()).with_context(|| "the timestamps can't be written")
}

/// Says each line to a file of its own; a line that fails does not stop the others.
fn say_lines(
    loaded: &Loaded,
    text: &str,
    arguments: &SayArguments,
    options: &Options,
    folder: &Path,
) -> Result<ExitCode> {
    // What is wrong with all lines is told once.
    loaded.synthesizer.check(options)?;
    std::fs::create_dir_all(folder).with_context(|| format!("the folder {} can't be made", folder.display()))?;
    let lines: Vec<(usize, &str)> = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    let (mut total, mut failed) = (Figures::default(), 0);
    for &(index, line) in &lines {
        let file: PathBuf = folder.join(format!("{:04}.wav", index + 1));
        match say(&loaded.synthesizer, line, arguments, options, &file) {
            Ok(figures) => {
                total.audio_s += figures.audio_s;
                total.compute_s += figures.compute_s;
                total.cpu_s += figures.cpu_s;
                total.ttfb_s = if total.ttfb_s == 0.0 { figures.ttfb_s } else { total.ttfb_s };
                total.warnings.extend(figures.warnings);
            }
            Err(error) => {
                failed += 1;
                note(format_args!("lumivox: line {}: {}", index + 1, describe(&error)));
            }
        }
    }
    if failed == lines.len() {
        bail!("none of the {failed} lines could be said");
    }
    report(&total, loaded, folder, arguments)?;
    if failed > 0 {
        note(format_args!("lumivox: {failed} of {} lines could not be said", lines.len()));
        return Ok(ExitCode::from(SOME_FAILED));
    }
    Ok(ExitCode::SUCCESS)
}

/// The figures, for people on standard error, or as JSON.
fn report(figures: &Figures, loaded: &Loaded, output: &Path, arguments: &SayArguments) -> Result<()> {
    let rtf = figures.compute_s / figures.audio_s;
    let to_stdout = output == Path::new("-");
    let to = if to_stdout { "standard output".into() } else { output.display().to_string() };
    // The model tells the original weights from those that stand in for them.
    let Loaded { name: model, load_s, .. } = loaded;
    if arguments.json {
        let json = serde_json::json!({
            "output": to, "model": model, "audio_s": figures.audio_s, "compute_s": figures.compute_s, "cpu_s": figures.cpu_s,
            "rtf": rtf, "ttfb_s": figures.ttfb_s, "load_s": load_s, "device": loaded.synthesizer.device().name(), "warnings": figures.warnings,
        });
        if to_stdout {
            note(json);
        } else {
            print(&format!("{json}\n"))?;
        }
    } else if !arguments.quiet {
        note(format_args!(
            "{to}: {:.2} s of audio in {:.2} s (RTF {rtf:.3}), first audio after {:.2} s, {model} loaded in {load_s:.2} s",
            figures.audio_s, figures.compute_s, figures.ttfb_s
        ));
    }
    Ok(())
}
