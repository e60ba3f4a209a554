//! Short-time Fourier transform and its inverse, with the semantics of `torch.stft` and `torch.istft` (periodic Hann window of `n_fft` samples, centred
//! frames, one-sided, not normalised).
//!
//! The transforms that speech generators use are tiny (`n_fft` 20), so the sums are written out, in `f64`.

use std::f64::consts::PI;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::op::f32_slice;

/// Parts of a coefficient below this share of the frame's largest are rounding noise of the sums, and count as +0. Frames at the ends are symmetric by
/// reflection, so their coefficients are real: without this, noise would decide between the phases π and -π, as it does in the reference.
const ROUNDING: f64 = 1e-13;

/// A transform of `n_fft` samples every `hop_length` samples.
#[derive(Clone, Debug)]
pub struct Stft {
    n_fft: usize,
    hop_length: usize,
    /// Periodic Hann, `[n_fft]`.
    window: Vec<f64>,
    /// `cos(2πj/n_fft)` and `sin(2πj/n_fft)`, `[n_fft]`.
    circle: Vec<(f64, f64)>,
}

impl Stft {
    /// The transform's tables.
    ///
    /// # Errors
    /// If `n_fft` is odd or zero, or `hop_length` is not in `1..=n_fft`.
    pub fn new(n_fft: usize, hop_length: usize) -> Result<Self> {
        if n_fft == 0 || n_fft % 2 == 1 || hop_length == 0 || hop_length > n_fft {
            bail!("stft: n_fft {n_fft} with hop_length {hop_length}");
        }
        let angle = |j: usize| 2.0 * PI * j as f64 / n_fft as f64;
        // torch.hann_window gives f32 values; its rounding is part of what is matched.
        let window = (0..n_fft).map(|j| f64::from((0.5 - 0.5 * angle(j).cos()) as f32)).collect();
        let circle = (0..n_fft).map(|j| (angle(j).cos(), angle(j).sin())).collect();
        Ok(Self { n_fft, hop_length, window, circle })
    }

    /// Frequency bins, `n_fft/2 + 1`.
    pub fn bins(&self) -> usize {
        self.n_fft / 2 + 1
    }

    /// Magnitude and phase: `x: (B, L) → (B, 2·bins, L/hop_length + 1)`, magnitudes in the first half of the channels, phases in radians in the second.
    /// Frames are centred on multiples of the hop, the signal reflected at both ends. What is zero but for rounding is +0, DC's and Nyquist's
    /// imaginary parts among it, so the phase of a negative real coefficient is **+π**.
    ///
    /// # Errors
    /// If `x` is not longer than `n_fft/2`, which the reflection needs.
    pub fn transform(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1_no_bwd(self)
    }

    /// The signal whose transform has these magnitudes and phases: `(B, bins, F)` twice → `(B, (F−1)·hop_length)`, overlapping frames weighted by the window
    /// and divided by the sum of its squares.
    ///
    /// # Errors
    /// If the shapes differ from each other or have another number of bins.
    pub fn inverse(&self, magnitude: &Tensor, phase: &Tensor) -> Result<Tensor> {
        magnitude.contiguous()?.apply_op2_no_bwd(&phase.contiguous()?, self)
    }

    fn transform_signal(&self, x: &[f32], out: &mut [f32], frames: usize) {
        let bins = self.bins();
        let reflect = |index: isize| {
            let last = x.len() as isize - 1;
            let index = index.abs();
            x[if index > last { 2 * last - index } else { index } as usize]
        };
        for frame in 0..frames {
            let start = (frame * self.hop_length) as isize - (self.n_fft / 2) as isize;
            let windowed: Vec<f64> =
                self.window.iter().enumerate().map(|(n, w)| w * f64::from(reflect(start + n as isize))).collect();
            let spectrum: Vec<(f64, f64)> = (0..bins).map(|bin| self.coefficient(&windowed, bin)).collect();
            let largest = spectrum.iter().fold(0f64, |largest, (re, im)| largest.max(re.abs()).max(im.abs()));
            let clean = |x: f64| if x.abs() <= ROUNDING * largest { 0.0 } else { x as f32 };
            for (bin, &(re, im)) in spectrum.iter().enumerate() {
                let (re, im) = (clean(re), clean(im));
                out[bin * frames + frame] = re.hypot(im);
                out[(bins + bin) * frames + frame] = im.atan2(re);
            }
        }
    }

