//! `lumivox say` on documents: chapters, subtitles, several inputs, and runs that are interrupted. All of it by the voice inside the program.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// From "Alice's Adventures in Wonderland" (1865).
const ALICE: &str = "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do. \
    Once or twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it. \
    So she was considering in her own mind, as well as she could, whether the pleasure of making a daisy-chain would be \
    worth the trouble of getting up and picking the daisies. ";

const RATE_HZ: usize = 22_050;

/// `lumivox say` with the voice inside it, in a folder.
fn say(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumivox"));
    command.args(["say", "-m", "embedded"]).args(arguments).current_dir(folder.path());
    command.env("LUMIVOX_HOME", folder.path().join("no-models")).env("HF_HUB_OFFLINE", "1");
    command
}

#[track_caller]
fn ends(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    stderr(&output)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.path().join(name), content).unwrap();
}

fn read(folder: &TempDir, name: &str) -> Vec<u8> {
    fs::read(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of all files below a folder, hidden ones among them.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The chunks of a RIFF file, by their ids.
fn chunks(bytes: &[u8]) -> BTreeMap<String, &[u8]> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&bytes[..4], number(4) + 8, &bytes[8..12]), (&b"RIFF"[..], bytes.len(), &b"WAVE"[..]));
    let (mut at, mut chunks) = (12, BTreeMap::new());
    while at < bytes.len() {
        let length = number(at + 4);
        let id = String::from_utf8(bytes[at..at + 4].to_vec()).unwrap();
        chunks.insert(id, &bytes[at + 8..at + 8 + length]);
        at += 8 + length + length % 2;
    }
    chunks
}

