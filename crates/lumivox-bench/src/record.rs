//! What a bench finds: every figure of every round, and what they were measured with. Serialises as JSON.

use serde::Serialize;

use crate::machine::Machine;
use crate::profile::StageTime;
use crate::spread::Spread;

/// One run of the bench.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// Version of lumivox.
    pub lumivox: String,
    /// When it began, UTC.
    pub date: String,
    /// The command line.
    pub command: String,
    /// The machine.
    pub machine: Machine,
    /// Threads that each engine computes on.
    pub threads: usize,
    /// Rounds that were timed.
    pub rounds: usize,
    /// Runs of each engine and text before them; the first of these is [`EngineResult::first_run_s`].
    pub warm_up_runs: usize,
    /// What was measured of each model.
    pub models: Vec<ModelRecord>,
    /// Where the run's own time went.
    pub clock: Clock,
}

/// What was measured of one model.
#[derive(Clone, Debug, Serialize)]
pub struct ModelRecord {
    /// The model's name.
    pub model: String,
    /// Its family.
    pub family: String,
    /// Its sample rate in Hz.
    pub sample_rate_hz: u32,
    /// The share of the machine that other processes had during the rounds, where it is known. At 5 % and more the figures are no measurement of an idle machine.
    pub others_share: Option<f64>,
    /// One row for each text and engine, text by text, lumivox first.
    pub results: Vec<EngineResult>,
    /// Parallel requests, if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub concurrency: Vec<Concurrency>,
    /// Times of the stages, if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Profile>,
}

/// One engine saying one text.
#[derive(Clone, Debug, Serialize)]
pub struct EngineResult {
    /// The engine.
    pub engine: String,
    /// Its version.
    pub version: String,
    /// The graph or folder that it speaks from, if not the model itself.
    pub source: Option<String>,
    /// What loading the model took.
    pub load_s: f64,
    /// The process's peak memory while the model was loaded, where it is known.
    pub load_peak_rss_bytes: Option<u64>,
    /// The text's name.
    pub text: String,
    /// Its length in characters.
    pub characters: usize,
    /// In how many segments it is said.
    pub segments: usize,
    /// Samples that came out, in each round.
    pub samples: usize,
    /// How long they last.
    pub audio_s: f64,
    /// What the first run took, warm-up and all.
    pub first_run_s: f64,
    /// From ids to the last sample.
    pub wall_s: Spread,
    /// From ids to the first samples.
    pub ttfb_s: Spread,
    /// `wall_s` for a second of audio.
    pub rtf: Spread,
    /// CPU seconds of all threads for a second of audio.
    pub cpu_s_per_audio_s: Spread,
    /// The most resident memory while it said the text: of the process; of an engine that shares the process with lumivox, beyond what there was before it was loaded.
    pub peak_rss_bytes: Option<u64>,
    /// Whether `peak_rss_bytes` is only what came on top.
    pub peak_rss_is_added: bool,
    /// Copies of tensors between host and device in one run; 0 on the CPU.
    pub host_device_copies: u64,
    /// How many times as long as lumivox it took in the same round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times_lumivox: Option<Spread>,
    /// Every round.
    pub runs: Vec<Run>,
}

/// One round of one engine and text.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Run {
    /// Which round.
    pub round: usize,
    /// From ids to the last sample.
    pub wall_s: f64,
    /// CPU time meanwhile.
    pub cpu_s: f64,
    /// From ids to the first samples.
    pub ttfb_s: f64,
}

/// Requests side by side, all to one loaded model.
#[derive(Clone, Debug, Serialize)]
pub struct Concurrency {
    /// The text's name.
    pub text: String,
    /// Requests that are being answered at any time.
    pub parallel: usize,
    /// Requests in all.
    pub requests: usize,
    /// From the first request's beginning to the last one's end.
    pub wall_s: f64,
    /// Seconds of audio made in a second.
    pub audio_s_per_s: f64,
    /// Requests answered in a second.
    pub requests_per_s: f64,
    /// From a request to its first samples.
    pub ttfb_s: Spread,
    /// From a request to its last sample.
    pub latency_s: Spread,
}

/// Where the time of one text goes.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// The text's name.
    pub text: String,
    /// How long its audio lasts.
    pub audio_s: f64,
    /// Medians of whole runs with the probe.
    pub total_s: f64,
    /// The machine's measured multiply-add peak on all of the engine's threads at once, in GFLOP/s.
    pub peak_gflops: f64,
    /// Stage by stage, in the order of the graph.
    pub stages: Vec<StageTime>,
}

/// Where the run's own time went, for whoever holds another clock against it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Clock {
    /// From the program's begin until the record was written.
    pub total_s: f64,
    /// The rounds, from the first to the last.
    pub rounds_s: f64,
    /// The part of `rounds_s` that engines computed.
    pub engines_s: f64,
    /// The rest: what the bench itself costs.
    pub overhead_share: f64,
}

impl Clock {
    /// Adds rounds that took `rounds_s`, in which engines computed `engines_s`.
    pub fn add(&mut self, rounds_s: f64, engines_s: f64) {
        self.rounds_s += rounds_s;
        self.engines_s += engines_s;
        self.overhead_share = if self.rounds_s > 0.0 { 1.0 - self.engines_s / self.rounds_s } else { 0.0 };
    }
}

impl ModelRecord {
    /// The share of the machine from which on other processes' work is too much to measure beside.
    pub const BUSY_SHARE: f64 = 0.05;

    /// Whether the machine is known to have been busy with other things.
    pub fn is_busy(&self) -> bool {
        self.others_share.is_some_and(|share| share >= Self::BUSY_SHARE)
    }

    /// The profile of a text.
    pub fn profile(&self, text: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.text == text)
    }
}
