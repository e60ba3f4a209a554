//! Voice packs: `.pt` of the hub, raw `.bin` of kokoro.js, and the `voices-v1.0.bin` / `.npz` archives of kokoro-onnx.

use super::config::Config;
use crate::ConvertError;
use crate::convert::read_file;
use crate::pth::{Pth, ZIP_MAGIC};
use crate::tensor::{Float, Tensor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// File names that are taken from a folder.
const EXTENSIONS: [&str; 3] = ["pt", "bin", "npz"];

/// Most voices of one model; v1.0 has 54.
const MAX_VOICES: usize = 1000;

/// Most bytes of all voices in f32.
const MAX_VOICES_BYTES: usize = 1 << 30;

/// Reads every voice of `paths`: files, or folders of files. Voice name → `[510, 256]`.
///
/// # Errors
/// A file is damaged or has another shape, a folder has no voices, two files have the same voice, or there are too many of them.
pub(crate) fn read(paths: &[PathBuf], config: &Config) -> Result<BTreeMap<String, Tensor>, ConvertError> {
    let mut voices = BTreeMap::new();
    for path in paths {
        for file in files(path)? {
            let error = |reason: String| ConvertError::Voice { path: file.clone(), reason };
            for (name, tensor) in read_voices(&file, config)? {
                if !is_name(&name) {
                    return Err(error(format!("the name {name:?} is not made of letters, digits, `_` and `-`")));
                }
                let shape = config.voice_shape();
                let tensor =
                    with_shape(tensor, shape).map_err(|found| error(format!("has shape {found:?}, not {shape:?}")))?;
                if tensor.data.iter().any(|v| !v.is_finite()) {
                    return Err(error("has values that are NaN or infinite".into()));
                }
                if voices.insert(name.clone(), tensor).is_some() {
                    return Err(error(format!("the voice `{name}` was given already")));
                }
                check_count(voices.len(), config).map_err(error)?;
            }
        }
    }
    Ok(voices)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, ConvertError> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let entries = path.read_dir().and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(ConvertError::io(path))?;
    let mut files: Vec<_> = entries.into_iter().map(|e| e.path()).filter(|p| has_extension(p)).collect();
    files.sort();
    if files.is_empty() {
        let reason = "the folder has no .pt, .bin or .npz files".into();
        return Err(ConvertError::Voice { path: path.to_path_buf(), reason });
    }
    Ok(files)
}

fn has_extension(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|e| EXTENSIONS.contains(&e)) && path.is_file()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Refuses more voices than any model has.
fn check_count(count: usize, config: &Config) -> Result<(), String> {
    let [rows, columns] = config.voice_shape();
    let bytes = count.saturating_mul(rows).saturating_mul(columns).saturating_mul(Float::F32.size());
    if count <= MAX_VOICES && bytes <= MAX_VOICES_BYTES {
        return Ok(());
    }
    Err(format!("there are {count} voices of shape [{rows}, {columns}], more than any model has"))
}

fn read_voices(path: &Path, config: &Config) -> Result<Vec<(String, Tensor)>, ConvertError> {
    let bytes = read_file(path)?;
    let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default().to_string();
    let error = |reason: String| ConvertError::Voice { path: path.to_path_buf(), reason };
    if !bytes.starts_with(ZIP_MAGIC) {
        let [rows, columns] = config.voice_shape();
        if bytes.len() != rows * columns * Float::F32.size() {
            return Err(error(format!(
                "has {} bytes, where [{rows}, {columns}] in f32 has {}",
                bytes.len(),
                4 * rows * columns
            )));
        }
        return Ok(vec![(stem, Tensor { shape: vec![rows, columns], data: Float::F32.decode(&bytes) })]);
    }
    if let Some(voices) = read_npz(&bytes, config).map_err(error)? {
        return Ok(voices);
    }
    let single = Pth::open(&bytes).and_then(|mut pth| pth.single_tensor().transpose());
    match single.map_err(|e| error(e.to_string()))? {
        Some(tensor) => Ok(vec![(stem, tensor)]),
        None => Err(error("holds no single tensor".into())),
    }
}

/// Every `NAME.npy` of the archive, or `None` when it has none.
fn read_npz(bytes: &[u8], config: &Config) -> Result<Option<Vec<(String, Tensor)>>, String> {
    let damaged = |e: &dyn std::fmt::Display| format!("is damaged: {e}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(&e))?;
    let names: Vec<String> =
        archive.file_names().flatten().filter(|n| n.ends_with(".npy")).map(Cow::into_owned).collect();
    check_count(names.len(), config)?;
    let elements = config.voice_shape().iter().product::<usize>();
    // Header and f64 data of one voice.
    let limit = elements as u64 * 8 + 65_536;
    let mut voices = Vec::new();
    for entry_name in &names {
        let mut npy = Vec::new();
        let entry = archive.by_name(entry_name).map_err(|e| damaged(&e))?;
        if entry.size() > limit {
            return Err(format!("has an entry `{entry_name}` of {} bytes, more than a voice has", entry.size()));
        }
        // The size is only a claim; the limit holds while inflating too.
        entry.take(limit).read_to_end(&mut npy).map_err(|e| damaged(&e))?;
        let tensor = read_npy(&npy)
            .filter(|tensor| tensor.data.len() == elements)
            .ok_or_else(|| format!("`{entry_name}` is no C-ordered little-endian float array of a voice's size"))?;
        voices.push((entry_name.trim_end_matches(".npy").to_string(), tensor));
    }
    Ok((!voices.is_empty()).then_some(voices))
}

/// Reads NumPy's `.npy` format, versions 1 to 3 (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).
fn read_npy(bytes: &[u8]) -> Option<Tensor> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (header_len, rest) = match rest.split_first_chunk()? {
        ([1, _, a, b], rest) => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        ([2 | 3, _, a, b], rest) => {
            let ([c, d], rest) = rest.split_first_chunk()?;
            (usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?, rest)
        }
        _ => return None,
    };
    let (header, data) = rest.split_at_checked(header_len)?;
    let header = std::str::from_utf8(header).ok()?.replace(' ', "");
    let float = [("'<f4'", Float::F32), ("'<f2'", Float::F16), ("'<f8'", Float::F64)]
        .into_iter()
        .find(|(descr, _)| header.contains(&format!("'descr':{descr}")))?
        .1;
    if header.contains("'fortran_order':True") {
        return None;
    }
    let shape = header.split_once("'shape':(")?.1.split_once(')')?.0;
    let shape: Vec<usize> =
        shape.split(',').filter(|s| !s.is_empty()).map(|s| s.parse().ok()).collect::<Option<_>>()?;
    let bytes_needed = crate::tensor::element_count(&shape)?.checked_mul(float.size())?;
    (data.len() == bytes_needed).then(|| Tensor { shape, data: float.decode(data) })
}

/// Drops axes of length 1 (voices are `[510, 1, 256]` everywhere upstream); the shape found when `shape` is still not met.
fn with_shape(tensor: Tensor, shape: [usize; 2]) -> Result<Tensor, Vec<usize>> {
    let squeezed = tensor.shape.iter().filter(|&&n| n != 1);
    if squeezed.eq(shape.iter().filter(|&&n| n != 1)) {
        return Ok(Tensor { shape: shape.to_vec(), data: tensor.data });
    }
    Err(tensor.shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_limited_in_number_and_in_bytes() {
        let mut config = Config::parse(Config::embedded_json()).unwrap();
        assert!(check_count(1000, &config).is_ok());
        assert!(check_count(1001, &config).is_err());
        config.plbert.max_position_embeddings = 65_536; // 67 MB a voice
        assert!(check_count(16, &config).is_ok());
        assert!(check_count(17, &config).is_err());
        config.style_dim = usize::MAX / 2;
        assert!(check_count(1, &config).is_err());
    }

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn npy_headers_are_read() {
        let data = [1.5f32, -2.0].map(f32::to_le_bytes).concat();
        let read = |header: &str| read_npy(&npy(header, &data));
        assert_eq!(read("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 1), }\n").unwrap().shape, [2, 1, 1]);
        assert_eq!(read("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n").unwrap().data, [1.5, -2.0]);
        assert!(read("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }\n").is_none());
        assert!(read("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n").is_none());
        assert!(read("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n").is_none());
        assert!(read("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }\n").is_none());
    }
}
