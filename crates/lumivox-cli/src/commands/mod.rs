//! One file a command.

pub mod bench;
pub mod convert;
pub mod explain;
pub mod inspect;
pub mod models;
pub mod parity;
pub mod piper;
pub mod pull;
pub mod say;
pub mod serve;
pub mod shell;
pub mod voices;

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lumivox::convert::ModelFile;
use lumivox::store::{self, JAPANESE_DICTIONARY, Store, StoreError};
use lumivox::text::{Emoji, UserLexicon};
use lumivox::{Device, LoadOptions, Options, Precision, Synthesizer, embedded};

use crate::args::{ComputeArguments, ReadingArguments};
use crate::output::note;
use crate::progress::PullProgress;

/// A model that can speak.
struct Loaded {
    synthesizer: Synthesizer,
    /// The model file's name without extension.
    name: String,
    /// The model file; `None` is the voice inside this program.
    path: Option<PathBuf>,
    /// What loading took.
    load_s: f64,
}

/// `options` with the choices of how text is read.
fn with_reading(arguments: &ReadingArguments, options: Options) -> Result<Options> {
    let emoji = if arguments.emoji { Emoji::Name } else { Emoji::Skip };
    let lexicon = arguments.lexicon.as_deref().map(read_lexicon).transpose()?.map(Arc::new);
    Ok(Options { lexicon, g2p: arguments.g2p.into(), emoji, ..options })
}

/// The user's pronunciations in a file.
fn read_lexicon(path: &Path) -> Result<UserLexicon> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("the lexicon {} can't be read", path.display()))?;
    UserLexicon::parse(&text).with_context(|| path.display().to_string())
}

/// Pulls the dictionary by which Japanese is read, if that is asked for, by language or by a voice of Kokoro, and it is not here. Without it there
/// are warnings of what is not read.
fn pull_dictionary(options: &Options, quiet: bool) {
    if !options.needs_japanese_dictionary() {
        return;
    }
    let progress = PullProgress::new(quiet);
    let pulled = Store::open().and_then(|store| store.dictionary(JAPANESE_DICTIONARY, false, &progress));
    progress.finish();
    if let Err(error) = pulled {
        note(format_args!(
            "note: the dictionary of Japanese is not here and can't be fetched ({error}); kanji are not read"
        ));
    }
}

/// Loads the model that is asked for, as [`locate`] finds it.
fn load(model: Option<&str>, options: &Options, compute: &ComputeArguments, quiet: bool) -> Result<Loaded> {
    let Located { path, name } = locate(model, options.voice.is_none(), quiet)?;
    pull_dictionary(options, quiet);
    let started = Instant::now();
    let load_options = load_options(compute, quiet)?;
    let synthesizer = match &path {
        Some(path) => Synthesizer::open_with(path, &load_options)?,
        None => Synthesizer::embedded(&load_options)?,
    };
    Ok(Loaded { synthesizer, name, path, load_s: started.elapsed().as_secs_f64() })
}

/// How models are loaded; says so where `auto` is the processor though there might be a GPU, and where 8 bits don't pay.
fn load_options(compute: &ComputeArguments, quiet: bool) -> Result<LoadOptions> {
    let (device, why_cpu) = compute.device.open()?;
    if let Some(reason) = why_cpu.filter(|_| !quiet) {
        note(format_args!("note: computing on the processor: {reason}"));
    }
    let precision = Precision::from(compute.precision);
    if precision == Precision::Int8 && matches!(device, Device::Cpu) && !precision.is_faster_on_cpu() && !quiet {
        note(
            "note: --precision int8 takes less memory here, but more time than f32: it pays where there is AVX-512 VNNI",
        );
    }
    let threads = compute.threads.map(usize::from);
    Ok(LoadOptions { threads, precision, device, cuda_graphs: compute.cuda_graphs })
}

/// A model that is here.
struct Located {
    /// The model file; `None` is the voice inside this program.
    path: Option<PathBuf>,
    /// The model file's name without extension.
    name: String,
}

