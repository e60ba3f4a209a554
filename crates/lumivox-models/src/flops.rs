//! How much arithmetic the stages of a graph are, by the definition of their layers: what a stage's time is held against.
//!
//! A multiplication and an addition each count as one operation. Counted are products with weights (convolutions, linear layers, LSTMs) and attention; not counted is what
//! costs one operation a value (activations, normalisations, sums), what happens once an utterance (projections of a style or speaker), the harmonic source and
//! Fourier transforms: together less than a hundredth. An algorithm with fewer multiplications than the definition has is faster than its count says.

/// A stage as [`Probe::reached`](crate::Probe::reached) names it, and the floating-point operations since the stage before it.
#[derive(Clone, Debug, PartialEq)]
pub struct StageFlops {
    /// The stage's name.
    pub name: String,
    /// Floating-point operations; 0 where none are counted.
    pub flop: f64,
}

impl StageFlops {
    /// `macs` multiplications, each with an addition.
    pub(crate) fn new(name: impl Into<String>, macs: usize) -> Self {
        Self { name: name.into(), flop: 2.0 * macs as f64 }
    }
}

/// Multiplications of a convolution with `taps` taps and all channels in one group, for `steps` output steps; a linear layer is one of a single tap.
pub(crate) fn conv1d([c_in, c_out]: [usize; 2], taps: usize, steps: usize) -> usize {
    c_in * c_out * taps * steps
}

/// Multiplications of a transposed convolution for `steps` *input* steps: each is added to the output with every tap.
pub(crate) fn conv_transpose1d([c_in, c_out]: [usize; 2], taps: usize, steps: usize) -> usize {
    c_in * c_out * taps * steps
}

/// Multiplications of an LSTM of both directions: four gates, each of input and state.
pub(crate) fn bi_lstm(input: usize, hidden: usize, steps: usize) -> usize {
    2 * 4 * hidden * (input + hidden) * steps
}

/// Multiplications of self-attention over `tokens` tokens without its projections: scores, and the values' weighted sums.
pub(crate) fn attention(channels: usize, tokens: usize) -> usize {
    2 * channels * tokens * tokens
}
