//! Arithmetic of each stage, by [the definition](crate::flops) of the layers.

use super::Config;
use super::decoder::{ASR_RES_CHANNELS, CHANNELS};
use super::generator::NOISE_DILATIONS;
use crate::flops::{StageFlops, attention, bi_lstm, conv_transpose1d, conv1d};

/// Every stage of [`Kokoro::prosody`](super::Kokoro::prosody) and [`Kokoro::decode`](super::Kokoro::decode) in the order in which they run, for an utterance of
/// `tokens` ids and `frames` frames (the sum of `pred_dur`).
pub fn stage_flops(config: &Config, tokens: usize, frames: usize) -> Vec<StageFlops> {
    let mut stages = encoders(config, tokens);
    stages.push(StageFlops::new("noise", 0));
    stages.push(StageFlops::new("shared_lstm", bi_lstm(width(config), config.hidden_dim / 2, frames)));
    for name in ["F0", "N"] {
        stages.extend(curve(config, name, frames));
    }
    stages.extend(text_encoder(config, tokens));
    stages.extend(decoder(config, frames));
    stages.extend(generator(config, frames));
    stages
}

/// Width of what the prosody is predicted from: the text with the style joined on.
fn width(config: &Config) -> usize {
    config.hidden_dim + config.style_dim
}

/// ALBERT and the duration predictor.
fn encoders(config: &Config, tokens: usize) -> Vec<StageFlops> {
    let (hidden, albert) = (config.hidden_dim, &config.plbert);
    let h = albert.hidden_size;
    // Query, key, value and output are H² each, the feed-forward network two matrices.
    let layer = tokens * (4 * h * h + 2 * h * albert.intermediate_size) + attention(h, tokens);
    let bert = tokens * albert.embedding_size * h + albert.num_hidden_layers * layer;
    let lstm = bi_lstm(width(config), hidden / 2, tokens);
    vec![
        StageFlops::new("bert_embeddings", 0),
        StageFlops::new("bert_dur", bert),
        StageFlops::new("d_en", tokens * h * hidden),
        StageFlops::new("d", config.n_layer * lstm),
        StageFlops::new("dur_lstm", lstm),
        StageFlops::new("dur_logits", tokens * hidden * config.max_dur),
        StageFlops::new("pred_dur", 0),
    ]
}

/// A residual block of the predictor or the decoder for `steps` input steps, which `upsample` doubles.
fn adain_block([dim_in, dim_out]: [usize; 2], steps: usize, upsample: bool) -> usize {
    let outputs = if upsample { 2 * steps } else { steps };
    let pool = if upsample { 3 * dim_in * steps } else { 0 };
    let shortcut = if dim_in == dim_out { 0 } else { dim_in * dim_out * steps };
    conv1d([dim_in, dim_out], 3, outputs) + conv1d([dim_out, dim_out], 3, outputs) + pool + shortcut
}

/// F0 or energy, at twice the frame rate from the second block on.
fn curve(config: &Config, name: &str, frames: usize) -> Vec<StageFlops> {
    let (hidden, half) = (config.hidden_dim, config.hidden_dim / 2);
    vec![
        StageFlops::new(format!("{name}_block0"), adain_block([hidden, hidden], frames, false)),
        StageFlops::new(format!("{name}_block1"), adain_block([hidden, half], frames, true)),
        StageFlops::new(format!("{name}_block2"), adain_block([half, half], 2 * frames, false)),
        StageFlops::new(name, half * 2 * frames),
    ]
}

fn text_encoder(config: &Config, tokens: usize) -> Vec<StageFlops> {
    let hidden = config.hidden_dim;
    let cnn = conv1d([hidden, hidden], config.text_encoder_kernel_size, tokens);
    let mut stages: Vec<_> = (0..config.n_layer).map(|i| StageFlops::new(format!("text_cnn{i}"), cnn)).collect();
    stages.push(StageFlops::new("t_en", bi_lstm(hidden, hidden / 2, tokens)));
    stages.push(StageFlops::new("asr", 0));
    stages
}

