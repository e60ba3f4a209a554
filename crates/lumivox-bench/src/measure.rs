//! Rounds in turn.

use std::time::Instant;

use crate::case::Case;
use crate::concurrency::concurrency;
use crate::engine::{Engine, Utterance, check_speech};
use crate::error::{Error, Result};
use crate::machine::{Neighbours, peak_rss_bytes, reset_peak_rss, rss_bytes};
use crate::profile;
use crate::record::{Clock, EngineResult, ModelRecord, Run};
use crate::rival::Rival;
use crate::speaker::Subject;
use crate::spread::Spread;

/// How much longer or shorter another engine's audio may be: what 8-bit weights make of durations. Beyond it the two do not say the same.
const LENGTH_TOLERANCE: f64 = 0.1;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rounds that are timed, at least one.
    pub rounds: usize,
    /// Runs of each engine and text before them, at least one: outputs are checked in them.
    pub warm_up_runs: usize,
    /// How many requests are made in parallel, each number in turn.
    pub concurrency: Vec<usize>,
    /// In how many rounds stages are timed; 0 for not.
    pub profile_rounds: usize,
}

impl Plan {
    /// How often [`Progress::step`] is called for so many texts and rivals.
    pub fn steps(&self, texts: usize, rivals: usize) -> u64 {
        let runs = (rivals + 1) * (self.warm_up_runs + self.rounds);
        (texts * (runs + self.concurrency.len() + usize::from(self.profile_rounds > 0))) as u64
    }
}

/// Watches a measurement.
pub trait Progress {
    /// Something begins: what it is, for people.
    fn begin(&self, text: &str);

    /// It is done.
    fn step(&self);
}

/// An engine among those that take turns.
struct Turn<'a> {
    engine: Box<dyn Engine + 'a>,
    /// What this process had resident before the engine was loaded; of lumivox, which comes first, none.
    rss_before: Option<u64>,
    /// A row for each text.
    rows: Vec<Row>,
}

/// What is known of one text and engine before the rounds.
struct Row {
    first_run_s: f64,
    samples: usize,
    /// The samples, where they must be the same each time.
    audio: Option<Vec<f32>>,
    peak_rss_bytes: Option<u64>,
    host_device_copies: u64,
    runs: Vec<Run>,
}

/// Has `subject` and its rivals say `cases` by `plan`: checked first, then in turn. Time is added to `clock`.
///
/// # Errors
/// If an engine can't be loaded, fails, or says what is no speech or not as long as lumivox's.
pub fn measure(
    model: &str,
    subject: &Subject,
    rivals: &[Rival],
    cases: &[Case],
    plan: &Plan,
    progress: &dyn Progress,
    clock: &mut Clock,
) -> Result<ModelRecord> {
    let utterances = cases.iter().map(|case| subject.utterance(case)).collect::<Result<Vec<_>>>()?;
    let mut turns = warmed_up(subject, rivals, &utterances, plan, progress)?;
    let others_share = rounds(&mut turns, &utterances, plan, progress, clock)?;
    let mut record = ModelRecord {
        model: model.to_owned(),
        family: subject.kind.name().to_owned(),
        sample_rate_hz: subject.synthesizer.sample_rate_hz(),
        others_share,
        results: results(&turns, &utterances),
        concurrency: Vec::new(),
        profiles: Vec::new(),
    };
    let samples: Vec<usize> = turns[0].rows.iter().map(|row| row.samples).collect();
    // Other engines' threads would be in the way.
    drop(turns);
    for (utterance, samples) in utterances.iter().zip(samples) {
        for &parallel in &plan.concurrency {
            progress.begin(&format!("text {}, {parallel} requests in parallel", utterance.name));
            record.concurrency.push(concurrency(subject, utterance, parallel, plan.rounds, samples)?);
            progress.step();
        }
    }
    if plan.profile_rounds > 0 {
        let peak = profile::peak(subject);
        for utterance in &utterances {
            progress.begin(&format!("text {}, stage by stage", utterance.name));
            record.profiles.push(profile::profile(subject, utterance, plan.profile_rounds, peak)?);
            progress.step();
        }
    }
    Ok(record)
}

/// The engines, loaded one after another, so that each one's memory is its own, and their outputs checked.
fn warmed_up<'a>(
    subject: &'a Subject,
    rivals: &[Rival],
    utterances: &[Utterance],
    plan: &Plan,
    progress: &dyn Progress,
) -> Result<Vec<Turn<'a>>> {
    let mut turns = vec![Turn { engine: Box::new(subject), rss_before: None, rows: Vec::new() }];
    turns[0].warm_up(utterances, plan, progress)?;
    for rival in rivals {
        let rss_before = rss_bytes();
        progress.begin("loading another engine");
        let mut turn = Turn { engine: rival.load(subject)?, rss_before, rows: Vec::new() };
        turn.warm_up(utterances, plan, progress)?;
        turn.check_lengths(&turns[0], utterances)?;
        turns.push(turn);
    }
    Ok(turns)
}

/// The rounds that are timed; the share of the machine that other processes had meanwhile.
fn rounds(
    turns: &mut [Turn],
    utterances: &[Utterance],
    plan: &Plan,
    progress: &dyn Progress,
    clock: &mut Clock,
) -> Result<Option<f64>> {
    let (neighbours, started, mut engines_s) = (Neighbours::begin(), Instant::now(), 0.0);
    for round in 0..plan.rounds {
        // Each round begins with another engine.
        for place in 0..turns.len() {
            let next = (round + place) % turns.len();
            engines_s += turns[next].round(round, utterances, progress)?;
        }
    }
    clock.add(started.elapsed().as_secs_f64(), engines_s);
    // Of engines in this process the time is in the process's own.
    let elsewhere = turns.iter().filter(|turn| turn.engine.process().is_some()).flat_map(|turn| &turn.rows);
    let elsewhere_s = elsewhere.flat_map(|row| &row.runs).map(|run| run.cpu_s).sum();
    Ok(neighbours.share(elsewhere_s))
}

