//! Speech in the making.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::Tensor;
use lumivox_models::Probe;
use lumivox_text::ids::Encoded;
use lumivox_text::ssml::Notice;
use lumivox_text::{Boundary, Phonemized, Reason, Segment};

use crate::error::{Error, Result};
use crate::model::{Encoding, Speaker, Utterance};
use crate::options::{ChunkSize, Options};
use crate::reading::{Reading, Spoken};
use crate::synthesizer::Synthesizer;
use crate::timestamps::Timestamps;

/// Something that is not said as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Part of the text that is left out.
    Text(lumivox_text::Warning),
    /// A word that is longer than the model can read at once: it is said in pieces.
    Cut(lumivox_text::Warning),
    /// Markup of an SSML document that has no effect; its text is spoken.
    Markup(lumivox_text::ssml::Notice),
    /// A phoneme that the model has no id for.
    Symbol {
        /// The symbol.
        symbol: char,
        /// How often it occurs.
        count: usize,
    },
}

impl Warning {
    /// Whether something is left out.
    pub fn is_loss(&self) -> bool {
        !matches!(self, Warning::Cut(_) | Warning::Markup(_))
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Warning::Text(warning) | Warning::Cut(warning) => warning.fmt(f),
            Warning::Markup(notice) => notice.fmt(f),
            Warning::Symbol { symbol, count } => {
                write!(f, "the model does not know the phoneme `{}` ({count}×): not spoken", symbol.escape_debug())
            }
        }
    }
}

/// A stretch of speech.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Mono samples in -1..1 at [`Synthesizer::sample_rate_hz`].
    pub samples: Vec<f32>,
    /// Which of [`Speech::segments`] it is from.
    pub segment: usize,
    /// Whether it is the segment's last one.
    pub ends_segment: bool,
}

/// Speech in the making: an iterator over its chunks, each of which is synthesised when it is asked for.
pub struct Speech<'a> {
    synthesizer: &'a Synthesizer,
    speakers: Vec<Box<dyn Speaker<'a> + 'a>>,
    read: Phonemized,
    segments: Vec<Segment>,
    /// Who says each segment.
    speaker_of: Vec<usize>,
    /// Samples of silence before the first segment, and behind each.
    lead_samples: usize,
    silence_samples: Vec<usize>,
    encoded: Vec<Encoded>,
    warnings: Vec<Warning>,
    chunk_size: ChunkSize,
    seed: u64,
    timestamps: Timestamps,
    /// Frames of each id of the segment that the last chunk is of.
    durations: Vec<u32>,
    /// Samples of all segments before the current one.
    samples_before: u64,
    /// The number of the segment that is said, or said next.
    segment: usize,
    current: Option<Current<'a>>,
    cancelled: Arc<AtomicBool>,
}

/// Looks at nothing, and stops the model where nobody wants the rest.
struct Cancellation<'a>(&'a AtomicBool);

impl Probe for Cancellation<'_> {
    fn stage(&mut self, _name: &str, _x: &Tensor) {}

    fn is_active(&self) -> bool {
        false
    }

    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The segment that is being said.
struct Current<'a> {
    utterance: Box<dyn Utterance + 'a>,
    frames: usize,
    done_frames: usize,
}

impl<'a> Speech<'a> {
    pub(crate) fn new(
        synthesizer: &'a Synthesizer,
        reading: Reading<'a>,
        options: &Options,
        chunk_size: ChunkSize,
    ) -> Result<Self> {
        let model = &synthesizer.model;
        let Reading { read, segments: spoken, speakers, mut lead_s, notices, .. } = reading;
        let encoded: Vec<Encoded> = spoken.iter().map(|spoken| model.encode(&spoken.segment.phonemes)).collect();
        let warnings = warnings(&read, &spoken, &encoded, notices);
        let (mut segments, mut speaker_of, mut pauses_s, mut kept) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (Spoken { segment, speaker, pause_s }, encoded) in spoken.into_iter().zip(encoded) {
            if encoded.is_silent() {
                *pauses_s.last_mut().unwrap_or(&mut lead_s) += pause_s;
                continue;
            }
            segments.push(segment);
            speaker_of.push(speaker);
            pauses_s.push(pause_s);
            kept.push(encoded);
        }
        if segments.is_empty() {
            return Err(Error::NothingToSay { warnings: warnings.iter().map(Warning::to_string).collect() });
        }
        let samples = |seconds: f64| (seconds * f64::from(model.sample_rate_hz())).round() as usize;
        let silence_samples = (0..segments.len())
            .map(|i| samples(pauses_s[i] + if i + 1 < segments.len() { silence_s(&segments[i], options) } else { 0.0 }))
            .collect();
        Ok(Self {
            synthesizer,
            speakers,
            read,
            segments,
            speaker_of,
            lead_samples: samples(lead_s),
            silence_samples,
            encoded: kept,
            warnings,
            chunk_size,
            seed: options.seed,
            timestamps: Timestamps::default(),
            durations: Vec::new(),
            samples_before: 0,
            segment: 0,
            current: None,
            cancelled: Arc::default(),
        })
    }

