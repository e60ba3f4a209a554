//! Speech that is whole: samples, words and warnings.

use std::path::PathBuf;

use lumivox::audio::{self, SampleFormat, WavFile};
use lumivox::{Timestamps, Warning, WordTime};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::errors;
use crate::options::Request;
use crate::worker::{Event, Worker};

/// When a phoneme sounds.
#[pyclass(frozen, get_all, module = "lumivox")]
pub struct Phoneme {
    /// The symbol.
    symbol: String,
    /// Its beginning, in seconds from the first sample.
    start_s: f64,
    /// Its end.
    end_s: f64,
}

#[pymethods]
impl Phoneme {
    fn __repr__(&self) -> String {
        format!("Phoneme({:?}, {:.3} to {:.3} s)", self.symbol, self.start_s, self.end_s)
    }
}

/// When a word sounds.
#[pyclass(frozen, get_all, module = "lumivox")]
pub struct Word {
    /// As written.
    text: String,
    /// Where it begins in the text that was given, so that `text[word.start:word.end]` is it.
    start: usize,
    /// Where it ends.
    end: usize,
    /// Its beginning, in seconds from the first sample.
    start_s: f64,
    /// Its end.
    end_s: f64,
    /// Its phonemes: a list of `Phoneme`.
    phonemes: Py<PyList>,
}

#[pymethods]
impl Word {
    fn __repr__(&self) -> String {
        format!("Word({:?}, {:.3} to {:.3} s)", self.text, self.start_s, self.end_s)
    }
}

/// Something that is not said as it should be.
#[pyclass(frozen, get_all, module = "lumivox")]
pub struct SpeechWarning {
    /// What it is.
    message: String,
    /// Whether something is left out.
    is_loss: bool,
}

impl From<&Warning> for SpeechWarning {
    fn from(warning: &Warning) -> Self {
        Self { message: warning.to_string(), is_loss: warning.is_loss() }
    }
}

#[pymethods]
impl SpeechWarning {
    fn __str__(&self) -> &str {
        &self.message
    }

    fn __repr__(&self) -> String {
        format!("SpeechWarning({:?}, is_loss={})", self.message, if self.is_loss { "True" } else { "False" })
    }
}

/// Counts characters before bytes of a text, which are asked for in about their order.
struct Characters {
    byte: usize,
    character: usize,
}

impl Characters {
    const fn new() -> Self {
        Self { byte: 0, character: 0 }
    }

    fn before(&mut self, text: &str, byte: usize) -> usize {
        if byte < self.byte {
            *self = Self::new();
        }
        self.character += text[self.byte..byte].chars().count();
        self.byte = byte;
        self.character
    }
}

/// Words with their places in `text` by characters, as Python counts.
pub fn words(py: Python, text: &str, words: &[WordTime]) -> PyResult<Vec<Py<Word>>> {
    let mut at = Characters::new();
    let word = |word: &WordTime| {
        let phonemes = word.phonemes.iter().map(|phoneme| {
            let symbol = phoneme.symbol.clone();
            Py::new(py, Phoneme { symbol, start_s: phoneme.start_s, end_s: phoneme.end_s })
        });
        let phonemes = PyList::new(py, phonemes.collect::<PyResult<Vec<_>>>()?)?.unbind();
        let (start, end) = (at.before(text, word.span.start), at.before(text, word.span.end));
        Py::new(py, Word { text: word.text.clone(), start, end, start_s: word.start_s, end_s: word.end_s, phonemes })
    };
    words.iter().map(word).collect()
}

/// How samples are stored, by its name.
fn sample_format(name: &str) -> PyResult<SampleFormat> {
    match name {
        "s16" => Ok(SampleFormat::I16),
        "f32" => Ok(SampleFormat::F32),
        _ => Err(errors::option(format!("`sample_format` is \"s16\" or \"f32\", not \"{name}\""))),
    }
}

/// Speech that is whole.
#[pyclass(frozen, module = "lumivox")]
pub struct Speech {
    /// Mono samples in -1..1: a float32 array of shape `(samples,)`.
    #[pyo3(get)]
    samples: Py<PyArray1<f32>>,
    /// Samples in a second.
    #[pyo3(get)]
    sample_rate_hz: u32,
    /// When each word sounds: a list of `Word`.
    #[pyo3(get)]
    words: Py<PyList>,
    /// What is not said as it should be: a list of `SpeechWarning`.
    #[pyo3(get)]
    warnings: Py<PyList>,
    text: String,
    timestamps: Timestamps,
}

