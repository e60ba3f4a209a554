//! Kokoro's graph as kokoro-onnx publishes it, in f32 or in 8 bits; of the latter the operators are made f32 first.
//!
//! It differs from the original in three ways, which are no matter of precision. It draws no noise: lumivox's is added to the sine waves, as the original adds
//! it. Its phases at the edges of the spectrum are -π where the original's are π: they are turned. And its audio is 1.5 times as loud: it is divided by
//! [`LOUDNESS`]. Besides, it sums the phase of the harmonics in f32, where PyTorch sums in f64, which [`SOURCE_BOUND`] allows for.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use lumivox::noise::{Stage, normal};
use lumivox_models::kokoro::HARMONICS;

use super::float::dequantized;
use super::runtime::{Input, Runtime};
use super::wire::{Graph, own, rewrite};
use crate::capture::{AUDIO, Array, Capture, DURATIONS, complex};
use crate::compare::Bound;
use crate::ours::Ours;
use crate::reference::{FLOOR_THREADS, Said, THREADS, floors};
use crate::utterance::{Delivery, Utterance};

/// How many times too loud the graph's audio is: its inverse transform does not divide by the sum of the squared windows.
pub const LOUDNESS: f32 = 1.5;

/// The most relative L2 difference of the harmonic source: after some seconds its phases are ten thousands of radians, of which f32 has the hundredths.
const SOURCE_BOUND: f64 = 1e-2;
/// Deviation of the noise where the voice sounds, and where it doesn't (a third of the sines' amplitude); `SineGen` in kokoro's istftnet.py.
const VOICED_NOISE: f32 = 0.003;
const UNVOICED_NOISE: f32 = 0.1 / 3.0;

const SINES: &str = "sine_waves";
const SOURCE: &str = "har_source";
/// Magnitudes and phases, which lumivox calls so.
const HAR: &str = "har";
const HAR_COMPLEX: &str = "har_complex";
const F0: &str = "F0";
/// The audio judged from the reference's spectrogram.
const AUDIO_SOURCE: &str = "audio_source";

const GENERATOR: &str = "/decoder/decoder/generator";
/// 1 where the voice sounds.
const VOICED: &str = "/decoder/decoder/generator/m_source/l_sin_gen/Cast_output_0";

pub(super) struct KokoroGraph {
    bytes: Vec<u8>,
    stages: Vec<Place>,
    output: String,
    /// Whether the file's operators are of 8 bits, which were made float.
    was_in_bytes: bool,
}

/// Where the graph has a stage.
struct Place {
    stage: String,
    value: String,
    /// With the last two axes swapped.
    transposed: bool,
}

impl KokoroGraph {
    pub(super) fn new(bytes: Vec<u8>, graph: &Graph) -> Result<Self> {
        let mut stages = places();
        stages.retain(|place| graph.has(&place.value));
        for needed in [DURATIONS, F0, SINES, SOURCE, HAR] {
            if !stages.iter().any(|place| place.stage == needed) {
                bail!(
                    "the graph has no stage {needed} where kokoro-onnx's has it; other exports of Kokoro can't be compared"
                );
            }
        }
        let was_in_bytes = graph.nodes.iter().any(|node| node.op_type.starts_with("DynamicQuantize"));
        let bytes = if was_in_bytes { dequantized(&bytes)? } else { bytes };
        let output = graph.outputs.first().context("the graph has no output")?.clone();
        Ok(Self { bytes, stages, output, was_in_bytes })
    }

