//! The other side: who it is, and what it says.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::capture::{Array, Capture, Tensors};
use crate::compare::Bound;
use crate::dump::Dump;
use crate::metrics::log_mel_l1;
use crate::onnx::OnnxReference;
use crate::ours::Ours;
use crate::utterance::Utterance;

/// Threads that an ONNX graph is run on; its second run, which tells the floor, takes [`FLOOR_THREADS`].
pub const THREADS: usize = 1;
/// Threads of the reference's second run.
pub const FLOOR_THREADS: usize = 2;

/// Which reference it was, for receipts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// What ran it, with its version.
    pub runtime: String,
    /// The file or folder, as it was given.
    pub path: PathBuf,
    /// SHA-256 of the file, or of all the folder's files, in hexadecimal.
    pub sha256: String,
}

/// How far the reference is from itself: the least that any comparison can ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Relative L2 difference with another number of threads.
    pub threads: Option<f64>,
    /// Relative L2 difference with another seed of the noise behind the durations, which stay.
    pub seed: Option<f64>,
    /// Log-mel difference of the audio with that other seed.
    pub seed_log_mel: Option<f64>,
}

/// What a reference said.
pub struct Said {
    /// Its stages.
    pub tensors: Box<dyn Tensors>,
    /// Its values of stages that amplify rounding: what is behind them is judged from these.
    pub inject: BTreeMap<String, Array>,
    /// Its audio, with the noise injected and nothing else, where it is there as a whole.
    pub audio: Option<Vec<f32>>,
    /// How far it is from itself, by stage.
    pub floors: BTreeMap<String, Floor>,
    /// What stages are held to where this reference can't be met as closely as others.
    pub bounds: BTreeMap<String, Bound>,
    /// What should be known of the figures.
    pub notes: Vec<String>,
}

/// A reference that can be compared with.
pub trait Reference {
    /// Which it is.
    fn identity(&self) -> &Identity;

    /// The utterances that it has, where it can't say others.
    ///
    /// # Errors
    /// If they can't be read.
    fn utterances(&self) -> Result<Option<Vec<Utterance>>>;

    /// Says an utterance with lumivox's noise. `ours` tells what the model file knows and the reference doesn't: sizes, and Kokoro's voices.
    ///
    /// # Errors
    /// If it can't.
    fn say(&mut self, ours: &Ours, utterance: &Utterance) -> Result<Said>;
}

/// Opens an ONNX file, or a folder of tensors that the programs in `tools/reference` wrote. `python` is asked for ONNX Runtime's library.
///
/// # Errors
/// If it is neither, or ONNX Runtime is not here.
pub fn open(path: &Path, python: Option<&Path>) -> Result<Box<dyn Reference>> {
    if path.is_dir() {
        return Ok(Box::new(Dump::open(path)?));
    }
    if !path.exists() {
        bail!("the reference {} does not exist", path.display());
    }
    if path.extension().is_some_and(|extension| extension == "onnx") {
        return Ok(Box::new(OnnxReference::open(path, python)?));
    }
    bail!("the reference {} is neither an .onnx file nor a folder of stage tensors", path.display())
}

/// SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// If it can't be read.
pub fn sha256(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    let mut block = vec![0u8; 1 << 20];
    loop {
        let n = file.read(&mut block).with_context(|| format!("reading {}", path.display()))?;
        if n == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&block[..n]);
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The floor of each stage that two runs of the reference have besides `base`: one with other threads, one with another seed.
pub(crate) fn floors(
    base: &Capture,
    threads: &Capture,
    seed: &Capture,
    sample_rate_hz: u32,
) -> BTreeMap<String, Floor> {
    let differ = |other: &Capture, name: &str, want: &Array| {
        other.get(name).and_then(|x| x.difference(want)).map(|difference| difference.relative_l2)
    };
    let of = |(name, want): (&str, &Array)| {
        let log_mel = |x: &Array| log_mel_l1(&x.values, &want.values, sample_rate_hz);
        let seed_log_mel = seed.get(name).filter(|_| name.starts_with("audio")).map(log_mel);
        let floor = Floor { threads: differ(threads, name, want), seed: differ(seed, name, want), seed_log_mel };
        (name.to_owned(), floor)
    };
    base.iter().map(of).collect()
}
