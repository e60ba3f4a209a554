//! worker.py's protocol, for engines in Rust: one line of JSON when the model is loaded, then a line for each utterance that comes in.

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
#[allow(dead_code)]
pub struct Segment {
    pub text: String,
    pub phonemes: String,
    pub ids: Vec<i64>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub struct Utterance {
    pub segments: Vec<Segment>,
    /// Of Kokoro.
    pub voice: Option<String>,
    /// Whether VITS is to have no noise, because the output is compared.
    pub check: bool,
    /// Where the samples go, f32.
    pub audio: Option<PathBuf>,
}

impl Utterance {
    pub fn voice(&self) -> Result<&str> {
        self.voice.as_deref().ok_or("Kokoro needs a voice".into())
    }
}

/// The command line: family, folder with the weights.
pub fn arguments() -> Result<(String, PathBuf)> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, _engine, family, work, _threads] = &arguments[..] else {
        return Err("usage: ENGINE FAMILY WORK THREADS; RAYON_NUM_THREADS has the number of threads, too".into());
    };
    Ok((family.clone(), work.into()))
}

/// Answers every utterance of standard input with `say`'s figures, which is called once a segment.
pub fn serve(
    name: &str,
    version: &str,
    load: Duration,
    mut say: impl FnMut(&Segment, &Utterance) -> Result<Vec<f32>>,
) -> Result<()> {
    let mut output = io::stdout();
    writeln!(output, "{}", json!({"load_s": load.as_secs_f64(), "versions": {name: version}}))?;
    for line in io::stdin().lock().lines() {
        let utterance: Utterance = serde_json::from_str(&line?)?;
        let (cpu, wall) = (ProcessTime::now(), Instant::now());
        let mut samples = Vec::new();
        for segment in &utterance.segments {
            samples.extend(say(segment, &utterance)?);
        }
        let (wall_s, cpu_s) = (wall.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
        if let Some(path) = &utterance.audio {
            std::fs::write(path, samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        writeln!(output, "{}", json!({"wall_s": wall_s, "cpu_s": cpu_s, "samples": samples.len()}))?;
    }
    Ok(())
}