/// The marks of a WAV: the sample, and the label that has the same number.
fn marks(bytes: &[u8]) -> Vec<(usize, String)> {
    let chunks = chunks(bytes);
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    let Some(cue) = chunks.get("cue ") else { return Vec::new() };
    let mut list = chunks["LIST"].strip_prefix(b"adtl").unwrap();
    let mut labels = BTreeMap::new();
    while !list.is_empty() {
        let length = number(&list[4..]);
        assert!(list.starts_with(b"labl") && list[8 + length - 1] == 0);
        labels.insert(number(&list[8..]), String::from_utf8(list[12..8 + length - 1].to_vec()).unwrap());
        list = &list[8 + length + length % 2..];
    }
    let points: Vec<&[u8]> = cue[4..].chunks(24).collect();
    assert_eq!((points.len(), labels.len()), (number(cue), number(cue)));
    points.into_iter().map(|point| (number(&point[20..]), labels[&number(point)].clone())).collect()
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    chunks(bytes)["data"].chunks(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect()
}

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

/// A book of two chapters and a picture between them.
fn epub() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, content: &str| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    };
    let root = r#"<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>"#;
    add("META-INF/container.xml", root);
    let pages = ["one", "stars", "two"];
    let items: String = pages.iter().map(|id| format!(r#"<item id="{id}" href="{id}.xhtml"/>"#)).collect();
    let spine: String = pages.iter().map(|id| format!(r#"<itemref idref="{id}"/>"#)).collect();
    let nav = r#"<item id="nav" href="nav.xhtml" properties="nav"/>"#;
    add("b.opf", &format!("<package><manifest>{nav}{items}</manifest><spine>{spine}</spine></package>"));
    let titles = ["Down the Rabbit-Hole", "Stars", "What? / Tears"];
    let links = pages.iter().zip(titles).map(|(id, title)| format!(r#"<li><a href="{id}.xhtml">{title}</a></li>"#));
    add("nav.xhtml", &format!("<html><nav><ol>{}</ol></nav></html>", links.collect::<String>()));
    add("one.xhtml", "<html><body><h1>Chapter one</h1><p>Down she went.</p></body></html>");
    add("stars.xhtml", "<html><body><p>⁂</p></body></html>");
    add("two.xhtml", "<html><body><h1>Chapter two</h1><p>Curiouser and curiouser!</p></body></html>");
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_book_becomes_a_file_with_marks_or_a_file_for_each_chapter() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "alice.epub", epub());
    let message = ends(&mut say(&folder, &["-i", "alice.epub", "-o", "a.wav", "--timestamps", "a.json"]), 0);
    assert!(message.contains("warning: the chapter `Stars`: there is nothing to say"), "{message}");
    let wav = read(&folder, "a.wav");
    let json = json(&read(&folder, "a.json"));
    let [first, second] = marks(&wav).try_into().unwrap();
    assert_eq!((first.0, first.1.as_str(), second.1.as_str()), (0, "Down the Rabbit-Hole", "What? / Tears"));
    // The timestamps have the chapters, too, and the text whose bytes they are.
    let text = json["text"].as_str().unwrap();
    assert_eq!(text, "Chapter one\n\nDown she went.\n\nChapter two\n\nCuriouser and curiouser!");
    let chapter = &json["chapters"][1];
    assert_eq!(&text[chapter["start_byte"].as_u64().unwrap() as usize..][..11], "Chapter two");
    assert!((chapter["start_s"].as_f64().unwrap() - second.0 as f64 / RATE_HZ as f64).abs() < 1e-9);
    for word in json["words"].as_array().unwrap() {
        let bytes = |key: &str| word[key].as_u64().unwrap() as usize;
        assert_eq!(text[bytes("start_byte")..bytes("end_byte")], *word["text"].as_str().unwrap());
    }
    assert_eq!(json["words"].as_array().unwrap().len(), 10);

    let message = ends(&mut say(&folder, &["-i", "alice.epub", "--chapters", "files"]), 1);
    assert!(message.contains("alice.epub, chapter 2: there is nothing to say"), "{message}");
    let files = ["01 Down the Rabbit-Hole.wav", "03 What  Tears.wav"];
    assert_eq!(names(&folder.path().join("alice")), files);
    // A chapter is the same in both; in one file a second of silence is between them.
    let (whole, one) = (samples(&wav), samples(&read(&folder, &format!("alice/{}", files[0]))));
    assert_eq!(whole[..one.len()], one);
    assert_eq!(second.0, one.len() + RATE_HZ);
    assert!(whole[one.len()..second.0].iter().all(|sample| *sample == 0));
    assert_eq!(whole[second.0..], samples(&read(&folder, &format!("alice/{}", files[1]))));
}

#[test]
fn subtitles_begin_at_their_times_and_a_late_one_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let long = "This one is too long for its second.";
    let srt = format!(
        "1\n00:00:01,500 --> 00:00:02,500\nFirst.\n\n2\n00:00:05,000 --> 00:00:06,000\n{long}\n\n3\n00:00:06,000 --> 00:00:07,000\nLast.\n"
    );
    write(&folder, "film.srt", srt);
    let message = ends(&mut say(&folder, &["-i", "film.srt", "-o", "a.wav", "--timestamps", "a.json"]), 0);
    assert!(message.contains("warning: the subtitle at 00:00:06 begins ") && message.contains("--fit"), "{message}");
    assert!(!message.contains("00:00:05"), "{message}");
    let starts = |name: &str| -> Vec<f64> {
        let words = json(&read(&folder, name))["words"].as_array().unwrap().clone();
        let of = |text: &str| words.iter().find(|word| word["text"] == text).unwrap()["start_s"].as_f64().unwrap();
        ["First", "This", "Last"].map(of).to_vec()
    };
    let wav = samples(&read(&folder, "a.wav"));
    assert!(wav[..3 * RATE_HZ / 2].iter().all(|sample| *sample == 0), "silence until the first");
    assert!(wav[3 * RATE_HZ / 2..2 * RATE_HZ].iter().any(|sample| sample.abs() > 1000), "which is heard then");
    let late = starts("a.json");
    // A voice begins with a short pause.
    assert!((1.5..1.7).contains(&late[0]) && (5.0..5.2).contains(&late[1]) && late[2] > 6.5, "{late:?}");

    let message = ends(&mut say(&folder, &["-i", "film.srt", "-o", "b.wav", "--timestamps", "b.json", "--fit"]), 0);
    assert!(!message.contains("late"), "{message}");
    let fitted = starts("b.json");
    assert!((5.0..5.2).contains(&fitted[1]) && (6.0..6.2).contains(&fitted[2]), "{fitted:?}");
    assert_eq!(samples(&read(&folder, "b.wav"))[..5 * RATE_HZ], wav[..5 * RATE_HZ], "what fits is not changed");
}

#[test]
fn several_inputs_are_said_at_the_same_time_and_one_that_fails_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "a.txt", "The first one.");
    write(&folder, "b.md", "# The *second* one");
    write(&folder, "c.txt", "🙂");
    write(&folder, "d.txt", "The fourth one.");
    let inputs = ["-i", "a.txt", "b.md", "c.txt", "-i", "d.txt", "none.txt"];
    for (jobs, output) in [("1", "one"), ("3", "three")] {
        let message = ends(say(&folder, &inputs).args(["-o", output, "--jobs", jobs]), 1);
        assert!(message.contains("c.txt: there is nothing to say"), "{message}");
        assert_eq!(message.matches("none.txt").count(), 1, "{message}");
        assert!(message.contains("2 of 5 outputs could not be said"), "{message}");
        assert_eq!(names(&folder.path().join(output)), ["a.wav", "b.wav", "d.wav"]);
    }
    for name in ["a.wav", "b.wav", "d.wav"] {
        assert_eq!(read(&folder, &format!("one/{name}")), read(&folder, &format!("three/{name}")));
    }
    ends(say(&folder, &["The second one", "-o", "b.wav"]).arg("-q"), 0);
    assert_eq!(read(&folder, "b.wav"), read(&folder, "three/b.wav"));

    write(&folder, "lines.txt", "One.\n\nTwo.\nThree.\n");
    ends(&mut say(&folder, &["-i", "lines.txt", "--lines", "-o", "lines", "--jobs", "2"]), 0);
    assert_eq!(names(&folder.path().join("lines")), ["0001.wav", "0003.wav", "0004.wav"]);
    ends(say(&folder, &["Three.", "-o", "3.wav"]).arg("-q"), 0);
    assert_eq!(read(&folder, "3.wav"), read(&folder, "lines/0004.wav"));
    let message = ends(&mut say(&folder, &["-i", "c.txt", "none.txt"]), 2);
    assert!(message.contains("none of the 2 outputs could be said"), "{message}");
}

#[test]
fn what_can_not_be_done_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("x")).unwrap();
    for (name, content) in
        [("a.txt", "A."), ("x/a.md", "# A"), ("a.srt", "1\n00:00:00,000 --> 00:00:01,000\nA."), ("bad.epub", "PK")]
    {
        write(&folder, name, content);
    }
    let before = names(folder.path());
    let refused = |arguments: &[&str], part: &str| {
        let message = ends(&mut say(&folder, arguments), 2);
        assert!(message.contains(part), "{message}");
        assert_eq!(names(folder.path()), before);
    };
    refused(&["-i", "a.txt", "x/a.md"], "two inputs would be said into out/a.wav");
    refused(&["-i", "a.txt", "a.srt", "-o", "-"], "several outputs need a folder");
    refused(&["-i", "a.txt", "a.srt", "--timestamps", "a.json"], "--timestamps is for one output");
    refused(&["-i", "a.txt", "-"], "standard input can't be one of several inputs");
    refused(&["-i", "a.txt", "--fit"], "--fit is for subtitles");
    refused(&["-i", "a.srt", "--chapters", "files"], "subtitles have no chapters");
    refused(&["-i", "x/a.md", "--chapters", "marks", "-o", "-"], "standard output gets no marks");
    refused(&["Hello.", "-o", "a.MP3"], "writes WAV files, no .MP3");
    refused(&["-i", "x/a.md", "--lines"], "--lines takes one input, of plain text");
    refused(&["-i", "x/a.md", "--ssml"], "--ssml and --phonemes are for plain text");
    refused(&["-i", "bad.epub"], "bad.epub: it is not a whole EPUB");
    refused(&["-i", "a.txt", "--chapter-silence", "-1"], "the chapter silence -1 is outside 0 to 60");
    refused(&["-i", "x/a.md", "--max-text-bytes", "0"], "--max-text-bytes");
    refused(&["-i", "none.txt", "none.md"], "none of the inputs could be read");
}

