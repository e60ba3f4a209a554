//! A request's way: admitted, read, said piece by piece, each piece when it is its turn, and each handed over before the next.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use lumivox::{ChunkSize, Input, Options, Speech, Synthesizer, WordTime};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::turns::Cancelled;
use super::{Engine, Permit};
use crate::error::{ApiError, Result};

/// Pieces of audio that may wait for their reader.
const PIECES_AHEAD: usize = 2;

/// How much longer somebody who is listening may wait than somebody who has heard nothing: players keep some audio ahead.
const LISTENERS_PATIENCE: Duration = Duration::from_secs(2);

/// What a request's text is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InputKind {
    /// Text.
    #[default]
    Text,
    /// An SSML document.
    Ssml,
    /// Phonemes in the model's symbols.
    Phonemes,
}

/// What is to be said, and how.
#[derive(Debug, Clone, Default)]
pub struct SpeechRequest {
    /// The model's name; the default one if it is empty.
    pub model: String,
    /// What is to be said.
    pub input: String,
    /// What that is.
    pub kind: InputKind,
    /// How it is said.
    pub options: Options,
}

/// What is known before the first piece.
#[derive(Debug, Clone)]
pub struct Started {
    /// The model that speaks.
    pub model: String,
    /// Samples in a second.
    pub sample_rate_hz: u32,
    /// What is not said as it should be.
    pub warnings: Vec<String>,
}

/// What comes of a request, in order. Words come before the audio that they are heard in.
#[derive(Debug, Clone)]
pub enum Event {
    /// Samples in -1..1.
    Audio(Vec<f32>),
    /// When words sound.
    Words(Vec<WordTime>),
}

/// What the thread of a request tells.
enum Message {
    Event(Event),
    Failed(ApiError),
    /// All is said: without it the thread has ended before its time.
    End,
}

/// A request that is being said. Dropping it cancels the rest.
pub struct Running {
    /// What was known at its beginning.
    pub started: Started,
    events: mpsc::Receiver<Message>,
    is_over: bool,
    _cancel: CancelOnDrop,
}

impl Running {
    /// The next event; `None` when all is said.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        if self.is_over {
            return None;
        }
        let message = self.events.recv().await;
        self.is_over = !matches!(message, Some(Message::Event(_)));
        match message {
            Some(Message::Event(event)) => Some(Ok(event)),
            Some(Message::Failed(error)) => Some(Err(error)),
            Some(Message::End) => None,
            None => Some(Err(gone())),
        }
    }
}

fn gone() -> ApiError {
    ApiError::Internal("the request's thread ended before its time".into())
}

struct CancelOnDrop(Arc<Engine>, Arc<Cancelled>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.turns.cancel(&self.1);
    }
}

impl Engine {
    /// Begins to say a request. This returns when the text is read and checked, before the first piece of audio.
    ///
    /// # Errors
    /// What is wrong with the request; [`ApiError::Busy`] if there are too many, [`ApiError::ShuttingDown`] if it is too late.
    pub async fn speak(self: &Arc<Self>, request: SpeechRequest) -> Result<Running> {
        let permit = self.admit(request.input.len())?;
        let cancelled = Arc::new(Cancelled::default());
        let cancel = CancelOnDrop(Arc::clone(self), Arc::clone(&cancelled));
        let (started, has_started) = oneshot::channel();
        let (events, receiver) = mpsc::channel(PIECES_AHEAD);
        let job = Job { permit, request, cancelled, events, runtime: Handle::current(), begun: Instant::now() };
        let spawned = thread::Builder::new().name("speech".into()).spawn(move || job.run(started));
        spawned.map_err(|error| ApiError::Internal(format!("no thread for the request: {error}")))?;
        let started = has_started.await.map_err(|_| gone())??;
        Ok(Running { started, events: receiver, is_over: false, _cancel: cancel })
    }
}

struct Job {
    permit: Permit,
    request: SpeechRequest,
    cancelled: Arc<Cancelled>,
    events: mpsc::Sender<Message>,
    runtime: Handle,
    begun: Instant,
}

