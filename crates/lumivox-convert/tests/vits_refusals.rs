//! What is wrong with a VITS checkpoint, or with what lies beside it, is named, and nothing is written.
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod support;

use lumivox_convert::{ModelFile, Options};
use serde_json::{Value, json};
use std::fs;
use support::onnx::{Precision, export};
use support::vits::{
    NEW, OLD, config, hf, hf_json, original, original_json, piper_json, piper_onnx, safetensors, weights,
};
use support::vits_bench::{Bench, hf_folder, original_folder, piper};
use support::{Weights, pth};

#[test]
fn files_of_another_model_are_refused() {
    let config = config("2", 1, true);
    let held = weights(&config, 9);
    let bench = piper(&config, &held);
    let given = |name: &str| Options { config: Some(bench.path(name)), ..Default::default() };
    bench.write("kokoro.json", support::CONFIG).write("kokoro.onnx", export(&mut support::weights(1), Precision::F32));
    let refused = |input: &str, config: &str| bench.error_with(input, &given(config));
    assert!(
        refused("voice.onnx", "kokoro.json")
            .ends_with("kokoro.json is for Kokoro, but the checkpoint is a Piper voice")
    );
    assert!(refused("kokoro.onnx", "voice.onnx.json").ends_with("is for a Piper voice, but the checkpoint is Kokoro"));
    bench.json("kokoro.onnx.json", &piper_json(&config));
    assert!(bench.error("kokoro.onnx").ends_with("is for a Piper voice, but the checkpoint is Kokoro"));
    bench.json("hf.json", &hf_json(&config)).json("odd.json", &json!({ "phonemes": [] }));
    assert!(refused("voice.onnx", "hf.json").contains("is for a VitsModel of transformers"));
    assert!(refused("voice.onnx", "odd.json").contains("missing field `audio`"));
    assert!(refused("voice.onnx", "voice.onnx").contains("is not UTF-8"));
    let voices = Options { voices: vec![bench.path("af.bin")], ..Default::default() };
    assert!(bench.error_with("voice.onnx", &voices).contains("no voice files"));
    bench.write("pth", pth::save_training(&original(&held)));
    assert!(
        refused("pth", "voice.onnx.json")
            .contains("is for a Piper voice, but the checkpoint is an original VITS model")
    );
}

#[test]
fn a_json_of_another_voice_is_refused() {
    let one = config("2", 1, true);
    let bench = piper(&one, &weights(&one, 10));
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut json = piper_json(&one);
        change(&mut json);
        bench.json("voice.onnx.json", &json).error("voice.onnx")
    };
    assert!(refused(&|j| j["num_speakers"] = 2.into()).contains("`num_speakers` of"));
    assert!(refused(&|j| j["num_symbols"] = 130.into()).contains("is 130, but the tensors show 6"));
    assert!(
        refused(&|j| j["phoneme_id_map"]["ʒ"] = json!([6]))
            .contains("the symbol \"ʒ\" has the id 6, but the model has 6")
    );
    assert!(refused(&|j| j["speaker_id_map"]["eve"] = 1.into()).contains("the speaker \"eve\" has the id 1"));
    assert!(refused(&|j| j["phoneme_id_map"] = json!({})).contains("vocabulary is empty"));
    assert!(refused(&|j| j["audio"] = json!({})).contains("missing field `sample_rate`"));
    assert!(refused(&|j| j["audio"]["sample_rate"] = 0.into()).contains("`sampling_rate`"));
    assert!(refused(&|j| j["inference"]["length_scale"] = 0.into()).contains("`length_scale`"));
    assert!(refused(&|j| j["espeak"] = json!({})).contains("no espeak voice is given"));
    for mark in ["^", "_", "$"] {
        let without = |j: &mut Value| drop(j["phoneme_id_map"].as_object_mut().unwrap().remove(mark));
        assert!(refused(&without).contains(&format!("`phoneme_id_map` has no `{mark}`")), "{mark}");
    }
    assert!(refused(&|j| j["vowel_clusters"] = json!([["a", "ʃ"]])).contains("has no `aʃ`, which is one of"));
    assert!(refused(&|j| j["vowel_clusters"] = json!("aɪ")).contains("invalid type"));
    assert!(refused(&|j| j["default_speaker_id"] = 1.into()).contains("is 1, but the last speaker is 0"));
    let three = config("2", 3, true);
    bench.write("voice.onnx", piper_onnx(&three, &weights(&three, 10), Precision::F32));
    assert!(refused(&|_| ()).contains("`num_speakers` of"));
}