/// A run that is waited for until it has added to its output's journal, which then has so many segments, and longer by a moment.
fn run_until(command: &mut Command, journal: &Path, segments: usize, moment: Duration) -> Child {
    let before = fs::read(journal).unwrap_or_default();
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let has_come = |now: &[u8]| now != before && now.iter().filter(|byte| **byte == b'\n').count() > segments;
    while !has_come(&fs::read(journal).unwrap_or_default()) {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "it did not come so far");
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(moment);
    child
}

fn lines(path: &Path) -> usize {
    fs::read(path).unwrap().iter().filter(|byte| **byte == b'\n').count()
}

/// Milliseconds that differ from run to run.
fn random_moment(below: u64) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    Duration::from_millis(RandomState::new().hash_one(()) % below)
}

/// Two chapters of eighteen sentences each.
fn long_text() -> String {
    let chapter = |number: usize| format!("# Chapter {number}\n\n{}\n\n", ALICE.repeat(6));
    format!("{}{}", chapter(1), chapter(2))
}

#[test]
fn a_run_that_is_killed_is_gone_on_with_and_the_file_is_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "alice.md", long_text());
    let arguments = |output: &'static str, times: &'static str| {
        ["-i", "alice.md", "-o", output, "--timestamps", times, "--sentence-silence", "0.2"]
    };
    ends(&mut say(&folder, &arguments("whole.wav", "whole.json")), 0);
    assert_eq!(marks(&read(&folder, "whole.wav")).len(), 2);
    let journal = folder.path().join("out.wav.journal");
    let mut segments = 0;
    for kill in 0..5 {
        let mut command = say(&folder, &arguments("out.wav", "out.json"));
        let moment = random_moment(150);
        let mut child = run_until(&mut command, &journal, segments + 3, moment);
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.code().is_none(), "kill {kill} after {moment:?} came too late: {}", stderr(&output));
        assert_eq!(stderr(&output).contains("going on behind"), kill > 0, "{}", stderr(&output));
        assert!(!folder.path().join("out.wav").exists() && !folder.path().join("out.json").exists());
        segments = lines(&journal) - 1;
    }
    // A power failure tears lines, and what the last ones count on may not have come to the disk.
    let mut torn = fs::read(&journal).unwrap();
    torn.extend(b"{\"passage\":0,\"sam");
    fs::write(&journal, torn).unwrap();
    let part = folder.path().join("out.wav.part");
    let length = fs::metadata(&part).unwrap().len();
    fs::File::options().write(true).open(&part).unwrap().set_len(length - 100_000).unwrap();
    let message = ends(&mut say(&folder, &arguments("out.wav", "out.json")), 0);
    assert!(message.contains("going on behind"), "{message}");
    assert!(read(&folder, "out.wav") == read(&folder, "whole.wav"), "the audio differs");
    assert_eq!(json(&read(&folder, "out.json")), json(&read(&folder, "whole.json")));
    assert_eq!(names(folder.path()), ["alice.md", "out.json", "out.wav", "whole.json", "whole.wav"]);
}

