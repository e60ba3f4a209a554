//! `lumivox bench` from outside: its figures beside another clock, its reports, and other engines. Uses the real voice `piper-joe` and Kokoro's real weights, which
//! are pulled on first use, the Python package `onnxruntime`, and Chromium.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "support/chromium.rs"]
mod chromium;
#[path = "support/joe.rs"]
mod joe;

use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

/// Tests that measure take turns: two at once would measure each other.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bench(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumivox"));
    command.arg("bench").args(arguments).stdin(Stdio::null());
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn record(command: &mut Command) -> Value {
    let output = command.arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number {path} in {value:#}"))
}

fn pull(model: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_lumivox")).args(["pull", model, "-q"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

/// What one round's engines took by the record: every run, and the first audio where it was asked for apart.
fn runs_s(record: &Value) -> f64 {
    let runs =
        record["models"][0]["results"].as_array().unwrap().iter().flat_map(|row| row["runs"].as_array().unwrap());
    runs.map(|run| number(run, "/wall_s") + number(run, "/ttfb_s")).sum()
}

#[test]
fn figures_agree_with_another_clock() {
    let _turn = turn();
    pull("piper-joe");
    // What many rounds take more than few is the rounds alone, whatever starting and loading take.
    let timed = |rounds: &str| {
        let started = Instant::now();
        let record = record(&mut bench(&["piper-joe", "--texts", "41", "--rounds", rounds]));
        (started.elapsed().as_secs_f64(), record)
    };
    let mut seen = Vec::new();
    // Other work on the machine may fall on the one run and not on the other; a clock that is wrong is wrong each time.
    for _ in 0..4 {
        let ((few_s, few), (many_s, many)) = (timed("2"), timed("80"));
        let process = number(&many, "/clock/total_s") / many_s;
        let rounds = (number(&many, "/clock/rounds_s") - number(&few, "/clock/rounds_s")) / (many_s - few_s);
        let runs = (runs_s(&many) - runs_s(&few)) / (many_s - few_s);
        let overhead = number(&many, "/clock/overhead_share");
        seen.push(format!("process {process:.4}, rounds {rounds:.4}, runs {runs:.4}, overhead {overhead:.4}"));
        let agree = [process, rounds, runs].iter().all(|ratio| (ratio - 1.0).abs() < 0.05);
        if agree && (0.0..0.01).contains(&overhead) {
            return;
        }
    }
    panic!("the bench's figures by another clock's: {seen:#?}");
}

#[test]
fn a_record_has_every_figure_and_the_profile_its_stages() {
    let _turn = turn();
    pull("kokoro-int8");
    let arguments = ["kokoro-int8", "--texts", "word,44", "--rounds", "3", "--profile", "--concurrency", "2"];
    let record = record(&mut bench(&arguments));
    let model = &record["models"][0];
    assert_eq!((model["model"].as_str(), model["family"].as_str()), (Some("kokoro-int8"), Some("kokoro")));
    let rows = model["results"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["text"].as_str().unwrap()).collect::<Vec<_>>(), ["word", "44"]);
    for row in rows {
        assert_eq!(row["runs"].as_array().unwrap().len(), 3);
        let audio_s = number(row, "/audio_s");
        assert_eq!(audio_s, number(row, "/samples") / 24_000.0);
        let rtf = number(row, "/wall_s/p50") / audio_s;
        assert!((number(row, "/rtf/p50") - rtf).abs() < 1e-9);
        assert!(number(row, "/ttfb_s/p50") <= number(row, "/wall_s/p50"));
        assert!(number(row, "/wall_s/p50") <= number(row, "/wall_s/p95"));
        let cpu = number(row, "/cpu_s_per_audio_s/p50");
        // Where other work has the processors, wall time is many times the CPU time.
        assert!(cpu > 0.05 * rtf && cpu < 1.2 * rtf * number(&record, "/threads"), "CPU {cpu}, RTF {rtf}");
        // 330 MB of weights and more.
        assert!((3e8..2e9).contains(&number(row, "/peak_rss_bytes")), "{row:#}");
        assert_eq!(number(row, "/host_device_copies"), 0.0);
    }
    assert_eq!(number(&rows[1], "/audio_s"), 3.25, "the text that README's table has");
    let profile = &model["profiles"][1];
    let stages = profile["stages"].as_array().unwrap();
    let sum = |figure: &str| stages.iter().map(|stage| number(stage, figure)).sum::<f64>();
    assert!((sum("/share") - 1.0).abs() < 1e-9);
    let total = number(profile, "/total_s");
    assert!(
        (sum("/seconds") / total - 1.0).abs() < 0.25,
        "the stages are all of the time: {} of {total}",
        sum("/seconds")
    );
    // Speech of the usual pace is 55 GFLOP a second, and the residual blocks most of the time.
    assert!((sum("/gflop") / 3.25 - 56.0).abs() < 3.0, "{}", sum("/gflop"));
    let blocks = stages.iter().filter(|stage| stage["name"].as_str().unwrap().contains("res"));
    assert!(blocks.map(|stage| number(stage, "/share")).sum::<f64>() > 0.5);
    assert!(number(profile, "/peak_gflops") > 1.0 && stages.iter().all(|stage| number(stage, "/share_of_peak") < 4.0));
    let parallel = model["concurrency"].as_array().unwrap();
    let requests: Vec<f64> = parallel.iter().map(|row| number(row, "/requests")).collect();
    assert_eq!(requests, [3.0, 6.0, 3.0, 6.0], "one at a time and two, of both texts");
    for row in parallel {
        let throughput = number(row, "/requests") / number(row, "/wall_s");
        assert!((number(row, "/requests_per_s") / throughput - 1.0).abs() < 1e-9);
        assert!(number(row, "/ttfb_s/p95") <= number(row, "/latency_s/max"));
    }
}

#[test]
fn onnxruntime_says_the_same_in_turn_and_the_page_opens_in_a_browser() {
    let _turn = turn();
    pull("piper-joe");
    let folder = tempfile::tempdir().unwrap();
    let (html, json) = (folder.path().join("bench.html"), folder.path().join("bench.json"));
    let onnx = joe::onnx();
    let mut command = bench(&["piper-joe", "--rounds", "3", "--concurrency", "2", "--html"]);
    command.arg(&html).arg(format!("--json={}", json.display())).arg("--against");
    let output = command.arg(format!("onnxruntime={}", onnx.display())).output().unwrap();
    let how = "this test needs ONNX Runtime's library: python3 -m pip install onnxruntime, or ORT_DYLIB_PATH";
    assert!(output.status.success(), "{}\n{how}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    for part in ["178 chars", "TTFB p50", "× lumivox", "ONNX Runtime (en_US-joe-medium.onnx)", "loaded in", "GFLOP/s"]
    {
        assert!(table.contains(part) || part == "{part} in {table}");
    }
    let record: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    let rows = record["models"][0]["results"].as_array().unwrap();
    let engines: Vec<_> =
        rows.iter().map(|row| (row["text"].as_str().unwrap(), row["engine"].as_str().unwrap())).collect();
    assert_eq!(engines, [("41", "lumivox"), ("41", "ONNX Runtime"), ("178", "lumivox"), ("178", "ONNX Runtime")]);
    for pair in rows.chunks(2) {
        assert_eq!(pair[0]["samples"], pair[1]["samples"], "the same ids, the same durations");
        let ratios = pair[0]["runs"].as_array().unwrap().iter().zip(pair[1]["runs"].as_array().unwrap());
        let mut ratios: Vec<f64> =
            ratios.map(|(ours, theirs)| number(theirs, "/wall_s") / number(ours, "/wall_s")).collect();
        ratios.sort_by(f64::total_cmp);
        assert!((number(&pair[1], "/times_lumivox/p50") - ratios[1]).abs() < 1e-9);
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing half-written is left: {left:?}");

    let page = chromium::open(&html);
    assert!(page.console.is_empty(), "{:#?}", page.console);
    let text = fs::read_to_string(&html).unwrap();
    assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("<script"), "it stands alone");
    assert!(text.contains("prefers-color-scheme: dark"));
    // RTF over length, first audio, and the stages of two texts; a dot for each round of each row.
    assert_eq!(page.dom.matches("<figure>").count(), 4);
    assert!(page.dom.matches("<polyline").count() == 2 && page.dom.matches(", round 3: ").count() == 4);
    assert!(page.dom.contains("dec_stage2") && page.dom.contains("Requests in parallel"));
}

/// The test above would see an error: this page has two.
#[test]
fn the_browser_tells_what_is_wrong_with_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.html");
    let policy =
        r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'">"#;
    fs::write(&path, format!("<!DOCTYPE html>{policy}<img src=\"other.png\"><script>missing()</script>")).unwrap();
    let console = chromium::open(&path).console.join("\n");
    assert!(console.contains("missing is not defined"), "{console}");
    assert!(console.contains("Content Security Policy"), "{console}");
}

#[test]
fn what_can_not_be_measured_is_told_with_what_would_help() {
    pull("piper-joe");
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], environment: &[(&str, &str)], parts: &[&str]| {
        let output = bench(arguments).current_dir(folder.path()).envs(environment.iter().copied()).output().unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{parts:?} in {message:?}");
        assert!(output.stdout.is_empty() && fs::read_dir(folder.path()).unwrap().next().is_none());
    };
    refused(
        &["piper-joe", "--texts", "44"],
        &[],
        &["no text `44` for piper models; there are word, 41, 178, 60s, all"],
    );
    refused(&["piper-joe", "bench.json"], &[], &["is no model", "--json=bench.json"]);
    refused(&["piper-joe", "--html", "absent/a.html"], &[], &["there is no folder absent"]);
    refused(&["piper-joe", "--rounds", "0"], &[], &["0 is not in 1.."]);
    refused(&["piper-joe", "--against", "onnxruntime"], &[], &["write onnxruntime=FILE.onnx"]);
    refused(&["piper-joe", "--against", "torch"], &[], &["write torch=DIR", "weights.py"]);
    refused(&["piper-joe", "--against", "torch=."], &[], &["tools/bench/worker.py", "--tools"]);
    refused(&["a", "b", "--against", "onnxruntime=x.onnx"], &[], &["give one MODEL with it"]);
    let absent = ["piper-joe", "--texts", "word", "--against", "onnxruntime=absent.onnx"];
    refused(&absent, &[], &["there is no absent.onnx"]);
    refused(&["piper-joe", "--text", "🙂"], &[], &["there is nothing to say"]);
    refused(&["piper-joe", "--voice", "9", "--texts", "word"], &[], &["no speaker `9`"]);
}

