//! Piper voices, `VitsModel` folders and original checkpoints convert to the same kind of model file.
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod support;

use lumivox_convert::vits::{Config, Text};
use lumivox_convert::{ConfigOrigin, Family, Options, SourceKind};
use serde_json::Value;
use std::fs;
use support::onnx::Precision;
use support::vits::{
    Export, NEW, OLD, config, hf, hf_json, original, piper_json, piper_onnx, piper_onnx_by, safetensors, weights,
};
use support::vits_bench::{hf_folder, original_folder, piper};
use support::{assert_same, pth};

/// Folded weight norm and the logarithm of the affine flow's factor are rounded once more. Values reach 16.
const ROUNDING: f32 = 1e-6;

/// `config` as a model file should have it, but for text and upstream.
fn sizes(mut config: Config) -> Config {
    config.upstream = Value::Null;
    config.text = support::vits::config("1", 1, true).text;
    config
}

#[test]
fn piper_voices_of_every_kind_convert() {
    for (resblock, n_speakers, use_sdp) in [("2", 1, true), ("1", 1, true), ("2", 3, true), ("1", 2, false)] {
        let config = config(resblock, n_speakers, use_sdp);
        let held = weights(&config, 1);
        let bench = piper(&config, &held);
        let report = bench.convert("voice.onnx");
        assert_eq!((report.family, report.kind, report.tensors), (Family::Vits, SourceKind::OnnxF32, held.len()));
        assert_eq!(report.config, ConfigOrigin::File(bench.path("voice.onnx.json")));
        assert_same(&bench.model(), &held, ROUNDING);
        assert_eq!(sizes(bench.config()), sizes(config), "{resblock} {n_speakers} {use_sdp}");
    }
}

#[test]
fn a_simplified_piper_voice_converts() {
    let config = config("2", 1, true);
    let held = weights(&config, 1);
    let bench = piper(&config, &held);
    bench.write("voice.onnx", piper_onnx_by(Export::Simplified, &config, &held, Precision::F32)).convert("voice.onnx");
    assert_same(&bench.model(), &held, ROUNDING);
}

#[test]
fn a_piper_voice_keeps_its_text_settings() {
    let config = config("2", 3, true);
    let bench = piper(&config, &weights(&config, 2));
    let report = bench.convert("voice.onnx");
    assert!(report.warnings[0].contains("licence"), "{:?}", report.warnings);
    let model = bench.model();
    let metadata = model.metadata();
    assert_eq!((metadata.family, &*metadata.license, metadata.sample_rate_hz), (Family::Vits, "unknown", 22_050));
    assert_eq!(metadata.languages, ["en-us"]);
    assert_eq!(model.voices().count(), 0);
    let stored: Value = serde_json::from_str(&metadata.config).unwrap();
    assert_eq!(stored["upstream"], piper_json(&config));
    assert_eq!(stored["text"]["kind"], "piper");
    let Text::Piper(text) = bench.config().text else { panic!("not Piper's") };
    assert_eq!((&*text.phoneme_type, text.espeak_voice.as_deref()), ("espeak", Some("en-us")));
    assert_eq!((&*text.phoneme_id_map["ʃ"], text.speaker_id_map["s2"]), (&[4, 5][..], 2));

    let licensed = Options { license: Some("CC0-1.0".into()), ..Default::default() };
    bench.convert_with("voice.onnx", &licensed).unwrap();
    assert_eq!(bench.model().metadata().license, "CC0-1.0");
}

#[test]
fn the_model_card_beside_a_piper_voice_says_its_licence() {
    let config = config("2", 1, true);
    let bench = piper(&config, &weights(&config, 2));
    bench.write("MODEL_CARD", "# Model card for voice (medium)\n\n* Language: en_US\n\n## Dataset\n\n* License: CC0\n");
    let report = bench.convert("voice.onnx");
    assert_eq!((&*report.license, &report.warnings), ("CC0-1.0", &Vec::new()));
    assert_eq!(bench.model().metadata().license, "CC0-1.0");
    let told = Options { license: Some("MIT".into()), ..Default::default() };
    fs::remove_file(bench.path("MODEL_CARD")).unwrap();
    let report = bench.convert_with("voice.onnx", &told).unwrap();
    assert_eq!((&*report.license, &report.warnings), ("MIT", &Vec::new()));
    assert_eq!(bench.model().metadata().license, "MIT");
}

#[test]
fn the_language_that_is_given_counts() {
    let config = config("1", 1, true);
    let held = weights(&config, 2);
    let british = Options { language: Some("en_GB".into()), ..Default::default() };
    let bench = piper(&config, &held);
    bench.convert("voice.onnx");
    assert_eq!(bench.model().metadata().languages, ["en-us"]);
    bench.convert_with("voice.onnx", &british).unwrap();
    assert_eq!(bench.model().metadata().languages, ["en-gb"]);
    let bench = hf_folder(&config, &safetensors(&hf(&held, OLD)));
    bench.convert(".");
    assert_eq!(bench.model().metadata().languages, ["kor"]);
    bench.convert_with(".", &Options { language: Some("uig".into()), ..Default::default() }).unwrap();
    assert_eq!(bench.model().metadata().languages, ["uig"]);
}