    /// Says an utterance: once, with more threads, and with another seed.
    pub(super) fn say(&self, runtime: &Runtime, ours: &Ours, utterance: &Utterance) -> Result<Said> {
        let call = Call::new(ours, utterance)?;
        let clean = self.clean_sines(runtime, &call)?;
        let [sines, other] = [utterance.seed, utterance.seed ^ 1].map(|seed| clean.with_noise(seed));
        let mut runs = self.free(runtime, THREADS, &call, &[&sines, &other])?.into_iter();
        let two = runs.next().zip(runs.next());
        let ((base, har), (seed, _)) = two.context("the runtime gave fewer runs than were asked for")?;
        let threads = self.again(runtime, &call, &base, &har, &sines)?;
        let stage = |name: &str| base.get(name).cloned().with_context(|| format!("the graph gives no {name}"));
        let inject = [(F0.to_owned(), stage(F0)?), (SOURCE.to_owned(), stage(SOURCE)?), (HAR.to_owned(), har)];
        Ok(Said {
            inject: inject.into(),
            audio: Some(base.audio().to_vec()),
            floors: floors(&base, &threads, &seed, ours.file().metadata().sample_rate_hz),
            tensors: Box::new(base),
            bounds: [SINES, SOURCE].map(|stage| (stage.to_owned(), Bound::RelativeL2(SOURCE_BOUND))).into(),
            notes: self.notes(),
        })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            format!("the reference's audio is divided by {LOUDNESS}, by which its export is too loud"),
            "the reference's phases of -π at the edges of the spectrum are made π, as the original has them".into(),
            "the reference sums the phase of the harmonics in f32, so its source is that coarse".into(),
        ];
        if self.was_in_bytes {
            notes.push("the reference's 8-bit operators are made f32, with its weights de-quantised".into());
        }
        notes
    }

    /// Runs with nothing injected but these sines, and with its phases turned: all stages and the spectrogram.
    fn free(&self, runtime: &Runtime, threads: usize, call: &Call, runs: &[&Array]) -> Result<Vec<(Capture, Array)>> {
        let [sines, har] = [self.value(SINES)?, self.value(HAR)?];
        let graph = rewrite(&self.bytes, std::slice::from_ref(&har), std::slice::from_ref(&sines))?;
        let mut session = runtime.session(&graph, threads)?;
        let mut spectrograms = Vec::new();
        for run in runs {
            let found = session.run(call.inputs([(sines.clone(), *run)]))?.remove(&har);
            spectrograms.push(turned(found.context("the graph gives no spectrogram")?)?);
        }
        drop(session);
        let graph = rewrite(&self.bytes, &self.exposed(&[SINES, HAR]), &[sines.clone(), har.clone()])?;
        let mut session = runtime.session(&graph, threads)?;
        let mut captures = Vec::new();
        for (run, spectrogram) in runs.iter().zip(spectrograms) {
            let outputs = session.run(call.inputs([(sines.clone(), *run), (har.clone(), &spectrogram)]))?;
            captures.push((self.capture(outputs, &BTreeMap::from([(SINES, *run)]))?, spectrogram));
        }
        Ok(captures)
    }

    /// The sines without noise, and where the voice sounds.
    fn clean_sines(&self, runtime: &Runtime, call: &Call) -> Result<CleanSines> {
        let sines = self.value(SINES)?;
        let graph = rewrite(&self.bytes, &[sines.clone(), VOICED.to_owned()], &[])?;
        let mut values = runtime.session(&graph, THREADS)?.run(call.inputs([]))?;
        let mut take = |value: &str| values.remove(value).with_context(|| format!("the graph gives no {value}"));
        Ok(CleanSines { sines: take(&sines)?, voiced: take(VOICED)? })
    }

    /// The same utterance on more threads, each stage from what the first run had in front of it where rounding is amplified; the audio without that, too.
    fn again(&self, runtime: &Runtime, call: &Call, base: &Capture, har: &Array, sines: &Array) -> Result<Capture> {
        let stage = |name: &str| base.get(name).with_context(|| format!("the graph gives no {name}"));
        let replaced = [(F0, stage(F0)?), (SINES, sines), (SOURCE, stage(SOURCE)?), (HAR, har)];
        let names: Vec<&str> = replaced.iter().map(|(name, _)| *name).collect();
        let values = names.iter().map(|name| self.value(name)).collect::<Result<Vec<_>>>()?;
        let graph = rewrite(&self.bytes, &self.exposed(&names), &values)?;
        let inputs = call.inputs(values.iter().cloned().zip(replaced.iter().map(|(_, x)| *x)));
        let outputs = runtime.session(&graph, FLOOR_THREADS)?.run(inputs)?;
        let mut again = self.capture(outputs, &BTreeMap::from([(SINES, sines)]))?;
        let free = self.free(runtime, FLOOR_THREADS, call, &[sines])?;
        let free = free.first().and_then(|(capture, _)| capture.get(AUDIO)).context("the graph gives no audio")?;
        again.insert(AUDIO, free.clone());
        Ok(again)
    }

    /// What the runtime gave, by lumivox's names and in its layout. What was injected is `replaced`, and stands for itself.
    fn capture(&self, mut values: BTreeMap<String, Array>, replaced: &BTreeMap<&str, &Array>) -> Result<Capture> {
        let mut capture = Capture::default();
        for place in &self.stages {
            let found = match replaced.get(place.stage.as_str()) {
                Some(x) => Some((*x).clone()),
                None => values.remove(&own(&place.value)).or_else(|| values.remove(&place.value)),
            };
            let found = found.with_context(|| format!("the runtime gives no {}", place.value))?;
            let x = if place.transposed { found.transposed() } else { found };
            if place.stage == HAR {
                capture.insert(HAR_COMPLEX, Array::of(&complex(&x.tensor()?)?)?);
            } else {
                capture.insert(&place.stage, x);
            }
        }
        let samples = audio(values.remove(&self.output).context("the graph gives no audio")?);
        capture.insert(AUDIO_SOURCE, samples.clone());
        capture.insert(AUDIO, samples);
        Ok(capture)
    }

    fn value(&self, stage: &str) -> Result<String> {
        let place = self.stages.iter().find(|place| place.stage == stage);
        Ok(place.with_context(|| format!("the graph has no stage {stage}"))?.value.clone())
    }

    /// The values of all stages; those that are replaced, as the graph itself computes them. The sines are left out where they are: they were seen without noise.
    fn exposed(&self, replaced: &[&str]) -> Vec<String> {
        let seen = self.stages.iter().filter(|place| place.stage != SINES);
        let name = |place: &Place| {
            if replaced.contains(&place.stage.as_str()) { own(&place.value) } else { place.value.clone() }
        };
        seen.map(name).collect()
    }
}

