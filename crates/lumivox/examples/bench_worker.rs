//! lumivox as a worker of tools/bench: loaded once, asked for one utterance after another, as a program that has the library in it does.
//!
//! Engines: `lumivox` and `lumivox-direct` compute in f32, `lumivox-int8` in 8 bits, `lumivox-cuda` and `lumivox-cuda-f16` on the first GPU (feature `cuda`), with
//! `-graphs` behind their names by recorded launches.
//! `LUMIVOX_CONV=direct`, which the second is meant for, is heeded as everywhere.

use std::time::Instant;

use lumivox::{ChunkSize, Copies, Device, DeviceChoice, Input, LoadOptions, Options, Precision, Synthesizer};
use serde_json::json;

#[path = "../../../tools/bench/protocol.rs"]
mod protocol;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> protocol::Result<()> {
    let protocol::Arguments { engine, family, work, threads } = protocol::arguments()?;
    let cuda_graphs = engine.ends_with("-graphs");
    let (device, precision) = match engine.trim_end_matches("-graphs") {
        "lumivox" | "lumivox-direct" => (DeviceChoice::Cpu, Precision::F32),
        "lumivox-int8" => (DeviceChoice::Cpu, Precision::Int8),
        "lumivox-cuda" => (DeviceChoice::Cuda(0), Precision::F32),
        "lumivox-cuda-f16" => (DeviceChoice::Cuda(0), Precision::F16),
        other => return Err(format!("there is no engine {other}").into()),
    };
    let started = Instant::now();
    let synthesizer = Synthesizer::open_with(
        &work.join(format!("{family}.safetensors")),
        &LoadOptions { threads: Some(threads), precision, device: device.open()?.0, cuda_graphs },
    )?;
    protocol::serve(&engine, env!("CARGO_PKG_VERSION"), started.elapsed(), |utterance, audio| {
        let mut options = Options { voice: utterance.voice.clone(), ..Options::default() };
        if family != "kokoro" {
            options.noise_w = Some(0.0);
            options.noise_scale = utterance.check.then_some(0.0);
        }
        let phonemes: Vec<&str> = utterance.segments.iter().map(|segment| segment.phonemes.as_str()).collect();
        let before = synthesizer.device().copies();
        if utterance.batch > 1 {
            for (phonemes, index) in phonemes.iter().zip(0..) {
                let batch = synthesizer.synthesize_batch(&vec![*phonemes; utterance.batch], &options, index)?;
                batch.iter().for_each(|samples| audio.push(samples));
            }
            audio.copies = copies(&synthesizer, before);
            return Ok(());
        }
        let chunk_size = if utterance.stream { ChunkSize::Auto } else { ChunkSize::Segment };
        let mut speech = synthesizer.stream(Input::Phonemes(&phonemes.join("\n")), &options, chunk_size)?;
        if let Some(warning) = speech.warnings().first() {
            return Err(warning.to_string().into());
        }
        for chunk in &mut speech {
            audio.push(&chunk?.samples);
        }
        audio.copies = copies(&synthesizer, before);
        Ok(())
    })
}

/// Transfers since `before`, on a GPU.
fn copies(synthesizer: &Synthesizer, before: Copies) -> Option<serde_json::Value> {
    let Copies { to_device, to_host, launches } = synthesizer.device().copies();
    let counted = json!({
        "to_device": to_device - before.to_device,
        "to_host": to_host - before.to_host,
        "launches": launches - before.launches,
    });
    (!matches!(synthesizer.device(), Device::Cpu)).then_some(counted)
}
