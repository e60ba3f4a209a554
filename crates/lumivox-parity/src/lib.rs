//! Numerical parity with the reference runtimes.
//!
//! Goldens are the reference's own tensors, made by the programs in `tools/reference`. [`kokoro::compare`] runs lumivox on the same weights, phonemes and noise
//! and gives the error of each stage; the tests hold the errors to their bounds, and the program of this crate prints them as a table.

pub mod golden;
pub mod kokoro;
pub mod metrics;
