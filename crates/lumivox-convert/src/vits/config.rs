//! The `config` of a VITS model file.

use crate::ConvertError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Largest value that any size of the configuration may have; real ones stay below 4096, but for sample rates and speakers.
const MAX_DIMENSION: usize = 1 << 16;

/// Largest number of layers, flows or blocks.
const MAX_LAYERS: usize = 64;

/// What the stochastic duration predictor's spline is bounded by; upstream has it in its code.
pub(super) const TAIL_BOUND: f64 = 5.0;

/// Sizes, defaults and text processing of a VITS model, under the key names of the original `config.json`'s `model` section where
/// it has them. Sizes are those that the tensors' shapes show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Rows of the symbol embedding.
    pub n_vocab: usize,
    /// Channels of the latent variable.
    pub inter_channels: usize,
    /// Channels of the text encoder and of the flow.
    pub hidden_channels: usize,
    /// Channels of the text encoder's feed-forward layers.
    pub filter_channels: usize,
    /// Attention heads of the text encoder.
    pub n_heads: usize,
    /// Layers of the text encoder.
    pub n_layers: usize,
    /// Kernel width of the text encoder's feed-forward layers.
    pub kernel_size: usize,
    /// Largest distance that relative attention tells apart, in symbols.
    pub window_size: usize,
    /// Kind of the generator's residual blocks: `1` (pairs of convolutions) or `2`.
    pub resblock: String,
    /// Kernel widths of the parallel residual blocks.
    pub resblock_kernel_sizes: Vec<usize>,
    /// Dilations of each residual block's convolutions.
    pub resblock_dilation_sizes: Vec<Vec<usize>>,
    /// Strides of the transposed convolutions.
    pub upsample_rates: Vec<usize>,
    /// Channels before the first transposed convolution; each halves them.
    pub upsample_initial_channel: usize,
    /// Kernel widths of the transposed convolutions.
    pub upsample_kernel_sizes: Vec<usize>,
    /// Whether the last convolution has a bias, which upstream's has not.
    #[serde(default)]
    pub conv_post_bias: bool,
    /// Whether durations come from the stochastic predictor.
    pub use_sdp: bool,
    /// Number of speakers.
    pub n_speakers: usize,
    /// Width of the speaker embedding; 0 when there is one speaker.
    pub gin_channels: usize,
    /// WaveNet layers of each coupling of the flow.
    pub flow_layers: usize,
    /// Kernel width of the flow's WaveNets.
    pub flow_kernel_size: usize,
    /// Couplings of the flow.
    pub n_flows: usize,
    /// Channels of the duration predictor.
    pub dp_filter_channels: usize,
    /// Kernel width of the duration predictor.
    pub dp_kernel_size: usize,
    /// Spline flows of the stochastic duration predictor, with the one that its inverse leaves out; 0 for the deterministic one.
    pub dp_n_flows: usize,
    /// Bins of the splines; 0 for the deterministic predictor.
    pub dp_num_bins: usize,
    /// Splines are the identity outside of ± this.
    pub dp_tail_bound: f64,
    /// Sample rate of the audio in Hz.
    pub sampling_rate: u32,
    /// Default standard deviation of the latent's noise.
    pub noise_scale: f64,
    /// Default factor of all durations.
    pub length_scale: f64,
    /// Default standard deviation of the duration predictor's noise.
    pub noise_scale_w: f64,
    /// How text becomes ids.
    pub text: Text,
    /// The configuration that the checkpoint came with, unchanged.
    pub upstream: Value,
}

/// How text becomes ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Text {
    /// Phonemes by Piper's rules.
    Piper(PiperText),
    /// Characters by the rules of MMS-TTS.
    Mms(MmsText),
}

/// Text processing of a Piper voice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PiperText {
    /// What the voice reads: `espeak` (IPA as espeak-ng writes it), `text` (code points), or what another program of Piper's makes.
    pub phoneme_type: String,
    /// Voice of espeak-ng that the training data was phonemized with.
    pub espeak_voice: Option<String>,
    /// Phoneme → ids.
    pub phoneme_id_map: BTreeMap<String, Vec<u32>>,
    /// Vowels that the voice reads as one phoneme where they stand together, such as `aɪ`; newest voices have some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vowel_clusters: Vec<String>,
    /// Speaker's name → id.
    pub speaker_id_map: BTreeMap<String, u32>,
    /// The speaker that speaks where none is asked for.
    #[serde(default, skip_serializing_if = "is_first")]
    pub default_speaker_id: u32,
}

/// Left out, so that the files of voices without another default stay as they were.
fn is_first(speaker_id: &u32) -> bool {
    *speaker_id == 0
}

