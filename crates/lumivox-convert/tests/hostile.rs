//! Damaged files are refused without a panic or an overflow of the stack, and made-up ones cost no more memory or time than their length allows.
#![allow(clippy::unwrap_used, clippy::expect_used)] // in functions that tests share

mod support;

use lumivox_convert::{ModelFile, Options, convert};
use proptest::prelude::*;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use support::onnx::{Graph, Precision, export};
use support::{CONFIG, Random, pth, vits, voice_bytes, weights};

/// Converts damaged copies of `bytes`: cut at a random place, or with a few random bytes, many of them in the first or last part,
/// where headers and directories are.
fn convert_damaged(bytes: &[u8], seed: u64) {
    convert_damaged_beside(&[("config.json", CONFIG.to_string())], bytes, seed);
}

/// As [`convert_damaged`], with `files` beside the checkpoint.
fn convert_damaged_beside(files: &[(&str, String)], bytes: &[u8], seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("input"), folder.path().join("output"));
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let mut random = Random(seed);
    let mut damaged = bytes.to_vec();
    if random.below(4) == 0 {
        damaged.truncate(random.below(bytes.len()));
    } else {
        for _ in 0..=random.below(8) {
            let at = match random.below(3) {
                0 => random.below(bytes.len().min(4096)),
                1 => bytes.len() - 1 - random.below(bytes.len().min(4096)),
                _ => random.below(bytes.len()),
            };
            damaged[at] = [random.next() as u8, 0, 0xff, damaged[at] ^ 1 << random.below(8)][random.below(4)];
        }
    }
    fs::write(&input, &damaged).unwrap();
    if convert(&input, &output, &Options::default(), &mut |_| {}).is_err() {
        assert!(!output.exists(), "a failed conversion left a file");
    } else {
        ModelFile::open(&output).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damaged_pth(seed: u64) {
        convert_damaged(&pth::checkpoint(&weights(1)), seed);
    }

    #[test]
    fn damaged_pth_by_torch(seed: u64) {
        convert_damaged(include_bytes!("data/nested.pth"), seed);
    }

    #[test]
    fn damaged_int8_onnx(seed: u64) {
        convert_damaged(&export(&mut weights(1), Precision::Int8), seed);
    }

    #[test]
    fn damaged_f32_onnx(seed: u64) {
        convert_damaged(&export(&mut weights(1), Precision::F32), seed);
    }

    #[test]
    fn damaged_piper_voice(seed: u64) {
        let config = vits::config("2", 3, true);
        let onnx = vits::piper_onnx(&config, &vits::weights(&config, 1), Precision::F32);
        convert_damaged_beside(&[("input.json", vits::piper_json(&config).to_string())], &onnx, seed);
    }

    #[test]
    fn damaged_vits_model(seed: u64) {
        let config = vits::config("1", 1, true);
        let files = [
            ("config.json", vits::hf_json(&config).to_string()),
            ("vocab.json", r#"{"a": 1}"#.into()),
            ("tokenizer_config.json", "{}".into()),
        ];
        let weights = vits::hf(&vits::weights(&config, 1), vits::OLD);
        convert_damaged_beside(&files, &vits::safetensors(&weights), seed);
        convert_damaged_beside(&files, &pth::save_state_dict(&weights), seed);
    }

    #[test]
    fn damaged_original_vits(seed: u64) {
        let config = vits::config("1", 1, true);
        let files = [("config.json", vits::original_json(&config).to_string()), ("vocab.txt", "a\nb\nc\nd\ne\nf\n".into())];
        convert_damaged_beside(&files, &pth::save_training(&vits::original(&vits::weights(&config, 1))), seed);
    }

    #[test]
    fn damaged_voices(seed: u64) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), CONFIG).unwrap();
        let input = folder.path().join("input");
        fs::write(&input, pth::checkpoint(&weights(1))).unwrap();
        let mut random = Random(seed);
        let shape = [support::VOICE_SHAPE[0], 1, support::VOICE_SHAPE[1]];
        let floats: Vec<f32> = voice_bytes(1).as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        let mut bytes = pth::save_tensor(&shape, &floats);
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] = random.next() as u8;
        }
        let voice = folder.path().join("af_test.pt");
        fs::write(&voice, bytes).unwrap();
        let options = Options { voices: vec![voice], ..Default::default() };
        let _ = convert(&input, &folder.path().join("output"), &options, &mut |_| {});
    }
}

