//! A copied binary on a machine without a network, a cache, pip and npm: the voice inside it speaks.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

const HELLO: &str = "Hello, world!";

/// The program, alone: with `home` as its only folder.
fn alone(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumivox"));
    command.env_clear().env("LUMIVOX_HOME", home.join("models")).env("HF_HOME", home.join("hub"));
    command.env("PATH", home).env("HF_HUB_OFFLINE", "1").current_dir(home);
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn samples(path: &Path) -> (u32, Vec<i16>) {
    let mut wav = hound::WavReader::open(path).unwrap();
    (wav.spec().sample_rate, wav.samples().map(Result::unwrap).collect())
}

#[test]
fn without_network_and_models_the_embedded_voice_speaks_and_says_so_once() {
    let home = tempfile::tempdir().unwrap();
    let output = alone(home.path()).args(["say", HELLO, "-o", "x.wav"]).output().unwrap();
    let message = stderr(&output);
    assert!(output.status.success(), "{message}");
    assert_eq!(message.matches("Kokoro is not here").count(), 1, "{message}");
    assert!(message.contains("embedded loaded in"), "{message}");
    let (rate_hz, spoken) = samples(&home.path().join("x.wav"));
    assert_eq!(rate_hz, 22_050);
    let duration_s = spoken.len() as f64 / f64::from(rate_hz);
    let rms = (spoken.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / spoken.len() as f64).sqrt();
    assert!((0.5..2.5).contains(&duration_s) && rms > 500.0, "{duration_s} s, RMS {rms}");

    // A script of Piper's can have it, too.
    let output = alone(home.path()).args(["piper", "-m", "embedded", "-f", "p.wav", HELLO]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(samples(&home.path().join("p.wav")).0, 22_050);

    // An endpoint that nothing answers at is as good as none, and the voice can be asked for.
    for arguments in [&["--quiet"][..], &["--model", "embedded"]] {
        let mut command = alone(home.path());
        command.env_remove("HF_HUB_OFFLINE").env("HF_ENDPOINT", "http://127.0.0.1:9");
        let output = command.args(["say", HELLO, "-o", "y.wav"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(!stderr(&output).contains("Kokoro"), "{}", stderr(&output));
        assert_eq!(samples(&home.path().join("y.wav")).1, spoken);
    }
}

#[test]
fn a_voice_of_kokoros_is_not_replaced_and_the_embedded_one_says_where_it_is_from() {
    let home = tempfile::tempdir().unwrap();
    let output = alone(home.path()).args(["say", HELLO, "--voice", "af_heart"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let output = alone(home.path()).args(["voices", "-m", "embedded"]).output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"0\n"[..]), "{}", stderr(&output));
    let output = alone(home.path()).args(["inspect", "embedded"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["vits", "I8", "15650459", "22050 Hz", "en-us", "CC0-1.0", "en_US-joe-medium.onnx", "SHA-256 58afce03"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn explain_shows_how_a_model_reads() {
    let home = tempfile::tempdir().unwrap();
    let explained = |arguments: &[&str]| {
        let output = alone(home.path()).args(["explain", "Over tea ☃"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stderr(&output).contains("`☃`"), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    // Kokoro's symbols need no model; the voice reads espeak-ng's.
    assert!(explained(&[]).starts_with("ˈOvəɹ tˈi\n"), "{}", explained(&[]));
    assert!(explained(&["-m", "embedded"]).starts_with("ˈoʊvɚ tˈiː\n"), "{}", explained(&["-m", "embedded"]));
    let json: serde_json::Value = serde_json::from_str(&explained(&["-m", "embedded", "--json"])).unwrap();
    assert_eq!((&json["tokens"][1]["text"], &json["warnings"][0]["start"]), (&"tea".into(), &9.into()));
}

#[test]
fn a_lexicon_and_markup_are_read_from_the_command_line() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("words.tsv"), "# ours\ntea\ttˈeɪ\n").unwrap();
    let explain = ["explain", "Over tea", "-m", "embedded", "--lexicon", "words.tsv"];
    let output = alone(home.path()).args(explain).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("ˈoʊvɚ tˈeɪ\n"), "{}", stderr(&output));

    let say = |text: &str| {
        alone(home.path()).args(["say", text, "--ssml", "-m", "embedded", "-o", "x.wav"]).output().unwrap()
    };
    let output = say("<speak>Over <break time='2s'/> tea</speak>");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(samples(&home.path().join("x.wav")).1.len() > 2 * 22_050);
    let output = say("<speak>Over\n <p>tea</speak>");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("SSML, line 2, column"), "{}", stderr(&output));

    std::fs::write(home.path().join("words.tsv"), "tea\ttˈeɪ\ncoffee\n").unwrap();
    let output = alone(home.path()).args(explain).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("words.tsv") && stderr(&output).contains("line 2"), "{}", stderr(&output));
}
