//! Packages that are made to do harm: names and links that lead out of their folder, and archives that hold more than they should.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod store_support;

use lumivox_convert::ModelFile;
use std::fs;
use std::io::Write;
use std::path::Path;
use store_support::{Machine, checkpoint, manifest, sha256};
use tar::EntryType;

/// An entry of a tarball as it stands there, whatever its name.
fn entry(tar: &mut tar::Builder<Vec<u8>>, name: &str, kind: EntryType, link: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, content).unwrap();
}

/// The mirror of the small model with another package of voices, and what pulling from it gives.
fn pull(machine: &Machine, tar: tar::Builder<Vec<u8>>) -> Result<ModelFile, String> {
    let mirror = manifest(&machine.install_mirror());
    let path = machine.path("packages/tiny-js-1.0.tgz");
    let old = sha256(&fs::read(&path).unwrap());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    let tarball = gzip.finish().unwrap();
    fs::write(path, &tarball).unwrap();
    let mirror = mirror.replace(&old, &sha256(&tarball));
    let pulled = machine.store(&mirror).pull("tiny-int8", false, &()).map_err(|error| error.to_string())?;
    Ok(ModelFile::open(pulled.path).unwrap())
}

fn tarball() -> tar::Builder<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    entry(&mut tar, "package/config.json", EntryType::Regular, "", checkpoint::CONFIG.as_bytes());
    entry(&mut tar, "package/voices/af_one.bin", EntryType::Regular, "", &checkpoint::voice_bytes(1));
    tar
}

/// All files below a folder that hold `content`.
fn holding(folder: &Path, content: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(holding(&path, content));
        } else if fs::read(&path).is_ok_and(|bytes| bytes == content) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn names_that_lead_out_of_the_folder_are_passed_over() {
    let machine = Machine::new(None);
    let outside = machine.path("outside.bin");
    let absolute = outside.to_str().unwrap();
    assert!(absolute.len() < 100, "a tarball's names are short: {absolute}");
    let mut tar = tarball();
    for name in [
        "package/voices/../../../evil.bin",
        "../evil.bin",
        "package/voices/..\\evil.bin",
        "package/voices/C:evil.bin",
        absolute,
    ] {
        entry(&mut tar, name, EntryType::Regular, "", b"evil");
    }
    let model = pull(&machine, tar).unwrap();
    assert_eq!(model.voices().collect::<Vec<_>>(), ["af_one"]);
    assert_eq!(holding(machine.folder.path(), b"evil"), Vec::<String>::new());
}

#[test]
fn links_are_not_made_and_nothing_is_written_through_them() {
    for kind in [EntryType::Symlink, EntryType::Link] {
        let machine = Machine::new(None);
        let target = machine.path("mine.txt");
        fs::write(&target, "mine").unwrap();
        let mut tar = tarball();
        entry(&mut tar, "package/voices/af_two.bin", kind, target.to_str().unwrap(), b"");
        entry(&mut tar, "package/voices/af_two.bin", EntryType::Regular, "", &checkpoint::voice_bytes(2));
        let model = pull(&machine, tar).unwrap();
        assert_eq!(model.voices().collect::<Vec<_>>(), ["af_one", "af_two"]);
        assert_eq!(fs::read(&target).unwrap(), b"mine", "{kind:?}");
    }
}

#[test]
fn packages_of_very_many_or_very_large_voices_are_refused() {
    let machine = Machine::new(None);
    let mut tar = tarball();
    for i in 0..1001 {
        entry(&mut tar, &format!("package/voices/v{i}.bin"), EntryType::Regular, "", b"");
    }
    let error = pull(&machine, tar).unwrap_err();
    assert!(error.contains("more voices than any model"), "{error}");
    assert!(machine.is_clean());

    // What is longer than any voice is cut, so that it is no voice.
    let mut tar = tarball();
    entry(&mut tar, "package/voices/af_long.bin", EntryType::Regular, "", &vec![0; 17 << 20]);
    let error = pull(&Machine::new(None), tar).unwrap_err();
    assert!(error.contains("has 16777216 bytes"), "{error}");
}

#[test]
fn sizes_that_a_wheel_claims_are_not_believed() {
    let machine = Machine::new(None);
    let mirror = manifest(&machine.install_mirror());
    let path = machine.path("packages/tiny_0-1.0-py3-none-any.whl");
    let mut bytes = fs::read(&path).unwrap();
    // The size in the directory: four gigabytes where there is a part of a small model, which is what counts.
    let directory = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[directory + 24..directory + 28].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let pulled = machine.store(&mirror).pull("tiny-int8", false, &()).unwrap();
    assert!(ModelFile::open(pulled.path).is_ok());

    // And where there is more than the manifest says, no more than that is unpacked.
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("tiny_0/part.bin", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&vec![0; 64 << 20]).unwrap();
    fs::write(&path, zip.finish().unwrap().into_inner()).unwrap();
    let error = machine.store(&mirror).pull("tiny-int8", true, &()).unwrap_err().to_string();
    assert!(error.contains("SHA-256"), "{error}");
    assert!(!machine.path("home/tmp/tiny-int8").exists());
}
