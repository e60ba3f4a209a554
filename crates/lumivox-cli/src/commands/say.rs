//! `lumivox say`

use std::io::{self, IsTerminal, Stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use cpu_time::ProcessTime;
use lumivox::audio::{WavFile, WavStream};
use lumivox::{Input, Options, Synthesizer};

use super::{read_text, resolve};
use crate::args::{Container, SayArguments};
use crate::output::{describe, note, print};
use crate::{SOME_FAILED, progress};

/// Exit code after an interrupt, as shells have it.
const INTERRUPTED: i32 = 130;

/// Speaks.
pub fn run(arguments: &SayArguments) -> Result<ExitCode> {
    let default = if arguments.lines { "out" } else { "out.wav" };
    let output = arguments.output.as_deref().unwrap_or(Path::new(default));
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
    let text = read_text(arguments.text.as_deref(), arguments.input.as_deref(), arguments.max_text_bytes)?;
    if text.trim().is_empty() {
        bail!("the text is empty; there is nothing to say");
    }
    remove_unfinished_on_interrupt()?;
    let model = resolve(&arguments.model.model, arguments.quiet)?;
    let started = Instant::now();
    let synthesizer = Synthesizer::open(&model, arguments.threads.map(usize::from))?;
    let load_s = started.elapsed().as_secs_f64();
    if arguments.lines {
        return say_lines(&synthesizer, &model, &text, arguments, output, load_s);
    }
    let mut figures = say(&synthesizer, &text, arguments, output)?;
    figures.model = model;
    report(&figures, load_s, output, arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// What one utterance took.
#[derive(Default)]
struct Figures {
    audio_s: f64,
    compute_s: f64,
    cpu_s: f64,
    ttfb_s: f64,
    warnings: Vec<String>,
    /// The model file, which tells the original weights from those that stand in for them.
    model: PathBuf,
}

/// Says `text` to `output`, a file or `-`.
fn say(synthesizer: &Synthesizer, text: &str, arguments: &SayArguments, output: &Path) -> Result<Figures> {
    let (started, cpu) = (Instant::now(), ProcessTime::now());
    let options = Options {
        dialect: arguments.reading.language,
        speed: arguments.speed,
        seed: arguments.seed,
        max_text_bytes: arguments.max_text_bytes,
        ..Options::new(arguments.reading.voice.clone())
    };
    let input = if arguments.phonemes { Input::Phonemes(text) } else { Input::Text(text) };
    let speech = synthesizer.speak(input, &options)?;
    let losses = speech.warnings().iter().filter(|warning| warning.is_loss()).map(ToString::to_string);
    let losses: Vec<String> = losses.collect();
    if arguments.strict && !losses.is_empty() {
        bail!("part of the text can't be spoken, which --strict forbids:\n  {}", losses.join("\n  "));
    }
    let warnings: Vec<String> = speech.warnings().iter().map(ToString::to_string).collect();
    if !arguments.quiet {
        warnings.iter().for_each(|warning| note(format_args!("warning: {warning}")));
    }
    let mut sink = Sink::open(output, synthesizer.sample_rate_hz(), arguments)?;
    let symbols: usize = speech.segments().iter().map(|segment| segment.phonemes.chars().count()).sum();
    let bar = progress::speaking(symbols as u64, arguments.quiet || speech.segments().len() < 2);
    let mut figures = Figures { warnings, ..Default::default() };
    let mut samples = 0;
    for chunk in speech {
        let chunk = chunk?;
        if samples == 0 {
            figures.ttfb_s = started.elapsed().as_secs_f64();
        }
        samples += chunk.samples.len();
        sink.write(&chunk.samples)?;
        bar.inc(chunk.phonemes.chars().count() as u64);
    }
    sink.finish()?;
    bar.finish_and_clear();
    figures.compute_s = started.elapsed().as_secs_f64();
    figures.cpu_s = cpu.elapsed().as_secs_f64();
    figures.audio_s = samples as f64 / f64::from(synthesizer.sample_rate_hz());
    Ok(figures)
}

/// Says each line to a file of its own; a line that fails does not stop the others.
fn say_lines(
    synthesizer: &Synthesizer,
    model: &Path,
    text: &str,
    arguments: &SayArguments,
    folder: &Path,
    load_s: f64,
) -> Result<ExitCode> {
    // What is wrong with all lines is told once.
    synthesizer.style_pack(&arguments.reading.voice)?;
    std::fs::create_dir_all(folder).with_context(|| format!("the folder {} can't be made", folder.display()))?;
    let lines: Vec<(usize, &str)> = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    let (mut total, mut failed) = (Figures { model: model.to_owned(), ..Default::default() }, 0);
    for &(index, line) in &lines {
        let file = folder.join(format!("{:04}.wav", index + 1));
        match say(synthesizer, line, arguments, &file) {
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
    report(&total, load_s, folder, arguments)?;
    if failed > 0 {
        note(format_args!("lumivox: {failed} of {} lines could not be said", lines.len()));
        return Ok(ExitCode::from(SOME_FAILED));
    }
    Ok(ExitCode::SUCCESS)
}

/// The figures, for people on standard error, or as JSON.
fn report(figures: &Figures, load_s: f64, output: &Path, arguments: &SayArguments) -> Result<()> {
    let rtf = figures.compute_s / figures.audio_s;
    let to_stdout = output == Path::new("-");
    let to = if to_stdout { "standard output".into() } else { output.display().to_string() };
    let model = figures.model.file_stem().unwrap_or_default().to_string_lossy();
    if arguments.json {
        let json = serde_json::json!({
            "output": to, "model": model, "audio_s": figures.audio_s, "compute_s": figures.compute_s, "cpu_s": figures.cpu_s,
            "rtf": rtf, "ttfb_s": figures.ttfb_s, "load_s": load_s, "warnings": figures.warnings,
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

/// Where audio goes.
enum Sink {
    File(WavFile),
    Stdout(WavStream<Stdout>),
}

/// The file being written, which an interrupt removes.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

fn set_unfinished(path: Option<&Path>) {
    *UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) = path.map(Path::to_owned);
}

fn remove_unfinished_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        if let Some(path) = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Nothing more can be done about it on the way out.
            let _ = std::fs::remove_file(path);
        }
        std::process::exit(INTERRUPTED);
    })
    .context("the interrupt handler can't be set")
}

impl Sink {
    fn open(output: &Path, sample_rate_hz: u32, arguments: &SayArguments) -> Result<Self> {
        let format = arguments.sample_format.into();
        if output == Path::new("-") {
            let header = arguments.format == Container::Wav;
            let stream = WavStream::new(io::stdout(), "standard output".into(), sample_rate_hz, format, header)?;
            return Ok(Self::Stdout(stream));
        }
        let file = WavFile::create(output, sample_rate_hz, format)?;
        set_unfinished(file.temporary_path());
        Ok(Self::File(file))
    }

    fn write(&mut self, samples: &[f32]) -> Result<()> {
        match self {
            Self::File(file) => file.write(samples)?,
            Self::Stdout(stream) => stream.write(samples)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::File(file) => file.finish()?,
            Self::Stdout(stream) => stream.finish()?,
        }
        set_unfinished(None);
        Ok(())
    }
}
