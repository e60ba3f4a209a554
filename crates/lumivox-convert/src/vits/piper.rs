//! Piper's voices: an ONNX export of the original model, and the voice's JSON beside it.
//!
//! Most tensors keep their names. Those that the exporter folded or renamed (the flow's weight-normed convolutions, the symbol
//! embedding) are found through the nodes that use them: a node's path is its module's name.

use super::config::{PiperText, TAIL_BOUND, Text};
use super::model_card;
use super::read::{Description, declared, insert, rooted, unusable};
use super::shapes::Settings;
use crate::ConvertError;
use crate::config::{ConfigKind, expect_kind, read_json, with_suffix};
use crate::convert::{Options, language_tag};
use crate::onnx::{Graph, NodeProto, attribute_ints, in_node, unreadable};
use crate::state_dict::StateDict;
use crate::tensor::{Float, Tensor};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Parts of the names of operators that have weights of a few bits.
const QUANTISED: [&str; 5] = ["quantize", "qlinear", "integer", "nbits", "bnb4"];

/// What [`read`] found.
#[derive(Default)]
pub(super) struct PiperGraph {
    /// Tensors under the original names; weight norm may not yet be folded.
    pub(super) tensors: StateDict,
    /// Whether any tensor was stored in a 16-bit type.
    pub(super) half_precision: bool,
    /// Tensor name → the initializer it was read from.
    sources: HashMap<String, String>,
    /// Module of a convolution → its dilation.
    dilations: HashMap<String, usize>,
    /// Module of a transposed convolution → its stride.
    strides: HashMap<String, usize>,
}

/// Reads the weights of a voice's graph.
///
/// # Errors
/// The graph is quantised, a weight belongs to no module of VITS, or a payload is damaged.
pub(super) fn read(graph: &Graph) -> Result<PiperGraph, ConvertError> {
    let mut found = PiperGraph::default();
    for node in &graph.nodes {
        let op = &*node.op_type;
        if QUANTISED.iter().any(|part| op.to_ascii_lowercase().contains(part)) {
            let reason = format!("is quantised ({op}); the voice's float .onnx is needed");
            return Err(unreadable(node, reason));
        }
        found.read_node(graph, node).map_err(|e| in_node(node, e))?;
    }
    for value in graph.float_values().filter(|v| v.contains('.') && !v.contains(['/', ':'])) {
        let name = rooted(value).ok_or_else(|| ConvertError::Extra { name: value.into(), count: 1 })?;
        found.put(graph, name, value)?;
    }
    Ok(found)
}

impl PiperGraph {
    fn read_node(&mut self, graph: &Graph, node: &NodeProto) -> Result<(), ConvertError> {
        match (&*node.op_type, &*node.input) {
            ("Conv" | "ConvTranspose", [_, weight, bias @ ..]) => {
                // Some exporters number their nodes and keep the names of the weights.
                let named = || rooted(weight).and_then(|name| name.strip_suffix(".weight").map(String::from));
                let Some(module) = module(node).or_else(named) else {
                    return Err(unreadable(node, "has weights but belongs to no module of VITS"));
                };
                self.put(graph, format!("{module}.weight"), weight)?;
                if let [bias] = bias {
                    self.put(graph, format!("{module}.bias"), bias)?;
                }
                if node.op_type == "Conv" {
                    self.dilations.insert(module, first(node, "dilations")?);
                } else {
                    self.strides.insert(module, first(node, "strides")?);
                }
                Ok(())
            }
            ("Gather", [table, _]) => match module(node).as_deref() {
                Some(module @ ("enc_p.emb" | "emb_g")) => self.put(graph, format!("{module}.weight"), table),
                _ => Ok(()),
            },
            ("Exp" | "Mul", inputs) if module(node).as_deref() == Some("dp.flows.0") => {
                inputs.iter().try_for_each(|input| self.affine_flow(graph, node, input))
            }
            _ => Ok(()),
        }
    }

    /// `(x - m) · exp(-logs)`: exporters put the constant `-logs` in place of the parameter, and simplifiers `exp(-logs)`.
    fn affine_flow(&mut self, graph: &Graph, node: &NodeProto, factor: &str) -> Result<(), ConvertError> {
        let name = "dp.flows.0.logs";
        let folded = graph.float(factor)?.filter(|t| t.shape.len() == 2 && graph.float_type(name).is_none());
        let Some(Tensor { shape, mut data }) = folded else { return Ok(()) };
        let is_exp = node.op_type == "Exp";
        data.iter_mut().for_each(|v| *v = if is_exp { -*v } else { -f64::from(*v).ln() as f32 });
        insert(&mut self.tensors, name.into(), Tensor { shape, data })
    }

    /// Stores `value` as `name`, unless it is computed at run time.
    fn put(&mut self, graph: &Graph, name: String, value: &str) -> Result<(), ConvertError> {
        let source = graph.initializer_name(value).unwrap_or(value);
        if self.sources.get(&name).is_some_and(|known| known == source) {
            return Ok(());
        }
        self.sources.insert(name.clone(), source.into());
        self.half_precision |= matches!(graph.float_type(value), Some(Float::F16 | Float::Bf16));
        match graph.float(value)? {
            Some(tensor) => insert(&mut self.tensors, name, tensor),
            None => Ok(()),
        }
    }

    /// Strides of the transposed convolutions.
    fn upsample_rates(&self) -> Vec<usize> {
        (0..).map_while(|i| self.strides.get(&format!("dec.ups.{i}")).copied()).collect()
    }

