//! What is done value by value: to the last bit, for each is rounded once.

use lumivox_kernels::cuda::{Dtype, add_delayed, broadcast_add, copy};
use proptest::prelude::*;

use crate::support::values;
use crate::{DTYPES, Part, ragged, rounded, row, signal};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn copies_are_the_values_in_the_other_type(
        counts in prop::collection::vec(1usize..700, 1..4), channels in 1usize..6, seed in any::<u64>(),
    ) {
        let dims @ (batch, _, steps) = (counts.len(), channels, counts.iter().max().unwrap() + 2);
        let x: Vec<f32> = values(batch * channels * steps, seed).iter().map(|x| 9.0 * x).collect();
        for ((from, _), (to, _)) in DTYPES.into_iter().flat_map(|from| DTYPES.map(|to| (from, to))) {
            let want = rounded(to, &rounded(from, &x));
            let part = Part::new(to, None, dims, &counts);
            copy(&ragged(from, &x, dims, &counts), part.signal()).unwrap();
            let y = part.values();
            for (b, &count) in counts.iter().enumerate() {
                for c in 0..channels {
                    prop_assert_eq!(row(&y, dims, b, c, count), row(&want, dims, b, c, count), "{:?} to {:?}", from, to);
                }
            }
        }
    }

    #[test]
    fn add_delayed_is_its_definition_for_each_utterance(
        delay in 0usize..20, extra in prop::collection::vec(1usize..600, 1..4), channels in 1usize..6, seed in any::<u64>(),
    ) {
        let shorter: Vec<usize> = extra.iter().map(|extra| delay + extra).collect();
        let counts: Vec<usize> = shorter.iter().map(|count| count + delay).collect();
        let dims @ (batch, _, steps) = (counts.len(), channels, counts.iter().max().unwrap() + 2);
        let x_dims = (batch, channels, steps - delay);
        let (x, y) = (values(batch * channels * (steps - delay), seed), values(batch * channels * steps, seed ^ 1));
        for (dtype, _) in DTYPES {
            let (x, mut y) = (rounded(dtype, &x), rounded(dtype, &y));
            for (i, y) in y.iter_mut().enumerate() {
                *y = if i % steps < counts[i / steps / channels] { *y } else { Part::UNTOUCHED };
            }
            let part = Part::new(dtype, Some(&y), dims, &counts);
            add_delayed(&part.signal(), &ragged(dtype, &x, x_dims, &shorter), delay).unwrap();
            let got = part.values();
            for (b, &count) in counts.iter().enumerate() {
                for c in 0..channels {
                    let (x, y) = (row(&x, x_dims, b, c, shorter[b]), row(&y, dims, b, c, count));
                    let sum: Vec<f32> = y.iter().enumerate().map(|(t, y)| y + x[t.abs_diff(delay)]).collect();
                    prop_assert_eq!(row(&got, dims, b, c, count), &rounded(dtype, &sum)[..], "{:?}", dtype);
                }
            }
        }
    }

    #[test]
    fn broadcast_add_is_its_definition_for_each_utterance(
        counts in prop::collection::vec(1usize..700, 1..4), channels in 1usize..6, seed in any::<u64>(),
    ) {
        let dims @ (batch, _, steps) = (counts.len(), channels, counts.iter().max().unwrap() + 2);
        let condition = values(batch * channels, seed);
        let there = Part::new(Dtype::F32, Some(&condition), (batch, channels, 1), &vec![1; batch]).signal();
        for (dtype, _) in DTYPES {
            let mut x = rounded(dtype, &values(batch * channels * steps, seed ^ 1));
            for (i, x) in x.iter_mut().enumerate() {
                *x = if i % steps < counts[i / steps / channels] { *x } else { Part::UNTOUCHED };
            }
            let part = Part::new(dtype, Some(&x), dims, &counts);
            broadcast_add(&part.signal(), &there).unwrap();
            let got = part.values();
            for (b, &count) in counts.iter().enumerate() {
                for c in 0..channels {
                    let sum: Vec<f32> = row(&x, dims, b, c, count).iter().map(|x| x + condition[b * channels + c]).collect();
                    prop_assert_eq!(row(&got, dims, b, c, count), &rounded(dtype, &sum)[..], "{:?}", dtype);
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let zeros =
        |dtype, channels: usize, steps: usize| signal(dtype, &vec![0.0; channels * steps], (1, channels, steps));
    let y = zeros(Dtype::F32, 3, 10);
    assert!(copy(&y, zeros(Dtype::F16, 3, 10)).is_ok() && copy(&y, zeros(Dtype::F32, 2, 10)).is_err());
    assert!(add_delayed(&y, &zeros(Dtype::F32, 3, 8), 2).is_ok());
    assert!(add_delayed(&y, &zeros(Dtype::F32, 3, 9), 2).is_err());
    assert!(add_delayed(&y, &zeros(Dtype::F16, 3, 8), 2).is_err());
    assert!(add_delayed(&y, &zeros(Dtype::F32, 3, 5), 5).is_err(), "5 steps can't be reflected 5 steps late");
    assert!(broadcast_add(&y, &zeros(Dtype::F32, 3, 1)).is_ok());
    assert!(broadcast_add(&y, &zeros(Dtype::F16, 3, 1)).is_err());
    assert!(broadcast_add(&y, &zeros(Dtype::F32, 2, 1)).is_err());
}
