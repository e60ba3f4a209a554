//! Short-time Fourier transform and its inverse, with the semantics of `torch.stft` and `torch.istft` (periodic Hann window of `n_fft` samples, centred
//! frames, one-sided, not normalised).
//!
//! The transforms that speech generators use are tiny (`n_fft` 20), so the sums are written out, sixteen frames side by side. The transform sums in `f64`:
//! the phase of a bin that is nearly nothing is decided by what rounding leaves of it. The inverse is in `f32`.

use std::f64::consts::PI;
use std::ops::Range;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::math;
use crate::op::with_values;
use crate::parallel::SharedMut;

/// Parts of a coefficient below this share of the frame's largest are rounding noise of the sums, and count as +0. Frames at the ends are symmetric by
/// reflection, so their coefficients are real: without this, noise would decide between the phases π and -π, as it does in the reference.
const ROUNDING: f64 = 1e-13;
/// Frames that are computed side by side: a whole number of vectors of every instruction set.
const WIDTH: usize = 16;
/// Frames that a task takes.
const TASK_FRAMES: usize = 32 * WIDTH;

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
    /// The error of the coefficients against [`stft_reference`] stays within 1e-6 of the frame's largest.
    ///
    /// # Errors
    /// If `x` is not longer than `n_fft/2`, which the reflection needs.
    pub fn transform(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, length) = x.dims2()?;
        if length <= self.n_fft / 2 {
            bail!("stft: {length} samples are too few for n_fft {}", self.n_fft);
        }
        let frames = length / self.hop_length + 1;
        let mut out = vec![0f32; batch * 2 * self.bins() * frames];
        let isa = Isa::current();
        with_values(x, "stft", |x| {
            for (out, x) in out.chunks_mut(2 * self.bins() * frames).zip(x.chunks(length)) {
                let out = SharedMut::new(out);
                tasks(frames).for_each(|part| dispatch(isa, Transform { stft: self, x, out, frames, part }));
            }
            Ok(())
        })?;
        Tensor::from_vec(out, (batch, 2 * self.bins(), frames), x.device())
    }

    /// The signal whose transform has the magnitudes `exp(x)` of the first half of the channels and the phases `sin(x)` of the second, as iSTFTNet ends:
    /// `x: (B, 2·bins, F) → (B, (F−1)·hop_length)`, overlapping frames weighted by the window and divided by the sum of its squares.
    ///
    /// The error against [`istft_reference`] stays within 2e-6 of the sum of a frame's magnitudes, divided by the window's weight.
    ///
    /// # Errors
    /// If `x` has another number of channels or no frames.
    pub fn inverse_exp_sin(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, frames) = x.dims3()?;
        if channels != 2 * self.bins() || frames == 0 {
            bail!("istft: input {:?} for {} bins", x.shape(), self.bins());
        }
        let length = (frames - 1) * self.hop_length;
        let mut out = vec![0f32; batch * length];
        let isa = Isa::current();
        with_values(x, "istft", |x| {
            for (out, x) in out.chunks_mut(length.max(1)).zip(x.chunks(channels * frames)) {
                let out = SharedMut::new(out);
                tasks(frames - 1).for_each(|part| dispatch(isa, Inverse { stft: self, x, out, frames, part }));
            }
            Ok(())
        })?;
        Tensor::from_vec(out, (batch, length), x.device())
    }
}

/// Frames `0..frames` in parts that threads take.
fn tasks(frames: usize) -> impl ParallelIterator<Item = Range<usize>> {
    let part = move |task: usize| task * TASK_FRAMES..((task + 1) * TASK_FRAMES).min(frames);
    (0..frames.div_ceil(TASK_FRAMES)).into_par_iter().map(part)
}

/// Some frames of a signal's transform.
struct Transform<'a> {
    stft: &'a Stft,
    x: &'a [f32],
    /// `[2·bins][frames]`.
    out: SharedMut<'a>,
    frames: usize,
    part: Range<usize>,
}

