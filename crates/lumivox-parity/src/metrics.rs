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
}
