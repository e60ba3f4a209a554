//! Arguments of `parity`.

use std::path::PathBuf;

use clap::Args;
use lumivox::text::Language;

/// Arguments of `parity`.
#[derive(Args)]
#[command(after_help = "\
Both sides get the same ids and the same noise. Each stage that the reference shows gets a row: relative L2 and largest difference, signal-to-noise ratio,
for audio the log-mel difference, and the floor: how far the reference is from itself on another number of threads, and with another seed of the noise. Where a
stage amplifies rounding (Kokoro's F0 and harmonic source), what is behind it is judged from the reference's own value. The first stage outside its bound is
where to look.

A reference is
  FILE.onnx   a Piper voice, or Kokoro as kokoro-onnx publishes it; run in this process by ONNX Runtime, whose library is taken from ORT_DYLIB_PATH or from
              Python's package (python3 -m pip install onnxruntime). Of Kokoro's 8-bit graph the operators are made f32 first, as its rounding of
              activations would hide every difference.
  DIR         stage tensors as the programs in tools/reference write them: kokoro_golden.py (PyTorch), piper_golden.py (ONNX Runtime), vits_golden.py
              (transformers); tools/reference/README.md says how. Those of tests/golden are of this kind.

Examples:
  lumivox parity piper-joe --reference en_US-joe-medium.onnx
  lumivox parity piper-joe --reference en_US-joe-medium.onnx \"Any text.\" --seed 7 --plot joe.html --receipt joe.json
  lumivox parity kokoro-int8 --reference kokoro-v1.0.int8.onnx --voice bf_emma
  lumivox parity kokoro-int8 --reference tests/golden/kokoro
  lumivox parity --check joe.json

Exit codes: 0 everything is within its bounds, and a checked receipt is repeated; 1 it is not; 2 nothing could be compared.")]
pub struct ParityArguments {
    /// A model's name (see `lumivox models`) or a model file. With --check: in the place of the receipt's.
    #[arg(required_unless_present = "check")]
    pub model: Option<String>,
    /// The text; a sentence of its own if not given.
    #[arg(conflicts_with = "check")]
    pub text: Option<String>,
    /// An .onnx file, or a folder of stage tensors. With --check: in the place of the receipt's.
    #[arg(short, long, value_name = "FILE|DIR", required_unless_present = "check")]
    pub reference: Option<PathBuf>,
    /// The text is phonemes already, in the model's symbols.
    #[arg(long)]
    pub phonemes: bool,
    /// Kokoro: a voice (af_heart if not given). VITS: a speaker's name or number.
    #[arg(short, long, visible_alias = "speaker")]
    pub voice: Option<String>,
    /// The language of the text (en-us, en-gb); the voice's own if not given.
    #[arg(short, long, value_name = "TAG")]
    pub language: Option<Language>,
    /// Speaking rate: 0.25 (slow) to 4 (fast).
    #[arg(short, long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub speed: f32,
    /// Factor of all durations, 0.1 to 10; the voice's own if not given.
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    pub length_scale: Option<f32>,
    /// VITS: deviation of the latent variable's noise; the voice's own if not given.
    #[arg(long, value_name = "DEVIATION", allow_negative_numbers = true)]
    pub noise_scale: Option<f32>,
    /// VITS: deviation of the noise of durations; the voice's own if not given.
    #[arg(long, value_name = "DEVIATION", allow_negative_numbers = true)]
    pub noise_w: Option<f32>,
    /// Seed of the noise that both sides get.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The most relative L2 difference of a stage.
    #[arg(long, value_name = "L2", default_value_t = 1e-4)]
    pub bound: f64,
    /// lumivox's threads; all processors if not given. The reference runs on one, and on two for the floor.
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// The Python whose package onnxruntime has the library.
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Writes the comparison with all that it takes to repeat it, as JSON.
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// Repeats a receipt: same files by their SHA-256, same utterances, and figures that agree within a factor of three.
    #[arg(long, value_name = "RECEIPT")]
    pub check: Option<PathBuf>,
    /// Draws both spectrograms, one over the other, and their difference: .png, or .html with the table. Can be given more than once.
    #[arg(long, value_name = "FILE")]
    pub plot: Vec<PathBuf>,
    /// Prints the receipt instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Prints no notes and progress.
    #[arg(short, long)]
    pub quiet: bool,
}
