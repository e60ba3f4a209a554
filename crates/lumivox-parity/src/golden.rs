//! Golden files: the reference's tensors for one utterance.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::metrics::{max_abs, relative_l2};

/// The shapes of all tensors, and norms of those that are only stored in part.
#[derive(Clone, Debug, Deserialize)]
struct Layout {
    /// L2 norms of the tensors that are sampled.
    norms: HashMap<String, f64>,
    shapes: HashMap<String, Vec<usize>>,
}

/// The reference's tensors for one utterance, and what it was asked to say. A tensor is there whole, or as samples at the flat indices `(j · 2654435761) mod size`.
pub struct Golden<Case> {
    /// The file's name without its extension.
    pub name: String,
    /// What was said.
    pub case: Case,
    layout: Layout,
    tensors: HashMap<String, Tensor>,
}

impl<Case: DeserializeOwned> Golden<Case> {
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
            layout: serde_json::from_str(case)?,
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

    /// Whether only samples of the tensor `name` are stored.
    pub fn is_sampled(&self, name: &str) -> bool {
        self.layout.norms.contains_key(name)
    }

    /// Relative L2 error of `x` against the tensor `name`: over all values where it is stored whole; else over its samples, or of its norm where that is
    /// worse. `None` where the golden does not have it. Infinite where the shapes differ.
    ///
    /// # Errors
    /// If `x` can't be read.
    pub fn error(&self, name: &str, x: &Tensor) -> Result<Option<f64>> {
        let Some((got, want)) = self.stored(name, x)? else { return Ok(None) };
        if !self.fits(name, x) {
            return Ok(Some(f64::INFINITY));
        }
        let error = relative_l2(&got, &want);
        let Some(norm) = self.layout.norms.get(name) else { return Ok(Some(error)) };
        let got_norm = values(x)?.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        Ok(Some(error.max((got_norm - norm).abs() / norm)))
    }

    /// The largest difference of `x` from the tensor `name`, over what is stored of it. `None` where the golden does not have it. Infinite where the shapes
    /// differ.
    ///
    /// # Errors
    /// If `x` can't be read.
    pub fn max_abs(&self, name: &str, x: &Tensor) -> Result<Option<f64>> {
        let stored = self.stored(name, x)?;
        Ok(stored.map(|(got, want)| if self.fits(name, x) { max_abs(&got, &want) } else { f64::INFINITY }))
    }

    /// What is stored of the tensor `name`, behind the same values of `x`.
    fn stored(&self, name: &str, x: &Tensor) -> Result<Option<(Vec<f32>, Vec<f32>)>> {
        let got = values(x)?;
        if let Some(want) = self.whole(name) {
            return Ok(Some((got, values(&want)?)));
        }
        let Some(want) = self.whole(&format!("{name}.samples")) else { return Ok(None) };
        let want = values(&want)?;
        let size = got.len().max(1) as u64;
        let index = |j: u64| (j * 2_654_435_761 % size) as usize;
        Ok(Some(((0..want.len() as u64).filter_map(|j| got.get(index(j)).copied()).collect(), want)))
    }

    /// Whether `x` has the shape of the tensor `name`, axes of one left aside.
    fn fits(&self, name: &str, x: &Tensor) -> bool {
        let long = |shape: &[usize]| shape.iter().copied().filter(|n| *n != 1).collect::<Vec<_>>();
        self.layout.shapes.get(name).is_none_or(|shape| long(shape) == long(x.dims()))
    }
}

/// All values, row-major.
fn values(x: &Tensor) -> Result<Vec<f32>> {
    Ok(x.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
}
