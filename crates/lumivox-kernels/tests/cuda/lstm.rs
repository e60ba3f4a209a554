//! The recurrence over batches of unlike lengths, for few and many units.

use lumivox_kernels::cuda::{BiLstm, Dtype, Signal};
use lumivox_kernels::{LstmWeights, lstm_reference};
use proptest::prelude::*;

use crate::support::values;
use crate::{DEVICE, lengths, signal, tensor, values_of};

/// `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh` as LSTMs are initialised; with larger weights the recurrence is chaotic.
fn direction(width: usize, hidden: usize, seed: u64) -> [Vec<f32>; 4] {
    let bound = (hidden as f32).powf(-0.5);
    [4 * hidden * width, 4 * hidden * hidden, 4 * hidden, 4 * hidden]
        .map(|n| values(n, seed ^ n as u64 ^ 7).iter().map(|w| bound * w).collect())
}

fn lstm(directions: &[[Vec<f32>; 4]; 2], width: usize, hidden: usize) -> BiLstm {
    let tensors = directions.each_ref().map(|[ih, hh, bi, bh]| {
        let (ih, hh) = (tensor(ih, (4 * hidden, width)), tensor(hh, (4 * hidden, hidden)));
        [ih, hh, tensor(bi, 4 * hidden), tensor(bh, 4 * hidden)]
    });
    let [f, b] = &tensors;
    let forward = LstmWeights { weight_ih: &f[0], weight_hh: &f[1], bias_ih: &f[2], bias_hh: &f[3] };
    let backward = LstmWeights { weight_ih: &b[0], weight_hh: &b[1], bias_ih: &b[2], bias_hh: &b[3] };
    BiLstm::new(&DEVICE, forward, backward).unwrap()
}

/// Compares each utterance with the oracle for it alone.
fn check(counts: &[usize], width: usize, hidden: usize, seed: u64) {
    let (batch, steps) = (counts.len(), *counts.iter().max().unwrap() + 3);
    let x = values(batch * width * steps, seed);
    let directions = [direction(width, hidden, seed ^ 1), direction(width, hidden, seed ^ 2)];
    let lstm = lstm(&directions, width, hidden);
    let there = signal(Dtype::F32, &x, (batch, width, steps)).with_lengths(lengths(counts));
    // Between others' channels, which must not be touched.
    let before = values(batch * (2 * hidden + 3) * steps, seed ^ 3);
    let whole = signal(Dtype::F32, &before, (batch, 2 * hidden + 3, steps));
    lstm.forward(&there, Some(whole.channels(1..2 * hidden + 1).unwrap())).unwrap();
    let got = values_of(&whole);
    let mut largest = 0f64;
    for (b, &count) in counts.iter().enumerate() {
        let alone: Vec<f32> = (0..count)
            .flat_map(|t| (0..width).map(move |c| (c, t)))
            .map(|(c, t)| x[(b * width + c) * steps + t])
            .collect();
        let want = [false, true].map(|reverse| {
            let [ih, hh, bi, bh] = &directions[usize::from(reverse)];
            let bias: Vec<f32> = bi.iter().zip(bh).map(|(a, b)| a + b).collect();
            lstm_reference(&alone, [count, width], hidden, ih, hh, &bias, reverse)
        });
        for (c, t) in (0..2 * hidden + 3).flat_map(|c| (0..steps).map(move |t| (c, t))) {
            let at = (b * (2 * hidden + 3) + c) * steps + t;
            if (1..=2 * hidden).contains(&c) && t < count {
                let (direction, unit) = ((c - 1) / hidden, (c - 1) % hidden);
                largest = largest.max((f64::from(got[at]) - want[direction][t * hidden + unit]).abs());
                assert!(!got[at].is_nan(), "utterance {b} channel {c} step {t}");
            } else {
                assert_eq!(got[at], before[at], "utterance {b} channel {c} step {t} is not the op's");
            }
        }
    }
    assert!(largest <= 2e-5, "{counts:?} of {width} to {hidden}: {largest}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn bilstm_is_its_definition_for_each_utterance(
        counts in prop::collection::vec(1usize..40, 1..12), width in 1usize..24, hidden in 1usize..90, seed in any::<u64>(),
    ) {
        check(&counts, width, hidden, seed);
    }
}

/// A block a direction, many of them, and weights that do not fit shared memory.
#[test]
fn bilstm_is_its_definition_over_hundreds_of_steps() {
    check(&[400, 1, 311], 20, 16, 1);
    check(&[150], 40, 256, 2);
    check(&[4, 2], 8, 480, 3);
    check(&[3; 64], 5, 40, 4);
}

#[test]
fn utterances_as_long_as_memory_need_no_lengths() {
    let directions = [direction(3, 4, 1), direction(3, 4, 2)];
    let x = values(2 * 3 * 9, 3);
    let run = |x: Signal| values_of(&lstm(&directions, 3, 4).forward(&x, None).unwrap());
    let x = signal(Dtype::F32, &x, (2, 3, 9));
    assert_eq!(run(x.clone()), run(x.with_lengths(lengths(&[9, 9]))));
}

#[test]
fn what_does_not_fit_is_refused() {
    let lstm = lstm(&[direction(3, 4, 1), direction(3, 4, 2)], 3, 4);
    let run = |dtype, dims: (usize, usize, usize), out: Option<(usize, usize, usize)>| {
        let zeros = |dtype, dims: (usize, usize, usize)| signal(dtype, &vec![0.0; dims.0 * dims.1 * dims.2], dims);
        lstm.forward(&zeros(dtype, dims), out.map(|dims| zeros(Dtype::F32, dims))).map(|_| ())
    };
    assert!(run(Dtype::F32, (1, 3, 5), Some((1, 8, 5))).is_ok());
    assert!(run(Dtype::F32, (1, 3, 5), Some((1, 7, 5))).is_err());
    assert!(run(Dtype::F32, (1, 2, 5), None).is_err());
    assert!(run(Dtype::F16, (1, 3, 5), None).is_err());
    assert!(run(Dtype::F32, (65, 3, 1), None).is_err());
}
