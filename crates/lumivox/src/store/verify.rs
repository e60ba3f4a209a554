//! Comparing files with their hashes.

use super::StoreError;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Compares `path` with the SHA-256 `expected` (hexadecimal), reporting the bytes read.
///
/// # Errors
/// The file cannot be read, or has another hash; it is deleted then.
pub(super) fn sha256(path: &Path, expected: &str, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
    let mut file = File::open(path).map_err(StoreError::storage(path))?;
    let (mut hasher, mut buffer, mut done) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        let read = file.read(&mut buffer).map_err(StoreError::storage(path))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        done += read as u64;
        progress(done);
    }
    let found: String = hasher.finalize().iter().map(|b| format!("{b:02x}")).collect();
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    fs::remove_file(path).map_err(StoreError::storage(path))?;
    Err(StoreError::Hash { file: path.display().to_string(), expected: expected.into(), found })
}
