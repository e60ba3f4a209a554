//! `lumivox bench`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use lumivox::{Device, LoadOptions};
use lumivox_bench::{
    Case, Clock, Machine, ModelRecord, ModelSource, Plan, Progress, Record, Rival, Subject, SubjectOptions, cases,
    measure, report, utc_now,
};

use super::{load_options, locate};
use crate::args::{Against, BenchArguments};
use crate::output::print;
use crate::progress;

/// What stands for standard output.
const STDOUT: &str = "-";

/// Measures.
pub fn run(arguments: &BenchArguments, started: Instant) -> Result<ExitCode> {
    check(arguments)?;
    let rivals = rivals(arguments)?;
    let date = utc_now();
    let models: Vec<Option<&str>> = match &arguments.models[..] {
        [] => vec![None],
        models => models.iter().map(|model| Some(model.as_str())).collect(),
    };
    let (mut clock, mut threads) = (Clock::default(), 0);
    let load = load_options(&arguments.compute, arguments.quiet)?;
    if (arguments.profile || arguments.html.is_some()) && !matches!(load.device, Device::Cpu) {
        bail!("stages are timed on the processor only; leave --profile and --html out, or add --device cpu");
    }
    let mut records = Vec::new();
    for model in models {
        let (record, computing) = measure_model(model, arguments, &load, &rivals, &mut clock)?;
        threads = computing;
        records.push(record);
    }
    clock.total_s = started.elapsed().as_secs_f64();
    let record = Record {
        lumivox: env!("CARGO_PKG_VERSION").to_owned(),
        date,
        command: std::env::args().skip(1).fold("lumivox".to_owned(), |line, argument| line + " " + &argument),
        machine: Machine::this(&load.device),
        threads,
        rounds: arguments.rounds.into(),
        warm_up_runs: arguments.warm_up.into(),
        models: records,
        clock,
    };
    write(&record, arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks what can be wrong before anything is fetched, loaded or measured.
fn check(arguments: &BenchArguments) -> Result<()> {
    if let Some(model) = arguments.models.iter().find(|model| model.ends_with(".json") || model.ends_with(".html")) {
        bail!("`{model}` is no model; to write a report there give --json={model} or --html {model}");
    }
    if arguments.models.len() > 1 && !arguments.against.is_empty() {
        bail!("--against measures another engine with the same model; give one MODEL with it");
    }
    for path in [&arguments.json, &arguments.html].into_iter().flatten().filter(|path| *path != Path::new(STDOUT)) {
        if path.is_dir() {
            bail!("{} is a folder; name a file in it", path.display());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            bail!("{} can't be written: there is no folder {}", path.display(), folder.display());
        }
    }
    if arguments.html.as_deref() == Some(Path::new(STDOUT)) {
        bail!("--html needs a file");
    }
    Ok(())
}

fn rivals(arguments: &BenchArguments) -> Result<Vec<Rival>> {
    let python = || arguments.python.clone();
    let rival = |against: &Against| {
        Ok(match against {
            Against::OnnxRuntime(graph) => Rival::OnnxRuntime { graph: graph.clone(), python: python() },
            Against::Torch(weights) => {
                Rival::Torch { weights: weights.clone(), python: python(), tools: tools(arguments)? }
            }
        })
    };
    let rivals = arguments.against.iter().map(rival).collect::<Result<Vec<_>>>()?;
    rivals.iter().try_for_each(Rival::check)?;
    Ok(rivals)
}

/// The folder of the sources that has the worker.
fn tools(arguments: &BenchArguments) -> Result<PathBuf> {
    if let Some(tools) = &arguments.tools {
        return Ok(tools.clone());
    }
    let here = std::env::current_dir().context("the current folder can't be found")?;
    let candidates = here.ancestors().map(|folder| folder.join("tools/bench"));
    candidates.into_iter().find(|folder| folder.join("worker.py").is_file()).context(
        "PyTorch speaks through tools/bench/worker.py, which is not here or above; run this in lumivox's sources, or name the folder with --tools",
    )
}

/// The figures of one model, and the threads that it computed on.
fn measure_model(
    model: Option<&str>,
    arguments: &BenchArguments,
    load: &LoadOptions,
    rivals: &[Rival],
    clock: &mut Clock,
) -> Result<(ModelRecord, usize)> {
    let located = locate(model, arguments.voice.is_none(), arguments.quiet)?;
    let source = located.path.map_or(ModelSource::Embedded, ModelSource::File);
    let options = SubjectOptions { load: load.clone(), voice: arguments.voice.clone() };
    let subject = Subject::open(source, &options)?;
    let cases: Vec<Case> = match &arguments.text {
        Some(text) => vec![subject.read(text)?],
        None => cases(subject.kind(), &arguments.texts)?,
    };
    let plan = plan(arguments);
    let bar = Bar(progress::measuring(plan.steps(cases.len(), rivals.len()), arguments.quiet));
    let record = measure(&located.name, &subject, rivals, &cases, &plan, &bar, clock)?;
    Ok((record, subject.threads()))
}

fn plan(arguments: &BenchArguments) -> Plan {
    let mut concurrency: Vec<usize> = arguments.concurrency.iter().map(|n| usize::from(*n)).collect();
    if !concurrency.is_empty() && !concurrency.contains(&1) {
        // What the others are held against.
        concurrency.insert(0, 1);
    }
    let profile = arguments.profile || arguments.html.is_some();
    Plan {
        rounds: arguments.rounds.into(),
        warm_up_runs: arguments.warm_up.into(),
        concurrency,
        profile_rounds: if profile { arguments.rounds.into() } else { 0 },
    }
}

struct Bar(ProgressBar);

impl Progress for Bar {
    fn begin(&self, text: &str) {
        self.0.set_message(text.to_owned());
    }

    fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Writes what was asked for; files have their names only when they are whole.
fn write(record: &Record, arguments: &BenchArguments) -> Result<()> {
    if let Some(path) = &arguments.html {
        lumivox::audio::write_file(path, report::html(record).as_bytes()).context("the page can't be written")?;
    }
    let Some(path) = &arguments.json else { return Ok(print(&report::table(record))?) };
    let json = serde_json::to_string_pretty(record)? + "\n";
    if path == Path::new(STDOUT) {
        return Ok(print(&json)?);
    }
    lumivox::audio::write_file(path, json.as_bytes()).context("the record can't be written")?;
    Ok(print(&report::table(record))?)
}
