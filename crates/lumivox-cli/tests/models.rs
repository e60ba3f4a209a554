//! `lumivox models`, `pull`, `convert` and `inspect` from outside, in a cache of their own and without a hub.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "../../lumivox-convert/tests/support/mod.rs"]
mod checkpoint;

use std::process::{Command, Output};

use checkpoint::vits_bench::{Bench, hf_folder, piper};
use serde_json::Value;
use tempfile::TempDir;

/// Runs the program with an empty cache in `home`; port 9 of this machine is no hub.
fn lumivox(home: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumivox"));
    command.args(arguments).current_dir(home.path()).env("LUMIVOX_HOME", home.path());
    command.env("HF_HOME", home.path()).env("HF_ENDPOINT", "http://127.0.0.1:9").env_remove("HF_HUB_OFFLINE");
    command.output().unwrap()
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[track_caller]
fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(home: &TempDir, arguments: &[&str]) -> Vec<String> {
    let models: Vec<Value> = serde_json::from_str(&stdout(&lumivox(home, arguments))).unwrap();
    models.iter().map(|model| model["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn models_are_listed_by_what_is_asked() {
    let home = home();
    let main = stdout(&lumivox(&home, &["models"]));
    assert!(
        main.contains("piper-joe") && main.contains("176 Piper voices") && main.contains("1107 languages"),
        "{main}"
    );
    assert!(main.lines().count() < 12, "{main}");
    assert_eq!(names(&home, &["models", "--language", "swahili", "--json"]), ["sw_CD-lanfrica-medium", "mms-swh"]);
    assert!(names(&home, &["models", "-l", "ja", "--json"]).contains(&"kokoro".to_owned()));
    assert!(names(&home, &["models", "--all", "--json"]).len() > 1300);
    let portuguese = stdout(&lumivox(&home, &["models", "-l", "pt_BR"]));
    assert!(portuguese.contains("pt_BR-faber-medium") && portuguese.contains("CC-BY-NC-4.0"), "{portuguese}");
    assert!(refusal(&lumivox(&home, &["models", "-l", "swahilli"])).contains("did you mean `Swahili`"));
    assert!(refusal(&lumivox(&home, &["models", "-l", "aa"])).contains("no model that is known speaks aa"));
}

#[test]
fn unknown_and_absent_models_are_refused_with_advice() {
    let home = home();
    let unknown = refusal(&lumivox(&home, &["pull", "lessac"]));
    assert!(unknown.contains("did you mean `en_US-lessac-high`"), "{unknown}");
    let absent = refusal(&lumivox(&home, &["inspect", "mms-swh"]));
    assert!(absent.contains("`lumivox pull mms-swh` fetches it"), "{absent}");
    let unreachable = refusal(&lumivox(&home, &["pull", "mms-swh"]));
    assert!(unreachable.contains("the hub cannot be used"), "{unreachable}");
}

/// What `inspect` says of a conversion with `options`.
fn converted(home: &TempDir, bench: &Bench, input: &str, options: &[&str]) -> Value {
    let input = bench.path(input);
    let arguments = [&["convert", input.to_str().unwrap(), "-q", "-o", "made.safetensors"], options].concat();
    stdout(&lumivox(home, &arguments));
    serde_json::from_str(&stdout(&lumivox(home, &["inspect", "./made.safetensors", "--json"]))).unwrap()
}

#[test]
fn conversions_have_the_licence_and_language_that_are_given() {
    let home = home();
    let config = checkpoint::vits::config("2", 3, true);
    let bench = piper(&config, &checkpoint::vits::weights(&config, 1));
    let plain = converted(&home, &bench, "voice.onnx", &[]);
    assert_eq!(
        (&plain["license"], &plain["languages"][0], &plain["speakers"]),
        (&"unknown".into(), &"en-us".into(), &3.into())
    );
    let given = converted(&home, &bench, "voice.onnx", &["--license", "CC0-1.0", "--language", "en_GB"]);
    assert_eq!((&given["license"], &given["languages"][0]), (&"CC0-1.0".into(), &"en-gb".into()));

    let config = checkpoint::vits::config("1", 1, true);
    let weights = checkpoint::vits::hf(&checkpoint::vits::weights(&config, 1), checkpoint::vits::OLD);
    let bench = hf_folder(&config, &checkpoint::vits::safetensors(&weights));
    assert_eq!(converted(&home, &bench, ".", &["--language", "uig"])["languages"][0], "uig");
    std::fs::remove_file(bench.path("vocab.json")).unwrap();
    let folder = bench.path(".");
    let refused = refusal(&lumivox(&home, &["convert", folder.to_str().unwrap(), "-o", "made.safetensors"]));
    assert!(refused.contains("vocab.json is missing: it has the symbols of the model"), "{refused}");
}
