//! worker.py's protocol, for engines in Rust: one line of JSON when the model is loaded, then a line for each utterance that comes in.
//! Each engine includes this file and uses what it needs of it, hence `allow(dead_code)`.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use serde::Deserialize;
use serde_json::json;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is said in one go. Each engine reads what it can.
#[derive(Deserialize)]
#[allow(dead_code)] // see above
pub struct Segment {
    pub text: String,
    pub phonemes: String,
    pub ids: Vec<i64>,
}

#[derive(Deserialize)]
#[allow(dead_code)] // see above
pub struct Utterance {
    pub segments: Vec<Segment>,
    /// Of Kokoro.
    pub voice: Option<String>,
    /// Whether VITS is to have no noise, because the output is compared.
    pub check: bool,
    /// Whether the first samples are wanted early, from engines that can.
    #[serde(default)]
    pub stream: bool,
    /// How many times it is said, at once by engines that can.
    #[serde(default = "once")]
    pub batch: usize,
    /// Where the samples go, f32.
    pub audio: Option<PathBuf>,
}

fn once() -> usize {
    1
}

#[allow(dead_code)] // see above
impl Utterance {
    pub fn voice(&self) -> Result<&str> {
        self.voice.as_deref().ok_or("Kokoro needs a voice".into())
    }
}

/// The command line.
#[allow(dead_code)] // see above
pub struct Arguments {
    pub engine: String,
    pub family: String,
    /// The folder with the weights.
    pub work: PathBuf,
    pub threads: usize,
}

/// Reads the command line.
pub fn arguments() -> Result<Arguments> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, engine, family, work, threads] = &arguments[..] else {
        return Err("usage: ENGINE FAMILY WORK THREADS; RAYON_NUM_THREADS has the number of threads, too".into());
    };
    Ok(Arguments { engine: engine.clone(), family: family.clone(), work: work.into(), threads: threads.parse()? })
}

/// What an utterance has become, piece by piece.
pub struct Audio {
    started: Instant,
    first: Option<Duration>,
    samples: Vec<f32>,
    /// Transfers between host and device that it took, from engines that count them.
    #[allow(dead_code)] // see above
    pub copies: Option<serde_json::Value>,
}

impl Audio {
    /// Takes the next samples.
    pub fn push(&mut self, samples: &[f32]) {
        self.first.get_or_insert_with(|| self.started.elapsed());
        self.samples.extend_from_slice(samples);
    }
}

/// Answers every utterance of standard input with the figures of `say`.
pub fn serve(
    name: &str,
    version: &str,
    load: Duration,
    mut say: impl FnMut(&Utterance, &mut Audio) -> Result<()>,
) -> Result<()> {
    let mut output = io::stdout();
    writeln!(output, "{}", json!({"load_s": load.as_secs_f64(), "versions": {name: version}}))?;
    for line in io::stdin().lock().lines() {
        let utterance: Utterance = serde_json::from_str(&line?)?;
        let (cpu, started) = (ProcessTime::now(), Instant::now());
        let mut audio = Audio { started, first: None, samples: Vec::new(), copies: None };
        say(&utterance, &mut audio)?;
        let (wall_s, cpu_s) = (started.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
        let ttfb_s = audio.first.ok_or("no samples")?.as_secs_f64();
        if let Some(path) = &utterance.audio {
            std::fs::write(path, audio.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        writeln!(
            output,
            "{}",
            json!({"wall_s": wall_s, "cpu_s": cpu_s, "ttfb_s": ttfb_s, "samples": audio.samples.len(), "copies": audio.copies})
        )?;
    }
    Ok(())
}
