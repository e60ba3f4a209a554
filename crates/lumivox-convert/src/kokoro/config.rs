//! The numbers of `config.json` that decide which tensors a Kokoro checkpoint has.

use crate::ConvertError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `config.json` of `hexgrad/Kokoro-82M`, for checkpoints that come without one.
const EMBEDDED: &str = include_str!("../../data/kokoro-v1.0-config.json");

/// Largest value that any number of the configuration may have; real ones stay below 4096.
const MAX_DIMENSION: usize = 1 << 16;

/// A Kokoro configuration under its upstream key names, reduced to what decides shapes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Config {
    /// The iSTFTNet generator.
    pub istftnet: IstftNet,
    /// Width of the text encoder and of the prosody predictor.
    pub hidden_dim: usize,
    /// Longest duration of one symbol in frames.
    pub max_dur: usize,
    /// Layers of the text encoder and of the duration encoder.
    pub n_layer: usize,
    /// Size of the symbol table.
    pub n_token: usize,
    /// Width of one half of a voice row.
    pub style_dim: usize,
    /// Kernel width of the text encoder's convolutions.
    pub text_encoder_kernel_size: usize,
    /// The ALBERT encoder.
    pub plbert: PlBert,
    /// Width of the decoder before the generator. Upstream writes it into its code; the key is lumivox's own, for models of
    /// another size.
    #[serde(default = "default_decoder_dim")]
    pub decoder_dim: usize,
    /// Symbol → id.
    pub vocab: BTreeMap<String, u32>,
}

/// The generator's part of [`Config`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct IstftNet {
    /// Kernel widths of the transposed convolutions.
    pub upsample_kernel_sizes: Vec<usize>,
    /// Strides of the transposed convolutions.
    pub upsample_rates: Vec<usize>,
    /// FFT size of the inverse STFT.
    pub gen_istft_n_fft: usize,
    /// Kernel widths of the parallel residual blocks.
    pub resblock_kernel_sizes: Vec<usize>,
    /// Dilations of each residual block's convolutions.
    pub resblock_dilation_sizes: Vec<Vec<usize>>,
    /// Channels before the first transposed convolution.
    pub upsample_initial_channel: usize,
}

/// ALBERT's part of [`Config`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PlBert {
    /// Width of the encoder.
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// Longest input in symbols, padding included.
    pub max_position_embeddings: usize,
    /// Width of the embeddings; upstream leaves it to ALBERT's default.
    #[serde(default = "default_embedding_size")]
    pub embedding_size: usize,
}

fn default_embedding_size() -> usize {
    128
}

fn default_decoder_dim() -> usize {
    1024
}

impl Config {
    /// Parses `config.json`.
    ///
    /// # Errors
    /// The text is not JSON, a key is missing, or a number is not usable; the message names it.
    pub fn parse(json: &str) -> Result<Self, ConvertError> {
        let config: Self = serde_json::from_str(json).map_err(|e| ConvertError::Config(e.to_string()))?;
        config.check().map_err(ConvertError::Config)?;
        Ok(config)
    }

    /// Kokoro v1.0's own `config.json`.
    pub fn embedded_json() -> &'static str {
        EMBEDDED
    }

    /// Shape of a voice: one row per length of the phoneme string, `[max_position_embeddings - 2, 2·style_dim]`.
    pub fn voice_shape(&self) -> [usize; 2] {
        [self.plbert.max_position_embeddings - 2, 2 * self.style_dim]
    }

    fn check(&self) -> Result<(), String> {
        let (net, bert) = (&self.istftnet, &self.plbert);
        let numbers = [
            ("hidden_dim", self.hidden_dim),
            ("max_dur", self.max_dur),
            ("n_layer", self.n_layer),
            ("n_token", self.n_token),
            ("style_dim", self.style_dim),
            ("decoder_dim", self.decoder_dim),
            ("text_encoder_kernel_size", self.text_encoder_kernel_size),
            ("istftnet.gen_istft_n_fft", net.gen_istft_n_fft),
            ("istftnet.upsample_initial_channel", net.upsample_initial_channel),
            ("plbert.hidden_size", bert.hidden_size),
            ("plbert.intermediate_size", bert.intermediate_size),
            ("plbert.max_position_embeddings", bert.max_position_embeddings),
            ("plbert.embedding_size", bert.embedding_size),
        ];
        let lists = [
            ("upsample_kernel_sizes", &net.upsample_kernel_sizes),
            ("upsample_rates", &net.upsample_rates),
            ("resblock_kernel_sizes", &net.resblock_kernel_sizes),
        ];
        let listed = lists.iter().flat_map(|(name, list)| list.iter().map(move |&v| (*name, v)));
        if let Some((name, value)) = numbers.into_iter().chain(listed).find(|(_, v)| !(1..=MAX_DIMENSION).contains(v)) {
            return Err(format!("`{name}` is {value}, which is not between 1 and {MAX_DIMENSION}"));
        }
        if let Some((name, list)) = lists.iter().find(|(_, l)| !(1..=8).contains(&l.len())) {
            return Err(format!("`istftnet.{name}` has {} entries, which is not between 1 and 8", list.len()));
        }
        if net.upsample_rates.len() != net.upsample_kernel_sizes.len() {
            return Err("`istftnet.upsample_rates` and `upsample_kernel_sizes` differ in length".into());
        }
        if net.resblock_dilation_sizes.len() != net.resblock_kernel_sizes.len()
            || net.resblock_dilation_sizes.iter().any(|d| d.len() != 3)
        {
            return Err(
                "`istftnet.resblock_dilation_sizes` must have three dilations for each of `resblock_kernel_sizes`"
                    .into(),
            );
        }
        if net.upsample_rates.iter().fold(1usize, |product, &rate| product.saturating_mul(rate)) > MAX_DIMENSION {
            return Err(format!("`istftnet.upsample_rates` multiply to more than {MAX_DIMENSION}"));
        }
        if self.n_layer > 64 || !self.hidden_dim.is_multiple_of(2) || bert.max_position_embeddings < 3 {
            return Err("`n_layer` above 64, odd `hidden_dim` or `plbert.max_position_embeddings` below 3".into());
        }
        if net.upsample_initial_channel >> net.upsample_rates.len() == 0 {
            return Err("`istftnet.upsample_initial_channel` cannot be halved once for each of `upsample_rates`".into());
        }
        match self.vocab.iter().find(|(_, id)| **id as usize >= self.n_token) {
            Some((symbol, id)) => {
                Err(format!("`vocab` gives {symbol:?} the id {id}, but `n_token` is {}", self.n_token))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_numbers_are_named() {
        let with = |from: &str, to: &str| Config::parse(&EMBEDDED.replace(from, to)).unwrap_err().to_string();
        assert!(with("\"hidden_dim\": 512", "\"hidden_dim\": 0").contains("`hidden_dim` is 0"));
        assert!(with("\"n_token\": 178", "\"n_token\": 99999999").contains("`n_token`"));
        assert!(with("\"n_token\": 178", "\"n_token\": 100").contains("the id "));
        assert!(with("\"style_dim\"", "\"stile_dim\"").contains("missing field `style_dim`"));
        assert!(with("[10, 6]", "[60000, 60000]").contains("multiply"));
        assert!(with("[10, 6]", "[10]").contains("differ in length"));
        assert!(with("[10, 6]", "[]").contains("0 entries"));
        assert!(with("[3, 7, 11]", "[3, 7]").contains("resblock_dilation_sizes"));
    }
}
