//! `lumivox parity`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lumivox::audio::write_file;
use lumivox::{Input, Options, Synthesizer};
use lumivox_parity::compare::{Bounds, Comparison, Heard};
use lumivox_parity::ours::Ours;
use lumivox_parity::plot::Plot;
use lumivox_parity::receipt::Receipt;
use lumivox_parity::reference::{self, Reference};
use lumivox_parity::utterance::Utterance;
use lumivox_parity::{report, request};

use super::resolve;
use crate::args::ParityArguments;
use crate::output::{note, print};
use crate::progress;

/// What is said where no text is given: many sounds, some four seconds.
const TEXT: &str = "The north wind and the sun were disputing which was the stronger.";
/// Something is outside its bounds, or a receipt is not repeated.
const OUTSIDE: u8 = 1;

/// Compares a model with a reference, or repeats a receipt.
pub fn run(arguments: &ParityArguments) -> Result<ExitCode> {
    for path in &arguments.plot {
        Plot::of(path)?;
    }
    let checked = arguments.check.as_deref().map(Receipt::read).transpose()?;
    let asked = Asked::new(arguments, checked.as_ref())?;
    let ours = Ours::open(&resolve(&asked.model, arguments.quiet)?, arguments.threads.map(usize::from))?;
    let mut reference = reference::open(&asked.reference, arguments.python.as_deref())?;
    let utterances = match &checked {
        Some(receipt) => receipt.comparison.utterances.iter().map(|spoken| spoken.utterance.clone()).collect(),
        None => utterances(arguments, &ours, reference.as_ref())?,
    };
    let (comparison, heard) = compare(&ours, reference.as_mut(), &utterances, asked.bounds, arguments.quiet)?;
    let named = Path::new(&asked.model);
    let receipt = Receipt::new(named, (ours.file(), ours.path()), reference.identity(), asked.bounds, comparison)?;
    write(arguments, &receipt, heard.as_ref())?;
    print(&if arguments.json { receipt.json()? } else { report::text(&receipt) })?;
    let repeated = checked.is_none_or(|checked| is_repeated(&checked, &receipt, arguments.json || arguments.quiet));
    Ok(if receipt.within_bounds && repeated { ExitCode::SUCCESS } else { ExitCode::from(OUTSIDE) })
}

/// Compares the model file `model` with the ONNX file that it was converted from.
///
/// # Errors
/// If ONNX Runtime is not here or can't run the source.
pub fn verify(model: &Path, source: &Path, quiet: bool) -> Result<Comparison> {
    let ours = Ours::open(model, None)?;
    let mut reference = reference::open(source, None)?;
    let synthesizer = Synthesizer::open(model, Some(1))?;
    let options = Options::default();
    // A voice of a language that has no front-end here says its own symbols: to be compared it need not make sense.
    let utterances = request::utterances(ours.file(), &synthesizer, Input::Text(TEXT), &options).or_else(|_| {
        let symbols = request::symbols(ours.file())?;
        request::utterances(ours.file(), &synthesizer, Input::Phonemes(&symbols), &options)
    })?;
    let bounds = Bounds::default();
    Ok(compare(&ours, reference.as_mut(), &utterances, bounds, quiet)?.0)
}

/// What is compared, by the arguments and else by the receipt that is checked.
struct Asked {
    model: String,
    reference: PathBuf,
    bounds: Bounds,
}

impl Asked {
    fn new(arguments: &ParityArguments, checked: Option<&Receipt>) -> Result<Self> {
        let receipt_model = checked.map(|receipt| receipt.model.path.to_string_lossy().into_owned());
        let receipt_reference = checked.map(|receipt| receipt.reference.path.clone());
        Ok(Self {
            model: arguments.model.clone().or(receipt_model).context("give a model")?,
            reference: arguments
                .reference
                .clone()
                .or(receipt_reference)
                .context("give a reference with --reference")?,
            bounds: checked.map_or(Bounds { stage: arguments.bound }, |receipt| receipt.bounds),
        })
    }
}

/// The reference's own utterances, where it has no others; else the text's.
fn utterances(arguments: &ParityArguments, ours: &Ours, reference: &dyn Reference) -> Result<Vec<Utterance>> {
    if let Some(utterances) = reference.utterances()? {
        if arguments.text.is_some() {
            bail!("the reference is a folder of utterances; it can't say another text. Give an .onnx file for that");
        }
        return Ok(utterances);
    }
    let options = Options {
        voice: arguments.voice.clone(),
        language: arguments.language,
        speed: arguments.speed,
        length_scale: arguments.length_scale,
        noise_scale: arguments.noise_scale,
        noise_w: arguments.noise_w,
        seed: arguments.seed,
        ..Options::default()
    };
    let text = arguments.text.as_deref().unwrap_or(TEXT);
    let input = if arguments.phonemes { Input::Phonemes(text) } else { Input::Text(text) };
    let synthesizer = Synthesizer::open(ours.path(), Some(1))?;
    request::utterances(ours.file(), &synthesizer, input, &options)
}

fn compare(
    ours: &Ours,
    reference: &mut dyn Reference,
    utterances: &[Utterance],
    bounds: Bounds,
    quiet: bool,
) -> Result<(Comparison, Option<Heard>)> {
    let bar = progress::comparing(utterances.len() as u64, quiet);
    let compared = Comparison::run(ours, reference, utterances, bounds, &mut |_| bar.inc(1));
    bar.finish_and_clear();
    compared
}

/// Writes receipt and plots.
fn write(arguments: &ParityArguments, receipt: &Receipt, heard: Option<&Heard>) -> Result<()> {
    if let Some(path) = &arguments.receipt {
        write_file(path, receipt.json()?.as_bytes())?;
    }
    for path in &arguments.plot {
        let heard = heard.with_context(|| {
            format!("{}: the reference has only samples of its audio, which can't be drawn", path.display())
        })?;
        write_file(path, &Plot::of(path)?.draw(heard, receipt)?)?;
    }
    Ok(())
}

fn is_repeated(checked: &Receipt, receipt: &Receipt, silent: bool) -> bool {
    let deviations = checked.deviations(receipt);
    for deviation in &deviations {
        note(format_args!("not repeated: {deviation}"));
    }
    if deviations.is_empty() && !silent {
        note("the receipt is repeated");
    }
    deviations.is_empty()
}
