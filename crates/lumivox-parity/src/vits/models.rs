//! The models that VITS is compared on: one real voice, and others that are made here, as the files that their upstreams would publish. So each goes through
//! the converter, of which every kind of input is used.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use lumivox::convert::vits::{Config, schema};
use lumivox::convert::{ModelFile, Options, convert};
use lumivox::store;
use lumivox_models::vits::{Config as Sizes, Vits};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::hf::{self, PAIR, PARAMETRIZATION, WeightNorm, Weights};
use super::{Case, synthetic};
use crate::golden::Golden;

/// Names of the models, which are those of the folders of their goldens.
///
/// | model | what it is | file |
/// |---|---|---|
/// | `piper-joe` | a real Piper voice of medium quality | Piper's ONNX, from the store |
/// | `mms-from-piper` | the same weights in a `VitsModel` | folder of transformers |
/// | `mms-synth` | synthetic weights in the sizes of `facebook/mms-tts-eng` | folder of transformers |
/// | `regression` | synthetic, small, unusual sizes: speakers, durations by regression | folder of transformers |
/// | `multi-speaker` | synthetic, a Piper voice of medium quality with four speakers | checkpoint of the original |
/// | `high` | synthetic, a Piper voice of high quality | checkpoint of the original |
pub const MODELS: [&str; 6] = ["piper-joe", "mms-from-piper", "mms-synth", "regression", "multi-speaker", "high"];

/// The real voice.
const VOICE: &str = "piper-joe";

/// Makes the models, with the goldens' folder at hand.
pub struct Models {
    goldens: PathBuf,
}

impl Models {
    /// `goldens` is the folder that has a folder for each model.
    pub fn new(goldens: impl Into<PathBuf>) -> Self {
        Self { goldens: goldens.into() }
    }

    /// The goldens of the model `name`.
    ///
    /// # Errors
    /// If there are none, or one can't be read.
    pub fn goldens(&self, name: &str) -> Result<Vec<Golden<Case>>> {
        Golden::open_all(&self.goldens.join(name))
    }

    /// The model `name`. The real voice is pulled on first use.
    ///
    /// # Errors
    /// If there is no such model, the voice can't be had, or the model can't be made.
    pub fn open(&self, name: &str) -> Result<Vits> {
        self.open_with(name, |config, weights| Ok(Vits::new(config, weights)?))
    }

    /// The model `name`, made by `new` of its sizes and weights.
    ///
    /// # Errors
    /// As [`Models::open`], or if `new` fails.
    pub fn open_with<M>(&self, name: &str, new: impl FnOnce(Sizes, VarBuilder) -> Result<M>) -> Result<M> {
        if name == VOICE {
            return load(&voice()?, new);
        }
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("converted.safetensors");
        self.write(name, &file)?;
        load(&file, new)
    }

    /// Writes the model `name` as a model file.
    ///
    /// # Errors
    /// As [`Models::open`], or if the file can't be written.
    pub fn write(&self, name: &str, file: &Path) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let checkpoint = match name {
            VOICE => {
                fs::copy(voice()?, file).with_context(|| format!("writing {}", file.display()))?;
                return Ok(());
            }
            "mms-from-piper" => from_voice(&folder)?,
            "mms-synth" => self.synthetic(name, &folder, Layout::Hf(PAIR))?,
            "regression" => self.synthetic(name, &folder, Layout::Hf(PARAMETRIZATION))?,
            "multi-speaker" | "high" => self.synthetic(name, &folder, Layout::Original)?,
            _ => bail!("there is no parity model {name}; there are {}", MODELS.join(", ")),
        };
        convert(&checkpoint, file, &Options::default(), &mut |_| ()).with_context(|| format!("converting {name}"))?;
        Ok(())
    }

    /// A checkpoint of synthetic weights in `folder`, with the sizes that the goldens' `config.json` gives.
    fn synthetic(&self, name: &str, folder: &TempDir, layout: Layout) -> Result<PathBuf> {
        let path = self.goldens.join(name).join("config.json");
        let sizes = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let config = complete(serde_json::from_str(&sizes)?)?;
        let normed: &[&str] = match layout {
            Layout::Hf(_) => &[".enc."],
            Layout::Original => &[".enc.", "dec.ups.", "dec.resblocks."],
        };
        let mut weights = Weights::new();
        for (tensor, shape) in schema(&config) {
            if tensor.ends_with(".weight") && normed.iter().any(|part| tensor.contains(part)) {
                for (part, shape) in [("g", &[shape[0], 1, 1][..]), ("v", &shape)] {
                    let tensor = format!("{tensor}_{part}");
                    weights.insert(tensor.clone(), synthetic::tensor(name, &tensor, shape)?);
                }
            } else {
                weights.insert(tensor.clone(), synthetic::tensor(name, &tensor, &shape)?);
            }
        }
        match layout {
            Layout::Hf(names) => write_hf(folder.path(), &config, &weights, names),
            Layout::Original => write_original(folder.path(), &config, weights),
        }
    }
}

