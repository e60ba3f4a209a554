//! The transform and its inverse, each utterance as if it were alone.

use lumivox_kernels::cuda::{Dtype, Stft};
use lumivox_kernels::{istft_reference, stft_reference};
use proptest::prelude::*;

use crate::support::{flat, values};
use crate::{DEVICE, DTYPES, lengths, rounded, signal, tensor, values_of};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Lengths are `count·2·hop_length + extra`.
    #[test]
    fn stft_is_its_definition_for_each_utterance(
        half in 1usize..24, hop_length in 1usize..24, counts in prop::collection::vec(1usize..40, 1..4), extra in 0i32..30, seed in any::<u64>(),
    ) {
        let n_fft = 2 * half;
        prop_assume!(hop_length <= n_fft);
        let counts: Vec<usize> = counts.iter().map(|count| count + half).collect();
        let length_of = |count: usize| count * 2 * hop_length + extra as usize;
        let steps = length_of(*counts.iter().max().unwrap());
        let x = values(counts.len() * steps, seed);
        let there = signal(Dtype::F32, &x, (counts.len(), 1, steps)).with_lengths(lengths(&counts).scaled(2 * hop_length, extra));
        let stft = Stft::new(&DEVICE, n_fft, hop_length).unwrap();
        let bins = stft.bins();
        for (dtype, rounding) in DTYPES {
            let y = stft.transform(&there, dtype).unwrap();
            let (frames, got) = (y.dims().2, values_of(&y));
            prop_assert_eq!(y.dims(), (counts.len(), 2 * bins, steps / hop_length + 1));
            for (b, &count) in counts.iter().enumerate() {
                let want = stft_reference(&x[b * steps..][..length_of(count)], n_fft, hop_length);
                for (frame, want) in want.iter().enumerate() {
                    let largest = want.iter().fold(0f64, |largest, (re, im)| largest.max(re.hypot(*im)));
                    for (bin, (re, im)) in want.iter().enumerate() {
                        let at = |row: usize| f64::from(got[(b * 2 * bins + row) * frames + frame]);
                        let (magnitude, phase) = (at(bin), at(bins + bin));
                        let difference = (magnitude * phase.cos() - re).hypot(magnitude * phase.sin() - im);
                        // Phases up to π are rounded, too.
                        let bound = 1e-6 + if dtype == Dtype::F16 { 5.0 * rounding } else { 0.0 };
                        prop_assert!(difference <= bound * largest + 1e-7, "{:?} utterance {} frame {} bin {}: {} of {}", dtype, b, frame, bin, difference, largest);
                    }
                }
            }
        }
    }

    #[test]
    fn istft_is_its_definition_for_each_utterance(quarter in 1usize..6, counts in prop::collection::vec(1usize..300, 1..4), seed in any::<u64>()) {
        let (n_fft, hop_length) = (4 * quarter, quarter);
        let bins = n_fft / 2 + 1;
        let frames = counts.iter().max().unwrap() + 2;
        let all: Vec<f32> = values(counts.len() * 2 * bins * frames, seed).iter().map(|x| 3.0 * x).collect();
        let stft = Stft::new(&DEVICE, n_fft, hop_length).unwrap();
        for (dtype, _) in DTYPES {
            let all = rounded(dtype, &all);
            // An utterance has a frame more than its count.
            let there = signal(dtype, &all, (counts.len(), 2 * bins, frames)).with_lengths(lengths(&counts).scaled(1, 1));
            let y = stft.inverse_exp_sin(&there).unwrap();
            let (samples, got) = (y.dims().2, values_of(&y));
            prop_assert_eq!((y.dtype(), samples), (Dtype::F32, (frames - 1) * hop_length));
            for (b, &count) in counts.iter().enumerate() {
                let x = |row: usize, frame: usize| f64::from(all[(b * 2 * bins + row) * frames + frame]);
                let coefficient = |frame: usize, bin: usize| {
                    let (magnitude, phase) = (x(bin, frame).exp(), x(bins + bin, frame).sin());
                    (magnitude * phase.cos(), magnitude * phase.sin())
                };
                let spectrum: Vec<Vec<(f64, f64)>> = (0..=count).map(|frame| (0..bins).map(|bin| coefficient(frame, bin)).collect()).collect();
                for (i, want) in istft_reference(&spectrum, n_fft, hop_length).iter().enumerate() {
                    let got = f64::from(got[b * samples + i]);
                    // Magnitudes up to e³, twice, over a weight that is 3/8·4, and less at the ends.
                    prop_assert!((got - want).abs() <= 1e-4, "{:?} utterance {} sample {}: {} for {}", dtype, b, i, got, want);
                }
            }
        }
    }
}

