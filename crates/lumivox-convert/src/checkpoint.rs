//! Opening a checkpoint of any kind, and telling by its content which model it is of.

use crate::ConvertError;
use crate::model_file::FORMAT;
use crate::onnx::Graph;
use crate::pth::{LEGACY_MAGIC, Pth, ZIP_MAGIC};
use crate::state_dict::StateDict;
use crate::tensor::{Float, Tensor};
use bytes::Bytes;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// A checkpoint, opened.
pub(crate) enum Checkpoint<'a> {
    Onnx(Graph),
    Pth(Pth<'a>),
    Safetensors(SafeTensors<'a>),
}

/// Whose names the tensors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upstream {
    /// The `kokoro` package and its exports; whatever is not recognised, too.
    Kokoro,
    /// The original VITS; Piper's exports too.
    Vits,
    /// `VitsModel` of Hugging Face's transformers.
    HfVits,
}

impl<'a> Checkpoint<'a> {
    /// Opens the checkpoint `path`, which holds `bytes`.
    ///
    /// # Errors
    /// The file is of no known kind, a model file already, or damaged.
    pub(crate) fn open(path: &Path, bytes: &'a Bytes) -> Result<Self, ConvertError> {
        let unrecognised = |reason: String| ConvertError::NotRecognised { path: path.to_path_buf(), reason };
        if bytes.is_empty() {
            return Err(unrecognised("is empty".into()));
        }
        if bytes.starts_with(ZIP_MAGIC) || bytes.starts_with(LEGACY_MAGIC) {
            return Pth::open(bytes).map(Self::Pth);
        }
        if bytes.get(8) == Some(&b'{') {
            if is_model_file(bytes) {
                return Err(unrecognised(
                    "is a model file already; a checkpoint is needed (.onnx, .pth, a VitsModel)".into(),
                ));
            }
            let tensors = SafeTensors::deserialize(bytes)
                .map_err(|e| unrecognised(format!("is cut short or no safetensors file ({e})")))?;
            return Ok(Self::Safetensors(tensors));
        }
        let graph = Graph::decode(bytes.clone())
            .map_err(|e| unrecognised(format!("is neither a PyTorch nor an ONNX checkpoint ({e})")))?;
        Ok(Self::Onnx(graph))
    }

    /// Which model the checkpoint is of. `path` is where it lies.
    ///
    /// # Errors
    /// It has what only training needs, or is damaged.
    pub(crate) fn upstream(&self, path: &Path) -> Result<Upstream, ConvertError> {
        let unrecognised =
            |reason: &str| ConvertError::NotRecognised { path: path.to_path_buf(), reason: reason.into() };
        if matches!(self, Self::Pth(pth) if pth.is_single_tensor()) {
            return Err(unrecognised(
                "is one bare tensor and no model, perhaps a voice; give the checkpoint (kokoro-v1_0.pth) as the input, and voices with --voices",
            ));
        }
        let names = self.names()?;
        let has = |component: &str| names.iter().any(|name| name.split(['.', '/']).any(|c| c == component));
        if has("enc_p") || has("enc_q") {
            return Ok(Upstream::Vits);
        }
        if names.iter().any(|n| n.starts_with("text_encoder.embed_tokens.") || n.starts_with("posterior_encoder.")) {
            return Ok(Upstream::HfVits);
        }
        if has("discriminators") {
            return Err(unrecognised(
                "is a discriminator (D_*.pth), which only training needs; give the generator (G_*.pth)",
            ));
        }
        Ok(Upstream::Kokoro)
    }

    /// Names of all tensors; of nodes too, as exporters rename tensors.
    fn names(&self) -> Result<Vec<String>, ConvertError> {
        Ok(match self {
            Self::Onnx(graph) => {
                let nodes = graph.nodes.iter().map(|n| n.name.as_str());
                nodes.chain(graph.float_values()).map(String::from).collect()
            }
            Self::Pth(pth) => pth.names()?,
            Self::Safetensors(file) => file.names().into_iter().map(String::from).collect(),
        })
    }
}

fn is_model_file(bytes: &[u8]) -> bool {
    let format =
        SafeTensors::read_metadata(bytes).ok().and_then(|(_, header)| header.metadata().clone()?.remove("format"));
    format.is_some_and(|f| f.split('/').next() == FORMAT.split('/').next())
}

/// Every float tensor of a safetensors file; integer tensors are left out.
pub(crate) fn read_safetensors(file: &SafeTensors<'_>) -> StateDict {
    let tensors = file.iter().filter_map(|(name, view)| {
        let float = match view.dtype() {
            Dtype::F16 => Float::F16,
            Dtype::BF16 => Float::Bf16,
            Dtype::F32 => Float::F32,
            Dtype::F64 => Float::F64,
            _ => return None,
        };
        Some((name.to_string(), Tensor { shape: view.shape().to_vec(), data: float.decode(view.data()) }))
    });
    tensors.collect()
}
