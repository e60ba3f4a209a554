//! Several measurements of one thing.

use serde::{Deserialize, Serialize};

/// Median, 95th percentile and range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Least.
    pub min: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile; of fewer than 20 values the most.
    pub p95: f64,
    /// Most.
    pub max: f64,
}

impl Spread {
    /// Of `values`; of none, zeros.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let [min, p50, p95, max] = [0.0, 50.0, 95.0, 100.0].map(|percent| percentile(&values, percent));
        Self { min, p50, p95, max }
    }
}

/// The percentile of sorted values: the middle of the two nearest for the median of an even number, else the least value that `percent` % of all do not pass. 0 of
/// no values.
pub fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let n = sorted.len();
    if n == 0 {
        return 0.0;
    }
    if percent == 50.0 {
        return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
    }
    let rank = (percent / 100.0 * n as f64).ceil() as usize;
    sorted[rank.clamp(1, n) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_and_the_median_is_the_middle() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(percentile(&values, 95.0), 19.0);
        assert_eq!(percentile(&values, 50.0), 10.5);
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { min: 1.0, p50: 2.0, p95: 3.0, max: 3.0 });
        assert_eq!(Spread::of([]), Spread { min: 0.0, p50: 0.0, p95: 0.0, max: 0.0 });
    }
}
