//! From named tensors, as a checkpoint has them, to exactly the tensors of the schema.

use crate::ConvertError;
use crate::schema::Schema;
use crate::state_dict::{StateDict, WEIGHT_NORM, check, fold_weight_norm};

/// Most components of a path that a known name may have; real ones have at most nine.
const MAX_COMPONENTS: usize = 16;

/// The schema's name for a parameter or module path that a checkpoint spells with other prefixes.
///
/// `components` is the path from the outside in; leading components are dropped until the rest, followed by `suffix`, is a
/// known name. The ONNX exports call the predictor's submodules from outside of it, so their paths lack `predictor`.
pub(crate) fn resolve(schema: &Schema, components: &[&str], suffix: &str) -> Option<String> {
    (components.len().saturating_sub(MAX_COMPONENTS)..components.len()).find_map(|start| {
        let path = components[start..].join(".") + suffix;
        let in_predictor = format!("predictor.{path}");
        [path, in_predictor].into_iter().find(|name| is_known(schema, name))
    })
}

/// Whether `name` is in the schema, becomes part of it by folding, or is known to be unused.
fn is_known(schema: &Schema, name: &str) -> bool {
    let folded = WEIGHT_NORM.iter().flat_map(|&(g, v)| [g, v]).find_map(|part| name.strip_suffix(part));
    let folds = folded.is_some_and(|module| schema.contains_key(&format!("{module}weight")));
    schema.contains_key(name) || folds || is_unused(name) || adain_affine(schema, name).is_some()
}

/// Parameters that upstream's forward pass never reads.
fn is_unused(name: &str) -> bool {
    name.starts_with("bert.pooler.") || name == "bert.embeddings.position_ids"
}

/// The value of every element of AdaIN's affine parameter `name`. Exporters need those parameters to exist, but they are never
/// trained: weight 1, bias 0.
fn adain_affine(schema: &Schema, name: &str) -> Option<f32> {
    let (module, parameter) = name.rsplit_once(".norm.")?;
    let value = [("weight", 1.0), ("bias", 0.0)].into_iter().find(|&(p, _)| p == parameter)?.1;
    schema.contains_key(&format!("{module}.fc.weight")).then_some(value)
}

/// Folds weight norm, drops what is unused and compares with the schema: the result has its names and shapes, no more, no fewer.
/// Each `Ok` comes with the number of weight rows whose direction was zero (0/0 in the original formula; they become zero).
pub(crate) fn finish(schema: &Schema, mut tensors: StateDict) -> Result<(StateDict, usize), ConvertError> {
    let zero_rows = fold_weight_norm(&mut tensors)?;
    let affine: Vec<(String, f32)> =
        tensors.keys().filter_map(|n| adain_affine(schema, n).map(|value| (n.clone(), value))).collect();
    for (name, value) in affine {
        let tensor = tensors.remove(&name).unwrap_or_default();
        if tensor.data.iter().any(|&v| v != value) {
            return Err(ConvertError::Extra { name, count: 1 });
        }
    }
    tensors.retain(|name, _| !is_unused(name));
    check(schema, &tensors)?;
    Ok((tensors, zero_rows))
}
