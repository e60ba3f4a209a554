//! Says the passages of an output.

use std::time::Instant;

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use lumivox::{ChunkSize, Error, Input, Options, Speech, Warning};

use super::jobs::{Job, Passage};
use super::take::Take;
use crate::args::SayArguments;
use crate::commands::Loaded;
use crate::output::clock;
use crate::progress::note_above;

/// The fastest that is spoken.
const MAX_SPEED: f32 = 4.0;
/// How often a speed is looked for: durations are not exactly inverse to it.
const MAX_FITTINGS: usize = 4;
/// Subtitles that begin later than by so much are told of.
const LATE_S: f64 = 0.05;

/// Who says everything.
pub struct Speaker<'a> {
    pub loaded: &'a Loaded,
    pub arguments: &'a SayArguments,
    pub options: &'a Options,
    /// What the model, the device and the options are, in a hash.
    pub identity: String,
    pub bar: &'a ProgressBar,
    /// Whether messages name the output that they are about.
    pub several: bool,
    /// When all began.
    pub started: Instant,
}

/// What was said.
#[derive(Default)]
pub struct Figures {
    pub audio_s: f64,
    /// Audio that an earlier run had made.
    pub resumed_s: f64,
    /// The first audio after so many seconds.
    pub ttfb_s: f64,
    pub warnings: Vec<String>,
}

impl Speaker<'_> {
    /// Says a job into its output, which has its name only when all is said.
    pub fn say(&self, job: &Job) -> Result<Figures> {
        if self.arguments.strict {
            self.check_all(job)?;
        }
        let mut take = Take::new(self, job);
        let said = self.say_all(job, &mut take);
        match said {
            Ok(()) => take.finish(),
            Err(error) => Err(take.abandon(error)),
        }
    }

    fn say_all(&self, job: &Job, take: &mut Take) -> Result<()> {
        for (number, passage) in job.passages.iter().enumerate() {
            let speech = match self.stream(&passage.text, self.options) {
                // One of several chapters may be a picture's, or stars.
                Err(error @ Error::NothingToSay { .. }) if job.passages.len() > 1 => {
                    take.leave_out(passage, format_args!("{}: {error}", called(passage, number)));
                    continue;
                }
                speech => speech?,
            };
            for warning in speech.warnings() {
                take.warn(warning);
            }
            take.open()?;
            let begin = self.begin(take, passage, number);
            let next_s = job.passages.get(number + 1).and_then(|next| next.times_s).map(|(start_s, _)| start_s);
            let room = match passage.times_s {
                Some((_, end_s)) if self.arguments.fit && !take.has_all(number, speech.segments().len()) => {
                    Some(self.samples(next_s.unwrap_or(end_s)).saturating_sub(begin))
                }
                _ => None,
            };
            let speech = match room {
                Some(room) => self.fitted(passage, speech, room)?,
                None => speech,
            };
            take.say(number, passage, speech, begin)?;
        }
        if !take.is_open() {
            bail!("there is nothing to say: no part of the text has words that can be spoken");
        }
        Ok(())
    }

    /// Where a passage begins: behind a pause if it is a chapter, at its time if it is a subtitle, or as soon as the one before has ended.
    fn begin(&self, take: &mut Take, passage: &Passage, number: usize) -> u64 {
        let Some((start_s, _)) = passage.times_s else {
            let pause_s = if take.position() > 0 { f64::from(self.arguments.chapter_silence) } else { 0.0 };
            return take.position() + self.samples(pause_s);
        };
        let begin = self.samples(start_s).max(take.position());
        let late_s = self.seconds(begin) - start_s;
        if late_s > LATE_S {
            let faster = if self.arguments.fit { "" } else { " (--fit speaks faster)" };
            take.warn(format_args!("{} begins {late_s:.2} s late{faster}", called(passage, number)));
        }
        begin
    }

    /// Speaks a passage as fast as it must be for `room` samples, if that can be.
    fn fitted<'s>(&'s self, passage: &Passage, mut speech: Speech<'s>, room: u64) -> Result<Speech<'s>> {
        let mut options = self.options.clone();
        for _ in 0..MAX_FITTINGS {
            let samples = speech.measure()?;
            if samples <= room || options.speed >= MAX_SPEED {
                break;
            }
            // A little more, as a pause does not get shorter.
            options.speed = (options.speed * 1.02 * samples as f32 / room.max(1) as f32).min(MAX_SPEED);
            speech = self.stream(&passage.text, &options)?;
        }
        Ok(speech)
    }

    /// Prepares a text.
    fn stream(&self, text: &str, options: &Options) -> Result<Speech<'_>, Error> {
        let input = match self.arguments {
            SayArguments { phonemes: true, .. } => Input::Phonemes(text),
            SayArguments { ssml: true, .. } => Input::Ssml(text),
            _ => Input::Text(text),
        };
        let chunk_size = if self.arguments.stream { ChunkSize::Auto } else { ChunkSize::Segment };
        self.loaded.synthesizer.stream(input, options, chunk_size)
    }

    /// With --strict a loss is an error, and none is noticed only after hours.
    fn check_all(&self, job: &Job) -> Result<()> {
        let mut losses = Vec::new();
        for passage in &job.passages {
            let speech = self.stream(&passage.text, self.options)?;
            losses.extend(speech.warnings().iter().filter(|warning| warning.is_loss()).map(Warning::to_string));
        }
        if !losses.is_empty() {
            bail!("part of the text can't be spoken, which --strict forbids:\n  {}", losses.join("\n  "));
        }
        Ok(())
    }

    /// What a job's journal is known by: everything that its audio depends on.
    pub fn key(&self, job: &Job) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut add = |part: &[u8]| {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        };
        add(self.identity.as_bytes());
        for passage in &job.passages {
            add(passage.text.as_bytes());
            add(format!("{:?} {:?}", passage.mark, passage.times_s).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Prints a line above the bar, unless nothing is to be printed.
    pub fn note(&self, job: &Job, kind: &str, text: impl std::fmt::Display) {
        if self.arguments.quiet {
            return;
        }
        match self.several {
            true => note_above(self.bar, format_args!("{kind}: {}: {text}", job.name)),
            false => note_above(self.bar, format_args!("{kind}: {text}")),
        }
    }

    /// Samples of some seconds.
    pub fn samples(&self, seconds: f64) -> u64 {
        (seconds * f64::from(self.loaded.synthesizer.sample_rate_hz())).round() as u64
    }

    /// Seconds of some samples.
    pub fn seconds(&self, samples: u64) -> f64 {
        samples as f64 / f64::from(self.loaded.synthesizer.sample_rate_hz())
    }
}

/// What a message calls a passage.
fn called(passage: &Passage, number: usize) -> String {
    match (&passage.mark, passage.times_s) {
        (_, Some((start_s, _))) => format!("the subtitle at {}", clock(start_s)),
        (Some(title), _) => format!("the chapter `{title}`"),
        _ => format!("part {}", number + 1),
    }
}
