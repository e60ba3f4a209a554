//! Models of a few thousand weights, and the files that upstream's tools would make of them.
//!
//! The writers are independent of the readers under test: pickle opcodes and protobuf fields are put together by hand here.
#![allow(dead_code)]

pub mod onnx;
pub mod pth;
pub mod vits;
pub mod vits_bench;

use std::collections::BTreeMap;

/// Name → (shape, row-major data).
pub type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Kokoro's configuration with every width made small.
pub const CONFIG: &str = r#"{
  "istftnet": {
    "upsample_kernel_sizes": [4, 4], "upsample_rates": [2, 2], "gen_istft_hop_size": 2, "gen_istft_n_fft": 4,
    "resblock_dilation_sizes": [[1, 3, 5]], "resblock_kernel_sizes": [3], "upsample_initial_channel": 4
  },
  "dim_in": 4, "dropout": 0.2, "hidden_dim": 4, "max_conv_dim": 4, "max_dur": 3, "multispeaker": true, "n_layer": 2,
  "n_mels": 4, "n_token": 6, "style_dim": 2, "decoder_dim": 4, "text_encoder_kernel_size": 3,
  "plbert": {
    "hidden_size": 4, "num_attention_heads": 2, "intermediate_size": 6, "max_position_embeddings": 7, "embedding_size": 3,
    "num_hidden_layers": 2, "dropout": 0.1
  },
  "vocab": { ";": 1, "a": 2, "ˈ": 3 }
}"#;

/// Shape of a voice of [`CONFIG`].
pub const VOICE_SHAPE: [usize; 2] = [5, 4];

/// A linear congruential generator: tests need variety, not quality.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }
}

/// Random weights for every tensor of [`CONFIG`]. Values are small multiples of powers of two, as if de-quantised, so that all
/// file formats hold them exactly.
pub fn weights(seed: u64) -> Weights {
    let config = lumivox_convert::kokoro::Config::parse(CONFIG).unwrap();
    random_weights(lumivox_convert::kokoro::schema(&config), seed)
}

/// Random weights for every tensor of `schema`.
pub fn random_weights(schema: BTreeMap<String, Vec<usize>>, seed: u64) -> Weights {
    let mut random = Random(seed);
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let scale = 0.5f32.powi(4 + (random.next() % 4) as i32);
        let data = (0..shape.iter().product()).map(|_| (random.next() % 255) as f32 * scale - 127.0 * scale).collect();
        (name, (shape, data))
    };
    schema.into_iter().map(tensor).collect()
}

/// The f32 values of a tensor's bytes.
pub fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
}

/// Holds a converted model's tensors, voices left out, against `weights`.
#[track_caller]
pub fn assert_same(model: &lumivox_convert::ModelFile, weights: &Weights, tolerance: f32) {
    assert_eq!(model.tensors().count() - model.voices().count(), weights.len());
    for (name, (shape, expected)) in weights {
        let tensor = model.tensor(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(tensor.shape(), shape, "{name}");
        let worst = floats(tensor.data()).iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= tolerance, "{name} differs by {worst}");
    }
}

/// One voice, as the raw f32 of kokoro.js.
pub fn voice_bytes(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    (0..VOICE_SHAPE[0] * VOICE_SHAPE[1]).flat_map(|_| (random.next() as f32 / 2e9).to_le_bytes()).collect()
}

/// `(rows, columns)` row-major → its transpose.
pub fn transpose(data: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| data.iter().skip(c).step_by(columns).copied()).collect()
}

/// Whether upstream's module for weight `name` is wrapped in `weight_norm`.
pub fn has_weight_norm(name: &str, shape: &[usize]) -> bool {
    shape.len() == 3 && name.ends_with(".weight") && !name.contains("_proj") && !name.contains("noise_convs")
}
