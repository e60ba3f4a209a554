//! The gate of WaveNet.

use lumivox_kernels::cuda::{Dtype, gate};
use lumivox_kernels::gate_reference;
use proptest::prelude::*;

use crate::support::values;
use crate::{DTYPES, Part, ragged, rounded, row, signal, values_of};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn gate_is_its_definition_for_each_utterance(
        counts in prop::collection::vec(1usize..700, 1..4), half in 1usize..6, conditioned in any::<bool>(), seed in any::<u64>(),
    ) {
        let dims @ (batch, _, steps) = (counts.len(), 2 * half, counts.iter().max().unwrap() + 2);
        let x: Vec<f32> = values(batch * 2 * half * steps, seed).iter().map(|x| 6.0 * x).collect();
        let condition = values(batch * 2 * half, seed ^ 1);
        let there = Part::new(Dtype::F32, Some(&condition), (batch, 2 * half, 1), &vec![1; batch]).signal();
        for (dtype, rounding) in DTYPES {
            let x = rounded(dtype, &x);
            let y = values_of(&gate(&ragged(dtype, &x, dims, &counts), conditioned.then_some(&there)).unwrap());
            for (b, &count) in counts.iter().enumerate() {
                for c in 0..half {
                    let of = |c: usize| {
                        let added = if conditioned { condition[b * 2 * half + c] } else { 0.0 };
                        row(&x, dims, b, c, count).iter().map(move |x| x + added)
                    };
                    let got = row(&y, (batch, half, steps), b, c, count);
                    for (t, ((v, w), got)) in of(c).zip(of(half + c)).zip(got).enumerate() {
                        let want = gate_reference(v, w);
                        let error = (f64::from(*got) - want).abs();
                        prop_assert!(error <= 1e-6 + rounding, "{dtype:?} utterance {b} channel {c} step {t}: {got} for {want}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = |channels: usize| signal(Dtype::F16, &vec![0.0; channels * 10], (1, channels, 10));
    let condition = |dtype, channels: usize| signal(dtype, &vec![0.0; channels], (1, channels, 1));
    assert!(gate(&x(4), Some(&condition(Dtype::F32, 4))).is_ok());
    assert!(gate(&x(3), None).is_err());
    assert!(gate(&x(4), Some(&condition(Dtype::F32, 2))).is_err());
    assert!(gate(&x(4), Some(&condition(Dtype::F16, 4))).is_err());
}