/// The reference's audio as loud as the original's.
fn audio(mut samples: Array) -> Array {
    samples.values.iter_mut().for_each(|x| *x /= LOUDNESS);
    samples
}

/// Magnitudes and phases `(1, 2·bins, F)` with the phases of the lowest and of the highest bin, whose imaginary part is nothing, 0 or π.
fn turned(mut har: Array) -> Result<Array> {
    let [1, rows, frames] = har.shape[..] else { bail!("the graph's spectrogram has the shape {:?}", har.shape) };
    for row in [rows / 2, rows - 1] {
        har.values[row * frames..(row + 1) * frames].iter_mut().for_each(|phase| *phase = phase.abs());
    }
    Ok(har)
}

/// Sines `(1, L, HARMONICS)` and where the voice sounds, `(1, L, 1)`.
struct CleanSines {
    sines: Array,
    voiced: Array,
}

impl CleanSines {
    /// The sines with the noise of `seed`, as the original adds it.
    fn with_noise(&self, seed: u64) -> Array {
        let noise = normal(seed, Stage::SineGen, 0, self.sines.values.len());
        let values = self.sines.values.iter().zip(noise).enumerate().map(|(i, (sine, noise))| {
            let voiced = self.voiced.values.get(i / HARMONICS).copied().unwrap_or(0.0);
            sine + noise * (voiced * VOICED_NOISE + (1.0 - voiced) * UNVOICED_NOISE)
        });
        Array { shape: self.sines.shape.clone(), values: values.collect() }
    }
}

/// What the graph is asked for.
struct Call {
    ids: Vec<i64>,
    style: Array,
    speed: f32,
}

impl Call {
    fn new(ours: &Ours, utterance: &Utterance) -> Result<Self> {
        let Delivery::Kokoro { voice, row, speed } = &utterance.delivery else { bail!("the model is not Kokoro") };
        let ids = utterance.ids.iter().map(|id| i64::from(*id)).collect();
        Ok(Self { ids, style: Array::of(&ours.style(voice, *row)?)?, speed: *speed })
    }

