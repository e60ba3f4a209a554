//! The harmonic excitation of the neural source-filter generator.

use std::f32::consts::PI;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use crate::op::f32_slice;

/// `SineGen` of the hn-NSF source (Wang et al., 2019) as Kokoro's `istftnet.py` runs it: sines at the multiples of F0 where it is voiced, noise elsewhere.
///
/// The reference spreads each frame's F0 over `upsample_scale` samples, averages it back to frames to accumulate the phase, and interpolates the phase
/// linearly between frames. Averaging equal values changes nothing, so the phase is accumulated over frames here directly; every rounding to `f32` that
/// follows is the reference's own, because at a phase of 10⁵ radians one unit in the last place is already 0.01 radians.
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

impl SineGen {
    /// `f0: (B, F)` in Hz and standard normal `noise: (B, F·upsample_scale, harmonics)` → `(B, F·upsample_scale, harmonics)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other.
    pub fn forward(&self, f0: &Tensor, noise: &Tensor) -> Result<Tensor> {
        f0.contiguous()?.apply_op2_no_bwd(&noise.contiguous()?, self)
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

    fn generate(&self, f0: &[f32], noise: &[f32], out: &mut [f32]) {
        let phases = self.frame_phases(f0);
        let scale = (1.0 / self.upsample_scale as f64) as f32;
        for (sample, (out, noise)) in out.chunks_mut(self.harmonics).zip(noise.chunks(self.harmonics)).enumerate() {
            let voiced = f0[sample / self.upsample_scale] > self.voiced_threshold_hz;
            let noise_amp = if voiced { self.noise_std } else { self.sine_amp / 3.0 };
            // Half-pixel linear interpolation (align_corners=False).
            let position = (scale * (sample as f32 + 0.5) - 0.5).max(0.0);
            let low = position as usize;
            let high = (low + 1).min(f0.len() - 1);
            let weight = position - low as f32;
            for ((out, noise), phases) in out.iter_mut().zip(noise).zip(&phases) {
                let sine = if voiced {
                    // torch fuses the first product into the sum; in f64 that product is exact.
                    let upper = f64::from(weight * phases[high]);
                    let phase = (f64::from(1.0 - weight) * f64::from(phases[low]) + upper) as f32;
                    f64::from(phase).sin() as f32 * self.sine_amp
                } else {
                    0.0
                };
                *out = sine + noise_amp * noise;
            }
        }
    }
}

impl CustomOp2 for SineGen {
    fn name(&self) -> &'static str {
        "sine_gen"
    }
    fn cpu_fwd(&self, f0: &CpuStorage, fl: &Layout, noise: &CpuStorage, nl: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, frames) = fl.shape().dims2()?;
        let shape = Shape::from((batch, frames * self.upsample_scale, self.harmonics));
        if nl.shape() != &shape {
            bail!("sine_gen: noise {:?} for F0 {:?}", nl.shape(), fl.shape());
        }
        let (f0, noise) = (f32_slice(f0, fl, "sine_gen")?, f32_slice(noise, nl, "sine_gen")?);
        let mut out = vec![0f32; noise.len()];
        let values = frames * self.upsample_scale * self.harmonics;
        if values > 0 {
            for (b, out) in out.chunks_mut(values).enumerate() {
                self.generate(&f0[b * frames..][..frames], &noise[b * values..][..values], out);
            }
        }
        Ok((CpuStorage::F32(out), shape))
    }
}
