//! `lumivox piper`: Piper's command line (piper-tts, `__main__.py`; piper, `main.cpp`), so that a script written for it runs unchanged.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use lumivox::audio::SampleFormat;
use lumivox::{ChunkSize, DeviceChoice, Input, LoadOptions, Options, Speech, Synthesizer, embedded};
use serde::Deserialize;

use super::{import, resolve};
use crate::SOME_FAILED;
use crate::args::{Naming, PiperArguments};
use crate::interrupt::remove_unfinished_on_interrupt;
use crate::output::{describe, file_name, note, print};
use crate::sink::Sink;

/// Samples below this are not made louder than as many times: silence stays silent.
const LEAST_PEAK: f32 = 0.01;

/// Speaks as Piper does.
pub fn run(arguments: &PiperArguments) -> Result<ExitCode> {
    let to_stdout = arguments.output_raw || arguments.output_file.as_deref() == Some(Path::new("-"));
    if to_stdout && io::stdout().is_terminal() {
        bail!("audio can't be shown on a terminal; pipe it on, or give a file with --output-file");
    }
    if !(0.0..=100.0).contains(&arguments.volume) {
        bail!("the volume {} is outside 0 to 100", arguments.volume);
    }
    if !arguments.quiet {
        ineffective(arguments).iter().for_each(|what| note(format_args!("note: {what}")));
    }
    remove_unfinished_on_interrupt()?;
    // Where there is no GPU Piper computes on the processor, too.
    let (device, why_cpu) = if arguments.cuda { DeviceChoice::Auto } else { DeviceChoice::Cpu }.open()?;
    if let Some(reason) = why_cpu.filter(|_| !arguments.quiet) {
        note(format_args!("note: computing on the processor: {reason}"));
    }
    let load_options = LoadOptions { device, ..Default::default() };
    let synthesizer = match model(arguments)? {
        Some(path) => Synthesizer::open_with(&path, &load_options)?,
        None => Synthesizer::embedded(&load_options)?,
    };
    let options = Options {
        voice: arguments.speaker.clone(),
        length_scale: arguments.length_scale,
        noise_scale: arguments.noise_scale,
        noise_w: arguments.noise_w_scale,
        sentence_silence_s: arguments.sentence_silence,
        seed: seed(),
        ..Options::default()
    };
    synthesizer.check(&options)?;
    let mut speaker = Speaker { synthesizer: &synthesizer, arguments, joined: None, number: 0, lines: 0, failed: 0 };
    for line in lines(arguments)? {
        speaker.say(&line?, &options)?;
    }
    speaker.finish()
}

/// Options of Piper's that are taken, and change what is heard with Piper but not here.
fn ineffective(arguments: &PiperArguments) -> Vec<&'static str> {
    [
        (arguments.cuda && !cfg!(feature = "cuda"), "--cuda has no effect, this program was built without CUDA"),
        (arguments.tashkeel_model.is_some(), "--tashkeel_model has no effect, Arabic is read without it"),
        (!arguments.phoneme_silence.is_empty(), "--phoneme_silence has no effect, no silence is put in"),
    ]
    .into_iter()
    .filter_map(|(given, what)| given.then_some(what))
    .collect()
}

/// Piper's noise differs from run to run.
fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}

/// The model file of the voice: a file, one in a data folder, or a voice by its name; none for the voice inside this program.
fn model(arguments: &PiperArguments) -> Result<Option<PathBuf>> {
    let folders = arguments.data_dir.iter().map(PathBuf::as_path).chain([Path::new(".")]);
    let in_folders = folders.map(|folder| folder.join(format!("{}.onnx", arguments.model)));
    let here = [PathBuf::from(&arguments.model)].into_iter().chain(in_folders).find(|path| path.is_file());
    match (here, &arguments.config) {
        (Some(path), config) => import(&path, config.as_deref(), arguments.quiet).map(Some),
        (None, None) if arguments.model == embedded::NAME => Ok(None),
        (None, None) => resolve(&arguments.model, arguments.quiet).map(Some),
        (None, Some(_)) => bail!("there is no file {}, to which --config would belong", arguments.model),
    }
}

/// What is said at once: a line of the input.
#[derive(Deserialize)]
struct Line {
    text: String,
    speaker: Option<String>,
    speaker_id: Option<u32>,
    output_file: Option<PathBuf>,
}

impl Line {
    fn read(line: &str, json: bool) -> Result<Self> {
        if json {
            return serde_json::from_str(line).context("no JSON object with a `text`");
        }
        Ok(Self { text: line.to_owned(), speaker: None, speaker_id: None, output_file: None })
    }
}

/// The input's lines.
fn lines(arguments: &PiperArguments) -> Result<Box<dyn Iterator<Item = Result<String>>>> {
    if !arguments.text.is_empty() {
        return Ok(Box::new(std::iter::once(Ok(arguments.text.join(" ")))));
    }
    if arguments.input_file.is_empty() {
        return Ok(Box::new(io::stdin().lock().lines().map(|line| line.context("standard input can't be read"))));
    }
    let mut readers = Vec::new();
    for path in &arguments.input_file {
        let file = File::open(path).with_context(|| format!("{} can't be read", path.display()))?;
        let name = path.display().to_string();
        let failed = move |error| anyhow::Error::new(error).context(format!("{name} can't be read"));
        readers.push(BufReader::new(file).lines().map(move |line| line.map_err(&failed)));
    }
    Ok(Box::new(readers.into_iter().flatten()))
}

