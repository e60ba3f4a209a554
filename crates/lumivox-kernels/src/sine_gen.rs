//! The harmonic excitation of the neural source-filter generator.

use std::f32::consts::PI;
use std::f64::consts::TAU;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch, map};
use crate::math;
use crate::op::{to_vec, with_values};

/// Samples that are computed side by side: a whole number of vectors of every instruction set.
const WIDTH: usize = 16;
/// Samples that a task takes.
const TASK_SAMPLES: usize = 256 * WIDTH;

/// `SineGen` of the hn-NSF source (Wang et al., 2019) as Kokoro's `istftnet.py` runs it: sines at the multiples of F0 where it is voiced, noise elsewhere.
///
/// The reference spreads each frame's F0 over `upsample_scale` samples, averages it back to frames to accumulate the phase, and interpolates the phase
/// linearly between frames. Averaging equal values changes nothing, so the phase is accumulated over frames here directly; every rounding to `f32` that
/// follows is the reference's own, because at a phase of 10⁵ radians one unit in the last place is already 0.01 radians.
///
/// Sines have an absolute error of ≤ 5e-7 of their amplitude for phases up to 10⁸ radians, over an hour; the oracle is [`SineGen::reference`].
#[derive(Clone, Debug)]
pub struct SineGen {
    /// Samples in a second.
    pub sample_rate_hz: f32,
    /// Samples in a frame of F0.
    pub upsample_scale: usize,
    /// Sines: the fundamental and its overtones.
    pub harmonics: usize,
    /// Amplitude of the sines.
    pub sine_amp: f32,
    /// Standard deviation of the noise where voiced; it is `sine_amp/3` elsewhere.
    pub noise_std: f32,
    /// F0 above which a frame is voiced, in Hz.
    pub voiced_threshold_hz: f32,
}

/// What becomes of the sines.
#[derive(Clone, Copy)]
enum Merge<'a> {
    /// They stay apart, `harmonics` values a sample.
    Apart,
    /// `tanh(weight·sines + bias)`, one value a sample.
    Tanh(&'a [f32], f32),
}

impl SineGen {
    /// `f0: (B, F)` in Hz and standard normal `noise: (B, F·upsample_scale, harmonics)` → `(B, F·upsample_scale, harmonics)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other.
    pub fn forward(&self, f0: &Tensor, noise: &Tensor) -> Result<Tensor> {
        self.generate(f0, noise, Merge::Apart)
    }

    /// The source itself (`SourceModuleHnNSF`): the sines of [`SineGen::forward`] merged by a linear layer and a hyperbolic tangent, `tanh(weight·sines + bias)`,
    /// → `(B, F·upsample_scale)`. `weight: (1, harmonics)`, `bias: (1)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other.
    pub fn forward_merged(&self, f0: &Tensor, noise: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        if weight.dims() != [1, self.harmonics] || bias.dims() != [1] {
            bail!("sine_gen: weight {:?} and bias {:?} for {} sines", weight.shape(), bias.shape(), self.harmonics);
        }
        let (weight, bias) = (to_vec(weight)?, to_vec(bias)?);
        self.generate(f0, noise, Merge::Tanh(&weight, bias[0]))
    }

    fn generate(&self, f0: &Tensor, noise: &Tensor, merge: Merge) -> Result<Tensor> {
        let (batch, frames) = f0.dims2()?;
        let (samples, harmonics) = (frames * self.upsample_scale, self.harmonics);
        if noise.dims() != [batch, samples, harmonics] || harmonics == 0 {
            bail!("sine_gen: noise {:?} for F0 {:?}", noise.shape(), f0.shape());
        }
        let (width, dims) = match merge {
            Merge::Apart => (harmonics, vec![batch, samples, harmonics]),
            Merge::Tanh(..) => (1, vec![batch, samples]),
        };
        let mut out = vec![0f32; batch * samples * width];
        let f0 = to_vec(f0)?;
        let isa = Isa::current();
        with_values(noise, "sine_gen", |noise| {
            for (b, f0) in f0.chunks(frames.max(1)).enumerate() {
                let phases = self.frame_phases(f0);
                let noise = &noise[b * samples * harmonics..][..samples * harmonics];
                let out = out[b * samples * width..][..samples * width].par_chunks_mut(TASK_SAMPLES * width);
                let tasks = out.zip(noise.par_chunks(TASK_SAMPLES * harmonics)).enumerate();
                tasks.for_each(|(task, (out, noise))| {
                    let first = task * TASK_SAMPLES;
                    dispatch(isa, Samples { sine_gen: self, f0, phases: &phases, noise, merge, first, out });
                });
            }
            Ok(())
        })?;
        Tensor::from_vec(out, dims, noise.device())
    }

    /// Phase at each frame in radians, times `upsample_scale`: `[harmonics][F]`.
    fn frame_phases(&self, f0: &[f32]) -> Vec<Vec<f32>> {
        (1..=self.harmonics)
            .map(|harmonic| {
                // torch.cumsum sums f32 in f64 and rounds each partial sum.
                let mut cycles = 0f64;
                f0.iter()
                    .map(|&f0| {
                        let cycles_in_a_sample = (f0 * harmonic as f32 / self.sample_rate_hz).rem_euclid(1.0);
                        cycles += f64::from(cycles_in_a_sample);
                        cycles as f32 * 2.0 * PI * self.upsample_scale as f32
                    })
                    .collect()
            })
            .collect()
    }

