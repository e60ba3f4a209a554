//! A real Piper voice against ONNX Runtime in this process, on the voice's own file. Needs ONNX Runtime's library: see `Runtime::load`.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};

use lumivox::convert::{self, convert};
use lumivox::store::Store;
use lumivox::{Input, Options, Synthesizer};
use lumivox_parity::compare::{Bounds, Comparison};
use lumivox_parity::onnx::OnnxReference;
use lumivox_parity::ours::Ours;
use lumivox_parity::reference::{self, Reference};
use lumivox_parity::request;
use support::{Faulty, fetch_kokoro, fetch_voice, scale, swap_gates};

/// What is said: many sounds, but for the test's sake few.
const TEXT: &str = "The north wind and the sun.";

/// The voice's ONNX file and what lumivox makes of it.
fn voice(folder: &Path) -> (PathBuf, PathBuf) {
    let onnx = fetch_voice(folder);
    let model = folder.join("voice.safetensors");
    convert(&onnx, &model, &convert::Options::default(), &mut |_| ()).unwrap();
    (onnx, model)
}

fn compare(model: &Path, reference: &mut OnnxReference, options: &Options) -> Comparison {
    let ours = Ours::open(model, None).unwrap();
    let synthesizer = Synthesizer::open(model, Some(1)).unwrap();
    let utterances = request::utterances(ours.file(), &synthesizer, Input::Text(TEXT), options).unwrap();
    Comparison::run(&ours, reference, &utterances, Bounds::default(), &mut |_| ()).unwrap().0
}

#[test]
fn a_voice_is_onnx_runtimes_and_planted_faults_are_found_at_their_stage() {
    let folder = tempfile::tempdir().unwrap();
    let (onnx, model) = voice(folder.path());
    let mut reference = OnnxReference::open(&onnx, None).unwrap();
    assert!(reference.identity().runtime.starts_with("ONNX Runtime 1."), "{:?}", reference.identity());

    for options in [Options::default(), Options { seed: 7, length_scale: Some(1.3), ..Options::default() }] {
        let sound = compare(&model, &mut reference, &options);
        assert!(sound.is_within(), "{:#?}", sound.first_outside());
        let stages: Vec<&str> = sound.stages.iter().map(|row| row.stage.as_str()).collect();
        let all = [
            "enc_p",
            "m_p",
            "logs_p",
            "logw",
            "durations",
            "z_p",
            "z",
            "dec_stage0",
            "dec_stage1",
            "dec_stage2",
            "audio",
        ];
        assert_eq!(stages, all);
        let audio = sound.stages.last().unwrap();
        // Another seed is another reading, two thread counts are the same one.
        assert!(audio.floor.seed.unwrap() > 0.1 && audio.floor.threads.unwrap() < 1e-3, "{audio:?}");
        assert!(audio.log_mel.unwrap() < 0.01 && audio.floor.seed_log_mel.unwrap() > 0.05, "{audio:?}");
    }

    let faulty = Faulty::new(&model, folder.path());
    let faults = [
        ("enc_p.encoder.ffn_layers.5.conv_2.weight", 1.01, "enc_p"),
        ("dp.proj.weight", 1.01, "logw"),
        ("flow.flows.2.enc.res_skip_layers.3.weight", 1.01, "z"),
        ("dec.ups.1.weight", 1.5, "dec_stage1"),
        ("dec.conv_post.weight", 1.5, "audio"),
    ];
    for (tensor, factor, stage) in faults {
        let before = faulty.change(tensor, scale(factor));
        let found = compare(&faulty.path, &mut reference, &Options::default());
        faulty.write(tensor, &before);
        let first = found.first_outside().unwrap_or_else(|| panic!("a fault in {tensor} is not noticed"));
        assert_eq!(first.stage, stage, "a fault in {tensor}");
    }
}

#[test]
fn kokoro_is_its_export_in_8_bits_with_the_operators_made_float() {
    let folder = tempfile::tempdir().unwrap();
    let onnx = fetch_kokoro(folder.path());
    let model = Store::open().unwrap().resolve("kokoro-int8", &()).expect("Kokoro's weights");
    let sha256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb";
    let mut reference = OnnxReference::open(&onnx, None).unwrap();
    assert_eq!(reference.identity().sha256, sha256, "the graph is another than the model is from");
    let sound = compare(&model, &mut reference, &Options::new("bf_emma"));
    assert!(sound.is_within(), "{:#?}", sound.first_outside());
    assert_eq!(sound.stages.len(), 47);
    let faulty = Faulty::new(&model, folder.path());
    faulty.change("predictor.lstm.weight_hh_l0", swap_gates);
    let found = compare(&faulty.path, &mut reference, &Options::new("bf_emma"));
    assert_eq!(found.first_outside().expect("swapped gates are not noticed").stage, "dur_lstm");
}

#[test]
fn what_is_no_reference_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = reference::open(&path, None).err().unwrap();
        format!("{error:#}")
    };
    assert!(refused("damaged.onnx", &[0x3a, 0xff]).contains("damaged"));
    assert!(refused("text.onnx", b"plain text").contains("no ONNX file"));
    assert!(refused("audio.wav", b"RIFF").contains("neither an .onnx file nor a folder"));
    let missing = reference::open(&folder.path().join("absent.onnx"), None).err().unwrap();
    assert!(missing.to_string().contains("does not exist"));
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let error = format!("{:#}", reference::open(&empty, None).err().unwrap());
    assert!(error.contains("golden.py"), "{error}");
}
