//! No bytes make a conversion panic, run away with memory or overflow the stack.
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod support;

use lumivox_convert::{Options, convert};
use proptest::prelude::*;
use std::fs;
use support::onnx::{Precision, export};
use support::{CONFIG, Random, pth, voice_bytes, weights};

/// Converts damaged copies of `bytes`: cut at a random place, or with a few random bytes, many of them in the first or last part,
/// where headers and directories are.
fn convert_damaged(bytes: &[u8], seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("input"), folder.path().join("output"));
    fs::write(folder.path().join("config.json"), CONFIG).unwrap();
    let mut random = Random(seed);
    let mut damaged = bytes.to_vec();
    if random.below(4) == 0 {
        damaged.truncate(random.below(bytes.len()));
    } else {
        for _ in 0..=random.below(8) {
            let at = match random.below(3) {
                0 => random.below(bytes.len().min(4096)),
                1 => bytes.len() - 1 - random.below(bytes.len().min(4096)),
                _ => random.below(bytes.len()),
            };
            damaged[at] = [random.next() as u8, 0, 0xff, damaged[at] ^ 1 << random.below(8)][random.below(4)];
        }
    }
    fs::write(&input, &damaged).unwrap();
    if convert(&input, &output, &Options::default(), &mut |_| {}).is_err() {
        assert!(!output.exists(), "a failed conversion left a file");
    } else {
        lumivox_convert::ModelFile::open(&output).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damaged_pth(seed: u64) {
        convert_damaged(&pth::checkpoint(&weights(1)), seed);
    }

    #[test]
    fn damaged_pth_by_torch(seed: u64) {
        convert_damaged(include_bytes!("data/nested.pth"), seed);
    }

    #[test]
    fn damaged_int8_onnx(seed: u64) {
        convert_damaged(&export(&mut weights(1), Precision::Int8), seed);
    }

    #[test]
    fn damaged_f32_onnx(seed: u64) {
        convert_damaged(&export(&mut weights(1), Precision::F32), seed);
    }

    #[test]
    fn damaged_voices(seed: u64) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), CONFIG).unwrap();
        let input = folder.path().join("input");
        fs::write(&input, pth::checkpoint(&weights(1))).unwrap();
        let mut random = Random(seed);
        let shape = [support::VOICE_SHAPE[0], 1, support::VOICE_SHAPE[1]];
        let floats: Vec<f32> = voice_bytes(1).as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        let mut bytes = pth::save_tensor(&shape, &floats);
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] = random.next() as u8;
        }
        let voice = folder.path().join("af_test.pt");
        fs::write(&voice, bytes).unwrap();
        let options = Options { voices: vec![voice], ..Default::default() };
        let _ = convert(&input, &folder.path().join("output"), &options, &mut |_| {});
    }
}

#[test]
fn a_truncated_onnx_file_is_refused_at_every_length() {
    let bytes = export(&mut weights(1), Precision::Int8);
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("input"), folder.path().join("output"));
    fs::write(folder.path().join("config.json"), CONFIG).unwrap();
    for step in 0..64 {
        fs::write(&input, &bytes[..step * bytes.len() / 64]).unwrap();
        assert!(convert(&input, &output, &Options::default(), &mut |_| {}).is_err());
    }
}
