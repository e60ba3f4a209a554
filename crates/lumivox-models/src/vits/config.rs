//! Sizes of a VITS model, with the key names of the original `config.json` where it has them.

use candle_core::{Result, bail};
use serde::Deserialize;

use crate::layers::{check_resblocks, check_upsampling};

/// The whole graph's sizes.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Ids that exist.
    pub n_vocab: usize,
    /// Channels of the latent variable.
    pub inter_channels: usize,
    /// Channels of the encoders.
    pub hidden_channels: usize,
    /// Channels inside the text encoder's feed-forward networks.
    pub filter_channels: usize,
    /// Attention heads of the text encoder.
    pub n_heads: usize,
    /// Layers of the text encoder.
    pub n_layers: usize,
    /// Kernel width of the text encoder's feed-forward networks.
    pub kernel_size: usize,
    /// Reach of the relative positions, in tokens to either side.
    pub window_size: usize,
    /// Kind of the generator's residual blocks.
    pub resblock: ResBlockKind,
    /// Kernel widths of the parallel residual blocks.
    pub resblock_kernel_sizes: Vec<usize>,
    /// Dilations of each residual block.
    pub resblock_dilation_sizes: Vec<Vec<usize>>,
    /// Upsampling factors.
    pub upsample_rates: Vec<usize>,
    /// Channels before the first upsampling; each halves them.
    pub upsample_initial_channel: usize,
    /// Kernel widths of the upsampling convolutions.
    pub upsample_kernel_sizes: Vec<usize>,
    /// Whether durations are drawn from a flow; otherwise they are regressed.
    pub use_sdp: bool,
    /// Speakers; 0 and 1 are a single one without embedding.
    pub n_speakers: usize,
    /// Width of a speaker's embedding; 0 without.
    pub gin_channels: usize,
    /// WaveNet layers of a coupling.
    pub flow_layers: usize,
    /// Kernel width of those layers.
    pub flow_kernel_size: usize,
    /// Couplings of the prior's flow.
    pub n_flows: usize,
    /// Channels inside the duration predictor.
    pub dp_filter_channels: usize,
    /// Kernel width of the duration predictor.
    pub dp_kernel_size: usize,
    /// Couplings of the duration predictor's flow.
    pub dp_n_flows: usize,
    /// Pieces of its splines.
    pub dp_num_bins: usize,
    /// The splines act on -dp_tail_bound..dp_tail_bound, and are the identity beyond.
    pub dp_tail_bound: f64,
    /// Samples in a second of the audio.
    pub sampling_rate: u32,
}

/// Kind of residual block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ResBlockKind {
    /// Pairs of a dilated convolution and one of dilation 1.
    #[serde(rename = "1")]
    Pairs,
    /// Dilated convolutions alone.
    #[serde(rename = "2")]
    Single,
}

impl Config {
    /// Checks what the graph relies on beyond the shapes of the tensors.
    ///
    /// # Errors
    /// If a number can't be right; the error names it.
    pub(crate) fn check(&self) -> Result<()> {
        if self.n_heads == 0 || !self.hidden_channels.is_multiple_of(self.n_heads) {
            bail!("n_heads {} does not divide hidden_channels {}", self.n_heads, self.hidden_channels);
        }
        if !self.inter_channels.is_multiple_of(2) {
            bail!("inter_channels {} is odd", self.inter_channels);
        }
        let kernels = [self.kernel_size, self.flow_kernel_size, self.dp_kernel_size];
        if kernels.iter().any(|kernel| kernel % 2 == 0 || *kernel > 99) {
            bail!("kernel_size, flow_kernel_size, dp_kernel_size {kernels:?} are not small and odd");
        }
        let tail_bound = self.dp_tail_bound;
        if self.use_sdp
            && (self.dp_num_bins == 0 || self.dp_num_bins > 500 || !(tail_bound > 0.0 && tail_bound.is_finite()))
        {
            bail!("dp_num_bins {} with dp_tail_bound {tail_bound}", self.dp_num_bins);
        }
        check_upsampling(&self.upsample_rates, &self.upsample_kernel_sizes)?;
        check_resblocks(&self.resblock_kernel_sizes, &self.resblock_dilation_sizes)
    }

    /// Width of the speaker embedding, if there is one.
    pub fn speaker_channels(&self) -> Option<usize> {
        (self.n_speakers > 1 && self.gin_channels > 0).then_some(self.gin_channels)
    }

    /// Samples for each frame of the latent variable.
    pub fn samples_per_frame(&self) -> usize {
        self.upsample_rates.iter().product()
    }
}
