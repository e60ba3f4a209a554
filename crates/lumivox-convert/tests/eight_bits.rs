//! Model files with weights of 8 bits: what is rounded, how far, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod support;

use lumivox_convert::{ConvertError, Dtype, ModelFile, Options, convert};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use support::{CONFIG, Weights, pth, voice_bytes, weights};
use tempfile::TempDir;

/// A weight, and a transposed convolution's.
const CONV: &str = "decoder.decode.0.conv1.weight";
const UPS: &str = "decoder.generator.ups.0.weight";

fn model(weights: &Weights) -> (TempDir, Result<PathBuf, ConvertError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("config.json"), CONFIG).unwrap();
    fs::create_dir(path("voices")).unwrap();
    fs::write(path("voices/af_test.bin"), voice_bytes(1)).unwrap();
    fs::write(path("kokoro.pth"), pth::checkpoint(weights)).unwrap();
    let options = Options { dtype: Dtype::I8, ..Default::default() };
    let output = path("model.safetensors");
    let report = convert(&path("kokoro.pth"), &output, &options, &mut |_| {});
    (folder, report.map(|_| output))
}

/// Writes the file anew with header and data changed and the hash made to fit.
fn rewrite(path: &Path, change: impl FnOnce(&mut Value, &mut Vec<u8>)) {
    let bytes = fs::read(path).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
    let mut data = bytes[8 + len..].to_vec();
    change(&mut header, &mut data);
    header["__metadata__"]["blake3"] = blake3::hash(&data).to_hex().to_string().into();
    let json = header.to_string().into_bytes();
    fs::write(path, [&(json.len() as u64).to_le_bytes()[..], &json, &data].concat()).unwrap();
}

#[test]
fn weights_are_rounded_by_output_channel_and_the_rest_to_16_bits() {
    let held = weights(1);
    let (_folder, path) = model(&held);
    let file = ModelFile::open(path.unwrap()).unwrap();
    assert_eq!((file.dtype(), file.parameters()), (Dtype::I8, held.values().map(|(_, d)| d.len()).sum::<usize>()));
    assert_eq!(file.tensors().count(), held.len() + 1, "scales are no tensors of the model");
    let mut rounded = 0;
    for (name, (shape, expected)) in &held {
        let (stored, values) = (file.tensor(name).unwrap(), file.values(name).unwrap());
        assert_eq!((stored.shape(), values.len()), (&**shape, expected.len()), "{name}");
        let is_rounded = stored.dtype() == safetensors::Dtype::I8;
        rounded += usize::from(is_rounded);
        let largest = expected.iter().fold(0f32, |largest, v| largest.max(v.abs()));
        let bound = if is_rounded { largest / 127.0 * 0.501 } else { largest / 2048.0 };
        let worst = values.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= bound, "{name} differs by {worst}");
    }
    assert!(rounded > 10, "{rounded}");
    assert_eq!(file.tensor(CONV).unwrap().dtype(), safetensors::Dtype::I8);
    assert_eq!(file.tensor("bert.embeddings.word_embeddings.weight").unwrap().dtype(), safetensors::Dtype::F16);
    assert_eq!(file.voice("af_test").unwrap().dtype(), safetensors::Dtype::F16);
}

