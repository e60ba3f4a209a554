//! The text encoder: a transformer with relative positions in a window (`TextEncoder` and `attentions.py` of VITS).

use candle_core::{D, Device, Result, Tensor};
use candle_nn::{Embedding, Module, VarBuilder, embedding};
use lumivox_kernels::Conv1d;

use super::config::Config;
use crate::layers::{ChannelNorm, conv1d, conv1d_same};
use crate::probe::{Probe, probed};

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
        let mut x = (self.emb.forward(ids)?.transpose(1, 2)? * (self.hidden as f64).sqrt())?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        let x = probed(probe, "enc_p", x);
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
            norm_1: ChannelNorm::new(vb.pp(format!("norm_layers_1.{i}")), hidden)?,
            conv_1: conv1d_same(ffn.pp("conv_1"), hidden, filter, kernel, 1)?,
            conv_2: conv1d_same(ffn.pp("conv_2"), filter, hidden, kernel, 1)?,
            norm_2: ChannelNorm::new(vb.pp(format!("norm_layers_2.{i}")), hidden)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.norm_1.forward(&(x + self.attention.forward(x)?)?)?;
        let ffn = self.conv_2.forward_add(&self.conv_1.forward(&x)?.relu()?, &x)?;
        self.norm_2.forward(&ffn)
    }
}

/// Attention whose scores and values get a learned part for each distance within the window, the same for all heads (Shaw et al., 2018).
struct RelativeAttention {
    conv_q: Conv1d,
    conv_k: Conv1d,
    conv_v: Conv1d,
    conv_o: Conv1d,
    /// `(2·window + 1, head_dim)`.
    emb_rel_k: Tensor,
    emb_rel_v: Tensor,
    heads: usize,
    window: usize,
}

impl RelativeAttention {
    fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let hidden = config.hidden_channels;
        let pointwise = |name: &str| conv1d(vb.pp(name), hidden, hidden, 1, Default::default());
        let relative = (1, 2 * config.window_size + 1, hidden / config.n_heads);
        Ok(Self {
            conv_q: pointwise("conv_q")?,
            conv_k: pointwise("conv_k")?,
            conv_v: pointwise("conv_v")?,
            conv_o: pointwise("conv_o")?,
            emb_rel_k: vb.get(relative, "emb_rel_k")?.squeeze(0)?,
            emb_rel_v: vb.get(relative, "emb_rel_v")?.squeeze(0)?,
            heads: config.n_heads,
            window: config.window_size,
        })
    }

    /// `x: (1, C, T) → (1, C, T)`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, channels, tokens) = x.dims3()?;
        let head_dim = channels / self.heads;
        let heads = |x: Tensor| x.reshape((self.heads, head_dim, tokens))?.transpose(1, 2)?.contiguous();
        let query = (heads(self.conv_q.forward(x)?)? * (head_dim as f64).powf(-0.5))?;
        let key = heads(self.conv_k.forward(x)?)?;
        let value = heads(self.conv_v.forward(x)?)?;
        let near = Window::new(tokens, self.window, x.device())?;
        let relative = query.broadcast_matmul(&self.emb_rel_k.t()?)?;
        let scores = (query.matmul(&key.t()?)? + near.to_pairs(&relative)?)?;
        let weights = candle_nn::ops::softmax(&scores, D::Minus1)?;
        let context = (weights.matmul(&value)? + near.to_distances(&weights)?.broadcast_matmul(&self.emb_rel_v)?)?;
        self.conv_o.forward(&context.transpose(1, 2)?.reshape((1, channels, tokens))?)
    }
}

/// Which pairs of tokens are near, and at what distance.
struct Window {
    /// Index of the distance `j − i + window` of each pair, clamped, `(T, T)`.
    distance: Tensor,
    /// 1 where the pair is near, `(T, T)`.
    is_near: Tensor,
    /// The other token `i + r − window` of each distance, clamped, `(T, 2·window + 1)`.
    other: Tensor,
    /// 1 where that token exists, `(T, 2·window + 1)`.
    exists: Tensor,
}

impl Window {
    fn new(tokens: usize, window: usize, device: &Device) -> Result<Self> {
        let (t, w) = (tokens as i64, window as i64);
        let table = |columns: usize, f: &dyn Fn(i64, i64) -> (i64, bool)| -> Result<(Tensor, Tensor)> {
            let cells = (0..t).flat_map(|i| (0..columns as i64).map(move |j| (i, j))).map(|(i, j)| f(i, j));
            let (indices, flags): (Vec<u32>, Vec<f32>) =
                cells.map(|(index, flag)| (index as u32, f32::from(u8::from(flag)))).unzip();
            let shape = (tokens, columns);
            Ok((Tensor::from_vec(indices, shape, device)?, Tensor::from_vec(flags, shape, device)?))
        };
        let (distance, is_near) = table(tokens, &|i, j| ((j - i).clamp(-w, w) + w, (j - i).abs() <= w))?;
        let (other, exists) =
            table(2 * window + 1, &|i, r| ((i + r - w).clamp(0, t - 1), (0..t).contains(&(i + r - w))))?;
        Ok(Self { distance, is_near, other, exists })
    }

    /// `(heads, T, 2·window + 1)`, a value for each distance → `(heads, T, T)`, zero where tokens are not near.
    fn to_pairs(&self, x: &Tensor) -> Result<Tensor> {
        gather(x, &self.distance)?.broadcast_mul(&self.is_near)
    }

    /// `(heads, T, T)`, a value for each pair → `(heads, T, 2·window + 1)`, zero where there is no such token.
    fn to_distances(&self, x: &Tensor) -> Result<Tensor> {
        gather(x, &self.other)?.broadcast_mul(&self.exists)
    }
}

/// Picks along the last dimension, the same places in each head.
fn gather(x: &Tensor, index: &Tensor) -> Result<Tensor> {
    let (rows, columns) = index.dims2()?;
    x.gather(&index.unsqueeze(0)?.expand((x.dim(0)?, rows, columns))?.contiguous()?, 2)
}