    /// Where a sample lies between frames: the frame before it and the share of the next one. Half-pixel linear interpolation (align_corners=False).
    #[inline(always)]
    fn position(&self, sample: usize) -> (usize, f32) {
        let scale = (1.0 / self.upsample_scale as f64) as f32;
        let position = (scale * (sample as f32 + 0.5) - 0.5).max(0.0);
        let low = position as usize;
        (low, position - low as f32)
    }

    /// The scalar oracle of [`SineGen::forward`] for one signal, its sines in `f64`.
    pub fn reference(&self, f0: &[f32], noise: &[f32]) -> Vec<f64> {
        let phases = self.frame_phases(f0);
        let value = |(index, &noise): (usize, &f32)| {
            let (sample, harmonic) = (index / self.harmonics, index % self.harmonics);
            if f0[sample / self.upsample_scale] <= self.voiced_threshold_hz {
                return f64::from(self.sine_amp / 3.0 * noise);
            }
            let (low, weight) = self.position(sample);
            let phases = &phases[harmonic];
            let phase = interpolate(phases[low], phases[(low + 1).min(f0.len() - 1)], weight);
            f64::from(phase).sin() * f64::from(self.sine_amp) + f64::from(self.noise_std * noise)
        };
        noise.iter().enumerate().map(value).collect()
    }
}

/// Between two phases. torch fuses the first product into the sum; in `f64` that product is exact.
#[inline(always)]
fn interpolate(low: f32, high: f32, weight: f32) -> f32 {
    (f64::from(1.0 - weight) * f64::from(low) + f64::from(weight * high)) as f32
}

/// Some samples of a signal, from `first` on.
struct Samples<'a> {
    sine_gen: &'a SineGen,
    f0: &'a [f32],
    phases: &'a [Vec<f32>],
    noise: &'a [f32],
    merge: Merge<'a>,
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Samples<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { sine_gen, f0, phases, noise, merge, first, out } = self;
        let harmonics = sine_gen.harmonics;
        let mut sines = vec![[0f32; WIDTH]; harmonics];
        for (block, noise) in noise.chunks(WIDTH * harmonics).enumerate() {
            let start = block * WIDTH;
            let count = noise.len() / harmonics;
            let (mut low, mut high, mut weight) = ([0usize; WIDTH], [0usize; WIDTH], [0f32; WIDTH]);
            let (mut sine_amp, mut noise_amp) = ([0f32; WIDTH], [0f32; WIDTH]);
            for i in 0..count {
                let sample = first + start + i;
                (low[i], weight[i]) = sine_gen.position(sample);
                high[i] = (low[i] + 1).min(f0.len() - 1);
                let voiced = f0[sample / sine_gen.upsample_scale] > sine_gen.voiced_threshold_hz;
                sine_amp[i] = if voiced { sine_gen.sine_amp } else { 0.0 };
                noise_amp[i] = if voiced { sine_gen.noise_std } else { sine_gen.sine_amp / 3.0 };
            }
            for (sines, phases) in sines.iter_mut().zip(phases) {
                *sines = [0.0; WIDTH];
                if sine_amp != [0.0; WIDTH] {
                    let (mut lows, mut highs) = ([0f32; WIDTH], [0f32; WIDTH]);
                    for i in 0..WIDTH {
                        (lows[i], highs[i]) = (phases[low[i]], phases[high[i]]);
                    }
                    let turned = reduced(&lows, &highs, &weight);
                    map!(s, &turned, sines, |v| math::sin(s, v));
                    sines.iter_mut().zip(&sine_amp).for_each(|(sine, amp)| *sine *= amp);
                }
            }
            let value = |sample: usize, harmonic: usize, noise: &[f32]| {
                sines[harmonic][sample] + noise_amp[sample] * noise[harmonic]
            };
            match merge {
                Merge::Apart => {
                    let out = out[start * harmonics..].chunks_exact_mut(harmonics);
                    for (i, (out, noise)) in out.zip(noise.chunks_exact(harmonics)).enumerate() {
                        out.iter_mut().enumerate().for_each(|(harmonic, out)| *out = value(i, harmonic, noise));
                    }
                }
                Merge::Tanh(weights, bias) => {
                    let mut sums = [bias; WIDTH];
                    for (i, (sum, noise)) in sums.iter_mut().zip(noise.chunks_exact(harmonics)).enumerate() {
                        weights.iter().enumerate().for_each(|(harmonic, w)| *sum += w * value(i, harmonic, noise));
                    }
                    map!(s, &sums[..count], &mut out[start..start + count], |v| math::tanh(s, v));
                }
            }
        }
    }
}

/// Interpolated phases, less the whole turns, which are taken away in `f64`.
#[inline(always)]
fn reduced(low: &[f32; WIDTH], high: &[f32; WIDTH], weight: &[f32; WIDTH]) -> [f32; WIDTH] {
    // Adding and taking away 1.5·2⁵² rounds to an integer; `f64::round_ties_even` is a library call before SSE4.1.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let mut turned = [0f32; WIDTH];
    for i in 0..WIDTH {
        let phase = f64::from(interpolate(low[i], high[i], weight[i]));
        let turns = (phase * (1.0 / TAU) + MAGIC) - MAGIC;
        turned[i] = (phase - turns * TAU) as f32;
    }
    turned
}
