//! lumivox's side: a model file's graph, run on ids with every stage kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use candle_core::{Device, Tensor};
use lumivox::convert::{Family, ModelFile};
use lumivox::noise::{Stage, normal};
use lumivox::weights;
use lumivox_models::Probe;
use lumivox_models::kokoro::{HARMONICS, Kokoro, Precision};
use lumivox_models::vits::Vits;

use crate::capture::{Array, Capture, DURATIONS, complex};
use crate::utterance::{Delivery, Utterance};

/// A model file's graph.
pub struct Ours {
    graph: Graph,
    file: Arc<ModelFile>,
    path: PathBuf,
    pool: rayon::ThreadPool,
}

enum Graph {
    Kokoro(Box<Kokoro>),
    Vits(Box<Vits>),
}

impl Ours {
    /// Loads a model file. It computes on `threads` threads; `None` takes one for each processor.
    ///
    /// # Errors
    /// If the file is not a whole model file of a known family.
    pub fn open(path: &Path, threads: Option<usize>) -> Result<Self> {
        let file = Arc::new(ModelFile::open(path)?);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?;
        let graph = pool.install(|| -> Result<Graph> {
            let parameters = weights::var_builder(file.clone(), &Device::Cpu);
            let config = &file.metadata().config;
            Ok(match file.metadata().family {
                Family::Kokoro => {
                    Graph::Kokoro(Box::new(Kokoro::new(serde_json::from_str(config)?, Precision::F32, parameters)?))
                }
                Family::Vits => Graph::Vits(Box::new(Vits::new(serde_json::from_str(config)?, parameters)?)),
                other => bail!("{other} models have no reference to be compared with"),
            })
        })?;
        Ok(Self { graph, file, path: path.to_owned(), pool })
    }

    /// The model file.
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// Where the model file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Channels of the latent variable, where there is one.
    pub fn inter_channels(&self) -> Option<usize> {
        match &self.graph {
            Graph::Kokoro(_) => None,
            Graph::Vits(vits) => Some(vits.config().inter_channels),
        }
    }

    /// The row of a voice's pack, `(1, 2·style_dim)`, for Kokoro.
    ///
    /// # Errors
    /// If the voice is not there or has no such row.
    pub fn style(&self, voice: &str, row: usize) -> Result<Tensor> {
        let pack = weights::tensor(&self.file, &format!("voices.{voice}"), &Device::Cpu)
            .with_context(|| format!("the model has no voice `{voice}`; blends can't be compared"))?;
        Ok(pack.narrow(0, row, 1)?.contiguous()?)
    }

    /// Says an utterance and keeps every stage. A stage that `injected` has goes on with the tensor there, after it was kept.
    ///
    /// # Errors
    /// If the model can't say it.
    pub fn run(&self, utterance: &Utterance, injected: &BTreeMap<String, Array>) -> Result<Capture> {
        let mut recorder = Recorder { injected, capture: Capture::default(), failure: None };
        self.pool.install(|| match (&self.graph, &utterance.delivery) {
            (Graph::Kokoro(graph), Delivery::Kokoro { voice, row, speed }) => {
                let ref_s = self.style(voice, *row)?;
                let prosody = graph.prosody(&utterance.ids, &ref_s, *speed, &mut recorder)?;
                let samples = graph.samples(&prosody);
                let noise = normal(utterance.seed, Stage::SineGen, 0, samples * HARMONICS);
                let noise = Tensor::from_vec(noise, (1, samples, HARMONICS), &Device::Cpu)?;
                graph.decode(&prosody, &ref_s, &noise, &mut recorder)?;
                Ok(())
            }
            (Graph::Vits(graph), Delivery::Vits { speaker, noise_scale, length_scale, noise_scale_w }) => {
                let noise = |stage, channels: usize, steps: usize, scale: f32| -> Result<Tensor> {
                    let values = normal(utterance.seed, stage, 0, channels * steps);
                    Ok((Tensor::from_vec(values, (1, channels, steps), &Device::Cpu)? * f64::from(scale))?)
                };
                let ids = &utterance.ids;
                let dp_noise = noise(Stage::Durations, 2, ids.len(), *noise_scale_w)?;
                let prosody = graph.prosody(ids, *speaker, &dp_noise, *length_scale, &mut recorder)?;
                let channels = graph.config().inter_channels;
                let z_noise = noise(Stage::Latent, channels, graph.frames(&prosody), *noise_scale)?;
                let z = graph.latent(&prosody, &z_noise, &mut recorder)?;
                graph.decode(&prosody, &z, &mut recorder)?;
                Ok(())
            }
            (Graph::Kokoro(_), Delivery::Vits { .. }) => {
                bail!("the reference is of the VITS family, the model is Kokoro")
            }
            (Graph::Vits(_), Delivery::Kokoro { .. }) => {
                bail!("the reference is Kokoro, the model is of the VITS family")
            }
        })?;
        match recorder.failure {
            Some(error) => Err(error.into()),
            None => Ok(recorder.capture),
        }
    }
}

/// Keeps each stage, and injects.
struct Recorder<'a> {
    injected: &'a BTreeMap<String, Array>,
    capture: Capture,
    failure: Option<candle_core::Error>,
}

impl Recorder<'_> {
    fn keep(&mut self, name: &str, x: &Tensor) -> candle_core::Result<()> {
        match name {
            "pred_dur" => self.capture.insert(DURATIONS, Array::of(x)?),
            "har" => self.capture.insert("har_complex", Array::of(&complex(x)?)?),
            _ => self.capture.insert(name, Array::of(x)?),
        }
        Ok(())
    }
}

impl Probe for Recorder<'_> {
    fn stage(&mut self, name: &str, x: &Tensor) {
        if let Err(error) = self.keep(name, x) {
            self.failure = Some(error);
        }
    }

    fn inject(&mut self, name: &str) -> Option<Tensor> {
        let injected = self.injected.get(name)?;
        match injected.tensor() {
            Ok(x) => Some(x),
            Err(error) => {
                self.failure = Some(error);
                None
            }
        }
    }
}
