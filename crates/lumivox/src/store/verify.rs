//! Comparing files with their hashes.

use super::StoreError;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Compares `path` with the SHA-256 `expected` (hexadecimal), reporting the bytes read.
///
/// # Errors
/// The file cannot be read, or has another hash; it is deleted then.
pub(super) fn sha256(path: &Path, expected: &str, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
    let found = hash(Sha256::new(), path, progress)?;
    compare(path, "SHA-256", expected, found)
}

/// Compares `path` with the name `expected` (hexadecimal) that git gives to its content: the SHA-1 of a header with its length, and of the file.
///
/// # Errors
/// The file cannot be read, or has another hash; it is deleted then.
pub(super) fn git_blob(path: &Path, expected: &str, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
    let bytes = fs::metadata(path).map_err(StoreError::storage(path))?.len();
    let found = hash(Sha1::new_with_prefix(format!("blob {bytes}\0")), path, progress)?;
    compare(path, "git hash", expected, found)
}

/// The hash of `path` by `hasher`, in hexadecimal.
fn hash<D: Digest>(mut hasher: D, path: &Path, progress: &mut dyn FnMut(u64)) -> Result<String, StoreError> {
    let mut file = File::open(path).map_err(StoreError::storage(path))?;
    let (mut buffer, mut done) = (vec![0; 1 << 20], 0);
    loop {
        let read = file.read(&mut buffer).map_err(StoreError::storage(path))?;
        if read == 0 {
            return Ok(hasher.finalize().iter().map(|b| format!("{b:02x}")).collect());
        }
        hasher.update(&buffer[..read]);
        done += read as u64;
        progress(done);
    }
}

fn compare(path: &Path, algorithm: &'static str, expected: &str, found: String) -> Result<(), StoreError> {
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    fs::remove_file(path).map_err(StoreError::storage(path))?;
    Err(StoreError::Hash { file: path.display().to_string(), algorithm, expected: expected.into(), found })
}