#[test]
fn missing_libraries_are_told_with_how_to_install_them() {
    pull("piper-joe");
    let onnx = joe::onnx();
    let against = format!("onnxruntime={}", onnx.display());
    let message = |more: &[&str], library: Option<&str>| {
        let mut command = bench(&["piper-joe", "--texts", "word", "--rounds", "1", "--against", &against]);
        command.args(more).env_remove("ORT_DYLIB_PATH");
        let output = command.envs(library.map(|library| ("ORT_DYLIB_PATH", library))).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    let absent = message(&["--python", "no-such-python"], None);
    assert!(
        absent.contains("no-such-python has no package onnxruntime") && absent.contains("pip install onnxruntime"),
        "{absent}"
    );
    let wrong = message(&[], Some("/nowhere/libonnxruntime.so"));
    assert!(wrong.contains("ORT_DYLIB_PATH names /nowhere/libonnxruntime.so, which is no file"), "{wrong}");
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libonnxruntime.so");
    fs::write(&text, "no library").unwrap();
    let broken = message(&[], Some(text.to_str().unwrap()));
    assert!(broken.contains("can't be loaded"), "{broken}");
    let without = message(&["--python", "true"], None);
    assert!(without.contains("true has no package onnxruntime"), "{without}");
}

#[test]
fn a_pytorch_that_can_not_speak_says_why() {
    pull("kokoro-int8");
    let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/bench");
    let weights = tempfile::tempdir().unwrap();
    fs::create_dir(weights.path().join("voices")).unwrap();
    let message = |model: &str| {
        let against = format!("torch={}", weights.path().display());
        let output = bench(&[model, "--texts", "word", "--rounds", "1", "--tools", tools, "--against", &against])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    let missing = message("kokoro-int8");
    assert!(missing.contains("kokoro/kokoro-v1_0.pth") && missing.contains("weights.py"), "{missing}");
    // Whether the packages are missing or the weights are none: the worker's own reason, and what would help.
    fs::create_dir(weights.path().join("kokoro")).unwrap();
    fs::write(weights.path().join("kokoro/kokoro-v1_0.pth"), "no weights").unwrap();
    fs::write(weights.path().join("kokoro/config.json"), "{}").unwrap();
    let broken = message("kokoro-int8");
    assert!(broken.contains("PyTorch can't be measured: PyTorch failed: ") && broken.contains("Error"), "{broken}");
    assert!(broken.contains("tools/reference/requirements.txt"), "{broken}");
    let piper = message("piper-joe");
    assert!(piper.contains("Piper publishes no PyTorch weights") && piper.contains("onnxruntime=FILE.onnx"), "{piper}");
}

#[test]
fn a_text_of_your_own_is_said_by_the_voice_inside_in_the_table() {
    let _turn = turn();
    let output =
        bench(&["embedded", "--text", "The boats came home.", "--rounds", "1", "--threads", "1"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        table.contains("20 chars") && table.contains("embedded (piper, 22050 Hz)") && table.contains("; 1 thread, "),
        "{table}"
    );
}
