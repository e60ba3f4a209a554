//! A comparison with all that it takes to repeat it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use lumivox::convert::ModelFile;
use serde::{Deserialize, Serialize};

use crate::compare::{Bounds, Comparison, Row};
use crate::reference::{FLOOR_THREADS, Identity, THREADS, sha256};

/// The layout of the file.
pub const FORMAT: &str = "lumivox-parity-1";
/// How many times as large a repeated figure may be: other processors sum in another order.
pub const AGREEMENT: f64 = 3.0;
/// Differences that are only rounding, whatever the factor between them.
const ROUNDING: f64 = 1e-6;

/// A comparison, and of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`FORMAT`].
    pub format: String,
    /// lumivox's version.
    pub lumivox: String,
    /// Our model.
    pub model: ModelIdentity,
    /// The reference.
    pub reference: Identity,
    /// Where it was compared.
    pub machine: Machine,
    /// Threads of the reference: of the run that was compared, and of the one that tells the floor.
    pub reference_threads: [usize; 2],
    /// What it was held to.
    pub bounds: Bounds,
    /// Whether everything was within its bounds.
    pub within_bounds: bool,
    /// The figures.
    pub comparison: Comparison,
}

/// Which model file it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// Its name or path, as it was given.
    pub path: PathBuf,
    /// SHA-256 of the model file, in hexadecimal.
    pub sha256: String,
    /// The published file that it was converted from, and that file's SHA-256.
    pub source: [String; 2],
    /// What converted it.
    pub converter: String,
}

/// Where a comparison was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor, as the system calls it.
    pub cpu: String,
    /// Processors that the program could use.
    pub processors: usize,
    /// Operating system and architecture.
    pub system: String,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Self {
            cpu: model.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

impl Receipt {
    /// The receipt of a comparison of the model that was given as `named`, and is `file` at `path`.
    ///
    /// # Errors
    /// If the model file can't be read.
    pub fn new(
        named: &Path,
        (file, path): (&ModelFile, &Path),
        reference: &Identity,
        bounds: Bounds,
        comparison: Comparison,
    ) -> Result<Self> {
        let source = &file.metadata().source;
        Ok(Self {
            format: FORMAT.into(),
            lumivox: env!("CARGO_PKG_VERSION").into(),
            model: ModelIdentity {
                path: named.to_owned(),
                sha256: sha256(path)?,
                source: [source.file.clone(), source.sha256.clone()],
                converter: source.converter.clone(),
            },
            reference: reference.clone(),
            machine: Machine::here(),
            reference_threads: [THREADS, FLOOR_THREADS],
            bounds,
            within_bounds: comparison.is_within(),
            comparison,
        })
    }

    /// Reads a receipt.
    ///
    /// # Errors
    /// If it can't be read, or is none of this version.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let receipt: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is no receipt of `lumivox parity`", path.display()))?;
        ensure!(
            receipt.format == FORMAT,
            "{} is of the format {}, this version reads {FORMAT}",
            path.display(),
            receipt.format
        );
        Ok(receipt)
    }

    /// As JSON.
    ///
    /// # Errors
    /// If a path in it is no Unicode.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What of `again`, made from the same files, does not repeat this receipt.
    pub fn deviations(&self, again: &Self) -> Vec<String> {
        let mut deviations = Vec::new();
        let mut same = |what: &str, was: &str, is: &str| {
            if was != is {
                deviations.push(format!("{what}: {was} in the receipt, {is} here"));
            }
        };
        same("SHA-256 of the model", &self.model.sha256, &again.model.sha256);
        same("SHA-256 of the reference", &self.reference.sha256, &again.reference.sha256);
        same("verdict", verdict(self), verdict(again));
        let names = |receipt: &Self| receipt.comparison.stages.iter().map(|row| row.stage.clone()).collect::<Vec<_>>();
        same("stages", &names(self).join(" "), &names(again).join(" "));
        for (was, is) in self.comparison.stages.iter().zip(&again.comparison.stages) {
            deviations.extend(deviation(was, is));
        }
        deviations
    }
}

fn verdict(receipt: &Receipt) -> &'static str {
    if receipt.within_bounds { "within bounds" } else { "outside" }
}

/// Whether a stage's difference is another than it was.
fn deviation(was: &Row, is: &Row) -> Option<String> {
    let show = |x: Option<f64>| x.map_or("incomparable".into(), |x| format!("{x:.2e}"));
    let agree = match (was.relative_l2, is.relative_l2) {
        (Some(a), Some(b)) => a.max(b) <= AGREEMENT * a.min(b) + ROUNDING,
        (a, b) => a == b,
    };
    let text = || {
        format!("{}: relative L2 {} in the receipt, {} here", was.stage, show(was.relative_l2), show(is.relative_l2))
    };
    (!agree).then(text)
}
