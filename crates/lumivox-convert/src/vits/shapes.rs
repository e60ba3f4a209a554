//! A model's sizes from its tensors' shapes.

use super::config::{Config, Text};
use crate::ConvertError;
use crate::state_dict::StateDict;
use serde_json::Value;

/// The part of a [`Config`] that shapes do not show.
pub(super) struct Settings {
    pub(super) upsample_rates: Vec<usize>,
    pub(super) resblock_dilation_sizes: Vec<Vec<usize>>,
    pub(super) dp_tail_bound: f64,
    pub(super) sampling_rate: u32,
    pub(super) noise_scale: f64,
    pub(super) length_scale: f64,
    pub(super) noise_scale_w: f64,
    pub(super) text: Text,
    pub(super) upstream: Value,
}

/// The configuration of the model that has `tensors`, weight norm folded. Where tensors disagree with each other, the schema of the
/// result will tell.
///
/// # Errors
/// A tensor that shows a size is missing or has no such axis.
pub(super) fn config(tensors: &StateDict, settings: Settings) -> Result<Config, ConvertError> {
    let shapes = Shapes(tensors);
    let [n_vocab, hidden_channels] = shapes.of("enc_p.emb.weight")?;
    let [filter_channels, _, kernel_size] = shapes.of("enc_p.encoder.ffn_layers.0.conv_1.weight")?;
    let [_, distances, head_channels] = shapes.of("enc_p.encoder.attn_layers.0.emb_rel_k")?;
    let [stats_channels, _, _] = shapes.of("enc_p.proj.weight")?;
    let [_, _, flow_kernel_size] = shapes.of("flow.flows.0.enc.in_layers.0.weight")?;
    let [upsample_initial_channel, _, _] = shapes.of("dec.conv_pre.weight")?;
    let is_multi_speaker = tensors.contains_key("emb_g.weight");
    let [n_speakers, gin_channels] = if is_multi_speaker { shapes.of("emb_g.weight")? } else { [1, 0] };
    let duration = shapes.duration_predictor()?;
    let (resblock, resblock_kernel_sizes, upsample_kernel_sizes) = shapes.generator()?;
    Ok(Config {
        n_vocab,
        inter_channels: stats_channels / 2,
        hidden_channels,
        filter_channels,
        n_heads: hidden_channels.checked_div(head_channels).unwrap_or(0),
        n_layers: shapes.count(|i| format!("enc_p.encoder.attn_layers.{i}.conv_q.weight")),
        kernel_size,
        window_size: distances / 2,
        resblock,
        resblock_kernel_sizes,
        resblock_dilation_sizes: settings.resblock_dilation_sizes,
        upsample_rates: settings.upsample_rates,
        upsample_initial_channel,
        upsample_kernel_sizes,
        conv_post_bias: tensors.contains_key("dec.conv_post.bias"),
        use_sdp: duration.n_flows > 0,
        n_speakers,
        gin_channels,
        flow_layers: shapes.count(|j| format!("flow.flows.0.enc.in_layers.{j}.weight")),
        flow_kernel_size,
        n_flows: shapes.count(|i| format!("flow.flows.{}.pre.weight", 2 * i)),
        dp_filter_channels: duration.filter_channels,
        dp_kernel_size: duration.kernel_size,
        dp_n_flows: duration.n_flows,
        dp_num_bins: duration.num_bins,
        dp_tail_bound: settings.dp_tail_bound,
        sampling_rate: settings.sampling_rate,
        noise_scale: settings.noise_scale,
        length_scale: settings.length_scale,
        noise_scale_w: settings.noise_scale_w,
        text: settings.text,
        upstream: settings.upstream,
    })
}

struct DurationPredictor {
    filter_channels: usize,
    kernel_size: usize,
    /// 0: not stochastic.
    n_flows: usize,
    num_bins: usize,
}

struct Shapes<'a>(&'a StateDict);

impl Shapes<'_> {
    fn of<const RANK: usize>(&self, name: &str) -> Result<[usize; RANK], ConvertError> {
        let tensor = self.0.get(name).ok_or_else(|| ConvertError::Missing { name: name.into(), count: 1 })?;
        tensor.shape.as_slice().try_into().map_err(|_| ConvertError::Tensor {
            name: name.into(),
            reason: format!("has shape {:?}, where {RANK} axes are needed", tensor.shape),
        })
    }

    /// How many of the tensors `name(0)`, `name(1)` … there are.
    fn count(&self, name: impl Fn(usize) -> String) -> usize {
        (0..).take_while(|&i| self.0.contains_key(&name(i))).count()
    }

    fn duration_predictor(&self) -> Result<DurationPredictor, ConvertError> {
        if self.0.contains_key("dp.conv_1.weight") {
            let [filter_channels, _, kernel_size] = self.of("dp.conv_1.weight")?;
            return Ok(DurationPredictor { filter_channels, kernel_size, n_flows: 0, num_bins: 0 });
        }
        let [filter_channels, _, _] = self.of("dp.pre.weight")?;
        let [_, _, kernel_size] = self.of("dp.convs.convs_sep.0.weight")?;
        // Widths and heights of the bins, and the derivatives between them.
        let [spline, _, _] = self.of("dp.flows.3.proj.weight")?;
        let n_flows = 1 + self.count(|i| format!("dp.flows.{}.pre.weight", 2 * i + 3));
        Ok(DurationPredictor { filter_channels, kernel_size, n_flows, num_bins: (spline + 1) / 3 })
    }

    /// `resblock`, its kernel sizes and those of the transposed convolutions.
    fn generator(&self) -> Result<(String, Vec<usize>, Vec<usize>), ConvertError> {
        let ups = self.count(|i| format!("dec.ups.{i}.weight"));
        let kernel_of = |name: String| self.of(&name).map(|[_, _, kernel]: [usize; 3]| kernel);
        let upsample_kernel_sizes =
            (0..ups).map(|i| kernel_of(format!("dec.ups.{i}.weight"))).collect::<Result<_, _>>()?;
        let is_first_kind = self.0.contains_key("dec.resblocks.0.convs1.0.weight");
        let (resblock, list) = if is_first_kind { ("1", "convs1") } else { ("2", "convs") };
        let name = |block: usize| format!("dec.resblocks.{block}.{list}.0.weight");
        let blocks = self.count(name);
        if ups == 0 || blocks == 0 || !blocks.is_multiple_of(ups) {
            let reason = format!("is one of {blocks} residual blocks, which {ups} upsamplings cannot share");
            return Err(ConvertError::Tensor { name: name(0), reason });
        }
        let kernels = (0..blocks / ups).map(|block| kernel_of(name(block))).collect::<Result<_, _>>()?;
        Ok((resblock.into(), kernels, upsample_kernel_sizes))
    }
}
