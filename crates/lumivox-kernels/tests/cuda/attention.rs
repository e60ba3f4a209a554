//! Self-attention: all sizes of heads, relative positions, and batches of unlike lengths.

use lumivox_kernels::attention_reference;
use lumivox_kernels::cuda::{Dtype, RelativePositions, attention};
use proptest::prelude::*;

use crate::support::values;
use crate::{DEVICE, DTYPES, ragged, rounded, row, signal, tensor, values_of};

/// Compares with the oracle, head by head of each utterance alone; with positions where there is a window.
fn attention_is_its_definition(counts: &[usize], heads: usize, d: usize, window: Option<usize>, seed: u64) {
    let (batch, channels, steps) = (counts.len(), heads * d, counts.iter().max().unwrap() + 1);
    let dims = (batch, 3 * channels, steps);
    // Scores that differ enough for some tokens to take most of the weight.
    let qkv: Vec<f32> = values(batch * 3 * channels * steps, seed).iter().map(|x| 2.0 * x).collect();
    let distances = 2 * window.unwrap_or(0) + 1;
    let [keys, positions] = [1, 2].map(|i| values(distances * d, seed ^ i));
    let there =
        RelativePositions::new(&DEVICE, &tensor(&keys, (distances, d)), &tensor(&positions, (distances, d))).unwrap();
    for (dtype, rounding) in DTYPES {
        let qkv = rounded(dtype, &qkv);
        let y = attention(&ragged(dtype, &qkv, dims, counts), heads, window.map(|_| &there)).unwrap();
        assert_eq!(y.dims(), (batch, channels, steps));
        let y = values_of(&y);
        for (b, &count) in counts.iter().enumerate() {
            for head in 0..heads {
                let operands: [Vec<f32>; 3] = [0, 1, 2].map(|i| {
                    (0..d).flat_map(|c| row(&qkv, dims, b, i * channels + head * d + c, count).to_vec()).collect()
                });
                let positions = window.map(|window| (&keys[..], &positions[..], window));
                let want = attention_reference([&operands[0], &operands[1], &operands[2]], count, positions);
                for (i, want) in want.iter().enumerate() {
                    let got = row(&y, (batch, channels, steps), b, head * d + i / count, count)[i % count];
                    let bound = 1e-5 + rounding * want.abs();
                    assert!(
                        (f64::from(got) - want).abs() <= bound,
                        "{dtype:?} utterance {b} head {head}, {i}: {got} for {want}"
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn attention_is_its_definition_for_each_utterance(
        counts in prop::collection::vec(1usize..110, 1..3), heads in 1usize..4, d in 1usize..100, window in prop::option::of(0usize..7), seed in any::<u64>(),
    ) {
        attention_is_its_definition(&counts, heads, d, window, seed);
    }
}

/// The largest heads, the widest windows, and more tokens than a text has.
#[test]
fn large_shapes_are_their_definition() {
    attention_is_its_definition(&[70, 33], 2, 128, Some(5), 1);
    attention_is_its_definition(&[90], 1, 96, Some(45), 2);
    attention_is_its_definition(&[4096, 1025], 1, 4, Some(4), 3);
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = |channels: usize| signal(Dtype::F32, &vec![0.0; channels * 5], (1, channels, 5));
    let positions = |rows: usize, d: usize| {
        let zeros = tensor(&vec![0.0; rows * d], (rows, d));
        RelativePositions::new(&DEVICE, &zeros, &zeros)
    };
    assert!(attention(&x(12), 2, None).is_ok() && attention(&x(12), 2, Some(&positions(9, 2).unwrap())).is_ok());
    assert!(attention(&x(12), 0, None).is_err() && attention(&x(12), 3, None).is_err());
    assert!(attention(&x(3 * 129), 1, None).is_err());
    assert!(attention(&x(12), 2, Some(&positions(9, 3).unwrap())).is_err());
    assert!(attention(&x(12), 2, Some(&positions(401, 2).unwrap())).is_err());
    assert!(positions(8, 2).is_err());
    assert!(RelativePositions::new(&DEVICE, &tensor(&[0.0; 3], (3, 1)), &tensor(&[0.0; 5], (5, 1))).is_err());
}
