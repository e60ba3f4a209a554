//! Noise: the CPU's to the last bit.

use lumivox_kernels::cuda::{Lengths, fill_normal};
use lumivox_kernels::normal_reference;
use proptest::prelude::*;

use crate::{DEVICE, lengths, values_of};

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever else is in the batch.
    #[test]
    fn normal_noise_is_its_definition_for_each_utterance(
        utterances in prop::collection::vec((1usize..900, any::<u64>(), any::<[u32; 2]>()), 1..5), channels in 1usize..6, scale in 0.1f32..2.0,
    ) {
        let counts: Vec<usize> = utterances.iter().map(|(count, ..)| *count).collect();
        let (seeds, streams): (Vec<u64>, Vec<[u32; 2]>) = utterances.iter().map(|(_, seed, stream)| (*seed, *stream)).unzip();
        let steps = counts.iter().max().unwrap() + 2;
        let there = lengths(&counts);
        let y = values_of(&fill_normal(&DEVICE, &seeds, &streams, [counts.len(), channels, steps], there, scale).unwrap());
        for (b, &count) in counts.iter().enumerate() {
            let want = normal_reference(seeds[b], streams[b], channels * count);
            for (i, want) in want.iter().enumerate() {
                let got = y[(b * channels + i / count) * steps + i % count];
                prop_assert_eq!(got, want * scale, "utterance {} index {}", b, i);
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let run = |seeds: usize, streams: usize, batch: usize| {
        fill_normal(&DEVICE, &vec![1; seeds], &vec![[0; 2]; streams], [batch, 1, 3], Lengths::default(), 1.0)
            .map(|_| ())
    };
    assert!(run(64, 64, 64).is_ok());
    assert!(run(65, 65, 65).is_err());
    assert!(run(1, 2, 2).is_err());
    assert!(run(2, 1, 2).is_err());
}
