//! Phonemes to the ids that a model reads, one module a model family.

pub mod kokoro;
