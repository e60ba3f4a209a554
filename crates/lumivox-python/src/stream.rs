//! Speech while it is made.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lumivox::{Warning, WordTime};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::errors;
use crate::options::Request;
use crate::speech::{self, SpeechWarning};
use crate::worker::{Event, Worker};

/// Speech while it is made: an iterator of float32 arrays of shape `(samples,)`. The next one is computed while the last one is used, on threads beside
/// Python's; dropping the iterator, or `close`, ends that.
#[pyclass(frozen, module = "lumivox")]
pub struct Stream {
    worker: Worker,
    request: Arc<Request>,
    /// Samples in a second.
    #[pyo3(get)]
    sample_rate_hz: u32,
    warnings: Vec<Warning>,
    /// Never locked while Python runs, which may run another thread that waits for it.
    words: Mutex<Vec<WordTime>>,
    ended: AtomicBool,
}

impl Stream {
    /// Waits until the text is read.
    ///
    /// # Errors
    /// If it can't be said.
    pub fn begin(py: Python, worker: Worker, request: Arc<Request>, sample_rate_hz: u32) -> PyResult<Self> {
        let warnings = match worker.next(py)? {
            Event::Failed(error) => return Err(errors::engine(error)),
            Event::Begun(warnings) => warnings,
            Event::Chunk(..) | Event::Done(_) => Vec::new(),
        };
        let (words, ended) = (Mutex::default(), AtomicBool::new(false));
        Ok(Self { worker, request, sample_rate_hz, warnings, words, ended })
    }
}

#[pymethods]
impl Stream {
    fn __iter__(this: PyRef<Self>) -> PyRef<Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f32>>>> {
        if self.ended.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match self.worker.next(py).inspect_err(|_| self.close())? {
            Event::Chunk(samples, new) => {
                self.words.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
                Ok(Some(PyArray1::from_vec(py, samples)))
            }
            Event::Failed(error) => {
                self.close();
                Err(errors::engine(error))
            }
            Event::Begun(_) | Event::Done(_) => {
                self.close();
                Ok(None)
            }
        }
    }

    /// Ends the speech.
    fn close(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.worker.cancel();
    }

    fn __enter__(this: PyRef<Self>) -> PyRef<Self> {
        this
    }

    fn __exit__(&self, _type: Py<PyAny>, _value: Py<PyAny>, _traceback: Py<PyAny>) {
        self.close();
    }

    /// What is not said as it should be: a list of `SpeechWarning`.
    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let warnings = self.warnings.iter().map(|warning| Py::new(py, SpeechWarning::from(warning)));
        PyList::new(py, warnings.collect::<PyResult<Vec<_>>>()?)
    }

    /// When each word sounds, of the sentences that have begun: a list of `Word`.
    #[getter]
    fn words<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        PyList::new(py, speech::words(py, &self.request.text, &words)?)
    }
}