#[test]
fn configurations_that_disagree_with_the_tensors_are_refused() {
    let config = config("1", 1, true);
    let held = weights(&config, 11);
    let bench = hf_folder(&config, &safetensors(&hf(&held, OLD)));
    let refused = |key: &str, value: Value| {
        let mut json = hf_json(&config);
        json[key] = value;
        bench.json("config.json", &json).error(".")
    };
    for key in ["hidden_size", "num_attention_heads", "num_hidden_layers", "window_size", "prior_encoder_num_flows"] {
        assert!(refused(key, 7.into()).contains(&format!("`{key}` of")), "{key}");
    }
    assert!(refused("duration_predictor_flow_bins", 10.into()).contains("is 10, but the tensors show 3"));
    assert!(refused("upsample_rates", json!([3, 2])).contains("their difference is odd"));
    assert!(refused("upsample_rates", json!([4])).contains("differ in length"));
    assert!(refused("resblock_dilation_sizes", json!([[1, 3], [1, 3]])).contains("`dec.resblocks.0.convs1.2."));
    assert!(refused("hidden_act", "gelu".into()).contains("`hidden_act` is \"gelu\", but only \"relu\" is supported"));
    assert!(refused("wavenet_dilation_rate", 2.into()).contains("`wavenet_dilation_rate` is 2"));
    assert!(refused("speaking_rate", 0.into()).contains("`length_scale`"));
    assert!(refused("sampling_rate", Value::Null).contains("config.json: "));

    let bench = original_folder(&config, &pth::save_training(&original(&held)));
    assert!(bench.write("vocab.txt", "a\nb\n").error(".").contains("`vocab.txt` of"));
    let mut json = original_json(&config);
    json["model"]["resblock"] = "2".into();
    assert!(bench.json("config.json", &json).error(".").contains("`resblock` of"));
}

#[test]
fn missing_files_are_named() {
    let config = config("2", 1, true);
    let held = weights(&config, 12);
    let without = |bench: &Bench, file: &str, input: &str| {
        let kept = fs::read(bench.path(file)).unwrap();
        fs::remove_file(bench.path(file)).unwrap();
        let error = bench.error(input);
        bench.write(file, kept);
        error
    };
    assert!(without(&piper(&config, &held), "voice.onnx.json", "voice.onnx").contains("voice.onnx.json is missing: "));
    let config = support::vits::config("1", 1, true);
    let held = weights(&config, 12);
    let bench = hf_folder(&config, &safetensors(&hf(&held, OLD)));
    for file in ["config.json", "vocab.json", "tokenizer_config.json"] {
        assert!(without(&bench, file, ".").contains(&format!("{file} is missing: ")), "{file}");
    }
    assert!(without(&bench, "model.safetensors", ".").contains("is a folder without"));
    let bench = original_folder(&config, &pth::save_training(&original(&held)));
    for file in ["config.json", "vocab.txt"] {
        assert!(without(&bench, file, ".").contains(&format!("{file} is missing: ")), "{file}");
    }
    assert!(bench.write("D_100.pth", "").error(".").contains("several checkpoints"));
}

