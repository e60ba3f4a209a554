//! Normalisations over time and over channels.

use lumivox_kernels::cuda::{
    Activation, ChannelNorm, Conv1d, Dtype, Epilogue, Prologue, Signal, ada_layer_norm, instance_affine,
};
use lumivox_kernels::{AdaIn, Conv1dConfig, adain_reference, channel_norm_reference};
use proptest::prelude::*;

use crate::support::values;
use crate::{DEVICE, DTYPES, Part, ragged, rounded, row, signal, tensor, values_of};

/// What `instance_affine` gives, applied by a convolution that does nothing else, against its oracle.
fn instance_affine_is_its_definition(counts: &[usize], channels: usize, [offset, eps]: [f32; 2], seed: u64) {
    let dims @ (batch, _, steps) = (counts.len(), channels, counts.iter().max().unwrap() + 3);
    let x: Vec<f32> = values(batch * channels * steps, seed).iter().map(|x| 1.7 * x + offset).collect();
    let style = values(batch * 2 * channels, seed ^ 1);
    let style_there = Part::new(Dtype::F32, Some(&style), (batch, 2 * channels, 1), &vec![1; batch]).signal();
    let config = Conv1dConfig { groups: channels, ..Default::default() };
    for (dtype, rounding) in DTYPES {
        let x = rounded(dtype, &x);
        let x_there = ragged(dtype, &x, dims, counts);
        let affine = instance_affine(&x_there, &style_there, eps).unwrap();
        let one = Conv1d::new(&DEVICE, dtype, &tensor(&vec![1.0; channels], (channels, 1, 1)), None, config).unwrap();
        let prologue = Prologue { affine: Some(&affine), ..Default::default() };
        let y = values_of(&one.fused(&x_there, prologue, Epilogue::default()).unwrap());
        for (b, &count) in counts.iter().enumerate() {
            for c in 0..channels {
                let (gamma, beta) = (style[b * 2 * channels + c], style[(b * 2 + 1) * channels + c]);
                let alone = row(&x, dims, b, c, count);
                let want = adain_reference(
                    alone,
                    gamma,
                    beta,
                    &AdaIn { eps, activation: lumivox_kernels::Activation::None },
                    c,
                );
                let n = count as f64;
                let mean = alone.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
                let variance = alone.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
                let factor = 1.0 + f64::from(gamma).abs();
                let scale = factor / (variance + f64::from(eps)).sqrt();
                for ((t, want), got) in want.iter().enumerate().zip(row(&y, dims, b, c, count)) {
                    // Where values are far from zero, factor and offset are rounded as large as these make them.
                    let bound = 2e-6 * factor + 2e-7 * scale * f64::from(alone[t].abs()) + rounding * want.abs();
                    let error = (f64::from(*got) - want).abs();
                    assert!(error <= bound, "{dtype:?} utterance {b} channel {c} step {t}: {got} for {want}");
                }
            }
        }
    }
}

