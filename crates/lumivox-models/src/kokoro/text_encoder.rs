//! The text encoder: convolutions over phoneme embeddings, then a BiLSTM (`TextEncoder` of Kokoro's `modules.py`).

use candle_core::{Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Module, VarBuilder, embedding};
use lumivox_kernels::{BiLstm, Conv1d, leaky_relu};

use super::config::Config;
use crate::layers::{bi_lstm, conv1d_same};
use crate::probe::{Probe, probed};

const LAYER_NORM_EPS: f64 = 1e-5;
const LEAKY_SLOPE: f32 = 0.2;

pub(super) struct TextEncoder {
    embedding: Embedding,
    cnn: Vec<(Conv1d, LayerNorm)>,
    lstm: BiLstm,
}

impl TextEncoder {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let channels = config.hidden_dim;
        let layer = |i: usize| {
            let vb = vb.pp(format!("cnn.{i}"));
            let conv = conv1d_same(vb.pp("0"), channels, channels, config.text_encoder_kernel_size, 1)?;
            let norm = LayerNorm::new(vb.get(channels, "1.gamma")?, vb.get(channels, "1.beta")?, LAYER_NORM_EPS);
            Ok((conv, norm))
        };
        Ok(Self {
            embedding: embedding(config.n_token, channels, vb.pp("embedding"))?,
            cnn: (0..config.n_layer).map(layer).collect::<Result<_>>()?,
            lstm: bi_lstm(vb.pp("lstm"), channels, channels / 2)?,
        })
    }

    /// `ids: (B, T) → (B, hidden_dim, T)`.
    pub(super) fn forward(&self, ids: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        let mut x = self.embedding.forward(ids)?.transpose(1, 2)?;
        for (i, (conv, norm)) in self.cnn.iter().enumerate() {
            let normed = norm.forward(&conv.forward(&x)?.transpose(1, 2)?.contiguous()?)?;
            x = leaky_relu(&normed.transpose(1, 2)?, LEAKY_SLOPE)?;
            x = probed(probe, &format!("text_cnn{i}"), x);
        }
        let x = self.lstm.forward(&x.transpose(1, 2)?.contiguous()?)?.transpose(1, 2)?.contiguous()?;
        Ok(probed(probe, "t_en", x))
    }
}
