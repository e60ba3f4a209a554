//! ONNX Runtime as a library that the user has: found, loaded, and run on rewritten graphs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use ort::environment::Environment;
use ort::session::{Session as OrtSession, SessionInputValue};
use ort::value::Tensor as OrtTensor;

use crate::capture::Array;

/// Names the library; what `ort` itself reads, too.
const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";
/// What to do where there is no library.
const ADVICE: &str = "ONNX Runtime is not here. Install it for Python (`python3 -m pip install onnxruntime`), name the Python that has it with \
                      `--python PATH`, or name its library with ORT_DYLIB_PATH=…/libonnxruntime.so";
/// Prints the folder of Python's package `onnxruntime`, without importing it.
const FIND_PACKAGE: &str =
    "import importlib.util as i; s = i.find_spec('onnxruntime'); print(s.submodule_search_locations[0] if s else '')";

/// The library, once it is loaded: a process can have one only.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

/// The loaded library.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    version: String,
}

impl Runtime {
    /// Loads the library that `ORT_DYLIB_PATH` names, else the one in the package `onnxruntime` of `python`, else in that of the first Python on the path.
    /// Whatever was loaded first stays.
    ///
    /// # Errors
    /// If there is none, which says what to install, or it can't be loaded or is too old.
    pub fn load(python: Option<&Path>) -> Result<Self> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = loaded.as_ref() {
            return Ok(runtime.clone());
        }
        if cfg!(target_feature = "crt-static") {
            bail!(
                "this program is linked statically and can't load ONNX Runtime; build one that can: `cargo build --release -p lumivox-cli`"
            );
        }
        let library = library(python)?;
        let named =
            |error: &dyn std::fmt::Display| anyhow!("the library {} can't be loaded: {error}", library.display());
        let builder = ort::init_from(&library).map_err(|error| named(&error))?;
        let environment = builder.with_telemetry(false).build().map_err(|error| named(&error))?;
        Ok(loaded.insert(Self { environment, version: version(&library) }).clone())
    }

    /// The library's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What sessions of one's own are made in.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// A graph that is ready to run on `threads` threads.
    ///
    /// # Errors
    /// If the runtime refuses it.
    pub fn session(&self, graph: &[u8], threads: usize) -> Result<Session> {
        let builder =
            OrtSession::builder(&self.environment).and_then(|builder| Ok(builder.with_intra_threads(threads)?));
        let session = builder.and_then(|mut builder| builder.commit_from_memory(graph));
        Ok(Session(session.map_err(|error| anyhow!("ONNX Runtime {} refuses the graph: {error}", self.version))?))
    }
}

/// A graph that is ready to run.
pub struct Session(OrtSession);

/// An input of a graph.
pub enum Input {
    /// Numbers.
    F32(Vec<usize>, Vec<f32>),
    /// Ids and lengths.
    I64(Vec<usize>, Vec<i64>),
}

impl From<&Array> for Input {
    fn from(array: &Array) -> Self {
        Self::F32(array.shape.clone(), array.values.clone())
    }
}

impl Session {
    /// Runs the graph; all its outputs by name, which must be `f32`.
    ///
    /// # Errors
    /// If the runtime fails, or an output is of another type.
    pub fn run(&mut self, inputs: Vec<(String, Input)>) -> Result<BTreeMap<String, Array>> {
        let value = |input| -> ort::Result<SessionInputValue> {
            Ok(match input {
                Input::F32(shape, values) => OrtTensor::from_array((shape, values))?.into(),
                Input::I64(shape, values) => OrtTensor::from_array((shape, values))?.into(),
            })
        };
        let named = inputs.into_iter().map(|(name, input)| Ok((name, value(input)?)));
        let inputs = named.collect::<ort::Result<Vec<_>>>()?;
        let outputs = self.0.run(inputs).context("ONNX Runtime")?;
        let mut arrays = BTreeMap::new();
        for (name, value) in &outputs {
            let (shape, values) = value
                .try_extract_tensor::<f32>()
                .with_context(|| format!("the graph's value {name} is not in f32; give the f32 export as reference"))?;
            let shape = shape.iter().map(|n| usize::try_from(*n)).collect::<Result<_, _>>()?;
            arrays.insert(name.to_owned(), Array { shape, values: values.to_vec() });
        }
        Ok(arrays)
    }
}

fn library(python: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(LIBRARY_VARIABLE).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("{LIBRARY_VARIABLE} names {}, which is no file", path.display());
        }
        return Ok(path);
    }
    match python {
        Some(python) => {
            in_package(python).with_context(|| format!("{} has no package onnxruntime. {ADVICE}", python.display()))
        }
        None => ["python3", "python"].iter().find_map(|python| in_package(Path::new(python))).context(ADVICE),
    }
}

/// The library in Python's package.
fn in_package(python: &Path) -> Option<PathBuf> {
    let output = Command::new(python).args(["-c", FIND_PACKAGE]).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    let folder = Path::new(folder.trim()).join("capi");
    let mut libraries: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    libraries.retain(|path| path.file_name().is_some_and(|name| is_library(&name.to_string_lossy())));
    libraries.sort();
    libraries.pop()
}

/// `libonnxruntime.so.1.31.1`, `libonnxruntime.1.31.1.dylib`, `onnxruntime.dll`; not the libraries of its providers.
fn is_library(name: &str) -> bool {
    name == "onnxruntime.dll"
        || name.starts_with("libonnxruntime.") && (name.contains(".so") || name.ends_with(".dylib"))
}

/// The version in the library's name, else the build that the library tells.
fn version(library: &Path) -> String {
    let name = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let digits: Vec<&str> = name.split('.').filter(|part| part.chars().all(|c| c.is_ascii_digit())).collect();
    if digits.len() >= 2 { digits.join(".") } else { ort::info().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_known_by_its_name() {
        assert!(is_library("libonnxruntime.so.1.31.1") && is_library("libonnxruntime.1.31.1.dylib"));
        assert!(!is_library("libonnxruntime_providers_shared.so") && !is_library("onnxruntime_pybind11_state.so"));
        assert_eq!(version(Path::new("/x/libonnxruntime.so.1.31.1")), "1.31.1");
    }
}