/// Text processing of an MMS-TTS model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MmsText {
    /// Symbol → id.
    pub vocab: BTreeMap<String, u32>,
    /// Whether id 0 stands around every symbol.
    pub add_blank: bool,
    /// Whether text is put into lower case and rid of what is not in the vocabulary.
    pub normalize: bool,
    /// Whether text is romanised by uroman first.
    pub is_uroman: bool,
    /// Whether text is phonemized by espeak-ng first.
    #[serde(default)]
    pub phonemize: bool,
    /// The symbol that pads a batch.
    pub pad_token: Option<String>,
    /// Language, for MMS-TTS its ISO 639-3 code.
    pub language: Option<String>,
    /// Speaker's name → id.
    pub speaker_id_map: BTreeMap<String, u32>,
}

impl Config {
    /// Parses the `config` of a model file.
    ///
    /// # Errors
    /// The text is not JSON, a key is missing, or a number is not usable; the message names it.
    pub fn parse(json: &str) -> Result<Self, ConvertError> {
        let config: Self = serde_json::from_str(json).map_err(|e| ConvertError::Config(e.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Whether the speaker is an input.
    pub(super) fn is_multi_speaker(&self) -> bool {
        self.n_speakers > 1
    }

    /// Refuses what no model has, above all sizes that would cost memory.
    pub(super) fn check(&self) -> Result<(), ConvertError> {
        let checks = self.check_sizes().and_then(|()| self.check_generator());
        checks
            .and_then(|()| self.check_duration_predictor())
            .and_then(|()| self.check_ids())
            .and_then(|()| self.check_piper())
            .map_err(ConvertError::Config)
    }

    fn check_sizes(&self) -> Result<(), String> {
        for (name, value, most) in [
            ("n_vocab", self.n_vocab, MAX_DIMENSION),
            ("inter_channels", self.inter_channels, MAX_DIMENSION),
            ("hidden_channels", self.hidden_channels, MAX_DIMENSION),
            ("filter_channels", self.filter_channels, MAX_DIMENSION),
            ("n_heads", self.n_heads, MAX_DIMENSION),
            ("n_layers", self.n_layers, MAX_LAYERS),
            ("kernel_size", self.kernel_size, MAX_DIMENSION),
            ("window_size", self.window_size, MAX_DIMENSION),
            ("upsample_initial_channel", self.upsample_initial_channel, MAX_DIMENSION),
            ("n_speakers", self.n_speakers, MAX_DIMENSION),
            ("flow_layers", self.flow_layers, MAX_LAYERS),
            ("flow_kernel_size", self.flow_kernel_size, MAX_DIMENSION),
            ("n_flows", self.n_flows, MAX_LAYERS),
            ("dp_filter_channels", self.dp_filter_channels, MAX_DIMENSION),
            ("dp_kernel_size", self.dp_kernel_size, MAX_DIMENSION),
        ] {
            between(name, value, 1, most)?;
        }
        if self.is_multi_speaker() {
            between("gin_channels", self.gin_channels, 1, MAX_DIMENSION)?;
        } else if self.gin_channels != 0 {
            return Err("`gin_channels` must be 0 for one speaker".into());
        }
        if !self.hidden_channels.is_multiple_of(self.n_heads) || !self.inter_channels.is_multiple_of(2) {
            return Err("`hidden_channels` is no multiple of `n_heads`, or `inter_channels` is odd".into());
        }
        let scales = [("noise_scale", self.noise_scale), ("noise_scale_w", self.noise_scale_w)];
        if let Some((name, value)) = scales.into_iter().find(|(_, v)| !v.is_finite() || *v < 0.0) {
            return Err(format!("`{name}` is {value}"));
        }
        if !(self.length_scale.is_finite() && self.length_scale > 0.0) || self.sampling_rate == 0 {
            return Err("`length_scale` and `sampling_rate` must be above 0".into());
        }
        odd("flow_kernel_size", self.flow_kernel_size)?;
        odd("dp_kernel_size", self.dp_kernel_size)
    }

    fn check_generator(&self) -> Result<(), String> {
        if !matches!(&*self.resblock, "1" | "2") {
            return Err(format!("`resblock` is {:?}, not 1 or 2", self.resblock));
        }
        entries("upsample_rates", self.upsample_rates.len())?;
        entries("resblock_kernel_sizes", self.resblock_kernel_sizes.len())?;
        if self.upsample_rates.len() != self.upsample_kernel_sizes.len() {
            return Err("`upsample_rates` and `upsample_kernel_sizes` differ in length".into());
        }
        for (&rate, &kernel) in self.upsample_rates.iter().zip(&self.upsample_kernel_sizes) {
            between("upsample_kernel_sizes", kernel, 1, MAX_DIMENSION)?;
            between("upsample_rates", rate, 1, kernel)?;
            if !(kernel - rate).is_multiple_of(2) {
                return Err(format!(
                    "an upsampling of {rate} cannot have a kernel of {kernel}: their difference is odd"
                ));
            }
        }
        if self.upsample_rates.iter().fold(1usize, |product, &rate| product.saturating_mul(rate)) > MAX_DIMENSION {
            return Err(format!("`upsample_rates` multiply to more than {MAX_DIMENSION}"));
        }
        if self.upsample_initial_channel >> self.upsample_rates.len() == 0 {
            return Err("`upsample_initial_channel` cannot be halved once for each of `upsample_rates`".into());
        }
        if self.resblock_dilation_sizes.len() != self.resblock_kernel_sizes.len() {
            return Err("`resblock_dilation_sizes` and `resblock_kernel_sizes` differ in length".into());
        }
        for (&kernel, dilations) in self.resblock_kernel_sizes.iter().zip(&self.resblock_dilation_sizes) {
            between("resblock_kernel_sizes", kernel, 1, MAX_DIMENSION)?;
            odd("resblock_kernel_sizes", kernel)?;
            entries("resblock_dilation_sizes", dilations.len())?;
            dilations.iter().try_for_each(|&d| between("resblock_dilation_sizes", d, 1, MAX_DIMENSION))?;
        }
        Ok(())
    }

    fn check_duration_predictor(&self) -> Result<(), String> {
        if !self.use_sdp {
            return Ok(());
        }
        if !(self.dp_tail_bound.is_finite() && self.dp_tail_bound > 0.0) {
            return Err(format!("`dp_tail_bound` is {}", self.dp_tail_bound));
        }
        between("dp_num_bins", self.dp_num_bins, 2, MAX_DIMENSION)?;
        // With one flow, the inverse would have none.
        between("dp_n_flows", self.dp_n_flows, 2, MAX_LAYERS)
    }

    fn check_ids(&self) -> Result<(), String> {
        let too_large = |what: &str, name: &str, id: u32, count: usize| {
            format!("{what} {name:?} has the id {id}, but the model has {count}; it belongs to another model")
        };
        let (symbols, speakers): (Vec<(&String, u32)>, _) = match &self.text {
            Text::Piper(text) => (
                text.phoneme_id_map.iter().flat_map(|(p, ids)| ids.iter().map(move |&id| (p, id))).collect(),
                &text.speaker_id_map,
            ),
            Text::Mms(text) => (text.vocab.iter().map(|(s, &id)| (s, id)).collect(), &text.speaker_id_map),
        };
        if symbols.is_empty() {
            return Err("the vocabulary is empty".into());
        }
        if let Some((symbol, id)) = symbols.into_iter().find(|(_, id)| *id as usize >= self.n_vocab) {
            return Err(too_large("the symbol", symbol, id, self.n_vocab));
        }
        match speakers.iter().find(|(_, id)| **id as usize >= self.n_speakers) {
            Some((speaker, &id)) => Err(too_large("the speaker", speaker, id, self.n_speakers)),
            None => Ok(()),
        }
    }

    /// What Piper's phonemes need beside their ids.
    fn check_piper(&self) -> Result<(), String> {
        let Text::Piper(text) = &self.text else { return Ok(()) };
        let lacks = |symbol: &str| text.phoneme_id_map.get(symbol).is_none_or(Vec::is_empty);
        if let Some(mark) = ["^", "_", "$"].into_iter().find(|mark| lacks(mark)) {
            return Err(format!("`phoneme_id_map` has no `{mark}`"));
        }
        if let Some(cluster) = text.vowel_clusters.iter().find(|cluster| lacks(cluster)) {
            return Err(format!("`phoneme_id_map` has no `{cluster}`, which is one of `vowel_clusters`"));
        }
        if text.phoneme_type == "espeak" && text.espeak_voice.is_none() {
            return Err("`phoneme_type` is `espeak`, and no espeak voice is given".into());
        }
        match text.default_speaker_id {
            id if (id as usize) < self.n_speakers => Ok(()),
            id => Err(format!("`default_speaker_id` is {id}, but the last speaker is {}", self.n_speakers - 1)),
        }
    }
}

fn between(name: &str, value: usize, least: usize, most: usize) -> Result<(), String> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(format!("`{name}` is {value}, which is not between {least} and {most}"))
}

fn entries(name: &str, count: usize) -> Result<(), String> {
    if (1..=8).contains(&count) {
        return Ok(());
    }
    Err(format!("`{name}` has {count} entries, which is not between 1 and 8"))
}

fn odd(name: &str, kernel: usize) -> Result<(), String> {
    if kernel.is_multiple_of(2) { Err(format!("`{name}` is {kernel}, which is not odd")) } else { Ok(()) }
}
