//! Golden files: the reference's tensors for one utterance.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use serde::Deserialize;

use crate::metrics::relative_l2;

/// What the reference was asked to say, and the shapes of what is only stored in part.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// The voice.
    pub voice: String,
    /// The phonemes, in the model's symbols.
    pub phonemes: String,
    /// 1 as trained.
    pub speed: f32,
    /// Seed of the injected noise.
    pub seed: u64,
    /// L2 norms of the tensors that are sampled.
    norms: HashMap<String, f64>,
    /// Shapes of all tensors.
    shapes: HashMap<String, Vec<usize>>,
}

/// The reference's tensors for one utterance. A tensor is there whole, or as samples at the flat indices `(j · 2654435761) mod size`.
pub struct Golden {
    /// The file's name without its extension.
    pub name: String,
    /// What was said.
    pub case: Case,
    tensors: HashMap<String, Tensor>,
}

impl Golden {
    /// Reads one file.
    ///
    /// # Errors
    /// If it can't be read or does not hold a case.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("reading the golden {}", path.display()))?;
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes)?;
        let case = header.metadata().as_ref().and_then(|fields| fields.get("case"));
        let case = case.with_context(|| format!("{}: no case in the metadata", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            name,
            case: serde_json::from_str(case)?,
            tensors: candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?,
        })
    }

    /// Reads all files of a folder, sorted by name.
    ///
    /// # Errors
    /// If there are none, or one can't be read.
    pub fn open_all(folder: &Path) -> Result<Vec<Self>> {
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("reading the goldens in {}", folder.display()))?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
        paths.sort();
        ensure!(!paths.is_empty(), "there are no goldens in {}", folder.display());
        paths.iter().map(|path| Self::open(path)).collect()
    }

    /// A tensor that is stored whole, in `f32`.
    pub fn whole(&self, name: &str) -> Option<Tensor> {
        self.tensors.get(name)?.to_dtype(DType::F32).ok()
    }

    /// Relative L2 error of `x` against the tensor `name`: over all values where it is stored whole; else over its samples, or of its norm where that is
    /// worse. `None` where the golden does not have it. Infinite where the shapes differ.
    pub fn error(&self, name: &str, x: &Tensor) -> Result<Option<f64>> {
        let got: Vec<f32> = x.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?;
        if let Some(shape) = self.case.shapes.get(name)
            && shape.iter().filter(|n| **n != 1).ne(x.dims().iter().filter(|n| **n != 1))
        {
            return Ok(Some(f64::INFINITY));
        }
        if let Some(want) = self.whole(name) {
            return Ok(Some(relative_l2(&got, &want.flatten_all()?.to_vec1::<f32>()?)));
        }
        let (Some(want), Some(norm)) = (self.whole(&format!("{name}.samples")), self.case.norms.get(name)) else {
            return Ok(None);
        };
        let want: Vec<f32> = want.to_vec1()?;
        let samples: Vec<f32> =
            (0..want.len() as u64).map(|j| got[(j * 2_654_435_761 % got.len() as u64) as usize]).collect();
        let got_norm = got.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        Ok(Some(relative_l2(&samples, &want).max((got_norm - norm).abs() / norm)))
    }
}
