//! Piper's own command line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `piper`, with both of Piper's spellings.
#[derive(Args)]
#[command(after_help = "\
Where Piper and this program differ: a voice's name is looked for on the hub, too, if there is no such file; audio is never played.
Examples:
  echo \"Hello.\" | lumivox piper -m en_US-lessac-medium.onnx -f hello.wav
  echo \"Hello.\" | lumivox piper -m en_US-lessac-medium --output_raw | aplay -r 22050 -f S16_LE -t raw -
  lumivox piper -m voice.onnx --json-input -d clips < lines.jsonl")]
pub struct PiperArguments {
    /// A voice's .onnx file, or its name; `embedded` is the voice inside this program.
    #[arg(short, long, value_name = "NAME|FILE")]
    pub model: String,
    /// The voice's configuration; FILE.onnx.json beside the voice if not given.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Reads lines of text from files; from standard input if not given.
    #[arg(short, long, alias = "input_file", value_name = "FILE", conflicts_with = "text")]
    pub input_file: Vec<PathBuf>,
    /// The text; if given, standard input is not read.
    pub text: Vec<String>,
    /// The WAV file for all lines, `-` for standard output; output.wav if not given.
    #[arg(short = 'f', long, alias = "output_file", value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// A folder that gets a WAV file for each line.
    #[arg(short = 'd', long, alias = "output_dir", value_name = "FOLDER", conflicts_with = "output_file")]
    pub output_dir: Option<PathBuf>,
    /// What files in --output-dir are called after.
    #[arg(long, alias = "output_dir_naming", value_enum, default_value_t = Naming::Timestamp)]
    pub output_dir_naming: Naming,
    /// Bare 16-bit samples to standard output, sentence by sentence.
    #[arg(long, alias = "output_raw", conflicts_with_all = ["output_file", "output_dir"])]
    pub output_raw: bool,
    /// Each line of the input is a JSON object: `text`, and if wanted `speaker` (name), `speaker_id`, `output_file`.
    #[arg(long, alias = "json_input")]
    pub json_input: bool,
    /// Number of the speaker.
    #[arg(short, long)]
    pub speaker: Option<String>,
    /// Factor of all durations.
    #[arg(long, alias = "length_scale", allow_negative_numbers = true)]
    pub length_scale: Option<f32>,
    /// How lively the voice is.
    #[arg(long, alias = "noise_scale", allow_negative_numbers = true)]
    pub noise_scale: Option<f32>,
    /// How lively the rhythm is.
    #[arg(long, aliases = ["noise_w_scale", "noise-w", "noise_w"], allow_negative_numbers = true)]
    pub noise_w_scale: Option<f32>,
    /// Seconds of silence between sentences.
    #[arg(long, alias = "sentence_silence", default_value_t = 0.0, allow_negative_numbers = true)]
    pub sentence_silence: f32,
    /// Factor of the volume.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub volume: f32,
    /// Keeps the model's own volume; otherwise each sentence is made as loud as 16 bits hold.
    #[arg(long, alias = "no_normalize")]
    pub no_normalize: bool,
    /// Folders in which NAME.onnx is looked for, besides the current one.
    #[arg(long, alias = "data_dir", value_name = "FOLDER")]
    pub data_dir: Vec<PathBuf>,
    /// Computes on the first CUDA device; without effect in a program that was built without CUDA.
    #[arg(long, alias = "use_cuda", alias = "use-cuda")]
    pub cuda: bool,
    /// Is taken and has no effect: an installed espeak-ng knows where its data are.
    #[arg(long, alias = "espeak_data", value_name = "FOLDER", hide = true)]
    pub espeak_data: Option<PathBuf>,
    /// Is taken and has no effect: Arabic is read by espeak-ng without its vowels being put in.
    #[arg(long, alias = "tashkeel_model", value_name = "FILE", hide = true)]
    pub tashkeel_model: Option<PathBuf>,
    /// Is taken and has no effect.
    #[arg(
        long,
        alias = "phoneme_silence",
        value_names = ["PHONEME", "SECONDS"],
        num_args = 2,
        action = clap::ArgAction::Append,
        hide = true
    )]
    pub phoneme_silence: Vec<String>,
    /// Prints the figures of each line.
    #[arg(long)]
    pub debug: bool,
    /// Prints nothing but errors.
    #[arg(short, long)]
    pub quiet: bool,
}

/// What files are called after.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Naming {
    /// The time, in nanoseconds.
    Timestamp,
    /// The text.
    Text,
}
