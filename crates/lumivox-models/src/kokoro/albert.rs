//! The phoneme-level ALBERT (PL-BERT): `transformers.AlbertModel` without its pooler.

use candle_core::{D, IndexOp, Result, Tensor, bail};
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder, embedding, layer_norm, linear};

use super::config::{AlbertConfig, Config};
use crate::probe::{Probe, probed};

const LAYER_NORM_EPS: f64 = 1e-12;

/// Embeddings, then one post-norm transformer layer applied `num_hidden_layers` times.
pub(super) struct Albert {
    word_embeddings: Embedding,
    /// Position plus token type 0, `(max_position_embeddings, E)`.
    position_embeddings: Tensor,
    embedding_norm: LayerNorm,
    mapping_in: Linear,
    layer: AlbertLayer,
    layers: usize,
}

impl Albert {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let AlbertConfig { hidden_size, embedding_size, max_position_embeddings, .. } = config.plbert;
        let embeddings = vb.pp("embeddings");
        let position = embeddings.get((max_position_embeddings, embedding_size), "position_embeddings.weight")?;
        let token_type = embeddings.get((2, embedding_size), "token_type_embeddings.weight")?;
        let encoder = vb.pp("encoder");
        Ok(Self {
            word_embeddings: embedding(config.n_token, embedding_size, embeddings.pp("word_embeddings"))?,
            position_embeddings: position.broadcast_add(&token_type.i(0)?)?,
            embedding_norm: layer_norm(embedding_size, LAYER_NORM_EPS, embeddings.pp("LayerNorm"))?,
            mapping_in: linear(embedding_size, hidden_size, encoder.pp("embedding_hidden_mapping_in"))?,
            layer: AlbertLayer::new(&config.plbert, encoder.pp("albert_layer_groups.0.albert_layers.0"))?,
            layers: config.plbert.num_hidden_layers,
        })
    }

    /// `ids: (B, T) → (B, T, hidden_size)`.
    pub(super) fn forward(&self, ids: &Tensor, probe: &mut dyn Probe) -> Result<Tensor> {
        let tokens = ids.dim(1)?;
        let longest = self.position_embeddings.dim(0)?;
        if tokens > longest {
            bail!("{tokens} tokens for a context of {longest}");
        }
        let positions = self.position_embeddings.narrow(0, 0, tokens)?;
        let x = self.embedding_norm.forward(&self.word_embeddings.forward(ids)?.broadcast_add(&positions)?)?;
        let mut x = self.mapping_in.forward(&probed(probe, "bert_embeddings", x))?;
        for _ in 0..self.layers {
            x = self.layer.forward(&x)?;
        }
        Ok(probed(probe, "bert_dur", x))
    }
}

struct AlbertLayer {
    query: Linear,
    key: Linear,
    value: Linear,
    dense: Linear,
    attention_norm: LayerNorm,
    ffn: Linear,
    ffn_output: Linear,
    full_layer_layer_norm: LayerNorm,
    heads: usize,
}

impl AlbertLayer {
    fn new(config: &AlbertConfig, vb: VarBuilder) -> Result<Self> {
        let AlbertConfig { hidden_size, intermediate_size, num_attention_heads, .. } = *config;
        let attention = vb.pp("attention");
        let square = |name: &str| linear(hidden_size, hidden_size, attention.pp(name));
        Ok(Self {
            query: square("query")?,
            key: square("key")?,
            value: square("value")?,
            dense: square("dense")?,
            attention_norm: layer_norm(hidden_size, LAYER_NORM_EPS, attention.pp("LayerNorm"))?,
            ffn: linear(hidden_size, intermediate_size, vb.pp("ffn"))?,
            ffn_output: linear(intermediate_size, hidden_size, vb.pp("ffn_output"))?,
            full_layer_layer_norm: layer_norm(hidden_size, LAYER_NORM_EPS, vb.pp("full_layer_layer_norm"))?,
            heads: num_attention_heads,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.attention_norm.forward(&(x + self.attention(x)?)?)?;
        // `gelu` is candle's tanh form, which is `gelu_new`.
        let ffn = self.ffn_output.forward(&self.ffn.forward(&x)?.gelu()?)?;
        self.full_layer_layer_norm.forward(&(ffn + x)?)
    }

    fn attention(&self, x: &Tensor) -> Result<Tensor> {
        let (b, t, hidden) = x.dims3()?;
        let head_dim = hidden / self.heads;
        let heads = |x: Tensor| x.reshape((b, t, self.heads, head_dim))?.transpose(1, 2)?.contiguous();
        let query = heads(self.query.forward(x)?)?;
        let key = heads(self.key.forward(x)?)?;
        let value = heads(self.value.forward(x)?)?;
        let scores = (query.matmul(&key.transpose(2, 3)?.contiguous()?)? * (head_dim as f64).powf(-0.5))?;
        let context = candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&value)?;
        self.dense.forward(&context.transpose(1, 2)?.reshape((b, t, hidden))?)
    }
}
