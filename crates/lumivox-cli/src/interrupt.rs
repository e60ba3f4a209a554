//! What an interrupt does to the files that are being written.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

use crate::output::note;

/// Exit code after an interrupt, as shells have it.
const INTERRUPTED: i32 = 130;

/// What an interrupt does; it waits while this is locked.
static STATE: Mutex<State> = Mutex::new(State { unfinished: BTreeSet::new(), kept: false });

struct State {
    /// Files that it removes.
    unfinished: BTreeSet<PathBuf>,
    /// Whether there is something to go on with.
    kept: bool,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on an interrupt removes the files that are being written, but for those that can be gone on with.
pub fn remove_unfinished_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        let state = state();
        // Nothing more can be done about it on the way out.
        state.unfinished.iter().for_each(|path| drop(fs::remove_file(path)));
        if state.kept {
            note("interrupted; what is done is kept, and the same command goes on from there");
        }
        std::process::exit(INTERRUPTED);
    })
    .context("the interrupt handler can't be set")
}

/// From now on an interrupt says that there is something to go on with.
pub fn say_that_work_is_kept() {
    state().kept = true;
}

/// Files that are of no use as they are: they are removed by an interrupt, or when this is dropped.
pub struct Unfinished(Vec<PathBuf>);

impl Unfinished {
    /// Files that are there already.
    pub fn of(paths: Vec<PathBuf>) -> Self {
        state().unfinished.extend(paths.iter().cloned());
        Self(paths)
    }

    /// Makes something that is in files. An interrupt waits until it is made, so that there is no moment at which it would leave them; nothing that takes long
    /// may be done here.
    pub fn make<T, E>(
        make: impl FnOnce() -> Result<T, E>,
        paths: impl FnOnce(&T) -> Vec<PathBuf>,
    ) -> Result<(T, Self), E> {
        let mut state = state();
        let made = make()?;
        let paths = paths(&made);
        state.unfinished.extend(paths.iter().cloned());
        Ok((made, Self(paths)))
    }

    /// Leaves the files alone.
    pub fn keep(mut self) {
        let mut state = state();
        for path in self.0.drain(..) {
            state.unfinished.remove(&path);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut state = state();
        for path in &self.0 {
            let _ = fs::remove_file(path);
            state.unfinished.remove(path);
        }
    }
}