impl Kernel for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Stft { n_fft, circle, .. } = self.stft;
        let (half, bins) = (n_fft / 2, self.stft.bins());
        let mut windowed = vec![[0f64; WIDTH]; *n_fft];
        let mut spectrum = vec![[[0f64; WIDTH]; 2]; bins];
        for first in self.part.clone().step_by(WIDTH) {
            let count = WIDTH.min(self.part.end - first);
            self.read(first, count, &mut windowed);
            // Samples on both sides of the middle meet the same cosine, and sines that differ in sign.
            for n in 1..half {
                let (before, after) = windowed.split_at_mut(half);
                for (a, b) in before[n].iter_mut().zip(&mut after[half - n]) {
                    (*a, *b) = (*a + *b, *b - *a);
                }
            }
            let mut largest = [0f64; WIDTH];
            for (bin, [re, im]) in spectrum.iter_mut().enumerate() {
                let sign = if bin % 2 == 0 { 1.0 } else { -1.0 };
                for (f, re) in re.iter_mut().enumerate() {
                    *re = windowed[0][f] + sign * windowed[half][f];
                }
                *im = [0.0; WIDTH];
                for n in 1..half {
                    let (cos, sin) = circle[bin * n % n_fft];
                    let (sum, difference) = (&windowed[n], &windowed[n_fft - n]);
                    for f in 0..WIDTH {
                        re[f] += sum[f] * cos;
                        im[f] += difference[f] * sin;
                    }
                }
                // DC and Nyquist are real.
                if bin == 0 || bin == half {
                    *im = [0.0; WIDTH];
                }
                for (f, largest) in largest.iter_mut().enumerate() {
                    *largest = largest.max(re[f].abs()).max(im[f].abs());
                }
            }
            let threshold = largest.map(|largest| ROUNDING * largest);
            for (bin, [re, im]) in spectrum.iter().enumerate() {
                let (mut magnitude, mut parts, mut phase) = ([0f32; WIDTH], [[0f32; WIDTH]; 2], [0f32; WIDTH]);
                for f in 0..WIDTH {
                    let clean = |x: f64| if x.abs() <= threshold[f] { 0.0 } else { x };
                    let (re, im) = (clean(re[f]), clean(im[f]));
                    magnitude[f] = (re * re + im * im).sqrt() as f32;
                    (parts[0][f], parts[1][f]) = (re as f32, im as f32);
                }
                for f in (0..WIDTH).step_by(S::LANES) {
                    // SAFETY: WIDTH is a multiple of LANES.
                    unsafe {
                        let (re, im) = (s.load(parts[0].as_ptr().add(f)), s.load(parts[1].as_ptr().add(f)));
                        s.store(phase.as_mut_ptr().add(f), math::atan2(s, im, re));
                    }
                }
                for (row, values) in [(bin, magnitude), (bins + bin, phase)] {
                    // SAFETY: the frames are this task's alone.
                    unsafe { self.out.slice(row * self.frames + first, count) }.copy_from_slice(&values[..count]);
                }
            }
        }
    }
}

impl Transform<'_> {
    /// The windowed samples of `count` frames from `first` on: `[n_fft][WIDTH]`, zeros behind the last frame.
    #[inline(always)]
    fn read(&self, first: usize, count: usize, windowed: &mut [[f64; WIDTH]]) {
        let Stft { n_fft, hop_length, window, .. } = self.stft;
        let (half, last) = ((n_fft / 2) as isize, self.x.len() as isize - 1);
        let start = (first * hop_length) as isize - half;
        let reaches = start + ((count - 1) * hop_length + n_fft - 1) as isize;
        for (n, (out, w)) in windowed.iter_mut().zip(window).enumerate() {
            *out = [0.0; WIDTH];
            if start >= 0 && reaches <= last {
                let x = self.x[start as usize + n..].iter().step_by(*hop_length);
                out[..count].iter_mut().zip(x).for_each(|(out, &x)| *out = w * f64::from(x));
            } else {
                for (f, out) in out[..count].iter_mut().enumerate() {
                    let index = (start + (f * hop_length + n) as isize).abs();
                    *out = w * f64::from(self.x[if index > last { 2 * last - index } else { index } as usize]);
                }
            }
        }
    }
}

/// The hops `part` of the signal that frames add up to.
struct Inverse<'a> {
    stft: &'a Stft,
    /// `[2·bins][frames]`.
    x: &'a [f32],
    out: SharedMut<'a>,
    frames: usize,
    part: Range<usize>,
}

impl Kernel for Inverse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Stft { n_fft, hop_length, window, .. } = self.stft;
        let half = n_fft / 2;
        // The output begins in the middle of the first frame: what is counted below are samples from that frame's beginning.
        let samples = self.part.start * hop_length + half..self.part.end * hop_length + half;
        let first_of = |sample: usize| (sample + 1).saturating_sub(*n_fft).div_ceil(*hop_length);
        let needed = first_of(samples.start)..((samples.end - 1) / hop_length + 1).min(self.frames);
        let width = needed.len().next_multiple_of(WIDTH);
        let mut waves = vec![0f32; n_fft * width];
        let mut spectrum = vec![[0f32; WIDTH]; 2 * self.stft.bins()];
        for first in needed.clone().step_by(WIDTH) {
            let count = WIDTH.min(needed.end - first);
            self.waves(s, first, count, &mut spectrum, &mut waves[first - needed.start..], width);
        }
        // SAFETY: the hops are this task's alone.
        let out = unsafe { self.out.slice(samples.start - half, samples.len()) };
        for (sample, out) in samples.zip(out) {
            let (mut sum, mut weight) = (0f32, 0f32);
            for frame in first_of(sample)..(sample / hop_length + 1).min(self.frames) {
                let n = sample - frame * hop_length;
                sum += waves[n * width + frame - needed.start];
                weight += (window[n] * window[n]) as f32;
            }
            *out = sum / weight;
        }
    }
}

