//! Requests side by side.

use std::sync::Barrier;
use std::time::Instant;

use lumivox::ChunkSize;

use crate::engine::{Said, Utterance};
use crate::error::{Error, Result};
use crate::record::Concurrency;
use crate::speaker::Subject;
use crate::spread::Spread;

/// `parallel` callers ask for `utterance` again and again, `rounds` times each, streaming; all begin together.
///
/// # Errors
/// If the model fails, or a request gets another number of samples than `samples`.
pub(crate) fn concurrency(
    subject: &Subject,
    utterance: &Utterance,
    parallel: usize,
    rounds: usize,
    samples: usize,
) -> Result<Concurrency> {
    let begin = Barrier::new(parallel + 1);
    let (wall_s, answers) = std::thread::scope(|scope| {
        let caller = || -> Result<Vec<Said>> {
            begin.wait();
            (0..rounds).map(|_| subject.speak(utterance, ChunkSize::Auto, false)).collect()
        };
        let callers: Vec<_> = (0..parallel).map(|_| scope.spawn(caller)).collect();
        begin.wait();
        let started = Instant::now();
        let answers: Vec<_> = callers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (started.elapsed().as_secs_f64(), answers)
    });
    let mut said = Vec::new();
    for answer in answers {
        let failed = |_| Error::Failed { engine: "lumivox".into(), reason: "a caller's thread panicked".into() };
        said.extend(answer.map_err(failed)??);
    }
    if let Some(other) = said.iter().find(|said| said.samples != samples) {
        let reason = format!("{} samples beside other requests, {samples} alone", other.samples);
        return Err(Error::WrongOutput { engine: "lumivox".into(), case: utterance.name.clone(), reason });
    }
    let requests = said.len();
    let audio_s = (requests * samples) as f64 / f64::from(subject.synthesizer.sample_rate_hz());
    Ok(Concurrency {
        text: utterance.name.clone(),
        parallel,
        requests,
        wall_s,
        audio_s_per_s: audio_s / wall_s,
        requests_per_s: requests as f64 / wall_s,
        ttfb_s: Spread::of(said.iter().map(|said| said.ttfb_s)),
        latency_s: Spread::of(said.iter().map(|said| said.wall_s)),
    })
}
