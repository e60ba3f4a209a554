//! `lumivox serve` as its clients see it, with real weights (`kokoro-int8` and `piper-joe`, pulled on first use).

#![allow(clippy::unwrap_used)]

#[path = "support/server.rs"]
mod server;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use server::{Answer, Server, post, python};

const TEXT: &str = "Good morning. The second sentence comes a little later.";

fn pull(model: &str) {
    let pulled = Command::new(env!("CARGO_BIN_EXE_lumivox")).args(["pull", model]).output().unwrap();
    assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
}

/// Samples of what `lumivox say` makes.
fn said(model: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("said.wav");
    let mut say = Command::new(env!("CARGO_BIN_EXE_lumivox"));
    let output = say.args(["say", "-m", model, "-o"]).arg(&path).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(&path).unwrap().split_off(44)
}

#[test]
fn programs_that_people_have_speak_through_it() {
    pull("piper-joe");
    let server = Server::start(&["-m", "kokoro-int8", "--wyoming", "127.0.0.1:0"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/clients.py");
    let python = python(&["openai==3.57.0", "wyoming==1.10.2", "websockets==17.4"]);
    let output =
        Command::new(python).arg(script).arg(server.url()).arg(server.wyoming.unwrap().to_string()).output().unwrap();
    let log = server.log.lock().unwrap();
    assert!(output.status.success(), "{}\n{log}", String::from_utf8_lossy(&output.stderr));
    assert!(!log.contains("Good morning"), "the log has what was said");
}

#[test]
fn curl_gets_what_say_makes() {
    let server = Server::start(&["-m", "piper-joe"]);
    let curl = |body: &str| {
        let output =
            Command::new("curl").args(["-sS", "--fail", "-d", body, &(server.url() + "/v1/audio/speech")]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    // Streamed in pieces and made at once: the same samples, for a model that is cut inside sentences.
    let wav = curl(&json!({ "input": TEXT, "response_format": "wav", "seed": 7 }).to_string());
    assert!(wav.starts_with(b"RIFF") && wav[44..] == said("piper-joe", &[TEXT, "--seed", "7"]));
    let ssml = "<speak>One <break time='300ms'/> two.</speak>";
    let wav = curl(&json!({ "input": ssml, "input_type": "ssml", "response_format": "wav" }).to_string());
    assert!(wav[44..] == said("piper-joe", &["--ssml", ssml]));
    let flac = curl(&json!({ "input": TEXT, "response_format": "flac" }).to_string());
    let opus = curl(&json!({ "input": TEXT, "response_format": "opus" }).to_string());
    assert!(flac.starts_with(b"fLaC") && opus.starts_with(b"OggS"));
    // A model of another rate is heard as OpenAI's clients expect it: 24,000 samples in a second.
    let pcm = curl(&json!({ "input": TEXT, "response_format": "pcm" }).to_string());
    let seconds = said("piper-joe", &[TEXT]).len() as f64 / 2.0 / 22_050.0;
    assert!((pcm.len() as f64 / 2.0 / 24_000.0 - seconds).abs() < 1e-3);
}

/// Decoded by an ffmpeg of others, which is installed where tests run.
#[test]
fn every_format_is_heard_by_ffmpeg() {
    let server = Server::start(&["-m", "piper-joe"]);
    let reference = said("piper-joe", &[TEXT]);
    let samples = |bytes: &[u8]| -> Vec<f64> {
        bytes.chunks_exact(2).map(|two| f64::from(i16::from_le_bytes([two[0], two[1]]))).collect()
    };
    let reference = samples(&reference);
    let folder = tempfile::tempdir().unwrap();
    for (format, content_type, least_db) in [
        ("wav", "audio/wav", 90.0),
        ("flac", "audio/flac", 90.0),
        ("opus", "audio/ogg", 8.0),
        ("mp3", "audio/mpeg", 8.0),
        ("aac", "audio/aac", 8.0),
    ] {
        let answer = server.speak(json!({ "input": TEXT, "response_format": format }).to_string().as_bytes());
        assert!(
            answer.status == 200 && answer.whole && answer.header("content-type").unwrap().starts_with(content_type),
            "{}",
            answer.head
        );
        let path = folder.path().join(format);
        fs::write(&path, &answer.body).unwrap();
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-i"]).arg(&path).args(["-f", "s16le", "-ac", "1", "-ar", "22050", "-"]);
        let output = ffmpeg.output().expect("this test needs ffmpeg: apt-get install ffmpeg");
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{format}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let heard = samples(&output.stdout);
        // Codecs may begin later; the best place within a tenth of a second.
        let snr = (0..2205).step_by(if least_db > 50.0 { 2205 } else { 1 }).map(|late| {
            let pairs = reference.iter().zip(heard.get(late..).unwrap_or_default());
            let (power, error) =
                pairs.fold((0.0, 1.0), |(power, error), (a, b)| (power + a * a, error + (a - b).powi(2)));
            10.0 * f64::log10(power / error)
        });
        let best = snr.fold(f64::MIN, f64::max);
        assert!(
            best > least_db && heard.len() + 100 >= reference.len(),
            "{format}: {best} dB, {} of {} samples",
            heard.len(),
            reference.len()
        );
    }
}

#[test]
fn without_ffmpeg_mp3_is_refused_and_the_default_is_wav() {
    let server = Server::start_with(|command| command.args(["-m", "embedded"]).env("PATH", ""));
    let answer = server.speak(br#"{"input": "Hello.", "model": "tts-1"}"#);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("audio/wav")));
    let answer = server.speak(br#"{"input": "Hello.", "response_format": "mp3"}"#);
    let (code, message) = answer.error();
    assert!(
        answer.status == 400 && code == "invalid_value" && message.contains("ffmpeg") && message.contains("opus"),
        "{message}"
    );
}

#[test]
fn keys_origins_and_operations() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::write(&keys, "# ours\nsecret-1\nsecret-2\n").unwrap();
    let keys = keys.to_str().unwrap().to_owned();
    let server =
        Server::start(&["-m", "embedded", "--api-key-file", &keys, "--cors", "https://a.example", "--log", "json"]);
    let ask = |head: &str| {
        server.raw(format!("GET /v1/models HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{head}\r\n").as_bytes())
    };
    assert_eq!((ask("").status, ask("").error().0.as_str()), (401, "invalid_api_key"));
    assert_eq!(ask("authorization: Bearer secret\r\n").status, 401);
    assert_eq!(ask("authorization: Bearer secret-2\r\n").status, 200);
    assert_eq!((server.get("/healthz").status, server.get("/readyz").status, server.get("/").status), (200, 200, 200));
    assert_eq!(server.get("/metrics").status, 401);
    let origin = |origin: &str| ask(&format!("authorization: Bearer secret-1\r\norigin: {origin}\r\n"));
    let allowed = "access-control-allow-origin";
    assert_eq!(origin("https://a.example").header(allowed), Some("https://a.example"));
    assert_eq!(origin("https://b.example").header(allowed), None);
    // A line of the log is an object; it comes a moment after its answer.
    let refused = |log: &str| {
        let lines = log.lines().filter(|line| line.starts_with('{'));
        let mut lines = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.any(|line| line["status"] == 401 && line["path"] == "/v1/models")
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while !refused(&server.log.lock().unwrap()) {
        assert!(Instant::now() < deadline, "{}", server.log.lock().unwrap());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_same_seed_is_the_same_audio_among_fifty() {
    pull("piper-joe");
    let server = Server::start(&["-m", "kokoro-int8"]);
    let body = |nth: usize| {
        let model = if nth.is_multiple_of(5) { "kokoro-int8" } else { "piper-joe" };
        let text = ["One is enough.", "Two of them, please.", "Three is a crowd, they say.", "Four."][nth % 4];
        json!({ "model": model, "input": text, "seed": nth % 4, "response_format": "pcm" }).to_string()
    };
    let alone: Vec<Vec<u8>> = (0..20).map(|nth| server.speak(body(nth).as_bytes()).body).collect();
    assert!(alone.iter().all(|audio| audio.len() > 10_000));
    thread::scope(|scope| {
        for client in 0..50 {
            let (server, alone, body) = (&server, &alone, &body);
            scope.spawn(move || {
                let nth = client % 20;
                let answer = server.speak(body(nth).as_bytes());
                assert!(
                    answer.status == 200 && answer.whole && answer.body == alone[nth],
                    "client {client}: {}",
                    answer.head
                );
            });
        }
    });
    server.until_idle();
    assert_eq!(server.figure("lumivox_requests_total"), 70.0);
}

#[test]
fn too_many_are_told_when_to_come_again() {
    let server = Server::start(&["-m", "embedded", "--max-requests", "2"]);
    let long = json!({ "input": "This is said again and again. ".repeat(200), "response_format": "pcm" }).to_string();
    let mut held: Vec<_> = (0..2).map(|_| server.connect()).collect();
    for stream in &mut held {
        stream.write_all(&post(long.as_bytes())).unwrap();
    }
    while server.figure("lumivox_requests_now") < 2.0 {
        thread::sleep(Duration::from_millis(5));
    }
    let answer = server.speak(br#"{"input": "Hello.", "response_format": "pcm"}"#);
    assert_eq!((answer.status, answer.error().0.as_str()), (429, "busy"));
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    drop(held);
    server.until_idle();
    assert_eq!(server.speak(br#"{"input": "Hello.", "response_format": "pcm"}"#).status, 200);
}

#[test]
fn the_first_audio_leaves_before_the_last_is_made() {
    let server = Server::start(&["-m", "embedded"]);
    let body = json!({ "input": "This is said again and again. ".repeat(40), "response_format": "pcm" }).to_string();
    let mut stream = server.connect();
    let started = Instant::now();
    stream.write_all(&post(body.as_bytes())).unwrap();
    let mut first = Duration::ZERO;
    let mut bytes = vec![0; 4096];
    let mut got = 0;
    while let Ok(length @ 1..) = std::io::Read::read(&mut stream, &mut bytes) {
        got += length;
        if got > 2000 && first.is_zero() {
            first = started.elapsed();
        }
    }
    let whole = started.elapsed();
    assert!(got > 1_000_000 && first * 4 < whole, "first {first:?}, whole {whole:?}");
}

#[test]
fn models_come_and_go() {
    pull("piper-joe");
    let server = Server::start(&["-m", "embedded", "--unload-after", "1"]);
    let loaded = || server.figure("lumivox_models_loaded");
    let say = |model: &str| {
        server
            .speak(json!({ "input": "Hello.", "model": model, "response_format": "pcm" }).to_string().as_bytes())
            .status
    };
    assert_eq!((say("piper-joe"), loaded()), (200, 2.0));
    let deadline = Instant::now() + Duration::from_secs(20);
    while loaded() > 0.0 {
        assert!(Instant::now() < deadline, "idle models stay");
        thread::sleep(Duration::from_millis(200));
    }
    assert_eq!((say("tts-1"), loaded()), (200, 1.0));
    let voices: serde_json::Value =
        serde_json::from_slice(&server.get("/v1/audio/voices?model=piper-joe").body).unwrap();
    assert_eq!(voices["voices"].as_array().unwrap().len(), 1);
    let answer: Answer = server.get("/v1/models/none");
    assert_eq!((answer.status, answer.error().0.as_str()), (404, "not_found"));
}
