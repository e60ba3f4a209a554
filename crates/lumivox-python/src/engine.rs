//! A loaded model that speaks.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use lumivox::store::{self, Reporter};
use lumivox::{ChunkSize, DeviceChoice, LoadOptions, Precision, embedded};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use sha2::{Digest, Sha256};

use crate::errors;
use crate::options::{Request, get};
use crate::speech::Speech;
use crate::stream::Stream;
use crate::worker::Worker;

/// A loaded model that speaks. Threads may share it.
///
/// `model` is a name that `lumivox models` lists, fetched first if it is not here, or the path of a model file or of a Piper voice's .onnx; "embedded" is the
/// voice inside this module. It computes on `threads` threads, one for each processor where that is None, in `precision` "f32", "f16" (on a GPU) or "int8"
/// (Kokoro on the processor), on `device` "auto", "cpu", "cuda" or "cuda:N". Raises `ModelNotFoundError`, `StoreError`, `ModelFileError` and `DeviceError`.
#[pyclass(frozen, module = "lumivox")]
pub struct Synthesizer {
    inner: Arc<lumivox::Synthesizer>,
    /// The model file; None is the voice inside this module.
    #[pyo3(get)]
    path: Option<PathBuf>,
    /// A hash of the weights and all that belongs to them: two models that have the same say the same.
    #[pyo3(get)]
    fingerprint: String,
    /// Threads do not survive a fork.
    process: u32,
}

/// Notes of a pull, for Python's `logging`.
struct Logger;

impl Reporter for Logger {
    fn note(&self, text: &str) {
        // A handler that fails is no reason not to go on.
        let _ = Python::attach(|py| errors::log(py, "warning", text));
    }
}

impl Synthesizer {
    fn load(py: Python, model: &str, options: &LoadOptions) -> PyResult<Self> {
        let path = match model {
            embedded::NAME => None,
            _ => Some(py.detach(|| store::resolve(model, &Logger)).map_err(errors::store)?),
        };
        let open = || match &path {
            Some(path) => lumivox::Synthesizer::open_with(path, options),
            None => lumivox::Synthesizer::embedded(options),
        };
        let inner = Arc::new(py.detach(open).map_err(errors::engine)?);
        let fingerprint = py.detach(|| fingerprint(path.as_deref()))?;
        Ok(Self { inner, path, fingerprint, process: process::id() })
    }

    fn start(
        &self,
        py: Python,
        text: &Bound<PyString>,
        arguments: Option<&Bound<PyDict>>,
        chunk_size: ChunkSize,
    ) -> PyResult<(Worker, Arc<Request>)> {
        if self.process != process::id() {
            return Err(PyRuntimeError::new_err(
                "this Synthesizer was made before the process forked, which its threads do not survive; make it in the new process",
            ));
        }
        let request = Arc::new(Request::new(text, arguments)?);
        if let Some(why) = py.detach(|| request.pull_dictionary()) {
            errors::log(py, "warning", &why)?;
        }
        let worker = Worker::start(Arc::clone(&self.inner), Arc::clone(&request), chunk_size)?;
        Ok((worker, request))
    }
}

#[pymethods]
impl Synthesizer {
    #[new]
    #[pyo3(signature = (model = "kokoro".into(), *, threads = None, precision = "f32", device = "auto"))]
    #[pyo3(text_signature = "(model='kokoro', *, threads=None, precision='f32', device='auto')")]
    fn new(
        py: Python,
        model: PathBuf,
        threads: Option<&Bound<PyAny>>,
        precision: &str,
        device: &str,
    ) -> PyResult<Self> {
        let Some(model) = model.to_str() else {
            return Err(errors::option("the model's path is not Unicode".into()));
        };
        Self::load(py, model, &load_options(threads, precision, device)?)
    }

    /// The voice inside this module: Piper's en_US joe (CC0-1.0), its weights of 8 bits. It needs no network.
    #[staticmethod]
    #[pyo3(signature = (*, threads = None))]
    fn embedded(py: Python, threads: Option<&Bound<PyAny>>) -> PyResult<Self> {
        Self::load(py, embedded::NAME, &load_options(threads, "f32", "cpu")?)
    }

