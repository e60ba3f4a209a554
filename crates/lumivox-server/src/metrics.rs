//! What is counted, in Prometheus' text format.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::engine::Engine;
use crate::error::ApiError;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: &'static str,
}

/// Counters and histograms; they are shared when cloned.
#[derive(Debug)]
pub struct Metrics {
    requests: Counter,
    cancelled: Counter,
    errors: Family<Code, Counter>,
    first_audio_s: Histogram,
    rtf: Histogram,
    audio_s: Counter<f64, std::sync::atomic::AtomicU64>,
    compute_s: Counter<f64, std::sync::atomic::AtomicU64>,
    /// A running mean of how long requests compute, in seconds.
    usual_s: Mutex<f64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let factors = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 2.0, 4.0];
        Self {
            requests: Counter::default(),
            cancelled: Counter::default(),
            errors: Family::default(),
            first_audio_s: Histogram::new(seconds),
            rtf: Histogram::new(factors),
            audio_s: Counter::default(),
            compute_s: Counter::default(),
            usual_s: Mutex::new(1.0),
        }
    }
}

impl Metrics {
    pub(crate) fn admitted(&self) {
        self.requests.inc();
    }

    pub(crate) fn cancelled(&self) {
        self.cancelled.inc();
    }

    pub(crate) fn failed(&self, error: &ApiError) {
        self.errors.get_or_create(&Code { code: error.code() }).inc();
    }

    pub(crate) fn first_audio(&self, after: Duration) {
        self.first_audio_s.observe(after.as_secs_f64());
    }

    pub(crate) fn said(&self, audio_s: f64, computed: Duration) {
        let computed_s = computed.as_secs_f64();
        self.audio_s.inc_by(audio_s);
        self.compute_s.inc_by(computed_s);
        if audio_s > 0.0 {
            self.rtf.observe(computed_s / audio_s);
        }
        let mut usual_s = self.usual_s.lock().unwrap_or_else(PoisonError::into_inner);
        *usual_s += (computed_s - *usual_s) * 0.1;
    }

    /// How long a request computes, as the last ones did.
    pub(crate) fn usual_time(&self) -> Duration {
        Duration::from_secs_f64(*self.usual_s.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All of it as text.
    pub fn to_text(&self, engine: &Engine) -> String {
        let mut registry = Registry::with_prefix("lumivox");
        registry.register("requests", "Requests for speech that were taken", self.requests.clone());
        registry.register("cancelled", "Requests whose client went away", self.cancelled.clone());
        registry.register("errors", "Requests that failed or were refused, by reason", self.errors.clone());
        let first = "From a request's arrival to its first audio";
        registry.register_with_unit("first_audio", first, Unit::Seconds, self.first_audio_s.clone());
        registry.register("rtf", "Time of computing by length of audio, of each request", self.rtf.clone());
        registry.register_with_unit("audio", "Audio that was made", Unit::Seconds, self.audio_s.clone());
        registry.register_with_unit("compute", "Time of computing", Unit::Seconds, self.compute_s.clone());
        let now = |count: usize| ConstGauge::new(count as i64);
        registry.register("requests_now", "Requests under way", now(engine.requests()));
        registry.register("requests_waiting", "Requests that wait for their turn", now(engine.waiting()));
        registry.register("models_loaded", "Models in memory", now(engine.models.loaded_count()));
        if let Some(bytes) = resident_bytes() {
            registry.register_with_unit(
                "resident_memory",
                "Memory of the process",
                Unit::Bytes,
                ConstGauge::new(bytes),
            );
        }
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &registry) {
            text.clear();
            // Writing to a string does not fail.
            let _ = writeln!(text, "# {error}");
        }
        text
    }
}

/// Memory of this process; known on Linux.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
