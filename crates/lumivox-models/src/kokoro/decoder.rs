//! The decoder in front of the generator (`Decoder` of Kokoro's `istftnet.py`).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{Algorithm, Conv1d, Conv1dConfig};

use super::adain_block::AdainResBlk1d;
use super::config::{Config, Precision};
use super::generator::Generator;
use crate::layers::conv1d;
use crate::probe::{Probe, probed};

/// Channels between the decoder's blocks, and of the text that is joined on before each. Upstream has them in code, not in its config.
pub(super) const CHANNELS: usize = 1024;
pub(super) const ASR_RES_CHANNELS: usize = 64;

pub(super) struct Decoder {
    f0_conv: Conv1d,
    n_conv: Conv1d,
    asr_res: Conv1d,
    encode: AdainResBlk1d,
    decode: Vec<AdainResBlk1d>,
    generator: Generator,
}

impl Decoder {
    pub(super) fn new(config: &Config, precision: Precision, vb: VarBuilder) -> Result<Self> {
        let (hidden, style_dim) = (config.hidden_dim, config.style_dim);
        let halve = Conv1dConfig { stride: 2, padding: 1, ..Default::default() };
        // In bytes these layers would cost most of the quality.
        let algorithm = Algorithm::Winograd;
        let joined = CHANNELS + 2 + ASR_RES_CHANNELS;
        let decode = |i: usize| {
            let last = i == 3;
            let dim_out = if last { config.istftnet.upsample_initial_channel } else { CHANNELS };
            AdainResBlk1d::new(algorithm, vb.pp(format!("decode.{i}")), [joined, dim_out], style_dim, last)
        };
        Ok(Self {
            f0_conv: conv1d(vb.pp("F0_conv"), 1, 1, 3, halve)?,
            n_conv: conv1d(vb.pp("N_conv"), 1, 1, 3, halve)?,
            asr_res: conv1d(vb.pp("asr_res.0"), hidden, ASR_RES_CHANNELS, 1, Default::default())?,
            encode: AdainResBlk1d::new(algorithm, vb.pp("encode"), [hidden + 2, CHANNELS], style_dim, false)?,
            decode: (0..4).map(decode).collect::<Result<_>>()?,
            generator: Generator::new(config, precision, vb.pp("generator"))?,
        })
    }

    /// `asr: (B, hidden, F)`, `f0` and `n`: `(B, 2F)`, `style: (B, style_dim)`, `noise: (B, L, HARMONICS)` → samples `(B, L)`.
    pub(super) fn forward(
        &self,
        asr: &Tensor,
        f0: &Tensor,
        n: &Tensor,
        style: &Tensor,
        noise: &Tensor,
        probe: &mut dyn Probe,
    ) -> Result<Tensor> {
        let dec_f0 = probed(probe, "dec_F0", self.f0_conv.forward(&f0.unsqueeze(1)?)?);
        let dec_n = probed(probe, "dec_N", self.n_conv.forward(&n.unsqueeze(1)?)?);
        let asr_res = probed(probe, "dec_asr_res", self.asr_res.forward(asr)?);
        let x = Tensor::cat(&[asr, &dec_f0, &dec_n], 1)?;
        let mut x = probed(probe, "dec_encode", self.encode.forward(&x, style)?);
        for (i, block) in self.decode.iter().enumerate() {
            x = Tensor::cat(&[&x, &asr_res, &dec_f0, &dec_n], 1)?;
            x = probed(probe, &format!("dec_decode{i}"), block.forward(&x, style)?);
        }
        self.generator.forward(&x, style, f0, noise, probe)
    }
}
