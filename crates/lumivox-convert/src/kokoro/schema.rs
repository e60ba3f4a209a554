//! Every tensor that a Kokoro model has, from its configuration.
//!
//! Names and shapes follow `KModel` of the `kokoro` Python package (`model.py`, `modules.py`, `istftnet.py`) with weight norm folded
//! away. ALBERT's pooler, which no forward pass reads, and the identity affine of AdaIN's norms are not part of the model.

use super::config::Config;
use crate::schema::{Builder, Schema};

// Widths that upstream has in its code, not in its configuration.
const ASR_RES_DIM: usize = 64;
const HARMONICS: usize = 9;

/// The tensors of a Kokoro model with configuration `config`, voices left out.
pub fn schema(config: &Config) -> Schema {
    let mut s = Builder::default();
    s.albert(config);
    s.linear("bert_encoder", config.plbert.hidden_size, config.hidden_dim);
    s.text_encoder(config);
    s.predictor(config);
    s.decoder(config);
    s.0
}

impl Builder {
    /// A one-layer bidirectional `nn.LSTM`.
    fn lstm(&mut self, name: &str, dim_in: usize, hidden: usize) {
        for direction in ["", "_reverse"] {
            self.put(format!("{name}.weight_ih_l0{direction}"), &[4 * hidden, dim_in]);
            self.put(format!("{name}.weight_hh_l0{direction}"), &[4 * hidden, hidden]);
            self.put(format!("{name}.bias_ih_l0{direction}"), &[4 * hidden]);
            self.put(format!("{name}.bias_hh_l0{direction}"), &[4 * hidden]);
        }
    }

    /// `AdaIN1d`: its normalisation has no parameters.
    fn adain(&mut self, name: &str, style_dim: usize, channels: usize) {
        self.linear(&format!("{name}.fc"), style_dim, 2 * channels);
    }

    /// `AdainResBlk1d`
    fn adain_block(&mut self, name: &str, dim_in: usize, dim_out: usize, style_dim: usize, upsample: bool) {
        self.conv(&format!("{name}.conv1"), dim_in, dim_out, 3);
        self.conv(&format!("{name}.conv2"), dim_out, dim_out, 3);
        self.adain(&format!("{name}.norm1"), style_dim, dim_in);
        self.adain(&format!("{name}.norm2"), style_dim, dim_out);
        if dim_in != dim_out {
            self.put(format!("{name}.conv1x1.weight"), &[dim_out, dim_in, 1]);
        }
        if upsample {
            self.weight_and_bias(&format!("{name}.pool"), &[dim_in, 1, 3], dim_in);
        }
    }

    /// `AdaINResBlock1`
    fn snake_block(&mut self, name: &str, channels: usize, kernel: usize, style_dim: usize) {
        for i in 0..3 {
            for half in 1..=2 {
                self.conv(&format!("{name}.convs{half}.{i}"), channels, channels, kernel);
                self.adain(&format!("{name}.adain{half}.{i}"), style_dim, channels);
                self.put(format!("{name}.alpha{half}.{i}"), &[1, channels, 1]);
            }
        }
    }

    fn albert(&mut self, config: &Config) {
        let bert = &config.plbert;
        let (embedding, hidden) = (bert.embedding_size, bert.hidden_size);
        for (table, rows) in [("word", config.n_token), ("position", bert.max_position_embeddings), ("token_type", 2)] {
            self.put(format!("bert.embeddings.{table}_embeddings.weight"), &[rows, embedding]);
        }
        self.weight_and_bias("bert.embeddings.LayerNorm", &[embedding], embedding);
        self.linear("bert.encoder.embedding_hidden_mapping_in", embedding, hidden);
        let layer = "bert.encoder.albert_layer_groups.0.albert_layers.0";
        for part in ["query", "key", "value", "dense"] {
            self.linear(&format!("{layer}.attention.{part}"), hidden, hidden);
        }
        self.weight_and_bias(&format!("{layer}.attention.LayerNorm"), &[hidden], hidden);
        self.linear(&format!("{layer}.ffn"), hidden, bert.intermediate_size);
        self.linear(&format!("{layer}.ffn_output"), bert.intermediate_size, hidden);
        self.weight_and_bias(&format!("{layer}.full_layer_layer_norm"), &[hidden], hidden);
    }

