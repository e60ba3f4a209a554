//! The Python wheel, built by maturin and installed into a venv, where Python's own tests (`crates/lumivox-python/tests`) hold it against this program.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

/// One cluster at a time: a machine has no more processors.
static CLUSTER: Mutex<()> = Mutex::new(());

/// What builds the wheel.
const MATURIN: &str = "maturin==1.16.0";

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout.into_owned()
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lumivox-python").canonicalize().unwrap()
}

/// Makes the wheel of these sources, in the profile and the target folder of this test.
fn build(python: &Path, into: &Path) -> PathBuf {
    let _ = fs::remove_dir_all(into);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut maturin = Command::new(python);
    maturin
        .args(["-m", "maturin", "build", "--locked", "--quiet", "--manifest-path"])
        .arg(sources().join("Cargo.toml"));
    maturin.args(if cfg!(debug_assertions) { &[][..] } else { &["--release"] }).arg("--out").arg(into);
    run(maturin.env("CARGO_TARGET_DIR", target));
    let wheels: Vec<PathBuf> = fs::read_dir(into).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(wheels.len(), 1, "{wheels:?}");
    wheels.into_iter().next().unwrap()
}

/// A Python that has the wheel and what its extra `bulk` asks for. The venv is kept; the wheel is made and installed anew in every run.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wheel");
        let python = folder.join("venv/bin/python");
        if !python.is_file() {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")));
        }
        let pip = || {
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet"]);
            pip
        };
        run(pip().arg(MATURIN));
        let wheel = build(&python, &folder.join("wheels"));
        run(pip().arg(format!("{}[bulk]", wheel.display())));
        run(pip().args(["--force-reinstall", "--no-deps"]).arg(&wheel));
        python
    })
}

/// Runs a file of Python's tests.
fn unittest(name: &str) {
    let mut tests = Command::new(python());
    tests.args(["-m", "unittest", "discover", "--verbose", "--pattern", name, "--start-directory"]);
    tests.arg(sources().join("tests")).env("PYTHONDONTWRITEBYTECODE", "1");
    run(tests.env("LUMIVOX_CLI", env!("CARGO_BIN_EXE_lumivox")));
}

#[test]
fn it_speaks_as_this_program_does() {
    unittest("test_speech.py");
}

#[test]
fn it_leaves_the_interpreter_to_others() {
    unittest("test_threads.py");
}

/// Ray and what goes with it; two tests of a minute and less.
#[test]
fn it_says_many_texts_on_a_cluster_that_breaks() {
    let _turn = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    unittest("test_bulk.py");
}

/// What the wheel's README promises, where there is nothing but the wheel.
#[test]
fn its_first_lines_speak_without_a_network() {
    let home = tempfile::tempdir().unwrap();
    let readme = fs::read_to_string(sources().join("README.md")).unwrap();
    let program = readme.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(program.lines().filter(|line| !line.is_empty()).count() <= 5, "{program}");
    let mut alone = Command::new(python());
    alone.args(["-c", program]).current_dir(home.path()).env_clear();
    run(alone.env("LUMIVOX_HOME", home.path().join("models")).env("HF_HUB_OFFLINE", "1").env("PATH", ""));
    let mut say = Command::new(env!("CARGO_BIN_EXE_lumivox"));
    run(say.args(["say", "Hello, world!", "-m", "embedded", "-o"]).arg(home.path().join("said.wav")));
    let (heard, said) =
        (fs::read(home.path().join("hello.wav")).unwrap(), fs::read(home.path().join("said.wav")).unwrap());
    assert!(heard == said && said.len() > 10_000, "{} bytes, {} of `say`", heard.len(), said.len());
}

/// What docs/python.md shows, each block in turn in one folder: Python's and, of the shell's, all but the installation.
#[test]
fn what_its_page_shows_works() {
    let _turn = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(sources().join("../../docs/python.md")).unwrap();
    let path = format!("{}:{}", python().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut blocks = 0;
    for block in page.split("\n```").filter_map(|block| block.split_once('\n')) {
        let mut command = match block {
            ("python", program) => {
                let mut command = Command::new(python());
                command.args(["-c", program]);
                command
            }
            ("sh", script) if !script.starts_with("pip ") => {
                let mut command = Command::new("bash");
                command.args(["-euc", script]);
                command
            }
            _ => continue,
        };
        run(command.current_dir(&folder).env("PATH", &path).env("HF_HUB_OFFLINE", "1").env("RAY_ADDRESS", "local"));
        blocks += 1;
    }
    assert!(blocks >= 7, "{blocks} blocks");
}