impl Job {
    fn run(self, started: oneshot::Sender<Result<Started>>) {
        let mut started = Some(started);
        let outcome = self.say(&mut started);
        let metrics = &self.permit.engine.metrics;
        let Err(error) = outcome else { return };
        if self.cancelled.is_set() {
            metrics.cancelled();
            return;
        }
        metrics.failed(&error);
        match started.take() {
            // A reader that has gone needs no error.
            Some(started) => drop(started.send(Err(error))),
            None => drop(self.hand_over(Message::Failed(error))),
        }
    }

    fn timeout(&self) -> Duration {
        self.permit.engine.config.timeout
    }

    fn say(&self, started: &mut Option<oneshot::Sender<Result<Started>>>) -> Result<()> {
        let engine = &self.permit.engine;
        // Loading and reading are work, too.
        let turn = engine.turns.wait(self.begun, &self.cancelled, self.timeout())?;
        let model = engine.models.get(&self.request.model)?;
        let mut options = self.request.options.clone();
        let synthesizer = &model.synthesizer;
        options.voice = model.voice(options.voice.as_deref());
        options.max_text_bytes = engine.config.max_text_bytes;
        let speech = begin(synthesizer, &self.request, &options)?.cancelled_by(self.cancelled.flag());
        drop(turn);
        let news = Started {
            model: model.name.clone(),
            sample_rate_hz: synthesizer.sample_rate_hz(),
            warnings: speech.warnings().iter().map(ToString::to_string).collect(),
        };
        if let Some(started) = started.take() {
            // Without a reader the next piece finds itself cancelled.
            drop(started.send(Ok(news)));
        }
        self.pieces(speech, synthesizer.sample_rate_hz())
    }

    fn pieces(&self, mut speech: Speech, sample_rate_hz: u32) -> Result<()> {
        let engine = &self.permit.engine;
        let (mut heard_s, mut computed, mut words) = (0.0, Duration::ZERO, 0);
        // When the next piece is needed.
        let mut by = self.begun;
        let mut first_at = None;
        loop {
            let turn = engine.turns.wait(by, &self.cancelled, self.timeout())?;
            let started = Instant::now();
            let chunk = speech.next();
            computed += started.elapsed();
            drop(turn);
            let Some(chunk) = chunk else { break };
            let samples = chunk?.samples;
            let first_at = *first_at.get_or_insert_with(|| {
                engine.metrics.first_audio(self.begun.elapsed());
                Instant::now()
            });
            heard_s += samples.len() as f64 / f64::from(sample_rate_hz);
            by = first_at + LISTENERS_PATIENCE + Duration::from_secs_f64(heard_s);
            let new = &speech.timestamps().words[words..];
            words += new.len();
            if !new.is_empty() {
                self.send(Event::Words(new.to_vec()))?;
            }
            self.send(Event::Audio(samples))?;
        }
        engine.metrics.said(heard_s, computed);
        // A reader that has gone needs no end.
        drop(self.hand_over(Message::End));
        Ok(())
    }

    /// Waits for a place in the channel; the outer error is that there was none in time, the inner one that the reader has gone.
    fn hand_over(&self, message: Message) -> Result<Result<(), SendError<Message>>, Elapsed> {
        self.runtime.block_on(async { timeout(self.timeout(), self.events.send(message)).await })
    }

    /// Hands an event over, and waits while the reader has enough.
    fn send(&self, event: Event) -> Result<()> {
        match self.hand_over(Message::Event(event)) {
            Ok(Ok(())) => Ok(()),
            // The reader has gone.
            Ok(Err(_)) => {
                self.permit.engine.turns.cancel(&self.cancelled);
                Err(ApiError::ShuttingDown)
            }
            Err(_) => Err(ApiError::TimedOut(self.timeout())),
        }
    }
}

fn begin<'a>(synthesizer: &'a Synthesizer, request: &SpeechRequest, options: &Options) -> Result<Speech<'a>> {
    let input = match request.kind {
        InputKind::Text => Input::Text(&request.input),
        InputKind::Ssml => Input::Ssml(&request.input),
        InputKind::Phonemes => Input::Phonemes(&request.input),
    };
    Ok(synthesizer.stream(input, options, ChunkSize::Auto)?)
}
