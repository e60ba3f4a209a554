//! Every tensor that a VITS model needs for synthesis, from its configuration.
//!
//! Names and shapes follow `SynthesizerTrn` of the original `models.py`, `modules.py` and `attentions.py` with weight norm folded
//! away.

use super::config::Config;
use crate::schema::{Builder, Schema};

// Widths that upstream has in its code, not in its configuration.
const GENERATOR_KERNEL: usize = 7;
const DDS_LAYERS: usize = 3;

/// The tensors of a VITS model with configuration `config`.
pub fn schema(config: &Config) -> Schema {
    let mut s = Synthesizer { config, tensors: Builder::default() };
    s.text_encoder();
    if config.use_sdp {
        s.stochastic_duration_predictor()
    } else {
        s.duration_predictor()
    }
    s.flow();
    s.generator();
    if config.is_multi_speaker() {
        s.tensors.put("emb_g.weight".into(), &[config.n_speakers, config.gin_channels]);
    }
    s.tensors.0
}

struct Synthesizer<'a> {
    config: &'a Config,
    tensors: Builder,
}

impl Synthesizer<'_> {
    /// `modules.LayerNorm`
    fn channel_norm(&mut self, name: &str, channels: usize) {
        self.tensors.put(format!("{name}.gamma"), &[channels]);
        self.tensors.put(format!("{name}.beta"), &[channels]);
    }

    /// The convolution that adds the speaker to `name`'s channels.
    fn cond(&mut self, name: &str, channels: usize) {
        let config = self.config;
        if config.is_multi_speaker() {
            self.tensors.conv(name, config.gin_channels, channels, 1);
        }
    }

    fn text_encoder(&mut self) {
        let config = self.config;
        let hidden = config.hidden_channels;
        self.tensors.put("enc_p.emb.weight".into(), &[config.n_vocab, hidden]);
        for i in 0..config.n_layers {
            let attention = format!("enc_p.encoder.attn_layers.{i}");
            for part in ["q", "k", "v", "o"] {
                self.tensors.conv(&format!("{attention}.conv_{part}"), hidden, hidden, 1);
            }
            for part in ["k", "v"] {
                let relative = [1, 2 * config.window_size + 1, hidden / config.n_heads];
                self.tensors.put(format!("{attention}.emb_rel_{part}"), &relative);
            }
            let ffn = format!("enc_p.encoder.ffn_layers.{i}");
            self.tensors.conv(&format!("{ffn}.conv_1"), hidden, config.filter_channels, config.kernel_size);
            self.tensors.conv(&format!("{ffn}.conv_2"), config.filter_channels, hidden, config.kernel_size);
            self.channel_norm(&format!("enc_p.encoder.norm_layers_1.{i}"), hidden);
            self.channel_norm(&format!("enc_p.encoder.norm_layers_2.{i}"), hidden);
        }
        self.tensors.conv("enc_p.proj", hidden, 2 * config.inter_channels, 1);
    }

    /// `DDSConv`: separable convolutions of growing dilation.
    fn dds(&mut self, name: &str, channels: usize, kernel: usize) {
        for i in 0..DDS_LAYERS {
            self.tensors.conv(&format!("{name}.convs_sep.{i}"), 1, channels, kernel);
            self.tensors.conv(&format!("{name}.convs_1x1.{i}"), channels, channels, 1);
            self.channel_norm(&format!("{name}.norms_1.{i}"), channels);
            self.channel_norm(&format!("{name}.norms_2.{i}"), channels);
        }
    }

    fn stochastic_duration_predictor(&mut self) {
        let config = self.config;
        let (channels, kernel) = (config.dp_filter_channels, config.dp_kernel_size);
        self.tensors.conv("dp.pre", config.hidden_channels, channels, 1);
        self.dds("dp.convs", channels, kernel);
        self.tensors.conv("dp.proj", channels, channels, 1);
        self.cond("dp.cond", channels);
        self.tensors.put("dp.flows.0.m".into(), &[2, 1]);
        self.tensors.put("dp.flows.0.logs".into(), &[2, 1]);
        // Flows 2, 4, … flip and have no parameters; flow 1 is the one that the inverse leaves out.
        for i in 1..config.dp_n_flows {
            let flow = format!("dp.flows.{}", 2 * i + 1);
            self.tensors.conv(&format!("{flow}.pre"), 1, channels, 1);
            self.dds(&format!("{flow}.convs"), channels, kernel);
            self.tensors.conv(&format!("{flow}.proj"), channels, 3 * config.dp_num_bins - 1, 1);
        }
    }

    fn duration_predictor(&mut self) {
        let config = self.config;
        let (hidden, channels, kernel) = (config.hidden_channels, config.dp_filter_channels, config.dp_kernel_size);
        self.tensors.conv("dp.conv_1", hidden, channels, kernel);
        self.channel_norm("dp.norm_1", channels);
        self.tensors.conv("dp.conv_2", channels, channels, kernel);
        self.channel_norm("dp.norm_2", channels);
        self.tensors.conv("dp.proj", channels, 1, 1);
        self.cond("dp.cond", hidden);
    }

    fn flow(&mut self) {
        let config = self.config;
        let (hidden, half) = (config.hidden_channels, config.inter_channels / 2);
        // Flows 1, 3, … flip and have no parameters.
        for i in 0..config.n_flows {
            let flow = format!("flow.flows.{}", 2 * i);
            self.tensors.conv(&format!("{flow}.pre"), half, hidden, 1);
            for j in 0..config.flow_layers {
                self.tensors.conv(&format!("{flow}.enc.in_layers.{j}"), hidden, 2 * hidden, config.flow_kernel_size);
                let is_last = j + 1 == config.flow_layers;
                let dim_out = if is_last { hidden } else { 2 * hidden };
                self.tensors.conv(&format!("{flow}.enc.res_skip_layers.{j}"), hidden, dim_out, 1);
            }
            self.cond(&format!("{flow}.enc.cond_layer"), 2 * hidden * config.flow_layers);
            self.tensors.conv(&format!("{flow}.post"), hidden, half, 1);
        }
    }

    fn generator(&mut self) {
        let config = self.config;
        let mut channels = config.upsample_initial_channel;
        self.tensors.conv("dec.conv_pre", config.inter_channels, channels, GENERATOR_KERNEL);
        self.cond("dec.cond", channels);
        let lists: &[&str] = if config.resblock == "1" { &["convs1", "convs2"] } else { &["convs"] };
        for (i, &kernel) in config.upsample_kernel_sizes.iter().enumerate() {
            self.tensors.weight_and_bias(&format!("dec.ups.{i}"), &[channels, channels / 2, kernel], channels / 2);
            channels /= 2;
            let blocks = config.resblock_kernel_sizes.iter().zip(&config.resblock_dilation_sizes);
            for (j, (&kernel, dilations)) in blocks.enumerate() {
                let block = i * config.resblock_kernel_sizes.len() + j;
                for (list, q) in lists.iter().flat_map(|list| (0..dilations.len()).map(move |q| (list, q))) {
                    self.tensors.conv(&format!("dec.resblocks.{block}.{list}.{q}"), channels, channels, kernel);
                }
            }
        }
        self.tensors.put("dec.conv_post.weight".into(), &[1, channels, GENERATOR_KERNEL]);
        if config.conv_post_bias {
            self.tensors.put("dec.conv_post.bias".into(), &[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vits::Text;
    use crate::vits::config::{MmsText, TAIL_BOUND};

    fn config(
        resblock: &str,
        kernels: &[usize],
        dilations: &[&[usize]],
        rates: &[usize],
        initial_channel: usize,
    ) -> Config {
        Config {
            n_vocab: 256,
            inter_channels: 192,
            hidden_channels: 192,
            filter_channels: 768,
            n_heads: 2,
            n_layers: 6,
            kernel_size: 3,
            window_size: 4,
            resblock: resblock.into(),
            resblock_kernel_sizes: kernels.to_vec(),
            resblock_dilation_sizes: dilations.iter().map(|d| d.to_vec()).collect(),
            upsample_rates: rates.to_vec(),
            upsample_initial_channel: initial_channel,
            upsample_kernel_sizes: rates.iter().map(|rate| 2 * rate).collect(),
            conv_post_bias: false,
            use_sdp: true,
            n_speakers: 1,
            gin_channels: 0,
            flow_layers: 4,
            flow_kernel_size: 5,
            n_flows: 4,
            dp_filter_channels: 192,
            dp_kernel_size: 3,
            dp_n_flows: 4,
            dp_num_bins: 10,
            dp_tail_bound: TAIL_BOUND,
            sampling_rate: 22_050,
            noise_scale: 0.667,
            length_scale: 1.0,
            noise_scale_w: 0.8,
            text: Text::Mms(MmsText {
                vocab: [("a".into(), 0)].into(),
                add_blank: true,
                normalize: true,
                is_uroman: false,
                phonemize: false,
                pad_token: None,
                language: None,
                speaker_id_map: [].into(),
            }),
            upstream: serde_json::Value::Null,
        }
    }

    fn count(config: &Config) -> (usize, usize) {
        config.check().unwrap();
        let schema = schema(config);
        (schema.len(), schema.values().map(|s| s.iter().product::<usize>()).sum())
    }

    /// Tensors and parameters that PyTorch counts: of a Piper voice of medium quality in its ONNX export, and of transformers'
    /// `VitsModel` with the configuration of `facebook/mms-tts-eng`, without the posterior encoder, `post_*`, flow 1 and `weight_g`.
    #[test]
    fn released_models_have_as_many_tensors() {
        let piper = config("2", &[3, 5, 7], &[&[1, 2], &[2, 6], &[3, 12]], &[8, 8, 4], 256);
        assert_eq!(count(&piper), (350, 15_650_459));
        let mms = Config { n_vocab: 38, ..config("1", &[3, 7, 11], &[&[1, 3, 5][..]; 3], &[8, 8, 2, 2], 512) };
        assert_eq!(count(&mms), (460, 28_273_051));
    }
}
