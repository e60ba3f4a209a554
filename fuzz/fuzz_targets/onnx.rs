//! ONNX graphs, as checkpoints of Kokoro or, with an odd first byte, of Piper.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lumivox_convert::Options;
use lumivox_fuzz::convert::{check, write};
use lumivox_fuzz::support::{CONFIG, vits};

fuzz_target!(init: prepare(), |data: &[u8]| {
    let Some((first, graph)) = data.split_first() else { return };
    let input = if first % 2 == 0 { "kokoro/input.onnx" } else { "piper/input.onnx" };
    write(input, graph);
    check(input, &Options::default());
});

fn prepare() {
    write("kokoro/config.json", CONFIG);
    write("piper/input.onnx.json", vits::piper_json(&vits::config("2", 1, true)).to_string());
}
