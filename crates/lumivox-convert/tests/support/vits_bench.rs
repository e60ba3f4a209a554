//! Folders with VITS checkpoints, and what converting them gives.

use super::Weights;
use super::onnx::Precision;
use super::vits::{hf_json, original_json, piper_json, piper_onnx};
use lumivox_convert::vits::Config;
use lumivox_convert::{ConvertError, ModelFile, Options, Report, convert};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder that checkpoints are written to and converted in.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    pub fn json(&self, name: &str, content: &Value) -> &Self {
        self.write(name, content.to_string())
    }

    pub fn convert_with(&self, input: &str, options: &Options) -> Result<Report, ConvertError> {
        convert(&self.path(input), &self.path("out/model.safetensors"), options, &mut |_| {})
    }

    pub fn convert(&self, input: &str) -> Report {
        fs::create_dir_all(self.path("out")).unwrap();
        self.convert_with(input, &Options::default()).unwrap()
    }

    pub fn error_with(&self, input: &str, options: &Options) -> String {
        fs::create_dir_all(self.path("out")).unwrap();
        let error = self.convert_with(input, options).unwrap_err().to_string();
        assert_eq!(fs::read_dir(self.path("out")).unwrap().count(), 0, "something was left behind");
        error
    }

    pub fn error(&self, input: &str) -> String {
        self.error_with(input, &Options::default())
    }

    pub fn model(&self) -> ModelFile {
        ModelFile::open(self.path("out/model.safetensors")).unwrap()
    }

    pub fn config(&self) -> Config {
        Config::parse(&self.model().metadata().config).unwrap()
    }
}

/// A Piper voice `voice.onnx`.
pub fn piper(config: &Config, weights: &Weights) -> Bench {
    let bench = Bench::new();
    bench.write("voice.onnx", piper_onnx(config, weights, Precision::F32)).json("voice.onnx.json", &piper_json(config));
    bench
}

/// A folder of transformers.
pub fn hf_folder(config: &Config, weights: &[u8]) -> Bench {
    let bench = Bench::new();
    bench.write("model.safetensors", weights).json("config.json", &hf_json(config));
    bench.json("vocab.json", &json!({ "a": 1, "b": 2, " ": 0, "ʃ": 5 }));
    let tokenizer = json!({ "add_blank": true, "is_uroman": true, "language": "kor", "normalize": true, "phonemize": false,
        "pad_token": " ", "tokenizer_class": "VitsTokenizer", "model_max_length": 1e30 });
    bench.json("tokenizer_config.json", &tokenizer);
    bench
}

/// A folder of the original.
pub fn original_folder(config: &Config, checkpoint: &[u8]) -> Bench {
    let bench = Bench::new();
    bench
        .write("G_100.pth", checkpoint)
        .json("config.json", &original_json(config))
        .write("vocab.txt", "k\n'\na\n \nb\n–\n");
    bench
}
