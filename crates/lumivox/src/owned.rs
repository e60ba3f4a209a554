//! Speech that keeps its model alive.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self_cell::self_cell;

use crate::error::Result;
use crate::options::{ChunkSize, Input, Options};
use crate::speech::{Chunk, Speech};
use crate::synthesizer::Synthesizer;

self_cell!(
    struct Cell {
        owner: Arc<Synthesizer>,
        #[not_covariant]
        dependent: Speech,
    }
);

/// [`Speech`] that shares ownership of its [`Synthesizer`]: for threads, and for languages whose objects live as long as they are used.
///
/// ```
/// # #[cfg(feature = "embedded-voice")] {
/// use std::sync::Arc;
/// use lumivox::{ChunkSize, Input, LoadOptions, Options, OwnedSpeech, Synthesizer};
///
/// let synthesizer = Arc::new(Synthesizer::embedded(&LoadOptions::default())?);
/// let speech = OwnedSpeech::new(synthesizer, Input::Text("Hello!"), &Options::default(), ChunkSize::Auto)?;
/// let samples = std::thread::spawn(move || speech.map(|chunk| Ok(chunk?.samples.len())).sum::<lumivox::Result<usize>>());
/// assert!(samples.join().unwrap()? > 0);
/// # }
/// # Ok::<(), lumivox::Error>(())
/// ```
pub struct OwnedSpeech(Cell);

impl OwnedSpeech {
    /// As [`Synthesizer::stream`].
    ///
    /// # Errors
    /// As [`Synthesizer::stream`].
    pub fn new(synthesizer: Arc<Synthesizer>, input: Input, options: &Options, chunk_size: ChunkSize) -> Result<Self> {
        Cell::try_new(synthesizer, |synthesizer| synthesizer.stream(input, options, chunk_size)).map(Self)
    }

    /// As [`Speech::cancelled_by`].
    pub fn cancelled_by(mut self, cancelled: Arc<AtomicBool>) -> Self {
        self.0.with_dependent_mut(|_, speech| speech.set_cancelled_by(cancelled));
        self
    }

    /// Who speaks.
    pub fn synthesizer(&self) -> &Arc<Synthesizer> {
        self.0.borrow_owner()
    }

    /// Looks at the speech: its segments, warnings and timestamps.
    pub fn with<R>(&self, look: impl FnOnce(&Speech<'_>) -> R) -> R {
        self.0.with_dependent(|_, speech| look(speech))
    }
}

impl Iterator for OwnedSpeech {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.with_dependent_mut(|_, speech| speech.next())
    }
}
