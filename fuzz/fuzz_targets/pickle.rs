//! Pickles: the program inside a `.pth`, whose archive is made around it. Its storages `0` to `7` have 64 floats each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lumivox_convert::Options;
use lumivox_fuzz::convert::{check, write};
use lumivox_fuzz::support::{CONFIG, pth, vits};

fuzz_target!(init: prepare(), |data: &[u8]| {
    let Some((first, pickle)) = data.split_first() else { return };
    let input = if first % 2 == 0 { "kokoro/input.pth" } else { "vits/input.pth" };
    write(input, pth::archive(pickle, &[const { [0; 256] }; 8].map(Vec::from)));
    check(input, &Options::default());
});

fn prepare() {
    write("kokoro/config.json", CONFIG);
    write("vits/config.json", vits::original_json(&vits::config("1", 1, true)).to_string());
    write("vits/vocab.txt", "a\nb\nc\nd\ne\nf\n");
}
