//! Conversions of files that are fuzzed.

use std::fs;
use std::path::PathBuf;

use lumivox_convert::{ModelFile, Options, convert};

use crate::scratch;

/// Writes a file of this process's own.
pub fn write(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = scratch(name);
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
    fs::write(&path, content).expect("room for a file");
    path
}

/// Converts the file `input`. What comes of it is a model file that opens, or nothing.
pub fn check(input: &str, options: &Options) {
    let output = scratch("model.safetensors");
    match convert(&scratch(input), &output, options, &mut |_| {}) {
        Ok(report) => {
            let model = ModelFile::open(&output).expect("what was converted opens");
            assert_eq!(model.parameters(), report.parameters);
            drop(model);
            fs::remove_file(&output).expect("a file to remove");
        }
        Err(error) => {
            assert!(!output.exists(), "a failed conversion left a file");
            let message = error.to_string();
            assert!(message.len() < 20_000, "the error repeats the input: {} bytes", message.len());
        }
    }
}
