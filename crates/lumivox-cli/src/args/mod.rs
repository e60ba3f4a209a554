//! The command line.

mod bench;
mod parity;
mod piper;
mod say;
mod serve;
mod shell;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lumivox::DeviceChoice;
use lumivox::text::Language;

pub use bench::{Against, BenchArguments};
pub use parity::ParityArguments;
pub use piper::{Naming, PiperArguments};
pub use say::{Chapters, SayArguments};
pub use serve::{LogFormat, ServeArguments};
pub use shell::{CompletionsArguments, ManualArguments};

/// Text to speech with Kokoro-82M, Piper voices and MMS-TTS, without Python and ONNX Runtime.
///
/// The first `say` fetches Kokoro (some 120 to 360 MB) into the cache folder and keeps it there; after that nothing is fetched. Where it can't be fetched, the
/// voice inside this program speaks.
#[derive(Parser)]
#[command(name = "lumivox", version, arg_required_else_help = true, args_override_self = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all done; 1 some inputs, lines or voices failed (`say`, `piper`, `convert --all`), the others are done, or a comparison is outside its bounds; 2 wrong usage, or nothing could be done.
Models are kept in $LUMIVOX_HOME, else in the user's cache folder. HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are honoured.";

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Speaks text, books and subtitles into WAV files or a pipe.
    Say(SayArguments),
    /// Takes Piper's own arguments: `lumivox piper …` does what `piper …` does.
    #[command(version)]
    Piper(PiperArguments),
    /// Fetches a model and converts it.
    Pull(PullArguments),
    /// Lists the models that can be pulled, and which are here.
    Models(ModelsArguments),
    /// Lists a model's voices or speakers.
    Voices(VoicesArguments),
    /// Makes a model file from a published checkpoint.
    Convert(ConvertArguments),
    /// Shows what is in a model file.
    Inspect(InspectArguments),
    /// Shows how a text is read: words, phonemes, and where each came from.
    Explain(ExplainArguments),
    /// Serves speech over HTTP to programs (OpenAI's API) and people (a page).
    Serve(ServeArguments),
    /// Measures how fast models speak here, where the time goes, and how that compares with other engines.
    Bench(BenchArguments),
    /// Compares a model with the original, stage by stage, on the same noise.
    Parity(ParityArguments),
    /// Prints what a shell completes this command line by.
    Completions(CompletionsArguments),
    /// Writes manual pages.
    Manual(ManualArguments),
}

/// Where and in which numbers it is computed.
#[derive(Args)]
pub struct ComputeArguments {
    /// Where to compute: cpu, cuda or cuda:N (a program built with `--features cuda`), or auto: the first CUDA device if there is one, else the processor.
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// On a GPU: records the launches of a request, and runs them as one when a request of the same size comes again.
    #[arg(long)]
    pub cuda_graphs: bool,
    /// Threads to compute with on the processor; one for each of its threads if not given.
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// int8, for Kokoro on the processor, computes the costly part in 8-bit integers: faster on processors with AVX-512 VNNI, slower on others, in less memory, and
    /// nearer to the original than another seed is. f16, on a GPU, stores values with 16 bits and multiplies them on tensor cores.
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,
}

/// Which model.
#[derive(Args)]
pub struct ModelArgument {
    /// A model's name (see `lumivox models`), or a model file: anything with a `/` or a `.` in it; `embedded` is the voice inside this program.
    #[arg(short, long, value_name = "NAME|FILE", default_value = "kokoro")]
    pub model: String,
}

/// How text is read.
#[derive(Args)]
pub struct ReadingArguments {
    /// Pronunciations in the model's symbols that go before all others: JSON ({"word": "phonemes"}), or lines of a word, a tab and its phonemes.
    #[arg(long, value_name = "FILE")]
    pub lexicon: Option<PathBuf>,
    /// Where phonemes come from: what is built in, or an installed espeak-ng. What is not built in for a Piper voice comes from espeak-ng in any case.
    #[arg(long, value_enum, default_value_t = G2p::Builtin)]
    pub g2p: G2p,
    /// Says emoji by their names; else they are silent, with a warning.
    #[arg(long)]
    pub emoji: bool,
}

/// Sources of phonemes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum G2p {
    Builtin,
    Espeak,
}

