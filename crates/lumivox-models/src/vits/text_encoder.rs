//! The text encoder: a transformer with relative positions in a window (`TextEncoder` and `attentions.py` of VITS).

use candle_core::{Result, Tensor};
use candle_nn::{Embedding, Module, VarBuilder, embedding};
use lumivox_kernels::{
    Activation, ChannelNorm, Conv1d, Conv1dConfig, Epilogue, Prologue, RelativePositions, Signal, attention,
};

use super::config::Config;
use crate::layers::{channel_norm, conv1d, conv1d_fast};
use crate::probe::{Probe, probed};

/// In front of the second convolution of a feed-forward layer.
const RELU: Prologue<'static> = Prologue { affine: None, activation: &Activation::LeakyRelu(0.0) };

pub(super) struct TextEncoder {
    emb: Embedding,
    layers: Vec<Layer>,
    proj: Conv1d,
    hidden: usize,
}

/// What the encoder says of each token.
pub(super) struct Encoded {
    /// `(1, hidden_channels, T)`.
    pub(super) x: Tensor,
    /// Mean of the prior, `(1, inter_channels, T)`.
    pub(super) mean: Tensor,
    /// Logarithm of the prior's deviation, `(1, inter_channels, T)`.
    pub(super) logs: Tensor,
}

impl TextEncoder {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let hidden = config.hidden_channels;
        Ok(Self {
            emb: embedding(config.n_vocab, hidden, vb.pp("emb"))?,
            layers: (0..config.n_layers).map(|i| Layer::new(config, i, vb.pp("encoder"))).collect::<Result<_>>()?,
            proj: conv1d(vb.pp("proj"), hidden, 2 * config.inter_channels, 1, Default::default())?,
            hidden,
        })
    }

    /// `ids: (1, T)`.
    pub(super) fn forward(&self, ids: &Tensor, probe: &mut dyn Probe) -> Result<Encoded> {
        let x = (self.emb.forward(ids)?.transpose(1, 2)? * (self.hidden as f64).sqrt())?;
        let mut x = Signal::from_tensor(&x)?;
        for layer in &self.layers {
            x = layer.forward(x)?;
        }
        let x = probed(probe, "enc_p", x.into_tensor()?);
        let stats = self.proj.forward(&x)?;
        let half = stats.dim(1)? / 2;
        let mean = probed(probe, "m_p", stats.narrow(1, 0, half)?);
        Ok(Encoded { x, mean, logs: probed(probe, "logs_p", stats.narrow(1, half, half)?) })
    }
}

struct Layer {
    attention: RelativeAttention,
    norm_1: ChannelNorm,
    conv_1: Conv1d,
    conv_2: Conv1d,
    norm_2: ChannelNorm,
}

impl Layer {
    fn new(config: &Config, i: usize, vb: VarBuilder) -> Result<Self> {
        let (hidden, filter, kernel) = (config.hidden_channels, config.filter_channels, config.kernel_size);
        let ffn = vb.pp(format!("ffn_layers.{i}"));
        Ok(Self {
            attention: RelativeAttention::new(config, vb.pp(format!("attn_layers.{i}")))?,
            norm_1: channel_norm(vb.pp(format!("norm_layers_1.{i}")), hidden)?,
            conv_1: conv1d_fast(ffn.pp("conv_1"), hidden, filter, kernel, 1)?,
            conv_2: conv1d_fast(ffn.pp("conv_2"), filter, hidden, kernel, 1)?,
            norm_2: channel_norm(vb.pp(format!("norm_layers_2.{i}")), hidden)?,
        })
    }

    fn forward(&self, x: Signal) -> Result<Signal> {
        let x = self.norm_1.in_place(self.attention.forward_add(x)?)?;
        let ffn = self.conv_1.fused(&x, Prologue::default(), Epilogue::default())?;
        self.norm_2.in_place(self.conv_2.fused(&ffn, RELU, Epilogue { add_to: Some(x), ..Default::default() })?)
    }
}

/// Attention whose scores and values get a learned part for each distance within a window.
struct RelativeAttention {
    /// Query, key and value of all heads, one after the other.
    conv_qkv: Conv1d,
    conv_o: Conv1d,
    positions: RelativePositions,
    heads: usize,
}

impl RelativeAttention {
    fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let hidden = config.hidden_channels;
        let parts = |shape: &[usize], parameter: &str| -> Result<Tensor> {
            let part = |name: &str| vb.get(shape, &format!("{name}.{parameter}"));
            Tensor::cat(&[part("conv_q")?, part("conv_k")?, part("conv_v")?], 0)
        };
        let (weight, bias) = (parts(&[hidden, hidden, 1], "weight")?, parts(&[hidden], "bias")?);
        let relative = (1, 2 * config.window_size + 1, hidden / config.n_heads);
        let (keys, values) = (vb.get(relative, "emb_rel_k")?, vb.get(relative, "emb_rel_v")?);
        Ok(Self {
            conv_qkv: Conv1d::new(&weight, Some(&bias), Conv1dConfig::default())?,
            conv_o: conv1d(vb.pp("conv_o"), hidden, hidden, 1, Conv1dConfig::default())?,
            positions: RelativePositions::new(&keys.squeeze(0)?, &values.squeeze(0)?)?,
            heads: config.n_heads,
        })
    }

    /// `x: (1, C, T)` plus its attention.
    fn forward_add(&self, x: Signal) -> Result<Signal> {
        let qkv = self.conv_qkv.fused(&x, Prologue::default(), Epilogue::default())?;
        let context = attention(&qkv, self.heads, Some(&self.positions))?;
        self.conv_o.fused(&context, Prologue::default(), Epilogue { add_to: Some(x), ..Default::default() })
    }
}
