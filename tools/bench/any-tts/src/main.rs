//! any-tts 0.2.0, as a worker of tools/bench. It takes text only, so its own front-end reads the segments, and its time is in the figures; what it says has as many
//! samples as the others' where its phonemes are the same.

use std::time::Instant;

use any_tts::{DeviceSelection, ModelType, SynthesisRequest, TtsConfig, load_model};

#[path = "../../protocol.rs"]
mod protocol;

fn main() -> protocol::Result<()> {
    let folder = protocol::arguments()?.work.join("kokoro");
    let started = Instant::now();
    any_tts::models::kokoro::phonemizer::prewarm("en")?;
    let config = TtsConfig::new(ModelType::Kokoro)
        .with_device(DeviceSelection::Cpu)
        .with_config_file(folder.join("config.json"))
        .with_weight_file(folder.join("kokoro-v1_0.pth"))
        .with_voices_dir(folder.join("voices"));
    let model = load_model(config)?;
    protocol::serve("any-tts", "0.2.0", started.elapsed(), |utterance, audio| {
        for segment in &utterance.segments {
            let request = SynthesisRequest::new(&segment.text).with_voice(utterance.voice()?);
            audio.push(&model.synthesize(&request)?.samples);
        }
        Ok(())
    })
}