    fn inputs<'a>(&self, more: impl IntoIterator<Item = (String, &'a Array)>) -> Vec<(String, Input)> {
        let mut inputs = vec![
            ("tokens".to_owned(), Input::I64(vec![1, self.ids.len()], self.ids.clone())),
            ("style".to_owned(), Input::from(&self.style)),
            ("speed".to_owned(), Input::F32(vec![1], vec![self.speed])),
        ];
        inputs.extend(more.into_iter().map(|(name, x)| (name, Input::from(x))));
        inputs
    }
}

/// Where kokoro-onnx's graph has each stage, in the order of lumivox's graph.
fn places() -> Vec<Place> {
    let place = |stage: &str, value: &str| Place { stage: stage.into(), value: value.into(), transposed: false };
    let generator = |stage: &str, value: &str| place(stage, &format!("{GENERATOR}/{value}_output_0"));
    let mut places = vec![
        place("bert_embeddings", "/encoder/bert/embeddings/LayerNorm/LayerNormalization_output_0"),
        place(
            "bert_dur",
            "/encoder/bert/encoder/albert_layer_groups.0/albert_layers.0/full_layer_layer_norm_11/LayerNormalization_output_0",
        ),
        place("d_en", "/encoder/bert_encoder/Add_output_0"),
        place("d", "/encoder/predictor/text_encoder/Concat_4_output_0"),
        place("dur_lstm", "/encoder/predictor/lstm/Transpose_2_output_0"),
        place("dur_logits", "/encoder/predictor/duration_proj/linear_layer/Add_output_0"),
        place(DURATIONS, "/encoder/Clip_output_0"),
        Place { transposed: true, ..place("shared_lstm", "/encoder/Transpose_2_output_0") },
    ];
    for curve in ["F0", "N"] {
        // The middle block samples up, which takes two divisions more.
        for (i, division) in [2, 4, 2].iter().enumerate() {
            places.push(place(&format!("{curve}_block{i}"), &format!("/encoder/{curve}.{i}/Div_{division}_output_0")));
        }
        places.push(place(curve, &format!("/encoder/{curve}_proj/Conv_output_0")));
    }
    places.extend(
        (0..2).map(|i| {
            place(&format!("text_cnn{i}"), &format!("/encoder/text_encoder/cnn.{i}/cnn.0.2/LeakyRelu_output_0"))
        }),
    );
    places.push(Place { transposed: true, ..place("text_cnn2", "/encoder/text_encoder/cnn.2/cnn.0.2/LeakyRelu") });
    places.push(place("t_en", "/encoder/text_encoder/Transpose_2_output_0"));
    places.push(place("asr", "/encoder/MatMul_1_output_0"));
    places.push(place("dec_F0", "/decoder/decoder/F0_conv/Conv_output_0"));
    places.push(place("dec_N", "/decoder/decoder/N_conv/Conv_output_0"));
    places.push(place("dec_asr_res", "/decoder/decoder/asr_res/asr_res.0/Conv_output_0"));
    places.push(place("dec_encode", "/decoder/decoder/encode/Div_3_output_0"));
    for (i, division) in [3, 3, 3, 4].iter().enumerate() {
        places.push(place(&format!("dec_decode{i}"), &format!("/decoder/decoder/decode.{i}/Div_{division}_output_0")));
    }
    places.push(generator(SINES, "m_source/l_sin_gen/Mul_6"));
    places.push(generator(SOURCE, "m_source/l_tanh/Tanh"));
    places.push(generator(HAR, "Concat_3"));
    for i in 0..2 {
        places.push(generator(&format!("noise_conv{i}"), &format!("noise_convs.{i}/Conv")));
        places.push(generator(&format!("noise_res{i}"), &format!("noise_res.{i}/Add_8")));
        places.push(generator(&format!("ups{i}"), &format!("ups.{i}/ConvTranspose")));
        places.extend((3 * i..3 * i + 3).map(|j| generator(&format!("resblock{j}"), &format!("resblocks.{j}/Add_8"))));
    }
    places.push(generator("conv_post", "conv_post/Conv"));
    places
}