    fn text_encoder(&mut self, config: &Config) {
        let channels = config.hidden_dim;
        self.put("text_encoder.embedding.weight".into(), &[config.n_token, channels]);
        for i in 0..config.n_layer {
            self.conv(&format!("text_encoder.cnn.{i}.0"), channels, channels, config.text_encoder_kernel_size);
            self.put(format!("text_encoder.cnn.{i}.1.gamma"), &[channels]);
            self.put(format!("text_encoder.cnn.{i}.1.beta"), &[channels]);
        }
        self.lstm("text_encoder.lstm", channels, channels / 2);
    }

    fn predictor(&mut self, config: &Config) {
        let (d, style) = (config.hidden_dim, config.style_dim);
        for i in 0..config.n_layer {
            self.lstm(&format!("predictor.text_encoder.lstms.{}", 2 * i), d + style, d / 2);
            self.linear(&format!("predictor.text_encoder.lstms.{}.fc", 2 * i + 1), style, 2 * d);
        }
        self.lstm("predictor.lstm", d + style, d / 2);
        self.linear("predictor.duration_proj.linear_layer", d, config.max_dur);
        self.lstm("predictor.shared", d + style, d / 2);
        for curve in ["F0", "N"] {
            self.adain_block(&format!("predictor.{curve}.0"), d, d, style, false);
            self.adain_block(&format!("predictor.{curve}.1"), d, d / 2, style, true);
            self.adain_block(&format!("predictor.{curve}.2"), d / 2, d / 2, style, false);
            self.conv(&format!("predictor.{curve}_proj"), d / 2, 1, 1);
        }
    }

    fn decoder(&mut self, config: &Config) {
        let (dim, style) = (config.decoder_dim, config.style_dim);
        self.adain_block("decoder.encode", config.hidden_dim + 2, dim, style, false);
        for i in 0..4 {
            let dim_out = if i == 3 { config.istftnet.upsample_initial_channel } else { dim };
            self.adain_block(&format!("decoder.decode.{i}"), dim + 2 + ASR_RES_DIM, dim_out, style, i == 3);
        }
        self.conv("decoder.F0_conv", 1, 1, 3);
        self.conv("decoder.N_conv", 1, 1, 3);
        self.conv("decoder.asr_res.0", config.hidden_dim, ASR_RES_DIM, 1);
        self.generator(config);
    }

    fn generator(&mut self, config: &Config) {
        let (net, style) = (&config.istftnet, config.style_dim);
        let spectrum = net.gen_istft_n_fft + 2;
        let stages = net.upsample_rates.len();
        self.linear("decoder.generator.m_source.l_linear", HARMONICS, 1);
        let mut channels = net.upsample_initial_channel;
        for (i, &kernel) in net.upsample_kernel_sizes.iter().enumerate() {
            let dim_in = channels;
            channels /= 2;
            self.weight_and_bias(&format!("decoder.generator.ups.{i}"), &[dim_in, channels, kernel], channels);
            let stride: usize = net.upsample_rates[i + 1..].iter().product();
            let (source_kernel, noise_kernel) = if i + 1 < stages { (2 * stride, 7) } else { (1, 11) };
            self.conv(&format!("decoder.generator.noise_convs.{i}"), spectrum, channels, source_kernel);
            self.snake_block(&format!("decoder.generator.noise_res.{i}"), channels, noise_kernel, style);
            for (j, &kernel) in net.resblock_kernel_sizes.iter().enumerate() {
                let block = i * net.resblock_kernel_sizes.len() + j;
                self.snake_block(&format!("decoder.generator.resblocks.{block}"), channels, kernel, style);
            }
        }
        self.conv("decoder.generator.conv_post", channels, spectrum, 7);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures that `state_dict()` of the PyTorch model shows: 457 folded tensors, 81,140,664 parameters without the pooler.
    #[test]
    fn the_released_model_has_457_tensors() {
        let schema = schema(&Config::parse(Config::embedded_json()).unwrap());
        assert_eq!(schema.len(), 457);
        assert_eq!(schema.values().map(|s| s.iter().product::<usize>()).sum::<usize>(), 81_140_664);
    }
}
