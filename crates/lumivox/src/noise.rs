//! Reproducible noise.
//!
//! Every value is a function of (seed, stage, segment, index) alone, so the same seed gives the same audio however the work is cut, batched or threaded.
//! Philox 4×32-10 (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*, 2011) makes the bits, the Box–Muller transform makes them normal.

use rayon::prelude::*;

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

/// Blocks of four values that one task of the thread pool makes.
const TASK_BLOCKS: usize = 16 * 1024;

/// `n` standard normal values: those with the indices `0..n` of `stage` in the utterance's `segment`.
pub fn normal(seed: u64, stage: Stage, segment: u32, n: usize) -> Vec<f32> {
    let mut values = vec![0f32; n];
    values.par_chunks_mut(4 * TASK_BLOCKS).enumerate().for_each(|(task, values)| {
        for (i, values) in values.chunks_mut(4).enumerate() {
            let block = (task * TASK_BLOCKS + i) as u64;
            let counter = [block as u32, (block >> 32) as u32, stage as u32, segment];
            let four = normals(philox4x32_10(counter, [seed as u32, (seed >> 32) as u32]));
            values.copy_from_slice(&four[..values.len()]);
        }
    });
    values
}

/// Box–Muller: bits to normal values, `(r·cos θ, r·sin θ)` from each pair.
fn normals(bits: [u32; 4]) -> [f32; 4] {
    let uniform = |bits: u32| (f64::from(bits) + 0.5) / 4_294_967_296.0;
    let pair = |a: u32, b: u32| {
        let radius = (-2.0 * uniform(a).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * uniform(b)).sin_cos();
        [(radius * cos) as f32, (radius * sin) as f32]
    };
    let ([a, b], [c, d]) = (pair(bits[0], bits[1]), pair(bits[2], bits[3]));
    [a, b, c, d]
}

/// Ten rounds of Philox with four words of 32 bits.
fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u64; 2] = [0xd251_1f53, 0xcd9e_8d57];
    const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
    for _ in 0..10 {
        let [a, b] = [MULTIPLIERS[0] * u64::from(counter[0]), MULTIPLIERS[1] * u64::from(counter[2])];
        counter = [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123, the authors' own implementation.
    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(philox4x32_10([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox4x32_10([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox4x32_10([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

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
