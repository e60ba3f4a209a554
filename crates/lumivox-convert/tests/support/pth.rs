//! `torch.save` of Kokoro's five state dicts, and of others.

use super::{Weights, has_weight_norm};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const SECTIONS: [&str; 5] = ["bert", "bert_encoder", "predictor", "decoder", "text_encoder"];

/// The original checkpoint's layout: five dicts, a `module.` prefix, and weight norm split into `weight_g` and `weight_v`, where
/// `weight_v` is some multiple of the weight. ALBERT's unused pooler is there too.
pub fn checkpoint(weights: &Weights) -> Vec<u8> {
    let mut dicts: BTreeMap<&str, Weights> = SECTIONS.into_iter().map(|s| (s, Weights::new())).collect();
    for (name, (shape, data)) in weights {
        let (section, parameter) = name.split_once('.').unwrap();
        let dict = dicts.get_mut(section).unwrap();
        let key = format!("module.{parameter}");
        if !has_weight_norm(name, shape) {
            dict.insert(key, (shape.clone(), data.clone()));
            continue;
        }
        let (magnitude, direction) = split_weight_norm(shape, data);
        dict.insert(format!("{key}_g"), magnitude);
        dict.insert(format!("{key}_v"), direction);
    }
    dicts.get_mut("bert").unwrap().insert("module.pooler.weight".into(), (vec![4, 4], vec![0.5; 16]));
    save(&dicts)
}

type Tensor = (Vec<usize>, Vec<f32>);

/// A weight's magnitude and direction.
pub fn split_weight_norm(shape: &[usize], data: &[f32]) -> (Tensor, Tensor) {
    let norm = |row: &[f32]| row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt() as f32;
    let magnitudes = data.chunks(data.len() / shape[0]).map(norm).collect();
    ((vec![shape[0], 1, 1], magnitudes), (shape.to_vec(), data.iter().map(|v| v * 4.0).collect()))
}

/// `torch.save` of a dictionary of state dicts.
pub fn save(dicts: &BTreeMap<&str, Weights>) -> Vec<u8> {
    let mut pickle = Pickle::default();
    pickle.bytes.extend(b"\x80\x02}(");
    for (section, dict) in dicts {
        pickle.string(section);
        pickle.dict(dict);
    }
    pickle.bytes.extend(b"u.");
    pickle.archive()
}

/// `torch.save` of one state dict.
pub fn save_state_dict(dict: &Weights) -> Vec<u8> {
    let mut pickle = Pickle { bytes: b"\x80\x02".to_vec(), storages: Vec::new() };
    pickle.dict(dict);
    pickle.bytes.push(b'.');
    pickle.archive()
}

/// What a training script saves: the state dict, and the optimizer's, whose keys are numbers.
pub fn save_training(dict: &Weights) -> Vec<u8> {
    let mut pickle = Pickle::default();
    pickle.bytes.extend(b"\x80\x02}(");
    pickle.string("model");
    pickle.dict(dict);
    pickle.string("iteration");
    pickle.integer(100);
    pickle.string("optimizer");
    pickle.bytes.extend(b"}(");
    pickle.integer(0);
    pickle.dict(&Weights::from([("exp_avg".into(), (vec![2], vec![0.5; 2]))]));
    pickle.bytes.extend(b"u");
    pickle.string("learning_rate");
    pickle.bytes.extend(b"G");
    pickle.bytes.extend(2e-4f64.to_be_bytes());
    pickle.bytes.extend(b"u.");
    pickle.archive()
}

/// `torch.save` of one tensor, as the hub's voices are.
pub fn save_tensor(shape: &[usize], data: &[f32]) -> Vec<u8> {
    let mut pickle = Pickle { bytes: b"\x80\x02".to_vec(), storages: Vec::new() };
    pickle.tensor(shape, data);
    pickle.bytes.push(b'.');
    pickle.archive()
}

#[derive(Default)]
struct Pickle {
    bytes: Vec<u8>,
    storages: Vec<Vec<u8>>,
}

impl Pickle {
    fn string(&mut self, text: &str) {
        self.bytes.push(b'X');
        self.bytes.extend((text.len() as u32).to_le_bytes());
        self.bytes.extend(text.as_bytes());
    }

    fn integer(&mut self, value: usize) {
        self.bytes.push(b'J');
        self.bytes.extend((value as u32).to_le_bytes());
    }

    fn sizes(&mut self, values: &[usize]) {
        self.bytes.push(b'(');
        values.iter().for_each(|&v| self.integer(v));
        self.bytes.push(b't');
    }

    fn dict(&mut self, dict: &Weights) {
        self.bytes.extend(b"}(");
        for (name, (shape, data)) in dict {
            self.string(name);
            self.tensor(shape, data);
        }
        self.bytes.push(b'u');
    }

    fn tensor(&mut self, shape: &[usize], data: &[f32]) {
        self.bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.string("storage");
        self.bytes.extend(b"ctorch\nFloatStorage\n");
        self.string(&self.storages.len().to_string());
        self.string("cpu");
        self.integer(data.len());
        self.bytes.extend(b"tQ");
        self.integer(0);
        self.sizes(shape);
        let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        self.sizes(&strides);
        self.bytes.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        self.storages.push(data.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    fn archive(self) -> Vec<u8> {
        archive(&self.bytes, &self.storages)
    }
}

/// The archive of a pickle and the storages `0`, `1` …
pub fn archive(pickle: &[u8], storages: &[Vec<u8>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut entry = |name: &str, bytes: &[u8]| {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(format!("kokoro/{name}"), stored).unwrap();
        zip.write_all(bytes).unwrap();
    };
    entry("data.pkl", pickle);
    entry("byteorder", b"little");
    for (i, storage) in storages.iter().enumerate() {
        entry(&format!("data/{i}"), storage);
    }
    zip.finish().unwrap().into_inner()
}
