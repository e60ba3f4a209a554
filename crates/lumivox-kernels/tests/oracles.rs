//! Every other op against its scalar oracle, over odd shapes, on each instruction set of this CPU, and what all ops refuse.

#![allow(clippy::unwrap_used)]

mod support;

use candle_core::Tensor;
use lumivox_kernels::*;
use proptest::prelude::*;
use support::{assert_close, flat, on_every_isa, tensor, values};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn gate_is_its_definition(batch in 1usize..3, half in 1usize..5, steps in 1usize..200, conditioned in any::<bool>(), seed in any::<u64>()) {
        let x: Vec<f32> = values(batch * 2 * half * steps, seed).iter().map(|x| 6.0 * x).collect();
        let condition = if conditioned { values(batch * 2 * half, seed ^ 1) } else { vec![0.0; batch * 2 * half] };
        let at = |row: usize, t: usize| x[row * steps + t] + condition[row];
        let want: Vec<f64> = (0..batch * half).flat_map(|row| {
            let first = row / half * 2 * half + row % half;
            (0..steps).map(move |t| (first, t))
        }).map(|(first, t)| gate_reference(at(first, t), at(first + half, t))).collect();
        let x = Signal::from_tensor(&tensor(&x, (batch, 2 * half, steps))).unwrap();
        let condition = conditioned.then(|| tensor(&condition, (batch, 2 * half, 1)));
        on_every_isa(|isa| assert_close(&flat(&gate(&x, condition.as_ref()).unwrap().to_tensor().unwrap()), &want, 1e-6, isa));
    }

    #[test]
    fn attention_is_its_definition(
        batch in 1usize..3, heads in 1usize..4, d in 1usize..70, tokens in 1usize..80, window in 0usize..6, relative in any::<bool>(), seed in any::<u64>(),
    ) {
        let [q, k, v] = [0, 1, 2].map(|i| values(batch * heads * d * tokens, seed ^ i));
        let (keys, rel_values) = (values((2 * window + 1) * d, seed ^ 3), values((2 * window + 1) * d, seed ^ 4));
        let positions = RelativePositions::new(&tensor(&keys, (2 * window + 1, d)), &tensor(&rel_values, (2 * window + 1, d))).unwrap();
        let head = d * tokens;
        let want: Vec<f64> = (0..batch * heads).flat_map(|i| {
            let operands = [&q, &k, &v].map(|x| &x[i * head..][..head]);
            attention_reference(operands, tokens, relative.then_some((&keys[..], &rel_values[..], window)))
        }).collect();
        let [q, k, v] = [&q, &k, &v].map(|x| tensor(x, (batch, heads * d, tokens)));
        let qkv = Signal::from_tensor(&Tensor::cat(&[q, k, v], 1).unwrap()).unwrap();
        on_every_isa(|isa| {
            let y = attention(&qkv, heads, relative.then_some(&positions)).unwrap();
            assert_close(&flat(&y.to_tensor().unwrap()), &want, 1e-5, isa);
        });
    }

    #[test]
    fn channel_norm_is_its_definition(
        batch in 1usize..3, channels in 1usize..300, steps in 1usize..70, offset in -2f32..2.0, seed in any::<u64>(),
    ) {
        let x: Vec<f32> = values(batch * channels * steps, seed).iter().map(|x| 1.7 * x + offset).collect();
        let (gamma, beta) = (values(channels, seed ^ 1), values(channels, seed ^ 2));
        let mut want = vec![0f64; x.len()];
        for b in 0..batch {
            for t in 0..steps {
                let at = |c: usize| (b * channels + c) * steps + t;
                let column: Vec<f32> = (0..channels).map(|c| x[at(c)]).collect();
                for (c, y) in channel_norm_reference(&column, &gamma, &beta, 1e-3).into_iter().enumerate() {
                    want[at(c)] = y;
                }
            }
        }
        let gelu = |x: &f64| x / 2.0 * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2));
        let activated: Vec<f64> = want.iter().zip(&x).map(|(y, x)| gelu(y) + f64::from(*x)).collect();
        let norm = ChannelNorm::new(&tensor(&gamma, channels), &tensor(&beta, channels), 1e-3).unwrap();
        on_every_isa(|isa| {
            let x = || Signal::from_tensor(&tensor(&x, (batch, channels, steps))).unwrap();
            assert_close(&flat(&norm.in_place(x()).unwrap().to_tensor().unwrap()), &want, 1e-5, isa);
            // With the input as the residual.
            let fused = norm.fused(x(), &Activation::Gelu, Some(&x())).unwrap().into_tensor().unwrap();
            assert_close(&flat(&fused), &activated, 1e-5, isa);
        });
    }

    #[test]
    fn prior_is_its_definition(
        batch in 1usize..3, channels in 1usize..20, durations in proptest::collection::vec(0u32..9, 0..20), seed in any::<u64>(),
    ) {
        let (tokens, frames) = (durations.len(), durations.iter().sum::<u32>() as usize);
        let (mean, noise) = (values(batch * channels * tokens, seed), values(batch * channels * frames, seed ^ 2));
        let logs: Vec<f32> = values(mean.len(), seed ^ 1).iter().map(|x| 3.0 * x).collect();
        let token_of: Vec<usize> = (0..tokens).flat_map(|token| vec![token; durations[token] as usize]).collect();
        let want = (0..noise.len()).map(|i| {
            let at = i / frames * tokens + token_of[i % frames];
            sample_prior_reference(mean[at], logs[at], noise[i])
        });
        let shaped = |x: &[f32], steps: usize| tensor(x, (batch, channels, steps));
        let got = sample_prior(&shaped(&mean, tokens), &shaped(&logs, tokens), &durations, &shaped(&noise, frames)).unwrap();
        assert_close(&flat(&got), &want.collect::<Vec<_>>(), 1e-5, "prior");
    }

    #[test]
    fn add_delayed_is_its_definition(channels in 1usize..5, steps in 2usize..300, delay in 0usize..2, seed in any::<u64>()) {
        let (x, y) = (values(channels * steps, seed), values(channels * (steps + delay), seed ^ 1));
        let want: Vec<f64> = (0..y.len()).map(|i| {
            let (channel, t) = (i / (steps + delay), i % (steps + delay));
            f64::from(y[i] + x[channel * steps + t.abs_diff(delay)])
        }).collect();
        let mut sum = Signal::from_tensor(&tensor(&y, (1, channels, steps + delay))).unwrap();
        sum.add_delayed(&Signal::from_tensor(&tensor(&x, (1, channels, steps))).unwrap(), delay).unwrap();
        assert_close(&flat(&sum.to_tensor().unwrap()), &want, 0.0, "add_delayed");
    }

    #[test]
    fn leaky_relu_is_its_definition(n in 1usize..400, slope in 0f32..1.0, seed in any::<u64>()) {
        let x = values(n, seed);
        let want: Vec<f64> = x.iter().map(|&x| f64::from(if x < 0.0 { slope * x } else { x })).collect();
        on_every_isa(|isa| assert_close(&flat(&leaky_relu(&tensor(&x, (n, 1)), slope).unwrap()), &want, 0.0, isa));
    }

    #[test]
    fn bilstm_is_its_definition(
        batch in 1usize..3, steps in 1usize..300, width in 1usize..24, hidden in 1usize..140, seed in any::<u64>(),
    ) {
        let x = values(batch * steps * width, seed);
        // As LSTMs are initialised; with larger weights the recurrence is chaotic, and no two orders of summation agree for long.
        let bound = (hidden as f32).powf(-0.5);
        let make = |n: usize, seed: u64| -> Vec<f32> { values(n, seed).iter().map(|w| bound * w).collect() };
        let directions: Vec<[Vec<f32>; 4]> = (0..2).map(|d| [
            make(4 * hidden * width, seed ^ (10 + d)), make(4 * hidden * hidden, seed ^ (20 + d)),
            make(4 * hidden, seed ^ (30 + d)), make(4 * hidden, seed ^ (40 + d)),
        ]).collect();
        let tensors: Vec<[Tensor; 4]> = directions.iter().map(|[ih, hh, bi, bh]| [
            tensor(ih, (4 * hidden, width)), tensor(hh, (4 * hidden, hidden)), tensor(bi, 4 * hidden), tensor(bh, 4 * hidden),
        ]).collect();
        let weights = |d: usize| LstmWeights {
            weight_ih: &tensors[d][0], weight_hh: &tensors[d][1], bias_ih: &tensors[d][2], bias_hh: &tensors[d][3],
        };
        let lstm = BiLstm::new(weights(0), weights(1)).unwrap();
        let mut want = vec![0f64; batch * steps * 2 * hidden];
        for b in 0..batch {
            for (d, [ih, hh, bi, bh]) in directions.iter().enumerate() {
                let bias: Vec<f32> = bi.iter().zip(bh).map(|(a, b)| a + b).collect();
                let states = lstm_reference(&x[b * steps * width..][..steps * width], [steps, width], hidden, ih, hh, &bias, d == 1);
                for t in 0..steps {
                    want[(b * steps + t) * 2 * hidden + d * hidden..][..hidden].copy_from_slice(&states[t * hidden..][..hidden]);
                }
            }
        }
        let x = tensor(&x, (batch, steps, width));
        on_every_isa(|isa| assert_close(&flat(&lstm.forward(&x).unwrap()), &want, 2e-5, isa));
    }

    #[test]
    fn linear_is_its_definition(rows in 1usize..300, c_in in 1usize..300, c_out in 1usize..200, seed in any::<u64>()) {
        let (x, weight, bias) = (values(rows * c_in, seed), values(c_out * c_in, seed ^ 1), values(c_out, seed ^ 2));
        let residual = values(rows * c_out, seed ^ 3);
        let want = linear_reference(&x, &weight, &bias);
        let linear = Linear::new(&tensor(&weight, (c_out, c_in)), Some(&tensor(&bias, c_out))).unwrap();
        let (x, shape) = (tensor(&x, (1, rows, c_in)), (1, rows, c_out));
        let bound = 2e-6 * (c_in + 1) as f64;
        on_every_isa(|isa| {
            assert_close(&flat(&linear.forward(&x).unwrap()), &want, bound, isa);
            let sum: Vec<f64> = want.iter().zip(&residual).map(|(y, x)| y + f64::from(*x)).collect();
            assert_close(&flat(&linear.forward_add(&x, &tensor(&residual, shape)).unwrap()), &sum, bound, isa);
            let gelu = |x: &f64| x / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
            let activated: Vec<f64> = want.iter().map(gelu).collect();
            assert_close(&flat(&linear.forward_gelu(&x).unwrap()), &activated, 1.2 * bound + 1e-5, isa);
        });
    }

    #[test]
    fn attention_qkvpacked_is_its_definition(
        batch in 1usize..3, tokens in 1usize..130, heads in 1usize..5, head_dim in 1usize..40, seed in any::<u64>(),
    ) {
        let channels = heads * head_dim;
        let qkv: Vec<f32> = values(batch * tokens * 3 * channels, seed).iter().map(|x| 3.0 * x).collect();
        let want: Vec<f64> =
            qkv.chunks(tokens * 3 * channels).flat_map(|qkv| attention_qkvpacked_reference(qkv, tokens, heads)).collect();
        let qkv = tensor(&qkv, (batch, tokens, 3 * channels));
        on_every_isa(|isa| assert_close(&flat(&attention_qkvpacked(&qkv, heads).unwrap()), &want, 6e-5, isa));
    }

    #[test]
    fn layer_norm_is_its_definition(
        batch in 1usize..3, tokens in 1usize..80, channels in 2usize..200, offset in -3f32..3.0, seed in any::<u64>(),
    ) {
        let x: Vec<f32> = values(batch * tokens * channels, seed).iter().map(|x| 1.7 * x + offset).collect();
        let (gamma, beta) = (values(channels, seed ^ 1), values(channels, seed ^ 2));
        let eps = 1e-5;
        let want: Vec<f64> = x.chunks(channels).flat_map(|x| layer_norm_reference(x, &gamma, &beta, eps)).collect();
        let style = values(batch * 2 * channels, seed ^ 3);
        let adaptive: Vec<f64> = x.chunks(channels).enumerate().flat_map(|(row, x)| {
            let (gamma, beta) = style[row / tokens * 2 * channels..][..2 * channels].split_at(channels);
            layer_norm_reference(x, &gamma.iter().map(|gamma| 1.0 + gamma).collect::<Vec<_>>(), beta, eps)
        }).collect();
        let norm = LayerNorm::new(&tensor(&gamma, channels), &tensor(&beta, channels), eps).unwrap();
        let x = tensor(&x, (batch, tokens, channels));
        let style = tensor(&style, (batch, 2 * channels));
        on_every_isa(|isa| {
            // Few channels may differ by little, which multiplies the rounding of the offset.
            assert_close(&flat(&norm.forward(&x).unwrap()), &want, 1e-4, isa);
            assert_close(&flat(&ada_layer_norm(&x, &style, eps).unwrap()), &adaptive, 2e-4, isa);
        });
    }

    #[test]
    fn stft_is_its_definition(half in 1usize..12, hops in 1usize..60, hop_length in 1usize..24, extra in 0usize..24, seed in any::<u64>()) {
        let n_fft = 2 * half;
        prop_assume!(hop_length <= n_fft);
        let length = half + 1 + hops * hop_length + extra;
        let x = values(length, seed);
        let want = stft_reference(&x, n_fft, hop_length);
        let stft = Stft::new(n_fft, hop_length).unwrap();
        on_every_isa(|isa| {
            let got = flat(&stft.transform(&tensor(&x, (1, length))).unwrap());
            let (bins, frames) = (half + 1, want.len());
            assert_eq!(got.len(), 2 * bins * frames, "{isa}");
            for (frame, want) in want.iter().enumerate() {
                let largest = want.iter().fold(0f64, |largest, (re, im)| largest.max(re.hypot(*im)));
                for (bin, (re, im)) in want.iter().enumerate() {
                    let (magnitude, phase) = (got[bin * frames + frame], got[(bins + bin) * frames + frame]);
                    let (magnitude, phase) = (f64::from(magnitude), f64::from(phase));
                    let difference = (magnitude * phase.cos() - re).hypot(magnitude * phase.sin() - im);
                    assert!(difference <= 1e-6 * largest, "{isa}: frame {frame}, bin {bin}: {difference} of {largest}");
                }
            }
        });
    }

    #[test]
    fn istft_is_its_definition_and_undoes_stft(quarter in 1usize..6, frames in 2usize..1200, seed in any::<u64>()) {
        let (n_fft, hop_length) = (4 * quarter, quarter);
        let bins = n_fft / 2 + 1;
        let x: Vec<f32> = values(2 * bins * frames, seed).iter().map(|x| 3.0 * x).collect();
        let coefficient = |frame: usize, bin: usize| {
            let (magnitude, phase) = (f64::from(x[bin * frames + frame]).exp(), f64::from(x[(bins + bin) * frames + frame]).sin());
            (magnitude * phase.cos(), magnitude * phase.sin())
        };
        let spectrum: Vec<Vec<(f64, f64)>> = (0..frames).map(|frame| (0..bins).map(|bin| coefficient(frame, bin)).collect()).collect();
        let want = istft_reference(&spectrum, n_fft, hop_length);
        let stft = Stft::new(n_fft, hop_length).unwrap();
        on_every_isa(|isa| {
            let got = flat(&stft.inverse_exp_sin(&tensor(&x, (1, 2 * bins, frames))).unwrap());
            // Magnitudes up to e³, twice, over a weight that is 3/8·4, and less at the ends.
            assert_close(&got, &want, 1e-4, isa);
        });
        let signal: Vec<f32> = values(frames * hop_length + n_fft, seed ^ 1);
        let back = istft_reference(&stft_reference(&signal, n_fft, hop_length), n_fft, hop_length);
        assert_close(&signal[..back.len()], &back, 1e-9, "istft(stft(x))");
    }

    #[test]
    fn normal_noise_is_its_definition_to_the_last_bit(n in 0usize..300_000, stream in any::<[u32; 2]>(), seed in any::<u64>()) {
        let want = normal_reference(seed, stream, n);
        on_every_isa(|isa| {
            let mut got = vec![f32::NAN; n];
            fill_normal(seed, stream, &mut got);
            assert!(got == want, "{isa}");
        });
    }

    #[test]
    fn sine_gen_is_its_definition(
        batch in 1usize..3, frames in 1usize..60, upsample_scale in 1usize..310, harmonics in 1usize..10, seed in any::<u64>(),
    ) {
        let sine_gen = SineGen {
            sample_rate_hz: 24_000.0, upsample_scale, harmonics, sine_amp: 0.1, noise_std: 0.003, voiced_threshold_hz: 10.0,
        };
        // Voiced in most frames.
        let f0: Vec<f32> = values(batch * frames, seed).iter().map(|x| (150.0 + 250.0 * x).max(0.0)).collect();
        let samples = frames * upsample_scale;
        let noise = values(batch * samples * harmonics, seed ^ 1);
        let (weight, bias) = (values(harmonics, seed ^ 2), values(1, seed ^ 3));
        let parts = f0.chunks(frames).zip(noise.chunks(samples * harmonics));
        let want: Vec<f64> = parts.flat_map(|(f0, noise)| sine_gen.reference(f0, noise)).collect();
        let merge = |sines: &[f64]| {
            let sum: f64 = sines.iter().zip(&weight).map(|(x, &w)| x * f64::from(w)).sum();
            (sum + f64::from(bias[0])).tanh()
        };
        let merged: Vec<f64> = want.chunks(harmonics).map(merge).collect();
        let (f0, noise) = (tensor(&f0, (batch, frames)), tensor(&noise, (batch, samples, harmonics)));
        let (weight, bias) = (tensor(&weight, (1, harmonics)), tensor(&bias, 1));
        on_every_isa(|isa| {
            assert_close(&flat(&sine_gen.forward(&f0, &noise).unwrap()), &want, 1e-7, isa);
            assert_close(&flat(&sine_gen.forward_merged(&f0, &noise, &weight, &bias).unwrap()), &merged, 1e-6, isa);
        });
    }
}