    /// Setting `cancelled` stops the speech with [`Error::Cancelled`], inside a segment, too.
    pub fn cancelled_by(mut self, cancelled: Arc<AtomicBool>) -> Self {
        self.set_cancelled_by(cancelled);
        self
    }

    pub(crate) fn set_cancelled_by(&mut self, cancelled: Arc<AtomicBool>) {
        self.cancelled = cancelled;
    }

    /// What is not said as it should be.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The input as tokens.
    pub fn read(&self) -> &Phonemized {
        &self.read
    }

    /// The segments, each of which becomes one or more chunks.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The bytes of the input that a segment is said for, by its place in [`Speech::segments`].
    ///
    /// # Panics
    /// If there is no such segment.
    pub fn span(&self, segment: usize) -> Range<usize> {
        let tokens = &self.read.tokens[self.segments[segment].tokens.clone()];
        let start = tokens.first().map_or(0, |token| token.span.start);
        start..tokens.last().map_or(start, |token| token.span.end)
    }

    /// When each word sounds: of the segments whose first chunk was handed out, so of everything at the end.
    pub fn timestamps(&self) -> &Timestamps {
        &self.timestamps
    }

    /// How long each symbol is of the segment that the last chunk is of: what [`Speech::skip_segment`] takes.
    pub fn durations(&self) -> &[u32] {
        &self.durations
    }

    /// Goes on behind the next segment, which was said before by the same text, model and options, with these [durations](Speech::durations). Its words get
    /// their times. Returns how many samples it has, silences included.
    ///
    /// # Errors
    /// If the durations are not of that segment.
    pub fn skip_segment(&mut self, durations: &[u32]) -> Result<u64> {
        let segment = self.segment;
        if self.current.is_some() || self.encoded.get(segment).is_none_or(|it| it.ids.len() != durations.len()) {
            return Err(Error::OtherDurations { segment });
        }
        let lead_samples = std::mem::take(&mut self.lead_samples) as u64;
        self.samples_before += lead_samples;
        let frames = durations.iter().sum::<u32>() as usize;
        self.time(durations, frames);
        Ok(lead_samples + self.end_segment(frames))
    }

    /// How many samples all segments have that were not begun, silences included. Costs a part of what saying them does.
    ///
    /// # Errors
    /// If the synthesis fails.
    pub fn measure(&self) -> Result<u64> {
        let mut samples = self.lead_samples as u64;
        for segment in self.segment..self.segments.len() {
            let frames = self.utterance(segment)?.durations().iter().sum::<u32>() as usize;
            samples += self.segment_samples(segment, frames);
        }
        Ok(samples)
    }

