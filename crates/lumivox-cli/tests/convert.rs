//! `lumivox convert` on folders of voices, and held against the source. The latter needs ONNX Runtime's library: see `lumivox parity --help`.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "../../lumivox-convert/tests/support/mod.rs"]
mod checkpoint;
#[path = "../../lumivox-parity/tests/support/mod.rs"]
mod faults;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use checkpoint::onnx::Precision;
use checkpoint::vits::{config, piper_json, piper_onnx, weights};

fn convert(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lumivox")).arg("convert").args(arguments).current_dir(folder).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_voice_of_a_folder_is_converted_and_what_cannot_be_gives_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("2", 1, true);
    for (i, place) in ["voices", "voices/en/en_US"].into_iter().enumerate() {
        let place = folder.path().join(place);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(format!("v{i}.onnx")), piper_onnx(&config, &weights(&config, i as u64), Precision::F32))
            .unwrap();
        fs::write(place.join(format!("v{i}.onnx.json")), piper_json(&config).to_string()).unwrap();
    }
    let voices = folder.path().join("voices");
    let whole = fs::read(voices.join("v0.onnx")).unwrap();
    fs::write(voices.join("cut.onnx"), &whole[..whole.len() / 2]).unwrap();
    fs::copy(voices.join("v0.onnx.json"), voices.join("cut.onnx.json")).unwrap();
    fs::write(voices.join("other.onnx"), "no voice, and no configuration beside it").unwrap();

    let output = convert(folder.path(), &["voices", "--all", "-o", "models"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let table = stdout(&output);
    assert!(table.contains("2 of 3 voices converted"), "{table}");
    let cut = table.lines().find(|line| line.starts_with("cut.onnx")).unwrap();
    assert!(cut.contains("FAILED") && cut.contains("is cut short or no ONNX model"), "{cut}");
    let models = folder.path().join("models");
    for model in ["v0.safetensors", "en/en_US/v1.safetensors"] {
        lumivox_convert::ModelFile::open(models.join(model)).unwrap();
    }
    assert!(!models.join("cut.safetensors").exists() && !models.join("other.safetensors").exists());

    let output = convert(folder.path(), &["models", "--all"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("has no Piper voice"), "{}", stderr(&output));
}

#[test]
fn a_real_voice_is_held_against_its_source() {
    let folder = tempfile::tempdir().unwrap();
    faults::fetch_voice(folder.path());
    let output = convert(folder.path(), &[faults::VOICE, "--verify", "-o", "joe.safetensors"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("verified    within bounds: 11 stages"), "{}", stdout(&output));
    for extension in ["onnx", "onnx.json"] {
        let of = |name: &str| folder.path().join(name).with_extension(extension);
        fs::copy(of("en_US-joe-medium.x"), of("twin.x")).unwrap();
    }
    let output = convert(folder.path(), &[".", "--all", "--verify", "-o", "models"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output).matches(", verified\n").count(), 2, "{}", stdout(&output));
    assert!(stdout(&output).ends_with("2 of 2 voices converted\n"));
}

#[test]
fn what_cannot_be_verified_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model.pth"), "no checkpoint").unwrap();
    for (arguments, reason) in [
        (&["model.pth", "--verify"][..], "must be an .onnx file"),
        (&["model.onnx", "--verify", "--dtype", "f16"], "rounded weights are compared with `lumivox parity --bound`"),
        (&["model.pth", "--all", "--config", "x"], "cannot be used with"),
        (&["absent", "--all"], "can't be read as a folder"),
    ] {
        let output = convert(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(reason), "{arguments:?}: {}", stderr(&output));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
