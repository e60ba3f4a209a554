//! An output while it is said.

use std::collections::VecDeque;

use anyhow::{Result, bail};
use lumivox::Speech;

use super::jobs::{Job, Passage};
use super::speaker::{Figures, Speaker};
use super::timestamps::Timed;
use crate::args::Container;
use crate::output::clock;
use crate::partial::{Entry, Found, Partial};
use crate::sink::Sink;

/// Silence is written in pieces of so many samples.
const SILENCE_SAMPLES: u64 = 1 << 16;

/// An output while it is said.
pub struct Take<'a> {
    speaker: &'a Speaker<'a>,
    job: &'a Job,
    /// Opened when there is something to say, so that what can't be said leaves no trace.
    sink: Option<Sink>,
    /// Segments that an earlier run has said.
    done: VecDeque<Entry>,
    /// Samples that were said, by this run or an earlier one.
    position: u64,
    /// Bytes of text that the progress bar counts as said.
    counted: u64,
    /// Bytes of the passages before the current one.
    bytes_before: u64,
    timed: Timed,
    figures: Figures,
}

impl<'a> Take<'a> {
    /// Begins with nothing.
    pub fn new(speaker: &'a Speaker<'a>, job: &'a Job) -> Self {
        let (timed, figures) = (Timed::default(), Figures::default());
        Self {
            speaker,
            job,
            sink: None,
            done: VecDeque::new(),
            position: 0,
            counted: 0,
            bytes_before: 0,
            timed,
            figures,
        }
    }

    /// Samples that were said.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether anything was said.
    pub fn is_open(&self) -> bool {
        self.sink.is_some()
    }

    /// Whether an earlier run has said all the segments of a passage.
    pub fn has_all(&self, passage: usize, segments: usize) -> bool {
        self.done.iter().take_while(|entry| entry.passage == passage).count() == segments
    }

    /// Tells what is not as it should be.
    pub fn warn(&mut self, warning: impl std::fmt::Display) {
        self.speaker.note(self.job, "warning", &warning);
        self.figures.warnings.push(warning.to_string());
    }

    /// Goes on to the next passage, because this one can't be said.
    pub fn leave_out(&mut self, passage: &Passage, why: impl std::fmt::Display) {
        self.warn(why);
        self.count(passage.text.len());
        self.bytes_before += passage.text.len() as u64;
    }

    /// Opens the output, and finds what an earlier run has done, if it is not open.
    pub fn open(&mut self) -> Result<()> {
        if self.sink.is_some() {
            return Ok(());
        }
        let Speaker { loaded, arguments, .. } = self.speaker;
        let (rate_hz, format) = (loaded.synthesizer.sample_rate_hz(), arguments.sample_format.into());
        let output = &self.job.output;
        if !self.job.resumable {
            self.sink = Some(Sink::open(output, rate_hz, format, arguments.format == Container::Wav)?);
            return Ok(());
        }
        let key = self.speaker.key(self.job);
        let (partial, found) = Partial::open(output, rate_hz, format, &key, arguments.restart)?;
        self.sink = Some(Sink::Partial(partial));
        match found {
            Found::Nothing => {}
            Found::Other => self.speaker.note(
                self.job,
                "note",
                "what an earlier run left unfinished is damaged, or of another text, voice, option or version: it is begun anew",
            ),
            Found::Done(entries) => {
                let samples = entries.last().map_or(0, |entry| entry.checkpoint.samples);
                self.figures.resumed_s = self.speaker.seconds(samples);
                let done = clock(self.figures.resumed_s);
                self.speaker.note(self.job, "note", format_args!("going on behind {done}, which an earlier run has done (--restart begins anew)"));
                self.done = entries.into();
            }
        }
        Ok(())
    }

    /// Says a passage from the sample `begin` on, but for what an earlier run has said of it.
    pub fn say(&mut self, number: usize, passage: &Passage, mut speech: Speech, begin: u64) -> Result<()> {
        if let Some(title) = &passage.mark {
            self.sink()?.mark(begin, title)?;
            if !self.speaker.several {
                self.speaker.bar.set_message(title.clone());
            }
        }
        let is_new = self.done.is_empty();
        let mut silence = begin - self.position;
        while let Some(entry) = self.done.pop_front_if(|entry| entry.passage == number) {
            self.position += std::mem::take(&mut silence) + speech.skip_segment(&entry.durations)?;
            if self.position != entry.checkpoint.samples {
                bail!("what an earlier run has done does not fit; begin anew with --restart");
            }
        }
        if self.done.is_empty() && !is_new {
            let skipped = speech.timestamps().words.last().map_or(0, |word| word.span.end);
            self.count(skipped);
            // What was not said now says nothing about the time that is left.
            self.speaker.bar.reset_eta();
        }
        while let Some(chunk) = speech.next() {
            let chunk = chunk?;
            if self.figures.ttfb_s == 0.0 {
                self.figures.ttfb_s = self.speaker.started.elapsed().as_secs_f64();
            }
            self.write_silence(std::mem::take(&mut silence))?;
            self.sink()?.write(&chunk.samples)?;
            self.position += chunk.samples.len() as u64;
            if chunk.ends_segment {
                self.sink()?.checkpoint(number, speech.durations())?;
                self.count(speech.span(chunk.segment).end);
            }
        }
        if self.speaker.arguments.timestamps.is_some() {
            let begin_s = self.speaker.seconds(begin);
            self.timed.add(&passage.text, passage.mark.as_deref(), begin_s, speech.timestamps());
        }
        self.count(passage.text.len());
        self.bytes_before += passage.text.len() as u64;
        Ok(())
    }

    /// Names the file, and writes the timestamps.
    pub fn finish(mut self) -> Result<Figures> {
        self.count_all();
        if let Some(sink) = self.sink.take() {
            sink.finish()?;
        }
        if let Some(path) = &self.speaker.arguments.timestamps {
            self.timed.write(path, self.job.is_document)?;
        }
        self.figures.audio_s = self.speaker.seconds(self.position);
        Ok(self.figures)
    }

    /// Ends what can't be completed because of `error`, which then says what is kept.
    pub fn abandon(mut self, error: anyhow::Error) -> anyhow::Error {
        self.count_all();
        match self.sink.take() {
            Some(sink) => sink.abandon(error),
            None => error,
        }
    }

    fn sink(&mut self) -> Result<&mut Sink> {
        self.sink.as_mut().ok_or_else(|| anyhow::anyhow!("nothing is open to write to"))
    }

    fn write_silence(&mut self, samples: u64) -> Result<()> {
        let mut left = samples;
        while left > 0 {
            let length = left.min(SILENCE_SAMPLES);
            self.sink()?.write(&vec![0.0; length as usize])?;
            left -= length;
        }
        self.position += samples;
        Ok(())
    }

    /// Moves the bar to a byte of the current passage.
    fn count(&mut self, byte: usize) {
        let said = self.bytes_before + byte as u64;
        self.speaker.bar.inc(said.saturating_sub(self.counted));
        self.counted = self.counted.max(said);
    }

    /// Moves the bar to the end of this output, said or not.
    fn count_all(&mut self) {
        self.speaker.bar.inc(self.job.bytes().saturating_sub(self.counted));
    }
}
