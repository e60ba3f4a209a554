//! Checkpoints that the user has, as models: a Piper voice's `.onnx` is converted when it is first spoken with, and again when it has changed.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lumivox_convert::{Family, ModelFile};

use super::{Fetched, Store, StoreError, create_folder_of};
use crate::store::Reporter;

impl Store {
    /// The model file of the Piper voice `onnx`, whose configuration is `config`, or `FILE.onnx.json` beside it. It is kept in the store until the voice's file
    /// changes.
    ///
    /// # Errors
    /// If the files are no voice, or the store can't be written.
    pub fn import(&self, onnx: &Path, config: Option<&Path>, reporter: &dyn Reporter) -> Result<PathBuf, StoreError> {
        let beside = PathBuf::from(format!("{}.json", onnx.display()));
        if let Some(config) = config.filter(|config| !config.is_file()) {
            return Err(StoreError::NoSuchFile(config.to_path_buf()));
        }
        let config = config.map_or(beside, Path::to_path_buf);
        let onnx = fs::canonicalize(onnx).map_err(StoreError::storage(onnx))?;
        // What two voices differ in, and what a voice differs in from its older self.
        let place = fingerprint(&(&onnx, fs::canonicalize(&config).ok()));
        let state = fingerprint(&(state(&onnx)?, state(&config).ok()));
        let stem = onnx.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = self.root.join("imported");
        let path = folder.join(format!("{stem}-{place}-{state}.safetensors"));
        if path.is_file() && ModelFile::open(&path).is_ok() {
            return Ok(path);
        }
        create_folder_of(&path)?;
        let config = config.is_file().then_some(config);
        let fetched = Fetched { checkpoint: onnx, config, voices: Vec::new() };
        let report = self.convert(None, &fetched, &path, reporter)?;
        if report.family != Family::Vits {
            fs::remove_file(&path).map_err(StoreError::storage(&path))?;
            return Err(StoreError::NotPiper { path: fetched.checkpoint, family: report.family.to_string() });
        }
        let older = format!("{stem}-{place}-");
        for entry in fs::read_dir(&folder).map_err(StoreError::storage(&folder))?.flatten() {
            // The same one may have been made by another process at the same time.
            if entry.file_name().to_string_lossy().starts_with(&older) && entry.path() != path {
                // One that stays is only in the way of the disk's space.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(path)
    }
}

/// Size and time of change of a file.
fn state(path: &Path) -> Result<(u64, Option<SystemTime>), StoreError> {
    let metadata = fs::metadata(path).map_err(StoreError::storage(path))?;
    Ok((metadata.len(), metadata.modified().ok()))
}

fn fingerprint(value: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
