//! Distances between our tensors and the reference's.

/// `‖got − want‖ / ‖want‖`; infinite where the lengths differ or a value is not finite.
pub fn relative_l2(got: &[f32], want: &[f32]) -> f64 {
    if got.len() != want.len() || got.iter().any(|x| !x.is_finite()) {
        return f64::INFINITY;
    }
    let difference: f64 = got.iter().zip(want).map(|(&g, &w)| (f64::from(g) - f64::from(w)).powi(2)).sum();
    let reference: f64 = want.iter().map(|&w| f64::from(w).powi(2)).sum();
    if difference == 0.0 { 0.0 } else { (difference / reference).sqrt() }
}

/// Signal-to-noise ratio of `got` against `want`, in dB.
pub fn snr_db(got: &[f32], want: &[f32]) -> f64 {
    -20.0 * relative_l2(got, want).log10()
}

/// The largest `|got − want|`; infinite where the lengths differ or a value is not finite.
pub fn max_abs(got: &[f32], want: &[f32]) -> f64 {
    if got.len() != want.len() || got.iter().any(|x| !x.is_finite()) {
        return f64::INFINITY;
    }
    got.iter().zip(want).map(|(&g, &w)| (f64::from(g) - f64::from(w)).abs()).fold(0.0, f64::max)
}

/// Samples of a window of [`log_mel`].
const WINDOW: usize = 1024;
/// Samples from window to window.
const HOP: usize = 256;
/// Bands of the mel scale.
pub(crate) const BANDS: usize = 80;
/// The least magnitude; what is below counts as silence.
const FLOOR: f64 = 1e-5;

/// Mean `|got − want|` of the two's logarithmic mel spectrograms (natural logarithm of magnitudes, 80 bands up to half the sample rate, Hann windows of 1024
/// samples, each 256); infinite where the lengths differ.
pub fn log_mel_l1(got: &[f32], want: &[f32], sample_rate_hz: u32) -> f64 {
    if got.len() != want.len() {
        return f64::INFINITY;
    }
    let (got, want) = (log_mel(got, sample_rate_hz), log_mel(want, sample_rate_hz));
    got.iter().zip(&want).map(|(g, w)| (g - w).abs()).sum::<f64>() / got.len().max(1) as f64
}

/// The logarithmic mel spectrogram, window by window; the signal is padded with half a window of silence at both ends.
pub(crate) fn log_mel(samples: &[f32], sample_rate_hz: u32) -> Vec<f64> {
    let padding = [0f32; WINDOW / 2];
    let padded = [&padding, samples, &padding].concat();
    let (waves, filters) = (waves(), mel_filters(sample_rate_hz));
    let windows: Vec<&[f32]> = padded.windows(WINDOW).step_by(HOP).collect();
    let spectrum = |window: &[f32]| -> Vec<f64> {
        let dot = |wave: &[f32]| wave.iter().zip(window).map(|(w, x)| w * x).sum::<f32>();
        waves.iter().map(|(cos, sin)| f64::from(dot(cos)).hypot(f64::from(dot(sin)))).collect()
    };
    let bands = |window: &[f32]| -> Vec<f64> {
        let magnitudes = spectrum(window);
        let band = |filter: &Vec<f64>| filter.iter().zip(&magnitudes).map(|(f, m)| f * m).sum::<f64>();
        filters.iter().map(|filter| band(filter).max(FLOOR).ln()).collect()
    };
    windows.into_iter().flat_map(bands).collect()
}

/// A cosine and a sine of each frequency of the transform, windowed.
fn waves() -> Vec<(Vec<f32>, Vec<f32>)> {
    use std::f64::consts::TAU;
    let angle = |bin: usize, i: usize| TAU * (bin * i % WINDOW) as f64 / WINDOW as f64;
    let wave = |bin, f: fn(f64) -> f64| {
        (0..WINDOW).map(|i| ((0.5 - 0.5 * angle(1, i).cos()) * f(angle(bin, i))) as f32).collect()
    };
    (0..=WINDOW / 2).map(|bin| (wave(bin, f64::cos), wave(bin, f64::sin))).collect()
}

/// Triangles that are equally wide on the mel scale (`2595·log10(1 + f/700)`), each over all frequencies of the transform.
fn mel_filters(sample_rate_hz: u32) -> Vec<Vec<f64>> {
    let nyquist = f64::from(sample_rate_hz) / 2.0;
    let top = 2595.0 * (1.0 + nyquist / 700.0).log10();
    let edge = |i: usize| 700.0 * (10f64.powf(top * i as f64 / (BANDS + 1) as f64 / 2595.0) - 1.0);
    let bin_hz = |bin: usize| nyquist * bin as f64 / (WINDOW / 2) as f64;
    let triangle = |i: usize, f: f64| {
        let (low, middle, high) = (edge(i), edge(i + 1), edge(i + 2));
        ((f - low) / (middle - low)).min((high - f) / (high - middle)).max(0.0)
    };
    (0..BANDS).map(|i| (0..=WINDOW / 2).map(|bin| triangle(i, bin_hz(bin))).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_their_definitions() {
        let (got, want) = ([3.0, 4.4], [3.0, 4.0]);
        assert!((relative_l2(&got, &want) - 0.08).abs() < 1e-7);
        assert!((snr_db(&got, &want) - 21.938).abs() < 1e-3);
        assert!((max_abs(&got, &want) - 0.4).abs() < 1e-7);
        assert_eq!(relative_l2(&want, &want), 0.0);
        assert_eq!(relative_l2(&[f32::NAN, 0.0], &want), f64::INFINITY);
        assert_eq!(max_abs(&[1.0], &want), f64::INFINITY);
    }

    #[test]
    fn log_mel_sees_loudness_and_pitch_but_not_phase() {
        let tone = |hz: f32, gain: f32, phase: f32| -> Vec<f32> {
            (0..8192).map(|i| gain * (i as f32 * hz / 22_050.0 * std::f32::consts::TAU + phase).sin()).collect()
        };
        let want = tone(500.0, 0.5, 0.0);
        assert_eq!(log_mel_l1(&want, &want, 22_050), 0.0);
        // Every band of a signal of half the amplitude is lower by ln 2, where it is above the floor.
        let noise: Vec<f32> = (0..8192u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e8 - 0.08).collect();
        let half: Vec<f32> = noise.iter().map(|x| x / 2.0).collect();
        assert!((log_mel_l1(&half, &noise, 22_050) - 2f64.ln()).abs() < 1e-3);
        // The middle of band 15 is 16 of 81 parts of the 3,176 mel up to 11,025 Hz: 627 mel, which are 521 Hz.
        let bands = log_mel(&tone(521.0, 0.5, 0.0), 22_050);
        let middle = &bands[16 * BANDS..17 * BANDS];
        let loudest = (0..BANDS).max_by(|a, b| middle[*a].total_cmp(&middle[*b])).unwrap();
        assert_eq!(loudest, 15);
        let (shifted, other) = (tone(500.0, 0.5, 1.0), tone(700.0, 0.5, 0.0));
        assert!(snr_db(&shifted, &want) < 1.0);
        assert!(log_mel_l1(&shifted, &want, 22_050) * 3.0 < log_mel_l1(&other, &want, 22_050));
        assert_eq!(log_mel_l1(&want[1..], &want, 22_050), f64::INFINITY);
    }
}
