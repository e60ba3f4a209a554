//! The harmonic excitation of the neural source-filter generator.

use std::sync::Arc;

use candle_core::{Result, bail};

use super::device::{Buffer, Device, Launch, arguments};
use super::signal::{Dtype, Signal};

/// `SineParameters` in `source.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Parameters {
    sample_rate_hz: f32,
    position_scale: f32,
    upsample_scale: i32,
    harmonics: i32,
    sine_amp: f32,
    noise_std: f32,
    voiced_threshold_hz: f32,
    bias: f32,
}

/// As [`crate::SineGen`], on a device, with the linear layer that merges the sines.
///
/// Phases are rounded exactly as there. The error of the merged signal against [`crate::SineGen::reference`] stays within 1e-6 for weights below 1.
#[derive(Clone, Debug)]
pub struct SineGen {
    parameters: Parameters,
    /// `[harmonics]`.
    weight: Arc<Buffer>,
}

impl SineGen {
    /// `weight`, one for each harmonic, and `bias` of the linear layer.
    ///
    /// # Errors
    /// If there are not as many weights as harmonics, or no memory for them.
    pub fn new(device: &Device, sine_gen: crate::SineGen, weight: &[f32], bias: f32) -> Result<Self> {
        let crate::SineGen { sample_rate_hz, upsample_scale, harmonics, sine_amp, noise_std, voiced_threshold_hz } =
            sine_gen;
        if weight.len() != harmonics || harmonics == 0 || upsample_scale == 0 {
            bail!("sine_gen: {} weights for {harmonics} sines, {upsample_scale} samples a frame", weight.len());
        }
        let parameters = Parameters {
            sample_rate_hz,
            position_scale: (1.0 / upsample_scale as f64) as f32,
            upsample_scale: upsample_scale as i32,
            harmonics: harmonics as i32,
            sine_amp,
            noise_std,
            voiced_threshold_hz,
            bias,
        };
        Ok(Self { parameters, weight: Arc::new(device.upload(weight)?) })
    }

    /// As [`crate::SineGen::forward_merged`]: `f0: (B, 1, F)` in Hz and standard normal `noise: (B, 1, F·upsample_scale·harmonics)`, harmonics fastest, →
    /// `(B, 1, F·upsample_scale)`, all [`Dtype::F32`]. Utterances are as long as `f0` says.
    ///
    /// # Errors
    /// If the shapes do not fit each other, or the device fails.
    pub fn forward_merged(&self, f0: &Signal, noise: &Signal) -> Result<Signal> {
        let p = self.parameters;
        let (upsample_scale, harmonics) = (p.upsample_scale as usize, p.harmonics as usize);
        let (batch, _, frames) = f0.dims();
        let samples = frames * upsample_scale;
        f0.check((batch, 1, frames), Dtype::F32, "sine_gen", "F0")?;
        noise.check((batch, 1, samples * harmonics), Dtype::F32, "sine_gen", "noise")?;
        let device = f0.device();
        let y = Signal::new(device, Dtype::F32, [batch, 1, samples], f0.lengths().scaled(upsample_scale, 0))?;
        let phases = device.allocate::<f32>(batch * harmonics * frames)?;
        let rows = Launch::new("sine_phases", [(batch * harmonics).div_ceil(32), 1, 1], 32);
        let merged = Launch::new("sine_merged", [samples.div_ceil(256), 1, batch], 256);
        // SAFETY: these are the kernels' parameters, and the operands' shapes were checked.
        unsafe {
            device.launch(&rows, arguments![f0.view(), phases.address, batch as i32, p])?;
            let (f0, noise, weight) = (f0.view(), noise.view(), self.weight.address);
            device.launch(&merged, arguments![f0, noise, phases.address, y.view(), weight, p])?;
        }
        Ok(y)
    }
}
