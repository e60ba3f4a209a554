//! `lumivox parity` as a user calls it, against PyTorch's own tensors of one word. Its plots are opened in Chromium, headless.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder to work in, with a reference folder `word` of one golden.
fn bench() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let goldens = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/kokoro"));
    let word = folder.path().join("word");
    fs::create_dir(&word).unwrap();
    fs::copy(goldens.join("word_af_heart.safetensors"), word.join("word_af_heart.safetensors")).unwrap();
    folder
}

/// `lumivox parity` with the models that are here.
fn parity(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lumivox")).arg("parity").args(arguments).current_dir(folder).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Chromium with a file open: its page, and what it logged. Leaves a picture of the page in `folder`.
fn browse(folder: &Path, file: &Path) -> (String, String) {
    let program = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()));
    let program = program.expect("Chromium is needed to open the plots; install it with: apt-get install chromium");
    let run = |what: &str| {
        let profile = tempfile::tempdir_in(folder).unwrap();
        let mut browser = Command::new(program);
        browser.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ]);
        browser.args(["--enable-logging=stderr", "--window-size=1200,1600", "--virtual-time-budget=3000"]);
        browser.arg(format!("--user-data-dir={}", profile.path().display())).arg(what);
        let output = browser.arg(format!("file://{}", file.display())).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{program}: {}", stderr(&output));
        output
    };
    let page = run("--dump-dom");
    let picture = run("--screenshot=shot.png");
    (stdout(&page), stderr(&page) + &stderr(&picture))
}

/// Pixels of a PNG file, three bytes each, and its width and height.
fn pixels(path: &Path) -> (Vec<[u8; 3]>, u32, u32) {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let channels = info.color_type.samples();
    let colours = bytes[..info.buffer_size()]
        .chunks_exact(channels)
        .map(|pixel| [pixel[0], pixel[1 % channels], pixel[2 % channels]]);
    (colours.collect(), info.width, info.height)
}

/// Shares of the pixels that are nearly white, and that are red or blue.
fn shares(pixels: &[[u8; 3]]) -> (f64, f64) {
    let share =
        |is: &dyn Fn(&[u8; 3]) -> bool| pixels.iter().filter(|pixel| is(pixel)).count() as f64 / pixels.len() as f64;
    (share(&|p| p.iter().all(|c| *c > 240)), share(&|p| p[0].abs_diff(p[2]) > 40))
}

