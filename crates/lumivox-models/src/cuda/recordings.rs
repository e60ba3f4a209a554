//! Recorded launches, one for each size of request, so that a request costs a few launches instead of hundreds. Sizes are rounded up to buckets, in which shorter
//! utterances are at home, too: kernels look at lengths that are in the device's memory.

use std::sync::{Mutex, PoisonError};

use candle_core::Result;

/// Tokens of a bucket.
pub(super) const TOKENS: usize = 32;
/// Frames of a bucket.
pub(super) const FRAMES: usize = 64;
/// The most sizes that are kept at a time: each has the memory of a whole pass.
const MAX_KEPT: usize = 8;

/// Recordings by the size of what they take, the least recently used first.
pub(super) struct Recordings<T>(Mutex<Vec<(Size, T)>>);

/// Utterances, tokens and frames.
pub(super) type Size = [usize; 3];

impl<T> Default for Recordings<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Recordings<T> {
    /// Runs `f` with the recording for `size`, which `record` makes if there is none. Others wait: its memory is one request's at a time.
    pub(super) fn with<R>(
        &self,
        size: Size,
        record: impl Fn() -> Result<T>,
        f: impl FnOnce(&T) -> Result<R>,
    ) -> Result<R> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().position(|(other, _)| *other == size).map(|index| kept.remove(index).1);
        let recording = match known {
            Some(recording) => recording,
            None => {
                if kept.len() >= MAX_KEPT {
                    kept.remove(0);
                }
                loop {
                    match record() {
                        Ok(recording) => break recording,
                        // Memory may be short: what others have of it can be had.
                        Err(_) if !kept.is_empty() => drop(kept.remove(0)),
                        Err(error) => return Err(error),
                    }
                }
            }
        };
        let done = f(&recording);
        kept.push((size, recording));
        done
    }
}
