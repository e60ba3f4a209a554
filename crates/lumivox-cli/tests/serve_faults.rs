//! What clients, files and operators do to `lumivox serve`: nothing crashes, leaks or hangs.

#![allow(clippy::unwrap_used)]

#[path = "support/server.rs"]
mod server;

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use server::{Answer, Server, post};

/// A request that takes seconds to be said.
fn long() -> Vec<u8> {
    post(
        json!({ "input": "This is said again and again. ".repeat(100), "response_format": "pcm" })
            .to_string()
            .as_bytes(),
    )
}

fn still_speaks(server: &Server) {
    let answer = server.speak(br#"{"input": "Hello.", "response_format": "wav"}"#);
    assert!(answer.status == 200 && answer.whole && answer.body.len() > 10_000, "{}", answer.head);
}

#[test]
fn a_thousand_clients_that_go_away() {
    let server = Server::start(&["-m", "embedded", "--max-requests", "100"]);
    still_speaks(&server);
    let round = |clients: usize| {
        thread::scope(|scope| {
            for thread in 0..10 {
                let server = &server;
                scope.spawn(move || {
                    for nth in 0..clients / 10 {
                        let mut stream = server.connect();
                        let request = long();
                        // Before the body is whole, right behind it, and in the middle of the audio.
                        let sent = if nth % 3 == 0 { request.len() / 2 } else { request.len() };
                        stream.write_all(&request[..sent]).unwrap();
                        if nth % 3 == 2 {
                            let _ = stream.read(&mut [0; 2000]);
                        }
                        if (nth + thread) % 2 == 0 {
                            let _ = stream.shutdown(Shutdown::Both);
                        }
                    }
                });
            }
        });
        let started = Instant::now();
        server.until_idle();
        (started.elapsed(), server.resident_mb(), server.handles())
    };
    let (_, before_mb, _) = round(200);
    let (until_idle, after_mb, (files, threads)) = round(1000);
    // The work of those who have gone is dropped: all of it would take minutes.
    assert!(until_idle < Duration::from_secs(10), "{until_idle:?}");
    assert!(after_mb < before_mb * 1.1 + 10.0, "{before_mb} MB, then {after_mb} MB");
    assert!(files < 60 && threads < 40, "{files} open files, {threads} threads");
    still_speaks(&server);
}

#[test]
fn slow_readers_and_senders_are_given_up() {
    let server = Server::start(&["-m", "embedded", "--timeout", "2", "--max-requests", "50"]);
    // Nobody reads, and more comes than the sockets hold.
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = server.connect();
            let body =
                json!({ "input": "This is said again and again. ".repeat(1500), "response_format": "wav" }).to_string();
            stream.write_all(&post(body.as_bytes())).unwrap();
            stream
        })
        .collect();
    // Half a body, and half a head.
    let mut half = server.connect();
    half.write_all(&long()[..200]).unwrap();
    let mut head = server.connect();
    head.write_all(b"POST /v1/audio/speech HT").unwrap();
    // Others are served meanwhile.
    still_speaks(&server);
    let answer = Answer::read(half);
    assert_eq!((answer.status, answer.error().0.as_str()), (504, "timeout"));
    server.until_idle();
    drop(held);
    still_speaks(&server);
}

#[test]
fn bodies_that_are_no_requests() {
    let server = Server::start(&["-m", "embedded"]);
    let refused = |body: &[u8], status: u16, code: &str| {
        let answer = server.speak(body);
        assert_eq!(
            (answer.status, answer.error().0.as_str()),
            (status, code),
            "{:?}",
            String::from_utf8_lossy(&body[..body.len().min(80)])
        );
    };
    refused(b"", 400, "invalid_value");
    refused(b"{", 400, "invalid_value");
    refused(b"[]", 400, "invalid_value");
    refused(b"null", 400, "invalid_value");
    refused(b"{\"input\": 5}", 400, "invalid_value");
    refused(b"{\"input\": \"\"}", 400, "invalid_value");
    refused(b"{\"input\": \"\xff\xfe\"}", 400, "invalid_value");
    refused(b"{\"input\": \"\\ud800\"}", 400, "invalid_value");
    refused(b"{\"input\": \"a\", \"speed\": \"fast\"}", 400, "invalid_value");
    refused(b"{\"input\": \"a\", \"speed\": 1e999}", 400, "invalid_value");
    refused(b"{\"input\": \"a\", \"seed\": -1}", 400, "invalid_value");
    refused(b"{\"input\": \"a\", \"lang\": \"tlh\"}", 400, "invalid_value");
    refused("[".repeat(100_000).as_bytes(), 400, "invalid_value");
    refused(json!({ "input": "word ".repeat(30_000) }).to_string().as_bytes(), 413, "too_large");
    refused(&vec![b' '; 10_000_000], 413, "too_large");
    // As long, and nobody says so before.
    let mut request =
        b"POST /v1/audio/speech HTTP/1.1\r\nhost: t\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for _ in 0..1000 {
        request.extend(format!("2710\r\n{}\r\n", " ".repeat(10_000)).into_bytes());
    }
    request.extend(b"0\r\n\r\n");
    assert_eq!(server.raw(&request).status, 413);
    // Unknown fields have no effect, and the answer names them.
    let answer = server
        .speak(br#"{"input": "Hello.", "response_format": "wav", "colour": "red", "return_timestamps": {"a": [1]}}"#);
    assert_eq!((answer.status, answer.header("x-lumivox-ignored")), (200, Some("colour, return_timestamps")));
    // What can't be said is told.
    let answer = server.speak("{\"input\": \"Hello 🎉.\", \"response_format\": \"wav\"}".as_bytes());
    assert!(answer.header("x-lumivox-warnings").is_some_and(|warnings| warnings.contains("1f389")), "{}", answer.head);
    for request in [
        &b"GET / HTTP/9.9\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /../../etc/passwd HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
    ] {
        let mut stream = server.connect();
        stream.write_all(request).unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        assert!(!String::from_utf8_lossy(&bytes).contains("root:"));
    }
    assert_eq!(server.raw(b"DELETE /v1/audio/speech HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").status, 405);
    still_speaks(&server);
}

