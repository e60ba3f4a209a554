//! Speed of the kernels at the shapes of Kokoro, on one thread, for each instruction set of this CPU. Results are checked against the scalar
//! oracle before they are timed.
//!
//! `cargo bench -p lumivox-kernels` prints GFLOP/s of the definition's work and the share of the CPU's measured multiply-add peak, which algorithms with fewer
//! multiplications may pass; `-- k11` only lines with that word. The clock is the process's own, so that other work on the machine matters less.

use std::hint::black_box;

use candle_core::{Device, Result, Tensor};
use lumivox_kernels::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of each measurement; the median counts.
const ROUNDS: usize = 9;

fn main() -> Result<()> {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(candle_core::Error::wrap)?;
    for isa in Isa::available() {
        pool.install(|| with_isa(isa, || measure(isa, &filter)))?;
    }
    Ok(())
}

fn measure(isa: Isa, filter: &str) -> Result<()> {
    let peak = peak_gflops();
    println!("{:<8} fused multiply-adds on registers: {peak:.1} GFLOP/s", isa.name());
    // (channels in, channels out, taps, dilation, steps): the generators' convolutions for 5 s of audio, then some of the decoder's.
    let convolutions = [
        (128, 128, 3, 1, 24_000),
        (128, 128, 3, 5, 24_000),
        (128, 128, 7, 3, 24_000),
        (128, 128, 11, 1, 24_000),
        (128, 128, 11, 5, 24_000),
        (256, 256, 3, 1, 4_000),
        (256, 256, 7, 3, 4_000),
        (256, 256, 11, 5, 4_000),
        (64, 64, 7, 3, 24_000),
        (64, 64, 11, 3, 24_000),
        (32, 32, 11, 3, 48_000),
        (32, 32, 7, 3, 48_000),
        (1090, 1024, 3, 1, 400),
        (1090, 1024, 1, 1, 400),
        (22, 256, 12, 1, 4_000),
    ];
    for algorithm in [Algorithm::Direct, Algorithm::Winograd, Algorithm::Int8] {
        for (c_in, c_out, taps, dilation, steps) in convolutions {
            let name = format!("{algorithm:?} {c_in}->{c_out} k{taps} d{dilation} L{steps}").to_lowercase();
            if !name.contains(filter) {
                continue;
            }
            let weight = (random(&[c_out, c_in, taps])? * 0.05)?;
            let config = Conv1dConfig { algorithm, ..Conv1dConfig::same(taps, dilation) };
            let conv = Conv1d::new(&weight, None, config)?;
            check_conv1d(&conv, &weight, c_in, config)?;
            let x = Signal::from_tensor(&random(&[1, c_in, steps])?)?;
            let adain = AdaIn { eps: 1e-5, activation: Activation::Snake(vec![0.7; c_in]) };
            let affine = adain.affine(&x.statistics(), &random(&[1, 2 * c_in])?)?;
            let flop = 2.0 * (c_in * c_out * taps * steps) as f64;
            report(isa, &name, flop, peak, filter, || conv.fused(&x, Prologue::default(), Epilogue::default()));
            let fused =
                || Epilogue { residual: Some(&x).filter(|_| c_in == c_out), statistics: true, ..Default::default() };
            report(isa, &format!("{name} fused"), flop, peak, filter, || {
                conv.fused(&x, adain.prologue(&affine), fused())
            });
        }
    }
    for (c_in, c_out, taps, stride, steps) in [(512, 256, 20, 10, 400), (256, 128, 12, 6, 4_000)] {
        let x = Signal::from_tensor(&random(&[1, c_in, steps])?)?;
        let config = ConvTranspose1dConfig { padding: (taps - stride) / 2, stride, ..Default::default() };
        let conv = ConvTranspose1d::new(&(random(&[c_in, c_out, taps])? * 0.05)?, None, config)?;
        let flop = 2.0 * (c_in * c_out * taps * steps) as f64;
        let name = format!("transposed {c_in}->{c_out} k{taps} s{stride} L{steps}");
        report(isa, &name, flop, peak, filter, || conv.fused(&x, Prologue::default()));
    }
    measure_encoders(isa, peak, filter)
}

