//! Model files: a header of JSON and data.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lumivox_convert::{ModelFile, Problem};
use lumivox_fuzz::convert::write;

fuzz_target!(|data: &[u8]| {
    let opened = match ModelFile::open(write("input", data)) {
        // Nobody guesses a hash: the file gets the right one.
        Err(error) => match error.problem {
            Problem::Hash { expected, found } if expected.len() == found.len() => {
                let at = data.windows(expected.len()).position(|window| window == expected.as_bytes());
                let Some(at) = at else { return };
                let mut data = data.to_vec();
                data[at..at + found.len()].copy_from_slice(found.as_bytes());
                ModelFile::open(write("input", data))
            }
            _ => return,
        },
        opened => opened,
    };
    let Ok(model) = opened else { return };
    let mut parameters = 0;
    for (name, tensor) in model.tensors() {
        let values = model.values(name).expect("a tensor that is listed has values");
        assert_eq!(values.len(), tensor.shape().iter().product::<usize>(), "{name}");
        assert!(values.iter().all(|value| value.is_finite()), "{name}");
        parameters += if name.starts_with("voices.") { 0 } else { values.len() };
    }
    assert_eq!(model.parameters(), parameters);
    assert!(model.voices().all(|voice| model.voice(voice).is_some()));
});
