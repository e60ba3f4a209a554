//! Running the user's own pip and npm.

use super::StoreError;
use super::environment::Environment;
use super::manifest::{Package, Registry};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// How often a running tool is looked at.
const POLL: Duration = Duration::from_millis(100);
/// How much of a failed tool's output is shown: what it calls errors, or else its last lines.
const SHOWN_LINES: usize = 2;

/// Downloads `packages`, all of one registry, into `folder`, calling `watch` again and again meanwhile.
///
/// # Errors
/// The tool is not installed, or fails.
pub(super) fn download(
    registry: Registry,
    packages: &[&Package],
    folder: &Path,
    environment: &Environment,
    watch: &mut dyn FnMut(),
) -> Result<(), StoreError> {
    // One command takes wheels for one machine.
    for packages in packages.chunk_by(|a, b| a.built_for == b.built_for) {
        download_alike(registry, packages, folder, environment, watch)?;
    }
    Ok(())
}

fn download_alike(
    registry: Registry,
    packages: &[&Package],
    folder: &Path,
    environment: &Environment,
    watch: &mut dyn FnMut(),
) -> Result<(), StoreError> {
    let mut command = find(registry, environment)?;
    match registry {
        // Only wheels: a source package would run its own code to be downloaded.
        Registry::PyPi => {
            command.args([
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--no-input",
                "--progress-bar=off",
                "--dest",
                ".",
            ]);
            if let Some(machine) = packages.first().and_then(|package| package.built_for.as_ref()) {
                command.args(["--python-version", &machine.python, "--platform", &machine.platform]);
            }
            command.args(packages.iter().map(|p| format!("{}=={}", p.package, p.version)));
        }
        Registry::Npm => {
            command.args(["pack", "--ignore-scripts", "--loglevel=error"]);
            command.args(packages.iter().map(|p| format!("{}@{}", p.package, p.version)));
        }
    }
    run(command, folder, watch)
}

/// The first spelling of the registry's tool that answers.
fn find(registry: Registry, environment: &Environment) -> Result<Command, StoreError> {
    let spellings: &[&[&str]] = match registry {
        Registry::PyPi => &[&["python3", "-m", "pip"], &["pip3"], &["pip"], &["python", "-m", "pip"]],
        Registry::Npm => &[&["npm"], &["npm.cmd"]],
    };
    let command = |spelling: &[&str]| {
        let mut command = Command::new(spelling[0]);
        command.args(&spelling[1..]).stdin(Stdio::null());
        if let Some(path) = &environment.path {
            command.env("PATH", path);
        }
        command
    };
    let answers = |spelling: &&&[&str]| {
        let status = command(spelling).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|s| s.success())
    };
    spellings.iter().find(answers).map(|spelling| command(spelling)).ok_or(match registry {
        Registry::PyPi => StoreError::ToolMissing { program: "pip", package: "Python 3 with pip" },
        Registry::Npm => StoreError::ToolMissing { program: "npm", package: "Node.js" },
    })
}

fn run(mut command: Command, folder: &Path, watch: &mut dyn FnMut()) -> Result<(), StoreError> {
    let log_path = folder.join("tool.log");
    let shown = shown(&command);
    let mut start = || -> io::Result<Running> {
        // Into a file, because a pipe that nobody reads would stop the tool. Its temporary files go where they are removed with ours.
        let log = File::create(&log_path)?;
        command.current_dir(folder).env("TMPDIR", folder).stdout(log.try_clone()?).stderr(log);
        command.spawn().map(Running)
    };
    let status = start().and_then(|mut tool| tool.wait(watch)).map_err(StoreError::storage(folder))?;
    if status.success() {
        return Ok(());
    }
    let log = fs::read(&log_path).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let errors: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|l| ["ERROR: ", "npm error ", "npm ERR! "].iter().any(|p| l.starts_with(p)))
        .collect();
    let lines = if errors.is_empty() { lines } else { errors };
    let output = lines[lines.len().saturating_sub(SHOWN_LINES)..].join(" / ");
    Err(StoreError::ToolFailed { command: shown, status: status.to_string(), output })
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// A tool that does not outlive the pull.
struct Running(Child);

impl Running {
    fn wait(&mut self, watch: &mut dyn FnMut()) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            watch();
            thread::sleep(POLL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended, as it mostly has.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
