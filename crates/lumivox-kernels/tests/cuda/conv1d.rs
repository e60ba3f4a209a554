//! Convolutions: all geometries, what is fused with them, and batches of unlike lengths.

use lumivox_kernels::cuda::{Activation, Conv1d, ConvTranspose1d, Dtype, Epilogue, Prologue, Signal};
use lumivox_kernels::{AdaIn, Conv1dConfig, ConvTranspose1dConfig, conv_transpose1d_reference, conv1d_reference};
use proptest::prelude::*;

use crate::support::{assert_close, values};
use crate::{DEVICE, DTYPES, lengths, rounded, signal, tensor, values_of};

/// How far a sum of `terms` products of values in -1..1 may be off: their sizes add up to a quarter of `terms`, and roundings of a sum go now up, now down.
fn bound(dtype: Dtype, terms: usize) -> f64 {
    match dtype {
        Dtype::F32 => (1e-6 * terms as f64 / 4.0 + 2e-6).min(1e-4),
        Dtype::F16 => 1e-3 * (terms as f64).sqrt() + 2e-3,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn conv1d_is_its_definition(
        batch in 1usize..3, c_in in 1usize..70, c_out in 1usize..80, taps in 1usize..12, dilation in 1usize..6, stride in 1usize..7,
        padding in 0usize..30, extra in 0usize..300, depthwise in any::<bool>(), seed in any::<u64>(),
    ) {
        let groups = if depthwise && c_in > 1 { c_in } else { 1 };
        let (c_in, c_out) = if groups > 1 { (1, groups) } else { (c_in, c_out) };
        let l_in = (dilation * (taps - 1) + 1 + extra).saturating_sub(2 * padding).max(1);
        prop_assume!(l_in + 2 * padding > dilation * (taps - 1));
        let config = Conv1dConfig { padding, stride, dilation, groups, ..Default::default() };
        for (dtype, _) in DTYPES {
            let x = rounded(dtype, &values(batch * groups * c_in * l_in, seed));
            let weight = rounded(dtype, &values(c_out * c_in * taps, seed ^ 1));
            let bias = values(c_out, seed ^ 2);
            let want = conv1d_reference(&x, [batch, groups * c_in, l_in], &weight, [c_out, c_in, taps], &bias, config);
            let conv = Conv1d::new(&DEVICE, dtype, &tensor(&weight, (c_out, c_in, taps)), Some(&tensor(&bias, c_out)), config).unwrap();
            let y = conv.fused(&signal(dtype, &x, (batch, groups * c_in, l_in)), Prologue::default(), Epilogue::default()).unwrap();
            assert_close(&values_of(&y), &want, bound(dtype, c_in * taps), &format!("{dtype:?}"));
        }
    }

    #[test]
    fn conv_transpose1d_is_its_definition(
        batch in 1usize..3, c_in in 1usize..70, c_out in 1usize..70, taps in 1usize..25, stride in 1usize..12, padding in 0usize..10,
        output_padding in 0usize..2, l_in in 1usize..150, depthwise in any::<bool>(), seed in any::<u64>(),
    ) {
        prop_assume!((l_in - 1) * stride + taps + output_padding > 2 * padding && output_padding < stride);
        let groups = if depthwise && c_in > 1 { c_in } else { 1 };
        let (c_in, c_out) = if groups > 1 { (1, 1) } else { (c_in, c_out) };
        let config = ConvTranspose1dConfig { padding, output_padding, stride, groups };
        for (dtype, _) in DTYPES {
            let x = rounded(dtype, &values(batch * groups * c_in * l_in, seed));
            let weight = rounded(dtype, &values(groups * c_in * c_out * taps, seed ^ 1));
            let bias = values(groups * c_out, seed ^ 2);
            let want = conv_transpose1d_reference(&x, [batch, groups * c_in, l_in], &weight, [c_out, taps], &bias, config);
            let (weight, bias) = (tensor(&weight, (groups * c_in, c_out, taps)), tensor(&bias, groups * c_out));
            let conv = ConvTranspose1d::new(&DEVICE, dtype, &weight, Some(&bias), config).unwrap();
            let y = conv.fused(&signal(dtype, &x, (batch, groups * c_in, l_in)), Prologue::default(), Epilogue::default()).unwrap();
            assert_close(&values_of(&y), &want, bound(dtype, c_in * taps), &format!("{dtype:?}"));
        }
    }

    /// Activation, residual, scale and sum, for utterances of unlike lengths that each must come out as if they were alone.
    #[test]
    fn fused_conv1d_is_its_definition_for_each_utterance(
        counts in prop::collection::vec(1usize..200, 1..4), c_in in 1usize..40, c_out in 1usize..70, taps in (0usize..5).prop_map(|n| 2 * n + 1),
        dilation in 1usize..6, kind in 0usize..5, residual in 0usize..3, accumulate in any::<bool>(), seed in any::<u64>(),
    ) {
        let steps = 2 * (*counts.iter().max().unwrap() / 2 + 1);
        let batch = counts.len();
        let (x, alpha) = (values(batch * c_in * steps, seed), values(c_in, seed ^ 1));
        let alpha: Vec<f32> = alpha.iter().map(|a| 1.5 + a).collect();
        let (activation, on_host) = match kind {
            0 => (Activation::None, lumivox_kernels::Activation::None),
            1 => (Activation::LeakyRelu(0.2), lumivox_kernels::Activation::LeakyRelu(0.2)),
            2 => (Activation::Gelu, lumivox_kernels::Activation::Gelu),
            _ => (Activation::snake(&DEVICE, &alpha).unwrap(), lumivox_kernels::Activation::Snake(alpha)),
        };
        let config = Conv1dConfig::same(taps, dilation);
        let (added, before) = (values(batch * c_out * steps, seed ^ 2), values(batch * c_out * steps, seed ^ 3));
        let residual_steps = if residual == 2 { steps / 2 } else { steps };
        for (dtype, _) in DTYPES {
            let (x, weight) = (rounded(dtype, &x), rounded(dtype, &values(c_out * c_in * taps, seed ^ 4)));
            let (added, before) = (rounded(dtype, &added), rounded(dtype, &before));
            let bias = values(c_out, seed ^ 5);
            let conv = Conv1d::new(&DEVICE, dtype, &tensor(&weight, (c_out, c_in, taps)), Some(&tensor(&bias, c_out)), config).unwrap();
            let x_there = signal(dtype, &x, (batch, c_in, steps)).with_lengths(lengths(&counts));
            let added_there = signal(dtype, &added[..batch * c_out * residual_steps], (batch, c_out, residual_steps));
            let out = signal(dtype, &before, (batch, c_out, steps)).with_lengths(lengths(&counts));
            let epilogue = Epilogue { residual: (residual > 0).then_some(&added_there), scale: 0.7, out: Some(out), accumulate, ..Default::default() };
            let y = values_of(&conv.fused(&x_there, Prologue { affine: None, activation: activation.clone() }, epilogue).unwrap());
            for (b, &count) in counts.iter().enumerate() {
                let adain = AdaIn { eps: 0.0, activation: on_host.clone() };
                let alone: Vec<f32> = (0..c_in).flat_map(|c| {
                    let row = &x[(b * c_in + c) * steps..][..count];
                    activated(&adain, c, row)
                }).collect();
                let want = conv1d_reference(&alone, [1, c_in, count], &weight, [c_out, c_in, taps], &bias, config);
                for (i, want) in want.iter().enumerate() {
                    let (o, t) = (i / count, i % count);
                    let at = (b * c_out + o) * steps + t;
                    let residual = match residual {
                        0 => 0.0,
                        1 => f64::from(added[at]),
                        _ => f64::from(added[(b * c_out + o) * residual_steps + t / 2]),
                    };
                    let want = 0.7 * (want + residual) + if accumulate { f64::from(before[at]) } else { 0.0 };
                    let error = (f64::from(y[at]) - want).abs();
                    prop_assert!(error <= 2.0 * bound(dtype, c_in * taps), "{dtype:?} utterance {b} channel {o} step {t}: {} for {want}", y[at]);
                }
                for o in 0..c_out {
                    let behind = (b * c_out + o) * steps + count..(b * c_out + o + 1) * steps;
                    prop_assert_eq!(&y[behind.clone()], &before[behind], "{:?} utterance {}: written behind its end", dtype, b);
                }
            }
        }
    }
}

/// One channel's values behind the activation.
fn activated(adain: &AdaIn, channel: usize, x: &[f32]) -> Vec<f32> {
    x.iter()
        .map(|&x| match &adain.activation {
            lumivox_kernels::Activation::None => x,
            lumivox_kernels::Activation::LeakyRelu(slope) => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            lumivox_kernels::Activation::Gelu => {
                (f64::from(x) / 2.0 * (1.0 + libm::erf(f64::from(x) * std::f64::consts::FRAC_1_SQRT_2))) as f32
            }
            lumivox_kernels::Activation::Snake(alpha) => {
                let alpha = f64::from(alpha[channel]);
                (f64::from(x) + (alpha * f64::from(x)).sin().powi(2) / alpha) as f32
            }
        })
        .collect()
}

/// Shapes of the generator, for which there are enough blocks to take the large ones, and of the tensor cores.
#[test]
fn large_blocks_are_their_definition() {
    // Two blocks of 128 steps for each processor.
    let steps = 256 * DEVICE.processors().max(32);
    for (c_in, c_out, taps, dilation, steps) in [(40, 130, 3, 1, steps / 2), (33, 64, 11, 5, steps + 100)] {
        let config = Conv1dConfig::same(taps, dilation);
        for (dtype, _) in DTYPES {
            let x = rounded(dtype, &values(c_in * steps, 1));
            let weight = rounded(dtype, &values(c_out * c_in * taps, 2));
            let conv = Conv1d::new(&DEVICE, dtype, &tensor(&weight, (c_out, c_in, taps)), None, config).unwrap();
            let y = conv.fused(&signal(dtype, &x, (1, c_in, steps)), Prologue::default(), Epilogue::default()).unwrap();
            let want = conv1d_reference(&x, [1, c_in, steps], &weight, [c_out, c_in, taps], &vec![0.0; c_out], config);
            assert_close(&values_of(&y), &want, bound(dtype, c_in * taps), &format!("{dtype:?} k{taps} d{dilation}"));
        }
    }
}

/// Filters for each channel, and transposed convolutions, of utterances of unlike lengths.
#[test]
fn utterances_of_a_batch_come_out_as_if_they_were_alone() {
    let (counts, channels, steps) = ([37, 5, 61], 40, 61);
    let depthwise = Conv1dConfig { groups: channels, ..Conv1dConfig::same(3, 9) };
    let up = ConvTranspose1dConfig { padding: 2, stride: 4, ..Default::default() };
    let pool = ConvTranspose1dConfig { padding: 1, output_padding: 1, stride: 2, groups: channels };
    let weight = |c_in: usize, c_out: usize, taps: usize| tensor(&values(c_in * c_out * taps, 1), (c_in, c_out, taps));
    for (dtype, _) in DTYPES {
        let depthwise = Conv1d::new(&DEVICE, dtype, &weight(channels, 1, 3), None, depthwise).unwrap();
        let up = ConvTranspose1d::new(&DEVICE, dtype, &weight(channels, 33, 8), None, up).unwrap();
        let pool = ConvTranspose1d::new(&DEVICE, dtype, &weight(channels, 1, 3), None, pool).unwrap();
        let run = |x: &Signal| {
            let (p, e) = (Prologue::default, Epilogue::default);
            [depthwise.fused(x, p(), e()).unwrap(), up.fused(x, p(), e()).unwrap(), pool.fused(x, p(), e()).unwrap()]
        };
        let x = values(counts.len() * channels * steps, 2);
        let together = run(&signal(dtype, &x, (counts.len(), channels, steps)).with_lengths(lengths(&counts)));
        for (b, &count) in counts.iter().enumerate() {
            let row = |c: usize| &x[(b * channels + c) * steps..][..count];
            let alone: Vec<f32> = (0..channels).flat_map(row).copied().collect();
            let alone = run(&signal(dtype, &alone, (1, channels, count)));
            for (i, (together, alone)) in together.iter().zip(&alone).enumerate() {
                let ((_, c_out, all), (_, _, own)) = (together.dims(), alone.dims());
                let together = values_of(together);
                let row = |o: usize| &together[(b * c_out + o) * all..][..own];
                let together: Vec<f32> = (0..c_out).flat_map(row).copied().collect();
                assert_eq!(together, values_of(alone), "{dtype:?} op {i}, utterance {b}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let weight = tensor(&[1.0; 6], (2, 3, 1));
    let conv = Conv1d::new(&DEVICE, Dtype::F32, &weight, None, Conv1dConfig::default()).unwrap();
    let run = |x: &Signal, epilogue: Epilogue| {
        conv.fused(x, Prologue::default(), epilogue).map(|_| ()).map_err(|error| error.to_string())
    };
    let x = signal(Dtype::F32, &[0.0; 30], (1, 3, 10));
    assert!(run(&x, Epilogue::default()).is_ok());
    assert!(run(&signal(Dtype::F16, &[0.0; 30], (1, 3, 10)), Epilogue::default()).is_err());
    assert!(run(&signal(Dtype::F32, &[0.0; 30], (1, 2, 15)), Epilogue::default()).is_err());
    assert!(run(&x, Epilogue { residual: Some(&x), ..Default::default() }).is_err());
    assert!(run(&x, Epilogue { out: Some(x.clone()), ..Default::default() }).is_err());
    assert!(run(&x, Epilogue { accumulate: true, ..Default::default() }).is_err());
    let grouped = Conv1dConfig { groups: 2, ..Default::default() };
    assert!(Conv1d::new(&DEVICE, Dtype::F32, &weight, None, grouped).is_err());
}
