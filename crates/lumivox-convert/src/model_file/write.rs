//! Writing a model file.

use super::quantize::{Quantized, quantize, scale_name};
use super::{ALIGNMENT, Dtype, FORMAT, Metadata};
use crate::ConvertError;
use crate::tensor::Tensor;
use crate::whole::temporary_beside;
use half::f16;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

/// Type of the tensors that stay floats in a file of 8-bit weights.
const REST: Dtype = Dtype::F16;

/// Writes `tensors`. The file is written under a temporary name beside `path`, synced and renamed, so
/// that no half-written file ever has the name `path`.
///
/// # Errors
/// The file cannot be written, or a value does not fit `dtype`.
pub(crate) fn write(
    path: &Path,
    metadata: &Metadata,
    tensors: &BTreeMap<String, Tensor>,
    dtype: Dtype,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), ConvertError> {
    let stored = stored(tensors, dtype)?;
    let total = stored.iter().map(|tensor| tensor.len_bytes() as u64).sum();
    let mut hasher = blake3::Hasher::new();
    let mut done = 0;
    for tensor in &stored {
        let bytes = tensor.encode().ok_or_else(|| ConvertError::NotFinite { name: tensor.name.clone() })?;
        hasher.update_rayon(&bytes);
        done += bytes.len() as u64;
        progress(done / 2, total);
    }
    let header = header(metadata, &stored, &hasher.finalize().to_hex());
    let mut write_all = || -> io::Result<()> {
        let mut file = temporary_beside(path)?;
        file.write_all(&header)?;
        let mut done = 0;
        for tensor in &stored {
            let bytes = tensor.encode().unwrap_or_default();
            file.write_all(&bytes)?;
            done += bytes.len() as u64;
            progress((total + done) / 2, total);
        }
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|e| e.error)
    };
    write_all().map_err(ConvertError::io(path))
}

/// A tensor as the file has it.
struct Stored<'a> {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    data: Data<'a>,
}

enum Data<'a> {
    Floats(Cow<'a, [f32]>),
    Quanta(Vec<i8>),
}

/// The tensors in the order of the file's data: larger elements first, then by name.
///
/// # Errors
/// A value is not finite, which no quantum could show.
fn stored(tensors: &BTreeMap<String, Tensor>, dtype: Dtype) -> Result<Vec<Stored<'_>>, ConvertError> {
    let mut stored = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let quantized = if dtype == Dtype::I8 { quantize(name, tensor) } else { None };
        let Some(Quantized { shape, quanta, scale }) = quantized else {
            let dtype = if dtype == Dtype::I8 { REST } else { dtype };
            let data = Data::Floats(Cow::Borrowed(&tensor.data));
            stored.push(Stored { name: name.clone(), shape: tensor.shape.clone(), dtype, data });
            continue;
        };
        if tensor.data.iter().any(|value| !value.is_finite()) {
            return Err(ConvertError::NotFinite { name: name.clone() });
        }
        let scales = Data::Floats(Cow::Owned(scale.data));
        stored.push(Stored { name: name.clone(), shape, dtype: Dtype::I8, data: Data::Quanta(quanta) });
        stored.push(Stored { name: scale_name(name), shape: scale.shape, dtype: Dtype::F32, data: scales });
    }
    stored.sort_by(|a, b| (b.dtype.size(), &a.name).cmp(&(a.dtype.size(), &b.name)));
    Ok(stored)
}

impl Stored<'_> {
    fn len_bytes(&self) -> usize {
        let len = match &self.data {
            Data::Floats(values) => values.len(),
            Data::Quanta(quanta) => quanta.len(),
        };
        len * self.dtype.size()
    }

    /// The tensor's little-endian bytes, or `None` when a value is not finite in its type.
    fn encode(&self) -> Option<Vec<u8>> {
        match &self.data {
            Data::Floats(values) => encode(values, self.dtype),
            Data::Quanta(quanta) => Some(quanta.iter().map(|&quantum| quantum as u8).collect()),
        }
    }
}

/// The little-endian bytes of `values` as floats of type `dtype`, or `None` when a value is not finite in it.
fn encode(values: &[f32], dtype: Dtype) -> Option<Vec<u8>> {
    let mut bytes = vec![0; values.len() * dtype.size()];
    let all_finite = match dtype {
        Dtype::F16 => bytes.par_chunks_mut(2 << 14).zip(values.par_chunks(1 << 14)).all(|(out, values)| {
            out.as_chunks_mut::<2>().0.iter_mut().zip(values).for_each(|(o, &v)| *o = f16::from_f32(v).to_le_bytes());
            values.iter().all(|&v| f16::from_f32(v).is_finite())
        }),
        _ => bytes.par_chunks_mut(4 << 14).zip(values.par_chunks(1 << 14)).all(|(out, values)| {
            out.as_chunks_mut::<4>().0.iter_mut().zip(values).for_each(|(o, v)| *o = v.to_le_bytes());
            values.iter().all(|v| v.is_finite())
        }),
    };
    all_finite.then_some(bytes)
}

/// Length field and header, padded so that the data section is aligned. Maps of `BTreeMap` order make it deterministic.
fn header(metadata: &Metadata, stored: &[Stored<'_>], blake3: &str) -> Vec<u8> {
    let fields = BTreeMap::from([
        ("format", FORMAT.to_string()),
        ("family", metadata.family.as_str().to_string()),
        ("config", metadata.config.clone()),
        ("source", json!(metadata.source).to_string()),
        ("license", metadata.license.clone()),
        ("languages", metadata.languages.join(",")),
        ("sample_rate", metadata.sample_rate_hz.to_string()),
        ("blake3", blake3.to_string()),
    ]);
    let mut entries = BTreeMap::<&str, Value>::from([("__metadata__", json!(fields))]);
    let mut offset = 0;
    for Stored { name, shape, dtype, .. } in stored {
        let end = offset + shape.iter().product::<usize>() * dtype.size();
        entries.insert(name, json!({ "dtype": dtype.as_str(), "shape": shape, "data_offsets": [offset, end] }));
        offset = end;
    }
    let mut json = json!(entries).to_string().into_bytes();
    json.resize((8 + json.len()).next_multiple_of(ALIGNMENT) - 8, b' ');
    [&(json.len() as u64).to_le_bytes()[..], &json].concat()
}
