//! Fetching from the Hugging Face hub, into the hub's own cache.
//!
//! hf-hub sets no time limits, so it runs on threads of its own, and this module gives up when they are silent for too long. A thread
//! that hangs in the network is left behind: it ends with its connection or with the process, and what it has downloaded stays in the
//! hub's cache, where the next pull goes on.

use super::environment::Environment;
use super::manifest::{HubEntry, HubFile};
use super::reporter::{Reporter, Stage};
use super::{Fetched, StoreError, verify};
use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Cache, Repo, RepoType};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Files that are fetched at the same time: most are small, and every one costs several round trips.
const CONNECTIONS: usize = 4;
/// Attempts to go on with a file after its connection broke.
const RETRIES: usize = 2;
/// Longest silence after the hub has answered.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How often bytes are reported.
const REPORT_EVERY_BYTES: u64 = 256 << 10;

/// Fetches every file of `entry` that the cache lacks, and verifies all. With `again`, the hub is asked whether the revision is another commit than the
/// cache's, and if so everything is fetched from that.
///
/// # Errors
/// [`StoreError::HubRefused`] when the hub answers that it does not have or give a file, else [`StoreError::HubUnreachable`] as long as the hub has sent
/// nothing of a file, and [`StoreError::HubInterrupted`] afterwards.
pub(super) fn fetch(
    entry: &HubEntry,
    environment: &Environment,
    again: bool,
    reporter: &dyn Reporter,
) -> Result<Fetched, StoreError> {
    let cache = environment.hf_home.as_ref().map_or_else(Cache::default, |home| Cache::new(home.join("hub")));
    let other = entry.with_other_checkpoint();
    let has = |entry: &HubEntry| cache.repo(repo(entry)).get(&entry.checkpoint).is_some();
    match other {
        Some(other) if !has(entry) && has(&other) => fetch_files(&other, cache, environment, again, reporter),
        Some(other) => match fetch_files(entry, cache.clone(), environment, again, reporter) {
            Err(StoreError::HubRefused { status: 404, file, .. }) if file == entry.checkpoint => {
                fetch_files(&other, cache, environment, again, reporter)
            }
            result => result,
        },
        None => fetch_files(entry, cache, environment, again, reporter),
    }
}

fn repo(entry: &HubEntry) -> Repo {
    Repo::with_revision(entry.repo.clone(), RepoType::Model, entry.revision.clone())
}

fn fetch_files(
    entry: &HubEntry,
    cache: Cache,
    environment: &Environment,
    again: bool,
    reporter: &dyn Reporter,
) -> Result<Fetched, StoreError> {
    let repo = repo(entry);
    let is_old = again && has_moved(entry, &cache, environment, reporter)?;
    let mut download = Download::new(entry, |file| cache.repo(repo.clone()).get(&file.path).filter(|_| !is_old));
    if !download.is_complete() {
        if environment.hf_hub_offline {
            return Err(StoreError::HubUnreachable {
                reason: "HF_HUB_OFFLINE is set and its cache lacks the model".into(),
            });
        }
        let api = api(cache, environment)?;
        download.run(&api, &repo, environment.hub_answer_timeout, reporter)?;
    }
    let files: Vec<(&HubFile, PathBuf)> =
        entry.files.iter().zip(download.paths).filter_map(|(file, path)| Some((file, path?))).collect();
    verify_all(&files, environment, reporter)?;
    let named = |wanted: &str| files.iter().find(|(file, _)| file.path == wanted).map(|(_, path)| path.clone());
    let voices = files.iter().filter(|(file, _)| file.path.starts_with("voices/"));
    Ok(Fetched {
        checkpoint: named(&entry.checkpoint)
            .ok_or_else(|| StoreError::Manifest(format!("no file {}", entry.checkpoint)))?,
        config: named(&entry.config),
        voices: voices.map(|(_, path)| path.clone()).collect(),
    })
}

/// Whether the hub's revision is another commit than the one that the cache has files of. Where the hub doesn't tell, the user is told that the cache's files
/// are used.
fn has_moved(
    entry: &HubEntry,
    cache: &Cache,
    environment: &Environment,
    reporter: &dyn Reporter,
) -> Result<bool, StoreError> {
    let is_commit = entry.revision.len() == 40 && entry.revision.bytes().all(|b| b.is_ascii_hexdigit());
    let cached = entry.files.iter().find_map(|file| commit(&cache.repo(repo(entry)).get(&file.path)?, &file.path));
    let Some(cached) = cached.filter(|_| !is_commit && !environment.hf_hub_offline) else { return Ok(false) };
    let api = api(cache.clone(), environment)?;
    let url = api.repo(repo(entry)).url(&entry.config);
    let (sender, answer) = mpsc::channel();
    // One that hangs is left behind, as with downloads.
    thread::spawn(move || sender.send(api.metadata(&url).map(|metadata| metadata.commit_hash().to_owned())));
    let reason = match answer.recv_timeout(environment.hub_answer_timeout) {
        Ok(Ok(newest)) => return Ok(newest != cached),
        Ok(Err(error)) => describe(error)?,
        Err(_) => format!("no answer for {} s", environment.hub_answer_timeout.as_secs_f32()),
    };
    let revision = &entry.revision;
    reporter.note(&format!(
        "the hub doesn't tell whether `{revision}` has changed ({reason}); what was fetched before is used"
    ));
    Ok(false)
}