#[test]
fn an_interrupt_keeps_what_is_done_and_only_the_same_command_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "alice.md", long_text());
    let arguments = ["-i", "alice.md", "-o", "a.wav"];
    let journal = folder.path().join("a.wav.journal");
    let interrupt = |arguments: &[&str]| {
        let child = run_until(&mut say(&folder, arguments), &journal, 2, Duration::ZERO);
        let busy = ends(&mut say(&folder, &["-i", "alice.md", "-o", "a.wav"]), 2);
        assert!(busy.contains("a.wav is being written by another run"), "{busy}");
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert!(stderr(&output).contains("the same command goes on from there"), "{}", stderr(&output));
        assert_eq!(names(folder.path()), ["a.wav.journal", "a.wav.part", "alice.md"]);
        stderr(&output)
    };
    assert!(!interrupt(&arguments).contains("going on"));
    assert!(interrupt(&arguments).contains("going on behind"));
    let other = interrupt(&["-i", "alice.md", "-o", "a.wav", "--seed", "1"]);
    assert!(other.contains("it is begun anew") && !other.contains("going on"), "{other}");
    assert!(interrupt(&["-i", "alice.md", "-o", "a.wav", "--seed", "1"]).contains("going on behind"));
    let anew = interrupt(&["-i", "alice.md", "-o", "a.wav", "--seed", "1", "--restart"]);
    assert!(!anew.contains("going on") && !anew.contains("begun anew"), "{anew}");
    // A run that can't go on leaves it to another.
    let [part, aside] = ["a.wav.part", "aside"].map(|name| folder.path().join(name));
    fs::rename(&part, &aside).unwrap();
    fs::create_dir(&part).unwrap();
    let again = ["-i", "alice.md", "-o", "a.wav", "--seed", "1"];
    let refused = ends(&mut say(&folder, &again), 2);
    assert!(refused.contains("a.wav failed: Is a directory"), "{refused}");
    fs::remove_dir(&part).unwrap();
    fs::rename(&aside, &part).unwrap();
    let goes_on = ends(&mut say(&folder, &again), 0);
    assert!(goes_on.contains("going on behind"), "{goes_on}");
}

