//! Who computes next.
//!
//! A few pieces of work run at a time; each request asks for a turn before every piece, and says by when it needs it. Whoever needs it
//! first is next: a request of which nothing was heard yet needs it at once, another before its listener has heard what there is. So first pieces
//! go before later ones of those who have enough, a long text does not keep short ones waiting, and nobody waits for ever, because time passes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{ApiError, Result};

/// Told to requests that are no longer wanted, wherever they wait.
#[derive(Debug, Default)]
pub struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Whether it is.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// What the engine looks at while it computes.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

/// Gives turns.
#[derive(Debug)]
pub struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    arrivals: u64,
    waiting: BinaryHeap<Reverse<Place>>,
}

/// A place in the queue; the least is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// When it is needed.
    by: Instant,
    arrival: u64,
}

/// The right to compute, until it is dropped.
pub struct Turn<'a>(&'a Turns);

impl Turns {
    /// `at_once` turns at a time.
    pub fn new(at_once: usize) -> Self {
        let state = State { free: at_once.max(1), arrivals: 0, waiting: BinaryHeap::new() };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits for a turn that is needed `by` then.
    ///
    /// # Errors
    /// [`ApiError::TimedOut`] after `timeout`. A request that is cancelled is told so by [`Cancelled`] and gets
    /// [`ApiError::ShuttingDown`], which nobody reads.
    pub fn wait(&self, by: Instant, cancelled: &Cancelled, timeout: Duration) -> Result<Turn<'_>> {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        let place = Place { by, arrival: state.arrivals };
        state.arrivals += 1;
        state.waiting.push(Reverse(place));
        loop {
            if cancelled.is_set() || Instant::now() >= deadline {
                state.waiting.retain(|Reverse(other)| *other != place);
                drop(state);
                // The next one may have waited behind this one.
                self.changed.notify_all();
                return Err(if cancelled.is_set() { ApiError::ShuttingDown } else { ApiError::TimedOut(timeout) });
            }
            if state.free > 0 && state.waiting.peek() == Some(&Reverse(place)) {
                state.waiting.pop();
                state.free -= 1;
                let more = state.free > 0 && !state.waiting.is_empty();
                drop(state);
                if more {
                    self.changed.notify_all();
                }
                return Ok(Turn(self));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Cancels a request.
    pub fn cancel(&self, cancelled: &Arc<Cancelled>) {
        // Under the lock, so that nobody looks at it and then goes to sleep.
        let state = self.lock();
        cancelled.0.store(true, Ordering::Release);
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    const LONG: Duration = Duration::from_secs(20);

    /// Waits until `count` requests stand in the queue.
    fn until_waiting(turns: &Turns, count: usize) {
        while turns.waiting() < count {
            thread::yield_now();
        }
    }

    #[test]
    fn whoever_needs_it_first_is_next() {
        let turns = Turns::new(1);
        let never = Cancelled::default();
        let (sender, order) = mpsc::channel();
        let now = Instant::now();
        thread::scope(|scope| {
            let held = turns.wait(now, &never, LONG).unwrap();
            let waiting = [("has enough", 9000), ("has little", 2000), ("new", 100), ("newer", 101), ("as new", 101)];
            for (nth, (name, in_ms)) in waiting.into_iter().enumerate() {
                let (turns, never, sender) = (&turns, &never, sender.clone());
                scope.spawn(move || {
                    let turn = turns.wait(now + Duration::from_millis(in_ms), never, LONG).unwrap();
                    sender.send(name).unwrap();
                    drop(turn);
                });
                until_waiting(turns, nth + 1);
            }
            drop(held);
        });
        drop(sender);
        assert_eq!(order.iter().collect::<Vec<_>>(), ["new", "newer", "as new", "has little", "has enough"]);
    }

    #[test]
    fn no_more_than_allowed_at_once() {
        let turns = Turns::new(2);
        let (never, running, most) = (Cancelled::default(), Mutex::new(0), Mutex::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _turn = turns.wait(Instant::now(), &never, LONG).unwrap();
                        let now = {
                            let mut running = running.lock().unwrap();
                            *running += 1;
                            *running
                        };
                        let mut most = most.lock().unwrap();
                        *most = now.max(*most);
                        drop(most);
                        *running.lock().unwrap() -= 1;
                    }
                });
            }
        });
        assert!(*most.lock().unwrap() <= 2);
        assert_eq!((turns.waiting(), turns.lock().free), (0, 2));
    }

    #[test]
    fn waiting_ends_when_cancelled_or_too_long() {
        let turns = Turns::new(1);
        let never = Cancelled::default();
        let held = turns.wait(Instant::now(), &never, LONG).unwrap();
        assert!(matches!(turns.wait(Instant::now(), &never, Duration::from_millis(5)), Err(ApiError::TimedOut(_))));
        let cancelled = Arc::new(Cancelled::default());
        thread::scope(|scope| {
            let waiter = scope.spawn(|| turns.wait(Instant::now(), &cancelled, LONG).is_err());
            until_waiting(&turns, 1);
            turns.cancel(&cancelled);
            assert!(waiter.join().unwrap());
        });
        drop(held);
        assert!(turns.wait(Instant::now(), &never, LONG).is_ok());
    }
}
