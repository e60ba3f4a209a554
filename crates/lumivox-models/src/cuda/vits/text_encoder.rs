//! The text encoder: a transformer with relative positions in a window.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::Conv1dConfig;
use lumivox_kernels::cuda::{
    Activation, ChannelNorm, Conv1d, Embedding, Epilogue, Ids, Prologue, RelativePositions, Signal, attention, copy,
};

use super::{On, plain, probed};
use crate::probe::Probe;
use crate::vits::Config;

/// In front of the second convolution of a feed-forward layer.
const RELU: Prologue<'static> = Prologue { affine: None, activation: Activation::LeakyRelu(0.0) };

pub(super) struct TextEncoder {
    emb: Embedding,
    layers: Vec<Layer>,
    proj: Conv1d,
    hidden: usize,
}

impl TextEncoder {
    pub(super) fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let hidden = config.hidden_channels;
        let layers = (0..config.n_layers).map(|i| Layer::new(on, config, i, vb.pp("encoder")));
        Ok(Self {
            emb: Embedding::new(on.device, &vb.get((config.n_vocab, hidden), "emb.weight")?)?,
            layers: layers.collect::<Result<_>>()?,
            proj: on.conv1d(vb.pp("proj"), hidden, 2 * config.inter_channels, 1, Default::default())?,
            hidden,
        })
    }

    /// What is said of each token, `(B, hidden, T)`, and of its prior, `(B, 2·inter_channels, T)`: mean and logarithm of the deviation.
    pub(super) fn forward(&self, ids: &Ids, probe: &mut dyn Probe) -> Result<(Signal, Signal)> {
        let mut x = self.emb.forward(ids, None, (self.hidden as f32).sqrt())?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        let x = probed(probe, "enc_p", x)?;
        let stats = plain(&self.proj, &x)?;
        if probe.is_active() {
            let (batch, channels, tokens) = stats.dims();
            for (name, part) in [("m_p", 0..channels / 2), ("logs_p", channels / 2..channels)] {
                let part = stats.channels(part)?;
                let dims = [batch, channels / 2, tokens];
                let whole = Signal::new(stats.device(), stats.dtype(), dims, stats.lengths().clone())?;
                copy(&probed(probe, name, copy(&part, whole)?)?, part)?;
            }
        }
        Ok((x, stats))
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
    fn new(on: On, config: &Config, i: usize, vb: VarBuilder) -> Result<Self> {
        let (hidden, filter, kernel) = (config.hidden_channels, config.filter_channels, config.kernel_size);
        let ffn = vb.pp(format!("ffn_layers.{i}"));
        Ok(Self {
            attention: RelativeAttention::new(on, config, vb.pp(format!("attn_layers.{i}")))?,
            norm_1: on.channel_norm(vb.pp(format!("norm_layers_1.{i}")), hidden)?,
            conv_1: on.conv1d_same(ffn.pp("conv_1"), hidden, filter, kernel, 1)?,
            conv_2: on.conv1d_same(ffn.pp("conv_2"), filter, hidden, kernel, 1)?,
            norm_2: on.channel_norm(vb.pp(format!("norm_layers_2.{i}")), hidden)?,
        })
    }

    fn forward(&self, x: &Signal) -> Result<Signal> {
        let x = self.norm_1.fused(&self.attention.forward_add(x)?, &Activation::None, None, None)?;
        let ffn = plain(&self.conv_1, &x)?;
        let y = self.conv_2.fused(&ffn, RELU, Epilogue { residual: Some(&x), ..Default::default() })?;
        self.norm_2.fused(&y, &Activation::None, None, None)
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
    fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let hidden = config.hidden_channels;
        let parts = |shape: &[usize], parameter: &str| -> Result<Tensor> {
            let part = |name: &str| vb.get(shape, &format!("{name}.{parameter}"));
            Tensor::cat(&[part("conv_q")?, part("conv_k")?, part("conv_v")?], 0)
        };
        let (weight, bias) = (parts(&[hidden, hidden, 1], "weight")?, parts(&[hidden], "bias")?);
        let relative = (1, 2 * config.window_size + 1, hidden / config.n_heads);
        let (keys, values) = (vb.get(relative, "emb_rel_k")?, vb.get(relative, "emb_rel_v")?);
        Ok(Self {
            conv_qkv: on.conv1d_of(&weight, Some(&bias), Conv1dConfig::default())?,
            conv_o: on.conv1d(vb.pp("conv_o"), hidden, hidden, 1, Conv1dConfig::default())?,
            positions: RelativePositions::new(on.device, &keys.squeeze(0)?, &values.squeeze(0)?)?,
            heads: config.n_heads,
        })
    }

    /// `x: (B, C, T)` plus its attention.
    fn forward_add(&self, x: &Signal) -> Result<Signal> {
        let context = attention(&plain(&self.conv_qkv, x)?, self.heads, Some(&self.positions))?;
        self.conv_o.fused(&context, Prologue::default(), Epilogue { residual: Some(x), ..Default::default() })
    }
}
