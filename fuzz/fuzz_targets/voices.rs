//! Voice packs beside a whole checkpoint. By the first byte: a file as it is, an archive of `.npy` files, or a tensor's pickle.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lumivox_convert::Options;
use lumivox_fuzz::archive::{entries, zip};
use lumivox_fuzz::convert::{check, write};
use lumivox_fuzz::support::onnx::{Precision, export};
use lumivox_fuzz::support::{CONFIG, pth, weights};

fuzz_target!(init: prepare(), |data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let voices = match first % 3 {
        0 => rest.to_vec(),
        1 => zip(entries(rest)),
        _ => pth::archive(rest, &[vec![0; 80]]),
    };
    let options = Options { voices: vec![write("af_voice.bin", voices)], ..Options::default() };
    check("input.onnx", &options);
});

fn prepare() {
    write("config.json", CONFIG);
    write("input.onnx", export(&mut weights(1), Precision::F32));
}
