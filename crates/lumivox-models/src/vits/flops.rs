//! Arithmetic of each stage, by [the definition](crate::flops) of the layers.

use super::duration::DDS_LAYERS;
use super::generator::END_KERNEL;
use super::{Config, ResBlockKind};
use crate::flops::{StageFlops, attention, conv_transpose1d, conv1d};

/// Every stage of a [`Stream`](super::Stream) that is decoded at once, in the order in which they run, for `tokens` ids and `frames` frames (the sum of the durations).
pub fn stage_flops(config: &Config, tokens: usize, frames: usize) -> Vec<StageFlops> {
    let hidden = config.hidden_channels;
    let layer = 4 * hidden * hidden * tokens
        + attention(hidden, tokens)
        // Scores and values of the learned distances.
        + 2 * hidden * (2 * config.window_size + 1) * tokens
        + 2 * conv1d([hidden, config.filter_channels], config.kernel_size, tokens);
    let mut stages = vec![
        StageFlops::new("enc_p", config.n_layers * layer),
        StageFlops::new("m_p", hidden * 2 * config.inter_channels * tokens),
        StageFlops::new("logs_p", 0),
        StageFlops::new("logw", durations(config, tokens)),
        StageFlops::new("durations", 0),
        StageFlops::new("noise", 0),
        StageFlops::new("z_p", 0),
        StageFlops::new("z", config.n_flows * coupling(config, frames)),
        StageFlops::new(
            "conv_pre",
            conv1d([config.inter_channels, config.upsample_initial_channel], END_KERNEL, frames),
        ),
    ];
    stages.extend(generator(config, frames));
    stages
}

/// The duration predictor.
fn durations(config: &Config, tokens: usize) -> usize {
    let (hidden, filter, taps) = (config.hidden_channels, config.dp_filter_channels, config.dp_kernel_size);
    if !config.use_sdp {
        return tokens * (taps * hidden * filter + taps * filter * filter + filter);
    }
    // A separable convolution and a pointwise one for each layer.
    let dds = DDS_LAYERS * (taps * filter + filter * filter);
    let flow = filter + dds + filter * (3 * config.dp_num_bins).saturating_sub(1);
    tokens * (hidden * filter + dds + filter * filter + config.dp_n_flows.saturating_sub(1) * flow)
}

/// One coupling of the prior's flow: its WaveNet between two pointwise convolutions.
fn coupling(config: &Config, frames: usize) -> usize {
    let (hidden, half) = (config.hidden_channels, config.inter_channels / 2);
    let gated = config.flow_layers * conv1d([hidden, 2 * hidden], config.flow_kernel_size, frames);
    // The last layer has no residual part.
    let res_skip = (2 * config.flow_layers).saturating_sub(1) * hidden * hidden * frames;
    2 * half * hidden * frames + gated + res_skip
}

fn generator(config: &Config, frames: usize) -> Vec<StageFlops> {
    let (mut steps, mut channels) = (frames, config.upsample_initial_channel);
    let mut stages = Vec::new();
    for (i, (&rate, &kernel)) in config.upsample_rates.iter().zip(&config.upsample_kernel_sizes).enumerate() {
        let ups = conv_transpose1d([channels, channels / 2], kernel, steps);
        (steps, channels) = (steps * rate, channels / 2);
        let convs = |dilations: &Vec<usize>| match config.resblock {
            ResBlockKind::Pairs => 2 * dilations.len(),
            ResBlockKind::Single => dilations.len(),
        };
        let blocks = config.resblock_kernel_sizes.iter().zip(&config.resblock_dilation_sizes);
        let blocks: usize =
            blocks.map(|(&taps, dilations)| convs(dilations) * conv1d([channels, channels], taps, steps)).sum();
        stages.push(StageFlops::new(format!("dec_stage{i}"), ups + blocks));
    }
    stages.push(StageFlops::new("audio", conv1d([channels, 1], END_KERNEL, steps)));
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Piper voice of medium quality.
    fn config() -> Config {
        serde_json::from_value(serde_json::json!({
            "n_vocab": 256, "inter_channels": 192, "hidden_channels": 192, "filter_channels": 768, "n_heads": 2, "n_layers": 6,
            "kernel_size": 3, "window_size": 4, "resblock": "2", "resblock_kernel_sizes": [3, 5, 7],
            "resblock_dilation_sizes": [[1, 2], [2, 6], [3, 12]], "upsample_rates": [8, 8, 4], "upsample_initial_channel": 256,
            "upsample_kernel_sizes": [16, 16, 8], "use_sdp": true, "n_speakers": 1, "gin_channels": 0, "flow_layers": 4,
            "flow_kernel_size": 5, "n_flows": 4, "dp_filter_channels": 192, "dp_kernel_size": 3, "dp_n_flows": 4, "dp_num_bins": 10,
            "dp_tail_bound": 5.0, "sampling_rate": 22050,
        }))
        .unwrap()
    }

    #[test]
    fn layers_count_as_their_definitions_say() {
        let (tokens, frames) = (10, 30);
        let stages = stage_flops(&config(), tokens, frames);
        let macs = |name: &str| stages.iter().find(|stage| stage.name == name).unwrap().flop / 2.0;
        // Output of the last stage: 32 channels, 256 steps a frame; the stage before it has 64 at 64.
        let blocks = 2.0 * (3.0 + 5.0 + 7.0) * 32.0 * 32.0 * 256.0 * 30.0;
        assert_eq!(macs("dec_stage2"), blocks + 64.0 * 32.0 * 8.0 * 64.0 * 30.0);
        assert_eq!(macs("audio"), 7.0 * 32.0 * 256.0 * 30.0);
        let wavenet = 4.0 * 5.0 * 192.0 * 384.0 + 7.0 * 192.0 * 192.0;
        assert_eq!(macs("z"), 4.0 * 30.0 * (2.0 * 96.0 * 192.0 + wavenet));
        let dds = 3.0 * (3.0 * 192.0 + 192.0 * 192.0);
        assert_eq!(macs("logw"), 10.0 * (2.0 * 192.0 * 192.0 + dds + 3.0 * (192.0 + dds + 192.0 * 29.0)));
        let layer = 4.0 * 192.0 * 192.0 * 10.0 + 2.0 * 192.0 * 100.0 + 2.0 * 192.0 * 9.0 * 10.0;
        assert_eq!(macs("enc_p"), 6.0 * (layer + 2.0 * 3.0 * 192.0 * 768.0 * 10.0));
    }

    #[test]
    fn pairs_are_twice_the_convolutions() {
        let single = stage_flops(&config(), 10, 30);
        let pairs = stage_flops(&Config { resblock: ResBlockKind::Pairs, ..config() }, 10, 30);
        let flop = |stages: &[StageFlops]| stages.iter().find(|stage| stage.name == "dec_stage1").unwrap().flop;
        let ups = 2.0 * 128.0 * 64.0 * 16.0 * 8.0 * 30.0;
        assert_eq!(flop(&pairs) - ups, 2.0 * (flop(&single) - ups));
    }
}