impl Turn<'_> {
    /// The runs that are not timed: they load what is loaded once, are checked, and tell the memory.
    fn warm_up(&mut self, utterances: &[Utterance], plan: &Plan, progress: &dyn Progress) -> Result<()> {
        for utterance in utterances {
            let process = self.engine.process();
            let can_reset = reset_peak_rss(process);
            let mut row: Option<Row> = None;
            for _ in 0..plan.warm_up_runs.max(1) {
                progress.begin(&format!("{} text {}, warming up", self.engine.about().name, utterance.name));
                let said = self.engine.say(utterance, true)?;
                check_speech(&self.engine.about().name, &utterance.name, &said)?;
                progress.step();
                row.get_or_insert_with(|| Row {
                    first_run_s: said.wall_s,
                    samples: said.samples,
                    audio: said.audio.filter(|_| self.engine.is_reproducible()),
                    peak_rss_bytes: None,
                    host_device_copies: said.host_device_copies,
                    runs: Vec::new(),
                });
            }
            // Without a fresh start it would be an earlier text's.
            let peak = peak_rss_bytes(process).filter(|_| can_reset);
            let before = if process.is_none() { self.rss_before } else { None };
            self.rows.extend(
                row.map(|row| Row { peak_rss_bytes: peak.map(|peak| peak.saturating_sub(before.unwrap_or(0))), ..row }),
            );
        }
        Ok(())
    }

    /// Whether this engine's audio is about as long as `ours`.
    fn check_lengths(&self, ours: &Turn, utterances: &[Utterance]) -> Result<()> {
        for ((theirs, ours), utterance) in self.rows.iter().zip(&ours.rows).zip(utterances) {
            let ratio = theirs.samples as f64 / ours.samples as f64;
            if (ratio - 1.0).abs() > LENGTH_TOLERANCE {
                return Err(Error::WrongOutput {
                    engine: self.engine.about().name.clone(),
                    case: utterance.name.clone(),
                    reason: format!(
                        "{} samples, {} of lumivox: that is not the same model, or not the same voice",
                        theirs.samples, ours.samples
                    ),
                });
            }
        }
        Ok(())
    }

    /// Says every text once; the seconds that the engine computed.
    fn round(&mut self, round: usize, utterances: &[Utterance], progress: &dyn Progress) -> Result<f64> {
        let mut engine_s = 0.0;
        for (utterance, row) in utterances.iter().zip(&mut self.rows) {
            let name = &self.engine.about().name;
            progress.begin(&format!("{name} text {}, round {}", utterance.name, round + 1));
            let said = self.engine.say(utterance, false)?;
            let first_audio_s = self.engine.first_audio(utterance)?;
            engine_s += said.wall_s + first_audio_s.unwrap_or(0.0);
            let name = &self.engine.about().name;
            check_speech(name, &utterance.name, &said)?;
            let differs = match (&row.audio, &said.audio) {
                (Some(before), Some(now)) => before != now,
                _ => said.samples != row.samples,
            };
            if differs {
                let reason = format!("round {} says other samples than the one before", round + 1);
                return Err(Error::WrongOutput { engine: name.clone(), case: utterance.name.clone(), reason });
            }
            let ttfb_s = first_audio_s.unwrap_or(said.ttfb_s);
            row.host_device_copies = said.host_device_copies;
            row.runs.push(Run { round, wall_s: said.wall_s, cpu_s: said.cpu_s, ttfb_s });
            progress.step();
        }
        Ok(engine_s)
    }
}

/// A row for each text and engine.
fn results(turns: &[Turn], utterances: &[Utterance]) -> Vec<EngineResult> {
    let mut results = Vec::new();
    for (index, utterance) in utterances.iter().enumerate() {
        let ours = &turns[0].rows[index];
        for (place, turn) in turns.iter().enumerate() {
            let (about, row) = (turn.engine.about(), &turn.rows[index]);
            let audio_s = row.samples as f64 / f64::from(turn.engine.sample_rate_hz());
            let spread = |figure: &dyn Fn(&Run) -> f64| Spread::of(row.runs.iter().map(figure));
            let times = |(theirs, ours): (&Run, &Run)| theirs.wall_s / ours.wall_s;
            results.push(EngineResult {
                engine: about.name.clone(),
                version: about.version.clone(),
                source: about.source.clone(),
                load_s: about.load_s,
                load_peak_rss_bytes: about.load_peak_rss_bytes,
                text: utterance.name.clone(),
                characters: utterance.characters,
                segments: utterance.segments.len(),
                samples: row.samples,
                audio_s,
                first_run_s: row.first_run_s,
                wall_s: spread(&|run| run.wall_s),
                ttfb_s: spread(&|run| run.ttfb_s),
                rtf: spread(&|run| run.wall_s / audio_s),
                cpu_s_per_audio_s: spread(&|run| run.cpu_s / audio_s),
                peak_rss_bytes: row.peak_rss_bytes,
                peak_rss_is_added: place > 0 && turn.engine.process().is_none(),
                host_device_copies: row.host_device_copies,
                times_lumivox: (place > 0).then(|| Spread::of(row.runs.iter().zip(&ours.runs).map(times))),
                runs: row.runs.clone(),
            });
        }
    }
    results
}
