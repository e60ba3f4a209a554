//! The text encoder.

use candle_core::Result;
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{Activation, BiLstm, ChannelNorm, Conv1d, Embedding, Ids, Signal};

use super::{On, plain, probed};
use crate::kokoro::Config;
use crate::probe::Probe;

const LEAKY: Activation = Activation::LeakyRelu(0.2);

pub(super) struct TextEncoder {
    embedding: Embedding,
    cnn: Vec<(Conv1d, ChannelNorm)>,
    lstm: BiLstm,
}

impl TextEncoder {
    pub(super) fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let channels = config.hidden_dim;
        let layer = |i: usize| {
            let vb = vb.pp(format!("cnn.{i}"));
            let conv = on.conv1d_same(vb.pp("0"), channels, channels, config.text_encoder_kernel_size, 1)?;
            Ok((conv, on.channel_norm(vb.pp("1"), channels)?))
        };
        Ok(Self {
            embedding: Embedding::new(on.device, &vb.get((config.n_token, channels), "embedding.weight")?)?,
            cnn: (0..config.n_layer).map(layer).collect::<Result<_>>()?,
            lstm: on.bi_lstm(vb.pp("lstm"), channels, channels / 2)?,
        })
    }

    /// `(B, hidden_dim, T)`.
    pub(super) fn forward(&self, ids: &Ids, probe: &mut dyn Probe) -> Result<Signal> {
        let mut x = self.embedding.forward(ids, None, 1.0)?;
        for (i, (conv, norm)) in self.cnn.iter().enumerate() {
            let y = norm.fused(&plain(conv, &x)?, &LEAKY, None, None)?;
            x = probed(probe, &format!("text_cnn{i}"), y)?;
        }
        probed(probe, "t_en", self.lstm.forward(&x, None)?)
    }
}