/// The commit that a file of the cache is from: `snapshots/COMMIT/FILE`.
fn commit(path: &Path, file: &str) -> Option<String> {
    let folder = path.ancestors().nth(Path::new(file).components().count())?;
    Some(folder.file_name()?.to_str()?.to_owned())
}

fn api(cache: Cache, environment: &Environment) -> Result<Api, StoreError> {
    let token = environment.hf_token.clone().or_else(|| cache.token());
    let mut builder = ApiBuilder::from_cache(cache).with_token(token).with_progress(false).with_retries(RETRIES);
    if let Some(endpoint) = &environment.hf_endpoint {
        builder = builder.with_endpoint(endpoint.clone());
    }
    builder.build().map_err(|e| StoreError::HubUnreachable { reason: e.to_string() })
}

fn verify_all(
    files: &[(&HubFile, PathBuf)],
    environment: &Environment,
    reporter: &dyn Reporter,
) -> Result<(), StoreError> {
    let len = |path: &Path| fs::metadata(path).map_or(0, |m| m.len());
    let total = files.iter().map(|(_, path)| len(path)).sum();
    let mut done = 0;
    for (file, path) in files {
        let bytes = len(path);
        let mut progress = |bytes| reporter.progress(Stage::Verify, done + bytes, total);
        let checked = verify_file(file, path, environment, &mut progress);
        if matches!(checked, Err(StoreError::Hash { .. } | StoreError::Unverified { .. })) {
            // The cache's entry is a link to the blob, which is deleted already; it must not be found again.
            fs::remove_file(path).map_err(StoreError::storage(path))?;
        }
        checked?;
        done += bytes;
    }
    Ok(())
}

/// Compares a file of the cache with its hash.
fn verify_file(
    file: &HubFile,
    path: &Path,
    environment: &Environment,
    progress: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    let blob = path.canonicalize().map_err(StoreError::storage(path))?;
    // The hub states the SHA-256 of large files and git's hash of small ones, and the blob has it for a name.
    let stated = blob.file_name().unwrap_or_default().to_string_lossy();
    let is_hash = |len| stated.len() == len && stated.bytes().all(|b| b.is_ascii_hexdigit());
    match &file.sha256 {
        Some(sha256) => verify::sha256(&blob, sha256, progress),
        None if is_hash(64) => verify::sha256(&blob, &stated, progress),
        None if is_hash(40) => verify::git_blob(&blob, &stated, progress),
        None => {
            fs::remove_file(&blob).map_err(StoreError::storage(&blob))?;
            let endpoint = environment.hf_endpoint.clone().unwrap_or_else(|| "not set".into());
            Err(StoreError::Unverified { file: file.path.clone(), endpoint })
        }
    }
}

/// What the threads tell.
enum Event {
    /// A file's size, and how much of it is there.
    Received {
        file: usize,
        done_bytes: u64,
        total_bytes: u64,
    },
    Done {
        file: usize,
        path: PathBuf,
    },
    Failed {
        file: usize,
        error: ApiError,
    },
}

struct Download<'a> {
    repo: &'a str,
    files: &'a [HubFile],
    /// Where each file is, once it is there.
    paths: Vec<Option<PathBuf>>,
    done_bytes: Vec<u64>,
    total_bytes: Vec<u64>,
}

impl<'a> Download<'a> {
    fn new(entry: &'a HubEntry, cached: impl Fn(&HubFile) -> Option<PathBuf>) -> Self {
        let files = &*entry.files;
        let paths: Vec<_> = files.iter().map(cached).collect();
        let total_bytes: Vec<u64> = files.iter().map(|f| f.bytes.unwrap_or(0)).collect();
        let done_bytes =
            total_bytes.iter().zip(&paths).map(|(&total, path)| if path.is_some() { total } else { 0 }).collect();
        Self { repo: &entry.repo, files, paths, done_bytes, total_bytes }
    }

    /// Whether everything is here that the model needs.
    fn is_complete(&self) -> bool {
        self.files.iter().zip(&self.paths).all(|(file, path)| file.optional || path.is_some())
    }