/// An activation for the device, and what it does.
fn activation(kind: usize, alpha: &[f32]) -> (Activation, impl Fn(usize, f64) -> f64) {
    let there = match kind {
        0 => Activation::None,
        1 => Activation::LeakyRelu(0.2),
        2 => Activation::GeluTanh,
        3 => Activation::Tanh,
        _ => Activation::snake(&DEVICE, alpha).unwrap(),
    };
    let alpha = alpha.to_vec();
    (there, move |c: usize, x: f64| match kind {
        0 => x,
        1 => x.max(f64::from(0.2f32) * x),
        2 => x / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh()),
        3 => x.tanh(),
        _ => x + (f64::from(alpha[c]) * x).sin().powi(2) / f64::from(alpha[c]),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn instance_affine_is_its_definition_for_each_utterance(
        counts in prop::collection::vec(1usize..1500, 1..4), channels in 2usize..20, offset in -3f32..3.0, seed in any::<u64>(),
    ) {
        instance_affine_is_its_definition(&counts, channels, [offset, 1e-5], seed);
    }

    /// With an activation, a residual, and outputs of their own, in a larger signal, in the input's place and in the residual's.
    #[test]
    fn channel_norm_is_its_definition_for_each_utterance(
        counts in prop::collection::vec(1usize..90, 1..4), channels in 1usize..300, offset in -2f32..2.0, kind in 0usize..5, has_residual in any::<bool>(),
        place in 0usize..4, seed in any::<u64>(),
    ) {
        let dims @ (batch, _, steps) = (counts.len(), channels, counts.iter().max().unwrap() + 2);
        let n = batch * channels * steps;
        let x: Vec<f32> = values(n, seed).iter().map(|x| 1.7 * x + offset).collect();
        let (gamma, beta, residual) = (values(channels, seed ^ 1), values(channels, seed ^ 2), values(n, seed ^ 3));
        let alpha: Vec<f32> = values(channels, seed ^ 4).iter().map(|a| 1.5 + a).collect();
        let (there, activated) = activation(kind, &alpha);
        let norm = ChannelNorm::new(&DEVICE, &tensor(&gamma, channels), &tensor(&beta, channels), 1e-3).unwrap();
        for (dtype, rounding) in DTYPES {
            let (x, residual) = (rounded(dtype, &x), rounded(dtype, &residual));
            let (x_there, residual_there) = (ragged(dtype, &x, dims, &counts), ragged(dtype, &residual, dims, &counts));
            let part = Part::new(dtype, None, dims, &counts);
            let out = match place {
                0 => None,
                1 => Some(part.signal()),
                2 => Some(x_there.clone()),
                _ => Some(residual_there.clone()),
            };
            let y = norm.fused(&x_there, &there, has_residual.then_some(&residual_there), out).unwrap();
            let y = if place == 1 { part.values() } else { values_of(&y) };
            for (b, &count) in counts.iter().enumerate() {
                for t in 0..count {
                    let at = |c: usize| (b * channels + c) * steps + t;
                    let column: Vec<f32> = (0..channels).map(|c| x[at(c)]).collect();
                    for (c, want) in channel_norm_reference(&column, &gamma, &beta, 1e-3).into_iter().enumerate() {
                        let want = activated(c, want) + if has_residual { f64::from(residual[at(c)]) } else { 0.0 };
                        // A snake is as steep as 2.
                        let bound = 2.0 * 2e-6 * (1.0 + f64::from(gamma[c]).abs()) + rounding * want.abs();
                        let error = (f64::from(y[at(c)]) - want).abs();
                        prop_assert!(error <= bound, "{dtype:?} utterance {b} channel {c} step {t}: {} for {want}", y[at(c)]);
                    }
                }
            }
        }
    }

    #[test]
    fn ada_layer_norm_is_its_definition_for_each_utterance(
        counts in prop::collection::vec(1usize..90, 1..4), channels in 1usize..300, offset in -2f32..2.0, seed in any::<u64>(),
    ) {
        let dims @ (batch, _, steps) = (counts.len(), channels, counts.iter().max().unwrap() + 2);
        let x: Vec<f32> = values(batch * channels * steps, seed).iter().map(|x| 1.7 * x + offset).collect();
        let style = values(batch * 2 * channels, seed ^ 1);
        let style_there = Part::new(Dtype::F32, Some(&style), (batch, 2 * channels, 1), &vec![1; batch]).signal();
        for (dtype, rounding) in DTYPES {
            let x = rounded(dtype, &x);
            let part = Part::new(dtype, None, dims, &counts);
            ada_layer_norm(&ragged(dtype, &x, dims, &counts), &style_there, 1e-5, Some(part.signal())).unwrap();
            let y = part.values();
            for (b, &count) in counts.iter().enumerate() {
                let (gamma, beta) = style[b * 2 * channels..][..2 * channels].split_at(channels);
                let gamma: Vec<f32> = gamma.iter().map(|gamma| 1.0 + gamma).collect();
                for t in 0..count {
                    let at = |c: usize| (b * channels + c) * steps + t;
                    let column: Vec<f32> = (0..channels).map(|c| x[at(c)]).collect();
                    for (c, want) in channel_norm_reference(&column, &gamma, beta, 1e-5).into_iter().enumerate() {
                        let bound = 2e-6 * (1.0 + f64::from(gamma[c])) + rounding * want.abs();
                        let error = (f64::from(y[at(c)]) - want).abs();
                        prop_assert!(error <= bound, "{dtype:?} utterance {b} channel {c} step {t}: {} for {want}", y[at(c)]);
                    }
                }
            }
        }
    }
}

/// Rows for which blocks are the largest, and means far beyond the deviation, which a sum of squares would not survive.
#[test]
fn long_rows_far_from_zero_are_normalised() {
    instance_affine_is_its_definition(&[30_000, 4_001], 2, [100.0, 1e-5], 5);
}

/// Signals for which blocks take 32 steps.
#[test]
fn long_signals_are_normalised_over_channels() {
    let (channels, steps) = (5, 5300);
    let x = values(channels * steps, 1);
    let (gamma, beta) = (values(channels, 2), values(channels, 3));
    let norm = ChannelNorm::new(&DEVICE, &tensor(&gamma, channels), &tensor(&beta, channels), 1e-5).unwrap();
    let y = norm.fused(&signal(Dtype::F32, &x, (1, channels, steps)), &Activation::None, None, None).unwrap();
    let y = values_of(&y);
    for t in 0..steps {
        let column: Vec<f32> = (0..channels).map(|c| x[c * steps + t]).collect();
        for (c, want) in channel_norm_reference(&column, &gamma, &beta, 1e-5).into_iter().enumerate() {
            assert!((f64::from(y[c * steps + t]) - want).abs() <= 4e-6, "channel {c} step {t}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = signal(Dtype::F32, &[0.0; 60], (2, 3, 10));
    let style = |dtype, dims: (usize, usize, usize)| signal(dtype, &vec![0.0; dims.0 * dims.1 * dims.2], dims);
    let ada = |style: &Signal, out| ada_layer_norm(&x, style, 1e-5, out).map(|_| ());
    assert!(ada(&style(Dtype::F32, (2, 6, 1)), None).is_ok());
    assert!(ada(&style(Dtype::F32, (2, 6, 1)), Some(style(Dtype::F16, (2, 3, 10)))).is_err());
    for wrong in [style(Dtype::F32, (2, 5, 1)), style(Dtype::F32, (1, 6, 1)), style(Dtype::F16, (2, 6, 1))] {
        assert!(ada(&wrong, None).is_err());
        assert!(instance_affine(&x, &wrong, 1e-5).is_err());
    }
    let norm = |channels: usize| {
        let one = tensor(&vec![1.0; channels], channels);
        ChannelNorm::new(&DEVICE, &one, &one, 1e-5).unwrap()
    };
    let shorter = signal(Dtype::F32, &[0.0; 54], (2, 3, 9));
    assert!(norm(4).fused(&x, &Activation::None, None, None).is_err());
    assert!(norm(3).fused(&x, &Activation::None, Some(&shorter), None).is_err());
    assert!(norm(3).fused(&x, &Activation::None, None, Some(shorter)).is_err());
    assert!(ChannelNorm::new(&DEVICE, &tensor(&[1.0; 3], 3), &tensor(&[1.0; 2], 2), 1e-5).is_err());
}