impl Speech {
    /// Takes everything that `worker` says.
    ///
    /// # Errors
    /// What went wrong there, or that Python was interrupted.
    pub fn collect(py: Python, worker: &Worker, request: &Request, sample_rate_hz: u32) -> PyResult<Self> {
        let (mut samples, mut warnings) = (Vec::new(), Vec::new());
        let timestamps = loop {
            match worker.next(py)? {
                Event::Begun(begun) => warnings = begun,
                Event::Chunk(chunk, _) if samples.is_empty() => samples = chunk,
                Event::Chunk(chunk, _) => py.detach(|| samples.extend_from_slice(&chunk)),
                Event::Done(timestamps) => break timestamps,
                Event::Failed(error) => return Err(errors::engine(error)),
            }
        };
        let words = words(py, &request.text, &timestamps.words)?;
        let warnings = warnings.iter().map(|warning| Py::new(py, SpeechWarning::from(warning)));
        Ok(Self {
            samples: PyArray1::from_vec(py, samples).unbind(),
            sample_rate_hz,
            words: PyList::new(py, words)?.unbind(),
            warnings: PyList::new(py, warnings.collect::<PyResult<Vec<_>>>()?)?.unbind(),
            text: request.text.clone(),
            timestamps,
        })
    }

    /// The array, which who has it may have given another shape or type.
    fn array<'py>(&self, py: Python<'py>) -> PyResult<PyReadonlyArray1<'py, f32>> {
        let array = self.samples.bind(py).as_any().cast::<PyArray1<f32>>().ok();
        array.and_then(|array| array.try_readonly().ok()).ok_or_else(|| {
            errors::option("`samples` is no array of float32 of shape (samples,) any more; change a copy of it".into())
        })
    }

    /// A copy, as the array may be changed while other threads run.
    fn copied(&self, py: Python) -> PyResult<Vec<f32>> {
        Ok(self.array(py)?.as_array().to_vec())
    }
}

#[pymethods]
impl Speech {
    /// Length in seconds.
    #[getter]
    fn duration_s(&self, py: Python) -> PyResult<f64> {
        Ok(self.array(py)?.len()? as f64 / f64::from(self.sample_rate_hz))
    }

    /// Writes a WAV file, which has its name only when it is whole. `sample_format` is "s16", 16-bit integers, or "f32". Raises `WriteError`.
    #[pyo3(signature = (path, *, sample_format = "s16"))]
    fn save(&self, py: Python, path: PathBuf, sample_format: &str) -> PyResult<()> {
        let (format, samples, rate_hz) = (self::sample_format(sample_format)?, self.copied(py)?, self.sample_rate_hz);
        let write = || {
            let mut wav = WavFile::create(&path, rate_hz, format)?;
            wav.write(&samples)?;
            wav.finish()
        };
        py.detach(write).map_err(errors::engine)
    }

    /// The bytes that `save` writes.
    #[pyo3(signature = (*, sample_format = "s16"))]
    fn to_wav<'py>(&self, py: Python<'py>, sample_format: &str) -> PyResult<Bound<'py, PyBytes>> {
        let (format, samples, rate_hz) = (self::sample_format(sample_format)?, self.copied(py)?, self.sample_rate_hz);
        let bytes = py.detach(|| audio::wav(&samples, rate_hz, format)).map_err(errors::engine)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Times of words and phonemes as JSON, with the text's bytes in UTF-8: what `lumivox say --timestamps x.json` writes.
    fn to_json(&self) -> PyResult<String> {
        self.timestamps.to_json().map_err(|error| errors::option(error.to_string()))
    }

    /// SubRip subtitles.
    fn to_srt(&self) -> String {
        self.timestamps.to_srt(&self.text)
    }

    /// WebVTT subtitles, with the time of each word.
    fn to_vtt(&self) -> String {
        self.timestamps.to_vtt(&self.text)
    }

    fn __repr__(&self, py: Python) -> PyResult<String> {
        let (seconds, words) = (self.duration_s(py)?, self.words.bind(py).len());
        Ok(format!("Speech({seconds:.2} s at {} Hz, {words} words)", self.sample_rate_hz))
    }
}