struct Speaker<'a> {
    synthesizer: &'a Synthesizer,
    arguments: &'a PiperArguments,
    /// Where all lines go that have no file of their own.
    joined: Option<Sink>,
    /// The line's number in the input.
    number: u32,
    /// Lines that are not empty.
    lines: u32,
    /// Lines that could not be said.
    failed: u32,
}

impl Speaker<'_> {
    /// Says a line. One that can't be said does not stop the others.
    fn say(&mut self, line: &str, options: &Options) -> Result<()> {
        let line = line.trim();
        self.number += 1;
        if line.is_empty() {
            return Ok(());
        }
        self.lines += 1;
        // Each line has noise of its own.
        let seed = options.seed.wrapping_add(u64::from(self.lines));
        let result = Line::read(line, self.arguments.json_input).map(|line| {
            let speaker_id = line.speaker_id.map(|id| id.to_string());
            let voice = line.speaker.clone().or(speaker_id).or_else(|| options.voice.clone());
            (line, Options { voice, seed, ..options.clone() })
        });
        let synthesizer = self.synthesizer;
        // Where the volume is kept, samples can be sent on before the sentence is whole.
        let chunk_size = if self.arguments.no_normalize { ChunkSize::Auto } else { ChunkSize::Segment };
        let result = result
            .and_then(|(line, options)| Ok((synthesizer.stream(Input::Text(&line.text), &options, chunk_size)?, line)));
        match result {
            Ok((speech, line)) => self.write(speech, &line),
            Err(error) => {
                self.failed += 1;
                note(format_args!("lumivox: line {} is left out: {}", self.number, describe(&error)));
                Ok(())
            }
        }
    }

    fn write(&mut self, speech: Speech, line: &Line) -> Result<()> {
        let started = Instant::now();
        if !self.arguments.quiet {
            speech.warnings().iter().for_each(|warning| note(format_args!("warning: {warning}")));
        }
        let own = self.own_file(line)?;
        let mut sink = match &own {
            Some(path) => self.open(path)?,
            None => self.joined()?,
        };
        let mut samples = 0;
        for chunk in speech {
            let mut chunk = chunk?.samples;
            self.set_volume(&mut chunk);
            samples += chunk.len();
            sink.write(&chunk)?;
        }
        match own {
            Some(path) => {
                sink.finish()?;
                print(&format!("{}\n", path.display()))?;
            }
            None => self.joined = Some(sink),
        }
        if self.arguments.debug {
            let audio_s = samples as f64 / f64::from(self.synthesizer.sample_rate_hz());
            let compute_s = started.elapsed().as_secs_f64();
            note(format_args!("{audio_s:.2} s of audio in {compute_s:.2} s (RTF {:.3})", compute_s / audio_s));
        }
        Ok(())
    }

    /// The file that the line alone goes to.
    fn own_file(&self, line: &Line) -> Result<Option<PathBuf>> {
        if let Some(path) = &line.output_file {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
            }
            return Ok(Some(path.clone()));
        }
        let Some(folder) = &self.arguments.output_dir else { return Ok(None) };
        std::fs::create_dir_all(folder).with_context(|| format!("the folder {} can't be made", folder.display()))?;
        let name = match self.arguments.output_dir_naming {
            Naming::Timestamp => seed().to_string(),
            Naming::Text => file_name(&line.text).unwrap_or_else(|| seed().to_string()),
        };
        Ok(Some(folder.join(format!("{name}.wav"))))
    }

    fn open(&self, path: &Path) -> Result<Sink> {
        Sink::open(path, self.synthesizer.sample_rate_hz(), SampleFormat::I16, !self.arguments.output_raw)
    }

    /// The output of all lines, opened with the first one.
    fn joined(&mut self) -> Result<Sink> {
        let default = if self.arguments.output_raw { "-" } else { "output.wav" };
        match self.joined.take() {
            Some(sink) => Ok(sink),
            None => self.open(self.arguments.output_file.as_deref().unwrap_or(Path::new(default))),
        }
    }

    /// As loud as 16 bits hold, unless the model's own volume is kept; then by the factor that is asked for.
    fn set_volume(&self, samples: &mut [f32]) {
        let peak = samples.iter().fold(LEAST_PEAK, |peak, sample| peak.max(sample.abs()));
        let factor = self.arguments.volume / if self.arguments.no_normalize { 1.0 } else { peak };
        samples.iter_mut().for_each(|sample| *sample *= factor);
    }

    fn finish(self) -> Result<ExitCode> {
        if self.lines == 0 {
            bail!("there is no text; give it as an argument, with --input-file, or on standard input");
        }
        self.joined.map_or(Ok(()), Sink::finish)?;
        if self.failed == self.lines {
            bail!("none of the {} lines could be said", self.lines);
        }
        Ok(if self.failed > 0 { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
    }
}
