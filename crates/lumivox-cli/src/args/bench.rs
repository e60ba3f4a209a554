//! Arguments of `bench`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::ComputeArguments;

/// Arguments of `bench`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lumivox bench                                            # Kokoro: three texts, five rounds
  lumivox bench piper-joe kokoro --html bench.html         # two models, and a page with plots
  lumivox bench piper-joe --against onnxruntime=en_US-joe-medium.onnx
  lumivox bench --against onnxruntime=kokoro.onnx --python venv/bin/python --texts 44,174
  lumivox bench --against torch=DIR --python venv/bin/python
  lumivox bench --concurrency 2,4 --texts 44               # parallel requests: throughput, and how long they wait
  lumivox bench --profile --texts 174                      # where the time goes, with GFLOP/s
  lumivox bench --json=bench.json --rounds 20              # every figure of every round

Every engine says the same ids in turn, and no round begins with the engine that the one before began with. Outputs are checked before they are timed:
samples there are, numbers they are, no silence, and as many each time; lumivox's own must be the same, one by one. Reading the text is not part of the figures.

ONNX Runtime's library is taken from ORT_DYLIB_PATH, else from the package `onnxruntime` of the Python that --python names.
PyTorch speaks through tools/bench/worker.py of lumivox's sources; DIR is what tools/bench/weights.py makes.")]
pub struct BenchArguments {
    /// Models: names (see `lumivox models`), model files, Piper's .onnx; `embedded` is the voice inside this program. Kokoro if none is given.
    #[arg(value_name = "MODEL")]
    pub models: Vec<String>,
    /// Which texts, by their length in characters: 44, 122, 174 of Kokoro, 41, 178 of VITS, which are said if not given; `word`, `60s`, `all`.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub texts: Vec<String>,
    /// Says a text of your own instead.
    #[arg(long, value_name = "TEXT", conflicts_with = "texts")]
    pub text: Option<String>,
    /// Rounds that are timed.
    #[arg(short, long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// Runs of each engine and text that are not timed, before the rounds.
    #[arg(long, value_name = "RUNS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub warm_up: u16,
    /// A voice or speaker; the model's own if not given.
    #[arg(short, long)]
    pub voice: Option<String>,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// Measures so many requests at a time to one loaded model, too; several numbers in turn, 1 first.
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: Vec<u16>,
    /// Measures another engine in turn with lumivox: onnxruntime=FILE.onnx, or torch=DIR. Can be given several times.
    #[arg(long, value_name = "ENGINE=PATH")]
    pub against: Vec<Against>,
    /// The Python that has the other engines' packages.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub python: PathBuf,
    /// The folder tools/bench of lumivox's sources; if not given it is looked for from here upwards.
    #[arg(long, value_name = "DIR")]
    pub tools: Option<PathBuf>,
    /// Shows where the time goes: each stage's time, GFLOP/s, and share of what the machine can do at most.
    #[arg(short, long)]
    pub profile: bool,
    /// Writes the record, every figure of every round, as JSON: to a file, or to standard output in the place of the table.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub json: Option<PathBuf>,
    /// Writes a page with plots: RTF over length, the first audio of every round, time of each stage (so this implies --profile).
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Shows no progress.
    #[arg(short, long)]
    pub quiet: bool,
}

/// Another engine, as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// ONNX Runtime with a graph.
    OnnxRuntime(PathBuf),
    /// PyTorch with a folder of weights.
    Torch(PathBuf),
}

impl FromStr for Against {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("onnxruntime", path)) if !path.is_empty() => Ok(Self::OnnxRuntime(path.into())),
            Some(("torch", path)) if !path.is_empty() => Ok(Self::Torch(path.into())),
            _ if text.starts_with("onnxruntime") => Err("which graph? write onnxruntime=FILE.onnx".into()),
            _ if text.starts_with("torch") => {
                Err("where are its weights? write torch=DIR; `tools/bench/weights.py --lumivox PROGRAM --work DIR` makes the folder".into())
            }
            _ => Err("the engines are onnxruntime=FILE.onnx and torch=DIR".into()),
        }
    }
}
