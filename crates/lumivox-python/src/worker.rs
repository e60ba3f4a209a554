//! A thread that speaks, and what it tells the thread that listens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use lumivox::{ChunkSize, Error, Synthesizer, Timestamps, Warning, WordTime};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::options::Request;

/// After so long a wait Python looks whether it was interrupted.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// What the thread that speaks tells.
pub enum Event {
    /// The text is read, and can be said.
    Begun(Vec<Warning>),
    /// A stretch of audio, and the words that are new.
    Chunk(Vec<f32>, Vec<WordTime>),
    /// Everything is said.
    Done(Timestamps),
    /// Nothing more comes.
    Failed(Error),
}

/// A thread that speaks, one chunk ahead of who listens. It ends when this is dropped, in the middle of a segment, too.
pub struct Worker {
    events: Mutex<Receiver<Event>>,
    /// Whether its last event was taken; more than one thread may wait for it.
    has_ended: AtomicBool,
    cancelled: Arc<AtomicBool>,
}

impl Worker {
    /// Starts to speak.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn start(synthesizer: Arc<Synthesizer>, request: Arc<Request>, chunk_size: ChunkSize) -> PyResult<Self> {
        let (sender, events) = sync_channel(1);
        let cancelled = Arc::<AtomicBool>::default();
        let stop = Arc::clone(&cancelled);
        let run = move || speak(&synthesizer, &request, chunk_size, stop, &sender);
        thread::Builder::new().name("lumivox".into()).spawn(run)?;
        Ok(Self { events: Mutex::new(events), has_ended: AtomicBool::new(false), cancelled })
    }

    /// Waits for what comes next, while other threads of Python run.
    ///
    /// # Errors
    /// If Python is interrupted, which ends the speech.
    pub fn next(&self, py: Python) -> PyResult<Event> {
        loop {
            let wait = || {
                let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
                let event = events.recv_timeout(SIGNALS_EVERY);
                if let Ok(Event::Done(_) | Event::Failed(_)) = event {
                    self.has_ended.store(true, Ordering::Relaxed);
                }
                event
            };
            match py.detach(wait) {
                Ok(event) => return Ok(event),
                Err(RecvTimeoutError::Timeout) => py.check_signals().inspect_err(|_| self.cancel())?,
                Err(RecvTimeoutError::Disconnected) if self.has_ended.load(Ordering::Relaxed) => {
                    return Ok(Event::Done(Timestamps::default()));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PyRuntimeError::new_err("the thread that speaks has ended; this is a bug of lumivox"));
                }
            }
        }
    }

    /// Ends the speech soon.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Speaks until all is said or nobody listens.
fn speak(
    synthesizer: &Synthesizer,
    request: &Request,
    chunk_size: ChunkSize,
    cancelled: Arc<AtomicBool>,
    events: &SyncSender<Event>,
) {
    let mut speech = match synthesizer.stream(request.input(), &request.options, chunk_size) {
        Ok(speech) => speech.cancelled_by(cancelled),
        // Who does not listen any more needs no error either; so below.
        Err(error) => return drop(events.send(Event::Failed(error))),
    };
    if events.send(Event::Begun(speech.warnings().to_vec())).is_err() {
        return;
    }
    let mut told = 0;
    while let Some(chunk) = speech.next() {
        let event = match chunk {
            Ok(chunk) => {
                let words = speech.timestamps().words[told..].to_vec();
                told += words.len();
                Event::Chunk(chunk.samples, words)
            }
            Err(error) => Event::Failed(error),
        };
        let is_last = matches!(event, Event::Failed(_));
        if events.send(event).is_err() || is_last {
            return;
        }
    }
    let _ = events.send(Event::Done(speech.timestamps().clone()));
}
