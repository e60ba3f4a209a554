//! A model file as a source of candle tensors, for those who run a graph of `lumivox-models` themselves.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Shape, Tensor, bail};
use candle_nn::Init;
use candle_nn::var_builder::{SimpleBackend, VarBuilder};
use lumivox_convert::ModelFile;

/// Parameters of `file` by name, in `f32`. Each is copied out of the file when a layer asks for it, so that what a layer packs for itself is the only
/// copy that stays.
pub fn var_builder(file: Arc<ModelFile>, device: &Device) -> VarBuilder<'static> {
    VarBuilder::from_backend(Box::new(Parameters(file)), DType::F32, device.clone())
}

/// One tensor of `file` in `f32`.
///
/// # Errors
/// If there is none of the name.
pub fn tensor(file: &ModelFile, name: &str, device: &Device) -> Result<Tensor> {
    let (Some(view), Some(values)) = (file.tensor(name), file.values(name)) else {
        bail!("the tensor `{name}` is missing")
    };
    Tensor::from_vec(values, view.shape(), device)
}

struct Parameters(Arc<ModelFile>);

impl SimpleBackend for Parameters {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() != &shape {
            bail!("the tensor `{name}` has shape {:?}, the graph asks for {shape:?}", tensor.shape());
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        tensor(&self.0, name, device)?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.tensor(name).is_some()
    }
}