    /// Dilations of the parallel residual blocks, which are the same after each upsampling.
    fn resblock_dilation_sizes(&self, upsamplings: usize) -> Result<Vec<Vec<usize>>, ConvertError> {
        let dilation = |name: String| self.dilations.get(&name).copied();
        let of_block = |block: usize| -> Option<Vec<usize>> {
            let name = |list: &str, q: usize| format!("dec.resblocks.{block}.{list}.{q}");
            let list = (0..).map_while(|q| dilation(name("convs", q)).or_else(|| dilation(name("convs1", q))));
            Some(list.collect::<Vec<_>>()).filter(|list| !list.is_empty())
        };
        let blocks: Vec<Vec<usize>> = (0..).map_while(of_block).collect();
        let kernels = blocks.len().checked_div(upsamplings).unwrap_or(0).max(1);
        let dilates_elsewhere = |(module, dilation): (&String, &usize)| {
            let undilated = module.starts_with("flow.") || module.contains(".convs2.");
            undilated && *dilation != 1
        };
        if blocks.chunks(kernels).any(|stage| stage != &blocks[..kernels])
            || self.dilations.iter().any(dilates_elsewhere)
        {
            return Err(ConvertError::Onnx { what: "graph".into(), reason: "has dilations that VITS does not".into() });
        }
        Ok(blocks.into_iter().take(kernels).collect())
    }
}

/// The module that `node` belongs to: `/dec/ups.0/ConvTranspose` is of `dec.ups.0`.
fn module(node: &NodeProto) -> Option<String> {
    let (path, _operator) = node.name.rsplit_once('/')?;
    rooted(&path.replace('/', "."))
}

/// The first number of an attribute that has one for each spatial axis; 1 when absent.
fn first(node: &NodeProto, attribute: &str) -> Result<usize, ConvertError> {
    let value = attribute_ints(node, attribute).and_then(|list| list.first()).copied().unwrap_or(1);
    usize::try_from(value).map_err(|_| unreadable(node, format!("has {attribute} below 0")))
}

/// The keys of a voice's JSON that conversion reads.
#[derive(Deserialize)]
struct Voice {
    audio: Audio,
    #[serde(default)]
    espeak: Espeak,
    #[serde(default)]
    inference: Inference,
    phoneme_type: Option<String>,
    phoneme_id_map: BTreeMap<String, Vec<u32>>,
    /// Each as its parts.
    vowel_clusters: Option<Vec<Vec<String>>>,
    num_speakers: Option<usize>,
    speaker_id_map: Option<BTreeMap<String, u32>>,
    default_speaker_id: Option<u32>,
    language: Option<Language>,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate: u32,
}

#[derive(Default, Deserialize)]
struct Espeak {
    voice: Option<String>,
}

#[derive(Default, Deserialize)]
struct Inference {
    noise_scale: Option<f64>,
    length_scale: Option<f64>,
    noise_w: Option<f64>,
}

#[derive(Deserialize)]
struct Language {
    code: String,
}

/// Reads the JSON of the voice `path`.
///
/// # Errors
/// There is none, it lacks a key, or it is of another kind of model.
pub(super) fn describe(path: &Path, options: &Options, graph: &PiperGraph) -> Result<Description, ConvertError> {
    let config = options.config.clone().unwrap_or_else(|| with_suffix(path, ".json"));
    let upstream = read_json(&config, "it has the phonemes of the Piper voice")?;
    expect_kind(&config, &upstream, ConfigKind::Piper)?;
    let voice = Voice::deserialize(&upstream).map_err(|e| unusable(&config, e))?;
    let upsample_rates = graph.upsample_rates();
    let mut declared = declared(&upstream, &[("num_symbols", "n_vocab")]);
    if let Some(count) = voice.num_speakers {
        declared.push(("num_speakers".into(), "n_speakers", json!(count.max(1))));
    }
    Ok(Description {
        declared,
        languages: languages(&voice),
        license: model_card::license(&path.with_file_name("MODEL_CARD"))?,
        settings: Settings {
            resblock_dilation_sizes: graph.resblock_dilation_sizes(upsample_rates.len())?,
            upsample_rates,
            dp_tail_bound: TAIL_BOUND,
            sampling_rate: voice.audio.sample_rate,
            // Defaults of Piper's own.
            noise_scale: voice.inference.noise_scale.unwrap_or(0.667),
            length_scale: voice.inference.length_scale.unwrap_or(1.0),
            noise_scale_w: voice.inference.noise_w.unwrap_or(0.8),
            text: Text::Piper(PiperText {
                phoneme_type: voice.phoneme_type.unwrap_or_else(|| "espeak".into()),
                espeak_voice: voice.espeak.voice,
                phoneme_id_map: voice.phoneme_id_map,
                vowel_clusters: voice.vowel_clusters.unwrap_or_default().iter().map(|parts| parts.concat()).collect(),
                speaker_id_map: voice.speaker_id_map.unwrap_or_default(),
                default_speaker_id: voice.default_speaker_id.unwrap_or(0),
            }),
            upstream,
        },
        path: config,
    })
}

/// `en_US` is `en-us`. Voices of the first years say their language by espeak-ng's voice only.
fn languages(voice: &Voice) -> Vec<String> {
    let code = voice.language.as_ref().map(|l| &l.code).or(voice.espeak.voice.as_ref());
    code.map(|code| language_tag(code)).into_iter().collect()
}
