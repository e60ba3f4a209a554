//! The prosody predictor: durations, F0 and energy (`ProsodyPredictor` and `DurationEncoder` of Kokoro's `modules.py`).

use candle_core::{D, Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{Algorithm, BiLstm, Conv1d, Linear, ada_layer_norm};

use super::adain_block::AdainResBlk1d;
use super::config::Config;
use crate::layers::{bi_lstm, conv1d, linear};
use crate::probe::{Probe, probed};

const LAYER_NORM_EPS: f64 = 1e-5;

pub(super) struct ProsodyPredictor {
    text_encoder: DurationEncoder,
    lstm: BiLstm,
    duration_proj: Linear,
    shared: BiLstm,
    f0: Curve,
    n: Curve,
}

impl ProsodyPredictor {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let (hidden, style_dim) = (config.hidden_dim, config.style_dim);
        Ok(Self {
            text_encoder: DurationEncoder::new(config, vb.pp("text_encoder"))?,
            lstm: bi_lstm(vb.pp("lstm"), hidden + style_dim, hidden / 2)?,
            duration_proj: linear(vb.pp("duration_proj.linear_layer"), hidden, config.max_dur)?,
            shared: bi_lstm(vb.pp("shared"), hidden + style_dim, hidden / 2)?,
            f0: Curve::new(config, "F0", &vb)?,
            n: Curve::new(config, "N", &vb)?,
        })
    }

    /// The encoding that durations and curves are predicted from: `d_en: (B, T, hidden)`, `style: (B, style_dim)` → `(B, T, hidden + style_dim)`.
    pub(super) fn encode(&self, d_en: &Tensor, style: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        Ok(probed(probe, "d", self.text_encoder.forward(d_en, style)?))
    }

    /// Frames for each token, for a batch of one: `d: (1, T, hidden + style_dim)`. At least one frame each; halves round to even.
    pub(super) fn durations(&self, d: &Tensor, speed: f32, probe: &mut dyn Probe) -> Result<Vec<u32>> {
        let x = probed(probe, "dur_lstm", self.lstm.forward(d)?);
        let logits = probed(probe, "dur_logits", self.duration_proj.forward(&x)?);
        let frames = candle_nn::ops::sigmoid(&logits)?.sum(D::Minus1)?.squeeze(0)?.to_vec1::<f32>()?;
        Ok(frames.into_iter().map(|frames| (frames / speed).round_ties_even().max(1.0) as u32).collect())
    }

    /// F0 in Hz and energy at twice the frame rate: `en: (B, F, hidden + style_dim)`, `style: (B, style_dim)` → twice `(B, 2F)`.
    pub(super) fn curves(&self, en: &Tensor, style: &Tensor, probe: &mut dyn Probe) -> Result<(Tensor, Tensor)> {
        let x = probed(probe, "shared_lstm", self.shared.forward(en)?).transpose(1, 2)?.contiguous()?;
        Ok((self.f0.forward(&x, style, probe)?, self.n.forward(&x, style, probe)?))
    }
}

/// BiLSTMs, each followed by a layer normalisation that the style scales and shifts, the style joined on again behind each.
struct DurationEncoder {
    layers: Vec<(BiLstm, Linear)>,
}

impl DurationEncoder {
    fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let (hidden, style_dim) = (config.hidden_dim, config.style_dim);
        let layer = |i: usize| {
            let lstm = bi_lstm(vb.pp(format!("lstms.{}", 2 * i)), hidden + style_dim, hidden / 2)?;
            let fc = linear(vb.pp(format!("lstms.{}.fc", 2 * i + 1)), style_dim, 2 * hidden)?;
            Ok((lstm, fc))
        };
        Ok(Self { layers: (0..config.n_layer).map(layer).collect::<Result<_>>()? })
    }

    fn forward(&self, d_en: &Tensor, style: &Tensor) -> Result<Tensor> {
        let (b, tokens, _) = d_en.dims3()?;
        let styles = style.unsqueeze(1)?.expand((b, tokens, style.dim(1)?))?.contiguous()?;
        let mut x = Tensor::cat(&[d_en, &styles], 2)?;
        for (lstm, fc) in &self.layers {
            x = ada_layer_norm(&lstm.forward(&x)?, &fc.forward(style)?, LAYER_NORM_EPS)?;
            x = Tensor::cat(&[&x, &styles], 2)?;
        }
        Ok(x)
    }
}

/// Three residual blocks, the second of which doubles the rate, and a projection to one channel.
struct Curve {
    name: &'static str,
    blocks: Vec<AdainResBlk1d>,
    proj: Conv1d,
}

impl Curve {
    fn new(config: &Config, name: &'static str, vb: &VarBuilder) -> Result<Self> {
        let (hidden, style_dim) = (config.hidden_dim, config.style_dim);
        let block = |i: usize, dim_in, dim_out, upsample| {
            AdainResBlk1d::new(Algorithm::Direct, vb.pp(format!("{name}.{i}")), [dim_in, dim_out], style_dim, upsample)
        };
        Ok(Self {
            name,
            blocks: vec![
                block(0, hidden, hidden, false)?,
                block(1, hidden, hidden / 2, true)?,
                block(2, hidden / 2, hidden / 2, false)?,
            ],
            proj: conv1d(vb.pp(format!("{name}_proj")), hidden / 2, 1, 1, Default::default())?,
        })
    }

    /// `x: (B, hidden, F) → (B, 2F)`.
    fn forward(&self, x: &Tensor, style: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        let mut x = x.clone();
        for (i, block) in self.blocks.iter().enumerate() {
            x = probed(probe, &format!("{}_block{i}", self.name), block.forward(&x, style)?);
        }
        probed(probe, self.name, self.proj.forward(&x)?).squeeze(1)
    }
}
