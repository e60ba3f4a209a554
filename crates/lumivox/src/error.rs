//! What can go wrong, and what to do about it.

use crate::audio::MAX_WAV_DATA_BYTES;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why speech could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model file is damaged, incomplete or of another kind.
    #[error(transparent)]
    ModelFile(#[from] lumivox_convert::ModelFileError),
    /// The model file's configuration is not the graph's.
    #[error("{model}: the model can't be used: {reason}")]
    Config {
        /// The model file.
        model: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A voice that the model does not have.
    #[error("there is no voice `{name}`{}", did_you_mean(nearest))]
    UnknownVoice {
        /// As asked for.
        name: String,
        /// Names that are close to it, nearest first.
        nearest: Vec<String>,
    },
    /// A voice blend that can't be read.
    #[error(
        "the voice `{0}` can't be read; write a name, or a blend such as `af_heart:60,af_bella:40` or `af_heart.4+af_bella.6`"
    )]
    VoiceSyntax(String),
    /// A voice whose language has no front-end here.
    #[error(
        "the voice `{voice}` doesn't say which language it speaks; give the language (en-us, en-gb, es, fr, hi, it, ja, pt-br, zh), or phonemes"
    )]
    NoFrontEnd {
        /// The voice.
        voice: String,
    },
    /// A model that reads phonemes of a program that is not part of this one.
    #[error(
        "the model was trained on phonemes of {reads}, which is no part of this one: text can't be read for it; give phonemes in its symbols, all of it or in the text (`[[…]]`)"
    )]
    PhonemesOnly {
        /// What makes its phonemes.
        reads: String,
    },
    /// A speaker that the model does not have.
    #[error("there is no speaker `{name}`: {}", speakers_known(*speakers, nearest))]
    UnknownSpeaker {
        /// As asked for.
        name: String,
        /// How many there are.
        speakers: usize,
        /// Names that are close to it, nearest first.
        nearest: Vec<String>,
    },
    /// A device that is not there.
    #[error("the device {asked} can't be used: {reason}")]
    Device {
        /// As asked for.
        asked: String,
        /// Why not.
        reason: String,
    },
    /// Numbers that a device does not compute in.
    #[error("precision {precision} is not for {device}, which takes {takes}")]
    Precision {
        /// What was asked for.
        precision: &'static str,
        /// Where it would be computed.
        device: &'static str,
        /// What can be asked for there.
        takes: &'static str,
    },
    /// A phoneme that the model has no id for, where every one must be spoken.
    #[error("the model has no id for the phoneme `{}`", symbol.escape_debug())]
    UnknownSymbol {
        /// The symbol.
        symbol: char,
    },
    /// A number outside the range that makes sense.
    #[error("the {name} {value} is outside {least} to {most}")]
    OutOfRange {
        /// What it is.
        name: &'static str,
        /// What was asked for.
        value: f32,
        /// The least that is taken.
        least: f32,
        /// The most that is taken.
        most: f32,
    },
    /// An option that the model's family does not have.
    #[error("{family} has no {name}; leave it out")]
    NotOfFamily {
        /// What it is.
        name: &'static str,
        /// The family.
        family: &'static str,
    },
    /// Longer than the caller allows.
    #[error("the text has {bytes} bytes, more than the limit of {limit}; split it, or raise the limit")]
    TextTooLong {
        /// Its length.
        bytes: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// Nothing in the text has a sound.
    #[error("there is nothing to say: the text has no words that can be spoken{}", first_of(warnings))]
    NothingToSay {
        /// What was left out.
        warnings: Vec<String>,
    },
    /// An SSML document that can't be read; the message has the line and column.
    #[error(transparent)]
    Ssml(#[from] lumivox_text::ssml::Notice),
    /// Durations of a segment that is not the one to be skipped.
    #[error("segment {segment} can't be skipped: the durations are those of another one")]
    OtherDurations {
        /// The segment's number.
        segment: usize,
    },
    /// The speech was cancelled by its user.
    #[error("cancelled")]
    Cancelled,
    /// The text front-end could not be loaded.
    #[error(transparent)]
    Text(#[from] lumivox_text::Error),
    /// The graph failed.
    #[error("synthesis failed: {0}")]
    Compute(#[from] candle_core::Error),
    /// The thread pool could not be started.
    #[error("the thread pool could not be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// Audio could not be written.
    #[error("writing {to} failed: {source}")]
    Write {
        /// File, or "standard output".
        to: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The audio does not fit a WAV file.
    #[error(
        "the audio is longer than a WAV file can hold ({MAX_WAV_DATA_BYTES} bytes); split the text, or give each chapter a file of its own"
    )]
    WavTooLong,
}

/// `; did you mean …?`, or nothing.
pub(crate) fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        names => format!("; did you mean {}?", names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn speakers_known(speakers: usize, nearest: &[String]) -> String {
    match speakers {
        1 => "the model has one alone, whose number is 0".to_owned(),
        n => format!("the model has {n}, numbered from 0 to {}{}", n - 1, did_you_mean(nearest)),
    }
}

fn first_of(warnings: &[String]) -> String {
    match warnings {
        [] => String::new(),
        [only] => format!(" ({only})"),
        [first, rest @ ..] => format!(" ({first}, and {} more)", rest.len()),
    }
}