#[test]
fn missing_extra_misshaped_and_nan_tensors_are_named() {
    let config = config("1", 1, true);
    let refused = |change: &dyn Fn(&mut Weights)| {
        let mut weights = weights(&config, 13);
        change(&mut weights);
        let onnx = piper(&config, &weights).error("voice.onnx");
        let hf = hf_folder(&config, &safetensors(&hf(&weights, NEW))).error(".");
        let pth = original_folder(&config, &pth::save_training(&original(&weights))).error(".");
        [onnx, hf, pth]
    };
    let all = |errors: [String; 3], expected: &str| {
        errors.iter().for_each(|e| assert!(e.contains(expected), "{expected}: {e}"));
    };
    all(refused(&|w| drop(w.remove("dec.ups.1.bias"))), "the checkpoint lacks the tensor `dec.ups.1.bias`");
    all(refused(&|w| drop(w.remove("enc_p.emb.weight"))), "the checkpoint lacks the tensor `enc_p.emb.weight`");
    all(refused(&|w| drop(w.insert("dec.extra.bias".into(), (vec![1], vec![0.0])))), "has the tensor `dec.extra.bias`");
    let misshaped = |w: &mut Weights| drop(w.insert("dec.ups.1.bias".into(), (vec![3], vec![0.0; 3])));
    all(refused(&misshaped), "`dec.ups.1.bias` has shape [3], the configuration asks for [2]");
    let flat = |w: &mut Weights| drop(w.insert("enc_p.emb.weight".into(), (vec![24], vec![0.0; 24])));
    all(refused(&flat), "`enc_p.emb.weight` has shape [24], where 2 axes are needed");
    all(
        refused(&|w| w.get_mut("enc_p.proj.weight").unwrap().1[0] = f32::NAN),
        "`enc_p.proj.weight` has values that are NaN",
    );
    all(
        refused(&|w| w.get_mut("dp.flows.0.logs").unwrap().1[1] = f32::NAN),
        "`dp.flows.0.logs` has values that are NaN",
    );
}

#[test]
fn quantised_voices_are_refused() {
    let config = config("2", 1, true);
    let held = weights(&config, 14);
    for operator in ["ConvInteger", "DynamicQuantizeLinear", "DequantizeLinear", "QLinearConv", "MatMulNBits"] {
        let mut onnx = piper_onnx(&config, &held, Precision::F32);
        let mut graph = support::onnx::Graph::default();
        graph.node(operator, "/dec/conv_pre/Conv_quant", &["x", "w", "z", "y"], "quantised");
        // Messages of protobuf merge when they are concatenated.
        onnx.extend(graph.model());
        let error = piper(&config, &held).write("voice.onnx", onnx).error("voice.onnx");
        assert!(error.contains(&format!("is quantised ({operator})")), "{error}");
    }
}

#[test]
fn dilations_that_vits_does_not_have_are_refused() {
    let voice = config("2", 1, true);
    let held = weights(&voice, 15);
    let mut graph = support::onnx::Graph::default();
    let attribute = [support::onnx::text(1, "dilations"), support::onnx::varint(8, 2)].concat();
    let name = "/flow/flows.0/enc/in_layers.1/Conv";
    graph.node_with("Conv", name, &["x", "computed"], "dilated", &attribute);
    let onnx = [piper_onnx(&voice, &held, Precision::F32), graph.model()].concat();
    assert!(piper(&voice, &held).write("voice.onnx", onnx).error("voice.onnx").contains("dilations"));
}

#[test]
fn one_weight_of_very_many_modules_is_not_copied() {
    let voice = config("2", 1, true);
    let mut graph = support::onnx::Graph::default();
    graph.float("shared", &[500, 500, 4], &vec![0.5; 1_000_000]);
    for i in 100..10_000 {
        graph.node("Conv", &format!("/flow/flows.{i}/pre/Conv"), &["x", "shared"], "copy");
    }
    let onnx = [piper_onnx(&voice, &weights(&voice, 19), Precision::F32), graph.model()].concat();
    let error = piper(&voice, &Weights::new()).write("voice.onnx", onnx).error("voice.onnx");
    assert!(error.contains("used for more tensors than in any model"), "{error}");
}

