//! A Piper voice's graph.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use lumivox::noise::{Stage, normal};

use super::runtime::{Input, Runtime, Session};
use super::wire::{Graph, rewrite};
use crate::capture::{AUDIO, Capture, DURATIONS};
use crate::ours::Ours;
use crate::reference::{FLOOR_THREADS, Said, THREADS, floors};
use crate::utterance::{Delivery, Utterance};

/// A Piper voice's graph with its noise as inputs and its stages as outputs.
pub(super) struct PiperGraph {
    bytes: Vec<u8>,
    /// lumivox's stage → the graph's value.
    stages: Vec<(String, String)>,
    noise: Noise,
    output: String,
    takes_speaker: bool,
}

/// The values that the graph draws.
struct Noise {
    durations: Option<String>,
    latent: String,
}

impl PiperGraph {
    /// Finds stages and noise in `graph`, which is that of `bytes`.
    pub(super) fn new(bytes: Vec<u8>, graph: &Graph) -> Result<Self> {
        let draws = |in_dp: bool| {
            let mut nodes = graph.nodes.iter().filter(|node| node.op_type == "RandomNormalLike");
            nodes.find(|node| node.name.starts_with("/dp") == in_dp).and_then(|node| node.outputs.first().cloned())
        };
        let latent = draws(false).context("the graph draws no noise (RandomNormalLike), as every Piper voice does")?;
        let noise = Noise { durations: draws(true), latent };
        let stages = stages(graph, &noise.latent);
        if !stages.iter().any(|(stage, _)| stage == DURATIONS) {
            bail!("the graph has no durations (Ceil), as every Piper voice has");
        }
        Ok(Self {
            bytes: rewrite(&bytes, &stages.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>(), &noise.names())?,
            stages,
            noise,
            output: graph.outputs.first().context("the graph has no output")?.clone(),
            takes_speaker: graph.inputs.iter().any(|input| input == "sid"),
        })
    }

    /// Says an utterance: once, with more threads, and with another seed of the latent variable's noise.
    pub(super) fn say(&self, runtime: &Runtime, ours: &Ours, utterance: &Utterance) -> Result<Said> {
        let channels = ours.inter_channels().context("the model is not of the VITS family")?;
        let mut session = runtime.session(&self.bytes, THREADS)?;
        let base = self.run(&mut session, utterance, channels, utterance.seed)?;
        let seed = self.run(&mut session, utterance, channels, utterance.seed ^ 1)?;
        drop(session);
        let mut session = runtime.session(&self.bytes, FLOOR_THREADS)?;
        let threads = self.run(&mut session, utterance, channels, utterance.seed)?;
        Ok(Said {
            inject: BTreeMap::new(),
            audio: Some(base.audio().to_vec()),
            floors: floors(&base, &threads, &seed, ours.file().metadata().sample_rate_hz),
            tensors: Box::new(base),
            bounds: BTreeMap::new(),
            notes: Vec::new(),
        })
    }

    /// One run. The durations, which a first run without noise of the latent variable tells, say how much of that noise there must be.
    fn run(&self, session: &mut Session, utterance: &Utterance, channels: usize, latent_seed: u64) -> Result<Capture> {
        let Delivery::Vits { noise_scale, .. } = utterance.delivery else { bail!("Kokoro has no Piper graph") };
        let first = session.run(self.inputs(utterance, 0.0, (vec![1, channels, 1], vec![0.0; channels]))?)?;
        let durations = self.stages.iter().find(|(stage, _)| stage == DURATIONS).map(|(_, value)| value);
        let durations = durations.and_then(|value| first.get(value)).context("the graph tells no durations")?;
        let frames = durations.values.iter().sum::<f32>() as usize;
        let noise = normal(latent_seed, Stage::Latent, 0, channels * frames);
        let mut values = session.run(self.inputs(utterance, noise_scale, (vec![1, channels, frames], noise))?)?;
        let mut capture = Capture::default();
        for (stage, value) in &self.stages {
            capture.insert(stage, values.remove(value).with_context(|| format!("the runtime gives no {value}"))?);
        }
        capture.insert(AUDIO, values.remove(&self.output).context("the graph gives no audio")?);
        Ok(capture)
    }

    fn inputs(
        &self,
        utterance: &Utterance,
        noise_scale: f32,
        (latent_shape, latent): (Vec<usize>, Vec<f32>),
    ) -> Result<Vec<(String, Input)>> {
        let Delivery::Vits { speaker, length_scale, noise_scale_w, .. } = utterance.delivery else {
            bail!("Kokoro has no Piper graph")
        };
        let ids: Vec<i64> = utterance.ids.iter().map(|id| i64::from(*id)).collect();
        let tokens = ids.len();
        let mut inputs = vec![
            ("input".to_owned(), Input::I64(vec![1, tokens], ids)),
            ("input_lengths".to_owned(), Input::I64(vec![1], vec![tokens as i64])),
            ("scales".to_owned(), Input::F32(vec![3], vec![noise_scale, length_scale, noise_scale_w])),
            (self.noise.latent.clone(), Input::F32(latent_shape, latent)),
        ];
        if let Some(name) = &self.noise.durations {
            let noise = normal(utterance.seed, Stage::Durations, 0, 2 * tokens);
            inputs.push((name.clone(), Input::F32(vec![1, 2, tokens], noise)));
        }
        if self.takes_speaker {
            inputs.push(("sid".to_owned(), Input::I64(vec![1], vec![i64::from(speaker)])));
        }
        ensure!(tokens > 0, "no ids to speak");
        Ok(inputs)
    }
}

impl Noise {
    fn names(&self) -> Vec<String> {
        self.durations.iter().chain([&self.latent]).cloned().collect()
    }
}

/// The values that are lumivox's stages, as far as the graph has them: found by the modules' paths, which are the exporter's, and by what is around them.
fn stages(graph: &Graph, latent_noise: &str) -> Vec<(String, String)> {
    let input = |node: &str| graph.node(node).and_then(|node| node.inputs.first().cloned());
    let output = |node: &str, i: usize| graph.node(node).and_then(|node| node.outputs.get(i).cloned());
    let ceil = graph.nodes.iter().find(|node| node.op_type == "Ceil").and_then(|node| node.outputs.first().cloned());
    let mut found = vec![
        ("enc_p".to_owned(), input("/enc_p/proj/Conv")),
        ("m_p".to_owned(), output("/enc_p/Split", 0)),
        ("logs_p".to_owned(), output("/enc_p/Split", 1)),
        ("logw".to_owned(), input("/Exp")),
        (DURATIONS.to_owned(), ceil),
        ("z_p".to_owned(), sum_with(graph, latent_noise)),
        ("z".to_owned(), input("/dec/conv_pre/Conv")),
    ];
    // Each stage of the generator ends with a division by its number of residual blocks.
    found.extend((0..8).map(|i| {
        let node = if i == 0 { "/dec/Div".to_owned() } else { format!("/dec/Div_{i}") };
        (format!("dec_stage{i}"), output(&node, 0))
    }));
    found.into_iter().filter_map(|(stage, value)| Some((stage, value.filter(|value| graph.has(value))?))).collect()
}

/// The sum that `noise` enters, scaled.
fn sum_with(graph: &Graph, noise: &str) -> Option<String> {
    let mut value = noise.to_owned();
    for _ in 0..4 {
        let node = graph.consumers(&value).next()?.clone();
        value = node.outputs.first()?.clone();
        if node.op_type == "Add" {
            return Some(value);
        }
    }
    None
}