#[test]
fn channels_keep_their_own_scales() {
    // One channel a thousand times as loud as the others must not make them coarse.
    let mut held = weights(2);
    let loud = |name: &str, held: &mut Weights, channel: &dyn Fn(usize) -> usize| {
        let data = &mut held.get_mut(name).unwrap().1;
        data.iter_mut().enumerate().for_each(|(i, v)| *v *= if channel(i) == 1 { 1024.0 } else { 1.0 });
    };
    loud(CONV, &mut held, &|i| i / (70 * 3));
    loud(UPS, &mut held, &|i| i / 4 % 2);
    let (_folder, path) = model(&held);
    let path = path.unwrap();
    let file = ModelFile::open(&path).unwrap();
    for (name, scale_shape, channel) in
        [(CONV, [4, 1, 1], (|i| i / (70 * 3)) as fn(usize) -> usize), (UPS, [1, 2, 1], |i| i / 4 % 2)]
    {
        let expected = &held[name].1;
        for (i, (a, b)) in file.values(name).unwrap().iter().zip(expected).enumerate() {
            let of_channel = expected.iter().enumerate().filter(|(j, _)| channel(*j) == channel(i));
            let largest = of_channel.fold(0f32, |largest, (_, v)| largest.max(v.abs()));
            assert!((a - b).abs() <= largest / 127.0 * 0.501, "{name}: {b} became {a}");
        }
        let bytes = fs::read(&path).unwrap();
        let all = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(all.tensor(&format!("{name}.scale")).unwrap().shape(), scale_shape);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_and_every_element_is_aligned() {
    let (_first, first) = model(&weights(3));
    let (_second, second) = model(&weights(3));
    let path = first.unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(second.unwrap()).unwrap());
    rewrite(&path, |h, _| {
        for (name, entry) in h.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__") {
            let size = match entry["dtype"].as_str().unwrap() {
                "F32" => 4,
                "F16" => 2,
                _ => 1,
            };
            assert_eq!(entry["data_offsets"][0].as_u64().unwrap() % size, 0, "{name}");
        }
    });
}

#[test]
fn the_bytes_of_a_program_are_checked_like_a_file() {
    let (_folder, path) = model(&weights(4));
    let path = path.unwrap();
    let bytes: &'static [u8] = fs::read(&path).unwrap().leak();
    let (embedded, opened) = (ModelFile::from_static("inside", bytes).unwrap(), ModelFile::open(&path).unwrap());
    assert_eq!(embedded.metadata(), opened.metadata());
    assert!(opened.tensors().all(|(name, _)| embedded.values(name) == opened.values(name)));
    let error = ModelFile::from_static("inside", &bytes[..bytes.len() - 1]).unwrap_err().to_string();
    assert!(error.starts_with("inside: the file is cut short"), "{error}");
    let mut damaged = bytes.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let error = ModelFile::from_static("inside", damaged.leak()).unwrap_err().to_string();
    assert!(error.starts_with("inside: the data is damaged"), "{error}");
}

#[test]
fn scales_that_are_no_scales_are_refused() {
    let scale = format!("{CONV}.scale");
    let refused = |expected: &str, change: &dyn Fn(&mut Value, &mut Vec<u8>)| {
        let (_folder, path) = model(&weights(5));
        let path = path.unwrap();
        rewrite(&path, change);
        let error = ModelFile::open(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    };
    refused(&format!("`{scale}` is missing"), &|h, _| {
        let entry = h.as_object_mut().unwrap().remove(&scale).unwrap();
        h["other.scale"] = entry;
    });
    refused(&format!("`{scale}` has shape [4], the configuration asks for [4, 1, 1]"), &|h, _| {
        h[&scale]["shape"] = json!([4]);
    });
    refused(&format!("`{scale}` has element type I32"), &|h, _| h[&scale]["dtype"] = "I32".into());
    refused("`bert_encoder.bias` has element type BF16", &|h, _| h["bert_encoder.bias"]["dtype"] = "BF16".into());
    for bad in [f32::NAN, f32::NEG_INFINITY, 1e37] {
        refused(&format!("`{CONV}` has values that are NaN or infinite"), &|h, data| {
            let start = h[&scale]["data_offsets"][0].as_u64().unwrap() as usize;
            data[start..start + 4].copy_from_slice(&bad.to_le_bytes());
        });
    }
    // A scale of a tensor that has none is not part of the model.
    refused("`bert_encoder.bias.scale` is not part of the model", &|h, data| {
        let end = data.len();
        data.extend([0; 4]);
        h["bert_encoder.bias.scale"] = json!({ "dtype": "F16", "shape": [2], "data_offsets": [end, end + 4] });
    });
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let mut held = weights(6);
    held.get_mut(CONV).unwrap().1[5] = f32::INFINITY;
    let error = model(&held).1.unwrap_err().to_string();
    assert!(error.contains(CONV) && error.contains("NaN"), "{error}");
}
