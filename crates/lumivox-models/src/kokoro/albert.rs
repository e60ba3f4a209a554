//! The phoneme-level ALBERT (PL-BERT): `transformers.AlbertModel` without its pooler.

use candle_core::{IndexOp, Result, Tensor, bail};
use candle_nn::{Embedding, Module, VarBuilder, embedding};
use lumivox_kernels::{LayerNorm, Linear, attention_qkvpacked};

use super::config::{AlbertConfig, Config};
use crate::layers::{layer_norm, linear};
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
            embedding_norm: layer_norm(embeddings.pp("LayerNorm"), embedding_size, LAYER_NORM_EPS)?,
            mapping_in: linear(encoder.pp("embedding_hidden_mapping_in"), embedding_size, hidden_size)?,
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
    /// Query, key and value side by side.
    qkv: Linear,
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
        let joined = |name: &str, shape: &[usize]| -> Result<Tensor> {
            let part = |layer: &str| attention.get(shape, &format!("{layer}.{name}"));
            Tensor::cat(&[part("query")?, part("key")?, part("value")?], 0)
        };
        let (weight, bias) = (joined("weight", &[hidden_size, hidden_size])?, joined("bias", &[hidden_size])?);
        Ok(Self {
            qkv: Linear::new(&weight, Some(&bias))?,
            dense: linear(attention.pp("dense"), hidden_size, hidden_size)?,
            attention_norm: layer_norm(attention.pp("LayerNorm"), hidden_size, LAYER_NORM_EPS)?,
            ffn: linear(vb.pp("ffn"), hidden_size, intermediate_size)?,
            ffn_output: linear(vb.pp("ffn_output"), intermediate_size, hidden_size)?,
            full_layer_layer_norm: layer_norm(vb.pp("full_layer_layer_norm"), hidden_size, LAYER_NORM_EPS)?,
            heads: num_attention_heads,
        })
    }

    /// `x: (B, T, hidden_size)`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let context = attention_qkvpacked(&self.qkv.forward(x)?, self.heads)?;
        let x = self.attention_norm.forward(&self.dense.forward_add(&context, x)?)?;
        let ffn = self.ffn_output.forward_add(&self.ffn.forward_gelu(&x)?, &x)?;
        self.full_layer_layer_norm.forward(&ffn)
    }
}
