//! Numerical parity with the reference runtimes.
//!
//! Goldens are the reference's own tensors, made by the programs in `tools/reference`. [`kokoro::compare`] and [`vits::compare`] run lumivox on the same
//! weights, ids and noise and give the error of each stage; the tests hold the errors to their bounds, and the program of this crate prints them as tables.

pub mod capture;
pub mod compare;
pub mod distance;
pub mod dump;
pub mod golden;
pub mod kokoro;
pub mod metrics;
pub mod onnx;
pub mod ours;
pub mod plot;
pub mod receipt;
pub mod reference;
pub mod report;
pub mod request;
pub mod utterance;
pub mod vits;