/// How a checkpoint is laid out.
enum Layout {
    /// A folder of transformers, with these names of weight norm.
    Hf(WeightNorm),
    /// A checkpoint of the original's training, in a safetensors file.
    Original,
}

/// The real voice's model file.
fn voice() -> Result<PathBuf> {
    Ok(store::resolve(VOICE, &())?)
}

/// Loads a model file's graph.
fn load<M>(path: &Path, new: impl FnOnce(Sizes, VarBuilder) -> Result<M>) -> Result<M> {
    let file = ModelFile::open(path)?;
    let weights = VarBuilder::from_buffered_safetensors(fs::read(path)?, DType::F32, &Device::Cpu)?;
    new(serde_json::from_str(&file.metadata().config)?, weights)
}

/// The real voice's weights in a `VitsModel`.
fn from_voice(folder: &TempDir) -> Result<PathBuf> {
    let path = voice()?;
    let voice = Config::parse(&ModelFile::open(&path)?.metadata().config)?;
    let weights: Weights = candle_core::safetensors::load(&path, &Device::Cpu)?.into_iter().collect();
    let initial = 2 * voice.upsample_initial_channel;
    let config = Config { resblock: "1".into(), upsample_initial_channel: initial, ..voice };
    write_hf(folder.path(), &config, &hf::doubled(&weights)?, PAIR)
}

/// A configuration of the sizes `sizes`, and of what parity does not ask for.
fn complete(mut sizes: Value) -> Result<Config> {
    let text = json!({ "kind": "mms", "vocab": { "a": 0 }, "add_blank": true, "normalize": true, "is_uroman": false, "pad_token": null,
        "language": null, "speaker_id_map": {} });
    for (key, value) in [("noise_scale", 0.667), ("length_scale", 1.0), ("noise_scale_w", 0.8)] {
        sizes[key] = value.into();
    }
    sizes["text"] = text;
    sizes["upstream"] = Value::Null;
    Ok(Config::parse(&sizes.to_string())?)
}

fn write_hf(folder: &Path, config: &Config, weights: &Weights, names: WeightNorm) -> Result<PathBuf> {
    let mut json = hf::config_json(config);
    if config.use_sdp {
        json["duration_predictor_num_flows"] = config.dp_n_flows.into();
        json["duration_predictor_flow_bins"] = config.dp_num_bins.into();
        json["duration_predictor_tail_bound"] = config.dp_tail_bound.into();
    }
    let vocabulary: HashMap<String, usize> = (0..config.n_vocab).map(|id| (format!("s{id}"), id)).collect();
    fs::write(folder.join("config.json"), json.to_string())?;
    fs::write(folder.join("vocab.json"), json!(vocabulary).to_string())?;
    fs::write(folder.join("tokenizer_config.json"), json!({ "add_blank": true, "phonemize": false }).to_string())?;
    save(hf::state_dict(weights, config, names)?, folder)
}

fn write_original(folder: &Path, config: &Config, weights: Weights) -> Result<PathBuf> {
    let json = json!({
        "train": {},
        "data": { "sampling_rate": config.sampling_rate, "add_blank": true, "n_speakers": config.n_speakers },
        "model": {
            "inter_channels": config.inter_channels, "hidden_channels": config.hidden_channels, "filter_channels": config.filter_channels,
            "n_heads": config.n_heads, "n_layers": config.n_layers, "kernel_size": config.kernel_size, "resblock": config.resblock,
            "resblock_kernel_sizes": config.resblock_kernel_sizes, "resblock_dilation_sizes": config.resblock_dilation_sizes,
            "upsample_rates": config.upsample_rates, "upsample_initial_channel": config.upsample_initial_channel,
            "upsample_kernel_sizes": config.upsample_kernel_sizes, "gin_channels": config.gin_channels
        }
    });
    let vocabulary: Vec<String> = (0..config.n_vocab).map(|id| format!("s{id}")).collect();
    fs::write(folder.join("config.json"), json.to_string())?;
    fs::write(folder.join("vocab.txt"), vocabulary.join("\n"))?;
    save(weights, folder)
}

fn save(weights: Weights, folder: &Path) -> Result<PathBuf> {
    let weights: HashMap<String, Tensor> = weights.into_iter().collect();
    candle_core::safetensors::save(&weights, folder.join("model.safetensors"))?;
    Ok(folder.to_path_buf())
}
