//! Kokoro against the PyTorch reference, on the real weights (`kokoro-int8`, pulled on first use).

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lumivox::noise::{self, Stage};
use lumivox::store::Store;
use lumivox::{Input, Options, Synthesizer};
use lumivox_parity::golden::Golden;
use lumivox_parity::kokoro::{Case, compare};
use lumivox_parity::metrics::{max_abs, snr_db};

fn model() -> PathBuf {
    Store::open().unwrap().resolve("kokoro-int8", &()).expect("the model that the goldens were made with")
}

fn synthesizer() -> &'static Synthesizer {
    static SYNTHESIZER: OnceLock<Synthesizer> = OnceLock::new();
    SYNTHESIZER.get_or_init(|| Synthesizer::open(&model(), None).unwrap())
}

fn golden(name: &str) -> Golden<Case> {
    Golden::open(&goldens().join(name).with_extension("safetensors")).unwrap()
}

fn goldens() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/kokoro"))
}

#[test]
fn every_stage_and_the_audio_are_the_references() {
    let goldens = Golden::open_all(goldens()).unwrap();
    assert_eq!(goldens.len(), 9, "three voices, three texts");
    let comparisons: Vec<_> = goldens.iter().map(|golden| compare(synthesizer(), golden).unwrap()).collect();
    let failures: Vec<String> = comparisons.iter().flat_map(|comparison| comparison.failures()).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    // Nothing was skipped.
    for comparison in &comparisons {
        assert_eq!(
            (comparison.stages.len(), comparison.source_injected_db.is_some()),
            (44, true),
            "{}",
            comparison.name
        );
    }
}

#[test]
fn a_wrong_voice_and_a_wrong_speed_are_noticed() {
    let mut wrong_voice = golden("word_af_heart");
    wrong_voice.case.voice = "af_bella".into();
    let failures = compare(synthesizer(), &wrong_voice).unwrap().failures();
    assert!(failures.iter().any(|failure| failure.contains(": d: relative L2")), "{failures:#?}");
    assert!(!failures.iter().any(|failure| failure.contains("bert_dur")), "no style enters the ALBERT: {failures:#?}");
    let mut wrong_speed = golden("word_af_heart");
    wrong_speed.case.speed = 1.5;
    let failures = compare(synthesizer(), &wrong_speed).unwrap().failures();
    assert!(failures.iter().any(|failure| failure.contains("durations differ")), "{failures:#?}");
}

#[test]
fn noise_is_drawn_as_the_goldens_have_it() {
    let golden = golden("word_bf_emma");
    let want: Vec<f32> = golden.whole("noise_head").unwrap().to_vec1().unwrap();
    let got = noise::normal(golden.case.seed, Stage::SineGen, 0, want.len());
    assert!(max_abs(&got, &want) <= 1e-6);
}

#[test]
fn text_and_phonemes_give_the_same_audio_on_any_number_of_threads() {
    let golden = golden("word_af_heart");
    let options = Options { seed: golden.case.seed, ..Options::new("af_heart") };
    let say = |synthesizer: &Synthesizer, input| -> Vec<f32> {
        synthesizer.speak(input, &options).unwrap().flat_map(|chunk| chunk.unwrap().samples).collect()
    };
    let phonemes = say(synthesizer(), Input::Phonemes(&golden.case.phonemes));
    assert_eq!(say(synthesizer(), Input::Text("Hello.")), phonemes);
    let want: Vec<f32> = golden.whole("audio").unwrap().to_vec1().unwrap();
    assert!(snr_db(&phonemes, &want) >= 35.0);
    for threads in [1, 3] {
        let other = Synthesizer::open(&model(), Some(threads)).unwrap();
        assert_eq!(say(&other, Input::Phonemes(&golden.case.phonemes)), phonemes, "{threads} threads");
    }
}
