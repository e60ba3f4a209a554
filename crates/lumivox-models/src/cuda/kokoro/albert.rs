//! The phoneme-level ALBERT.

use candle_core::{IndexOp, Result, Tensor, bail};
use candle_nn::VarBuilder;
use lumivox_kernels::Conv1dConfig;
use lumivox_kernels::cuda::{Activation, ChannelNorm, Conv1d, Embedding, Epilogue, Ids, Prologue, Signal, attention};

use super::{On, plain, probed_tokens};
use crate::kokoro::{AlbertConfig, Config};
use crate::probe::Probe;

const LAYER_NORM_EPS: f32 = 1e-12;

pub(super) struct Albert {
    word_embeddings: Embedding,
    /// Position plus token type 0.
    position_embeddings: Embedding,
    longest: usize,
    embedding_norm: ChannelNorm,
    mapping_in: Conv1d,
    layer: AlbertLayer,
    layers: usize,
}

impl Albert {
    pub(super) fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let AlbertConfig { hidden_size, embedding_size, max_position_embeddings, .. } = config.plbert;
        let embeddings = vb.pp("embeddings");
        let position = embeddings.get((max_position_embeddings, embedding_size), "position_embeddings.weight")?;
        let token_type = embeddings.get((2, embedding_size), "token_type_embeddings.weight")?;
        let words = embeddings.get((config.n_token, embedding_size), "word_embeddings.weight")?;
        let encoder = vb.pp("encoder");
        Ok(Self {
            word_embeddings: Embedding::new(on.device, &words)?,
            position_embeddings: Embedding::new(on.device, &position.broadcast_add(&token_type.i(0)?)?)?,
            longest: max_position_embeddings,
            embedding_norm: on.layer_norm(embeddings.pp("LayerNorm"), embedding_size, LAYER_NORM_EPS)?,
            mapping_in: on.linear(encoder.pp("embedding_hidden_mapping_in"), embedding_size, hidden_size)?,
            layer: AlbertLayer::new(on, &config.plbert, encoder.pp("albert_layer_groups.0.albert_layers.0"))?,
            layers: config.plbert.num_hidden_layers,
        })
    }

    /// `(B, hidden_size, T)`.
    pub(super) fn forward(&self, ids: &Ids, probe: &mut dyn Probe) -> Result<Signal> {
        if ids.tokens() > self.longest {
            bail!("{} tokens for a context of {}", ids.tokens(), self.longest);
        }
        let x = self.word_embeddings.forward(ids, Some(&self.position_embeddings), 1.0)?;
        let x = self.embedding_norm.fused(&x, &Activation::None, None, None)?;
        let mut x = plain(&self.mapping_in, &probed_tokens(probe, "bert_embeddings", x)?)?;
        for _ in 0..self.layers {
            x = self.layer.forward(&x)?;
        }
        probed_tokens(probe, "bert_dur", x)
    }
}

struct AlbertLayer {
    /// Query, key and value, one after the other.
    qkv: Conv1d,
    dense: Conv1d,
    attention_norm: ChannelNorm,
    ffn: Conv1d,
    ffn_output: Conv1d,
    full_layer_layer_norm: ChannelNorm,
    heads: usize,
}

impl AlbertLayer {
    fn new(on: On, config: &AlbertConfig, vb: VarBuilder) -> Result<Self> {
        let AlbertConfig { hidden_size, intermediate_size, num_attention_heads, .. } = *config;
        let attention = vb.pp("attention");
        let joined = |name: &str, shape: &[usize]| -> Result<Tensor> {
            let part = |layer: &str| attention.get(shape, &format!("{layer}.{name}"));
            Tensor::cat(&[part("query")?, part("key")?, part("value")?], 0)
        };
        let weight = joined("weight", &[hidden_size, hidden_size])?.unsqueeze(2)?;
        Ok(Self {
            qkv: on.conv1d_of(&weight, Some(&joined("bias", &[hidden_size])?), Conv1dConfig::default())?,
            dense: on.linear(attention.pp("dense"), hidden_size, hidden_size)?,
            attention_norm: on.layer_norm(attention.pp("LayerNorm"), hidden_size, LAYER_NORM_EPS)?,
            ffn: on.linear(vb.pp("ffn"), hidden_size, intermediate_size)?,
            ffn_output: on.linear(vb.pp("ffn_output"), intermediate_size, hidden_size)?,
            full_layer_layer_norm: on.layer_norm(vb.pp("full_layer_layer_norm"), hidden_size, LAYER_NORM_EPS)?,
            heads: num_attention_heads,
        })
    }

    /// `x: (B, hidden_size, T)`.
    fn forward(&self, x: &Signal) -> Result<Signal> {
        let context = attention(&plain(&self.qkv, x)?, self.heads, None)?;
        let with = |x| Epilogue { residual: Some(x), ..Default::default() };
        let x = self.dense.fused(&context, Prologue::default(), with(x))?;
        let x = self.attention_norm.fused(&x, &Activation::None, None, None)?;
        let gelu = Epilogue { activation: Activation::GeluTanh, ..Default::default() };
        let ffn = self.ffn.fused(&x, Prologue::default(), gelu)?;
        let x = self.ffn_output.fused(&ffn, Prologue::default(), with(&x))?;
        self.full_layer_layer_norm.fused(&x, &Activation::None, None, None)
    }
}
