//! Reproducible noise: every value is a function of (seed, stage, segment, index) alone, so the same seed gives the same audio however the work is cut,
//! batched or threaded.

use lumivox_kernels::fill_normal;

/// Where in a graph noise is drawn: part of the counter, so that stages do not share values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stage {
    /// Kokoro's harmonic source, `(L, harmonics)` row-major.
    SineGen = 1,
    /// VITS's stochastic duration predictor, `(2, T)` row-major.
    Durations = 2,
    /// VITS's latent variable, `(inter_channels, F)` row-major.
    Latent = 3,
}

/// `n` standard normal values: those with the indices `0..n` of `stage` in the utterance's `segment`.
pub fn normal(seed: u64, stage: Stage, segment: u32, n: usize) -> Vec<f32> {
    let mut values = vec![0f32; n];
    fill_normal(seed, [stage as u32, segment], &mut values);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_standard_normal_and_depend_on_index_stage_segment_and_seed_only() {
        let values = normal(7, Stage::SineGen, 0, 1_000_003);
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / values.len() as f64 - mean * mean;
        let tail = values.iter().filter(|x| x.abs() > 1.959_964).count() as f64 / values.len() as f64;
        assert!(
            mean.abs() < 4e-3 && (variance - 1.0).abs() < 6e-3 && (tail - 0.05).abs() < 1e-3,
            "{mean} {variance} {tail}"
        );
        assert_eq!(normal(7, Stage::SineGen, 0, 1001), values[..1001]);
        assert_ne!(normal(8, Stage::SineGen, 0, 4), values[..4]);
        assert_ne!(normal(7, Stage::SineGen, 1, 4), values[..4]);
    }
}
