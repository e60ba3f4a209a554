//! Prints how far each stage is from the reference.
//!
//! `lumivox-parity [kokoro [MODEL [GOLDEN_FOLDER]] | vits [MODEL…] | write MODEL FILE]`: `write` makes a model file of one of the VITS models, which
//! `lumivox parity` compares with `tests/golden/vits/MODEL`. The others print tables: by default both families, each on the models that the goldens in this repository were
//! made with, which are pulled on first use. Ends with code 1 if anything is outside its bound. `LUMIVOX_TEST_DEVICE` names the device that computes, such as
//! `cuda:0` (feature `cuda`); without it, it is the CPU.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use lumivox::store;
use lumivox::{Device, DeviceChoice, LoadOptions, Synthesizer};
use lumivox_parity::golden::Golden;
use lumivox_parity::{kokoro, vits};

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let failures = match &arguments[..] {
        [] => [kokoro("kokoro-int8", "tests/golden/kokoro")?, vits(&vits::MODELS)?].concat(),
        ["kokoro", rest @ ..] if rest.len() <= 2 => {
            kokoro(rest.first().unwrap_or(&"kokoro-int8"), rest.get(1).unwrap_or(&"tests/golden/kokoro"))?
        }
        ["vits"] => vits(&vits::MODELS)?,
        ["vits", models @ ..] => vits(models)?,
        ["write", model, file] => {
            vits::Models::new("tests/golden/vits").write(model, &PathBuf::from(file))?;
            Vec::new()
        }
        _ => bail!("usage: lumivox-parity [kokoro [MODEL [GOLDEN_FOLDER]] | vits [MODEL…] | write MODEL FILE]"),
    };
    failures.iter().for_each(|failure| println!("outside its bound: {failure}"));
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where it is computed.
fn device() -> Result<Device> {
    let choice = match std::env::var("LUMIVOX_TEST_DEVICE") {
        Ok(name) => name.parse().map_err(|reason| anyhow::anyhow!("LUMIVOX_TEST_DEVICE is {name}: {reason}"))?,
        Err(_) => DeviceChoice::Cpu,
    };
    Ok(choice.open()?.0)
}

/// Compares and prints Kokoro; returns what is outside its bound.
fn kokoro(model: &str, goldens: &str) -> Result<Vec<String>> {
    let load_options = LoadOptions { device: device()?, ..Default::default() };
    let synthesizer = Synthesizer::open_with(&store::resolve(model, &())?, &load_options)?;
    let goldens = Golden::open_all(&PathBuf::from(goldens))?;
    let comparisons = goldens.iter().map(|golden| kokoro::compare(&synthesizer, golden)).collect::<Result<Vec<_>>>()?;
    print_stages(&comparisons.iter().map(|comparison| &comparison.stages[..]).collect::<Vec<_>>(), kokoro::STAGE_BOUND);
    println!(
        "{:<28} {:>9} {:>10} {:>15} {:>15}",
        "utterance", "durations", "F0, Hz", "noise inj., dB", "source inj., dB"
    );
    for comparison in &comparisons {
        let durations = durations(comparison.durations_differing);
        let har = comparison.source_injected_db.map_or("-".to_owned(), |db| format!("{db:.1}"));
        let (f0, noise) = (comparison.f0_max_abs_hz, comparison.noise_injected_db);
        println!("{:<28} {durations:>9} {f0:>10.1e} {noise:>15.1} {har:>15}", comparison.name);
    }
    println!();
    Ok(comparisons.iter().flat_map(kokoro::Comparison::failures).collect())
}

/// Compares and prints models of VITS; returns what is outside its bound.
fn vits(names: &[&str]) -> Result<Vec<String>> {
    let models = vits::Models::new("tests/golden/vits");
    let mut comparisons = Vec::new();
    for name in names {
        let model: Box<dyn vits::Says> = match device()? {
            Device::Cpu => Box::new(models.open(name)?),
            #[cfg(any(feature = "cuda", feature = "emulation"))]
            Device::Gpu(device) => Box::new(models.open_with(name, |config, weights| {
                let dtype = lumivox_kernels::cuda::Dtype::F32;
                Ok(lumivox_models::cuda::vits::Vits::new(&device, config, dtype, weights)?)
            })?),
        };
        for golden in models.goldens(name)? {
            let comparison = vits::compare(&*model, &golden)?;
            comparisons.push(vits::Comparison { name: format!("{name}/{}", comparison.name), ..comparison });
        }
    }
    print_stages(&comparisons.iter().map(|comparison| &comparison.stages[..]).collect::<Vec<_>>(), vits::STAGE_BOUND);
    println!("{:<34} {:>9} {:>13}", "utterance", "durations", "audio, max |Δ|");
    for comparison in &comparisons {
        let durations = durations(comparison.durations_differing);
        println!("{:<34} {durations:>9} {:>13.1e}", comparison.name, comparison.audio_max_abs);
    }
    println!();
    Ok(comparisons.iter().flat_map(vits::Comparison::failures).collect())
}

fn durations(differing: usize) -> String {
    if differing == 0 { "equal".to_owned() } else { format!("{differing} differ") }
}

/// One row a stage: the worst utterance's error.
fn print_stages(utterances: &[&[(String, f64)]], bound: f64) {
    println!("{:<16} {:>12}   worst of", "stage", "relative L2");
    let longest = utterances.iter().max_by_key(|stages| stages.len()).copied().unwrap_or_default();
    for (stage, _) in longest {
        let errors = utterances.iter().copied().flatten().filter(|(name, _)| name == stage);
        let (count, worst) = errors.fold((0, 0f64), |(count, worst), (_, error)| (count + 1, worst.max(*error)));
        let mark = if worst > bound { " !" } else { "" };
        println!("{stage:<16} {worst:>12.2e}   {count}{mark}");
    }
    println!();
}
