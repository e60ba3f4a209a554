//! voxr 0.8.0, as a worker of tools/bench: the models that it runs, those of boostr, with the ids that all engines get.

use std::path::Path;
use std::time::Instant;

use boostr::Runtime;
use boostr::model::audio::kokoro::{KokoroSynthOptions, load_kokoro_v2, load_voice_pack, select_voice_style};
use boostr::model::audio::vits::VitsModel;
use boostr::model::config::VitsConfig;
use boostr::nn::{VarBuilder, VarMap};
use boostr::runtime::cpu::{CpuDevice, CpuRuntime};
use boostr::tensor::Tensor;

#[path = "../../protocol.rs"]
mod protocol;

use protocol::{Result, arguments, serve};

const VERSION: &str = "0.8.0";

fn main() -> Result<()> {
    let arguments = arguments()?;
    match arguments.family.as_str() {
        "kokoro" => kokoro(&arguments.work.join("kokoro")),
        _ => mms(&arguments.work.join("mms")),
    }
}

fn kokoro(folder: &Path) -> Result<()> {
    let started = Instant::now();
    let device = CpuDevice::new();
    let client = CpuRuntime::default_client(&device);
    let model = load_kokoro_v2::<CpuRuntime, _>(&client, folder, &device)?;
    serve("voxr", VERSION, started.elapsed(), |utterance, audio| {
        let pack = load_voice_pack::<CpuRuntime>(folder.join(format!("voices/{}.pt", utterance.voice()?)), &device)?;
        for segment in &utterance.segments {
            let style = select_voice_style(&pack, segment.phonemes.chars().count())?;
            let ids = Tensor::<CpuRuntime>::from_slice(&segment.ids, &[1, segment.ids.len()], &device)?;
            let said = model.synthesize(&client, &ids, &style, &KokoroSynthOptions::default())?;
            audio.push(&said.contiguous()?.to_vec());
        }
        Ok(())
    })
}

fn mms(folder: &Path) -> Result<()> {
    let started = Instant::now();
    let device = CpuDevice::new();
    let client = CpuRuntime::default_client(&device);
    let config = VitsConfig::from_json_file(folder.join("config.json"))?;
    let mut weights = VarMap::<CpuRuntime>::from_safetensors(folder.join("model.safetensors"), &device)?;
    let model = VitsModel::from_varbuilder(&client, &mut VarBuilder::new(&mut weights, &device), &config)?;
    serve("voxr", VERSION, started.elapsed(), |utterance, audio| {
        let mut options = model.default_synth_options();
        options.noise_scale_duration = 0.0;
        if utterance.check {
            options.noise_scale = 0.0;
        }
        for segment in &utterance.segments {
            let length = segment.ids.len();
            let ids = Tensor::<CpuRuntime>::from_slice(&segment.ids, &[1, length], &device)?;
            let mask = Tensor::<CpuRuntime>::from_slice(&vec![1f32; length], &[1, length], &device)?;
            let said = model.synthesize(&client, &ids, &mask, &options)?;
            audio.push(&said.waveform.contiguous()?.to_vec());
        }
        Ok(())
    })
}
