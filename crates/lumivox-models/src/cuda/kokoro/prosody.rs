//! The prosody predictor: durations, F0 and energy.

use std::ops::Range;

use candle_core::Result;
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{BiLstm, Conv1d, Signal, ada_layer_norm, broadcast, copy};

use super::adain_block::AdainResBlk1d;
use super::{On, Projections, plain, probed, probed_tokens};
use crate::kokoro::Config;
use crate::probe::Probe;

const LAYER_NORM_EPS: f32 = 1e-5;

pub(super) struct ProsodyPredictor {
    text_encoder: DurationEncoder,
    lstm: BiLstm,
    duration_proj: Conv1d,
    shared: BiLstm,
    f0: Curve,
    n: Curve,
}

impl ProsodyPredictor {
    pub(super) fn new(on: On, config: &Config, vb: VarBuilder, projections: &mut Projections) -> Result<Self> {
        let (hidden, style_dim) = (config.hidden_dim, config.style_dim);
        Ok(Self {
            text_encoder: DurationEncoder::new(on, config, vb.pp("text_encoder"), projections)?,
            lstm: on.bi_lstm(vb.pp("lstm"), hidden + style_dim, hidden / 2)?,
            duration_proj: on.linear(vb.pp("duration_proj.linear_layer"), hidden, config.max_dur)?,
            shared: on.bi_lstm(vb.pp("shared"), hidden + style_dim, hidden / 2)?,
            f0: Curve::new(on, config, "F0", &vb, projections)?,
            n: Curve::new(on, config, "N", &vb, projections)?,
        })
    }

    /// The encoding that durations and curves are predicted from: `d_en: (B, hidden, T)`, the style's half as it is and its projections → `(B, hidden + style_dim, T)`.
    pub(super) fn encode(
        &self,
        d_en: &Signal,
        prosody_style: &Signal,
        style: &Signal,
        probe: &mut dyn Probe,
    ) -> Result<Signal> {
        probed_tokens(probe, "d", self.text_encoder.forward(d_en, prosody_style, style)?)
    }

    /// What frames for each token are summed from: `d: (B, hidden + style_dim, T)` → `(B, max_dur, T)`.
    pub(super) fn duration_logits(&self, d: &Signal, probe: &mut dyn Probe) -> Result<Signal> {
        let x = probed_tokens(probe, "dur_lstm", self.lstm.forward(d, None)?)?;
        probed_tokens(probe, "dur_logits", plain(&self.duration_proj, &x)?)
    }

    /// F0 in Hz and energy at twice the frame rate: `en: (B, hidden + style_dim, F)` → twice `(B, 1, 2F)`.
    pub(super) fn curves(&self, en: &Signal, style: &Signal, probe: &mut dyn Probe) -> Result<(Signal, Signal)> {
        let x = probed_tokens(probe, "shared_lstm", self.shared.forward(en, None)?)?;
        Ok((self.f0.forward(&x, style, probe)?, self.n.forward(&x, style, probe)?))
    }
}

/// BiLSTMs, each followed by a layer normalisation that the style scales and shifts, the style joined on again behind each.
struct DurationEncoder {
    /// With each LSTM its normalisation's part of the style's projections.
    layers: Vec<(BiLstm, Range<usize>)>,
}

impl DurationEncoder {
    fn new(on: On, config: &Config, vb: VarBuilder, projections: &mut Projections) -> Result<Self> {
        let (hidden, style_dim) = (config.hidden_dim, config.style_dim);
        let layer = |i: usize| {
            let lstm = on.bi_lstm(vb.pp(format!("lstms.{}", 2 * i)), hidden + style_dim, hidden / 2)?;
            let fc = vb.pp(format!("lstms.{}.fc", 2 * i + 1));
            Ok((lstm, projections.push(fc, style_dim, 2 * hidden)?))
        };
        Ok(Self { layers: (0..config.n_layer).map(layer).collect::<Result<_>>()? })
    }

    fn forward(&self, d_en: &Signal, prosody_style: &Signal, style: &Signal) -> Result<Signal> {
        let (batch, hidden, tokens) = d_en.dims();
        let style_dim = prosody_style.dims().1;
        let joined = || -> Result<Signal> {
            let dims = [batch, hidden + style_dim, tokens];
            let x = Signal::new(d_en.device(), d_en.dtype(), dims, d_en.lengths().clone())?;
            broadcast(prosody_style, &x.channels(hidden..hidden + style_dim)?)?;
            Ok(x)
        };
        let mut x = joined()?;
        copy(d_en, x.channels(0..hidden)?)?;
        for (lstm, part) in &self.layers {
            let y = lstm.forward(&x, None)?;
            x = joined()?;
            ada_layer_norm(&y, &style.channels(part.clone())?, LAYER_NORM_EPS, Some(x.channels(0..hidden)?))?;
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
    fn new(
        on: On,
        config: &Config,
        name: &'static str,
        vb: &VarBuilder,
        projections: &mut Projections,
    ) -> Result<Self> {
        let (hidden, style_dim) = (config.hidden_dim, config.style_dim);
        let mut block = |i: usize, dim_in, dim_out, upsample| {
            AdainResBlk1d::new(on, vb.pp(format!("{name}.{i}")), [dim_in, dim_out], style_dim, upsample, projections)
        };
        Ok(Self {
            name,
            blocks: vec![
                block(0, hidden, hidden, false)?,
                block(1, hidden, hidden / 2, true)?,
                block(2, hidden / 2, hidden / 2, false)?,
            ],
            proj: on.conv1d(vb.pp(format!("{name}_proj")), hidden / 2, 1, 1, Default::default())?,
        })
    }

    /// `x: (B, hidden, F) → (B, 1, 2F)`.
    fn forward(&self, x: &Signal, style: &Signal, probe: &mut dyn Probe) -> Result<Signal> {
        let mut x = x.clone();
        for (i, block) in self.blocks.iter().enumerate() {
            x = probed(probe, &format!("{}_block{i}", self.name), block.forward(&x, style, None)?)?;
        }
        probed(probe, self.name, plain(&self.proj, &x)?)
    }
}
