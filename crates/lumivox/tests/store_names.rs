//! Piper voices and MMS-TTS models by name, against a hub on this machine that has small ones of their structure.
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod store_support;

use lumivox::store::{Store, StoreError};
use lumivox_convert::ModelFile;
use lumivox_convert::vits::{Config, Text};
use std::fs;
use store_support::{Hub, Machine, Mode, Recorder, manifest, mms_files, piper_files};

const LESSAC: &str = "en_US-lessac-medium";
const CARD: &str =
    "# Model card for lessac (medium)\n\n* Language: en_US\n\n## Dataset\n\n* License: CC BY-NC-SA 4.0\n";

/// A hub with one voice and one language, and a machine that uses it.
fn start(mode: Mode) -> (Hub, Machine, Store) {
    let mut files = piper_files(LESSAC, "en/en_US/lessac/medium", CARD);
    files.extend(mms_files("swh"));
    let hub = Hub::with(mode, files);
    let machine = Machine::new(Some(&hub));
    let store = machine.store(&manifest(""));
    (hub, machine, store)
}

fn config(model: &ModelFile) -> Config {
    Config::parse(&model.metadata().config).unwrap()
}

#[test]
fn a_piper_voice_is_pulled_by_its_name() {
    let (hub, machine, store) = start(Mode::Healthy);
    assert_eq!(store.find(LESSAC).unwrap(), None);
    let recorder = Recorder::default();
    let path = store.resolve(LESSAC, &recorder).unwrap();
    assert_eq!(path, machine.path("home/models").join(format!("{LESSAC}.safetensors")));
    let model = ModelFile::open(&path).unwrap();
    let metadata = model.metadata();
    assert_eq!((&*metadata.license, &*metadata.languages), ("CC-BY-NC-SA-4.0", &["en-us".to_owned()][..]));
    assert_eq!(metadata.source.file, "en_US-lessac-medium.onnx");
    assert!(matches!(config(&model).text, Text::Piper(_)));
    let licences: Vec<String> =
        recorder.notes.lock().unwrap().iter().filter(|n| n.contains("licence")).cloned().collect();
    let expected = "licence of Piper voice lessac, medium: CC-BY-NC-SA-4.0; it may not be used commercially";
    assert_eq!(licences, [expected]);
    // It is listed with the manifest's models now, and found without the network.
    let here: Vec<_> = store.models().filter(|m| m.installed_bytes.is_some()).map(|m| m.entry.name.clone()).collect();
    assert_eq!(here, [LESSAC]);
    let requests = hub.requests().len();
    assert_eq!(store.find(LESSAC).unwrap(), Some(path));
    assert_eq!(hub.requests().len(), requests);
}

#[test]
fn a_voice_without_a_card_has_a_licence_that_is_not_known() {
    let (hub, _machine, store) = start(Mode::Healthy);
    hub.replace("MODEL_CARD", Some(b"# Model card\n"));
    let license = |again| {
        let pulled = store.pull(LESSAC, again, &()).unwrap();
        ModelFile::open(pulled.path).unwrap().metadata().license.clone()
    };
    assert_eq!(license(false), "see MODEL_CARD");
    let (hub, _machine, store) = start(Mode::Healthy);
    hub.replace("MODEL_CARD", None);
    let recorder = Recorder::default();
    store.pull(LESSAC, false, &recorder).unwrap();
    let notes = recorder.notes.lock().unwrap();
    assert!(notes.iter().any(|n| n == "the licence of Piper voice lessac, medium is not stated"), "{notes:?}");
}

#[test]
fn a_voice_with_a_letter_outside_of_ascii_is_pulled() {
    let name = "pt_PT-tugão-medium";
    let encoded = "pt_PT-tug%C3%A3o-medium";
    let hub = Hub::with(Mode::Healthy, piper_files(encoded, "pt/pt_PT/tug%C3%A3o/medium", "* License: CC0"));
    let machine = Machine::new(Some(&hub));
    let model = ModelFile::open(machine.store(&manifest("")).resolve(name, &()).unwrap()).unwrap();
    assert_eq!((&*model.metadata().license, &*model.metadata().languages), ("CC0-1.0", &["pt-pt".to_owned()][..]));
}

#[test]
fn an_mms_language_is_pulled_by_its_code() {
    let (hub, machine, store) = start(Mode::Healthy);
    let recorder = Recorder::default();
    let path = store.resolve("mms-swh", &recorder).unwrap();
    assert_eq!(path, machine.path("home/models/mms-swh.safetensors"));
    let model = ModelFile::open(&path).unwrap();
    let metadata = model.metadata();
    assert_eq!((&*metadata.license, &*metadata.languages), ("CC-BY-NC-4.0", &["swh".to_owned()][..]));
    assert_eq!((&*metadata.source.file, &*metadata.source.kind), ("model.safetensors", "safetensors"));
    let Text::Mms(text) = config(&model).text else { panic!("not that of MMS") };
    assert_eq!((text.vocab["t"], text.language.as_deref()), (5, Some("swh")));
    let notes = recorder.notes.lock().unwrap();
    let expected = [
        "pulling MMS-TTS Swahili from the hub (facebook/mms-tts-swh)",
        "licence of MMS-TTS Swahili: CC-BY-NC-4.0; it may not be used commercially",
    ];
    assert_eq!(*notes, expected);
    assert!(hub.requests().iter().all(|r| !r.starts_with("pytorch_model.bin")), "{:?}", hub.requests());
}

