//! An input as segments: which tokens they are of, by which speaker they are said, and what silence follows.

use lumivox_text::{Boundary, Phonemized, Segment, SegmentLimits, segments, ssml, with_phoneme_blocks};

use crate::error::Result;
use crate::model::{Model, Speaker};
use crate::options::{Input, Options};

/// An input that was read.
pub(crate) struct Reading<'a> {
    pub(crate) read: Phonemized,
    pub(crate) segments: Vec<Spoken>,
    pub(crate) speakers: Vec<Box<dyn Speaker<'a> + 'a>>,
    /// Voice and speed of each speaker.
    choices: Vec<(Option<String>, f32)>,
    /// Silence before everything, in seconds.
    pub(crate) lead_s: f64,
    /// Markup without effect.
    pub(crate) notices: Vec<ssml::Notice>,
}

/// A segment with who says it and the silence behind it.
pub(crate) struct Spoken {
    pub(crate) segment: Segment,
    /// Which of the speakers.
    pub(crate) speaker: usize,
    /// Silence that is asked for behind it, in seconds, beside that of sentences and paragraphs.
    pub(crate) pause_s: f64,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(model: &'a dyn Model, input: Input, options: &Options) -> Result<Self> {
        let mut reading = Self {
            read: Phonemized::default(),
            segments: Vec::new(),
            speakers: Vec::new(),
            choices: Vec::new(),
            lead_s: 0.0,
            notices: Vec::new(),
        };
        match input {
            Input::Text(text) => {
                reading.add(model, options, || read_text(text, options, |part| model.read(part, options)))?
            }
            Input::Phonemes(phonemes) => reading.add(model, options, || Ok(Phonemized::from_phonemes(phonemes)))?,
            Input::Ssml(source) => {
                let document = ssml::parse(source)?;
                for part in &document.parts {
                    reading.pause(f64::from(part.pause_s));
                    if part.text.trim().is_empty() {
                        continue;
                    }
                    let options = delivered(options, &part.delivery);
                    options.check()?;
                    reading.add(model, &options, || {
                        let mut read = read_text(&part.text, &options, |text| model.read(text, &options))?;
                        part.locate(&mut read);
                        Ok(read)
                    })?;
                }
                reading.notices = document.notices;
            }
        }
        Ok(reading)
    }

    fn pause(&mut self, pause_s: f64) {
        match self.segments.last_mut() {
            Some(last) => last.pause_s += pause_s,
            None => self.lead_s += pause_s,
        }
    }

    /// Adds what is read in one way of speaking. What is wrong with the options is told before what is wrong with the text.
    fn add(
        &mut self,
        model: &'a dyn Model,
        options: &Options,
        read: impl FnOnce() -> Result<Phonemized>,
    ) -> Result<()> {
        let choice = (options.voice.clone(), options.speed);
        let speaker = match self.choices.iter().position(|known| *known == choice) {
            Some(speaker) => speaker,
            None => {
                self.speakers.push(model.speaker(options)?);
                self.choices.push(choice);
                self.choices.len() - 1
            }
        };
        let mut read = read()?;
        let limits = limits(model.segment_limits(), options);
        let before = self.read.tokens.len();
        for mut segment in segments(&read, &limits) {
            segment.tokens = segment.tokens.start + before..segment.tokens.end + before;
            segment.owners.iter_mut().flatten().for_each(|owner| *owner += before);
            self.segments.push(Spoken { segment, speaker, pause_s: 0.0 });
        }
        self.read.tokens.append(&mut read.tokens);
        self.read.warnings.append(&mut read.warnings);
        Ok(())
    }
}

/// Where silence is asked for behind sentences, each must end a segment.
fn limits(limits: SegmentLimits, options: &Options) -> SegmentLimits {
    let end_at = if options.sentence_silence_s > 0.0 { Boundary::Sentence } else { limits.end_at };
    SegmentLimits { end_at, ..limits }
}

/// A text with its `[[phonemes]]` and the options' lexicon, the rest by `read`.
pub(crate) fn read_text(
    text: &str,
    options: &Options,
    read: impl Fn(&str) -> Result<Phonemized>,
) -> Result<Phonemized> {
    let mut read = with_phoneme_blocks(text, read)?;
    if let Some(lexicon) = &options.lexicon {
        lexicon.apply(&mut read);
    }
    Ok(read)
}

/// The request's options with what a part of a document says otherwise.
fn delivered(options: &Options, delivery: &ssml::Delivery) -> Options {
    let voice = delivery.voice.clone().or_else(|| options.voice.clone());
    let language = delivery.language.or(options.language);
    Options { voice, language, speed: options.speed * delivery.rate, ..options.clone() }
}