#[test]
fn a_truncated_onnx_file_is_refused_at_every_length() {
    let bytes = export(&mut weights(1), Precision::Int8);
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("input"), folder.path().join("output"));
    fs::write(folder.path().join("config.json"), CONFIG).unwrap();
    for step in 0..64 {
        fs::write(&input, &bytes[..step * bytes.len() / 64]).unwrap();
        assert!(convert(&input, &output, &Options::default(), &mut |_| {}).is_err());
    }
}

/// Why `bytes` are refused as a checkpoint of the small model.
fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("input"), folder.path().join("output"));
    fs::write(folder.path().join("config.json"), CONFIG).unwrap();
    fs::write(&input, bytes).unwrap();
    let error = convert(&input, &output, &Options::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(!output.exists(), "a failed conversion left a file");
    assert!(error.len() < 1000, "the error repeats the input: {} bytes", error.len());
    error
}

fn string(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

/// A pickled tensor. `shape` and `strides` are pickled already.
fn tensor(storage: &str, elements: u32, shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let key = string(storage);
    let elements = elements.to_le_bytes();
    let head = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n";
    [&head[..], &key, b"X\x03\0\0\0cpuJ", &elements, b"tQK\0", shape, strides, b"tR"].concat()
}

/// A pickled vector of a whole storage.
fn vector(storage: &str, elements: u32) -> Vec<u8> {
    tensor(storage, elements, &[b"J", &elements.to_le_bytes()[..], b"\x85"].concat(), b"K\x01\x85")
}

/// A pickled dictionary of `values` under numbers as names; memo 0 is `shared`.
fn dict(shared: &[u8], values: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let items = values.enumerate().flat_map(|(i, value)| [string(&i.to_string()), value].concat());
    [b"\x80\x02", shared, b"q\x000}("].concat().into_iter().chain(items).chain(*b"u.").collect()
}

#[test]
fn a_huge_shape_that_many_tensors_share_is_not_copied() {
    let shape = [&b"("[..], &b"K\x01".repeat(500_000), b"t"].concat();
    let pickle = dict(&shape, (0..2000).map(|_| tensor("0", 1, b"h\0", b"h\0")));
    assert!(refusal(&pth::archive(&pickle, &[vec![0; 4]])).contains("500000 axes"));
}

#[test]
fn names_do_not_grow_with_nesting() {
    for (length, depth) in [(1 << 20, 1000), (1, 1000)] {
        let keyed = b"}h\0".repeat(depth);
        let pickle = [b"\x80\x02", &*string(&"k".repeat(length)), b"q\x000", &keyed, b"}", &b"s".repeat(depth), b"."];
        let error = refusal(&pth::archive(&pickle.concat(), &[]));
        assert!(error.contains("name is longer than 1024 bytes"), "{error}");
    }
}

#[test]
fn long_names_of_storages_and_functions_are_refused() {
    let long = "n".repeat(1 << 20);
    let storage = dict(b"N", std::iter::once(vector(&long, 1)));
    assert!(refusal(&pth::archive(&storage, &[])).contains("malformed storage"));
    let function = [b"\x80\x04", &*string(&long), &string("f"), b"\x93."].concat();
    assert!(refusal(&pth::archive(&function, &[])).contains("name is longer than 1024 bytes"));
}

#[test]
fn no_way_to_code_is_known() {
    let list = &b"ccollections\nOrderedDict\n"[..];
    for (program, reason) in [
        (&[b"cos\nsystem\n(", &*string("ls"), b"tR."].concat()[..], "`os.system`"),
        (b"ctorch\nload\n.", "`torch.load`"),
        (b"ctorch.storage\n_load_from_bytes\n.", "`torch.storage._load_from_bytes`"),
        (b"ccollections\nOrderedDict.fromkeys\n.", "`collections.OrderedDict.fromkeys`"),
        (&[&*string("os"), &string("system"), b"\x93."].concat(), "`os.system`"),
        (&[b"(", &*string("ls"), b"ios\nsystem\n."].concat(), "operation 0x69"),
        (&[b"(", list, b"o."].concat(), "operation 0x6f"),
        (&[list, b")\x81."].concat(), "operation 0x81"),
        (&[list, b")}\x92."].concat(), "operation 0x92"),
        (b"\x82\x01.", "operation 0x82"),
        (b"\x83\x01\0.", "operation 0x83"),
        (b"\x84\x01\0\0\0.", "operation 0x84"),
        (b"P0\n.", "operation 0x50"),
        (&[list, &*string("x"), b"R."].concat(), "calls a function with arguments"),
        (&[&*string("print"), b")R."].concat(), "calls what is no function"),
    ] {
        let error = refusal(&pth::archive(&[b"\x80\x02", program].concat(), &[]));
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn one_tensor_under_very_many_names_is_refused() {
    let pickle = dict(&tensor("0", 1, b")", b")"), (0..100_001).map(|_| b"h\0".to_vec()));
    assert!(refusal(&pth::archive(&pickle, &[vec![0; 4]])).contains("more than 100000 tensors"));
}

#[test]
fn a_storage_that_is_only_claimed_does_not_excuse_sharing() {
    // 1,000 views of 1 MB, and an empty one of a storage that is said to have 8 GB.
    let claimed = tensor("1", i32::MAX as u32, b"K\0\x85", b"K\x01\x85");
    let pickle = dict(b"N", std::iter::once(claimed).chain((0..1000).map(|_| vector("0", 1 << 18))));
    assert!(refusal(&pth::archive(&pickle, &[vec![0; 1 << 20]])).contains("views of the same data"));
}

#[test]
fn storages_that_overlap_in_the_archive_are_refused() {
    let elements = 100_000;
    let pickle = dict(b"N", (0..4).map(|key| vector(&key.to_string(), elements)));
    let first = vec![0; 4 * elements as usize];
    let mut bytes = pth::archive(&pickle, &[first, vec![], vec![], vec![]]);
    // The directory gets the first storage's checksum, sizes and place for the others.
    let fields = |bytes: &[u8], key: u8| {
        let name = [b"kokoro/data/", &[key][..]].concat();
        let at = bytes.windows(name.len()).rposition(|w| w == name).unwrap() - 46;
        assert_eq!(bytes[at..at + 4], *b"PK\x01\x02");
        [at + 16..at + 28, at + 42..at + 46]
    };
    for key in *b"123" {
        for (from, to) in fields(&bytes, b'0').into_iter().zip(fields(&bytes, key)) {
            bytes.copy_within(from, to.start);
        }
    }
    assert!(refusal(&bytes).contains("overlap"));
}

#[test]
fn an_initializer_that_very_many_tensors_share_is_refused() {
    // Each of the nodes is a weight of its own by its name; the Kokoro graph has fewer names to give, so this one is Piper's.
    let mut graph = Graph::default();
    let shared = graph.float("enc_p.emb.weight", &[1 << 18], &vec![0.5; 1 << 18]);
    for i in 0..1000 {
        graph.node("Identity", "", &[&shared], &format!("dec.shared.{i}.weight"));
    }
    assert!(refusal(&graph.model()).contains("`enc_p.emb.weight` is used for more tensors than in any model"));
}

#[test]
fn archives_of_very_many_or_very_large_voices_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), CONFIG).unwrap();
    let (input, voices) = (folder.path().join("input"), folder.path().join("voices.npz"));
    fs::write(&input, pth::checkpoint(&weights(1))).unwrap();
    let options = Options { voices: vec![voices.clone()], ..Default::default() };
    let refusal = |count: usize, entry: &[u8]| {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for i in 0..count {
            zip.start_file(format!("v{i}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(entry).unwrap();
        }
        fs::write(&voices, zip.finish().unwrap().into_inner()).unwrap();
        convert(&input, &folder.path().join("output"), &options, &mut |_| {}).unwrap_err().to_string()
    };
    assert!(refusal(1001, b"").contains("1001 voices"));
    // In f16, an entry that is not too long has more elements than a voice.
    let header = b"{'descr': '<f2', 'fortran_order': False, 'shape': (30000,), }\n";
    let halves = [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header, &[0; 60_000]].concat();
    assert!(refusal(1000, &halves).contains("of a voice's size"));
    // 64 MB of zeros are 64 kB in the archive.
    assert!(refusal(1, &vec![0; 64 << 20]).contains("of 67108864 bytes, more than a voice has"));
}

#[test]
#[cfg(unix)]
fn what_is_no_regular_file_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("config.json"), CONFIG).unwrap();
    fs::write(path("input"), pth::checkpoint(&weights(1))).unwrap();
    fs::create_dir(path("folder")).unwrap();
    // Nobody writes to it: opening it would wait for ever.
    assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let refusal = |input: &Path, options: Options| {
        convert(input, &path("output"), &options, &mut |_| {}).unwrap_err().to_string()
    };
    for special in [Path::new("/dev/zero"), &path("pipe")] {
        assert!(refusal(special, Options::default()).contains("is a device, pipe or socket"));
        assert!(ModelFile::open(special).unwrap_err().to_string().contains("it is a folder or device"));
        let voice = Options { voices: vec![special.to_path_buf()], ..Default::default() };
        assert!(refusal(&path("input"), voice).contains("is a device, pipe or socket"));
        let config = Options { config: Some(special.to_path_buf()), ..Default::default() };
        assert!(refusal(&path("input"), config).contains("is a device, pipe or socket"));
    }
    let config = Options { config: Some(path("folder")), ..Default::default() };
    assert!(refusal(&path("input"), config).contains("is a folder, where a file is needed"));
    // Longer than any checkpoint, but only by its length: there is no data in it.
    fs::File::create(path("long")).unwrap().set_len(1 << 40).unwrap();
    assert!(refusal(&path("long"), Options::default()).contains("has more than the"));
}

#[test]
fn a_voice_in_place_of_the_checkpoint_is_told_apart() {
    let error = refusal(&pth::save_tensor(&[5, 1, 4], &[0.0; 20]));
    assert!(error.contains("one bare tensor") && error.contains("--voices"), "{error}");
}

#[test]
fn a_config_beside_the_checkpoint_that_cannot_be_read_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (input, config) = (folder.path().join("input"), folder.path().join("config.json"));
    fs::write(&input, pth::checkpoint(&weights(1))).unwrap();
    let refusal =
        || convert(&input, &folder.path().join("output"), &Options::default(), &mut |_| {}).unwrap_err().to_string();
    let cases: [(&[u8], &str); 3] =
        [(&CONFIG.as_bytes()[1..], "not valid JSON"), (b"{\"istftnet\": \xff}", "not UTF-8"), (b"", "not valid JSON")];
    for (content, reason) in cases {
        fs::write(&config, content).unwrap();
        let error = refusal();
        assert!(error.contains("config.json") && error.contains(reason), "{error}");
    }
    fs::remove_file(&config).unwrap();
    fs::create_dir(&config).unwrap();
    assert!(refusal().contains("config.json: is a folder"));
}