#[test]
fn an_mms_repository_without_safetensors_gives_its_older_checkpoint() {
    let (hub, mut machine, store) = start(Mode::Healthy);
    hub.replace("model.safetensors", None);
    let path = store.resolve("mms-swh", &()).unwrap();
    assert_eq!(ModelFile::open(&path).unwrap().metadata().source.file, "pytorch_model.bin");
    // Offline, the cache has that one too.
    machine.environment.hf_hub_offline = true;
    fs::remove_file(path).unwrap();
    machine.store(&manifest("")).pull("mms-swh", false, &()).unwrap();
    hub.replace("pytorch_model.bin", None);
    let other = Machine::new(Some(&hub));
    let error = other.store(&manifest("")).pull("mms-swh", false, &()).unwrap_err();
    assert!(error.to_string().contains("the hub has no pytorch_model.bin in facebook/mms-tts-swh (404)"), "{error}");
}

#[test]
fn transfers_that_break_go_on() {
    for name in [LESSAC, "mms-swh"] {
        let (hub, machine, store) = start(Mode::CutTransfers(usize::MAX));
        let error = store.pull(name, false, &()).unwrap_err();
        assert!(matches!(error, StoreError::HubInterrupted { .. }), "{error}");
        assert!(error.to_string().contains("run again to go on"), "{error}");
        assert!(machine.is_clean());
        hub.set(Mode::Healthy);
        ModelFile::open(store.pull(name, false, &()).unwrap().path).unwrap();
        assert!(!hub.transfers().last().unwrap().contains("bytes=0-"), "{:?}", hub.transfers());
    }
}

#[test]
fn other_bytes_than_the_hub_states_are_refused() {
    for name in [LESSAC, "mms-swh"] {
        let (hub, machine, store) = start(Mode::OtherBytes);
        let error = store.pull(name, false, &()).unwrap_err();
        assert!(matches!(error, StoreError::Hash { algorithm: "SHA-256", .. }), "{error}");
        assert!(machine.is_clean());
        hub.set(Mode::Healthy);
        store.pull(name, false, &()).unwrap();
    }
}

#[test]
fn a_configuration_that_changed_in_the_cache_is_refused() {
    let (_hub, machine, store) = start(Mode::Healthy);
    store.pull(LESSAC, false, &()).unwrap();
    let blobs = machine.path("hf/hub/models--rhasspy--piper-voices/blobs");
    let json = fs::read_dir(blobs).unwrap().map(|e| e.unwrap().path());
    let json = json.into_iter().find(|p| fs::read(p).unwrap().starts_with(b"{")).unwrap();
    let changed = fs::read_to_string(&json).unwrap().replace("22050", "16000");
    fs::write(&json, changed).unwrap();
    let error = store.pull(LESSAC, true, &()).unwrap_err();
    assert!(matches!(error, StoreError::Hash { algorithm: "git hash", .. }), "{error}");
    assert!(!json.exists());
    store.pull(LESSAC, true, &()).unwrap();
}

#[test]
fn offline_the_hubs_cache_is_enough() {
    let (hub, mut machine, store) = start(Mode::Healthy);
    for name in [LESSAC, "mms-swh"] {
        machine.environment.hf_hub_offline = true;
        let error = machine.store(&manifest("")).pull(name, false, &()).unwrap_err();
        assert!(error.to_string().contains("HF_HUB_OFFLINE"), "{error}");
        store.pull(name, false, &()).unwrap();
        let requests = hub.requests().len();
        fs::remove_dir_all(machine.path("home")).unwrap();
        machine.store(&manifest("")).pull(name, false, &()).unwrap();
        assert_eq!(hub.requests().len(), requests);
    }
}

