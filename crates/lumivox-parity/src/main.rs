//! Prints how far each stage of Kokoro is from the PyTorch reference.
//!
//! `lumivox-parity [MODEL [GOLDEN_FOLDER]]`: by default the model that the goldens in this repository were made with, which is pulled on first use. Ends with
//! code 1 if anything is outside its bound.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use lumivox::Synthesizer;
use lumivox::store::Store;
use lumivox_parity::golden::Golden;
use lumivox_parity::kokoro::{Comparison, STAGE_BOUND, compare};

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().unwrap_or_else(|| "kokoro-int8".to_owned());
    let goldens = arguments.next().map_or_else(|| PathBuf::from("tests/golden/kokoro"), PathBuf::from);
    let synthesizer = Synthesizer::open(&Store::open()?.resolve(&model, &())?, None)?;
    let comparisons =
        Golden::open_all(&goldens)?.iter().map(|golden| compare(&synthesizer, golden)).collect::<Result<Vec<_>>>()?;
    print_stages(&comparisons);
    print_audio(&comparisons);
    let failures: Vec<String> = comparisons.iter().flat_map(Comparison::failures).collect();
    failures.iter().for_each(|failure| println!("outside its bound: {failure}"));
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One row a stage: the worst utterance's error.
fn print_stages(comparisons: &[Comparison]) {
    println!("{:<16} {:>12}   worst of", "stage", "relative L2");
    let longest = comparisons.iter().max_by_key(|comparison| comparison.stages.len());
    for (stage, _) in longest.map(|comparison| comparison.stages.as_slice()).unwrap_or_default() {
        let errors = comparisons.iter().flat_map(|comparison| &comparison.stages).filter(|(name, _)| name == stage);
        let (count, worst) = errors.fold((0, 0f64), |(count, worst), (_, error)| (count + 1, worst.max(*error)));
        let mark = if worst > STAGE_BOUND { " !" } else { "" };
        println!("{stage:<16} {worst:>12.2e}   {count}{mark}");
    }
    println!();
}

fn print_audio(comparisons: &[Comparison]) {
    println!(
        "{:<24} {:>9} {:>10} {:>15} {:>15}",
        "utterance", "durations", "F0, Hz", "noise inj., dB", "source inj., dB"
    );
    for comparison in comparisons {
        let durations = match comparison.durations_differing {
            0 => "equal".to_owned(),
            n => format!("{n} differ"),
        };
        let har = comparison.source_injected_db.map_or("-".to_owned(), |db| format!("{db:.1}"));
        let (f0, noise) = (comparison.f0_max_abs_hz, comparison.noise_injected_db);
        println!("{:<24} {durations:>9} {f0:>10.1e} {noise:>15.1} {har:>15}", comparison.name);
    }
}
