//! What an interrupt does to the files that are being written.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

use crate::output::note;

/// Exit code after an interrupt, as shells have it.
const INTERRUPTED: i32 = 130;

/// What an interrupt does; it waits while this is locked.
static STATE: Mutex<State> = Mutex::new(State { unfinished: Vec::new(), kept: false });

struct State {
    /// Files that it removes, the last one first.
    unfinished: Vec<PathBuf>,
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
        state.unfinished.iter().rev().for_each(|path| drop(fs::remove_file(path)));
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

/// Files that are of no use as they are: an interrupt removes them, or the drop of this, the last one first.
#[derive(Debug, Default)]
pub struct Unfinished(Vec<PathBuf>);

impl Unfinished {
    /// Makes something that is in files, `paths`. An interrupt waits until it is made, so that there is no moment at which it would leave them; what may have to
    /// wait for others must not be made here.
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

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more file, unless it is among them.
    pub fn add(&mut self, path: PathBuf) {
        if !self.0.contains(&path) {
            state().unfinished.push(path.clone());
            self.0.push(path);
        }
    }

    /// Leaves the files alone from now on.
    pub fn keep(&mut self) {
        let paths = std::mem::take(&mut self.0);
        state().unfinished.retain(|path| !paths.contains(path));
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut state = state();
        self.0.iter().rev().for_each(|path| drop(fs::remove_file(path)));
        state.unfinished.retain(|path| !self.0.contains(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unfinished_is_known_from_its_making_on() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        let known = |path: &PathBuf| state().unfinished.contains(path);
        // An interrupt can't come in between: what it waits for is held.
        let make = || {
            assert!(STATE.try_lock().is_err());
            fs::write(&first, "half")
        };
        let (_, mut unfinished) = Unfinished::make(make, |_| vec![first.clone()]).unwrap();
        fs::write(&second, "half").unwrap();
        unfinished.add(second.clone());
        assert!(known(&first) && known(&second));
        drop(unfinished);
        assert!(!first.exists() && !second.exists() && !known(&first) && !known(&second));

        let mut kept = Unfinished::default();
        fs::write(&first, "whole").unwrap();
        kept.add(first.clone());
        kept.keep();
        drop(kept);
        assert!(first.exists() && !known(&first));
        assert!(Unfinished::make(|| fs::read(&second), |_| vec![second.clone()]).is_err());
        assert!(!known(&second), "what could not be made");
    }
}