    fn run(
        &mut self,
        api: &Api,
        repo: &Repo,
        answer_timeout: Duration,
        reporter: &dyn Reporter,
    ) -> Result<(), StoreError> {
        let wanted: Vec<usize> = (0..self.files.len()).filter(|&i| self.paths[i].is_none()).collect();
        let names = wanted.iter().map(|&i| self.files[i].path.clone()).collect();
        let events = spawn(api, repo, wanted.clone(), names);
        let mut answered = false;
        let mut missing = wanted.len();
        while missing > 0 {
            let silence = if answered { STALL_TIMEOUT } else { answer_timeout };
            match events.recv_timeout(silence) {
                Ok(Event::Received { file, done_bytes, total_bytes }) => {
                    answered = true;
                    (self.done_bytes[file], self.total_bytes[file]) = (done_bytes, total_bytes);
                }
                Ok(Event::Done { file, path }) => {
                    self.paths[file] = Some(path);
                    missing -= 1;
                }
                Ok(Event::Failed { file, error }) if self.files[file].optional && status(&error) == Some(404) => {
                    answered = true;
                    missing -= 1;
                }
                Ok(Event::Failed { file, error }) => return Err(self.failed(file, answered, error)),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let file = wanted.iter().copied().find(|&i| self.paths[i].is_none()).unwrap_or_default();
                    return Err(self.failure(file, answered, format!("no answer for {} s", silence.as_secs_f32())));
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(self.failure(wanted[0], answered, "its client stopped".into()));
                }
            }
            reporter.progress(Stage::Download, self.done_bytes.iter().sum(), self.total_bytes.iter().sum());
        }
        Ok(())
    }

    fn failed(&self, file: usize, answered: bool, error: ApiError) -> StoreError {
        match (status(&error), describe(error)) {
            // Others pass: too many requests, and what is wrong with the hub itself.
            (Some(status @ (401 | 403 | 404 | 410)), _) => {
                let (repo, file) = (self.repo.to_owned(), self.files[file].path.clone());
                StoreError::HubRefused { repo, file, status, nearest: Vec::new() }
            }
            (_, Ok(reason)) => self.failure(file, answered, reason),
            (_, Err(local)) => local,
        }
    }

    fn failure(&self, file: usize, answered: bool, reason: String) -> StoreError {
        if answered {
            StoreError::HubInterrupted { file: self.files[file].path.clone(), reason }
        } else {
            StoreError::HubUnreachable { reason }
        }
    }
}

/// Starts the threads that fetch `files`, whose names in the repository are `names`.
fn spawn(api: &Api, repo: &Repo, files: Vec<usize>, names: Vec<String>) -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel();
    let next = Arc::new(AtomicUsize::new(0));
    let work = Arc::new((files, names));
    for _ in 0..CONNECTIONS.min(work.0.len()) {
        let (repo, sender, next, work) = (api.repo(repo.clone()), sender.clone(), next.clone(), work.clone());
        thread::spawn(move || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let (Some(&file), Some(name)) = (work.0.get(index), work.1.get(index)) else { return };
                let progress =
                    FileProgress { sender: sender.clone(), file, done_bytes: 0, total_bytes: 0, reported_bytes: 0 };
                let event = match repo.download_with_progress(name, progress) {
                    Ok(path) => Event::Done { file, path },
                    Err(error) => Event::Failed { file, error },
                };
                // What one file lacks, the others may have.
                let failed = matches!(&event, Event::Failed { error, .. } if status(error) != Some(404));
                if sender.send(event).is_err() || failed {
                    return; // nobody waits any more
                }
            }
        });
    }
    receiver
}

struct FileProgress {
    sender: mpsc::Sender<Event>,
    file: usize,
    done_bytes: u64,
    total_bytes: u64,
    reported_bytes: u64,
}

impl FileProgress {
    fn report(&mut self) {
        self.reported_bytes = self.done_bytes;
        let (file, done_bytes, total_bytes) = (self.file, self.done_bytes, self.total_bytes);
        // When nobody receives any more, the pull has failed already.
        let _ = self.sender.send(Event::Received { file, done_bytes, total_bytes });
    }
}

impl hf_hub::api::Progress for FileProgress {
    fn init(&mut self, size: usize, _filename: &str) {
        (self.done_bytes, self.total_bytes) = (0, size as u64);
        self.report();
    }

    fn update(&mut self, size: usize) {
        self.done_bytes += size as u64;
        if self.done_bytes - self.reported_bytes >= REPORT_EVERY_BYTES {
            self.report();
        }
    }

    fn finish(&mut self) {
        self.report();
    }
}

/// The status with which the hub answers, if it is that.
fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(inner) => match **inner {
            ureq::Error::StatusCode(status) => Some(status),
            _ => None,
        },
        ApiError::TooManyRetries(inner) => status(inner),
        _ => None,
    }
}

/// The reason in one line; errors of the local disk are not the hub's.
fn describe(error: ApiError) -> Result<String, StoreError> {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match error {
        ApiError::IoError(source)
            if matches!(source.kind(), PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull) =>
        {
            Err(StoreError::Storage { path: Path::new("the hub's cache (HF_HOME)").into(), source })
        }
        ApiError::TooManyRetries(inner) => describe(*inner),
        other => Ok(other.to_string()),
    }
}