#[test]
fn what_only_training_needs_is_refused() {
    let config = config("1", 1, true);
    let posterior: Weights =
        original(&weights(&config, 16)).into_iter().filter(|(n, _)| n.starts_with("enc_q")).collect();
    let bench = original_folder(&config, &pth::save_training(&posterior));
    assert!(bench.error(".").contains("only tensors that training needs"));
    let posterior = Weights::from([("posterior_encoder.conv_pre.weight".into(), (vec![1, 1, 1], vec![0.5]))]);
    assert!(hf_folder(&config, &safetensors(&posterior)).error(".").contains("only tensors that training needs"));
    let discriminator = Weights::from([("discriminators.0.convs.0.bias".into(), (vec![1], vec![0.5]))]);
    assert!(bench.write("G_100.pth", pth::save_training(&discriminator)).error(".").contains("is a discriminator"));
}

#[test]
fn other_safetensors_files_are_refused() {
    let config = config("1", 1, true);
    let bench = hf_folder(&config, &safetensors(&hf(&weights(&config, 17), OLD)));
    bench.convert(".");
    fs::rename(bench.path("out/model.safetensors"), bench.path("done.safetensors")).unwrap();
    assert!(bench.error("done.safetensors").contains("is a model file already"));
    let other = Weights::from([("encoder.weight".into(), (vec![1], vec![0.0]))]);
    assert!(
        bench.write("other.safetensors", safetensors(&other)).error("other.safetensors").contains("no supported model")
    );
    let bytes = fs::read(bench.path("model.safetensors")).unwrap();
    assert!(bench.write("model.safetensors", &bytes[..bytes.len() - 4]).error(".").contains("cut short"));
}

#[test]
fn a_model_file_with_another_configuration_is_refused() {
    let one = config("2", 1, true);
    let bench = piper(&one, &weights(&one, 18));
    bench.convert("voice.onnx");
    let path = bench.path("out/model.safetensors");
    let intact = fs::read(&path).unwrap();
    let refused = |change: &dyn Fn(&mut Value)| {
        let len = u64::from_le_bytes(intact[..8].try_into().unwrap()) as usize;
        let mut header: Value = serde_json::from_slice(&intact[8..8 + len]).unwrap();
        let mut config: Value = serde_json::from_str(header["__metadata__"]["config"].as_str().unwrap()).unwrap();
        change(&mut config);
        header["__metadata__"]["config"] = config.to_string().into();
        let json = header.to_string().into_bytes();
        fs::write(&path, [&(json.len() as u64).to_le_bytes()[..], &json, &intact[8 + len..]].concat()).unwrap();
        ModelFile::open(&path).unwrap_err().to_string()
    };
    assert!(refused(&|c| c["n_layers"] = 3.into()).contains("`enc_p.encoder.attn_layers.2.conv_k.bias` is missing"));
    assert!(refused(&|c| c["n_layers"] = 1.into()).contains("`enc_p.encoder.attn_layers.1.conv_k.bias` is not part"));
    assert!(
        refused(&|c| c["n_vocab"] = 7.into())
            .contains("`enc_p.emb.weight` has shape [6, 4], the configuration asks for [7, 4]")
    );
    for (key, value) in [
        ("n_layers", 1u64 << 40),
        ("n_flows", 65),
        ("upsample_initial_channel", 3),
        ("n_speakers", 0),
        ("dp_n_flows", 1),
    ] {
        assert!(refused(&|c| c[key] = value.into()).contains(&format!("`{key}`")), "{key}");
    }
    assert!(refused(&|c| c["resblock"] = "3".into()).contains("`resblock`"));
    assert!(refused(&|c| c["resblock_kernel_sizes"] = json!([4, 5])).contains("is not odd"));
    assert!(refused(&|c| c["text"]["kind"] = "tokens".into()).contains("configuration cannot be used"));
}