    /// One bin of a frame; DC and Nyquist are real.
    fn coefficient(&self, windowed: &[f64], bin: usize) -> (f64, f64) {
        let (mut re, mut im) = (0f64, 0f64);
        for (n, x) in windowed.iter().enumerate() {
            let (cos, sin) = self.circle[bin * n % self.n_fft];
            re += x * cos;
            im -= x * sin;
        }
        if bin == 0 || bin == self.n_fft / 2 { (re, 0.0) } else { (re, im) }
    }

    /// One frame's samples, before the window: the real inverse transform, which reads only the real parts of DC and Nyquist.
    fn inverse_frame(&self, spectrum: &[(f64, f64)], out: &mut [f64]) {
        let half = self.n_fft / 2;
        for (n, out) in out.iter_mut().enumerate() {
            let mut sum = spectrum[0].0 + if n % 2 == 0 { spectrum[half].0 } else { -spectrum[half].0 };
            for (bin, (re, im)) in spectrum.iter().enumerate().take(half).skip(1) {
                let (cos, sin) = self.circle[bin * n % self.n_fft];
                sum += 2.0 * (re * cos - im * sin);
            }
            *out = sum / self.n_fft as f64;
        }
    }

    fn inverse_signal(&self, magnitude: &[f32], phase: &[f32], out: &mut [f32], frames: usize) {
        let length = (frames - 1) * self.hop_length + self.n_fft;
        let (mut signal, mut weight) = (vec![0f64; length], vec![0f64; length]);
        let mut samples = vec![0f64; self.n_fft];
        let mut spectrum = vec![(0f64, 0f64); self.bins()];
        for frame in 0..frames {
            for (bin, value) in spectrum.iter_mut().enumerate() {
                let (m, p) = (magnitude[bin * frames + frame], phase[bin * frames + frame]);
                // In f32, as the complex product of the reference is.
                *value = (f64::from(m * p.cos()), f64::from(m * p.sin()));
            }
            self.inverse_frame(&spectrum, &mut samples);
            let start = frame * self.hop_length;
            for (n, (sample, window)) in samples.iter().zip(&self.window).enumerate() {
                signal[start + n] += sample * window;
                weight[start + n] += window * window;
            }
        }
        for (n, out) in out.iter_mut().enumerate() {
            let n = n + self.n_fft / 2;
            *out = (signal[n] / weight[n]) as f32;
        }
    }
}

impl CustomOp1 for Stft {
    fn name(&self) -> &'static str {
        "stft"
    }
    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, length) = layout.shape().dims2()?;
        if length <= self.n_fft / 2 {
            bail!("stft: {length} samples are too few for n_fft {}", self.n_fft);
        }
        let frames = length / self.hop_length + 1;
        let mut out = vec![0f32; batch * 2 * self.bins() * frames];
        let x = f32_slice(x, layout, "stft")?;
        out.par_chunks_mut(2 * self.bins() * frames)
            .zip(x.par_chunks(length))
            .for_each(|(out, x)| self.transform_signal(x, out, frames));
        Ok((CpuStorage::F32(out), Shape::from((batch, 2 * self.bins(), frames))))
    }
}

impl CustomOp2 for Stft {
    fn name(&self) -> &'static str {
        "istft"
    }
    fn cpu_fwd(
        &self,
        magnitude: &CpuStorage,
        ml: &Layout,
        phase: &CpuStorage,
        pl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, bins, frames) = ml.shape().dims3()?;
        if bins != self.bins() || pl.shape() != ml.shape() || frames == 0 {
            bail!("istft: magnitude {:?} and phase {:?} for {} bins", ml.shape(), pl.shape(), self.bins());
        }
        let length = (frames - 1) * self.hop_length;
        let mut out = vec![0f32; batch * length];
        let (magnitude, phase) = (f32_slice(magnitude, ml, "istft")?, f32_slice(phase, pl, "istft")?);
        for (b, out) in out.chunks_mut(length.max(1)).enumerate() {
            let part = b * bins * frames..(b + 1) * bins * frames;
            self.inverse_signal(&magnitude[part.clone()], &phase[part], out, frames);
        }
        Ok((CpuStorage::F32(out), Shape::from((batch, length))))
    }
}
