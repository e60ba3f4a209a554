//! The graphs on a GPU against the references, on real weights: emulated, or on the device that `LUMIVOX_TEST_DEVICE` names.

#![cfg(feature = "emulation")]
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::path::PathBuf;

use lumivox::store::Store;
use lumivox::{Copies, Device, LoadOptions, Options, Precision, Synthesizer};
use lumivox_kernels::cuda::{Dtype, device_under_test};
use lumivox_models::cuda::vits::Vits;
use lumivox_parity::golden::Golden;
use lumivox_parity::metrics::{max_abs, snr_db};
use lumivox_parity::vits::Models;
use lumivox_parity::{kokoro, vits};

fn goldens(family: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden")).join(family)
}

fn kokoro(precision: Precision, cuda_graphs: bool) -> Synthesizer {
    let path = Store::open().unwrap().resolve("kokoro-int8", &()).expect("the model that the goldens were made with");
    let device = Device::Gpu(device_under_test().unwrap());
    Synthesizer::open_with(&path, &LoadOptions { precision, device, cuda_graphs, ..Default::default() }).unwrap()
}

/// Every stage of Kokoro, generator and all, within the bounds that the CPU is held to.
#[test]
fn kokoro_is_pytorchs() {
    let golden = Golden::open(&goldens("kokoro").join("word_bf_emma.safetensors")).unwrap();
    let comparison = kokoro::compare(&kokoro(Precision::F32, false), &golden).unwrap();
    assert_eq!(comparison.failures(), Vec::<String>::new());
    // All but the sines, which are never written down.
    assert_eq!((comparison.stages.len(), comparison.source_injected_db.is_some()), (43, true));
}

/// What a request costs in transfers, and that each utterance of a batch is what it is alone.
#[test]
fn kokoro_copies_thrice_and_a_batch_is_its_utterances() {
    let synthesizer = kokoro(Precision::F32, false);
    let options = Options::new("af_heart");
    let loaded = synthesizer.device().copies();
    let phonemes = ["hˈI.", "ˈA."];
    let batch = synthesizer.synthesize_batch(&phonemes, &options, 0).unwrap();
    let Copies { to_device, to_host, launches } = synthesizer.device().copies();
    assert_eq!((to_device - loaded.to_device, to_host - loaded.to_host), (1, 2));
    // What docs/performance.md counts on.
    assert_eq!(launches - loaded.launches, 301);
    for (i, phonemes) in phonemes.iter().enumerate() {
        let alone = synthesizer.synthesize_batch(&[phonemes], &options, i as u32).unwrap().remove(0);
        assert_eq!(batch[i].len(), alone.len());
        assert!(max_abs(&batch[i], &alone) <= 1e-5, "utterance {i}: {}", max_abs(&batch[i], &alone));
    }
    // Half the bits: nearer to the same noise in full than two seeds are to each other.
    let half = self::kokoro(Precision::F16, false).synthesize_batch(&phonemes[..1], &options, 0).unwrap();
    let snr = snr_db(&half[0], &batch[0]);
    println!("Kokoro in f16: {snr:.1} dB");
    assert!(snr >= 30.0, "{snr} dB");
    recorded_launches_say_the_same(&self::kokoro(Precision::F32, true), &phonemes, &options, &batch, 4);
}

fn hold(name: &str, golden: &str) {
    let models = Models::new(goldens("vits"));
    let device = device_under_test().unwrap();
    let model = models.open_with(name, |config, weights| Ok(Vits::new(&device, config, Dtype::F32, weights)?)).unwrap();
    let golden = Golden::open(&goldens("vits").join(name).join(format!("{golden}.safetensors"))).unwrap();
    let comparison = vits::compare(&model, &golden).unwrap();
    assert_eq!(comparison.failures(), Vec::<String>::new(), "{name}");
    assert_eq!(comparison.stages.len(), 6 + model.config().upsample_rates.len(), "{name}");
}

#[test]
fn a_piper_voice_is_onnx_runtimes() {
    hold("piper-joe", "word_noise_1.0");
}

#[test]
fn mms_and_several_speakers_are_transformers() {
    hold("mms-synth", "short_noise_1.0");
    hold("regression", "short_noise_1.3");
    hold("multi-speaker", "short_noise_1.0");
}

#[test]
fn a_batch_of_vits_is_its_utterances() {
    let path = Store::open().unwrap().resolve("piper-joe", &()).unwrap();
    let open = |cuda_graphs| {
        let device = Device::Gpu(device_under_test().unwrap());
        Synthesizer::open_with(&path, &LoadOptions { device, cuda_graphs, ..Default::default() }).unwrap()
    };
    let synthesizer = open(false);
    let loaded = synthesizer.device().copies();
    let phonemes = ["həlˈoʊ.", "jˈɛs, wiː kˈæn."];
    let batch = synthesizer.synthesize_batch(&phonemes, &Options::default(), 0).unwrap();
    let copies = synthesizer.device().copies();
    assert_eq!((copies.to_device - loaded.to_device, copies.to_host - loaded.to_host), (1, 2));
    assert_eq!(copies.launches - loaded.launches, 200);
    for (i, phonemes) in phonemes.iter().enumerate() {
        let alone = synthesizer.synthesize_batch(&[phonemes], &Options::default(), i as u32).unwrap().remove(0);
        assert_eq!(batch[i].len(), alone.len());
        assert!(max_abs(&batch[i], &alone) <= 1e-5, "utterance {i}: {}", max_abs(&batch[i], &alone));
    }
    recorded_launches_say_the_same(&open(true), &phonemes, &Options::default(), &batch, 5);
    let half = LoadOptions {
        device: Device::Gpu(device_under_test().unwrap()),
        precision: Precision::F16,
        ..Default::default()
    };
    let half = Synthesizer::open_with(&path, &half).unwrap();
    let half = half.synthesize_batch(&phonemes[..1], &Options::default(), 0).unwrap();
    let snr = snr_db(&half[0], &batch[0]);
    println!("Piper in f16: {snr:.1} dB");
    assert!(snr >= 35.0, "{snr} dB");
}

/// Again and again, and of another length; and there are few of them.
fn recorded_launches_say_the_same(
    recording: &Synthesizer,
    phonemes: &[&str; 2],
    options: &Options,
    want: &[Vec<f32>],
    launches: u64,
) {
    for (round, i) in [0, 1, 0, 1].into_iter().enumerate() {
        let before = recording.device().copies();
        let again = recording.synthesize_batch(&phonemes[i..=i], options, i as u32).unwrap().remove(0);
        let after = recording.device().copies();
        assert_eq!(again.len(), want[i].len());
        assert!(max_abs(&want[i], &again) <= 1e-5, "utterance {i}: {}", max_abs(&want[i], &again));
        assert_eq!((after.to_device - before.to_device, after.to_host - before.to_host), (1, 2));
        // The first time a size is asked for it is recorded.
        assert!(round < 2 || after.launches - before.launches == launches, "round {round}");
    }
}
