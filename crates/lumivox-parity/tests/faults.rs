//! Faults planted in Kokoro's real weights are found at their stage, against PyTorch's own tensors.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use lumivox::store::Store;
use lumivox_parity::compare::{Bounds, Comparison};
use lumivox_parity::dump::Dump;
use lumivox_parity::ours::Ours;
use lumivox_parity::reference::Reference;
use support::{Faulty, scale, swap_gates};

/// What is done to a tensor's values.
type Fault<'a> = &'a dyn Fn(&mut [f32]);

fn model() -> PathBuf {
    Store::open().unwrap().resolve("kokoro-int8", &()).expect("the model that the goldens were made with")
}

/// A folder with one of the goldens.
fn word(folder: &Path) -> PathBuf {
    let goldens = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/kokoro"));
    let reference = folder.join("reference");
    fs::create_dir(&reference).unwrap();
    fs::copy(goldens.join("word_af_heart.safetensors"), reference.join("word_af_heart.safetensors")).unwrap();
    reference
}

fn compare(model: &Path, reference: &Path) -> Comparison {
    let ours = Ours::open(model, None).unwrap();
    let mut reference = Dump::open(reference).unwrap();
    let utterances = reference.utterances().unwrap().unwrap();
    Comparison::run(&ours, &mut reference, &utterances, Bounds::default(), &mut |_| ()).unwrap().0
}

#[test]
fn planted_faults_are_found_at_their_stage() {
    let folder = tempfile::tempdir().unwrap();
    let (faulty, reference) = (Faulty::new(&model(), folder.path()), word(folder.path()));
    let sound = compare(&faulty.path, &reference);
    assert!(sound.is_within(), "{:#?}", sound.first_outside());
    assert_eq!(sound.stages.len(), 47, "44 stages, durations, and the audio twice");

    // The generator gives logarithms of 11 magnitudes: this makes them all 1.5 times as large.
    let gain = |values: &mut [f32]| values[..11].iter_mut().for_each(|value| *value += 1.5f32.ln());
    let weaken = scale(1.01);
    let faults: [(&str, Fault, &str); 10] = [
        ("bert_encoder.weight", &weaken, "d_en"),
        ("predictor.lstm.weight_ih_l0", &swap_gates, "dur_lstm"),
        ("predictor.shared.weight_hh_l0_reverse", &swap_gates, "shared_lstm"),
        ("predictor.F0.1.conv2.weight", &weaken, "F0_block1"),
        ("predictor.N_proj.weight", &weaken, "N"),
        ("text_encoder.lstm.weight_ih_l0_reverse", &swap_gates, "t_en"),
        ("decoder.encode.conv2.weight", &weaken, "dec_encode"),
        ("decoder.generator.resblocks.4.convs2.1.weight", &weaken, "resblock4"),
        ("decoder.generator.ups.1.weight", &scale(1.5), "ups1"),
        ("decoder.generator.conv_post.bias", &gain, "conv_post"),
    ];
    for (tensor, fault, stage) in faults {
        let before = faulty.change(tensor, fault);
        let found = compare(&faulty.path, &reference);
        faulty.write(tensor, &before);
        let first = found.first_outside().unwrap_or_else(|| panic!("a fault in {tensor} is not noticed"));
        assert_eq!(first.stage, stage, "a fault in {tensor}");
        assert!(!found.utterances[0].within_bounds);
    }
    assert_eq!(compare(&faulty.path, &reference), sound, "all faults are undone");
}

#[test]
fn a_louder_voice_is_as_far_off_as_it_is_louder() {
    let folder = tempfile::tempdir().unwrap();
    let (faulty, reference) = (Faulty::new(&model(), folder.path()), word(folder.path()));
    faulty.change("decoder.generator.conv_post.bias", |values| {
        values[..11].iter_mut().for_each(|value| *value += 1.5f32.ln());
    });
    let found = compare(&faulty.path, &reference);
    let audio = found.stages.iter().find(|row| row.stage == "audio").unwrap();
    // A signal that is 1.5 times as loud differs by half of the signal, and by ln 1.5 = 0.405 in each band that is not silent, as most are.
    assert!((audio.relative_l2.unwrap() - 0.5).abs() < 0.01, "{audio:?}");
    let log_mel = audio.log_mel.unwrap();
    assert!(log_mel > 0.25 && log_mel < 0.41, "{log_mel}");
}
