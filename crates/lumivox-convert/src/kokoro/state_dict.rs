//! From named tensors, as a checkpoint has them, to exactly the tensors of the schema.

use super::schema::Schema;
use crate::ConvertError;
use crate::tensor::Tensor;
use std::collections::BTreeMap;

/// Name → tensor.
pub(crate) type StateDict = BTreeMap<String, Tensor>;

/// The two names of a weight-normed parameter (magnitude, direction): of `torch.nn.utils.weight_norm` and of its
/// parametrization.
const WEIGHT_NORM: [(&str, &str); 2] =
    [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")];

/// The schema's name for a parameter or module path that a checkpoint spells with other prefixes.
///
/// `components` is the path from the outside in; leading components are dropped until the rest, followed by `suffix`, is a
/// known name. The ONNX exports call the predictor's submodules from outside of it, so their paths lack `predictor`.
pub(crate) fn resolve(schema: &Schema, components: &[&str], suffix: &str) -> Option<String> {
    (0..components.len()).find_map(|start| {
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
    let mut missing = schema.keys().filter(|n| !tensors.contains_key(*n));
    if let Some(name) = missing.next() {
        return Err(ConvertError::Missing { name: name.clone(), count: 1 + missing.count() });
    }
    let mut extra = tensors.keys().filter(|n| !schema.contains_key(*n));
    if let Some(name) = extra.next() {
        return Err(ConvertError::Extra { name: name.clone(), count: 1 + extra.count() });
    }
    for ((name, tensor), expected) in tensors.iter().zip(schema.values()) {
        if &tensor.shape != expected {
            let (expected, found) = (expected.clone(), tensor.shape.clone());
            return Err(ConvertError::Shape { name: name.clone(), expected, found });
        }
        if tensor.data.iter().any(|v| !v.is_finite()) {
            return Err(ConvertError::NotFinite { name: name.clone() });
        }
    }
    Ok((tensors, zero_rows))
}

/// Replaces every pair of magnitude `g` and direction `v` by `g · v / ‖v‖`, the norm taken over all axes but the first (also for
/// transposed convolutions: `weight_norm`'s default `dim=0`).
fn fold_weight_norm(tensors: &mut StateDict) -> Result<usize, ConvertError> {
    let mut zero_rows = 0;
    for (g_name, v_name) in WEIGHT_NORM {
        let modules: Vec<String> = tensors.keys().filter_map(|n| n.strip_suffix(v_name).map(String::from)).collect();
        for module in modules {
            let key = |part: &str| format!("{module}{part}");
            let missing = || ConvertError::Missing { name: key(g_name), count: 1 };
            let g = tensors.remove(&key(g_name)).ok_or_else(missing)?;
            let Some(mut v) = tensors.remove(&key(v_name)) else { continue };
            let rows = v.shape.first().copied().unwrap_or(0);
            if rows == 0 || g.data.len() != rows || v.data.len() % rows != 0 {
                let expected = vec![rows, 1, 1];
                return Err(ConvertError::Shape { name: key(g_name), expected, found: g.shape });
            }
            let row_len = (v.data.len() / rows).max(1);
            for (row, &magnitude) in v.data.chunks_mut(row_len).zip(&g.data) {
                let norm = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
                zero_rows += usize::from(norm == 0.0);
                let scale = if norm == 0.0 { 0.0 } else { f64::from(magnitude) / norm };
                row.iter_mut().for_each(|x| *x = (f64::from(*x) * scale) as f32);
            }
            if tensors.insert(key("weight"), v).is_some() {
                return Err(ConvertError::Conflict { name: key("weight") });
            }
        }
    }
    Ok(zero_rows)
}