#[test]
fn a_full_disk_loses_nothing_that_is_done() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "alice.md", long_text());
    // A limit on the size of files is as good as a full disk: in blocks of 512 bytes, less than the first words, and some 23 s.
    for (blocks, is_kept) in [(40, false), (2000, true)] {
        let script = format!(r#"ulimit -f {blocks}; trap '' XFSZ; exec "$0" say -m embedded -i alice.md -o a.wav"#);
        let mut limited = Command::new("sh");
        limited.args(["-c", &script, env!("CARGO_BIN_EXE_lumivox")]).current_dir(folder.path());
        let message = ends(&mut limited, 2);
        assert!(message.contains("a.wav failed: File too large"), "{message}");
        assert_eq!(message.contains("what is done is kept in") && message.contains("a.wav.part"), is_kept, "{message}");
        let left = if is_kept { &["a.wav.journal", "a.wav.part", "alice.md"][..] } else { &["alice.md"] };
        assert_eq!(names(folder.path()), left);
    }
    let message = ends(&mut say(&folder, &["-i", "alice.md", "-o", "a.wav"]), 0);
    assert!(message.contains("going on behind"), "{message}");
    assert_eq!(names(folder.path()), ["a.wav", "alice.md"]);
}

#[test]
fn of_several_outputs_those_that_are_done_are_not_said_again() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "a.txt", "A short one.");
    write(&folder, "b.md", long_text());
    write(&folder, "c.txt", "Another short one.");
    let arguments = ["-i", "a.txt", "b.md", "c.txt", "-o", "out"];
    let out = folder.path().join("out");
    let mut child = run_until(&mut say(&folder, &arguments), &out.join("b.wav.journal"), 2, Duration::ZERO);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names(&out), [".lumivox.journal", "a.wav", "b.wav.journal", "b.wav.part"]);
    let modified = |path: PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    let first = modified(out.join("a.wav"));
    let message = ends(&mut say(&folder, &arguments), 0);
    assert!(message.contains("b.md: going on behind"), "{message}");
    assert!(message.contains("1 of 3 outputs were done by an earlier run"), "{message}");
    assert_eq!(modified(out.join("a.wav")), first);
    assert_eq!(names(&out), ["a.wav", "b.wav", "c.wav"]);
    // All is done now: the command says everything again.
    let message = ends(&mut say(&folder, &arguments), 0);
    assert!(!message.contains("earlier run") && modified(out.join("a.wav")) > first, "{message}");
}
