//! The harmonic source: F0 to the spectrogram that the generator's noise branches read (`SourceModuleHnNSF` of Kokoro's `istftnet.py`).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{SineGen, Stft};

use super::config::GeneratorConfig;
use super::{HARMONICS, SAMPLE_RATE_HZ};
use crate::probe::{Probe, probed};

/// The sines of the source.
pub(crate) fn harmonic_source(config: &GeneratorConfig) -> SineGen {
    SineGen {
        sample_rate_hz: SAMPLE_RATE_HZ as f32,
        upsample_scale: config.samples_per_f0_frame(),
        harmonics: HARMONICS,
        sine_amp: 0.1,
        noise_std: 0.003,
        voiced_threshold_hz: 10.0,
    }
}

pub(super) struct Source {
    sine_gen: SineGen,
    /// Weight `(1, HARMONICS)` and bias `(1)`.
    l_linear: (Tensor, Tensor),
    stft: Stft,
}

impl Source {
    pub(super) fn new(config: &GeneratorConfig, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            sine_gen: harmonic_source(config),
            l_linear: (vb.get((1, HARMONICS), "l_linear.weight")?, vb.get(1, "l_linear.bias")?),
            stft: Stft::new(config.gen_istft_n_fft, config.gen_istft_hop_size)?,
        })
    }

    /// `f0: (B, 2F)` in Hz, standard normal `noise: (B, L, HARMONICS)` → magnitudes and phases `(B, n_fft + 2, L/hop + 1)`.
    pub(super) fn forward(&self, f0: &Tensor, noise: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        if probe.is_active() {
            // Otherwise they are never written down.
            probe.stage("sine_waves", &self.sine_gen.forward(f0, noise)?);
        }
        let (weight, bias) = &self.l_linear;
        let har_source = self.sine_gen.forward_merged(f0, noise, weight, bias)?;
        let har_source = probed(probe, "har_source", har_source.unsqueeze(2)?).squeeze(2)?;
        Ok(probed(probe, "har", self.stft.transform(&har_source)?))
    }
}
