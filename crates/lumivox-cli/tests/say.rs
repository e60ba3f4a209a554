//! `lumivox say` from outside: what it writes, and what it says to bad input. Uses the real weights (`kokoro-int8`, pulled on first use).

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const SKY: &str = "The sky above the port was the color of television, tuned to a dead channel.";

fn lumivox() -> Command {
    Command::new(env!("CARGO_BIN_EXE_lumivox"))
}

fn say() -> Command {
    let mut command = lumivox();
    command.args(["say", "-m", "kokoro-int8"]);
    command
}

/// A folder to write into, and the WAV's path in it.
fn target() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.wav");
    (folder, path)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that must end with code 2 and a message that has all of `parts`, and leave the folder empty.
fn assert_refused(command: &mut Command, folder: &Path, parts: &[&str]) {
    let output = command.output().unwrap();
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(parts.iter().all(|part| message.contains(part)), "{parts:?} in {message:?}");
    assert!(!message.contains("panicked"), "{message}");
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

fn samples(path: &Path) -> Vec<i16> {
    hound::WavReader::open(path).unwrap().samples().map(Result::unwrap).collect()
}

/// The model file of the tests, which is pulled first.
fn model_file() -> PathBuf {
    let output = lumivox().args(["pull", "kokoro-int8", "-q"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let models = lumivox().args(["models", "--json"]).output().unwrap();
    let models: serde_json::Value = serde_json::from_slice(&models.stdout).unwrap();
    let model = models.as_array().unwrap().iter().find(|model| model["name"] == "kokoro-int8").unwrap();
    model["path"].as_str().unwrap().into()
}

#[test]
fn a_sentence_becomes_a_wav_with_its_figures() {
    let (_folder, path) = target();
    let output = say().args([SKY, "--json", "-o"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let samples = samples(&path);
    let audio_s = samples.len() as f64 / 24_000.0;
    assert_eq!(figures["audio_s"].as_f64().unwrap(), audio_s);
    assert!((4.0..6.5).contains(&audio_s), "{audio_s}");
    let rtf = figures["compute_s"].as_f64().unwrap() / audio_s;
    assert!((figures["rtf"].as_f64().unwrap() - rtf).abs() < 1e-9);
    assert!(figures["ttfb_s"].as_f64().unwrap() <= figures["compute_s"].as_f64().unwrap());
    // It speaks: loud in the middle, still at both ends.
    let rms = |part: &[i16]| (part.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / part.len() as f64).sqrt();
    let (head, tail) = (&samples[..2400], &samples[samples.len() - 2400..]);
    assert!(rms(&samples) > 500.0 && rms(head) < 100.0 && rms(tail) < 100.0);
}

#[test]
fn pipes_get_the_same_samples_and_lines_their_own_files() {
    let (folder, path) = target();
    let text = folder.path().join("text.txt");
    fs::write(&text, "Good morning.\n\n🙂\nGood night.\n").unwrap();
    let lines = folder.path().join("lines");
    let output = say().args(["--lines", "-i"]).arg(&text).arg("-o").arg(&lines).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "one line has nothing to say: {}", stderr(&output));
    assert!(stderr(&output).contains("line 3: there is nothing to say"), "{}", stderr(&output));
    assert!(stderr(&output).contains("1 of 3 lines could not be said"), "{}", stderr(&output));
    let none = say().args(["🙂\n🎉", "--lines", "-o"]).arg(&lines).output().unwrap();
    assert_eq!(none.status.code(), Some(2), "nothing could be said: {}", stderr(&none));
    let mut files: Vec<_> = fs::read_dir(&lines).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["0001.wav", "0004.wav"]);

    assert!(say().args(["Good night.", "-q", "-o"]).arg(&path).status().unwrap().success());
    let want = samples(&path);
    assert_eq!(samples(&lines.join("0004.wav")), want, "the same text and seed give the same audio");
    let mut child =
        say().args(["-o", "-", "--format", "pcm"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"Good night.").unwrap();
    let pcm = child.wait_with_output().unwrap().stdout;
    assert_eq!(pcm.chunks(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect::<Vec<_>>(), want);
    let wav = say().args(["Good night.", "-o", "-"]).output().unwrap().stdout;
    assert_eq!((&wav[..4], &wav[wav.len() - pcm.len()..]), (b"RIFF".as_slice(), pcm.as_slice()));
    let other = say().args(["Good night.", "-o", "-", "--format", "pcm", "--seed", "1"]).output().unwrap().stdout;
    assert!(other.len() == pcm.len() && other != pcm, "another seed: other noise, the same durations");
}

#[test]
fn weight_files_that_are_not_whole_are_refused() {
    let (folder, path) = target();
    let good = model_file();
    let bad_folder = tempfile::tempdir().unwrap();
    let bad = bad_folder.path().join("bad.safetensors");
    let refused = |parts: &[&str]| {
        assert_refused(lumivox().args(["say", "Hello.", "-m"]).arg(&bad).arg("-o").arg(&path), folder.path(), parts);
    };
    refused(&["there is no file", "bad.safetensors"]);
    let mut head = vec![0; 1 << 20];
    File::open(&good).unwrap().read_exact(&mut head).unwrap();
    fs::write(&bad, &head).unwrap();
    refused(&["bad.safetensors", "cut short", "pull or convert it again"]);
    fs::write(&bad, "not a model").unwrap();
    refused(&["bad.safetensors", "no model file"]);
    fs::copy(&good, &bad).unwrap();
    let mut file = File::options().read(true).write(true).open(&bad).unwrap();
    file.seek(SeekFrom::End(-12_345_678)).unwrap();
    file.write_all(&[0x55; 4]).unwrap();
    refused(&["bad.safetensors", "damaged (hash"]);
}

#[test]
fn voices_and_options_that_do_not_exist_are_refused() {
    let (folder, path) = target();
    let refused = |arguments: &[&str], parts: &[&str]| {
        assert_refused(say().arg("Hello.").args(arguments).arg("-o").arg(&path), folder.path(), parts);
    };
    refused(&["--voice", "af_hart"], &["no voice `af_hart`", "did you mean `af_heart`"]);
    refused(&["--voice", "af_heart:x"], &["af_heart:60,af_bella:40"]);
    refused(&["--voice", "zf_xiaobei", "--g2p", "espeak"], &["`zh`", "not taught from espeak-ng"]);
    refused(&["--voice", "af_heart:3e38,af_bella:3e38"], &["can't be read"]);
    refused(&["--speed", "9"], &["speed 9", "0.25 to 4"]);
    refused(&["--speed", "-1"], &["speed -1", "0.25 to 4"]);
    refused(&["--format", "pcm"], &["--output -"]);
    refused(&["--language", "xx"], &["unknown language `xx`"]);
    refused(&["-m", "kokoro-99"], &["no model `kokoro-99`", "kokoro"]);
    refused(&["--threads", "0"], &["--threads"]);
}

/// Built with CUDA or not, on a machine with a GPU or without: there is no device of that number.
#[test]
fn devices_that_are_not_there_are_refused_and_auto_speaks() {
    let (folder, path) = target();
    let say = |arguments: &[&str], parts: &[&str]| {
        let mut command = lumivox();
        command.args(["say", "-m", "embedded", "Hello."]).args(arguments).arg("-o").arg(&path);
        assert_refused(&mut command, folder.path(), parts);
    };
    say(&["--device", "cuda:99"], &["the device cuda:99 can't be used"]);
    say(&["--device", "tpu"], &["it is auto, cpu, cuda or cuda:N"]);
    say(&["--device", "cpu", "--precision", "f16"], &["f16 is not for the CPU"]);
    let spoken = lumivox().args(["say", "-m", "embedded", "Hello."]).arg("-o").arg(&path).output().unwrap();
    assert!(spoken.status.success() && !samples(&path).is_empty(), "{}", stderr(&spoken));
}

#[test]
fn texts_that_can_not_be_said_are_refused() {
    let (folder, path) = target();
    let inputs = tempfile::tempdir().unwrap();
    let refused = |text: &[u8], arguments: &[&str], parts: &[&str]| {
        let input = inputs.path().join("text.txt");
        fs::write(&input, text).unwrap();
        assert_refused(say().arg("-i").arg(&input).args(arguments).arg("-o").arg(&path), folder.path(), parts);
    };
    refused(b"", &[], &["the text is empty"]);
    refused(b" \n\t", &[], &["the text is empty"]);
    refused(b"caf\xe9", &[], &["text.txt is not UTF-8", "byte 3"]);
    refused("🙂🎉".as_bytes(), &[], &["nothing to say", "🙂"]);
    refused("A 🙂 smile.".as_bytes(), &["--strict"], &["--strict", "🙂"]);
    refused(&b"All work and no play. ".repeat(50_000), &[], &["500000 bytes", "--max-text-bytes"]);
    refused("qqqʘ".as_bytes(), &["--phonemes", "--strict"], &["does not know the phoneme `ʘ`"]);
    assert_refused(
        say().arg("-i").arg(inputs.path().join("none")).arg("-o").arg(&path),
        folder.path(),
        &["none can't be read"],
    );
}

#[test]
fn outputs_that_can_not_be_written_are_errors() {
    let (folder, path) = target();
    let nowhere = folder.path().join("no/such/folder/out.wav");
    assert_refused(say().args(["Hello.", "-o"]).arg(nowhere), folder.path(), &["out.wav failed", "there is no folder"]);
    assert_refused(say().args(["Hello.", "-o"]).arg(folder.path()), folder.path(), &["directory"]);
    let full = || File::options().write(true).open("/dev/full").unwrap();
    assert_refused(say().args(["Hello.", "-o", "/dev/full"]), folder.path(), &["/dev/full failed", "No space left"]);
    assert_refused(
        say().args(["Hello.", "-o", "-"]).stdout(full()),
        folder.path(),
        &["standard output failed", "No space left"],
    );
    // A limit on the size of files is as good as a full disk: the write fails half-way.
    let script = r#"ulimit -f 20; trap '' XFSZ; exec "$0" say -m kokoro-int8 "$1" -o "$2""#;
    let mut limited = Command::new("sh");
    limited.args(["-c", script, env!("CARGO_BIN_EXE_lumivox"), SKY]).arg(&path);
    assert_refused(&mut limited, folder.path(), &["out.wav failed", "File too large"]);
}

#[test]
fn a_reader_that_goes_away_ends_the_work_with_an_error() {
    let mut child = say().args([SKY, "-o", "-"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("standard output failed"), "{}", stderr(&output));
}

#[test]
fn a_file_is_kept_when_its_replacement_fails_and_notes_need_no_reader() {
    let (_folder, path) = target();
    fs::write(&path, "mine").unwrap();
    let script = r#"ulimit -f 20; trap '' XFSZ; exec "$0" say -m kokoro-int8 "$1" -o "$2""#;
    let mut limited = Command::new("sh");
    limited.args(["-c", script, env!("CARGO_BIN_EXE_lumivox"), SKY]).arg(&path);
    assert_eq!(limited.output().unwrap().status.code(), Some(2));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    // Warnings and figures that nobody can read don't stop the work.
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert!(say().args(["Hello 🙂 there.", "-o"]).arg(&path).stderr(full).status().unwrap().success());
    assert!(samples(&path).len() > 10_000);
}

#[test]
fn where_int8_does_not_pay_a_note_says_so() {
    let (_folder, path) = target();
    let note = |precision: &str, more: &[&str]| {
        let mut command = say();
        command.args(["Hi.", "--precision", precision, "-o"]).arg(&path).args(more).env("LUMIVOX_ISA", "generic");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output).contains("note: --precision int8 takes less memory here, but more time than f32")
    };
    assert_eq!((note("int8", &[]), note("int8", &["-q"]), note("f32", &[])), (true, false, false));
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    for signal in ["-INT", "-TERM"] {
        interrupt(signal);
    }
}

fn interrupt(signal: &str) {
    let (folder, path) = target();
    let mut child = say().arg(SKY.repeat(40)).arg("-o").arg(&path).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while fs::read_dir(folder.path()).unwrap().count() == 0 {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "no file was begun");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!path.exists(), "the file has its name only when it is whole");
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_checkpoint_survives_its_conversion_and_nothing_is_fetched_to_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("same.onnx");
    fs::write(&checkpoint, "a checkpoint").unwrap();
    let other_name = folder.path().join("./same.onnx");
    let output = lumivox().arg("convert").arg(&checkpoint).arg("-o").arg(other_name).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("the same file"), "{}", stderr(&output));
    assert_eq!(fs::read(&checkpoint).unwrap(), b"a checkpoint");
    let output = lumivox().args(["inspect", "kokoro"]).env("LUMIVOX_HOME", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("`lumivox pull kokoro` fetches it"), "{}", stderr(&output));
}
