//! The JSON of a Piper voice, beside its whole graph.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lumivox_convert::Options;
use lumivox_fuzz::convert::{check, write};
use lumivox_fuzz::support::onnx::Precision;
use lumivox_fuzz::support::vits;

fuzz_target!(init: prepare(), |data: &[u8]| {
    write("input.onnx.json", data);
    check("input.onnx", &Options::default());
});

fn prepare() {
    let config = vits::config("2", 2, false);
    write("input.onnx", vits::piper_onnx(&config, &vits::weights(&config, 1), Precision::F32));
}
