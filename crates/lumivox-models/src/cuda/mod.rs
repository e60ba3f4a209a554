//! The graphs on a GPU: the same weights and stages as on the CPU, laid out for one: every signal is channel-major, several utterances go through in one pass, and
//! between ids and samples nothing visits the host but the durations, which say how much memory the rest needs.

pub mod kokoro;
mod layers;
mod probe;
mod recordings;
pub mod vits;

/// Where an utterance's noise is drawn from: a seed, and the stream's counter, as [`lumivox_kernels::fill_normal`] takes them.
#[derive(Clone, Copy, Debug)]
pub struct NoiseSource {
    /// The seed.
    pub seed: u64,
    /// What the counter ends with.
    pub stream: [u32; 2],
}

/// Seeds and streams of several sources.
fn counters(noise: &[NoiseSource]) -> (Vec<u64>, Vec<[u32; 2]>) {
    noise.iter().map(|noise| (noise.seed, noise.stream)).unzip()
}