/// What stands in front of the decoder: linear layers, attention and recurrence, for 5 s of audio.
fn measure_encoders(isa: Isa, peak: f64, filter: &str) -> Result<()> {
    let tokens = 105;
    for (c_in, c_out) in [(768, 2304), (768, 768), (768, 2048), (2048, 768), (640, 2048), (128, 1024)] {
        for rows in [1, 16, tokens] {
            let weight = (random(&[c_out, c_in])? * 0.05)?;
            let linear = Linear::new(&weight, None)?;
            let x = random(&[rows, c_in])?;
            let flat = |x: &Tensor| x.flatten_all()?.to_vec1::<f32>();
            let want = linear_reference(&flat(&x)?, &flat(&weight)?, &vec![0.0; c_out]);
            for (got, want) in flat(&linear.forward(&x)?)?.into_iter().zip(want) {
                assert!((f64::from(got) - want).abs() < 1e-4, "{got} for {want}");
            }
            let name = format!("linear {c_in}->{c_out} T{rows}");
            report(isa, &name, 2.0 * (rows * c_in * c_out) as f64, peak, filter, || linear.forward(&x));
        }
    }
    let (heads, channels) = (12, 768);
    let qkv = random(&[1, tokens, 3 * channels])?;
    let flop = 4.0 * (tokens * tokens * channels) as f64;
    report(isa, &format!("attention {channels} T{tokens}"), flop, peak, filter, || attention_qkvpacked(&qkv, heads));
    let (width, hidden) = (640, 256);
    let weights: Vec<Tensor> = [[4 * hidden, width], [4 * hidden, hidden]]
        .iter()
        .map(|shape| random(shape)? * 0.05)
        .chain([random(&[4 * hidden]), random(&[4 * hidden])])
        .collect::<Result<_>>()?;
    let direction =
        LstmWeights { weight_ih: &weights[0], weight_hh: &weights[1], bias_ih: &weights[2], bias_hh: &weights[3] };
    let lstm = BiLstm::new(direction, direction)?;
    let x = random(&[1, tokens, width])?;
    let flop = 2.0 * (tokens * 8 * hidden * (width + hidden)) as f64;
    report(isa, &format!("bilstm {width}->{hidden} T{tokens}"), flop, peak, filter, || lstm.forward(&x));
    Ok(())
}

/// The kernel against the definition, on a short input.
fn check_conv1d(conv: &Conv1d, weight: &Tensor, c_in: usize, config: Conv1dConfig) -> Result<()> {
    let steps = 70;
    let x = random(&[1, c_in, steps])?;
    let (c_out, _, taps) = weight.dims3()?;
    let flat = |x: &Tensor| x.flatten_all()?.to_vec1::<f32>();
    let want =
        conv1d_reference(&flat(&x)?, [1, c_in, steps], &flat(weight)?, [c_out, c_in, taps], &vec![0.0; c_out], config);
    let (mut signal, mut error) = (0f64, 0f64);
    for (got, want) in flat(&conv.forward(&x)?)?.into_iter().zip(want) {
        signal += want * want;
        error += (f64::from(got) - want).powi(2);
    }
    let bound = if config.algorithm == Algorithm::Int8 { 2e-2 } else { 2e-5 };
    assert!(error.sqrt() <= bound * signal.sqrt(), "{config:?}: relative error {}", (error / signal).sqrt());
    Ok(())
}

fn random(shape: &[usize]) -> Result<Tensor> {
    Tensor::rand(-1f32, 1.0, shape, &Device::Cpu)
}

fn report<R>(isa: Isa, name: &str, flop: f64, peak: f64, filter: &str, f: impl Fn() -> Result<R>) {
    if !name.contains(filter) {
        return;
    }
    let mut seconds: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let started = cpu_time::ProcessTime::now();
            let _ = black_box(f());
            started.elapsed().as_secs_f64()
        })
        .skip(1)
        .collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    let (low, high) = (flop / seconds[seconds.len() - 1] / 1e9, flop / seconds[0] / 1e9);
    let speed = flop / median / 1e9;
    println!(
        "{:<8} {name:<44} {:>9.2} ms {speed:>8.1} GFLOP/s ({low:.1}-{high:.1}) {:>5.0} % of the peak",
        isa.name(),
        median * 1e3,
        100.0 * speed / peak
    );
}
