//! What an engine is to the bench.

use crate::error::{Error, Result};

/// A text as engines get it: the same ids for all.
#[derive(Clone, Debug)]
pub struct Utterance {
    /// The text's name.
    pub name: String,
    /// Characters of the text.
    pub characters: usize,
    /// What is said in one go each, one after another.
    pub segments: Vec<Segment>,
}

/// A stretch of text that is said in one go.
#[derive(Clone, Debug)]
pub struct Segment {
    /// In the model's symbols.
    pub phonemes: String,
    /// What the model reads, its boundary symbols among them.
    pub ids: Vec<u32>,
}

/// What an engine is.
#[derive(Clone, Debug)]
pub struct About {
    /// What tables call it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The graph or folder that it speaks from; none for lumivox, whose model the record names.
    pub source: Option<String>,
    /// What loading the model took.
    pub load_s: f64,
    /// The most memory that the process had meanwhile, where that is known and the engine's own.
    pub load_peak_rss_bytes: Option<u64>,
}

/// An utterance that an engine has said, and what it took.
#[derive(Clone, Debug)]
pub struct Said {
    /// How many samples.
    pub samples: usize,
    /// The samples, in -1..1; an engine in another process hands them over only when [asked](Engine::say).
    pub audio: Option<Vec<f32>>,
    /// From ids to the last sample.
    pub wall_s: f64,
    /// CPU time of all threads meanwhile.
    pub cpu_s: f64,
    /// From ids to the first samples; all of `wall_s` where an engine does not tell.
    pub ttfb_s: f64,
    /// Copies of tensors between host and device meanwhile; 0 on the CPU.
    pub host_device_copies: u64,
}

/// An engine with its model loaded.
pub trait Engine {
    /// What it is.
    fn about(&self) -> &About;

    /// Says an utterance. `wants_audio` asks for the samples.
    ///
    /// # Errors
    /// If the engine fails.
    fn say(&mut self, utterance: &Utterance, wants_audio: bool) -> Result<Said>;

    /// Seconds from ids to the first samples, of an engine that can give them before the segment is whole, and is asked to; `None` of others, whose [`Said::ttfb_s`] counts.
    ///
    /// # Errors
    /// If the engine fails.
    fn first_audio(&mut self, _utterance: &Utterance) -> Result<Option<f64>> {
        Ok(None)
    }

    /// The process that it runs in, if not this one.
    fn process(&self) -> Option<u32> {
        None
    }

    /// The sample rate of its audio in Hz.
    fn sample_rate_hz(&self) -> u32;

    /// Whether it says the same samples each time, and not only as many.
    fn is_reproducible(&self) -> bool {
        false
    }
}

/// Checks that `said` is speech: there are samples, they are numbers, and they are not silence.
///
/// # Errors
/// If not; the error says what is wrong.
pub(crate) fn check_speech(engine: &str, case: &str, said: &Said) -> Result<()> {
    let wrong = |reason: String| Err(Error::WrongOutput { engine: engine.to_owned(), case: case.to_owned(), reason });
    if said.samples == 0 {
        return wrong("there are no samples".into());
    }
    let Some(audio) = &said.audio else { return Ok(()) };
    if audio.len() != said.samples {
        return wrong(format!("{} samples are {}", said.samples, audio.len()));
    }
    if let Some(place) = audio.iter().position(|sample| !sample.is_finite()) {
        return wrong(format!("sample {place} is {}", audio[place]));
    }
    let rms = (audio.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / audio.len() as f64).sqrt();
    if rms < 1e-4 {
        return wrong(format!("it is silence (RMS {rms:.1e})"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(audio: Vec<f32>) -> Said {
        let samples = audio.len();
        Said { samples, audio: Some(audio), wall_s: 1.0, cpu_s: 1.0, ttfb_s: 1.0, host_device_copies: 0 }
    }

    #[test]
    fn what_is_no_speech_is_refused() {
        let check = |said: &Said| check_speech("e", "44", said).map_err(|error| error.to_string());
        assert!(check(&said(vec![0.5, -0.5])).is_ok());
        assert!(check(&said(vec![])).unwrap_err().contains("no samples"));
        assert!(check(&said(vec![0.1, f32::NAN])).unwrap_err().contains("sample 1 is NaN"));
        assert!(check(&said(vec![0.0; 9])).unwrap_err().contains("silence"));
        let short = Said { samples: 3, ..said(vec![0.5]) };
        assert!(check(&short).unwrap_err().contains("3 samples are 1"));
    }
}
