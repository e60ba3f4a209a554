//! VITS through the program: `say` with a voice, and `piper` with Piper's own arguments. Uses a real voice (`piper-joe`, pulled on first use).

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "../../lumivox-convert/tests/support/mod.rs"]
mod checkpoint;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use checkpoint::onnx::Precision;
use checkpoint::vits::{config, piper_json, piper_onnx, weights};
use tempfile::TempDir;

fn lumivox(arguments: &[&str], folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumivox"));
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command
}

/// Runs a command with `input` on its standard input.
fn fed(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn succeeded(output: Output) -> Output {
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn samples(path: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap();
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (22_050, 1));
    reader.samples().map(Result::unwrap).collect()
}

fn wavs(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".wav")).collect();
    names.sort();
    names
}

#[test]
fn a_stream_is_the_file_and_begins_before_it_ends() {
    let folder = folder();
    let text = "The old man walked down to the harbour, and the boats came home before the storm.";
    succeeded(lumivox(&["say", text, "-m", "piper-joe", "-q", "-o", "whole.wav"], &folder).output().unwrap());
    let whole = samples(&folder.path().join("whole.wav"));
    let stream = ["say", text, "-m", "piper-joe", "--stream", "--format", "pcm", "-q"];
    let mut child = lumivox(&stream, &folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let mut first = [0; 2];
    pipe.read_exact(&mut first).unwrap();
    assert_eq!(child.try_wait().unwrap(), None, "the first sample comes while the rest is computed");
    let mut bytes = first.to_vec();
    pipe.read_to_end(&mut bytes).unwrap();
    assert!(child.wait().unwrap().success());
    let streamed: Vec<i16> = bytes.chunks(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    assert_eq!(streamed.len(), whole.len());
    assert!(streamed.iter().zip(&whole).all(|(a, b)| (a - b).abs() <= 1), "equal but for rounding");
}

#[test]
fn both_spellings_are_taken_and_change_the_length() {
    let folder = folder();
    let length = |more: &[&str]| {
        let arguments = ["say", "Good morning.", "-m", "piper-joe", "-q", "-o", "a.wav"];
        succeeded(lumivox(&[&arguments, more].concat(), &folder).output().unwrap());
        samples(&folder.path().join("a.wav")).len()
    };
    let still = length(&["--noise-w", "0", "--noise-scale", "0"]);
    assert_eq!(length(&["--noise_w", "0", "--noise_scale", "0", "--speaker", "0"]), still);
    let slow = length(&["--noise_w", "0", "--length_scale", "2"]);
    assert_eq!(length(&["--noise-w", "0", "--length-scale", "2", "--seed", "9"]), slow);
    assert!(slow * 10 > still * 15, "{slow} {still}");
    for (bad, message) in [
        (["--speaker", "3"], "number is 0"),
        (["--length-scale", "0"], "outside 0.1 to 10"),
        (["--noise-scale", "-1"], "outside 0 to 10"),
        (["--timestamps", "a.txt"], ".json, .srt or .vtt"),
        (["--timestamps", "absent/a.srt"], "there is no folder absent"),
    ] {
        let arguments = ["say", "Hello.", "-m", "piper-joe", "-o", "bad.wav"];
        let output = lumivox(&[&arguments[..], &bad].concat(), &folder).output().unwrap();
        assert!(output.status.code() == Some(2) && stderr(&output).contains(message), "{bad:?}: {}", stderr(&output));
    }
    let kokoro = ["say", "Hello.", "-m", "kokoro-int8", "--noise-scale", "1", "-o", "bad.wav"];
    assert!(stderr(&lumivox(&kokoro, &folder).output().unwrap()).contains("Kokoro has no noise scale"));
    assert_eq!(wavs(folder.path()), ["a.wav"]);
}

#[test]
fn timestamps_are_written_in_every_form() {
    let folder = folder();
    let text = "One word. Two more words.";
    for (model, form) in [("piper-joe", "json"), ("kokoro-int8", "json"), ("piper-joe", "srt"), ("piper-joe", "vtt")] {
        let file = format!("{model}.{form}");
        let arguments = ["say", text, "-m", model, "-q", "-o", "a.wav", "--timestamps", &file];
        succeeded(lumivox(&arguments, &folder).output().unwrap());
        let content = fs::read_to_string(folder.path().join(&file)).unwrap();
        match form {
            "json" => {
                let json: serde_json::Value = serde_json::from_str(&content).unwrap();
                let words: Vec<&str> =
                    json["words"].as_array().unwrap().iter().map(|word| word["text"].as_str().unwrap()).collect();
                assert_eq!(words, ["One", "word", "Two", "more", "words"], "{model}");
                let last = &json["words"][4];
                assert_eq!((&last["start_byte"], &last["end_byte"]), (&19.into(), &24.into()));
                let (start_s, end_s) = (last["start_s"].as_f64().unwrap(), last["end_s"].as_f64().unwrap());
                let duration_s = json["duration_s"].as_f64().unwrap();
                assert!(0.5 < start_s && start_s < end_s && end_s <= duration_s, "{model}: {last}");
                let reader = hound::WavReader::open(folder.path().join("a.wav")).unwrap();
                let audio_s = f64::from(reader.len()) / f64::from(reader.spec().sample_rate);
                assert!((audio_s - duration_s).abs() < 1e-9, "{model}: {audio_s} {duration_s}");
            }
            "srt" => {
                assert!(content.starts_with("1\n00:00:00,") && content.contains("\nOne word.\n\n2\n"), "{content}")
            }
            _ => assert!(content.starts_with("WEBVTT\n\n00:00:00.") && content.contains("Two <00:00:0"), "{content}"),
        }
    }
}

#[test]
fn piper_scripts_run_unchanged() {
    let folder = folder();
    let piper = |arguments: &[&str]| lumivox(&[&["piper", "-m", "piper-joe"], arguments].concat(), &folder);
    // One file for all lines, which are as loud as 16 bits hold.
    succeeded(fed(
        piper(&["-f", "both.wav", "--length_scale", "1.1", "--noise_w", "0.5"]),
        "Good morning.\n\nGood night.\n",
    ));
    succeeded(fed(piper(&["--output_file", "one.wav", "--length-scale", "1.1"]), "Good morning.\n"));
    let (both, one) = (samples(&folder.path().join("both.wav")), samples(&folder.path().join("one.wav")));
    assert!(both.len() * 10 > one.len() * 14, "{} {}", both.len(), one.len());
    assert_eq!(both.iter().map(|sample| sample.unsigned_abs()).max(), Some(32767));
    // Bare samples.
    let raw = succeeded(fed(piper(&["--output_raw", "--no-normalize"]), "Good morning.\n")).stdout;
    assert!(!raw.starts_with(b"RIFF") && raw.len() > 2 * 10_000);
    // A file for each line.
    let output = succeeded(fed(
        piper(&["--output_dir", "clips", "--output-dir-naming", "text"]),
        "First line.\nSecond: line?\n",
    ));
    assert_eq!(wavs(&folder.path().join("clips")), ["First line..wav", "Second line.wav"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("First line..wav"), "the files are told");
    // JSON lines; one that can't be said does not stop the others.
    let lines = "{\"text\": \"First.\", \"output_file\": \"json/a.wav\"}\n\n{\"text\": \"Second.\", \"speaker_id\": 0, \"output_file\": \"json/b.wav\"}\n\
                 {\"text\": \"Third.\", \"speaker_id\": 5}\nno json\n";
    let output = fed(piper(&["--json-input"]), lines);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("line 4 ") && stderr(&output).contains("line 5 "), "{}", stderr(&output));
    assert_eq!(wavs(&folder.path().join("json")), ["a.wav", "b.wav"]);
    // Options that have no effect here are taken, and those that would be heard are told.
    let foreign = ["--tashkeel_model", "x", "--espeak_data", "x", "--phoneme_silence", ".", "0.2", "--use-cuda", "Hi."];
    let output = succeeded(piper(&foreign).output().unwrap());
    // A program with CUDA looks for a GPU.
    let without_effect = if cfg!(feature = "cuda") { 2 } else { 3 };
    assert_eq!(stderr(&output).matches("has no effect").count(), without_effect, "{}", stderr(&output));
    let version = succeeded(lumivox(&["piper", "--version"], &folder).output().unwrap()).stdout;
    assert!(String::from_utf8_lossy(&version).contains(env!("CARGO_PKG_VERSION")));
    // The text as an argument; nothing said.
    succeeded(piper(&["Hello", "there."]).output().unwrap());
    assert!(folder.path().join("output.wav").is_file());
    assert_eq!(fed(piper(&["-f", "none.wav"]), "\n").status.code(), Some(2));
    assert!(!folder.path().join("none.wav").exists());
}

#[test]
fn a_voice_speaks_from_its_own_files_and_is_converted_again_when_they_change() {
    let (folder, home) = (folder(), tempfile::tempdir().unwrap());
    let voice = folder.path().join("voice.onnx");
    let write = |seed: u64| {
        let config = config("2", 1, true);
        fs::write(&voice, piper_onnx(&config, &weights(&config, seed), Precision::F32)).unwrap();
        fs::write(folder.path().join("voice.onnx.json"), piper_json(&config).to_string()).unwrap();
    };
    let say = |arguments: &[&str]| {
        let mut command = lumivox(arguments, &folder);
        command.env("LUMIVOX_HOME", home.path());
        command.output().unwrap()
    };
    write(1);
    let first = ["piper", "-m", "voice.onnx", "-f", "a.wav", "[[a]]"];
    succeeded(say(&first));
    let imported =
        || fs::read_dir(home.path().join("imported")).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let before = imported();
    assert_eq!(before.len(), 1);
    succeeded(say(&first));
    succeeded(say(&["say", "[[a]]", "-m", "./voice.onnx", "-o", "b.wav"]));
    succeeded(say(&["piper", "-m", "voice", "--data-dir", ".", "-c", "voice.onnx.json", "-f", "c.wav", "[[a]]"]));
    assert_eq!(imported(), before, "the same voice in four runs");
    std::thread::sleep(std::time::Duration::from_millis(20));
    write(2);
    succeeded(say(&first));
    let after = imported();
    assert!(after.len() == 1 && after != before, "the changed voice, and the older one no more");
    let message = stderr(&say(&["piper", "-m", "voice.onnx", "-c", "absent.json", "[[a]]"]));
    assert!(message.contains("there is no file absent.json"), "{message}");
    fs::remove_file(folder.path().join("voice.onnx.json")).unwrap();
    let message = stderr(&say(&first));
    let expected = ["voice.onnx cannot be used as a Piper voice", "voice.onnx.json is missing"];
    assert!(expected.iter().all(|part| message.contains(part)), "{message}");
    assert_eq!(imported(), after, "nothing is left of what can't be used");
    // Kokoro is no Piper voice, whatever its file is called.
    fs::write(&voice, checkpoint::onnx::export(&mut checkpoint::weights(1), Precision::F32)).unwrap();
    fs::write(folder.path().join("config.json"), checkpoint::CONFIG).unwrap();
    for json in [None, Some("voice.onnx.json")] {
        if let Some(json) = json {
            fs::write(folder.path().join(json), piper_json(&config("2", 1, true)).to_string()).unwrap();
        }
        let output = say(&first);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).to_lowercase().contains("kokoro"), "{}", stderr(&output));
    }
}
