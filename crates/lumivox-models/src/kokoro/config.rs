//! `config.json` of Kokoro-82M, with upstream's key names.

use candle_core::{Result, bail};
use lumivox_kernels::{Conv1dConfig, ConvTranspose1dConfig};
use serde::Deserialize;

use crate::layers::{check_resblocks, check_upsampling};

/// In which numbers the generator's residual blocks compute; all else, durations and pitch among it, is `f32` always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    F32,
    /// Weights of 8 bits with a scale for each output channel, activations of 8 bits with a scale for each stretch of time.
    Int8,
}

/// The most layers of a kind, of which Kokoro has 12 and 3: one set of weights may serve any number.
const MAX_LAYERS: usize = 256;

/// The whole graph's sizes.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Width of the text and prosody encoders.
    pub hidden_dim: usize,
    /// Width of each half of a voice's style vector.
    pub style_dim: usize,
    /// Layers of the text encoder and of the duration encoder.
    pub n_layer: usize,
    /// Longest duration of a token, in frames.
    pub max_dur: usize,
    /// Ids that exist.
    pub n_token: usize,
    /// Kernel width of the text encoder's convolutions.
    pub text_encoder_kernel_size: usize,
    /// The phoneme-level ALBERT.
    pub plbert: AlbertConfig,
    /// The waveform generator.
    pub istftnet: GeneratorConfig,
}

/// ALBERT's sizes; the embedding is 128 wide and the normalisation's epsilon 1e-12, as `AlbertConfig` has them by default.
#[derive(Clone, Debug, Deserialize)]
pub struct AlbertConfig {
    /// Width of the layers.
    pub hidden_size: usize,
    /// Attention heads.
    pub num_attention_heads: usize,
    /// Width of the feed-forward network.
    pub intermediate_size: usize,
    /// Longest input, in tokens.
    pub max_position_embeddings: usize,
    /// How often the one layer is applied.
    pub num_hidden_layers: usize,
    /// Width of the embeddings.
    #[serde(default = "default_embedding_size")]
    pub embedding_size: usize,
}

fn default_embedding_size() -> usize {
    128
}

/// The iSTFTNet generator's sizes.
#[derive(Clone, Debug, Deserialize)]
pub struct GeneratorConfig {
    /// Upsampling factors.
    pub upsample_rates: Vec<usize>,
    /// Kernel widths of the upsampling convolutions.
    pub upsample_kernel_sizes: Vec<usize>,
    /// Channels before the first upsampling; each halves them.
    pub upsample_initial_channel: usize,
    /// Kernel widths of the parallel residual blocks.
    pub resblock_kernel_sizes: Vec<usize>,
    /// Dilations of each residual block.
    pub resblock_dilation_sizes: Vec<Vec<usize>>,
    /// Samples in a frame of the inverse transform.
    pub gen_istft_n_fft: usize,
    /// Samples between frames of the inverse transform.
    pub gen_istft_hop_size: usize,
}

/// Sizes of an upsampling stage of the generator.
pub(crate) struct StageSizes {
    pub(crate) dim_in: usize,
    pub(crate) dim_out: usize,
    /// Of the upsampling.
    pub(crate) kernel: usize,
    pub(crate) ups: ConvTranspose1dConfig,
    /// Of the convolution by which the source joins in.
    pub(crate) noise_kernel: usize,
    pub(crate) noise: Conv1dConfig,
    /// Of the residual block behind it.
    pub(crate) noise_res_kernel: usize,
}

impl GeneratorConfig {
    /// The sizes of the upsampling stage `i`.
    pub(crate) fn stage(&self, i: usize) -> StageSizes {
        let (rate, kernel) = (self.upsample_rates[i], self.upsample_kernel_sizes[i]);
        // The source has the rate of the last stage: earlier ones read it with a stride.
        let stride: usize = self.upsample_rates[i + 1..].iter().product();
        let is_last = i + 1 == self.upsample_rates.len();
        let strided = Conv1dConfig { stride, padding: stride.div_ceil(2), ..Default::default() };
        StageSizes {
            dim_in: self.upsample_initial_channel >> i,
            dim_out: self.upsample_initial_channel >> (i + 1),
            kernel,
            ups: ConvTranspose1dConfig { padding: (kernel - rate) / 2, stride: rate, ..Default::default() },
            noise_kernel: if is_last { 1 } else { 2 * stride },
            noise: if is_last { Conv1dConfig::default() } else { strided },
            noise_res_kernel: if is_last { 11 } else { 7 },
        }
    }

    /// Samples for each frame of the F0 curve.
    pub fn samples_per_f0_frame(&self) -> usize {
        self.upsample_rates.iter().product::<usize>() * self.gen_istft_hop_size
    }
}

impl Config {
    /// Checks what the graph relies on beyond the shapes of the tensors.
    ///
    /// # Errors
    /// If a number can't be right; the error names it.
    pub(crate) fn check(&self) -> Result<()> {
        let (albert, generator) = (&self.plbert, &self.istftnet);
        if albert.num_attention_heads == 0 || albert.hidden_size % albert.num_attention_heads != 0 {
            bail!(
                "num_attention_heads {} does not divide hidden_size {}",
                albert.num_attention_heads,
                albert.hidden_size
            );
        }
        if albert.num_hidden_layers > MAX_LAYERS || self.n_layer > MAX_LAYERS {
            bail!("{} and {} layers are more than {MAX_LAYERS}", albert.num_hidden_layers, self.n_layer);
        }
        if self.text_encoder_kernel_size.is_multiple_of(2) {
            bail!("text_encoder_kernel_size {} is even", self.text_encoder_kernel_size);
        }
        let (n_fft, hop) = (generator.gen_istft_n_fft, generator.gen_istft_hop_size);
        // Frames overlap by three quarters, which the window's weights rely on.
        if hop == 0 || hop.checked_mul(4) != Some(n_fft) {
            bail!("gen_istft_hop_size {hop} is not a quarter of gen_istft_n_fft {n_fft}");
        }
        check_upsampling(&generator.upsample_rates, &generator.upsample_kernel_sizes)?;
        check_resblocks(&generator.resblock_kernel_sizes, &generator.resblock_dilation_sizes)
    }

    /// Samples for each frame of the durations; the F0 curve has two frames for each.
    pub fn samples_per_frame(&self) -> usize {
        2 * self.istftnet.samples_per_f0_frame()
    }
}