impl From<G2p> for lumivox::G2p {
    fn from(g2p: G2p) -> Self {
        match g2p {
            G2p::Builtin => Self::Builtin,
            G2p::Espeak => Self::Espeak,
        }
    }
}

/// How it is said.
#[derive(Args)]
pub struct DeliveryArguments {
    /// Kokoro: a voice (af_heart if not given), or a blend: `af_heart:60,af_bella:40`, `af_heart.4+af_bella.6`, `af_heart,af_bella`. VITS: a speaker's name or number.
    #[arg(short, long, visible_alias = "speaker")]
    pub voice: Option<String>,
    /// The language of the text (en-us, en-gb, es, fr, hi, it, ja, pt-br, zh); the voice's own if not given.
    #[arg(short, long, value_name = "TAG")]
    pub language: Option<Language>,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Speaking rate: 0.25 (slow) to 4 (fast).
    #[arg(short, long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub speed: f32,
    /// Factor of all durations, 0.1 to 10; the voice's own if not given.
    #[arg(long, alias = "length_scale", value_name = "FACTOR", allow_negative_numbers = true)]
    pub length_scale: Option<f32>,
    /// VITS: how lively the voice is, 0 to 10; the voice's own if not given.
    #[arg(long, alias = "noise_scale", value_name = "DEVIATION", allow_negative_numbers = true)]
    pub noise_scale: Option<f32>,
    /// VITS: how lively the rhythm is, 0 to 10; the voice's own if not given.
    #[arg(long, aliases = ["noise_w", "noise-w-scale", "noise_w_scale"], value_name = "DEVIATION", allow_negative_numbers = true)]
    pub noise_w: Option<f32>,
    /// Seconds of silence behind each sentence.
    #[arg(
        long,
        alias = "sentence_silence",
        value_name = "SECONDS",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    pub sentence_silence: f32,
    /// Seconds of silence behind each paragraph; those of sentences if not given.
    #[arg(long, alias = "paragraph_silence", value_name = "SECONDS", allow_negative_numbers = true)]
    pub paragraph_silence: Option<f32>,
}

/// What goes to standard output.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Container {
    /// RIFF WAVE.
    Wav,
    /// Bare little-endian samples, mono.
    Pcm,
}

/// In which numbers the costly part is computed.
#[derive(Clone, Copy, ValueEnum)]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// Stored with 16 bits.
    F16,
    /// 8-bit integers.
    Int8,
}

impl From<Precision> for lumivox::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F16 => Self::F16,
            Precision::Int8 => Self::Int8,
        }
    }
}

/// How samples are stored.
#[derive(Clone, Copy, ValueEnum)]
pub enum SampleFormat {
    /// 16-bit integers.
    S16,
    /// 32-bit floats.
    F32,
}

impl From<SampleFormat> for lumivox::audio::SampleFormat {
    fn from(format: SampleFormat) -> Self {
        match format {
            SampleFormat::S16 => Self::I16,
            SampleFormat::F32 => Self::F32,
        }
    }
}

/// Arguments of `pull`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lumivox pull                          # Kokoro
  lumivox pull en_US-lessac-medium      # a Piper voice
  lumivox pull mms-swh                  # MMS-TTS in a language, by its ISO 639-3 code (CC-BY-NC-4.0: no commercial use)")]
pub struct PullArguments {
    /// The model's name: one that `lumivox models` lists, any Piper voice (en_US-lessac-medium), or any language of MMS-TTS (mms-swh); or a dictionary's (ja-dictionary).
    #[arg(default_value = "kokoro")]
    pub name: String,
    /// Makes it again although it is here, from newer files if the hub has some.
    #[arg(long)]
    pub again: bool,
    /// Prints nothing but errors.
    #[arg(short, long)]
    pub quiet: bool,
}

/// Arguments of `models`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lumivox models                        # the main models, and all that are here
  lumivox models --language swahili     # all that speak a language; sw, swh and sw_CD say it, too
  lumivox models --all")]
pub struct ModelsArguments {
    /// Lists what speaks a language: a tag (sw, swh, en-gb, pt_BR) or an English name (swahili).
    #[arg(short, long, value_name = "LANGUAGE", conflicts_with = "all")]
    pub language: Option<String>,
    /// Lists every Piper voice and every language of MMS-TTS, too.
    #[arg(short, long)]
    pub all: bool,
    #[command(flatten)]
    pub json: JsonArguments,
}

