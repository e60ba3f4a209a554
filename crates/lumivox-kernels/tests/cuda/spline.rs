//! The spline of neural spline flows against the CPU's, which its own tests hold to the spline's definition.

use lumivox_kernels::cuda::{Dtype, spline_inverse};
use proptest::prelude::*;

use crate::support::{flat, values};
use crate::{Part, ragged, row, signal, tensor, values_of};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A power of two as the scale, which costs the parameters of the CPU's nothing.
    #[test]
    fn spline_inverse_is_the_cpus_for_each_utterance(
        counts in prop::collection::vec(1usize..150, 1..4), bins in prop_oneof![1usize..12, Just(100), Just(500)], exponent in -4i32..2,
        tail_bound in 1f64..6.0, place in 0usize..3, seed in any::<u64>(),
    ) {
        let dims @ (batch, _, steps) = (counts.len(), 1, counts.iter().max().unwrap() + 2);
        let rows = 3 * bins - 1;
        let scale = 2f64.powi(exponent);
        // Some lie beyond the bound.
        let mut y: Vec<f32> = values(batch * steps, seed).iter().map(|y| 1.3 * tail_bound as f32 * y).collect();
        y[0] = if seed % 2 == 0 { tail_bound as f32 } else { -tail_bound as f32 };
        let parameters: Vec<f32> = values(batch * rows * steps, seed ^ 1).iter().map(|p| 5.0 * p).collect();
        let parameters_there = ragged(Dtype::F32, &parameters, (batch, rows, steps), &counts);
        let y_there = ragged(Dtype::F32, &y, dims, &counts);
        let part = Part::new(Dtype::F32, None, dims, &counts);
        let out = [None, Some(part.signal()), Some(y_there.clone())][place].clone();
        let x = spline_inverse(&y_there, &parameters_there, scale, tail_bound, out).unwrap();
        let x = if place == 1 { part.values() } else { values_of(&x) };
        for (b, &count) in counts.iter().enumerate() {
            let alone: Vec<f32> = (0..rows).flat_map(|r| {
                let scale = if r < 2 * bins { scale as f32 } else { 1.0 };
                row(&parameters, (batch, rows, steps), b, r, count).iter().map(move |p| p * scale)
            }).collect();
            let want = lumivox_kernels::spline_inverse(
                &tensor(row(&y, dims, b, 0, count), (1, 1, count)), &tensor(&alone, (1, rows, count)), tail_bound,
            ).unwrap();
            for (t, (got, want)) in row(&x, dims, b, 0, count).iter().zip(flat(&want)).enumerate() {
                prop_assert!((got - want).abs() <= 1e-7 * want.abs().max(1.0), "utterance {b} step {t}: {got} for {want}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let zeros =
        |dtype, channels: usize, steps: usize| signal(dtype, &vec![0.0; channels * steps], (1, channels, steps));
    let run = |y: &_, parameters: &_, out| spline_inverse(y, parameters, 1.0, 5.0, out).map(|_| ());
    let (y, parameters) = (zeros(Dtype::F32, 1, 7), zeros(Dtype::F32, 29, 7));
    assert!(run(&y, &parameters, None).is_ok());
    assert!(run(&y, &zeros(Dtype::F32, 28, 7), None).is_err());
    assert!(run(&y, &zeros(Dtype::F32, 29, 6), None).is_err());
    assert!(run(&y, &zeros(Dtype::F16, 29, 7), None).is_err());
    assert!(run(&zeros(Dtype::F32, 2, 7), &parameters, None).is_err());
    assert!(run(&zeros(Dtype::F16, 1, 7), &parameters, None).is_err());
    assert!(run(&y, &parameters, Some(zeros(Dtype::F32, 2, 7))).is_err());
}