#[test]
fn a_comparison_has_a_table_a_receipt_that_is_repeated_and_plots() {
    let folder = bench();
    let path = |name: &str| folder.path().join(name);
    let files = ["--receipt", "receipt.json", "--plot", "plot.png", "--plot", "plot.html"];
    let output = parity(folder.path(), &[&["kokoro-int8", "--reference", "word", "-q"], &files[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let table = stdout(&output);
    for part in
        ["kokoro-int8", "PyTorch", "dur_lstm", "durations", "resblock5", "audio_source", "within bounds: 47 stages"]
    {
        assert!(table.contains(part), "no {part} in:\n{table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 130), "{table}");
    let receipt: Value = serde_json::from_slice(&fs::read(path("receipt.json")).unwrap()).unwrap();
    assert_eq!(receipt["within_bounds"], true);
    assert_eq!(receipt["model"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(receipt["comparison"]["stages"].as_array().unwrap().len(), 47);

    let again = parity(folder.path(), &["--check", "receipt.json"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stderr(&again).contains("the receipt is repeated"));
    open_plots(folder.path(), &path("plot.html"), &path("plot.png"));
}

/// Opens both plots; that the browser tells errors at all is seen from a page that has one.
fn open_plots(folder: &Path, html: &Path, picture: &Path) {
    let broken = folder.join("broken.html");
    fs::write(&broken, "<script>nothing.here()</script>").unwrap();
    let (_, log) = browse(folder, &broken);
    assert!(log.contains("CONSOLE") && log.contains("nothing is not defined"), "{log}");

    let (page, log) = browse(folder, html);
    assert!(!log.contains("CONSOLE"), "{log}");
    assert!(page.contains("within bounds: 47 stages") && page.contains("<svg") && page.matches("<img").count() == 4);
    let (shot, ..) = pixels(&folder.join("shot.png"));
    let (white, coloured) = shares(&shot);
    assert!(white > 0.2 && coloured > 0.05, "the page is drawn: {white} white, {coloured} coloured");

    let (drawn, width, height) = pixels(picture);
    assert!(width > 500 && height > 900, "{width} × {height}");
    let (white, coloured) = shares(&drawn);
    assert!(white > 0.1 && coloured > 0.1, "{white} white, {coloured} coloured");
    let (_, log) = browse(folder, picture);
    assert!(!log.contains("CONSOLE"), "{log}");
    let (shot, ..) = pixels(&folder.join("shot.png"));
    assert!(shares(&shot).1 > 0.05, "the picture is shown");
}

#[test]
fn what_is_outside_ends_with_one_and_names_the_stage_and_a_receipt_of_others_is_not_repeated() {
    let folder = bench();
    let strict =
        parity(folder.path(), &["kokoro-int8", "-r", "word", "--bound", "1e-9", "--receipt", "strict.json", "-q"]);
    assert_eq!(strict.status.code(), Some(1), "{}", stderr(&strict));
    assert!(stdout(&strict).contains("outside its bound first: bert_embeddings"), "{}", stdout(&strict));

    // A receipt that tells other figures and another model.
    let text = fs::read_to_string(folder.path().join("strict.json")).unwrap();
    let mut receipt: Value = serde_json::from_str(&text).unwrap();
    receipt["model"]["sha256"] = "0".repeat(64).into();
    receipt["comparison"]["stages"][3]["relative_l2"] = 0.5.into();
    fs::write(folder.path().join("other.json"), receipt.to_string()).unwrap();
    let other = parity(folder.path(), &["--check", "other.json"]);
    assert_eq!(other.status.code(), Some(1));
    let message = stderr(&other);
    assert!(
        message.contains("not repeated: SHA-256 of the model")
            && message.contains("not repeated: d: relative L2 5.00e-1"),
        "{message}"
    );
}

#[test]
fn json_is_the_receipt_and_nothing_else() {
    let folder = bench();
    let output = parity(folder.path(), &["kokoro-int8", "-r", "word", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let receipt: Value = serde_json::from_slice(&output.stdout).unwrap();
    let machine = &receipt["machine"];
    assert!(machine["processors"].as_u64().unwrap() > 0 && !machine["cpu"].as_str().unwrap().is_empty());
    assert!(receipt["comparison"]["utterances"][0]["utterance"]["ids"].as_array().unwrap().len() > 3);
}

#[test]
fn what_can_not_be_compared_is_an_error_that_says_why_and_leaves_nothing() {
    let folder = bench();
    let refused = |arguments: &[&str], reason: &str| {
        let output = parity(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(reason), "{arguments:?}: {}", stderr(&output));
    };
    refused(&[], "required");
    refused(&["kokoro-int8", "-r", "absent.onnx"], "absent.onnx does not exist");
    refused(&["kokoro-int8", "-r", "word", "Another text."], "can't say another text");
    refused(&["piper-joe", "-r", "word"], "the reference is Kokoro, the model is of the VITS family");
    refused(&["kokoro-int8", "-r", "word", "--plot", "plot.bmp"], "a plot is .png or .html");
    refused(&["kokoro-int8", "-r", "word", "--receipt", "absent/receipt.json"], "absent/receipt.json");
    fs::write(folder.path().join("empty.json"), "{}").unwrap();
    refused(&["--check", "empty.json"], "is no receipt");
    let left: Vec<PathBuf> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// A message of protobuf's strings and messages: `(field, content)`.
fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let field = |(number, content): &(u8, &[u8])| {
        [&[number << 3 | 2, u8::try_from(content.len()).unwrap()][..], content].concat()
    };
    fields.iter().flat_map(field).collect()
}

#[test]
fn without_onnx_runtime_it_says_what_to_install() {
    let folder = bench();
    // As much of a Piper voice's graph as is looked at: noise, durations, and the inputs.
    let node = |op: &[u8], output: &[u8]| message(&[(1, b"x"), (2, output), (4, op)]);
    let (noise, durations) = (node(b"RandomNormalLike", b"n"), node(b"Ceil", b"c"));
    let (input, output) = (message(&[(1, b"scales")]), message(&[(1, b"c")]));
    let graph = |nodes: &[(u8, &[u8])]| message(&[(7, &message(&[nodes, &[(11, &input), (12, &output)]].concat()))]);
    fs::write(folder.path().join("voice.onnx"), graph(&[(1, &noise), (1, &durations)])).unwrap();
    fs::write(folder.path().join("silent.onnx"), graph(&[(1, &durations)])).unwrap();
    let refused = |voice: &str, library: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lumivox"));
        command.args(["parity", "piper-joe", "-r", voice]).current_dir(folder.path());
        let output = command.env("PATH", folder.path()).env("ORT_DYLIB_PATH", library).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    assert!(refused("voice.onnx", "").contains("pip install onnxruntime"));
    assert!(refused("voice.onnx", "absent.so").contains("ORT_DYLIB_PATH names absent.so, which is no file"));
    assert!(refused("silent.onnx", "").contains("draws no noise"));
}
