//! Dictionaries in the store, by package tools that are shell scripts.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod store_support;

use lumivox::store::{Stage, StoreError};
use std::fs;
use std::io::Write;
use store_support::{Machine, Recorder, manifest, sha256};

const FILES: [(&str, &[u8]); 2] = [("sys.dic", b"words"), ("COPYING", b"do what you like")];

/// A package with the files and one more, and the manifest's part about it.
fn install(machine: &Machine) -> String {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in FILES.iter().chain(&[("more.py", &b"code"[..])]) {
        zip.start_file(format!("words/data/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    let wheel = zip.finish().unwrap().into_inner();
    let packages = machine.path("packages");
    fs::write(packages.join("words-1.0-cp311-cp311-win_amd64.whl"), &wheel).unwrap();
    let from = packages.display();
    machine.install("pip3", &format!("echo \"$@\" > {from}/pip.args; /bin/cp {from}/*.whl ."));
    let files: String = FILES
        .iter()
        .map(|(name, content)| {
            format!("  {{ name = \"{name}\", bytes = {}, sha256 = \"{}\" }},\n", content.len(), sha256(content))
        })
        .collect();
    format!(
        "[[dictionaries]]\nname = \"ja-words\"\ntitle = \"Words\"\nlicense = \"BSD-3-Clause\"\nlanguage = \"ja\"\nfiles = [\n{files}]\n\
         [dictionaries.package]\nregistry = \"pypi\"\npackage = \"words\"\nversion = \"1.0\"\nbytes = {}\nsha256 = \"{}\"\n\
         entry = \"words/data/*\"\nbuilt_for = {{ python = \"3.11\", platform = \"win_amd64\" }}\n",
        wheel.len(),
        sha256(&wheel)
    )
}

#[test]
fn a_dictionary_is_pulled_once_and_whole() {
    let machine = Machine::new(None);
    let store = machine.store(&(manifest("") + &install(&machine)));
    assert_eq!(store.find_dictionary("ja-words").unwrap(), None);
    let recorder = Recorder::default();
    let (folder, fetched) = store.dictionary("ja-words", false, &recorder).unwrap();
    assert!(fetched);
    assert_eq!(folder, machine.path("home/dictionaries/ja-words"));
    for (name, content) in FILES {
        assert_eq!(fs::read(folder.join(name)).unwrap(), content);
    }
    assert!(!folder.join("more.py").exists());
    assert_eq!(recorder.last(Stage::Verify), (21, 21));
    let notes = ["pulling Words from the package words", "licence of Words: BSD-3-Clause"];
    assert_eq!(*recorder.notes.lock().unwrap(), notes);
    let arguments = fs::read_to_string(machine.path("packages/pip.args")).unwrap();
    assert!(arguments.contains("--python-version 3.11 --platform win_amd64 words==1.0"), "{arguments}");
    assert!(machine.is_clean());

    fs::remove_file(machine.path("bin/pip3")).unwrap();
    assert_eq!(store.dictionary("ja-words", false, &()).unwrap(), (folder.clone(), false));
    assert_eq!(store.find_dictionary("ja-words").unwrap(), Some(folder.clone()));
    fs::remove_file(folder.join("sys.dic")).unwrap();
    assert_eq!(store.find_dictionary("ja-words").unwrap(), None);
    let error = store.dictionary("ja-words", false, &()).unwrap_err();
    assert!(matches!(error, StoreError::ToolMissing { program: "pip", .. }), "{error}");
}

#[test]
fn other_bytes_are_refused() {
    for (what, other) in [(sha256(b"words"), sha256(b"other")), ("bytes = 5".into(), "bytes = 4".into())] {
        let machine = Machine::new(None);
        let text = manifest("") + &install(&machine);
        assert!(text.contains(&what));
        let error = machine.store(&text.replace(&what, &other)).dictionary("ja-words", false, &()).unwrap_err();
        assert!(matches!(error, StoreError::Hash { .. }), "{error}");
        assert!(machine.is_clean() && !machine.path("home/dictionaries/ja-words").exists());
    }
}

#[test]
fn without_the_network_or_under_another_name_the_error_says_so() {
    let machine = Machine::new(None);
    let store = machine.store(&(manifest("") + &install(&machine)));
    machine.install("pip3", "echo 'ERROR: no route to the index'; exit 1");
    let error = store.dictionary("ja-words", false, &()).unwrap_err().to_string();
    assert!(error.contains("no route to the index"), "{error}");
    let error = store.dictionary("ja-word", false, &()).unwrap_err().to_string();
    assert!(error.contains("known dictionaries: ja-words"), "{error}");
}