/// The blocks in front of the generator; the last one doubles the rate.
fn decoder(config: &Config, frames: usize) -> Vec<StageFlops> {
    let hidden = config.hidden_dim;
    let joined = CHANNELS + 2 + ASR_RES_CHANNELS;
    let mut stages = vec![
        StageFlops::new("dec_F0", 3 * frames),
        StageFlops::new("dec_N", 3 * frames),
        StageFlops::new("dec_asr_res", hidden * ASR_RES_CHANNELS * frames),
        StageFlops::new("dec_encode", adain_block([hidden + 2, CHANNELS], frames, false)),
    ];
    stages.extend((0..4).map(|i| {
        let last = i == 3;
        let dim_out = if last { config.istftnet.upsample_initial_channel } else { CHANNELS };
        StageFlops::new(format!("dec_decode{i}"), adain_block([joined, dim_out], frames, last))
    }));
    stages
}

fn generator(config: &Config, frames: usize) -> Vec<StageFlops> {
    let c = &config.istftnet;
    let bins = c.gen_istft_n_fft + 2;
    let mut stages = vec![StageFlops::new("har_source", 0), StageFlops::new("har", 0)];
    let (mut steps, mut channels) = (2 * frames, c.upsample_initial_channel);
    for (i, (&rate, &kernel)) in c.upsample_rates.iter().zip(&c.upsample_kernel_sizes).enumerate() {
        let ups = conv_transpose1d([channels, channels / 2], kernel, steps);
        (steps, channels) = (steps * rate, channels / 2);
        let is_last = i + 1 == c.upsample_rates.len();
        let stride: usize = c.upsample_rates[i + 1..].iter().product();
        let (noise_taps, noise_res_taps) = if is_last { (1, 11) } else { (2 * stride, 7) };
        // Two convolutions for each dilation.
        let block = |taps, dilations: usize| 2 * dilations * conv1d([channels, channels], taps, steps);
        stages.push(StageFlops::new(format!("noise_conv{i}"), conv1d([bins, channels], noise_taps, steps)));
        stages.push(StageFlops::new(format!("noise_res{i}"), block(noise_res_taps, NOISE_DILATIONS.len())));
        stages.push(StageFlops::new(format!("ups{i}"), ups));
        for (j, (&taps, dilations)) in c.resblock_kernel_sizes.iter().zip(&c.resblock_dilation_sizes).enumerate() {
            let index = i * c.resblock_kernel_sizes.len() + j;
            stages.push(StageFlops::new(format!("resblock{index}"), block(taps, dilations.len())));
        }
    }
    stages.push(StageFlops::new("conv_post", conv1d([channels, bins], 7, steps)));
    stages.push(StageFlops::new("audio", 0));
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kokoro-82M's sizes.
    fn config() -> Config {
        serde_json::from_str(include_str!("../../../lumivox-convert/data/kokoro-v1.0-config.json")).unwrap()
    }

    /// 5 s of audio are 200 frames; the tokens are those of usual speech.
    #[test]
    fn a_second_of_audio_is_some_55_gflop_most_of_it_in_residual_blocks() {
        let stages = stage_flops(&config(), 75, 200);
        let sum = |part: &dyn Fn(&str) -> bool| -> f64 {
            stages.iter().filter(|stage| part(&stage.name)).map(|stage| stage.flop).sum()
        };
        let total = sum(&|_| true);
        assert!((total / 5.0 - 55.2e9).abs() < 0.02 * 55.2e9, "{}", total / 5.0);
        let residual = sum(&|name| name.starts_with("resblock") || name.starts_with("noise_res"));
        assert!((residual / total - 0.86).abs() < 0.01, "{}", residual / total);
    }

    #[test]
    fn layers_count_as_their_definitions_say() {
        let stages = stage_flops(&config(), 10, 40);
        let flop = |name: &str| stages.iter().find(|stage| stage.name == name).unwrap().flop;
        // The block of kernel 11 at 128 channels: 6 convolutions over 40 · 120 steps.
        assert_eq!(flop("resblock5"), 2.0 * 6.0 * 128.0 * 128.0 * 11.0 * 4800.0);
        assert_eq!(flop("d_en"), 2.0 * 10.0 * 768.0 * 512.0);
        assert_eq!(flop("t_en"), 2.0 * 10.0 * 8.0 * 256.0 * (512.0 + 256.0));
        let layer = 4.0 * 768.0 * 768.0 + 2.0 * 768.0 * 2048.0;
        assert_eq!(flop("bert_dur"), 2.0 * (10.0 * 128.0 * 768.0 + 12.0 * (10.0 * layer + 2.0 * 768.0 * 100.0)));
    }
}
