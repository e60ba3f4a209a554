//! Embeddings, durations and what is expanded by them, each utterance as if it were alone.

use candle_core::Result;
use lumivox_kernels::cuda::{Dtype, Durations, Embedding, Ids, Signal, sample_prior};
use lumivox_kernels::sample_prior_reference;
use proptest::prelude::*;

use crate::support::values;
use crate::{DEVICE, DTYPES, lengths, rounded, signal, tensor, values_of};

/// Whole numbers below `end`.
fn numbers(n: usize, end: u32, seed: u64) -> Vec<u32> {
    values(n, seed).iter().map(|x| ((x + 1.0) / 2.0 * end as f32) as u32 % end).collect()
}

/// Frames for each token of each utterance, none for some of them.
fn durations(counts: &[usize], seed: u64) -> Vec<Vec<u32>> {
    let mut rows: Vec<Vec<u32>> = counts.iter().enumerate().map(|(b, &n)| numbers(n, 6, seed ^ b as u64)).collect();
    // An utterance of no frames would have nothing to compare.
    rows.iter_mut().for_each(|row| row[0] += 1);
    rows
}

fn slices(rows: &[Vec<u32>]) -> Vec<&[u32]> {
    rows.iter().map(Vec::as_slice).collect()
}

/// The token of each frame.
fn tokens_of(durations: &[u32]) -> Vec<usize> {
    durations.iter().enumerate().flat_map(|(token, &frames)| std::iter::repeat_n(token, frames as usize)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn embeddings_are_their_definition(
        counts in prop::collection::vec(1usize..100, 1..4), channels in 1usize..80, rows in 1usize..200, positions in any::<bool>(), seed in any::<u64>(),
    ) {
        let tokens = *counts.iter().max().unwrap();
        let ids: Vec<Vec<u32>> = counts.iter().enumerate().map(|(b, &n)| numbers(n, rows as u32, seed ^ b as u64)).collect();
        let (table, added) = (values(rows * channels, seed ^ 8), values(tokens * channels, seed ^ 9));
        let embedding = Embedding::new(&DEVICE, &tensor(&table, (rows, channels))).unwrap();
        let positional = Embedding::new(&DEVICE, &tensor(&added, (tokens, channels))).unwrap();
        let there = Ids::new(&DEVICE, &slices(&ids)).unwrap();
        prop_assert_eq!((there.batch(), there.tokens()), (counts.len(), tokens));
        let y = embedding.forward(&there, positions.then_some(&positional), 1.5).unwrap();
        prop_assert_eq!(y.dims(), (counts.len(), channels, tokens));
        let y = values_of(&y);
        for (b, ids) in ids.iter().enumerate() {
            for (t, &id) in ids.iter().enumerate() {
                for c in 0..channels {
                    let position = if positions { added[t * channels + c] } else { 0.0 };
                    let (got, want) = (y[(b * channels + c) * tokens + t], (table[id as usize * channels + c] + position) * 1.5);
                    prop_assert!((got - want).abs() <= 4e-7, "utterance {} step {} channel {}: {} for {}", b, t, c, got, want);
                }
            }
        }
    }

    /// Sums near the middle between two whole numbers are left out: there the order of summation decides.
    #[test]
    fn durations_are_their_definitions(
        counts in prop::collection::vec(1usize..700, 1..4), channels in 1usize..60, pace in 0.5f32..2.0, seed in any::<u64>(),
    ) {
        let (batch, tokens) = (counts.len(), counts.iter().max().unwrap() + 1);
        let logits: Vec<f32> = values(batch * channels * tokens, seed).iter().map(|x| 8.0 * x - 2.0).collect();
        let logw: Vec<f32> = values(batch * tokens, seed ^ 1).iter().map(|x| 4.0 * x).collect();
        let there = |x: &[f32], channels| signal(Dtype::F32, x, (batch, channels, tokens)).with_lengths(lengths(&counts));
        let kokoro = Durations::from_logits(&there(&logits, channels), pace).unwrap();
        let vits = Durations::from_logs(&there(&logw, 1), pace).unwrap();
        let (kokoro_rows, vits_rows) = (kokoro.to_host().unwrap(), vits.to_host().unwrap());
        for (b, &count) in counts.iter().enumerate() {
            prop_assert_eq!((kokoro_rows[b].len(), vits_rows[b].len()), (count, count));
            for t in 0..count {
                let sigmoid = |c: usize| 1.0 / (1.0 + (-f64::from(logits[(b * channels + c) * tokens + t])).exp());
                let want = (0..channels).map(sigmoid).sum::<f64>() / f64::from(pace);
                let got = f64::from(kokoro_rows[b][t]);
                prop_assert!(((want - want.floor()) - 0.5).abs() < 1e-4 || got == want.round_ties_even().max(1.0), "{} for {}", got, want);
                let want = f64::from(logw[b * tokens + t]).exp() * f64::from(pace);
                let got = f64::from(vits_rows[b][t]);
                prop_assert!((want - want.round()).abs() < 1e-4 || got == want.ceil(), "{} for {}", got, want);
            }
        }
        // Expanding by them takes their sums, which the kernels made.
        let index: Vec<f32> = (0..batch * tokens).map(|i| (i % tokens) as f32).collect();
        for (durations, rows) in [(kokoro, kokoro_rows), (vits, vits_rows)] {
            let frames = rows.iter().map(|row| row.iter().sum::<u32>()).max().unwrap() as usize;
            let y = durations.expand(&signal(Dtype::F32, &index, (batch, 1, tokens)), frames, None).unwrap();
            let y = values_of(&y);
            for (b, row) in rows.iter().enumerate() {
                for (f, token) in tokens_of(row).into_iter().enumerate() {
                    prop_assert_eq!(y[b * frames + f], token as f32, "utterance {} frame {}", b, f);
                }
            }
        }
    }

    #[test]
    fn expanded_tokens_last_as_long_as_durations_say(
        counts in prop::collection::vec(1usize..200, 1..4), channels in 1usize..40, cut in any::<bool>(), seed in any::<u64>(),
    ) {
        let rows = durations(&counts, seed);
        let (batch, tokens) = (counts.len(), *counts.iter().max().unwrap());
        let there = Durations::from_host(&DEVICE, &slices(&rows)).unwrap();
        prop_assert_eq!(&there.to_host().unwrap(), &rows);
        let totals: Vec<usize> = rows.iter().map(|row| row.iter().sum::<u32>() as usize).collect();
        // With memory for less, the rest is dropped.
        let frames = if cut { totals.iter().max().unwrap().div_ceil(2) } else { totals.iter().max().unwrap() + 2 };
        for (dtype, _) in DTYPES {
            let x = rounded(dtype, &values(batch * channels * tokens, seed ^ 1));
            let x_there = signal(dtype, &x, (batch, channels, tokens));
            let before = rounded(dtype, &values(batch * (channels + 2) * frames, seed ^ 2));
            let whole = signal(dtype, &before, (batch, channels + 2, frames));
            there.expand(&x_there, frames, Some(whole.channels(1..channels + 1).unwrap())).unwrap();
            let own = there.expand(&x_there, frames, None).unwrap().with_lengths(there.lengths());
            let (whole, own) = (values_of(&whole), values_of(&own));
            for (b, row) in rows.iter().enumerate() {
                let tokens_of = tokens_of(row);
                for (c, f) in (0..channels + 2).flat_map(|c| (0..frames).map(move |f| (c, f))) {
                    let at = (b * (channels + 2) + c) * frames + f;
                    if (1..=channels).contains(&c) && f < totals[b] {
                        let want = x[(b * channels + c - 1) * tokens + tokens_of[f]];
                        prop_assert_eq!(whole[at], want, "{:?} utterance {} channel {} frame {}", dtype, b, c, f);
                        prop_assert_eq!(own[(b * channels + c - 1) * frames + f], want);
                    } else {
                        prop_assert_eq!(whole[at], before[at], "{:?} utterance {} channel {} frame {} is not the op's", dtype, b, c, f);
                    }
                }
            }
        }
    }

    #[test]
    fn sample_prior_is_its_definition_for_each_utterance(counts in prop::collection::vec(1usize..100, 1..4), channels in 1usize..40, seed in any::<u64>()) {
        let rows = durations(&counts, seed);
        let (batch, tokens) = (counts.len(), *counts.iter().max().unwrap());
        let frames = rows.iter().map(|row| row.iter().sum::<u32>()).max().unwrap() as usize;
        let stats: Vec<f32> = values(batch * 2 * channels * tokens, seed ^ 1).iter().map(|x| 5.0 * x).collect();
        let noise = values(batch * channels * frames, seed ^ 2);
        let there = Durations::from_host(&DEVICE, &slices(&rows)).unwrap();
        let stats_there = signal(Dtype::F32, &stats, (batch, 2 * channels, tokens));
        let y = values_of(&sample_prior(&stats_there, &there, &signal(Dtype::F32, &noise, (batch, channels, frames))).unwrap());
        for (b, row) in rows.iter().enumerate() {
            for (f, token) in tokens_of(row).into_iter().enumerate() {
                for c in 0..channels {
                    let stat = |c: usize| stats[(b * 2 * channels + c) * tokens + token];
                    let at = (b * channels + c) * frames + f;
                    let (mean, want) = (f64::from(stat(c)), sample_prior_reference(stat(c), stat(channels + c), noise[at]));
                    let bound = 5e-7 * (mean.abs() + (want - mean).abs());
                    prop_assert!((f64::from(y[at]) - want).abs() <= bound, "utterance {} frame {} channel {}: {} for {}", b, f, c, y[at], want);
                }
            }
        }
    }
}

/// A whole number and a half becomes the even one, and never less than one frame.
#[test]
fn kokoros_halves_round_to_even() {
    // Sigmoids of exactly a half.
    let rows = |channels: usize| {
        let logits = signal(Dtype::F32, &vec![0.0; channels * 2], (1, channels, 2));
        Durations::from_logits(&logits, 1.0).unwrap().to_host().unwrap()
    };
    assert_eq!([rows(1), rows(3), rows(5), rows(7)], [1, 2, 2, 4].map(|frames| vec![vec![frames; 2]]));
}

#[test]
fn what_does_not_fit_is_refused() {
    let zeros = |dims: (usize, usize, usize)| signal(Dtype::F32, &vec![0.0; dims.0 * dims.1 * dims.2], dims);
    assert!(Ids::new(&DEVICE, &[]).is_err());
    assert!(Ids::new(&DEVICE, &[&[], &[]]).is_err());
    let table = |rows: usize, channels: usize| {
        Embedding::new(&DEVICE, &tensor(&vec![0.0; rows * channels], (rows, channels))).unwrap()
    };
    let ids = Ids::new(&DEVICE, &[&[0, 4], &[1]]).unwrap();
    assert!(table(5, 3).forward(&ids, Some(&table(2, 3)), 1.0).is_ok());
    assert!(table(4, 3).forward(&ids, None, 1.0).is_err());
    assert!(table(5, 3).forward(&ids, Some(&table(1, 3)), 1.0).is_err());
    assert!(table(5, 3).forward(&ids, Some(&table(2, 2)), 1.0).is_err());
    let durations = Durations::from_host(&DEVICE, &[&[1, 2], &[3]]).unwrap();
    let run = |x: (usize, usize, usize), out: Option<Signal>| -> Result<()> {
        durations.expand(&zeros(x), 3, out).map(|_| ())
    };
    assert!(run((2, 4, 2), Some(zeros((2, 4, 3)))).is_ok());
    assert!(run((2, 4, 2), Some(zeros((2, 4, 4)))).is_err());
    assert!(run((2, 4, 3), None).is_err());
    assert!(run((1, 4, 2), None).is_err());
    assert!(sample_prior(&zeros((2, 4, 2)), &durations, &zeros((2, 2, 3))).is_ok());
    assert!(sample_prior(&zeros((2, 3, 2)), &durations, &zeros((2, 2, 3))).is_err());
    assert!(sample_prior(&zeros((2, 4, 2)), &durations, &zeros((1, 2, 3))).is_err());
    assert!(Durations::from_logs(&zeros((1, 2, 2)), 1.0).is_err());
    assert!(Durations::from_logits(&zeros((1, 2, 2)), 0.0).is_err());
    assert!(Durations::from_host(&DEVICE, &[]).is_err());
}
