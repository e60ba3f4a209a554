//! Every kind of checkpoint of one small model converts to the same tensors, and what is wrong with a checkpoint is named.
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod support;

use lumivox_convert::{ConfigOrigin, ConvertError, Dtype, ModelFile, Options, Report, SourceKind, convert};
use std::fs;
use std::path::{Path, PathBuf};
use support::onnx::{Precision, export};
use support::{CONFIG, VOICE_SHAPE, Weights, assert_same, floats, pth, voice_bytes, weights};
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), CONFIG).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn convert_with(&self, bytes: &[u8], options: &Options) -> Result<Report, ConvertError> {
        fs::write(self.path("input"), bytes).unwrap();
        convert(&self.path("input"), &self.path("model.safetensors"), options, &mut |_| {})
    }

    fn convert(&self, bytes: &[u8]) -> Result<Report, ConvertError> {
        self.convert_with(bytes, &Options::default())
    }

    fn model(&self) -> ModelFile {
        ModelFile::open(self.path("model.safetensors")).unwrap()
    }

    fn error(&self, bytes: &[u8]) -> String {
        let error = self.convert(bytes).unwrap_err().to_string();
        let left: Vec<_> = fs::read_dir(self.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "something was left behind: {left:?}");
        error
    }
}

#[test]
fn int8_f32_and_pth_of_the_same_weights_convert_to_the_same_tensors() {
    let bench = Bench::new();
    let mut held = weights(1);
    let int8 = export(&mut held, Precision::Int8);
    let report = bench.convert(&int8).unwrap();
    assert_eq!(report.kind, SourceKind::OnnxInt8);
    assert_eq!(report.tensors, held.len());
    assert_eq!(report.config, ConfigOrigin::File(bench.path("config.json")));
    let count = |operator: &str| {
        report.dequantized.iter().filter(|(k, _)| k.starts_with(operator)).map(|(_, n)| n).sum::<usize>()
    };
    assert_eq!(count("DynamicQuantizeLSTM"), 20, "five LSTMs with four weights each");
    assert_eq!(count("Gather"), 4);
    let matrices =
        held.iter().filter(|(n, (shape, _))| shape.len() == 2 && !n.contains("embeddings") && !n.contains("_l0"));
    assert_eq!(count("MatMulInteger"), matrices.count() - 1, "all but the text encoder's embedding");
    assert!(count("ConvInteger") > 50);
    assert_same(&bench.model(), &held, 0.0);

    assert_eq!(bench.convert(&export(&mut held.clone(), Precision::F32)).unwrap().kind, SourceKind::OnnxF32);
    assert_same(&bench.model(), &held, 0.0);

    let report = bench.convert(&pth::checkpoint(&held)).unwrap();
    assert_eq!((report.kind, report.dequantized.len()), (SourceKind::Pth, 0));
    // Weight norm is folded in f64; the magnitude itself is rounded to f32. Values reach 16.
    assert_same(&bench.model(), &held, 1e-6);
}

#[test]
fn f16_exports_are_read() {
    let bench = Bench::new();
    let mut held = weights(2);
    let report = bench.convert(&export(&mut held, Precision::F16)).unwrap();
    assert_eq!(report.kind, SourceKind::OnnxF16);
    assert_same(&bench.model(), &held, 0.0);
}

#[test]
fn f16_output_halves_the_file() {
    let bench = Bench::new();
    let held = weights(3);
    let options = Options { dtype: Dtype::F16, ..Default::default() };
    bench.convert_with(&pth::checkpoint(&held), &options).unwrap();
    let model = bench.model();
    assert_eq!(model.dtype(), Dtype::F16);
    for (name, (_, expected)) in &held {
        let tensor = model.tensor(name).unwrap();
        let halves = tensor.data().as_chunks::<2>().0.iter().map(|&b| half::f16::from_le_bytes(b).to_f32());
        assert!(halves.zip(expected).all(|(a, b)| (a - b).abs() <= b.abs() / 1024.0), "{name}");
    }
}

#[test]
fn rows_of_zeros_have_no_direction_and_stay_zeros() {
    let bench = Bench::new();
    let mut held = weights(4);
    let (_, data) = held.get_mut("decoder.generator.conv_post.weight").unwrap();
    data[..14].fill(0.0); // two rows of one channel and seven taps
    let report = bench.convert(&pth::checkpoint(&held)).unwrap();
    assert!(report.warnings.iter().any(|w| w.starts_with("2 weight rows")), "{:?}", report.warnings);
    assert_same(&bench.model(), &held, 1e-6);
}

#[test]
fn every_kind_of_voice_file_is_read() {
    let bench = Bench::new();
    let voices = bench.path("voices");
    fs::create_dir(&voices).unwrap();
    let raw: Vec<Vec<u8>> = (0..4).map(voice_bytes).collect();
    let [rows, columns] = VOICE_SHAPE;
    fs::write(voices.join("af_bin.bin"), &raw[0]).unwrap();
    fs::write(voices.join("bm_pt.pt"), pth::save_tensor(&[rows, 1, columns], &floats(&raw[1]))).unwrap();
    fs::write(voices.join("README.md"), "not a voice").unwrap();
    let npz = npz(&[("jf_one", &raw[2]), ("zf_two", &raw[3])]);
    fs::write(voices.join("voices-v1.0.bin"), npz).unwrap();
    let report = bench.convert(&pth::checkpoint(&weights(5))).unwrap();
    assert_eq!(report.voices, ["af_bin", "bm_pt", "jf_one", "zf_two"]);
    let model = bench.model();
    assert_eq!(model.voices().collect::<Vec<_>>(), report.voices);
    assert_eq!(model.metadata().languages, ["en-gb", "en-us", "ja", "zh"]);
    for (name, raw) in report.voices.iter().zip(&raw) {
        assert_eq!(model.voice(name).unwrap().shape(), VOICE_SHAPE);
        assert_eq!(model.voice(name).unwrap().data(), raw);
    }
}

