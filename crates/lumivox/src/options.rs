//! What is to be said, and how.

use std::sync::Arc;

use lumivox_text::{Emoji, Language, UserLexicon};

use crate::error::{Error, Result};

/// What is to be said.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Text, read by the language's front-end; `[[…]]` in it holds phonemes in the model's symbols.
    Text(&'a str),
    /// An SSML document, as [`lumivox_text::ssml`] reads it; `[[…]]` in its text holds phonemes, too.
    Ssml(&'a str),
    /// Phonemes in the model's symbols.
    Phonemes(&'a str),
}

/// Where the phonemes of a text come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum G2p {
    /// The front-ends of [`lumivox_text`], where there is one for the language.
    #[default]
    Builtin,
    /// The espeak-ng that is installed.
    Espeak,
}

/// How it is to be said. What is `None` is as the model has it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Kokoro: a voice or a blend, as [`VoiceSpec`](crate::VoiceSpec) reads it; `af_heart` where `None`. VITS: a speaker's name or number; the configuration's, mostly the first, where `None`.
    pub voice: Option<String>,
    /// Language that text is read in; the voice's own where `None`.
    pub language: Option<Language>,
    /// Where phonemes come from.
    pub g2p: G2p,
    /// What is done with emoji; a model that reads letters, and espeak-ng, see them as they are.
    pub emoji: Emoji,
    /// 1 as trained, 2 twice as fast; 0.25 to 4.
    pub speed: f32,
    /// Factor of all durations beside `speed`, up to 10; the VITS configuration's where `None`, 1 for Kokoro.
    pub length_scale: Option<f32>,
    /// VITS: deviation of the latent variable's noise, 0 to 10: how lively the voice is.
    pub noise_scale: Option<f32>,
    /// VITS: deviation of the duration predictor's noise, 0 to 10: how lively the rhythm is.
    pub noise_w: Option<f32>,
    /// Silence behind each sentence but the last, in seconds; 0 to 60.
    pub sentence_silence_s: f32,
    /// Silence behind each paragraph but the last, in seconds, 0 to 60; that of sentences where `None`.
    pub paragraph_silence_s: Option<f32>,
    /// Pronunciations in the model's symbols that go before the front-end's.
    pub lexicon: Option<Arc<UserLexicon>>,
    /// The same seed gives the same audio.
    pub seed: u64,
    /// The most bytes of text that are taken.
    pub max_text_bytes: usize,
}

impl Default for Options {
    /// The model's own voice and scales, speed 1, no silence between sentences, seed 0, at most 500,000 bytes (some ten hours).
    fn default() -> Self {
        Self {
            voice: None,
            language: None,
            g2p: G2p::default(),
            emoji: Emoji::default(),
            speed: 1.0,
            length_scale: None,
            noise_scale: None,
            noise_w: None,
            sentence_silence_s: 0.0,
            paragraph_silence_s: None,
            lexicon: None,
            seed: 0,
            max_text_bytes: 500_000,
        }
    }
}

impl Options {
    /// Defaults for `voice`.
    pub fn new(voice: impl Into<String>) -> Self {
        Self { voice: Some(voice.into()), ..Self::default() }
    }

    /// Whether text is read by the [dictionary of Japanese](crate::store::JAPANESE_DICTIONARY): by the language, or by Kokoro's voices of that language.
    pub fn needs_japanese_dictionary(&self) -> bool {
        let by_voice =
            || self.voice.as_deref().is_some_and(|voice| voice.starts_with("jf_") || voice.starts_with("jm_"));
        self.g2p == G2p::Builtin && self.language.map_or_else(by_voice, |language| language == Language::Japanese)
    }

    /// Checks every number against its range.
    pub(crate) fn check(&self) -> Result<()> {
        let within = |name, value: Option<f32>, least: f32, most: f32| match value {
            Some(value) if !(least..=most).contains(&value) => Err(Error::OutOfRange { name, value, least, most }),
            _ => Ok(()),
        };
        within("speed", Some(self.speed), 0.25, 4.0)?;
        within("length scale", self.length_scale, 0.1, 10.0)?;
        within("noise scale", self.noise_scale, 0.0, 10.0)?;
        within("noise-w scale", self.noise_w, 0.0, 10.0)?;
        within("sentence silence", Some(self.sentence_silence_s), 0.0, 60.0)?;
        within("paragraph silence", self.paragraph_silence_s, 0.0, 60.0)
    }
}

/// How long the pieces are in which a segment's audio comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ChunkSize {
    /// Whole segments: the least work.
    #[default]
    Segment,
    /// A short first piece, each next one twice as long, to a few seconds: the first sound as early as can be, and hardly more work.
    Auto,
    /// Pieces of so many frames of the model, at least one.
    Frames(usize),
}

impl ChunkSize {
    /// Frames of the first piece with [`ChunkSize::Auto`], some 0.1 s: as many as the least window of a Piper voice's generator gives.
    const FIRST_FRAMES: usize = 7;
    /// Frames of the longest piece with [`ChunkSize::Auto`]: some 6 s.
    const MOST_FRAMES: usize = 512;

    /// Frames of the piece that begins behind `done` frames of a segment.
    pub(crate) fn frames(self, done: usize) -> usize {
        match self {
            Self::Segment => usize::MAX,
            // 7 | 14 | 28 …: as long as everything before it, and the first piece's length.
            Self::Auto => (done + Self::FIRST_FRAMES).min(Self::MOST_FRAMES),
            Self::Frames(frames) => frames.max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_their_ranges_are_refused() {
        assert!(Options::default().check().is_ok());
        let bad = [
            Options { speed: 0.2, ..Options::default() },
            Options { speed: f32::NAN, ..Options::default() },
            Options { length_scale: Some(0.0), ..Options::default() },
            Options { noise_scale: Some(-0.1), ..Options::default() },
            Options { noise_w: Some(f32::INFINITY), ..Options::default() },
            Options { sentence_silence_s: 61.0, ..Options::default() },
            Options { paragraph_silence_s: Some(-1.0), ..Options::default() },
        ];
        for options in bad {
            assert!(matches!(options.check(), Err(Error::OutOfRange { .. })), "{options:?}");
        }
    }

    #[test]
    fn pieces_grow() {
        let mut done = 0;
        let pieces: Vec<usize> = std::iter::repeat_with(|| {
            let frames = ChunkSize::Auto.frames(done);
            done += frames;
            frames
        })
        .take(8)
        .collect();
        assert_eq!(pieces, [7, 14, 28, 56, 112, 224, 448, 512]);
        assert_eq!(ChunkSize::Frames(0).frames(9), 1);
    }
}
