//! Reading what `torch.save` writes: a zip archive with one pickle and one entry of raw bytes for each storage.

mod pickle;

use crate::ConvertError;
use crate::tensor::{Tensor, element_count};
use pickle::{MAX_NAME_BYTES, Node, Pickle, Storage, TensorRef, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Largest `data.pkl` that is read; Kokoro's is 69 kB. Decoded, a byte can become a value of some 100 bytes.
const MAX_PICKLE_BYTES: usize = 4 << 20;

/// Most tensors and dictionaries that have a name; Kokoro's checkpoint has 700.
const MAX_NAMED: usize = 100_000;

/// How many times over the bytes of the file may be shared by tensors, on average.
const MAX_SHARING: usize = 4;

/// First bytes of a zip archive.
pub(crate) const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// First bytes of the format before PyTorch 1.6: a pickled magic number.
pub(crate) const LEGACY_MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// A file by `torch.save`, its pickle decoded.
pub(crate) struct Pth<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Length of the whole file.
    len_bytes: usize,
    /// Folder inside the archive that everything lies in, with its slash.
    prefix: String,
    pickle: Pickle,
}

impl<'a> Pth<'a> {
    /// Opens an archive.
    ///
    /// # Errors
    /// The bytes are no intact archive by `torch.save`, were saved on a big-endian machine, or their pickle holds anything other
    /// than tensors in dictionaries.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, ConvertError> {
        if bytes.starts_with(LEGACY_MAGIC) {
            return Err(error("is in the format from before PyTorch 1.6; torch.load it and torch.save it again"));
        }
        let mut archive =
            ZipArchive::new(Cursor::new(bytes)).map_err(|e| error(format!("is cut short or no zip archive: {e}")))?;
        let pickle_name = archive.file_names().flatten().find(|n| n.ends_with("/data.pkl")).map(Cow::into_owned);
        let Some(pickle_name) = pickle_name else {
            return Err(error("is a zip archive without data.pkl, so not one by torch.save"));
        };
        let prefix = pickle_name[..pickle_name.len() - "data.pkl".len()].to_string();
        if archive.index_for_name(&format!("{prefix}constants.pkl")).is_some() {
            return Err(error("is a TorchScript program; the plain checkpoint is needed"));
        }
        if archive.index_for_name(&format!("{prefix}byteorder")).is_some()
            && read_entry(&mut archive, &format!("{prefix}byteorder"), 16)? != b"little"
        {
            return Err(error("was saved on a big-endian machine"));
        }
        let pickle = Pickle::decode(&read_entry(&mut archive, &pickle_name, MAX_PICKLE_BYTES)?)?;
        Ok(Self { archive, len_bytes: bytes.len(), prefix, pickle })
    }

    /// Whether the file is one tensor and no dictionary.
    pub(crate) fn is_single_tensor(&self) -> bool {
        self.single().is_some()
    }

    fn single(&self) -> Option<&TensorRef> {
        let Value::Node(root) = self.pickle.root else { return None };
        let Node::Tensor(tensor) = &self.pickle.nodes[root] else { return None };
        Some(tensor)
    }

    /// The tensor, when the file is one tensor and no dictionary.
    pub(crate) fn single_tensor(&mut self) -> Option<Result<Tensor, ConvertError>> {
        let tensor = self.single()?.clone();
        Some(self.read_storage(&tensor.storage).and_then(|bytes| gather(&tensor, &bytes)))
    }

    /// Names of all tensors, as [`Self::tensors`] gives them.
    pub(crate) fn names(&self) -> Result<Vec<String>, ConvertError> {
        Ok(self.tensor_refs()?.into_iter().map(|(name, _)| name).collect())
    }

    /// Every float tensor under the names of the dictionaries on the way to it, outermost first, joined by points. Integer
    /// tensors (position ids, counters) are left out. Of a training checkpoint, which keeps its state dict as `model` beside the
    /// optimizer's, only the state dict is read.
    pub(crate) fn tensors(&mut self) -> Result<BTreeMap<String, Tensor>, ConvertError> {
        // By storage, so that a storage that many tensors are views of is read once and no two are in memory together.
        let mut by_storage: BTreeMap<String, Vec<(String, TensorRef)>> = BTreeMap::new();
        let mut viewed_bytes = 0usize;
        for (name, tensor) in self.tensor_refs()? {
            if let Some(float) = tensor.storage.float {
                let size = element_count(&tensor.shape).and_then(|n| n.checked_mul(float.size()));
                viewed_bytes = viewed_bytes.saturating_add(size.unwrap_or(usize::MAX));
                by_storage.entry(tensor.storage.key.to_string()).or_default().push((name, tensor));
            }
        }
        // Held against the length of the file, the one size that the file cannot lie about.
        if viewed_bytes / MAX_SHARING > self.len_bytes {
            return Err(error("has many tensors that are views of the same data, as no checkpoint does"));
        }
        let mut tensors = BTreeMap::new();
        let mut read_bytes = 0;
        for views in by_storage.into_values() {
            let bytes = self.read_storage(&views[0].1.storage)?;
            read_bytes += bytes.len();
            if read_bytes > self.len_bytes {
                return Err(error("has storages that overlap"));
            }
            for (name, view) in views {
                let tensor = gather(&view, &bytes)?;
                if tensors.insert(name.clone(), tensor).is_some() {
                    return Err(ConvertError::Conflict { name });
                }
            }
        }
        Ok(tensors)
    }

    fn tensor_refs(&self) -> Result<Vec<(String, TensorRef)>, ConvertError> {
        let mut found = Vec::new();
        // Each node is entered once: a hostile dictionary may contain itself.
        let mut entered = vec![false; self.pickle.nodes.len()];
        let mut named = 0;
        let mut pending = vec![(String::new(), self.state_dict())];
        while let Some((path, value)) = pending.pop() {
            let &Value::Node(index) = value else { continue };
            match &self.pickle.nodes[index] {
                Node::Tensor(tensor) => found.push((path, tensor.clone())),
                Node::Dict(items) if !std::mem::replace(&mut entered[index], true) => {
                    for (key, value) in items {
                        let Value::Str(key) = key else {
                            return Err(error("has a dictionary whose keys are not names"));
                        };
                        if !self.is_tensor_or_dict(value) {
                            continue;
                        }
                        named += 1;
                        if named > MAX_NAMED || path.len() + key.len() > MAX_NAME_BYTES {
                            return Err(error(format!(
                                "has more than {MAX_NAMED} tensors, or one whose name is longer than {MAX_NAME_BYTES} bytes"
                            )));
                        }
                        let name = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                        pending.push((name, value));
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn is_tensor_or_dict(&self, value: &Value) -> bool {
        matches!(value, &Value::Node(index) if matches!(self.pickle.nodes[index], Node::Tensor(_) | Node::Dict(_)))
    }

    fn state_dict(&self) -> &Value {
        let dict = |value: &Value| match value {
            Value::Node(index) => match &self.pickle.nodes[*index] {
                Node::Dict(items) => Some(items),
                _ => None,
            },
            _ => None,
        };
        let is_model = |key: &Value| matches!(key, Value::Str(key) if &**key == "model");
        let model = dict(&self.pickle.root).and_then(|items| items.iter().find(|(key, _)| is_model(key)));
        model.map(|(_, value)| value).filter(|value| dict(value).is_some()).unwrap_or(&self.pickle.root)
    }

    fn read_storage(&mut self, storage: &Storage) -> Result<Vec<u8>, ConvertError> {
        let expected = storage.float.and_then(|f| f.size().checked_mul(storage.elements));
        let Some(expected) = expected else {
            return Err(error(format!("has a storage `{}` that is no float data", storage.key)));
        };
        let bytes = read_entry(&mut self.archive, &format!("{}data/{}", self.prefix, storage.key), expected)?;
        if bytes.len() == expected {
            return Ok(bytes);
        }
        Err(error(format!("has {} bytes in storage `{}`, where its pickle says {expected}", bytes.len(), storage.key)))
    }
}

/// Reads an entry of at most `limit` bytes. The archive's checksum is verified; entries are not compressed, so that no more memory
/// is needed than the file has bytes.
fn read_entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, limit: usize) -> Result<Vec<u8>, ConvertError> {
    let damaged = |e: &dyn std::fmt::Display| error(format!("has a damaged entry `{name}`: {e}"));
    let entry = archive.by_name(name).map_err(|e| damaged(&e))?;
    if entry.compression() != zip::CompressionMethod::Stored {
        return Err(damaged(&"it is compressed, which torch.save never does"));
    }
    if entry.size() > limit as u64 {
        return Err(damaged(&format!("{} bytes, where {limit} are expected", entry.size())));
    }
    let mut bytes = Vec::new();
    entry.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|e| damaged(&e))?;
    Ok(bytes)
}

/// Copies a strided view out of its storage.
fn gather(view: &TensorRef, storage: &[u8]) -> Result<Tensor, ConvertError> {
    let outside = || error(format!("has a tensor of shape {:?} that reaches outside of its storage", view.shape));
    let (Some(float), Some(count)) = (view.storage.float, element_count(&view.shape)) else { return Err(outside()) };
    let size = float.size();
    // The pickle may claim different sizes for one storage; what was read of it counts.
    let stored = storage.len() / size;
    let axes = || view.shape.iter().zip(&view.strides);
    let last =
        axes().try_fold(view.offset, |at, (&n, &stride)| at.checked_add(n.saturating_sub(1).checked_mul(stride)?));
    // A stride of 0 repeats elements, which no weight does and which would let a small file ask for any amount of memory.
    let repeats = axes().any(|(&n, &stride)| n > 1 && stride == 0) || count > stored;
    if view.shape.len() != view.strides.len() || repeats || (count > 0 && last.is_none_or(|l| l >= stored)) {
        return Err(outside());
    }
    if count == 0 {
        return Ok(Tensor { shape: view.shape.clone(), data: Vec::new() });
    }
    let shape = view.shape.clone();
    if is_contiguous(view) {
        let bytes = storage.get(view.offset * size..(view.offset + count) * size).ok_or_else(outside)?;
        return Ok(Tensor { shape, data: float.decode(bytes) });
    }
    let mut index = vec![0; view.shape.len()];
    let mut bytes = Vec::with_capacity(count * size);
    for _ in 0..count {
        let at = index.iter().zip(&view.strides).fold(view.offset, |at, (i, stride)| at + i * stride);
        bytes.extend_from_slice(storage.get(at * size..(at + 1) * size).ok_or_else(outside)?);
        for (i, &n) in index.iter_mut().zip(&view.shape).rev() {
            *i += 1;
            if *i < n {
                break;
            }
            *i = 0;
        }
    }
    Ok(Tensor { shape, data: float.decode(&bytes) })
}

fn is_contiguous(view: &TensorRef) -> bool {
    let mut expected = 1;
    view.shape.iter().zip(&view.strides).rev().all(|(&n, &stride)| {
        let fits = n == 1 || stride == expected;
        expected *= n;
        fits
    })
}

fn error(reason: impl Into<String>) -> ConvertError {
    ConvertError::Pth(reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Float;

    fn view(offset: usize, shape: &[usize], strides: &[usize]) -> TensorRef {
        let storage = Storage { float: Some(Float::F32), key: "0".into(), elements: 6 };
        TensorRef { storage, offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    fn storage() -> Vec<u8> {
        (0..6).flat_map(|v| (v as f32).to_le_bytes()).collect()
    }

    #[test]
    fn strided_views_are_gathered() {
        assert_eq!(gather(&view(0, &[2, 3], &[3, 1]), &storage()).unwrap().data, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(gather(&view(0, &[3, 2], &[1, 3]), &storage()).unwrap().data, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(gather(&view(1, &[2], &[3]), &storage()).unwrap().data, [1.0, 4.0]);
        assert_eq!(gather(&view(4, &[], &[]), &storage()).unwrap().data, [4.0]);
    }

    /// `tools/reference/torch_fixtures.py` wrote the files.
    #[test]
    fn files_by_torch_save_are_read() {
        let mut pth = Pth::open(include_bytes!("../../tests/data/nested.pth")).unwrap();
        let tensors = pth.tensors().unwrap();
        let ramp: Vec<f32> = (0..12).map(|v| v as f32).collect();
        for name in ["f32", "f64", "f16", "bf16"] {
            let tensor = &tensors[&format!("plain.module.{name}")];
            assert_eq!((&*tensor.shape, &tensor.data), (&[3, 4][..], &ramp), "{name}");
        }
        assert_eq!(tensors["views.transposed"].shape, [4, 3]);
        assert_eq!(tensors["views.transposed"].data[..4], [0.0, 4.0, 8.0, 1.0]);
        assert_eq!(tensors["views.row"].data, [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(tensors["views.column"].data, [2.0, 6.0, 10.0]);
        assert_eq!((&*tensors["views.scalar"].shape, &*tensors["views.scalar"].data), (&[][..], &[11.0][..]));
        assert_eq!(tensors["state.weight"].data, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(tensors["parameter"].data, [-1.0, 0.0, 1.0]);
        assert_eq!(tensors.len(), 11);

        let mut voice = Pth::open(include_bytes!("../../tests/data/tensor.pt")).unwrap();
        assert_eq!(voice.single_tensor().unwrap().unwrap(), Tensor { shape: vec![3, 1, 4], data: ramp });
        assert!(pth.single_tensor().is_none());
    }

    #[test]
    fn other_files_by_torch_save_are_refused_with_a_reason() {
        let reason = |bytes| Pth::open(bytes).err().unwrap().to_string();
        assert!(reason(include_bytes!("../../tests/data/legacy.pth")).contains("before PyTorch 1.6"));
        assert!(reason(include_bytes!("../../tests/data/code.pth")).contains("`torch.optim.sgd.SGD`"));
    }

    #[test]
    fn views_outside_of_their_storage_are_refused() {
        let max = usize::MAX;
        for bad in [
            view(6, &[1], &[1]),
            view(0, &[2, 4], &[4, 1]),
            view(0, &[1 << 40], &[0]),
            view(max, &[2], &[1]),
            view(0, &[max, max], &[1, 1]),
            view(0, &[2], &[max]),
            view(0, &[2, 2], &[1]),
        ] {
            assert!(gather(&bad, &storage()).is_err(), "{bad:?}");
        }
        // The storage was read by a smaller claim of another tensor.
        assert!(gather(&view(0, &[6], &[1]), &storage()[..20]).is_err());
        assert!(gather(&view(0, &[3, 2], &[1, 3]), &storage()[..20]).is_err());
    }
}