/// Finds the model that is asked for, pulled first if need be. Where none is, Kokoro; and if Kokoro can't be had, the voice inside this program, unless
/// `any_voice` does not do, because one is asked for, which would be another's.
fn locate(model: Option<&str>, any_voice: bool, quiet: bool) -> Result<Located> {
    let path = match model {
        Some(embedded::NAME) => None,
        Some(model) => Some(resolve(model, quiet)?),
        None => match resolve("kokoro", quiet) {
            Ok(path) => Some(path),
            Err(error) if any_voice && is_unreachable(&error) => {
                if !quiet {
                    // Why the hub didn't give it was told when the packages were tried instead.
                    let reason = match error.downcast_ref() {
                        Some(StoreError::NoSource { mirror, .. }) => mirror.to_string(),
                        _ => error.to_string(),
                    };
                    note(format_args!(
                        "note: Kokoro is not here and can't be fetched ({reason}); the voice inside this program speaks (`--model embedded` asks for it)"
                    ));
                }
                None
            }
            Err(error) => return Err(error),
        },
    };
    // What an .onnx was made into has a name for the store only.
    let onnx = model.map(Path::new).filter(|model| model.extension().is_some_and(|extension| extension == "onnx"));
    let named = onnx.or(path.as_deref()).and_then(Path::file_stem);
    let name = named.map_or(embedded::NAME.into(), |name| name.to_string_lossy().into_owned());
    Ok(Located { path, name })
}

/// Whether the model would be here if there were a network.
fn is_unreachable(error: &anyhow::Error) -> bool {
    use StoreError::{HubUnreachable, NoHome, NoSource, Storage};
    matches!(error.downcast_ref(), Some(NoSource { .. } | HubUnreachable { .. } | NoHome | Storage { .. }))
}

/// The model file for a name or path, pulled first if need be.
fn resolve(model: &str, quiet: bool) -> Result<PathBuf> {
    let progress = PullProgress::new(quiet);
    let path = store::resolve(model, &progress);
    progress.finish();
    Ok(path?)
}

/// The model file for a path, or for the name of a model that is here.
fn find(model: &str) -> Result<PathBuf> {
    let here = store::find(model)?;
    here.with_context(|| format!("the model `{model}` is not here yet; `lumivox pull {model}` fetches it"))
}

/// The model file for a path or for the name of a model that is here, the voice inside this program among them.
fn open(model: &str) -> Result<ModelFile> {
    Ok(match model {
        embedded::NAME => embedded::model_file()?,
        model => ModelFile::open(find(model)?)?,
    })
}

/// The text of an argument, a file or standard input, which must be UTF-8. No more than `limit` bytes and one are read, so that a text that is too long is
/// noticed without being loaded.
fn read_text(argument: Option<&str>, file: Option<&Path>, limit: usize) -> Result<String> {
    let (name, mut reader): (String, Box<dyn Read>) = match (argument, file) {
        (Some(text), _) => return Ok(text.to_owned()),
        (None, Some(path)) if path != Path::new("-") => {
            let file = File::open(path).with_context(|| format!("{} can't be read", path.display()))?;
            (path.display().to_string(), Box::new(file))
        }
        (None, file) => {
            if file.is_none() && io::stdin().is_terminal() {
                bail!("there is no text; give it as an argument, with --input FILE, or on standard input");
            }
            ("standard input".to_owned(), Box::new(io::stdin().lock()))
        }
    };
    let mut bytes = Vec::new();
    let most = (limit as u64).saturating_add(1);
    reader.by_ref().take(most).read_to_end(&mut bytes).with_context(|| format!("{name} can't be read"))?;
    if bytes.len() > limit {
        bail!(
            "{name} has more than the {limit} bytes that are taken; split it, or raise the limit with --max-text-bytes"
        );
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        anyhow::anyhow!("{name} is not UTF-8 text (byte {place}); convert it, for example with iconv")
    })?;
    // A byte order mark is not part of the text.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The model file of a Piper voice's .onnx, converted unless it was before.
fn import(path: &Path, config: Option<&Path>, quiet: bool) -> Result<PathBuf> {
    let progress = PullProgress::new(quiet);
    let model = Store::open()?.import(path, config, &progress);
    progress.finish();
    Ok(model?)
}