#[test]
fn stft_gives_negative_dc_and_nyquist_the_phase_plus_pi() {
    let stft = Stft::new(20, 5).unwrap();
    let spectrum = flat(&stft.transform(&tensor(&[-1.0; 100], (1, 100))).unwrap());
    let frames = 21;
    assert_eq!(spectrum[11 * frames..12 * frames], [std::f32::consts::PI; 21]);
    assert!((spectrum[0] - 10.0).abs() < 1e-6, "the window sums to n_fft/2");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for algorithm in [Algorithm::Direct, Algorithm::Winograd, Algorithm::Int8] {
        let config = Conv1dConfig { algorithm, ..Conv1dConfig::same(7, 3) };
        let conv = Conv1d::new(&tensor(&values(64 * 32 * 7, 1), (64, 32, 7)), None, config).unwrap();
        let x = tensor(&values(32 * 5000, 2), (1, 32, 5000));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| flat(&conv.forward(&x).unwrap()))
        };
        let one = run(1);
        assert!([2, 3, 8].into_iter().all(|threads| run(threads) == one));
    }
}

#[test]
fn the_encoders_and_the_source_do_not_depend_on_the_number_of_threads() {
    let linear = Linear::new(&tensor(&values(300 * 70, 1), (300, 70)), None).unwrap();
    let x = tensor(&values(400 * 70, 2), (1, 400, 70));
    let norm = LayerNorm::new(&tensor(&values(300, 3), 300), &tensor(&values(300, 4), 300), 1e-5).unwrap();
    let (stft, frames) = (Stft::new(20, 5).unwrap(), 150);
    let sine_gen = SineGen {
        sample_rate_hz: 24_000.0,
        upsample_scale: 100,
        harmonics: 3,
        sine_amp: 0.1,
        noise_std: 0.003,
        voiced_threshold_hz: 10.0,
    };
    let f0 = tensor(&vec![123.0; frames], (1, frames));
    let (weight, bias) = (tensor(&values(3, 5), (1, 3)), tensor(&[0.1], 1));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let y = norm.forward(&linear.forward_gelu(&x).unwrap()).unwrap();
            let context = attention_qkvpacked(&y, 4).unwrap();
            let mut noise = vec![0f32; frames * 100 * 3];
            fill_normal(1, [2, 3], &mut noise);
            let noise = tensor(&noise, (1, frames * 100, 3));
            let source = sine_gen.forward_merged(&f0, &noise, &weight, &bias).unwrap();
            let har = stft.transform(&source).unwrap();
            let audio = stft.inverse_exp_sin(&har).unwrap();
            [context, source, har, audio].map(|x| flat(&x))
        })
    };
    let one = run(1);
    assert!([2, 3, 8].into_iter().all(|threads| run(threads) == one));
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let x = tensor(&values(2 * 3 * 10, 1), (2, 3, 10));
    let weight = tensor(&values(4 * 5 * 3, 1), (4, 5, 3));
    let conv = Conv1d::new(&weight, None, Conv1dConfig::default()).unwrap();
    assert!(conv.forward(&x).unwrap_err().to_string().contains("5 channels"));
    assert!(Conv1d::new(&weight, Some(&tensor(&[0.0; 3], 3)), Conv1dConfig::default()).is_err());
    assert!(Conv1d::new(&weight, None, Conv1dConfig { groups: 3, ..Default::default() }).is_err());
    assert!(Conv1d::new(&weight, None, Conv1dConfig { stride: 0, ..Default::default() }).is_err());
    let short = Conv1d::new(&tensor(&values(3 * 11, 1), (1, 3, 11)), None, Conv1dConfig::default()).unwrap();
    assert!(short.forward(&x).unwrap_err().to_string().contains("spans 11 steps"));
    let transposed = ConvTranspose1d::new(&weight, None, ConvTranspose1dConfig::default()).unwrap();
    assert!(transposed.forward(&x).is_err());
    let adain = AdaIn { eps: 1e-5, activation: Activation::Snake(vec![1.0; 2]) };
    let signal = Signal::from_tensor(&x).unwrap();
    assert!(adain.affine(&signal.statistics(), &tensor(&[0.0; 6], (1, 6))).is_err());
    let affine = adain.affine(&signal.statistics(), &tensor(&[0.0; 12], (2, 6))).unwrap();
    let pointwise = Conv1d::new(&tensor(&[0.0; 3], (1, 3, 1)), None, Conv1dConfig::default()).unwrap();
    let refusal = pointwise.fused(&signal, adain.prologue(&affine), Epilogue::default()).unwrap_err();
    assert!(refusal.to_string().contains("3 channels"));
    let epilogue = Epilogue { residual: Some(&signal), ..Default::default() };
    assert!(pointwise.fused(&signal, Prologue::default(), epilogue).unwrap_err().to_string().contains("residual"));
    assert!(Activation::snake(&tensor(&[1.0, 0.0], 2)).is_err());
    assert!(Stft::new(21, 5).is_err());
    assert!(Stft::new(20, 5).unwrap().inverse_exp_sin(&tensor(&[0.0; 21], (1, 21, 1))).is_err());
    let linear = Linear::new(&tensor(&[0.0; 12], (4, 3)), None).unwrap();
    assert!(linear.forward(&x).unwrap_err().to_string().contains("3 channels"));
    let rows = tensor(&[0.0; 6], (2, 3));
    assert!(linear.forward_add(&rows, &rows).unwrap_err().to_string().contains("residual of 6 values"));
    assert!(Linear::new(&tensor(&[0.0; 12], (4, 3)), Some(&tensor(&[0.0; 3], 3))).is_err());
    assert!(attention_qkvpacked(&x, 3).is_err() && attention_qkvpacked(&x, 0).is_err());
    let one_channel = tensor(&[0.0; 20], (2, 1, 10));
    assert!(sample_prior(&one_channel, &one_channel, &[1; 10], &x).is_err());
    assert!(sample_prior(&x, &x, &[2; 10], &x).unwrap_err().to_string().contains("10 tokens of 20 frames"));
    assert!(attention(&signal, 2, None).is_err() && attention(&signal, 0, None).is_err());
    let channel_norm = ChannelNorm::new(&tensor(&[1.0; 3], 3), &tensor(&[0.0; 3], 3), 1e-5).unwrap();
    let other = Signal::from_tensor(&one_channel).unwrap();
    let signal = || Signal::from_tensor(&x).unwrap();
    assert!(channel_norm.fused(signal(), &Activation::Snake(vec![1.0; 2]), None).is_err());
    assert!(channel_norm.fused(signal(), &Activation::None, Some(&other)).is_err());
    assert!(signal().narrow(5..11).is_err() && signal().narrow(3..3).is_err() && signal().truncate(0).is_err());
    let in_slabs = |slabs: &[std::ops::Range<usize>]| Signal::in_slabs([2, 3, 10], slabs, |_| Ok((signal(), 5)));
    assert!(in_slabs(&[0..2, 2..5]).is_err() && in_slabs(&[0..5, 6..10]).is_err(), "steps that no slab has");
    assert!(in_slabs(&[0..4, 4..10]).is_err(), "6 steps from the fifth on, of 10");
    let norm = LayerNorm::new(&tensor(&[1.0; 4], 4), &tensor(&[0.0; 4], 4), 1e-5).unwrap();
    assert!(norm.forward(&x).is_err());
    assert!(ada_layer_norm(&x, &tensor(&[0.0; 20], (1, 20)), 1e-5).is_err());
    assert!(LayerNorm::new(&tensor(&[1.0; 4], 4), &tensor(&[0.0; 3], 3), 1e-5).is_err());
    assert!(Stft::new(20, 5).unwrap().transform(&tensor(&[0.0; 10], (1, 10))).is_err());
}
