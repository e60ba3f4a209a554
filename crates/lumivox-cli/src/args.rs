//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lumivox::VoiceSpec;
use lumivox::text::Dialect;

/// Text to speech with Kokoro-82M, without Python and ONNX Runtime.
///
/// The first `say` fetches the model (some 120 to 360 MB) into the cache folder and keeps it there; after that nothing is fetched.
#[derive(Parser)]
#[command(name = "lumivox", version, arg_required_else_help = true, args_override_self = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all done; 1 some lines failed (`say --lines`), the others were said; 2 wrong usage, or nothing could be done.
Models are kept in $LUMIVOX_HOME, else in the user's cache folder. HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are honoured.";

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Speaks text into a WAV file or a pipe.
    Say(SayArguments),
    /// Fetches a model and converts it.
    Pull(PullArguments),
    /// Lists the models that can be pulled, and which are here.
    Models(ModelsArguments),
    /// Lists a model's voices.
    Voices(VoicesArguments),
    /// Makes a model file from a published checkpoint.
    Convert(ConvertArguments),
    /// Shows what is in a model file.
    Inspect(InspectArguments),
    /// Shows how a text is read: words, phonemes, and where each came from.
    Explain(ExplainArguments),
}

/// Arguments of `say`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lumivox say \"Hello, world!\"
  lumivox say -i story.txt -o story.wav --voice bf_emma --speed 1.1
  lumivox say \"Half and half.\" --voice af_heart:60,af_bella:40
  lumivox say \"I say [tomato](/təmˈɑːtQ/).\" --voice bm_george
  echo \"To the speakers\" | lumivox say -o - | aplay
  lumivox say -i lines.txt --lines -o clips")]
pub struct SayArguments {
    /// The text; without it and without --input, standard input.
    pub text: Option<String>,
    #[command(flatten)]
    pub model: ModelArgument,
    /// Reads the text from a file, or from standard input with `-`.
    #[arg(short, long, value_name = "FILE", conflicts_with = "text")]
    pub input: Option<PathBuf>,
    /// Where the audio goes: a WAV file (out.wav if not given), `-` for standard output, or with --lines a folder (out if not given).
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Says each line of the input into a file of its own, 0001.wav and so on by the line's number.
    #[arg(long)]
    pub lines: bool,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Speaking rate: 0.25 (slow) to 4 (fast).
    #[arg(short, long, default_value_t = 1.0, allow_negative_numbers = true, value_parser = speed)]
    pub speed: f32,
    /// The same seed gives the same audio, sample for sample.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The text is phonemes already, in the model's symbols.
    #[arg(long)]
    pub phonemes: bool,
    /// Fails if any part of the text can't be spoken, instead of leaving it out with a warning.
    #[arg(long)]
    pub strict: bool,
    /// Threads to compute with; all processors if not given.
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// What standard output gets: a WAV whose header leaves the length open, or bare samples; files are always WAV.
    #[arg(long, value_enum, default_value_t = Container::Wav)]
    pub format: Container,
    /// How samples are stored.
    #[arg(long, value_enum, default_value_t = SampleFormat::S16)]
    pub sample_format: SampleFormat,
    /// The longest text that is taken, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 500_000)]
    pub max_text_bytes: usize,
    /// Prints no notes, warnings and figures.
    #[arg(short, long)]
    pub quiet: bool,
    /// Prints the figures as JSON: on standard output, or on standard error if the audio goes there.
    #[arg(long)]
    pub json: bool,
}

/// Reads a speed that the model can follow.
fn speed(text: &str) -> Result<f32, String> {
    let speed: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.25..=4.0).contains(&speed) { Ok(speed) } else { Err(lumivox::Error::Speed(speed).to_string()) }
}

/// Which model.
#[derive(Args)]
pub struct ModelArgument {
    /// A model's name (see `lumivox models`), or a model file: anything with a `/` or a `.` in it.
    #[arg(short, long, value_name = "NAME|FILE", default_value = "kokoro")]
    pub model: String,
}

/// How text is read.
#[derive(Args)]
pub struct ReadingArguments {
    /// A voice, or a blend: `af_heart:60,af_bella:40`, `af_heart.4+af_bella.6`, `af_heart,af_bella`.
    #[arg(short, long, default_value = "af_heart")]
    pub voice: VoiceSpec,
    /// The language of the text (en-us, en-gb); the voice's own if not given.
    #[arg(short, long, value_name = "TAG")]
    pub language: Option<Dialect>,
}

/// What goes to standard output.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Container {
    /// RIFF WAVE.
    Wav,
    /// Bare little-endian samples, mono.
    Pcm,
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
    /// The model's name: one that `lumivox models` lists, any Piper voice (en_US-lessac-medium), or any language of MMS-TTS (mms-swh).
    #[arg(default_value = "kokoro")]
    pub name: String,
    /// Fetches it again although it is here.
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
  lumivox convert mms-tts-heb/ -o mms-heb.safetensors
  lumivox convert G_100000.pth --language heb")]
pub struct ConvertArguments {
    /// The checkpoint, or the folder that has it.
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
}

impl From<Dtype> for lumivox::convert::Dtype {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::F16 => Self::F16,
        }
    }
}

/// Arguments of `inspect`.
#[derive(Args)]
pub struct InspectArguments {
    /// A model file, or the name of a model that is here.
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
    /// The language of the text.
    #[arg(short, long, value_name = "TAG", default_value = "en-us")]
    pub language: Dialect,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}