fn npz(voices: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, data) in voices {
        let header = format!(
            "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, 1, {}), }}\n",
            VOICE_SHAPE[0], VOICE_SHAPE[1]
        );
        zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"\x93NUMPY\x01\0").unwrap();
        zip.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        zip.write_all(&[header.as_bytes(), data].concat()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn bad_voices_are_named() {
    let bench = Bench::new();
    let bytes = pth::checkpoint(&weights(6));
    let error = |name: &str, content: &[u8]| {
        fs::write(bench.path(name), content).unwrap();
        let options = Options { voices: vec![bench.path(name)], ..Default::default() };
        bench.convert_with(&bytes, &options).unwrap_err().to_string()
    };
    assert!(error("short.bin", &[0; 12]).contains("has 12 bytes"));
    assert!(error("nan.bin", &f32::NAN.to_le_bytes().repeat(20)).contains("NaN"));
    assert!(error("shape.pt", &pth::save_tensor(&[2, 2], &[0.0; 4])).contains("shape [2, 2], not [5, 4]"));
    assert!(error("a b.bin", &voice_bytes(0)).contains("\"a b\""));
    assert!(error("dict.pt", &bytes).contains("no single tensor"));
    let twice = Options { voices: vec![bench.path("a.bin"), bench.path("a.bin")], ..Default::default() };
    fs::write(bench.path("a.bin"), voice_bytes(0)).unwrap();
    assert!(bench.convert_with(&bytes, &twice).unwrap_err().to_string().contains("`a` was given already"));
}

#[test]
fn missing_extra_misshaped_and_nan_tensors_are_named() {
    let bench = Bench::new();
    let name = "decoder.encode.conv1.bias";
    let changed = |change: &dyn Fn(&mut Weights)| {
        let mut weights = weights(7);
        change(&mut weights);
        weights
    };
    let missing = changed(&|w| drop(w.remove(name)));
    assert_eq!(bench.error(&pth::checkpoint(&missing)), format!("the checkpoint lacks the tensor `{name}`"));
    assert!(bench.error(&export(&mut missing.clone(), Precision::F32)).contains(name));
    let two = changed(&|w| w.retain(|n, _| !n.starts_with("bert_encoder.")));
    assert!(bench.error(&pth::checkpoint(&two)).ends_with("`bert_encoder.bias` (and 1 more)"));
    let extra = changed(&|w| drop(w.insert("decoder.surprise.weight".into(), (vec![1], vec![0.0]))));
    assert!(bench.error(&pth::checkpoint(&extra)).contains("decoder.module.surprise.weight"));
    assert!(bench.error(&export(&mut extra.clone(), Precision::F32)).contains("decoder.surprise.weight"));
    let misshaped = changed(&|w| drop(w.insert(name.into(), (vec![2, 2], vec![0.0; 4]))));
    assert!(
        bench
            .error(&pth::checkpoint(&misshaped))
            .contains(&format!("`{name}` has shape [2, 2], the configuration asks for [4]"))
    );
    let nan = changed(&|w| w.get_mut(name).unwrap().1[0] = f32::NAN);
    assert!(bench.error(&pth::checkpoint(&nan)).contains(name));
}

#[test]
fn values_beyond_f16_are_refused_for_f16_output() {
    let bench = Bench::new();
    let mut held = weights(8);
    held.get_mut("bert_encoder.bias").unwrap().1[0] = 1e5;
    let options = Options { dtype: Dtype::F16, ..Default::default() };
    assert!(
        bench.convert_with(&pth::checkpoint(&held), &options).unwrap_err().to_string().contains("bert_encoder.bias")
    );
}

#[test]
fn other_files_are_refused_with_a_reason() {
    let bench = Bench::new();
    assert!(bench.error(b"").contains("is empty"));
    assert!(bench.error(b"hello, this is text").contains("neither a PyTorch nor an ONNX"));
    assert!(bench.error(&[&16u64.to_le_bytes()[..], b"{\"a\":1}"].concat()).contains("safetensors"));
    assert!(bench.error(include_bytes!("data/legacy.pth")).contains("torch.save it again"));
    assert!(bench.error(include_bytes!("data/code.pth")).contains("no code is run"));
    let missing = convert(Path::new("/nonexistent/model.pth"), &bench.path("o"), &Options::default(), &mut |_| {});
    assert!(matches!(missing, Err(ConvertError::Io { .. })));
}

#[test]
fn an_unwritable_output_is_an_error() {
    let bench = Bench::new();
    fs::write(bench.path("input"), pth::checkpoint(&weights(9))).unwrap();
    let output = bench.path("no/such/folder/model.safetensors");
    let error = convert(&bench.path("input"), &output, &Options::default(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("no/such/folder"));
}

#[test]
fn progress_runs_through_all_stages_to_their_ends() {
    let bench = Bench::new();
    fs::write(bench.path("input"), pth::checkpoint(&weights(10))).unwrap();
    let mut seen = Vec::new();
    let output = bench.path("model.safetensors");
    convert(&bench.path("input"), &output, &Options::default(), &mut |p| seen.push(p)).unwrap();
    use lumivox_convert::Stage;
    for stage in [Stage::Read, Stage::Convert, Stage::Write] {
        let last = seen.iter().rfind(|p| p.stage == stage).unwrap();
        assert_eq!((last.done_bytes, last.total_bytes > 0), (last.total_bytes, true), "{stage:?}");
    }
}
