//! Several outputs, some at the same time.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use super::done::Done;
use super::jobs::{Job, Plan};
use super::speaker::{Figures, Speaker};
use crate::SOME_FAILED;
use crate::output::{describe, note};
use crate::progress::note_above;

/// What became of the outputs.
#[derive(Default)]
struct Outcome {
    figures: Figures,
    /// How many are done, in this run.
    said: usize,
    /// How many an earlier run had done.
    done_before: usize,
    failed: usize,
}

/// Says all jobs; one that fails does not stop the others. What `report` prints comes before how many failed.
pub fn say_all(speaker: &Speaker, plan: &Plan, report: impl FnOnce(&Figures) -> Result<()>) -> Result<ExitCode> {
    let Plan { jobs, failed: unread, folder } = plan;
    let folder = folder.as_deref().context("there is no folder for several outputs")?;
    unread.iter().for_each(|why| note(format_args!("lumivox: {why}")));
    let mut folders: Vec<_> = jobs.iter().filter_map(|job| job.output.parent()).collect();
    folders.dedup();
    for folder in folders {
        std::fs::create_dir_all(folder).with_context(|| format!("the folder {} can't be made", folder.display()))?;
    }
    let resumable = !speaker.arguments.input.is_empty();
    let done = Done::open(folder, resumable, speaker.arguments.restart)?;
    let outcome = Mutex::new(Outcome::default());
    let (next, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            say_one(speaker, job, &done, &outcome);
            let ended = ended.fetch_add(1, Ordering::Relaxed) + 1;
            speaker.bar.set_message(format!("{ended} of {} done", jobs.len()));
        }
    };
    let threads = usize::from(speaker.arguments.jobs).min(jobs.len());
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    speaker.bar.finish_and_clear();
    done.remove()?;
    let Outcome { figures, said, done_before, failed } = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (all, failed) = (jobs.len() + unread.len(), failed + unread.len());
    let what = if speaker.arguments.lines { "lines" } else { "outputs" };
    if done_before > 0 && !speaker.arguments.quiet {
        note(format_args!("note: {done_before} of {all} {what} were done by an earlier run (--restart begins anew)"));
    }
    if said + done_before == 0 {
        bail!("none of the {failed} {what} could be said");
    }
    report(&figures)?;
    if failed > 0 {
        note(format_args!("lumivox: {failed} of {all} {what} could not be said"));
        return Ok(ExitCode::from(SOME_FAILED));
    }
    Ok(ExitCode::SUCCESS)
}

/// Says a job, unless an earlier run has.
fn say_one(speaker: &Speaker, job: &Job, done: &Done, outcome: &Mutex<Outcome>) {
    let lock = || outcome.lock().unwrap_or_else(PoisonError::into_inner);
    let key = speaker.key(job);
    if done.has(&job.output, &key) {
        speaker.bar.inc(job.bytes());
        speaker.bar.reset_eta();
        lock().done_before += 1;
        return;
    }
    let said = speaker.say(job).and_then(|figures| done.add(&job.output, &key).map(|()| figures));
    match said {
        Ok(figures) => {
            let mut outcome = lock();
            outcome.said += 1;
            let total = &mut outcome.figures;
            total.audio_s += figures.audio_s;
            total.resumed_s += figures.resumed_s;
            // The first of all that sounded.
            let is_first = total.ttfb_s == 0.0 || (figures.ttfb_s > 0.0 && figures.ttfb_s < total.ttfb_s);
            total.ttfb_s = if is_first { figures.ttfb_s } else { total.ttfb_s };
            total.warnings.extend(figures.warnings);
        }
        Err(error) => {
            lock().failed += 1;
            note_above(speaker.bar, format_args!("lumivox: {}: {}", job.name, describe(&error)));
        }
    }
}