#[test]
fn a_piper_voice_in_16_bits_is_read() {
    let config = config("2", 1, true);
    let held = weights(&config, 3);
    let bench = piper(&config, &held);
    let report = bench.write("voice.onnx", piper_onnx(&config, &held, Precision::F16)).convert("voice.onnx");
    assert_eq!(report.kind, SourceKind::OnnxF16);
    assert_same(&bench.model(), &held, 0.0);
}

#[test]
fn every_layout_of_a_vits_model_folder_converts_to_the_same_tensors() {
    for (n_speakers, use_sdp) in [(1, true), (3, true), (1, false)] {
        let config = config("1", n_speakers, use_sdp);
        let held = weights(&config, 4);
        let bench = hf_folder(&config, &safetensors(&hf(&held, OLD)));
        let report = bench.convert(".");
        assert_eq!((report.kind, report.tensors), (SourceKind::Safetensors, held.len()));
        assert_same(&bench.model(), &held, ROUNDING);
        assert_eq!(sizes(bench.config()), sizes(config));
        let first = fs::read(bench.path("out/model.safetensors")).unwrap();
        let data = |file: &[u8]| file[8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize..].to_vec();

        bench.write("model.safetensors", safetensors(&hf(&held, NEW))).convert(".");
        assert_eq!(data(&first), data(&fs::read(bench.path("out/model.safetensors")).unwrap()));

        fs::remove_file(bench.path("model.safetensors")).unwrap();
        let report = bench.write("pytorch_model.bin", pth::save_state_dict(&hf(&held, OLD))).convert(".");
        assert_eq!(report.kind, SourceKind::Pth);
        assert_eq!(data(&first), data(&fs::read(bench.path("out/model.safetensors")).unwrap()));
    }
}

#[test]
fn a_vits_model_keeps_its_text_settings_and_licence() {
    let config = config("1", 1, true);
    let bench = hf_folder(&config, &safetensors(&hf(&weights(&config, 5), OLD)));
    bench.write("README.md", "---\ntags:\n- mms\nlicense: cc-by-nc-4.0\n---\n# MMS\nlicense: none\n");
    let report = bench.convert("model.safetensors");
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    let model = bench.model();
    assert_eq!((&*model.metadata().license, &*model.metadata().languages), ("CC-BY-NC-4.0", &["kor".to_string()][..]));
    let Text::Mms(text) = bench.config().text else { panic!("not that of MMS") };
    assert_eq!((text.vocab["ʃ"], text.is_uroman, text.add_blank, text.phonemize), (5, true, true, false));
    assert_eq!((text.pad_token.as_deref(), text.language.as_deref()), (Some(" "), Some("kor")));
    assert_eq!(bench.config().upstream, hf_json(&config));

    fs::remove_file(bench.path("README.md")).unwrap();
    let mut named = hf_json(&config);
    named["_name_or_path"] = "facebook/mms-tts-kor".into();
    bench.json("config.json", &named).convert(".");
    assert_eq!(bench.model().metadata().license, "CC-BY-NC-4.0");
}

#[test]
fn original_checkpoints_convert_from_training_and_wrapped() {
    let config = config("1", 3, true);
    let held = weights(&config, 6);
    let bench = original_folder(&config, &pth::save_training(&original(&held)));
    let report = bench.convert(".");
    assert_eq!((report.kind, report.tensors), (SourceKind::Pth, held.len()));
    assert_same(&bench.model(), &held, ROUNDING);
    let Text::Mms(text) = bench.config().text else { panic!("not that of MMS") };
    assert_eq!((text.vocab["k"], text.vocab[" "], text.vocab["–"], text.vocab.len()), (0, 3, 5, 6));
    assert_eq!((text.is_uroman, text.pad_token.as_deref(), text.language), (true, Some("k"), None));

    let wrapped = original(&held).into_iter().map(|(name, tensor)| (format!("module.{name}"), tensor)).collect();
    let options = Options { language: Some("heb".into()), ..Default::default() };
    bench.write("G_100.pth", pth::save_state_dict(&wrapped)).convert_with("G_100.pth", &options).unwrap();
    assert_same(&bench.model(), &held, ROUNDING);
    assert_eq!(bench.model().metadata().languages, ["heb"]);
}

#[test]
fn conditioning_on_the_speaker_is_dropped_where_there_is_one() {
    let several = config("1", 3, true);
    let mut held = weights(&several, 7);
    held.remove("emb_g.weight");
    let bench = original_folder(&config("1", 1, true), &pth::save_training(&original(&held)));
    bench.convert(".");
    held.retain(|name, _| !name.contains("cond"));
    assert_same(&bench.model(), &held, ROUNDING);
    assert_eq!((bench.config().n_speakers, bench.config().gin_channels), (1, 0));
}

#[test]
fn a_bias_of_the_last_convolution_is_kept() {
    let config = Config { conv_post_bias: true, ..config("1", 1, true) };
    let held = weights(&config, 8);
    assert!(held.contains_key("dec.conv_post.bias"));
    let bench = original_folder(&config, &pth::save_training(&original(&held)));
    bench.convert(".");
    assert_same(&bench.model(), &held, ROUNDING);
}
