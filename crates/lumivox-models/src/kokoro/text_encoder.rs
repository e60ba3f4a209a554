//! The text encoder: convolutions over phoneme embeddings, then a BiLSTM (`TextEncoder` of Kokoro's `modules.py`).

use candle_core::{Result, Tensor};
use candle_nn::{Embedding, Module, VarBuilder, embedding};
use lumivox_kernels::{BiLstm, ChannelNorm, Conv1d, leaky_relu};

use super::config::Config;
use crate::layers::{bi_lstm, channel_norm, conv1d_same};
use crate::probe::{Probe, probed};

const LEAKY_SLOPE: f32 = 0.2;

pub(super) struct TextEncoder {
    embedding: Embedding,
    cnn: Vec<(Conv1d, ChannelNorm)>,
    lstm: BiLstm,
}

impl TextEncoder {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let channels = config.hidden_dim;
        let layer = |i: usize| {
            let vb = vb.pp(format!("cnn.{i}"));
            let conv = conv1d_same(vb.pp("0"), channels, channels, config.text_encoder_kernel_size, 1)?;
            Ok((conv, channel_norm(vb.pp("1"), channels)?))
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
            x = leaky_relu(&norm.forward(&conv.forward(&x)?)?, LEAKY_SLOPE)?;
            x = probed(probe, &format!("text_cnn{i}"), x);
        }
        let x = self.lstm.forward(&x.transpose(1, 2)?.contiguous()?)?.transpose(1, 2)?.contiguous()?;
        Ok(probed(probe, "t_en", x))
    }
}
