//! Conversion of the real Kokoro-82M. Run by hand on a folder made by `tools/reference/kokoro_sources.py`:
//!
//! `LUMIVOX_REFERENCE_DIR=DIR cargo test -p lumivox-convert --release -- --ignored`
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

use lumivox_convert::{ConfigOrigin, ModelFile, Options, SourceKind, convert};
use std::path::PathBuf;

fn model(folder: &tempfile::TempDir, name: &str, kind: SourceKind) -> ModelFile {
    let reference = std::env::var_os("LUMIVOX_REFERENCE_DIR").expect("LUMIVOX_REFERENCE_DIR names no folder");
    let output = folder.path().join(name).with_extension("safetensors");
    let report = convert(&PathBuf::from(reference).join(name), &output, &Options::default(), &mut |_| {}).unwrap();
    println!("{report}");
    assert_eq!((report.kind, report.tensors, report.parameters), (kind, 457, 81_140_664));
    assert!(matches!(report.config, ConfigOrigin::Embedded | ConfigOrigin::File(_)));
    ModelFile::open(output).unwrap()
}

/// Largest difference of any element, and the tensor that has it.
fn largest_difference(a: &ModelFile, b: &ModelFile) -> (f32, String) {
    let floats = |bytes: &[u8]| bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect::<Vec<_>>();
    let mut worst = (0.0, String::new());
    for (name, tensor) in a.tensors() {
        let other = b.tensor(name).unwrap();
        for (x, y) in floats(tensor.data()).into_iter().zip(floats(other.data())) {
            if (x - y).abs() > worst.0 {
                worst = ((x - y).abs(), name.to_string());
            }
        }
    }
    worst
}

#[test]
#[ignore = "needs the checkpoints of tools/reference/kokoro_sources.py (1.1 GB)"]
fn all_sources_of_the_real_weights_convert_to_the_same_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let int8 = model(&folder, "kokoro-int8.onnx", SourceKind::OnnxInt8);
    for (name, kind, tolerance) in [
        ("kokoro-f32.onnx", SourceKind::OnnxF32, 0.0),
        // Weight norm splits and folds every convolution: one rounding of the magnitude, one of the product.
        ("kokoro.pth", SourceKind::Pth, 1e-6),
        // Half a unit in the last of 11 bits, for weights below 16.
        ("kokoro-f16.onnx", SourceKind::OnnxF16, 8.0 / 2048.0),
    ] {
        let other = model(&folder, name, kind);
        let (difference, tensor) = largest_difference(&int8, &other);
        println!("{name}: largest difference {difference:e} {tensor}");
        assert!(difference <= tolerance, "{name}: {tensor} differs by {difference}");
    }
}
