//! From named tensors, as a checkpoint has them, to exactly the tensors of a schema: the steps that all families share.

use crate::ConvertError;
use crate::schema::Schema;
use crate::tensor::Tensor;
use std::collections::BTreeMap;

/// Name → tensor.
pub(crate) type StateDict = BTreeMap<String, Tensor>;

/// The two names of a weight-normed parameter (magnitude, direction): of `torch.nn.utils.weight_norm` and of its
/// parametrization.
pub(crate) const WEIGHT_NORM: [(&str, &str); 2] =
    [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")];

/// Compares `tensors` with `schema`: its names and shapes, no more, no fewer, and every value finite.
pub(crate) fn check(schema: &Schema, tensors: &StateDict) -> Result<(), ConvertError> {
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
    Ok(())
}

/// Replaces every pair of magnitude `g` and direction `v` by `g · v / ‖v‖`, the norm taken over all axes but the first (also for
/// transposed convolutions: `weight_norm`'s default `dim=0`). Returns the number of rows whose direction was zero (0/0 in the original
/// formula; they become zero).
pub(crate) fn fold_weight_norm(tensors: &mut StateDict) -> Result<usize, ConvertError> {
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
