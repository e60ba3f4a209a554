//! Convolutions against their scalar oracles, over odd shapes, on each instruction set of this CPU.

#![allow(clippy::unwrap_used)]

mod support;

use std::cell::Cell;

use lumivox_kernels::*;
use proptest::prelude::*;
use support::{assert_close, flat, on_every_isa, tensor, values};

/// `20·log10` of the root mean squares of `want` and of what `got` misses it by.
fn snr_db(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let error: f64 = got.iter().zip(want).map(|(&got, want)| (f64::from(got) - want).powi(2)).sum();
    10.0 * (want.iter().map(|want| want * want).sum::<f64>() / error).log10()
}

fn isa_named(name: &str) -> Isa {
    Isa::available().into_iter().find(|isa| isa.name() == name).unwrap()
}

/// Those of real models, those that need paths of their own, and one that has no fast one.
fn dilations() -> impl Strategy<Value = usize> {
    prop::sample::select(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 19, 48, 50][..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn conv1d_is_its_definition(
        batch in 1usize..3, groups in 1usize..4, c_in in 1usize..20, c_out in 1usize..20, taps in 1usize..12,
        dilation in 1usize..6, stride in 1usize..7, padding in 0usize..30, extra in 0usize..700, seed in any::<u64>(),
    ) {
        let l_in = (dilation * (taps - 1) + 1 + extra).saturating_sub(2 * padding).max(1);
        prop_assume!(l_in + 2 * padding > dilation * (taps - 1));
        let config = Conv1dConfig { padding, stride, dilation, groups, ..Default::default() };
        let x = values(batch * groups * c_in * l_in, seed);
        let weight = values(groups * c_out * c_in * taps, seed ^ 1);
        let bias = values(groups * c_out, seed ^ 2);
        let want = conv1d_reference(&x, [batch, groups * c_in, l_in], &weight, [groups * c_out, c_in, taps], &bias, config);
        let weight = tensor(&weight, (groups * c_out, c_in, taps));
        let conv = Conv1d::new(&weight, Some(&tensor(&bias, groups * c_out)), config).unwrap();
        let x = tensor(&x, (batch, groups * c_in, l_in));
        let bound = 2e-6 * (c_in * taps + 1) as f64;
        on_every_isa(|isa| {
            let y = conv.forward(&x).unwrap();
            assert_close(&flat(&y), &want, bound, isa);
            let twice = conv.forward_add(&x, &y).unwrap();
            let want: Vec<f64> = want.iter().map(|w| 2.0 * w).collect();
            assert_close(&flat(&twice), &want, 2.0 * bound, isa);
        });
    }

    #[test]
    fn conv_transpose1d_is_its_definition(
        batch in 1usize..3, groups in 1usize..4, c_in in 1usize..12, c_out in 1usize..12, taps in 1usize..31,
        stride in 1usize..22, padding in 0usize..10, output_padding in 0usize..2, l_in in 1usize..200, seed in any::<u64>(),
    ) {
        prop_assume!((l_in - 1) * stride + taps + output_padding > 2 * padding && output_padding < stride);
        let config = ConvTranspose1dConfig { padding, output_padding, stride, groups };
        let x = values(batch * groups * c_in * l_in, seed);
        let weight = values(groups * c_in * c_out * taps, seed ^ 1);
        let bias = values(groups * c_out, seed ^ 2);
        let want = conv_transpose1d_reference(&x, [batch, groups * c_in, l_in], &weight, [c_out, taps], &bias, config);
        let weight = tensor(&weight, (groups * c_in, c_out, taps));
        let conv = ConvTranspose1d::new(&weight, Some(&tensor(&bias, groups * c_out)), config).unwrap();
        let x = tensor(&x, (batch, groups * c_in, l_in));
        on_every_isa(|isa| {
            let y = conv.forward(&x).unwrap();
            assert_close(&flat(&y), &want, 2e-6 * (c_in * taps + 1) as f64, isa);
        });
    }

    #[test]
    fn fused_conv1d_is_its_definition(
        batch in 1usize..3, c_in in 1usize..40, c_out in 1usize..40, taps in 1usize..14, dilation in dilations(), extra in 0usize..900,
        algorithm in prop::sample::select(&[Algorithm::Direct, Algorithm::Winograd, Algorithm::Int8][..]), residual in any::<bool>(), accumulate in any::<bool>(), offset in -3f32..3.0, kind in 0usize..4, seed in any::<u64>(),
    ) {
        let steps = dilation * (taps - 1) + 2 + extra;
        let activation = match kind {
            0 => Activation::None,
            1 => Activation::LeakyRelu(0.2),
            2 => Activation::Gelu,
            _ => Activation::Snake(values(c_in, seed ^ 3).iter().map(|a| 1.5 + a).collect()),
        };
        let adain = AdaIn { eps: 1e-5, activation };
        let x: Vec<f32> = values(batch * c_in * steps, seed).iter().map(|x| 1.7 * x + offset).collect();
        let style = values(batch * 2 * c_in, seed ^ 1);
        let normed: Vec<f64> = x.chunks(steps).enumerate().flat_map(|(row, x)| {
            let (b, c) = (row / c_in, row % c_in);
            let style = &style[b * 2 * c_in..];
            adain_reference(x, style[c], style[c_in + c], &adain, c)
        }).collect();
        let normed: Vec<f32> = normed.into_iter().map(|x| x as f32).collect();
        let padding = (taps - 1) * dilation / 2;
        let config = Conv1dConfig { padding, dilation, algorithm, ..Default::default() };
        let (weight, bias) = (values(c_out * c_in * taps, seed ^ 4), values(c_out, seed ^ 5));
        let mut want = conv1d_reference(&normed, [batch, c_in, steps], &weight, [c_out, c_in, taps], &bias, config);
        let shape = (batch, c_out, want.len() / batch / c_out);
        let (added, before, scale) = (values(want.len(), seed ^ 6), values(want.len(), seed ^ 7), 0.7f32);
        for (i, y) in want.iter_mut().enumerate() {
            let y_and_residual = *y + if residual { f64::from(added[i]) } else { 0.0 };
            *y = f64::from(scale) * y_and_residual + if accumulate { f64::from(before[i]) } else { 0.0 };
        }
        let conv = Conv1d::new(&tensor(&weight, (c_out, c_in, taps)), Some(&tensor(&bias, c_out)), config).unwrap();
        let x = Signal::from_tensor(&tensor(&x, (batch, c_in, steps))).unwrap();
        let added = Signal::from_tensor(&tensor(&added, shape)).unwrap();
        on_every_isa(|isa| {
            let affine = adain.affine(&x.statistics(), &tensor(&style, (batch, 2 * c_in))).unwrap();
            let epilogue = Epilogue {
                residual: residual.then_some(&added),
                scale,
                add_to: accumulate.then(|| Signal::from_tensor(&tensor(&before, shape)).unwrap()),
                statistics: true,
            };
            let y = conv.fused(&x, adain.prologue(&affine), epilogue).unwrap();
            let got = flat(&y.to_tensor().unwrap());
            // Normalised values and weights are of the order of one.
            let bound = if algorithm == Algorithm::Int8 { 3e-2 } else { 4e-5 } * ((c_in * taps) as f64).sqrt();
            assert_close(&got, &want, bound, &format!("{isa} {algorithm:?}"));
            let (gathered, again) = (y.statistics(), Signal::from_tensor(&tensor(&got, shape)).unwrap().statistics());
            for ((mean, variance), (mean_again, variance_again)) in gathered.rows().zip(again.rows()) {
                assert!((mean - mean_again).abs() <= 1e-6 * (1.0 + variance.sqrt()), "{isa}: mean {mean} {mean_again}");
                assert!((variance - variance_again).abs() <= 1e-5 * (1.0 + variance), "{isa}: variance {variance} {variance_again}");
            }
        });
    }

    #[test]
    fn parts_are_the_whole(
        channels in 1usize..4, steps in 1usize..300, reach in 0usize..9, threads in 1usize..4, seed in any::<u64>(),
    ) {
        let taps = 2 * reach + 1;
        let weight = tensor(&values(channels * channels * taps, seed), (channels, channels, taps));
        let conv = Conv1d::new(&weight, None, Conv1dConfig::same(taps, 1)).unwrap();
        let x = tensor(&values(channels * steps, seed ^ 1), (1, channels, steps));
        let compute = |x: Signal| conv.fused(&x, Prologue::default(), Epilogue::default());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        on_every_isa(|isa| {
            let forced = || Isa::current().name();
            let compute = |x| {
                assert_eq!(forced(), isa);
                compute(x)
            };
            let parts = Signal::from_tensor(&x).unwrap();
            let parts = pool.install(|| with_isa(isa_named(isa), || parts.in_parts(reach, compute).unwrap()));
            assert_eq!(flat(&parts.into_tensor().unwrap()), flat(&conv.forward(&x).unwrap()), "{isa}");
        });
    }

    #[test]
    fn int8_sums_are_exact(
        batch in 1usize..3, c_in in 16usize..40, c_out in 16usize..40, taps in 1usize..14, dilation in 1usize..7,
        padding in 0usize..30, extra in 0usize..900, seed in any::<u64>(),
    ) {
        let steps = (dilation * (taps - 1) + 1 + extra).saturating_sub(2 * padding).max(1);
        prop_assume!(steps + 2 * padding > dilation * (taps - 1));
        // Integers that 8 bits hold as they are, once each block of input has both ends of the range and each row of weights the largest.
        let x: Vec<f32> = values(batch * c_in * steps, seed).iter().map(|x| (x * 90.0 + 37.0).round()).collect();
        let x: Vec<f32> = x.into_iter().enumerate().map(|(i, x)| match i / steps % c_in { 0 => -55.0, 1 => 200.0, _ => x }).collect();
        let mut weight: Vec<f32> = values(c_out * c_in * taps, seed ^ 1).iter().map(|w| (127.0 * w).round()).collect();
        for row in weight.chunks_mut(c_in * taps) {
            row[0] = -127.0;
        }
        let bias: Vec<f32> = values(c_out, seed ^ 2).iter().map(|b| (1000.0 * b).round()).collect();
        let config = Conv1dConfig { padding, dilation, algorithm: Algorithm::Int8, ..Default::default() };
        let want = conv1d_reference(&x, [batch, c_in, steps], &weight, [c_out, c_in, taps], &bias, config);
        let conv = Conv1d::new(&tensor(&weight, (c_out, c_in, taps)), Some(&tensor(&bias, c_out)), config).unwrap();
        let x = tensor(&x, (batch, c_in, steps));
        on_every_isa(|isa| {
            let got = flat(&conv.forward(&x).unwrap());
            for (i, (&got, &want)) in got.iter().zip(&want).enumerate() {
                // What remains is the rounding of a sum of up to 2³¹, of its scale and of its product with it.
                assert!((f64::from(got) - want).abs() <= 2e-7 * want.abs() + 1e-3, "{isa}: index {i}: {got} for {want}");
            }
        });
    }

    #[test]
    fn int8_is_its_reference_and_near_the_definition(
        batch in 1usize..3, c_in in 16usize..80, c_out in 16usize..40, taps in 1usize..12, dilation in 1usize..6, padding in 0usize..30,
        extra in 0usize..700, swing in 0f32..9.0, seed in any::<u64>(),
    ) {
        let steps = (dilation * (taps - 1) + 1 + extra).saturating_sub(2 * padding).max(1);
        prop_assume!(steps + 2 * padding > dilation * (taps - 1));
        // Louder and softer, so that each block has a scale of its own.
        let loudness = |i: usize| (swing * ((i % steps) as f32 / 50.0).sin()).exp2();
        let x: Vec<f32> = values(batch * c_in * steps, seed).iter().enumerate().map(|(i, x)| x * loudness(i)).collect();
        let (weight, bias) = (values(c_out * c_in * taps, seed ^ 1), values(c_out, seed ^ 2));
        let config = Conv1dConfig { algorithm: Algorithm::Int8, padding, dilation, ..Default::default() };
        let (x_dims, w_dims) = ([batch, c_in, steps], [c_out, c_in, taps]);
        let want = conv1d_int8_reference(&x, x_dims, &weight, w_dims, &bias, config);
        let definition = conv1d_reference(&x, x_dims, &weight, w_dims, &bias, config);
        let snr = snr_db(&want, &definition);
        prop_assert!(snr >= 30.0, "{snr} dB");
        let conv = Conv1d::new(&tensor(&weight, (c_out, c_in, taps)), Some(&tensor(&bias, c_out)), config).unwrap();
        let x = tensor(&x, (batch, c_in, steps));
        on_every_isa(|isa| assert_eq!(flat(&conv.forward(&x).unwrap()), want, "{isa}"));
    }
}

/// What [`Conv1d`] promises of noise that AdaIN and an activation have shaped, channels of unlike gain included.
#[test]
fn int8_error_of_normalised_signals_is_small() {
    let (channels, steps) = (128, 1500);
    let uniform: Vec<Vec<f32>> = (0..4).map(|i| values(channels * steps, 10 + i)).collect();
    // Sums of four are close to normal.
    let x: Vec<f32> = (0..channels * steps).map(|i| uniform.iter().map(|x| x[i]).sum()).collect();
    let style = values(2 * channels, 20);
    let alpha: Vec<f32> = values(channels, 21).iter().map(|a| 1.2 + a).collect();
    for activation in [Activation::None, Activation::LeakyRelu(0.1), Activation::Snake(alpha)] {
        let adain = AdaIn { eps: 1e-5, activation };
        for (taps, dilation) in [(1, 1), (3, 1), (3, 5), (7, 3), (11, 1), (11, 5)] {
            let weight = tensor(&values(channels * channels * taps, 22), (channels, channels, taps));
            let run = |algorithm| {
                let config = Conv1dConfig { algorithm, ..Conv1dConfig::same(taps, dilation) };
                let x = Signal::from_tensor(&tensor(&x, (1, channels, steps))).unwrap();
                let affine = adain.affine(&x.statistics(), &tensor(&style, (1, 2 * channels))).unwrap();
                let conv = Conv1d::new(&weight, None, config).unwrap();
                flat(&conv.fused(&x, adain.prologue(&affine), Epilogue::default()).unwrap().to_tensor().unwrap())
            };
            let exact: Vec<f64> = run(Algorithm::Direct).into_iter().map(f64::from).collect();
            let snr = snr_db(&run(Algorithm::Int8), &exact);
            assert!(snr >= 38.0, "{:?} k{taps} d{dilation}: {snr} dB", adain.activation);
        }
    }
}

/// The rounding of Toom-Cook for each kernel size that has a transform, against the definition in `f64`; `--nocapture` prints it beside that of direct convolution.
#[test]
fn toom_cook_rounds_little() {
    let (channels, steps) = (128, 400);
    for (taps, bound) in
        [(3, 2e-6), (5, 4e-6), (6, 8e-6), (7, 8e-6), (8, 8e-6), (9, 8e-6), (10, 8e-6), (11, 8e-6), (12, 8e-6)]
    {
        let weight = values(channels * channels * taps, 1);
        let x = values(channels * steps, 2);
        let padding = taps / 2;
        let errors = [Algorithm::Direct, Algorithm::Winograd].map(|algorithm| {
            let config = Conv1dConfig { padding, dilation: 1, algorithm, ..Default::default() };
            let shape = [channels, channels, taps];
            let want = conv1d_reference(&x, [1, channels, steps], &weight, shape, &vec![0.0; channels], config);
            let conv = Conv1d::new(&tensor(&weight, (channels, channels, taps)), None, config).unwrap();
            let worst = Cell::new(0f64);
            on_every_isa(|_| {
                let got = flat(&conv.forward(&tensor(&x, (1, channels, steps))).unwrap());
                worst.set(worst.get().max(10f64.powf(-snr_db(&got, &want) / 20.0)));
            });
            worst.get()
        });
        println!("{taps} taps: direct {:.1e}, Toom-Cook {:.1e}", errors[0], errors[1]);
        assert!(errors[1] <= bound, "{taps} taps: {:e}", errors[1]);
        assert!(errors[0] < errors[1], "{taps} taps: not computed by Toom-Cook");
    }
}

/// So many weights that they are kept as taps.
#[test]
fn toom_cook_of_many_channels_is_its_definition() {
    for (c_in, c_out, taps, dilation) in [(725, 730, 3, 2), (362, 355, 11, 1)] {
        let (steps, config) =
            (70, Conv1dConfig { algorithm: Algorithm::Winograd, ..Conv1dConfig::same(taps, dilation) });
        let (x, weight, bias) = (values(c_in * steps, 1), values(c_out * c_in * taps, 2), values(c_out, 3));
        let want = conv1d_reference(&x, [1, c_in, steps], &weight, [c_out, c_in, taps], &bias, config);
        let conv = Conv1d::new(&tensor(&weight, (c_out, c_in, taps)), Some(&tensor(&bias, c_out)), config).unwrap();
        on_every_isa(|isa| {
            let got = flat(&conv.forward(&tensor(&x, (1, c_in, steps))).unwrap());
            let error = 10f64.powf(-snr_db(&got, &want) / 20.0);
            assert!(error <= 8e-6, "{isa}, {taps} taps: {error:e}");
        });
    }
}
