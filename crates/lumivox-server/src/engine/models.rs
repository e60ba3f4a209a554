//! The models: loaded when they are first asked for, unloaded when nobody has asked for a while.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use lumivox::convert::ModelFile;
use lumivox::store::Store;
use lumivox::{LoadOptions, Synthesizer};

use super::voices::{self, Voices};
use crate::error::{ApiError, Result};

/// Names of OpenAI's models, which mean the default model here.
pub const ALIASES: [&str; 3] = ["tts-1", "tts-1-hd", "gpt-4o-mini-tts"];

/// How many bytes a model takes in memory for each of its file: the file's pages, and weights packed for the kernels.
const MEMORY_PER_FILE_BYTE: f64 = 2.0;

/// A model in memory.
pub struct Loaded {
    /// What it is called here.
    pub name: String,
    /// What speaks.
    pub synthesizer: Synthesizer,
    stamp: Option<Stamp>,
    memory_bytes: u64,
    last_used: Mutex<Instant>,
}

/// What tells whether a file is the one that was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }
}

/// Which models are served, and how they are loaded.
pub struct ModelsConfig {
    /// The model of requests that name none, or one of OpenAI's.
    pub default: String,
    /// Model files by name, beside those of the store.
    pub files: BTreeMap<String, PathBuf>,
    /// Whether all models that are in the store are served, too.
    pub store: Option<Store>,
    /// How they are loaded.
    pub load: LoadOptions,
    /// After how long without a request a model is unloaded.
    pub unload_after: Duration,
    /// How much memory all models together may take, by an estimate from their files' sizes.
    pub memory_bytes: u64,
}

/// All models that can be asked for.
pub struct Models {
    config: ModelsConfig,
    slots: Mutex<HashMap<String, Slot>>,
    voices: Mutex<HashMap<String, KnownVoices>>,
}

/// The voices in a file, and which file that was.
type KnownVoices = (Option<Stamp>, Arc<Voices>);

/// A model's place in memory; locked while it is loaded.
type Slot = Arc<Mutex<Option<Arc<Loaded>>>>;

/// A model that can be asked for.
#[derive(Debug, Clone)]
pub struct Available {
    /// Its name.
    pub name: String,
    /// Its file; none for the voice inside the program.
    path: Option<PathBuf>,
}

impl Models {
    /// Nothing is loaded yet.
    pub fn new(config: ModelsConfig) -> Self {
        Self { config, slots: Mutex::default(), voices: Mutex::default() }
    }

    /// The model of requests that name none.
    pub fn default_name(&self) -> &str {
        &self.config.default
    }

    /// All models that are here.
    pub fn available(&self) -> Vec<Available> {
        let files = self.config.files.iter().map(|(name, path)| (name.clone(), Some(path.clone())));
        let mut models: BTreeMap<String, Option<PathBuf>> = files.collect();
        for model in self.config.store.iter().flat_map(Store::models).filter(|model| model.installed_bytes.is_some()) {
            models.entry(model.entry.name.clone()).or_insert(Some(model.path.clone()));
        }
        #[cfg(feature = "embedded-voice")]
        models.entry(lumivox::embedded::NAME.to_owned()).or_insert(None);
        models.into_iter().map(|(name, path)| Available { name, path }).collect()
    }

    /// Whether a model is in memory.
    pub fn is_loaded(&self, name: &str) -> bool {
        self.slots().get(name).is_some_and(|slot| slot.try_lock().is_ok_and(|loaded| loaded.is_some()))
    }

