//! Documents with very many speakers, on Kokoro (`kokoro`, pulled on first use).

#![allow(clippy::expect_used, clippy::unwrap_used)]

use lumivox::store::Store;
use lumivox::{ChunkSize, Input, LoadOptions, Options, Synthesizer};

/// Resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// Each rate is a speaker of its own. Half a megabyte for each, the voice's style pack, would be 1 GB here.
#[test]
#[cfg(target_os = "linux")]
fn speakers_that_only_differ_in_their_rate_cost_no_memory() {
    let model = Store::open().unwrap().resolve("kokoro", &()).expect("the model is pulled");
    let kokoro = Synthesizer::open_with(&model, &LoadOptions::default()).unwrap();
    let options = Options::new("af_heart");
    kokoro.stream(Input::Text("a"), &options, ChunkSize::Segment).unwrap();
    let parts: String = (0..2000).map(|i| format!("<prosody rate='0.{}'>a</prosody>", 5000 + i)).collect();
    let before = resident_bytes();
    let document = format!("<speak>{parts}</speak>");
    let speech = kokoro.stream(Input::Ssml(&document), &options, ChunkSize::Segment).unwrap();
    let more = resident_bytes().saturating_sub(before);
    assert!(speech.warnings().is_empty());
    assert!(more < 200 << 20, "{more} bytes");
}
