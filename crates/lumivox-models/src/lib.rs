//! Speech synthesis graphs on candle: token ids, a style and noise in, samples out. No files, no text, no randomness: what a graph needs is an argument.
//!
//! Module and parameter names are the upstream checkpoints'; a shape is declared where it is used.
//!
//! Dimension letters: `B` batch, `T` tokens, `C` channels, `F` frames, `L` samples or time steps.

#[cfg(any(feature = "cuda", feature = "emulation"))]
pub mod cuda;
mod flops;
pub mod kokoro;
mod layers;
mod probe;
pub mod vits;

pub use flops::StageFlops;
pub use probe::{NoProbe, Probe};
