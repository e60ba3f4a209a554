//! The harmonic source against its oracle and the CPU's op, whose phases it must round alike.

use lumivox_kernels::SineGen;
use lumivox_kernels::cuda::{self, Dtype};
use proptest::prelude::*;

use crate::support::{flat, values};
use crate::{DEVICE, lengths, signal, tensor, values_of};

fn sine_gen(upsample_scale: usize, harmonics: usize) -> SineGen {
    SineGen {
        sample_rate_hz: 24_000.0,
        upsample_scale,
        harmonics,
        sine_amp: 0.1,
        noise_std: 0.003,
        voiced_threshold_hz: 10.0,
    }
}

/// Compares each utterance with the oracle for it alone, and with the CPU.
fn check(counts: &[usize], upsample_scale: usize, harmonics: usize, seed: u64) {
    let (batch, frames) = (counts.len(), counts.iter().max().unwrap() + 1);
    let on_host = sine_gen(upsample_scale, harmonics);
    // Voiced in most frames.
    let f0: Vec<f32> = values(batch * frames, seed).iter().map(|x| (150.0 + 250.0 * x).max(0.0)).collect();
    let samples = frames * upsample_scale;
    let noise = values(batch * samples * harmonics, seed ^ 1);
    let (weight, bias) = (values(harmonics, seed ^ 2), values(1, seed ^ 3));
    let source = cuda::SineGen::new(&DEVICE, on_host.clone(), &weight, bias[0]).unwrap();
    let f0_there = signal(Dtype::F32, &f0, (batch, 1, frames)).with_lengths(lengths(counts));
    let noise_there = signal(Dtype::F32, &noise, (batch, 1, samples * harmonics));
    let got = values_of(&source.forward_merged(&f0_there, &noise_there).unwrap());
    for (b, &count) in counts.iter().enumerate() {
        let (f0, n) = (&f0[b * frames..][..count], count * upsample_scale);
        let (noise, got) = (&noise[b * samples * harmonics..][..n * harmonics], &got[b * samples..][..n]);
        let want = on_host.reference(f0, noise);
        let (f0, noise) = (tensor(f0, (1, count)), tensor(noise, (1, n, harmonics)));
        let host = on_host.forward_merged(&f0, &noise, &tensor(&weight, (1, harmonics)), &tensor(&bias, 1)).unwrap();
        for (i, (sines, host)) in want.chunks(harmonics).zip(flat(&host)).enumerate() {
            let sum: f64 = sines.iter().zip(&weight).map(|(x, &w)| x * f64::from(w)).sum();
            let want = (sum + f64::from(bias[0])).tanh();
            assert!((f64::from(got[i]) - want).abs() <= 1e-6, "utterance {b} sample {i}: {} for {want}", got[i]);
            assert!((got[i] - host).abs() <= 1e-6, "utterance {b} sample {i}: {} where the CPU has {host}", got[i]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sine_gen_is_its_definition_for_each_utterance(
        counts in prop::collection::vec(1usize..50, 1..4), upsample_scale in 1usize..310, harmonics in 1usize..10, seed in any::<u64>(),
    ) {
        check(&counts, upsample_scale, harmonics, seed);
    }
}

/// Kokoro's shapes over half a minute: phases of 1e5 radians and more, where any other rounding shows.
#[test]
fn phases_are_rounded_as_on_the_cpu() {
    check(&[1200], 300, 9, 1);
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(cuda::SineGen::new(&DEVICE, sine_gen(3, 2), &[1.0], 0.0).is_err());
    let source = cuda::SineGen::new(&DEVICE, sine_gen(3, 2), &[1.0, 0.5], 0.0).unwrap();
    let zeros = |dtype, dims: (usize, usize, usize)| signal(dtype, &vec![0.0; dims.0 * dims.1 * dims.2], dims);
    let f0 = zeros(Dtype::F32, (1, 1, 4));
    assert!(source.forward_merged(&f0, &zeros(Dtype::F32, (1, 1, 24))).is_ok());
    assert!(source.forward_merged(&f0, &zeros(Dtype::F32, (1, 1, 23))).is_err());
    assert!(source.forward_merged(&f0, &zeros(Dtype::F16, (1, 1, 24))).is_err());
    assert!(source.forward_merged(&zeros(Dtype::F32, (1, 2, 4)), &zeros(Dtype::F32, (1, 1, 24))).is_err());
}
