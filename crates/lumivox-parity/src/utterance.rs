//! What both sides are asked to say.

use serde::{Deserialize, Serialize};

/// One segment, in ids, with every choice made and the seed of the noise that both get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    /// What reports call it.
    pub name: String,
    /// The phonemes that the ids are from, where they are known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phonemes: Option<String>,
    /// The ids.
    pub ids: Vec<u32>,
    /// Seed of the noise.
    pub seed: u64,
    /// How it is said.
    pub delivery: Delivery,
}

/// How an utterance is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "lowercase")]
pub enum Delivery {
    /// By Kokoro.
    Kokoro {
        /// The voice.
        voice: String,
        /// The row of the voice's pack: phonemes less one.
        row: usize,
        /// 1 as trained.
        speed: f32,
    },
    /// By a model of the VITS family.
    Vits {
        /// The speaker, 0 where there is one.
        speaker: u32,
        /// Standard deviation of the latent variable's noise.
        noise_scale: f32,
        /// 1 as trained, larger for slower.
        length_scale: f32,
        /// Standard deviation of the duration predictor's noise.
        noise_scale_w: f32,
    },
}
