//! Samples to bytes of a format, piece by piece.

mod ffmpeg;
mod flac;
mod opus;
mod pipeline;
mod resample;

use lumivox::audio::{SampleFormat, WavStream};

use ffmpeg::Ffmpeg;
pub use ffmpeg::is_installed as ffmpeg_is_installed;
pub use pipeline::{Piece, encoded};

use crate::error::{ApiError, Result};
use flac::Flac;
use opus::Opus;
use resample::Resampler;

/// Samples in a second of OpenAI's `pcm`.
pub const PCM_RATE_HZ: u32 = 24_000;

/// A format of OpenAI's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RIFF with samples of 16 bits.
    Wav,
    /// Bare samples of 16 bits, little-endian, 24,000 in a second.
    Pcm,
    /// FLAC.
    Flac,
    /// Opus in Ogg.
    Opus,
    /// MPEG layer III, by ffmpeg.
    Mp3,
    /// AAC in ADTS, by ffmpeg.
    Aac,
}

impl Format {
    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "wav" => Self::Wav,
            "pcm" => Self::Pcm,
            "flac" => Self::Flac,
            "opus" => Self::Opus,
            "mp3" => Self::Mp3,
            "aac" => Self::Aac,
            _ => return None,
        })
    }

    /// Whether ffmpeg makes it.
    pub fn needs_ffmpeg(self) -> bool {
        matches!(self, Self::Mp3 | Self::Aac)
    }

    /// Its media type; of bare samples with the rate.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Pcm => "audio/pcm;rate=24000",
            Self::Flac => "audio/flac",
            Self::Opus => "audio/ogg;codecs=opus",
            Self::Mp3 => "audio/mpeg",
            Self::Aac => "audio/aac",
        }
    }
}

/// Turns samples into bytes. The bytes of all pieces joined don't depend on where the pieces end.
pub enum Encoder {
    /// Samples of 16 bits, with a RIFF header before them unless they are bare.
    Samples {
        /// Samples in a second.
        sample_rate_hz: u32,
        /// Whether the header is still to come.
        header: bool,
        /// To the rate that is asked for.
        resampler: Resampler,
    },
    /// FLAC.
    Flac(Box<Flac>),
    /// Opus, at a rate that it knows.
    Opus(Box<Opus>, Resampler),
}

impl Encoder {
    /// An encoder of `format`, which may not be ffmpeg's, for samples of `sample_rate_hz`.
    ///
    /// # Errors
    /// If the format has no such rate.
    pub fn new(format: Format, sample_rate_hz: u32) -> Result<Self> {
        Ok(match format {
            Format::Flac => Self::Flac(Box::new(Flac::new(sample_rate_hz)?)),
            Format::Opus => {
                let rate_hz = Opus::rate_hz(sample_rate_hz);
                Self::Opus(Box::new(Opus::new(rate_hz)?), Resampler::new(sample_rate_hz, rate_hz)?)
            }
            Format::Pcm => {
                let resampler = Resampler::new(sample_rate_hz, PCM_RATE_HZ)?;
                Self::Samples { sample_rate_hz: PCM_RATE_HZ, header: false, resampler }
            }
            Format::Wav | Format::Mp3 | Format::Aac => {
                let resampler = Resampler::new(sample_rate_hz, sample_rate_hz)?;
                Self::Samples { sample_rate_hz, header: format == Format::Wav, resampler }
            }
        })
    }

    /// The bytes that are known after these samples.
    ///
    /// # Errors
    /// If the encoder fails.
    pub fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>> {
        match self {
            Self::Samples { sample_rate_hz, header, resampler } => {
                let samples = resampler.push(samples)?;
                let bytes = to_bytes(&samples, *sample_rate_hz, *header)?;
                *header = false;
                Ok(bytes)
            }
            Self::Flac(flac) => flac.encode(&to_i16(samples)?),
            Self::Opus(opus, resampler) => opus.encode(&to_i16(&resampler.push(samples)?)?),
        }
    }

    /// The last bytes.
    ///
    /// # Errors
    /// If the encoder fails.
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        match self {
            Self::Samples { sample_rate_hz, header, resampler } => {
                to_bytes(&resampler.finish()?, *sample_rate_hz, *header)
            }
            Self::Flac(flac) => flac.finish(),
            Self::Opus(opus, resampler) => {
                let mut bytes = opus.encode(&to_i16(&resampler.finish()?)?)?;
                bytes.extend(opus.finish()?);
                Ok(bytes)
            }
        }
    }
}

/// Samples as 16 bits, with a header whose length is open if asked.
pub(crate) fn to_bytes(samples: &[f32], sample_rate_hz: u32, header: bool) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(samples.len() * 2 + 44);
    let mut wav = WavStream::new(&mut bytes, "the response".into(), sample_rate_hz, SampleFormat::I16, header)?;
    wav.write(samples)?;
    wav.finish()?;
    Ok(bytes)
}

/// Samples as 16 bits, rounded as in every file.
fn to_i16(samples: &[f32]) -> Result<Vec<i16>> {
    let bytes = to_bytes(samples, 1, false)?;
    Ok(bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

/// An encoder's failure.
fn failed(format: &str, error: impl std::fmt::Debug) -> ApiError {
    ApiError::Internal(format!("{format} can't be encoded: {error:?}"))
}

#[cfg(test)]
mod tests;