#[test]
fn pulled_again_a_model_is_what_the_hub_has_now() {
    let license = |path: &std::path::Path| ModelFile::open(path).unwrap().metadata().license.clone();
    let (hub, mut machine, store) = start(Mode::Healthy);
    let path = store.pull(LESSAC, false, &()).unwrap().path;
    // The same commit: nothing is transferred.
    let transfers = hub.transfers().len();
    store.pull(LESSAC, true, &()).unwrap();
    assert_eq!(hub.transfers().len(), transfers);
    // Another one, with other files.
    hub.replace("MODEL_CARD", Some(b"* License: CC0\n"));
    hub.move_to("89abcdef0123456789abcdef0123456789abcdef");
    store.pull(LESSAC, false, &()).unwrap();
    assert_eq!((license(&path), hub.transfers().len()), ("CC-BY-NC-SA-4.0".into(), transfers));
    store.pull(LESSAC, true, &()).unwrap();
    assert_eq!((license(&path), hub.transfers().len()), ("CC0-1.0".into(), transfers + 1));
    // Where the hub doesn't tell, what is here is used, and the user is told so; offline it is not asked.
    hub.set(Mode::Status(503));
    let recorder = Recorder::default();
    store.pull(LESSAC, true, &recorder).unwrap();
    let told =
        |recorder: &Recorder| recorder.notes.lock().unwrap().iter().any(|n| n.contains("whether `main` has changed"));
    assert!(told(&recorder));
    machine.environment.hf_hub_offline = true;
    let (requests, recorder) = (hub.requests().len(), Recorder::default());
    machine.store(&manifest("")).pull(LESSAC, true, &recorder).unwrap();
    assert!(hub.requests().len() == requests && !told(&recorder));
}

#[test]
fn names_that_the_hub_does_not_have_bring_near_ones() {
    let (_hub, machine, store) = start(Mode::Healthy);
    for (name, nearest) in [("en_US-lesac-medium", LESSAC), ("mms-swa", "mms-swh")] {
        let recorder = Recorder::default();
        let error = store.pull(name, false, &recorder).unwrap_err();
        assert!(matches!(error, StoreError::HubRefused { status: 404, .. }), "{error}");
        assert!(error.to_string().contains(&format!("did you mean `{nearest}`")), "{error}");
        let note = recorder.notes.lock().unwrap()[0].clone();
        let expected = format!("{name} is not among the models that this version knows; did you mean `{nearest}`");
        assert!(note.starts_with(&expected), "{note}");
    }
    // These can't be any model's, so the hub is not asked.
    for (name, nearest) in
        [("lessac", "en_US-lessac-high"), ("mms-swahili", "mms-swh"), ("en-US-lessac-medium", LESSAC)]
    {
        let error = store.find(name).unwrap_err();
        assert!(matches!(error, StoreError::UnknownModel { .. }), "{error}");
        assert!(error.to_string().contains(&format!("did you mean `{nearest}`")), "{error}");
    }
    assert!(machine.is_clean());
}

#[test]
fn a_hub_that_refuses_says_what_to_do() {
    for (status, advice) in [(401, "set HF_TOKEN"), (403, "accept its terms"), (429, "429"), (503, "503")] {
        let (_hub, machine, store) = start(Mode::Status(status));
        for name in [LESSAC, "mms-swh"] {
            let error = store.pull(name, false, &()).unwrap_err().to_string();
            assert!(error.contains(advice) && error.contains(&status.to_string()), "{error}");
            assert!(!error.contains("did you mean"), "{error}");
        }
        assert!(machine.is_clean());
    }
}

#[test]
fn files_of_another_model_on_the_hub_are_refused() {
    let (hub, machine, store) = start(Mode::Healthy);
    hub.replace("lessac-medium.onnx.json", Some(store_support::checkpoint::CONFIG.as_bytes()));
    let error = store.pull(LESSAC, false, &()).unwrap_err().to_string();
    assert!(error.contains("is for Kokoro, but the checkpoint is a Piper voice"), "{error}");
    hub.replace("vocab.json", None);
    let error = store.pull("mms-swh", false, &()).unwrap_err().to_string();
    assert!(error.contains("the hub has no vocab.json in facebook/mms-tts-swh (404)"), "{error}");
    assert!(machine.is_clean());
}

#[test]
fn a_language_finds_all_that_speak_it() {
    let machine = Machine::new(None);
    let store = machine.store(&manifest(""));
    let names = |language: &str| -> Vec<String> {
        store.models_speaking(language).unwrap().iter().map(|model| model.entry.name.clone()).collect()
    };
    for language in ["sw", "swahili", "swh"] {
        assert_eq!(names(language), ["sw_CD-lanfrica-medium", "mms-swh"], "{language}");
    }
    let british = names("en-gb");
    assert!(british.iter().any(|name| name == "en_GB-alba-medium") && british.iter().any(|name| name == "mms-eng"));
    assert!(!british.iter().any(|name| name == "tiny" || name.starts_with("en_US")), "{british:?}");
    assert!(names("en").iter().any(|name| name == "tiny"));
    assert!(names("pt_BR").iter().all(|name| name.starts_with("pt_BR") || name == "mms-por"));
    let error = store.models_speaking("swahilli").unwrap_err().to_string();
    assert!(error.contains("did you mean `Swahili`?") || error.contains("did you mean `Swahili`,"), "{error}");
}

#[test]
fn all_models_are_listed_once() {
    let machine = Machine::new(None);
    let store = machine.store(&manifest(""));
    let mut names: Vec<String> = store.known_models().map(|model| model.entry.name.clone()).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count > lumivox::store::piper_voice_count() + lumivox::store::mms_language_count());
}