/// Arguments of commands that only list.
#[derive(Args)]
pub struct JsonArguments {
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `voices`.
#[derive(Args)]
pub struct VoicesArguments {
    #[command(flatten)]
    pub model: ModelArgument,
    #[command(flatten)]
    pub json: JsonArguments,
}

/// Arguments of `convert`.
#[derive(Args)]
#[command(after_help = "\
Reads Kokoro's ONNX exports (int8, f32, f16) and its original .pth, Piper voices (.onnx with its .onnx.json), Hugging Face VITS folders (MMS-TTS) and
original VITS checkpoints.
Examples:
  lumivox convert kokoro-v1_0.pth --voices voices/ -o kokoro.safetensors
  lumivox convert kokoro-v1.0.onnx --voices voices-v1.0.bin -o kokoro.safetensors
  lumivox convert en_US-joe-medium.onnx --license CC0-1.0
  lumivox convert en_US-joe-medium.onnx --verify            # and compares it with its source, stage by stage
  lumivox convert piper-voices/ --all -o models             # every voice in the folder and below it
  lumivox convert mms-tts-heb/ -o mms-heb.safetensors
  lumivox convert facebook/mms-tts-swh                      # fetched from the hub
  lumivox convert G_100000.pth --language heb")]
pub struct ConvertArguments {
    /// The checkpoint, the folder that has it, or its repository on the Hugging Face hub: hexgrad/Kokoro-82M, facebook/mms-tts-swh.
    pub input: PathBuf,
    /// The model file; the input's name with `.safetensors` if not given.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Voices: files (.pt, .bin, .npz) or folders of them; the folder `voices` beside the input if not given.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub voices: Vec<PathBuf>,
    /// The checkpoint's configuration; if not given the one beside the input (a Piper voice's .onnx.json, else config.json), else Kokoro v1.0's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The licence of the weights as SPDX identifier; what the checkpoint or its model card says, if not given.
    #[arg(long, value_name = "SPDX", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub license: Option<String>,
    /// The language of the model: a tag such as en-us, for MMS-TTS the ISO 639-3 code; what the checkpoint says, if not given.
    #[arg(long, value_name = "TAG", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub language: Option<String>,
    /// How weights are stored.
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    pub dtype: Dtype,
    /// Compares the model with its source when it is written, as `lumivox parity` does; for .onnx files, which ONNX Runtime runs, and weights in f32.
    #[arg(long)]
    pub verify: bool,
    /// Converts every Piper voice (.onnx with its .onnx.json) in the folder and below it; --output is a folder then, the input if not given. A voice that
    /// can't be converted gives its reason, and the others go on.
    #[arg(long, conflicts_with_all = ["voices", "config"])]
    pub all: bool,
    /// Prints nothing but errors.
    #[arg(short, long)]
    pub quiet: bool,
}

/// How weights are stored.
#[derive(Clone, Copy, ValueEnum)]
pub enum Dtype {
    /// 32-bit floats.
    F32,
    /// 16-bit floats: half the size.
    F16,
    /// 8-bit integers with a scale for each output channel: a quarter of the size.
    I8,
}

impl From<Dtype> for lumivox::convert::Dtype {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::F16 => Self::F16,
            Dtype::I8 => Self::I8,
        }
    }
}

/// Arguments of `inspect`.
#[derive(Args)]
pub struct InspectArguments {
    /// A model file, or the name of a model that is here; `embedded` is the voice inside this program.
    #[arg(value_name = "NAME|FILE", default_value = "kokoro")]
    pub model: String,
    /// Lists every tensor.
    #[arg(long)]
    pub tensors: bool,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `explain`.
#[derive(Args)]
pub struct ExplainArguments {
    /// The text; without it, standard input.
    pub text: Option<String>,
    /// A model's name or file, whose reading is shown; if not given, Kokoro's reading, for which no model is needed.
    #[arg(short, long, value_name = "NAME|FILE")]
    pub model: Option<String>,
    /// The language of the text (en-us, en-gb, es, fr, hi, it, ja, pt-br, zh); the model's own if not given, en-us without one.
    #[arg(short, long, value_name = "TAG")]
    pub language: Option<Language>,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}
