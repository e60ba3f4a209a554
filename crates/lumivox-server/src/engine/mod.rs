//! What all protocols share: models, turns, requests. Nothing here knows how a request came or where its audio goes.

mod job;
mod models;
mod turns;
mod typed;
mod voices;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

pub use job::{Event, InputKind, Running, SpeechRequest, Started};
pub use models::{ALIASES, Available, Models, ModelsConfig};
pub use typed::Typed;
pub use voices::{Voice, Voices};

use crate::error::{ApiError, Result};
use crate::metrics::Metrics;
use turns::Turns;

/// What the engine takes and how it works.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Requests that may be under way at a time, waiting ones among them.
    pub max_requests: usize,
    /// The longest text, in bytes.
    pub max_text_bytes: usize,
    /// How long a request may wait for its turn, or for its reader, without any progress.
    pub timeout: Duration,
    /// Pieces of work that are computed at a time; each uses all threads.
    pub at_once: usize,
}

/// The engine.
pub struct Engine {
    /// The models.
    pub models: Models,
    /// What is counted.
    pub metrics: Metrics,
    config: EngineConfig,
    turns: Turns,
    requests: AtomicUsize,
    draining: AtomicBool,
}

/// A place among the requests that are under way.
struct Permit {
    engine: Arc<Engine>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.engine.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Engine {
    /// An engine without work.
    pub fn new(models: Models, config: EngineConfig) -> Arc<Self> {
        let turns = Turns::new(config.at_once);
        let (requests, draining) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Self { models, metrics: Metrics::default(), config, turns, requests, draining })
    }

    /// What it takes.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Requests that are under way.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Acquire)
    }

    /// Requests that wait for their turn.
    pub fn waiting(&self) -> usize {
        self.turns.waiting()
    }

    /// Takes no more requests; those under way are finished.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether it takes no more requests.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    fn admit(self: &Arc<Self>, text_bytes: usize) -> Result<Permit> {
        if self.is_draining() {
            return Err(ApiError::ShuttingDown);
        }
        let limit = self.config.max_text_bytes;
        if text_bytes > limit {
            let message = format!("the text has {text_bytes} bytes; this server takes up to {limit} at a time");
            return Err(ApiError::TooLarge(message));
        }
        let most = self.config.max_requests;
        let taken = |requests: usize| (requests < most).then_some(requests + 1);
        if self.requests.fetch_update(Ordering::AcqRel, Ordering::Acquire, taken).is_err() {
            let retry_after = self.metrics.usual_time().clamp(Duration::from_secs(1), Duration::from_secs(60));
            let error = ApiError::Busy { message: format!("{most} requests are under way already"), retry_after };
            self.metrics.failed(&error);
            return Err(error);
        }
        self.metrics.admitted();
        Ok(Permit { engine: Arc::clone(self) })
    }
}
