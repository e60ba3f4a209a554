//! What the documents tell to type is typed: every block of shell commands in README.md and docs/ is run by bash, line for line, in a folder that has the files
//! they speak of. Blocks that can't be run here say so, with the reason, in a comment before them.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "support/joe.rs"]
mod joe;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use zip::write::SimpleFileOptions;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const STORY: &str = "A tale of two cities.\n\nIt was the best of times, it was the worst of times.\n";
const FILM: &str = "1\n00:00:00,500 --> 00:00:02,000\nHere's looking at you, kid.\n\n2\n00:00:03,000 --> 00:00:05,000\nWe'll always have Paris.\n";
const PAGE: &str = "<html xmlns='http://www.w3.org/1999/xhtml'><head><title>Loomings</title></head><body><h1>Loomings</h1><p>Call me Ishmael.</p></body></html>";
const PACKAGE: &str = "<package xmlns='http://www.idpf.org/2007/opf' version='3.0' unique-identifier='i'>\
    <metadata xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:identifier id='i'>m</dc:identifier><dc:title>Moby-Dick</dc:title><dc:language>en</dc:language></metadata>\
    <manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/></manifest><spine><itemref idref='a'/></spine></package>";
const CONTAINER: &str = "<container version='1.0' xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>\
    <rootfile full-path='book.opf' media-type='application/oebps-package+xml'/></rootfiles></container>";
/// A program made for OpenAI's API, without its package.
const CLIENT: &str = "import json, os, urllib.request\n\
    body = json.dumps({'model': 'tts-1', 'voice': 'alloy', 'input': 'Hello!', 'response_format': 'wav'}).encode()\n\
    headers = {'Content-Type': 'application/json', 'Authorization': 'Bearer ' + os.environ['OPENAI_API_KEY']}\n\
    request = urllib.request.Request(os.environ['OPENAI_BASE_URL'] + '/audio/speech', body, headers)\n\
    open('program.wav', 'wb').write(urllib.request.urlopen(request).read())\n";
/// Stands in for a sound card: it fails unless what it hears is a WAV stream with sound in it.
const APLAY: &str = "#!/bin/sh\nffmpeg -v error -i - -f wav -y heard.wav\n";
/// What a block begins with; a server that was started in the background is waited for, and stopped at the end.
const PRELUDE: &str = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n\
    ready() { for _ in $(seq 600); do curl -sf http://127.0.0.1:8880/readyz >/dev/null && return; sleep 0.1; done; return 1; }\n";

/// A block of commands, and why it is not run, if it is not.
struct Block {
    line: usize,
    script: String,
    not_run: Option<String>,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut open, mut before) = (false, "");
    for (line, text) in document.lines().enumerate() {
        match text {
            "```sh" => {
                let comment = before.strip_prefix("<!-- ").and_then(|comment| comment.strip_suffix(" -->"));
                let not_run = comment.and_then(|comment| match comment {
                    "checked" => Some("run by .ci/run".to_owned()),
                    comment => comment.strip_prefix("not run: ").map(str::to_owned),
                });
                blocks.push(Block { line: line + 1, script: String::new(), not_run });
                open = true;
            }
            "```" => open = false,
            _ if open => {
                let block = blocks.last_mut().unwrap();
                block.script += text;
                block.script += "\n";
                let command = text.split(" #").next().unwrap().trim_end();
                if command.ends_with('&') {
                    block.script += "ready\n";
                }
            }
            _ => {}
        }
        before = text;
    }
    blocks
}