    /// The voices of a model, for which it need not be loaded.
    ///
    /// # Errors
    /// Its file can't be read.
    pub fn voices(&self, model: &Available) -> Result<Arc<Voices>> {
        let stamp = model.path.as_deref().and_then(Stamp::of);
        let mut known = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, voices)) = known.get(&model.name).filter(|(of, _)| *of == stamp) {
            return Ok(Arc::clone(voices));
        }
        let file = match &model.path {
            Some(path) => ModelFile::open(path).map_err(|error| ApiError::Internal(error.to_string()))?,
            None => embedded_file()?,
        };
        let voices = Arc::new(voices::of(&file)?);
        known.insert(model.name.clone(), (stamp, Arc::clone(&voices)));
        Ok(voices)
    }

    /// The model that a request asks for, loaded first if need be; this takes a moment then.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if it is not here, [`ApiError::Busy`] if there is no memory for it now, [`ApiError::Internal`] if its file
    /// is damaged.
    pub fn get(&self, asked: &str) -> Result<Arc<Loaded>> {
        let name = if asked.is_empty() || ALIASES.contains(&asked) { self.default_name() } else { asked };
        let available = self.find(name)?;
        let slot = Arc::clone(self.slots().entry(name.to_owned()).or_default());
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = available.path.as_deref().and_then(Stamp::of);
        // A file that is gone does no harm to what was loaded of it.
        if let Some(loaded) = slot.as_ref().filter(|loaded| stamp.is_none() || loaded.stamp == stamp) {
            loaded.touch();
            return Ok(Arc::clone(loaded));
        }
        let memory_bytes = stamp.map_or(0, |stamp| (stamp.bytes as f64 * MEMORY_PER_FILE_BYTE) as u64);
        *slot = None;
        self.make_room(memory_bytes, name)?;
        let started = Instant::now();
        let synthesizer = match &available.path {
            Some(path) => Synthesizer::open_with(path, &self.config.load)?,
            None => embedded(&self.config.load)?,
        };
        tracing::info!(model = name, seconds = started.elapsed().as_secs_f64(), "loaded");
        let last_used = Mutex::new(Instant::now());
        let loaded = Arc::new(Loaded { name: name.to_owned(), synthesizer, stamp, memory_bytes, last_used });
        *slot = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Unloads what nobody has asked for in a while.
    pub fn unload_idle(&self) {
        self.unload(|loaded| loaded.idle() >= self.config.unload_after);
    }

    /// How many models are in memory.
    pub fn loaded_count(&self) -> usize {
        let slots: Vec<_> = self.slots().values().cloned().collect();
        slots.iter().filter(|slot| slot.try_lock().is_ok_and(|loaded| loaded.is_some())).count()
    }

    fn find(&self, name: &str) -> Result<Available> {
        // Names alone, no paths: whoever asks must not choose files.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let is_name = name.chars().all(plain) && !name.starts_with('.') && name.len() <= 128;
        let available = self.available();
        if let Some(model) = available.iter().find(|model| is_name && model.name == name) {
            return Ok(model.clone());
        }
        // What the store has in place of a model that can't be had.
        if let Some(path) =
            self.config.store.as_ref().filter(|_| is_name && !name.contains('.')).and_then(|s| s.find(name).ok()?)
        {
            return Ok(Available { name: name.to_owned(), path: Some(path) });
        }
        // A loaded model whose file is gone is still served.
        let loaded = is_name && self.is_loaded(name);
        if loaded {
            return Ok(Available { name: name.to_owned(), path: Some(PathBuf::new()) });
        }
        let names: Vec<&str> = available.iter().map(|model| model.name.as_str()).collect();
        let shown: String = name.chars().take(64).collect();
        let message = format!(
            "the model `{}` is not here (there are: {}); `lumivox pull` fetches more",
            shown.escape_debug(),
            names.join(", ")
        );
        Err(ApiError::NotFound { message, param: Some("model") })
    }

    /// Unloads idle models, those first that were not asked for longest, until there is memory for one more.
    fn make_room(&self, needed_bytes: u64, name: &str) -> Result<()> {
        let slots: Vec<_> =
            self.slots().iter().filter(|(other, _)| *other != name).map(|(_, slot)| slot.clone()).collect();
        // One that is being loaded or replaced just now counts for nothing yet.
        let mut others: Vec<_> =
            slots.iter().filter_map(|slot| slot.try_lock().ok()).filter(|slot| slot.is_some()).collect();
        others.sort_by_key(|slot| std::cmp::Reverse(slot.as_ref().map_or(Duration::ZERO, |loaded| loaded.idle())));
        let mut used: u64 = others.iter().filter_map(|slot| slot.as_ref()).map(|loaded| loaded.memory_bytes).sum();
        for slot in &mut others {
            if used + needed_bytes <= self.config.memory_bytes {
                break;
            }
            if slot.as_ref().is_some_and(|loaded| Arc::strong_count(loaded) == 1)
                && let Some(loaded) = slot.take()
            {
                tracing::info!(model = loaded.name, "unloaded, to make room");
                used -= loaded.memory_bytes;
            }
        }
        // One model alone is always loaded: the limit is for several.
        if used > 0 && used + needed_bytes > self.config.memory_bytes {
            let message = format!("there is no memory for the model `{name}` beside those that speak now");
            return Err(ApiError::Busy { message, retry_after: Duration::from_secs(5) });
        }
        Ok(())
    }

    fn unload(&self, which: impl Fn(&Loaded) -> bool) {
        let slots: Vec<_> = self.slots().values().cloned().collect();
        for slot in slots {
            let Ok(mut slot) = slot.try_lock() else { continue };
            if let Some(loaded) = slot.take_if(|loaded| Arc::strong_count(loaded) == 1 && which(loaded)) {
                tracing::info!(model = loaded.name, "unloaded");
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loaded {
    /// The voice that a request asks for, by the model's own name; OpenAI's names mean one of Kokoro's.
    pub fn voice(&self, asked: Option<&str>) -> Option<String> {
        asked.and_then(|asked| voices::resolve(asked, &self.synthesizer.voices()))
    }

    fn touch(&self) {
        *self.last_used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle(&self) -> Duration {
        self.last_used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

#[cfg(feature = "embedded-voice")]
fn embedded(options: &LoadOptions) -> Result<Synthesizer> {
    Ok(Synthesizer::embedded(options)?)
}

#[cfg(feature = "embedded-voice")]
fn embedded_file() -> Result<ModelFile> {
    lumivox::embedded::model_file().map_err(|error| ApiError::Internal(error.to_string()))
}

#[cfg(not(feature = "embedded-voice"))]
fn embedded(_: &LoadOptions) -> Result<Synthesizer> {
    Err(ApiError::Internal("this program has no voice inside".into()))
}

#[cfg(not(feature = "embedded-voice"))]
fn embedded_file() -> Result<ModelFile> {
    Err(ApiError::Internal("this program has no voice inside".into()))
}
