//! Progress on standard error, where that is a terminal.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lumivox::store::{Reporter, Stage};

use crate::output::note;

/// A bar that is drawn only on a terminal; without one, and when `quiet`, nothing is.
fn bar(length: u64, template: &str, quiet: bool) -> ProgressBar {
    let hidden = quiet || !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(8) };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(length), target).with_style(style.progress_chars("━╸─"))
}

/// The bar for speaking, counted in bytes of text.
pub fn speaking(bytes: u64, quiet: bool) -> ProgressBar {
    let bar = bar(bytes, "speaking {bar:30} {percent:>3} %  {elapsed} passed, {eta} left  {wide_msg}", quiet);
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

/// Prints a line above the bar.
pub fn note_above(bar: &ProgressBar, text: impl std::fmt::Display) {
    bar.suspend(|| note(text));
}

/// The bar for measuring, counted in runs. Drawing is limited, so that it is no part of what is measured.
pub fn measuring(runs: u64, quiet: bool) -> ProgressBar {
    bar(runs, "{msg:48!} {bar:30} {pos} of {len}  {elapsed} passed, {eta} left", quiet)
}

/// The bar for converting many, counted in files.
pub fn converting(files: u64, quiet: bool) -> ProgressBar {
    bar(files, "converting {bar:30} {pos} of {len}  {msg}", quiet)
}

/// The bar for comparing, counted in utterances.
pub fn comparing(utterances: u64, quiet: bool) -> ProgressBar {
    let bar = bar(utterances, "comparing {bar:30} {pos} of {len}  {elapsed} passed", quiet);
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Bars and notes of a pull or a conversion.
pub struct PullProgress {
    quiet: bool,
    current: RefCell<Option<(Stage, ProgressBar)>>,
}

impl PullProgress {
    /// With `quiet`, nothing is printed.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, current: RefCell::new(None) }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some((_, bar)) = self.current.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

impl Reporter for PullProgress {
    fn progress(&self, stage: Stage, done_bytes: u64, total_bytes: u64) {
        let mut current = self.current.borrow_mut();
        if current.as_ref().is_none_or(|(shown, _)| *shown != stage) {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
            let template =
                format!("{stage:<11} {{bar:30}} {{bytes:>10}} of {{total_bytes}}  {{bytes_per_sec}}, {{eta}} left");
            let bar = bar(total_bytes, &template, self.quiet);
            bar.enable_steady_tick(Duration::from_millis(250));
            *current = Some((stage, bar));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_length(total_bytes);
            bar.set_position(done_bytes);
        }
    }

    fn note(&self, text: &str) {
        if self.quiet {
            return;
        }
        match self.current.borrow().as_ref() {
            Some((_, bar)) => bar.suspend(|| note(text)),
            None => note(text),
        }
    }
}

impl Drop for PullProgress {
    fn drop(&mut self) {
        self.finish();
    }
}
