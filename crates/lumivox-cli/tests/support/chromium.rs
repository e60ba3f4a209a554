//! A page in a real browser.

use std::path::Path;
use std::process::Command;

/// What a page looks like to Chromium.
pub struct Opened {
    /// The document after it was loaded.
    pub dom: String,
    /// Everything that came to the console: errors, warnings, blocked requests.
    pub console: Vec<String>,
}

/// Opens a file in headless Chromium, which must be installed.
#[track_caller]
pub fn open(path: &Path) -> Opened {
    let profile = tempfile::tempdir().unwrap();
    let flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
    let run = |program: &str| {
        Command::new(program)
            .args(flags)
            .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("file://{}", path.canonicalize().unwrap().display()))
            .output()
            .ok()
    };
    let output = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(run);
    let output = output.expect("Chromium is needed to look at pages; install it (Debian: apt-get install chromium)");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "Chromium failed:\n{stderr}");
    let console = stderr.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    Opened { dom: String::from_utf8_lossy(&output.stdout).into_owned(), console }
}