/// Kokoro's shapes, for enough frames that blocks meet, against the CPU's ops.
#[test]
fn both_are_what_the_cpu_has() {
    let on_host = lumivox_kernels::Stft::new(20, 5).unwrap();
    let stft = Stft::new(&DEVICE, 20, 5).unwrap();
    let x = values(6000, 1);
    let want = flat(&on_host.transform(&tensor(&x, (1, 6000))).unwrap());
    let y = stft.transform(&signal(Dtype::F32, &x, (1, 1, 6000)), Dtype::F32).unwrap();
    let got = values_of(&y);
    for (row, (got, want)) in got.chunks(1201).zip(want.chunks(1201)).enumerate() {
        for (frame, (got, want)) in got.iter().zip(want).enumerate() {
            assert!((got - want).abs() <= 1e-6, "row {row} frame {frame}: {got} for {want}");
        }
    }
    let want = flat(&on_host.inverse_exp_sin(&y.to_tensor().unwrap()).unwrap());
    for (i, (got, want)) in values_of(&stft.inverse_exp_sin(&y).unwrap()).iter().zip(&want).enumerate() {
        assert!((got - want).abs() <= 2e-6 * 300.0, "sample {i}: {got} for {want}");
    }
}

#[test]
fn stft_gives_negative_dc_and_nyquist_the_phase_plus_pi() {
    let stft = Stft::new(&DEVICE, 20, 5).unwrap();
    let spectrum = values_of(&stft.transform(&signal(Dtype::F32, &[-1.0; 100], (1, 1, 100)), Dtype::F32).unwrap());
    let frames = 21;
    assert_eq!(spectrum[11 * frames..12 * frames], [std::f32::consts::PI; 21]);
    assert!((spectrum[0] - 10.0).abs() < 1e-6, "the window sums to n_fft/2");
    // A quarter of the window before or behind a frame's middle, an impulse turns by half a circle in bin 2, whose imaginary part is what rounding leaves of zero.
    let mut impulse = [0.0; 100];
    impulse[50] = 1.0;
    let spectrum = values_of(&stft.transform(&signal(Dtype::F32, &impulse, (1, 1, 100)), Dtype::F32).unwrap());
    assert_eq!([9, 11].map(|frame| spectrum[(11 + 2) * frames + frame]), [std::f32::consts::PI; 2]);
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(Stft::new(&DEVICE, 5, 2).is_err());
    assert!(Stft::new(&DEVICE, 4, 5).is_err());
    let stft = Stft::new(&DEVICE, 20, 5).unwrap();
    let zeros = |dims: (usize, usize, usize)| signal(Dtype::F32, &vec![0.0; dims.0 * dims.1 * dims.2], dims);
    assert!(stft.transform(&zeros((1, 1, 11)), Dtype::F32).is_ok());
    assert!(stft.transform(&zeros((1, 1, 10)), Dtype::F32).is_err());
    assert!(stft.transform(&zeros((1, 2, 40)), Dtype::F32).is_err());
    let strange = zeros((1, 1, 40)).with_lengths(lengths(&[10]).scaled(4, 0));
    assert!(stft.transform(&strange, Dtype::F32).is_err());
    assert!(stft.inverse_exp_sin(&zeros((1, 21, 4))).is_err());
}