/// A folder with what the documents speak of.
fn fixtures(folder: &Path) {
    let write = |name: &str, content: &str| fs::write(folder.join(name), content).unwrap();
    write("story.txt", STORY);
    write("lines.txt", "The first line.\nThe second line.\n");
    write("notes.txt", "Notes to self.\n");
    write("chapter.md", "# Loomings\n\nCall me Ishmael.\n");
    write("words.tsv", "cities\tsˈɪtiz\n");
    write("film.srt", FILM);
    write("keys", "a-key-of-mine\n");
    write("your_program.py", CLIENT);
    let mut epub = zip::ZipWriter::new(fs::File::create(folder.join("novel.epub")).unwrap());
    let files = [
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", CONTAINER),
        ("book.opf", PACKAGE),
        ("a.xhtml", PAGE),
    ];
    for (name, content) in files {
        epub.start_file(name, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored)).unwrap();
        epub.write_all(content.as_bytes()).unwrap();
    }
    epub.finish().unwrap();
    let onnx = joe::onnx();
    let voices = folder.join("piper-voices");
    fs::create_dir(&voices).unwrap();
    for source in [onnx.clone(), onnx.with_extension("onnx.json")] {
        let name = source.file_name().unwrap();
        fs::copy(&source, folder.join(name)).unwrap();
        fs::copy(&source, voices.join(name)).unwrap();
    }
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("aplay"), APLAY).unwrap();
    fs::set_permissions(bin.join("aplay"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_lumivox"), bin.join("lumivox")).unwrap();
}

fn documents() -> Vec<PathBuf> {
    let pages = fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut documents: Vec<PathBuf> = pages.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    documents.sort();
    documents.insert(0, Path::new(ROOT).join("README.md"));
    documents
}

/// Every WAV file in a folder has sound in it.
fn heard(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += heard(&path);
        } else if path.extension().is_some_and(|extension| extension == "wav") {
            // A stream's header leaves the length open; 16-bit samples begin behind its 44 bytes.
            let samples = fs::read(&path).unwrap().split_off(44);
            let loudest =
                samples.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample).unsigned_abs()).max();
            assert!(loudest > Some(1000), "{}: {loudest:?}", path.display());
            files += 1;
        }
    }
    files
}

#[test]
fn what_the_documents_tell_to_type_works() {
    let (mut run, mut failed, mut wavs) = (0, Vec::new(), 0);
    for document in documents() {
        let blocks = blocks(&fs::read_to_string(&document).unwrap());
        if blocks.iter().all(|block| block.not_run.is_some()) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        fixtures(folder.path());
        let path = format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        for block in blocks.iter().filter(|block| block.not_run.is_none()) {
            let mut bash = Command::new("bash");
            bash.arg("-c").arg(format!("{PRELUDE}{}", block.script)).current_dir(folder.path());
            bash.env("PATH", &path).env("HF_HUB_OFFLINE", "1").env("RUST_BACKTRACE", "0");
            let started = std::time::Instant::now();
            let output = bash.output().unwrap();
            let place = format!("{}:{}", document.file_name().unwrap().display(), block.line);
            println!("{place}: {:.1} s", started.elapsed().as_secs_f64());
            if !output.status.success() {
                failed.push(format!("{place}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
            }
            run += 1;
        }
        wavs += heard(folder.path());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(run >= 10 && wavs >= 15, "{run} blocks, {wavs} WAV files");
}

#[test]
fn blocks_are_found() {
    let document = "a\n```sh\nx  # y\nserve &   # z\n```\n<!-- not run: no -->\n```sh\nz\n```\n```rust\nq\n```\n<!-- checked -->\n```sh\nc\n```\n";
    let found: Vec<_> = blocks(document).into_iter().map(|block| (block.line, block.script, block.not_run)).collect();
    let want = [
        (2, "x  # y\nserve &   # z\nready\n".to_owned(), None),
        (7, "z\n".to_owned(), Some("no".to_owned())),
        (14, "c\n".to_owned(), Some("run by .ci/run".to_owned())),
    ];
    assert_eq!(found, want);
}

/// Links between the documents lead somewhere.
#[test]
fn links_lead_somewhere() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let file = target.split('#').next().unwrap();
            // `[word](/phonemes/)` is how a pronunciation is written.
            if !target.contains("://") && !target.starts_with('/') {
                assert!(document.with_file_name(file).exists(), "{}: {target}", document.display());
            }
        }
    }
}
