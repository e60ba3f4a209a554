//! `lumivox serve` on a free port, for tests.

#![allow(dead_code)] // no test uses all of it

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A running server, which is stopped when it is dropped.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
    pub wyoming: Option<SocketAddr>,
    /// What it has written to standard error so far.
    pub log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts it; `kokoro-int8` and `piper-joe` are pulled if they are not here.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(|command| command.args(arguments))
    }

    pub fn start_with(configure: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lumivox"));
        command.args(["serve", "--port", "0"]).env("RUST_BACKTRACE", "0").stderr(Stdio::piped());
        let mut child = configure(&mut command).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let (mut address, mut wyoming, mut said) = (None, None, String::new());
        while address.is_none() {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the server has ended: {said}");
            let after = |start: &str| {
                line.strip_prefix(start).map(|rest| rest.split_whitespace().next().unwrap().parse().unwrap())
            };
            address = after("lumivox: http://");
            wyoming = wyoming.or(after("lumivox: Wyoming at tcp://"));
            said += &line;
        }
        let log = Arc::new(Mutex::new(said));
        let shared = Arc::clone(&log);
        thread::spawn(move || {
            let mut line = String::new();
            // Whole lines, so that nobody sees half of one.
            while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
                shared.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        Self { child, address: address.unwrap(), wyoming, log }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        stream
    }

    /// Sends bytes as they are, and gives the whole answer.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server may answer, and close, before it has read everything.
        let _ = stream.write_all(request);
        Answer::read(stream)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.raw(format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").as_bytes())
    }

    pub fn speak(&self, body: &[u8]) -> Answer {
        self.raw(&post(body))
    }

    /// A figure of /metrics.
    pub fn figure(&self, name: &str) -> f64 {
        let text = self.get("/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// Waits until nothing is under way.
    pub fn until_idle(&self) {
        for _ in 0..2400 {
            if self.figure("lumivox_requests_now") == 0.0 {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("requests are still under way after two minutes: {}", self.log.lock().unwrap());
    }

    pub fn resident_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Open files, and threads.
    pub fn handles(&self) -> (usize, usize) {
        let count = |what: &str| std::fs::read_dir(format!("/proc/{}/{what}", self.child.id())).unwrap().count();
        (count("fd"), count("task"))
    }

    pub fn terminate(&self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request for speech.
pub fn post(body: &[u8]) -> Vec<u8> {
    let head = "POST /v1/audio/speech HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json";
    let mut request = format!("{head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    request.extend(body);
    request
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// Whether all of the body came.
    pub whole: bool,
}

impl Answer {
    pub fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A broken connection shows in what is missing.
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let (body, whole) = if head.contains("transfer-encoding: chunked") {
            chunked(&bytes[end + 4..])
        } else {
            (bytes[end + 4..].to_vec(), true)
        };
        Self { status, head, body, whole }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The message of an error in OpenAI's form.
    pub fn error(&self) -> (String, String) {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"));
        let part = |key: &str| json["error"][key].as_str().unwrap_or_default().to_owned();
        (part("code"), part("message"))
    }
}

fn chunked(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return (body, false) };
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        bytes = &bytes[end + 2..];
        if length == 0 {
            return (body, true);
        }
        if bytes.len() < length + 2 {
            body.extend(bytes);
            return (body, false);
        }
        body.extend(&bytes[..length]);
        bytes = &bytes[length + 2..];
    }
}

/// A Python with these packages, made once in the target folder.
pub fn python(packages: &[&str]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let python = folder.join("bin/python");
    let run = |command: &mut Command| {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let done = folder.join(format!("{}.done", packages.join("+")));
    if !done.is_file() {
        if !python.is_file() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        }
        run(Command::new(&python).args(["-m", "pip", "install", "-q"]).args(packages));
        std::fs::write(done, "").unwrap();
    }
    python
}
