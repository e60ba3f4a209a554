//! Buffers that are used again: a new one of several megabytes costs the operating system's page faults, often more time than what is computed into it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most memory that is kept for later, in values.
const MAX_KEPT: usize = 64 << 20;

/// Buffers that nobody uses at the moment.
static FREE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

fn free() -> MutexGuard<'static, Vec<Vec<f32>>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `f32` values of an operation, which go back to the arena when they are dropped.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// Longer than `len` where an old buffer was larger than what was asked for.
    values: Vec<f32>,
    len: usize,
}

impl Buffer {
    /// `len` values that are anything: what the buffer was used for before.
    pub(crate) fn new(len: usize) -> Self {
        let mut free = free();
        let fitting = free.iter().enumerate().filter(|(_, values)| values.len() >= len && values.len() / 4 <= len);
        let best = fitting.min_by_key(|(_, values)| values.len()).map(|(index, _)| index);
        let values = best.map(|index| free.swap_remove(index));
        if values.is_none() {
            // The largest of those that are too small makes way: what is asked for next will not be smaller again soon.
            let small = free.iter().enumerate().filter(|(_, values)| values.len() < len);
            if let Some(index) = small.max_by_key(|(_, values)| values.len()).map(|(index, _)| index) {
                free.swap_remove(index);
            }
        }
        drop(free);
        Self { values: values.unwrap_or_else(|| vec![0.0; len]), len }
    }

    /// The values as a vector of their own, for where they outlive the arena's use.
    pub(crate) fn into_vec(mut self) -> Vec<f32> {
        let mut values = std::mem::take(&mut self.values);
        values.truncate(self.len);
        values
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        let mut free = free();
        let kept: usize = free.iter().map(Vec::len).sum();
        if !values.is_empty() && kept + values.len() <= MAX_KEPT {
            free.push(values);
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.values[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.len]
    }
}
