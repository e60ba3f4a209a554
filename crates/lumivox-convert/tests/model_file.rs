//! A model file is deterministic, and is refused unless it is intact and complete.
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod support;

use lumivox_convert::{ModelFile, Options, convert};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use support::{CONFIG, pth, voice_bytes, weights};
use tempfile::TempDir;

fn model() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("config.json"), CONFIG).unwrap();
    fs::create_dir(path("voices")).unwrap();
    fs::write(path("voices/af_test.bin"), voice_bytes(1)).unwrap();
    fs::write(path("kokoro.pth"), pth::checkpoint(&weights(1))).unwrap();
    let output = path("model.safetensors");
    convert(&path("kokoro.pth"), &output, &Options::default(), &mut |_| {}).unwrap();
    (folder, output)
}

fn reason(path: &Path) -> String {
    ModelFile::open(path).unwrap_err().to_string()
}

/// Writes the file anew with its JSON header changed; data and offsets stay.
fn rewrite(path: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let bytes = fs::read(path).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
    change(&mut header);
    let json = header.to_string().into_bytes();
    fs::write(path, [&(json.len() as u64).to_le_bytes()[..], &json, &bytes[8 + len..]].concat()).unwrap();
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (first, second) = (model(), model());
    assert_eq!(fs::read(first.1).unwrap(), fs::read(second.1).unwrap());
}

#[test]
fn metadata_comes_back_and_data_is_aligned() {
    let (_folder, path) = model();
    let file = ModelFile::open(&path).unwrap();
    let metadata = file.metadata();
    assert_eq!(metadata.family.as_str(), "kokoro");
    assert_eq!(
        (&*metadata.license, metadata.sample_rate_hz, &*metadata.languages),
        ("Apache-2.0", 24_000, &["en-us".to_string()][..])
    );
    assert_eq!(
        (&*metadata.source.file, &*metadata.source.kind, metadata.source.sha256.len()),
        ("kokoro.pth", "pth", 64)
    );
    let config: serde_json::Value = serde_json::from_str(&metadata.config).unwrap();
    assert_eq!(config["vocab"]["ˈ"], 3);
    assert_eq!(config["plbert"]["num_attention_heads"], 2, "keys that conversion does not need are kept");
    assert_eq!(file.tensors().next().unwrap().1.data().as_ptr() as usize % 64, 0);
    assert_eq!(file.parameters(), weights(1).values().map(|(_, d)| d.len()).sum::<usize>());
    // Any reader of safetensors can open it.
    let bytes = fs::read(&path).unwrap();
    assert_eq!(safetensors::SafeTensors::deserialize(&bytes).unwrap().len(), weights(1).len() + 1);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let (_folder, path) = model();
    let bytes = fs::read(&path).unwrap();
    for len in [0, 1, 7, 8, 9, 100, 5000, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..len]).unwrap();
        assert!(reason(&path).contains("cut short"), "{len}: {}", reason(&path));
    }
    fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
    assert!(reason(&path).contains("not as many as its header says"));
}

#[test]
fn one_flipped_bit_of_data_is_noticed() {
    let (_folder, path) = model();
    let intact = fs::read(&path).unwrap();
    let data_start = 8 + u64::from_le_bytes(intact[..8].try_into().unwrap()) as usize;
    let data_len = intact.len() - data_start;
    for step in 0..16 {
        let mut bytes = intact.clone();
        bytes[data_start + step * (data_len - 1) / 15] ^= 1 << (step % 8);
        fs::write(&path, &bytes).unwrap();
        assert!(reason(&path).contains("the data is damaged"), "{}", reason(&path));
    }
}

#[test]
fn no_change_of_the_header_makes_it_panic() {
    let (_folder, path) = model();
    let intact = fs::read(&path).unwrap();
    let data_start = 8 + u64::from_le_bytes(intact[..8].try_into().unwrap()) as usize;
    let mut random = support::Random(1);
    for _ in 0..500 {
        let mut bytes = intact.clone();
        for _ in 0..=random.below(3) {
            bytes[random.below(data_start)] = random.next() as u8;
        }
        fs::write(&path, &bytes).unwrap();
        let _ = ModelFile::open(&path);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let cases: BTreeMap<&str, fn(&mut serde_json::Value)> = BTreeMap::from([
        ("format `lumivox/2`", (|h| h["__metadata__"]["format"] = "lumivox/2".into()) as fn(&mut serde_json::Value)),
        ("family `tacotron`", |h| h["__metadata__"]["family"] = "tacotron".into()),
        ("metadata lacks `format`", |h| h["__metadata__"] = serde_json::json!({})),
        ("metadata lacks `blake3`", |h| drop(h["__metadata__"].as_object_mut().unwrap().remove("blake3"))),
        ("`sample_rate` is not valid", |h| h["__metadata__"]["sample_rate"] = "loud".into()),
        ("`source` is not valid", |h| h["__metadata__"]["source"] = "{}".into()),
        ("configuration cannot be used", |h| h["__metadata__"]["config"] = "{}".into()),
        ("`bert_encoder.bias` is missing", |h| {
            let entry = h.as_object_mut().unwrap().remove("bert_encoder.bias").unwrap();
            h["bert_encoder.bias2"] = entry;
        }),
        ("`voices.af_test` has shape [4, 5], the configuration asks for [5, 4]", |h| {
            h["voices.af_test"]["shape"] = serde_json::json!([4, 5]);
        }),
        ("`bert_encoder.bias` has element type I32", |h| h["bert_encoder.bias"]["dtype"] = "I32".into()),
        ("the data is damaged", |h| h["__metadata__"]["blake3"] = "0".repeat(64).into()),
    ]);
    for (expected, change) in cases {
        let (_folder, path) = model();
        rewrite(&path, change);
        assert!(reason(&path).contains(expected), "{expected}: {}", reason(&path));
    }
}

#[test]
fn an_extra_tensor_is_refused() {
    let (_folder, path) = model();
    rewrite(&path, |h| {
        let end = h["voices.af_test"]["data_offsets"][1].clone();
        h["zz"] = serde_json::json!({ "dtype": "F32", "shape": [0], "data_offsets": [end, end] });
    });
    assert!(reason(&path).contains("`zz` is not part of the model"), "{}", reason(&path));
}

#[test]
fn not_finite_values_with_a_valid_hash_are_refused() {
    let (_folder, path) = model();
    let mut bytes = fs::read(&path).unwrap();
    let data_start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[data_start..data_start + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let hash = blake3::hash(&bytes[data_start..]).to_hex().to_string();
    fs::write(&path, &bytes).unwrap();
    rewrite(&path, |h| h["__metadata__"]["blake3"] = hash.into());
    assert!(reason(&path).contains("`bert.embeddings.LayerNorm.bias` has values that are NaN"), "{}", reason(&path));
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    let tensor = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &[0; 4]).unwrap();
    fs::write(&path, safetensors::serialize([("w", tensor)], None).unwrap()).unwrap();
    assert!(reason(&path).contains("make a model file with `lumivox convert`"));
    assert!(ModelFile::open(folder.path()).is_err());
    assert!(reason(&folder.path().join("absent")).contains("absent"));
}