    fn utterance(&self, segment: usize) -> Result<Box<dyn Utterance + 'a>> {
        let symbols = self.segments[segment].phonemes.chars().count();
        let encoding = Encoding { ids: &self.encoded[segment].ids, symbols, index: segment as u32 };
        let (speaker, seed, cancelled) = (&self.speakers[self.speaker_of[segment]], self.seed, &*self.cancelled);
        self.synthesizer.install(|| speaker.begin(&encoding, seed, &mut Cancellation(cancelled)))
    }

    /// Samples of a segment with the silence behind it.
    fn segment_samples(&self, segment: usize, frames: usize) -> u64 {
        (frames * self.synthesizer.samples_per_frame() + self.silence_samples[segment]) as u64
    }

    /// Goes on to the next segment; returns how many samples the current one has.
    fn end_segment(&mut self, frames: usize) -> u64 {
        let samples = self.segment_samples(self.segment, frames);
        self.samples_before += samples;
        self.segment += 1;
        samples
    }

    fn begin(&mut self) -> Result<Current<'a>> {
        let utterance = self.utterance(self.segment)?;
        self.durations = utterance.durations().to_vec();
        let frames = self.durations.iter().sum::<u32>() as usize;
        self.time(utterance.durations(), frames);
        Ok(Current { utterance, frames, done_frames: 0 })
    }

    /// Notes when the current segment's symbols sound.
    fn time(&mut self, durations: &[u32], frames: usize) {
        let (encoded, segment) = (&self.encoded[self.segment], &self.segments[self.segment]);
        let rate = f64::from(self.synthesizer.sample_rate_hz());
        let samples_per_frame = self.synthesizer.samples_per_frame() as u64;
        let seconds = |frames: u64| (self.samples_before + frames * samples_per_frame) as f64 / rate;
        let symbols: Vec<char> = segment.phonemes.chars().collect();
        let (mut start, mut id) = (0u64, 0);
        while id < durations.len() {
            // A symbol may have several ids.
            let symbol = encoded.symbols[id];
            let same = encoded.symbols[id..].iter().take_while(|other| **other == symbol).count();
            let end = start + durations[id..id + same].iter().map(|frames| u64::from(*frames)).sum::<u64>();
            if let Some(place) = symbol
                && let Some(token) = segment.owners[place]
            {
                let joined = |place: &usize| encoded.joined.binary_search(place).is_ok();
                let more = (place + 1..).take_while(joined).count();
                let symbol = symbols[place..=place + more].iter().collect();
                self.timestamps.push(&self.read.tokens, token, symbol, seconds(start), seconds(end));
            }
            (start, id) = (end, id + same);
        }
        self.timestamps.duration_s = seconds(frames as u64);
    }

    fn chunk(&mut self) -> Result<Chunk> {
        let lead_samples = std::mem::take(&mut self.lead_samples);
        self.samples_before += lead_samples as u64;
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.begin()?,
        };
        let whole = if current.utterance.is_divisible() { self.chunk_size } else { ChunkSize::Segment };
        let length = whole.frames(current.done_frames).min(current.frames - current.done_frames);
        let frames = current.done_frames..current.done_frames + length;
        let cancellation = &mut Cancellation(&self.cancelled);
        let mut samples = self.synthesizer.install(|| current.utterance.decode(frames.clone(), cancellation))?;
        if lead_samples > 0 {
            samples.splice(0..0, std::iter::repeat_n(0.0, lead_samples));
        }
        let segment = self.segment;
        let ends_segment = frames.end == current.frames;
        if ends_segment {
            samples.resize(samples.len() + self.silence_samples[segment], 0.0);
            self.end_segment(current.frames);
        } else {
            current.done_frames = frames.end;
            self.current = Some(current);
        }
        Ok(Chunk { samples, segment, ends_segment })
    }
}

impl Iterator for Speech<'_> {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.segment >= self.segments.len() {
            return None;
        }
        let chunk = self.chunk();
        let chunk = if self.cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { chunk };
        if chunk.is_err() {
            // A failed segment ends the speech: going on would drop words.
            self.segment = self.segments.len();
        }
        Some(chunk)
    }
}

/// What is not said as it should be: what the text's front-end reports, words that had to be cut, and symbols that the model has no id for.
fn warnings(read: &Phonemized, spoken: &[Spoken], encoded: &[Encoded], notices: Vec<Notice>) -> Vec<Warning> {
    let mut unknown = BTreeMap::new();
    for (_, symbol) in encoded.iter().flat_map(|encoded| &encoded.unknown) {
        *unknown.entry(*symbol).or_insert(0) += 1;
    }
    let segments = spoken.iter().map(|spoken| &spoken.segment);
    let cut_tokens = segments.filter(|segment| segment.cut_inside_word).map(|segment| segment.tokens.end - 1);
    let cut = cut_tokens.collect::<BTreeSet<_>>().into_iter().map(|index| {
        let token = &read.tokens[index];
        // The beginning is enough to find such a word by.
        let text: String = token.text.chars().take(40).collect();
        Warning::Cut(lumivox_text::Warning { text, span: token.span.clone(), reason: Reason::Cut })
    });
    let text = read.warnings.iter().cloned().map(Warning::Text);
    let markup = notices.into_iter().map(Warning::Markup);
    markup
        .chain(text)
        .chain(cut)
        .chain(unknown.into_iter().map(|(symbol, count)| Warning::Symbol { symbol, count }))
        .collect()
}

/// The silence behind a sentence or paragraph, in seconds.
fn silence_s(segment: &Segment, options: &Options) -> f64 {
    f64::from(match segment.boundary {
        Boundary::None => 0.0,
        Boundary::Sentence => options.sentence_silence_s,
        Boundary::Paragraph => options.paragraph_silence_s.unwrap_or(options.sentence_silence_s),
    })
}
