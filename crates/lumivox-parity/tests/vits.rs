//! VITS against ONNX Runtime, transformers and PyTorch: on a real voice (`piper-joe`, pulled on first use), on its weights in a `VitsModel`, and on synthetic
//! weights of every kind of model.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use lumivox_parity::vits::{MODELS, Models, compare};

fn models() -> Models {
    Models::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/vits"))
}

/// Compares all goldens of a model.
#[track_caller]
fn hold(name: &str, goldens: usize) {
    let (models, model) = (models(), models().open(name).unwrap());
    let found = models.goldens(name).unwrap();
    assert_eq!(found.len(), goldens, "{name}");
    let comparisons: Vec<_> = found.iter().map(|golden| compare(&model, golden).unwrap()).collect();
    let failures: Vec<String> = comparisons.iter().flat_map(|comparison| comparison.failures()).collect();
    assert!(failures.is_empty(), "{name}: {failures:#?}");
    // Nothing was skipped: six stages and those of the generator.
    let stages = 6 + model.config().upsample_rates.len();
    assert!(comparisons.iter().all(|comparison| comparison.stages.len() == stages), "{name}: not {stages} stages");
}

#[test]
fn a_piper_voice_is_onnx_runtimes() {
    hold("piper-joe", 8);
}

#[test]
fn the_voices_weights_in_a_vits_model_are_transformers() {
    hold("mms-from-piper", 6);
}

#[test]
fn mms_is_transformers() {
    hold("mms-synth", 6);
}

#[test]
fn speakers_and_regressed_durations_are_transformers() {
    hold("regression", 6);
}

#[test]
fn a_voice_of_several_speakers_is_pytorchs() {
    hold("multi-speaker", 6);
}

#[test]
fn a_voice_of_high_quality_is_pytorchs() {
    hold("high", 6);
}

#[test]
fn every_model_is_held() {
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/vits")).unwrap();
    let mut folders: Vec<String> =
        folders.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    folders.sort();
    let mut models = MODELS.map(String::from);
    models.sort();
    assert_eq!(folders, models);
}

#[test]
fn a_wrong_speaker_a_wrong_scale_and_other_noise_are_noticed() {
    let (models, model) = (models(), models().open("regression").unwrap());
    let failures = |change: &dyn Fn(&mut lumivox_parity::vits::Case)| {
        let mut golden = models.goldens("regression").unwrap().remove(0);
        change(&mut golden.case);
        compare(&model, &golden).unwrap().failures().join("\n")
    };
    assert_eq!(failures(&|_| ()), "");
    assert!(failures(&|case| case.length_scale *= 1.5).contains("durations differ"));
    let speaker = failures(&|case| case.speaker = 1);
    assert!(speaker.contains(": logw: relative L2") && !speaker.contains("enc_p"), "{speaker}");
    let noise = failures(&|case| case.seed += 1);
    assert!(noise.contains(": z_p: relative L2") && noise.contains("audio differs"), "{noise}");
    assert!(!noise.contains("durations differ"), "a regression reads no noise: {noise}");
}