#[test]
fn names_are_no_paths() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.safetensors");
    fs::write(&secret, "secret").unwrap();
    let server = Server::start(&["-m", "embedded"]);
    let paths = [
        secret.to_str().unwrap(),
        "../secret",
        "..",
        ".",
        "/etc/passwd",
        "models/kokoro",
        "kokoro.safetensors",
        "a\0b",
        "\u{202e}x",
        "C:\\x",
    ];
    for name in paths {
        for field in ["model", "voice"] {
            // The voice inside has one voice, and refuses all names but numbers; so does a model that is none.
            let answer = server.speak(json!({ "input": "Hello.", field: name }).to_string().as_bytes());
            let (code, message) = answer.error();
            assert!(
                matches!(answer.status, 400 | 404) && !message.contains("secret\""),
                "{field} {name:?}: {} {code} {message}",
                answer.status
            );
        }
    }
    still_speaks(&server);
}

#[test]
fn a_model_file_that_is_replaced_or_deleted() {
    let cache = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let onnx = env!("CARGO_BIN_EXE_lumivox");
    let pulled = Command::new(onnx).args(["models", "--json"]).output().unwrap();
    let models: serde_json::Value = serde_json::from_slice(&pulled.stdout).unwrap();
    let joe = models.as_array().unwrap().iter().find(|model| model["name"] == "piper-joe").unwrap();
    let original = joe["path"].as_str().unwrap();
    let model = folder.path().join("voice.safetensors");
    fs::copy(original, &model).unwrap();
    let server =
        Server::start_with(|command| command.args(["--only", "-m"]).arg(&model).env("LUMIVOX_HOME", cache.path()));
    let say = || server.speak(br#"{"input": "Hello there.", "response_format": "pcm"}"#);
    let audio = say().body;
    assert!(audio.len() > 10_000);
    // Replaced by one that is damaged: an error, and the server goes on.
    let damaged = folder.path().join("damaged");
    let mut bytes = fs::read(original).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&damaged, &bytes).unwrap();
    fs::rename(&damaged, &model).unwrap();
    let answer = say();
    assert!(answer.status == 500 && answer.error().1.contains("damaged"), "{:?}", answer.error());
    // Replaced by a whole one again.
    fs::copy(original, &damaged).unwrap();
    fs::rename(&damaged, &model).unwrap();
    assert_eq!(say().body, audio);
    // Deleted: what is loaded goes on.
    fs::remove_file(&model).unwrap();
    assert_eq!(say().body, audio);
    // Cut short in place while it is spoken with.
    fs::copy(original, &model).unwrap();
    assert_eq!(say().body, audio);
    OpenOptions::new().write(true).open(&model).unwrap().set_len(1000).unwrap();
    assert_eq!(say().status, 500);
    fs::copy(original, &damaged).unwrap();
    fs::rename(&damaged, &model).unwrap();
    assert_eq!(say().body, audio);
}

/// A log that can't be written, as on a full disk.
#[test]
fn a_full_disk_under_the_log() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumivox"));
    command.args(["serve", "-m", "embedded", "--port", &address.port().to_string()]).stderr(full);
    let child = command.spawn().unwrap();
    let server = Server { child, address, wyoming: None, log: Default::default() };
    let deadline = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "the server does not start");
        thread::sleep(Duration::from_millis(50));
    }
    still_speaks(&server);
    still_speaks(&server);
}

#[test]
fn told_to_stop_it_finishes_what_it_began() {
    let mut server = Server::start(&["-m", "embedded", "--drain", "60"]);
    let mut streams: Vec<_> = (0..4).map(|_| server.connect()).collect();
    let body = json!({ "input": "This is said again and again. ".repeat(25), "response_format": "pcm" }).to_string();
    for stream in &mut streams {
        stream.write_all(&post(body.as_bytes())).unwrap();
    }
    while server.figure("lumivox_requests_now") < 4.0 {
        thread::sleep(Duration::from_millis(5));
    }
    server.terminate();
    let answers: Vec<Answer> = streams.into_iter().map(Answer::read).collect();
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.whole && answer.body == answers[0].body));
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = server.child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "the server does not end");
        thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "{status}");
}

#[test]
fn told_to_stop_it_does_not_wait_for_ever() {
    let mut server = Server::start(&["-m", "embedded", "--drain", "1"]);
    let mut stream = server.connect();
    let body = json!({ "input": "This is said again and again. ".repeat(3000), "response_format": "pcm" }).to_string();
    stream.write_all(&post(body.as_bytes())).unwrap();
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    server.terminate();
    let started = Instant::now();
    while server.child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(15), "the server does not end");
        thread::sleep(Duration::from_millis(20));
    }
    // What came is no whole answer, and says so: the last chunk, which is empty, is missing.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() > 100 && !rest.ends_with(b"0\r\n\r\n"), "{} bytes", rest.len());
}
