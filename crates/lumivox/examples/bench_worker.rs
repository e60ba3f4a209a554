//! lumivox as a worker of tools/bench: loaded once, asked for one utterance after another, as a program that has the library in it does.
//!
//! The engine `lumivox-int8` computes in 8 bits, every other name in f32; `LUMIVOX_CONV=direct` is heeded as everywhere.

use std::time::Instant;

use lumivox::{ChunkSize, Input, LoadOptions, Options, Precision, Synthesizer};

#[path = "../../../tools/bench/protocol.rs"]
mod protocol;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> protocol::Result<()> {
    let protocol::Arguments { engine, family, work, threads } = protocol::arguments()?;
    let precision = if engine == "lumivox-int8" { Precision::Int8 } else { Precision::F32 };
    let started = Instant::now();
    let synthesizer = Synthesizer::open_with(
        &work.join(format!("{family}.safetensors")),
        &LoadOptions { threads: Some(threads), precision, ..Default::default() },
    )?;
    protocol::serve(&engine, env!("CARGO_PKG_VERSION"), started.elapsed(), |utterance, audio| {
        let mut options = Options { voice: utterance.voice.clone(), ..Options::default() };
        if family != "kokoro" {
            options.noise_w = Some(0.0);
            options.noise_scale = utterance.check.then_some(0.0);
        }
        let phonemes: Vec<&str> = utterance.segments.iter().map(|segment| segment.phonemes.as_str()).collect();
        let chunk_size = if utterance.stream { ChunkSize::Auto } else { ChunkSize::Segment };
        let mut speech = synthesizer.stream(Input::Phonemes(&phonemes.join("\n")), &options, chunk_size)?;
        if let Some(warning) = speech.warnings().first() {
            return Err(warning.to_string().into());
        }
        speech.try_for_each(|chunk| {
            audio.push(&chunk?.samples);
            Ok(())
        })
    })
}
