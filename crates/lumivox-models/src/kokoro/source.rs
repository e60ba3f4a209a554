//! The harmonic source: F0 to the spectrogram that the generator's noise branches read (`SourceModuleHnNSF` of Kokoro's `istftnet.py`).

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};
use lumivox_kernels::{SineGen, Stft};

use super::config::GeneratorConfig;
use super::{HARMONICS, SAMPLE_RATE_HZ};
use crate::probe::{Probe, probed};

pub(super) struct Source {
    sine_gen: SineGen,
    l_linear: Linear,
    stft: Stft,
}

impl Source {
    pub(super) fn new(config: &GeneratorConfig, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            sine_gen: SineGen {
                sample_rate_hz: SAMPLE_RATE_HZ as f32,
                upsample_scale: config.samples_per_f0_frame(),
                harmonics: HARMONICS,
                sine_amp: 0.1,
                noise_std: 0.003,
                voiced_threshold_hz: 10.0,
            },
            l_linear: linear(HARMONICS, 1, vb.pp("l_linear"))?,
            stft: Stft::new(config.gen_istft_n_fft, config.gen_istft_hop_size)?,
        })
    }

    /// `f0: (B, 2F)` in Hz, standard normal `noise: (B, L, HARMONICS)` → magnitudes and phases `(B, n_fft + 2, L/hop + 1)`.
    pub(super) fn forward(&self, f0: &Tensor, noise: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        let sine_waves = probed(probe, "sine_waves", self.sine_gen.forward(f0, noise)?);
        let har_source = probed(probe, "har_source", self.l_linear.forward(&sine_waves)?.tanh()?);
        Ok(probed(probe, "har", self.stft.transform(&har_source.squeeze(2)?)?))
    }
}