    /// Says `text`, and returns a `Speech` when all is said. Other threads of Python run in the meantime.
    ///
    /// voice: Kokoro: a voice or a blend ("af_heart:60,af_bella:40"); VITS: a speaker's name or number as a string.
    /// language: its tag ("en-gb"); the voice's own if None.
    /// speed: 0.25 (slow) to 4 (fast). seed: the same gives the same samples.
    /// ssml, phonemes: whether the text is SSML, or phonemes in the model's symbols.
    /// length_scale, noise_scale, noise_w: those of VITS; the model's own if None.
    /// sentence_silence, paragraph_silence: seconds of silence behind each.
    /// lexicon: a dict of words and their phonemes. g2p: "builtin" or "espeak". emoji: whether they are said by their names.
    /// max_text_bytes: a longer text is refused.
    ///
    /// Raises `OptionError`, `UnknownVoiceError`, `LanguageError`, `SsmlError`, `TextTooLongError` and `NothingToSayError`; all are `LumivoxError`.
    #[pyo3(signature = (text, **options))]
    #[pyo3(
        text_signature = "($self, text, *, voice=None, language=None, speed=1.0, seed=0, ssml=False, phonemes=False, length_scale=None, noise_scale=None, noise_w=None, sentence_silence=0.0, paragraph_silence=None, lexicon=None, g2p='builtin', emoji=False, max_text_bytes=500000)"
    )]
    fn speak(&self, py: Python, text: &Bound<PyString>, options: Option<&Bound<PyDict>>) -> PyResult<Speech> {
        let (worker, request) = self.start(py, text, options, ChunkSize::Segment)?;
        Speech::collect(py, &worker, &request, self.inner.sample_rate_hz())
    }

    /// Says `text` while it is heard: returns a `Stream`, an iterator of float32 arrays. Options and errors are those of `speak`; errors of the text and the
    /// options are raised here, not by the iterator. Joined, the arrays are what `speak` makes. `chunk_frames` has pieces of so many frames of the model; if
    /// None they begin short and grow.
    #[pyo3(signature = (text, *, chunk_frames = None, **options))]
    #[pyo3(
        text_signature = "($self, text, *, chunk_frames=None, voice=None, language=None, speed=1.0, seed=0, ssml=False, phonemes=False, length_scale=None, noise_scale=None, noise_w=None, sentence_silence=0.0, paragraph_silence=None, lexicon=None, g2p='builtin', emoji=False, max_text_bytes=500000)"
    )]
    fn stream(
        &self,
        py: Python,
        text: &Bound<PyString>,
        chunk_frames: Option<usize>,
        options: Option<&Bound<PyDict>>,
    ) -> PyResult<Stream> {
        let chunk_size = chunk_frames.map_or(ChunkSize::Auto, ChunkSize::Frames);
        let (worker, request) = self.start(py, text, options, chunk_size)?;
        Stream::begin(py, worker, request, self.inner.sample_rate_hz())
    }

    /// Samples in a second of the audio.
    #[getter]
    fn sample_rate_hz(&self) -> u32 {
        self.inner.sample_rate_hz()
    }

    /// Names of the voices (Kokoro) or speakers (VITS), sorted; none where there is one without a name.
    #[getter]
    fn voices(&self) -> Vec<&str> {
        self.inner.voices()
    }

    /// What it computes on.
    #[getter]
    fn device(&self) -> &str {
        self.inner.device().name()
    }

    fn __repr__(&self) -> String {
        let model = self.path.as_deref().and_then(Path::file_stem);
        let model = model.map_or(embedded::NAME.into(), |name| name.to_string_lossy());
        format!("Synthesizer({model:?}, {} Hz, on {})", self.inner.sample_rate_hz(), self.inner.device().name())
    }
}

fn load_options(threads: Option<&Bound<PyAny>>, precision: &str, device: &str) -> PyResult<LoadOptions> {
    let threads = threads.map(|threads| get::<usize>("threads", threads)).transpose()?;
    if threads == Some(0) {
        return Err(errors::option("`threads` is at least 1, or None for one for each processor".into()));
    }
    let precision = match precision {
        "f32" => Precision::F32,
        "f16" => Precision::F16,
        "int8" => Precision::Int8,
        _ => return Err(errors::option(format!("`precision` is \"f32\", \"f16\" or \"int8\", not \"{precision}\""))),
    };
    let choice: DeviceChoice =
        device.parse().map_err(|why| errors::option(format!("there is no device \"{device}\": {why}")))?;
    let (device, _) = choice.open().map_err(errors::engine)?;
    Ok(LoadOptions { threads, precision, device, ..LoadOptions::default() })
}

/// The hash of a model file's header, in which that of its weights stands.
fn fingerprint(path: Option<&Path>) -> PyResult<String> {
    let mut hasher = Sha256::new();
    match path {
        Some(path) => hasher.update(lumivox::convert::header(path)?),
        None => {
            let file = embedded::model_file().map_err(|error| errors::engine(error.into()))?;
            hasher.update(embedded::NAME);
            hasher.update(&file.metadata().source.sha256);
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
