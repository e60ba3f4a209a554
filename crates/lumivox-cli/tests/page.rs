//! The page of `lumivox serve` in a real browser, used as a person would: `page/page.mjs` says how. Needs Node.js with npm, curl and Chromium; the driver of
//! the browser (`puppeteer-core`, Apache-2.0) is fetched by npm.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

const DRIVER: &str = "puppeteer-core@24.43.1";
const KEY: &str = "a-key-of-the-test";

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("");
    assert!(output.status.success(), "{command:?}:\n{told}");
    told
}

/// A folder with the driver, fetched if it is not here yet.
fn driver() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    let installed = folder.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|name| name == DRIVER) {
        return folder;
    }
    fs::create_dir_all(&folder).unwrap();
    let arguments = ["install", "--prefix", ".", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", DRIVER];
    run(Command::new("npm").args(arguments).current_dir(&folder));
    fs::write(installed, DRIVER).unwrap();
    folder
}

/// A server, until it is dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lumivox"));
        command.args(["serve", "--model", "kokoro-int8", "--port", "0", "--api-key", KEY]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.split_once("lumivox: http://")?.1.split_once(' ')?.0.to_owned()));
        // A full pipe would stop it.
        thread::spawn(move || lines.for_each(drop));
        let url = format!("http://{}", url.expect("the server tells its address"));
        Self { process, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_person_can_use_the_page() {
    run(Command::new(env!("CARGO_BIN_EXE_lumivox")).args(["pull", "kokoro-int8", "-q"]));
    let folder = driver();
    let server = Server::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page/page.mjs");
    let told = run(Command::new("node").arg(script).arg(&server.url).arg(&folder).arg(KEY));
    for picture in ["first", "playing", "phonemes", "dark", "phone", "phone-dark"] {
        let path = folder.join(format!("{picture}.png"));
        assert!(fs::metadata(&path).is_ok_and(|file| file.len() > 5_000), "no picture {}:\n{told}", path.display());
    }
}
