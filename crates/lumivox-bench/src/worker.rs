//! The originals in PyTorch: an engine of `tools/bench/worker.py`, whose protocol is told there.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::case::Kind;
use crate::engine::{About, Engine, Said, Utterance};
use crate::error::{Error, Result};
use crate::speaker::{Subject, existing};

const NAME: &str = "PyTorch";
/// How long a worker may take to end when it has nothing more to read.
const PATIENCE: Duration = Duration::from_secs(5);

/// A process that has the original loaded.
pub(crate) struct Worker {
    process: Child,
    stdin: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// What it says on its standard error.
    log: File,
    /// Where it leaves samples.
    audio: NamedTempFile,
    voice: Option<String>,
    sample_rate_hz: u32,
    about: About,
}

#[derive(Deserialize)]
struct Ready {
    load_s: f64,
    versions: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Figures {
    wall_s: f64,
    cpu_s: f64,
    samples: usize,
}

impl Worker {
    pub(crate) fn load(subject: &Subject, weights: &Path, python: &Path, tools: &Path) -> Result<Self> {
        let (engine, family, needs) = match subject.kind {
            Kind::Kokoro => ("pytorch", "kokoro", "kokoro/kokoro-v1_0.pth"),
            Kind::Mms => ("transformers", "mms", "mms"),
            Kind::Piper => {
                let reason = "Piper publishes no PyTorch weights; its own runtime is measured with --against onnxruntime=FILE.onnx";
                return Err(Error::Rival { engine: NAME, reason: reason.into() });
            }
        };
        let script = find_script(tools)?;
        find_weights(weights, needs)?;
        let unwritable = |source| Error::Read { path: std::env::temp_dir(), source };
        let log = tempfile::tempfile().map_err(unwritable)?;
        let mut command = Command::new(python);
        command.arg(script).args([engine, family]).arg(weights);
        let mut process = spawn(command, subject.threads, log.try_clone().map_err(unwritable)?)?;
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Error::Failed { engine: NAME.into(), reason: "it has no pipes".into() });
        };
        let mut worker = Self {
            process,
            stdin: Some(stdin),
            answers: BufReader::new(stdout),
            log,
            audio: NamedTempFile::new().map_err(unwritable)?,
            voice: (subject.kind == Kind::Kokoro)
                .then(|| subject.options.voice.clone().unwrap_or_else(|| "af_heart".into())),
            sample_rate_hz: subject.synthesizer.sample_rate_hz(),
            about: About {
                name: NAME.into(),
                version: String::new(),
                source: Some(needs.into()),
                load_s: 0.0,
                load_peak_rss_bytes: None,
            },
        };
        let ready: Ready = worker.answer().map_err(|error| Error::Rival {
            engine: NAME,
            reason: format!(
                "{error}; --python names the Python that has the packages of tools/reference/requirements.txt"
            ),
        })?;
        worker.about.load_s = ready.load_s;
        worker.about.version =
            ready.versions.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ");
        Ok(worker)
    }

    /// The next line of its answers.
    fn answer<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T> {
        let failed = |reason: String| Error::Failed { engine: NAME.into(), reason };
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|error| failed(error.to_string()))?;
        if line.is_empty() {
            let mut log = String::new();
            let read = self.log.seek(SeekFrom::Start(0)).and_then(|_| self.log.read_to_string(&mut log));
            read.map_err(|error| failed(error.to_string()))?;
            // The last line of a traceback says what is wrong.
            let reason = log.trim().lines().last().unwrap_or("it ended without a word").to_owned();
            return Err(failed(reason));
        }
        serde_json::from_str(&line).map_err(|error| failed(format!("{error} in its answer {line}")))
    }
}

/// The worker's program in `tools/bench`.
pub(crate) fn find_script(tools: &Path) -> Result<PathBuf> {
    existing(
        &tools.join("worker.py"),
        NAME,
        "lumivox's own sources have it; --tools DIR names their folder tools/bench",
    )
}

/// A file of the folder with the weights.
pub(crate) fn find_weights(weights: &Path, file: &str) -> Result<PathBuf> {
    existing(
        &weights.join(file),
        NAME,
        "`tools/bench/weights.py --lumivox PROGRAM --work DIR` makes the folder of --against torch=DIR",
    )
}

/// Starts a worker on so many threads; `log` gets what it says on its standard error.
fn spawn(mut command: Command, threads: usize, log: File) -> Result<Child> {
    let threads = threads.to_string();
    command.arg(&threads).env("OMP_NUM_THREADS", &threads).env("TOKENIZERS_PARALLELISM", "false");
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn();
    spawned.map_err(|error| {
        let program = command.get_program().to_string_lossy();
        let reason = format!("{program} can't be run ({error}); --python names the one that has the packages");
        Error::Rival { engine: NAME, reason }
    })
}

impl Engine for Worker {
    fn about(&self) -> &About {
        &self.about
    }

    fn say(&mut self, utterance: &Utterance, wants_audio: bool) -> Result<Said> {
        let failed = |reason: String| Error::Failed { engine: NAME.into(), reason };
        let file = self.audio.path().to_owned();
        let segments: Vec<_> = utterance
            .segments
            .iter()
            .map(|segment| json!({"text": "", "phonemes": segment.phonemes, "ids": segment.ids}))
            .collect();
        let request =
            json!({"segments": segments, "voice": self.voice, "check": false, "audio": wants_audio.then_some(&file)});
        let stdin = self.stdin.as_mut().ok_or_else(|| failed("it has ended".into()))?;
        writeln!(stdin, "{request}").and_then(|()| stdin.flush()).map_err(|error| failed(error.to_string()))?;
        let Figures { wall_s, cpu_s, samples } = self.answer()?;
        let audio = wants_audio.then(|| std::fs::read(&file)).transpose();
        let audio = audio.map_err(|source| Error::Read { path: file.clone(), source })?;
        let samples_of =
            |bytes: Vec<u8>| bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok(Said { samples, audio: audio.map(samples_of), wall_s, cpu_s, ttfb_s: wall_s, host_device_copies: 0 })
    }

    fn process(&self) -> Option<u32> {
        Some(self.process.id())
    }

    fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends when it has nothing more to read.
        self.stdin = None;
        let started = std::time::Instant::now();
        while started.elapsed() < PATIENCE {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // What can't be ended can't be waited for either.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