impl Inverse<'_> {
    /// The windowed samples of `count` frames from `first` on, `out[n·width + frame]`: the real inverse transform, which reads only the real parts of DC and
    /// Nyquist.
    #[inline(always)]
    fn waves<S: Simd>(
        &self,
        s: S,
        first: usize,
        count: usize,
        spectrum: &mut [[f32; WIDTH]],
        out: &mut [f32],
        width: usize,
    ) {
        let Stft { n_fft, window, circle, .. } = self.stft;
        let (half, bins) = (n_fft / 2, self.stft.bins());
        let (re, im) = spectrum.split_at_mut(bins);
        for (bin, (re, im)) in re.iter_mut().zip(&mut *im).enumerate() {
            let row = |row: usize| &self.x[row * self.frames + first..][..count];
            (*re, *im) = ([0.0; WIDTH], [0.0; WIDTH]);
            re[..count].copy_from_slice(row(bin));
            im[..count].copy_from_slice(row(bins + bin));
            // Bins between the first and the last stand for two.
            let share = s.splat(if bin == 0 || bin == half { 1.0 } else { 2.0 } / *n_fft as f32);
            for lane in (0..WIDTH).step_by(S::LANES) {
                // SAFETY: WIDTH is a multiple of LANES.
                unsafe {
                    let magnitude = s.mul(share, math::exp(s, s.load(re.as_ptr().add(lane))));
                    let (cos, sin) = math::cos_sin_unit(s, math::sin(s, s.load(im.as_ptr().add(lane))));
                    s.store(re.as_mut_ptr().add(lane), s.mul(magnitude, cos));
                    s.store(im.as_mut_ptr().add(lane), s.mul(magnitude, sin));
                }
            }
        }
        // Samples on both sides of the middle have the same sum of cosines, and sums of sines that differ in sign.
        for n in 0..=half {
            for lane in (0..WIDTH).step_by(S::LANES) {
                // SAFETY: WIDTH is a multiple of LANES, and `out` has whole groups of WIDTH frames.
                unsafe {
                    let (mut even, mut odd) = (s.load(re[0].as_ptr().add(lane)), s.splat(0.0));
                    for bin in 1..bins {
                        let (cos, sin) = circle[bin * n % n_fft];
                        even = s.mul_add(s.splat(cos as f32), s.load(re[bin].as_ptr().add(lane)), even);
                        if bin < half {
                            odd = s.mul_add(s.splat(sin as f32), s.load(im[bin].as_ptr().add(lane)), odd);
                        }
                    }
                    for (n, value) in [(n, s.sub(even, odd)), ((n_fft - n) % n_fft, s.add(even, odd))] {
                        let out = &mut out[n * width + lane..][..S::LANES];
                        s.store(out.as_mut_ptr(), s.mul(value, s.splat(window[n] as f32)));
                    }
                }
            }
        }
    }
}

/// The scalar oracle of [`Stft::transform`] for one signal, in `f64`: real and imaginary parts of each frame, `[F][bins]`.
pub fn stft_reference(x: &[f32], n_fft: usize, hop_length: usize) -> Vec<Vec<(f64, f64)>> {
    let last = x.len() as isize - 1;
    let reflect = |index: isize| x[(last - (last - index.abs()).abs()) as usize];
    let coefficient = |frame: usize, bin: usize| {
        let term = |n: usize| {
            let angle = |j: usize| 2.0 * PI * (j % n_fft) as f64 / n_fft as f64;
            let sample = f64::from(reflect((frame * hop_length + n) as isize - (n_fft / 2) as isize));
            let windowed = (0.5 - 0.5 * angle(n).cos()) * sample;
            (windowed * angle(bin * n).cos(), -windowed * angle(bin * n).sin())
        };
        (0..n_fft).map(term).fold((0.0, 0.0), |sum, term| (sum.0 + term.0, sum.1 + term.1))
    };
    let frame = |frame| (0..=n_fft / 2).map(|bin| coefficient(frame, bin)).collect();
    (0..=x.len() / hop_length).map(frame).collect()
}

/// The scalar oracle of the inverse for one signal, in `f64`: real and imaginary parts of each frame → samples.
pub fn istft_reference(spectrum: &[Vec<(f64, f64)>], n_fft: usize, hop_length: usize) -> Vec<f64> {
    let half = n_fft / 2;
    let mut sums = vec![(0f64, 0f64); (spectrum.len() - 1) * hop_length + n_fft];
    for (frame, bins) in spectrum.iter().enumerate() {
        for n in 0..n_fft {
            let angle = |j: usize| 2.0 * PI * (j % n_fft) as f64 / n_fft as f64;
            let term = |(bin, (re, im)): (usize, &(f64, f64))| {
                let both = if bin == 0 || bin == half { 1.0 } else { 2.0 };
                both * (re * angle(bin * n).cos() - im * angle(bin * n).sin()) / n_fft as f64
            };
            let (window, sum) = (0.5 - 0.5 * angle(n).cos(), &mut sums[frame * hop_length + n]);
            sum.0 += window * bins.iter().enumerate().map(term).sum::<f64>();
            sum.1 += window * window;
        }
    }
    sums[half..sums.len() - n_fft + half].iter().map(|(sum, weight)| sum / weight).collect()
}
