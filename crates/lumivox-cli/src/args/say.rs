//! `lumivox say`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ComputeArguments, Container, DeliveryArguments, SampleFormat};

/// Arguments of `say`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lumivox say \"Hello, world!\"
  lumivox say -i story.txt -o story.wav --voice bf_emma --speed 1.1
  lumivox say \"Half and half.\" --voice af_heart:60,af_bella:40
  lumivox say \"I say [tomato](/təmˈɑːtQ/).\" --voice bm_george
  lumivox say \"Said by a Piper voice.\" -m en_US-lessac-medium --length-scale 1.2
  echo \"To the speakers, from the first word on\" | lumivox say -m piper-joe --stream | aplay
  lumivox say -i story.txt --timestamps story.srt
  lumivox say -i lines.txt --lines -o clips
  lumivox say -i novel.epub -o novel.wav                # chapters are marked; interrupted, the same command goes on
  lumivox say -i novel.epub --chapters files -o novel   # novel/01 Loomings.wav and so on
  lumivox say -i film.srt -o film.wav --fit             # each subtitle at its time
  lumivox say -i *.md notes.txt -o spoken --jobs 2      # spoken/NAME.wav for each")]
pub struct SayArguments {
    /// The text; without it and without --input, standard input.
    pub text: Option<String>,
    /// A model's name (see `lumivox models`), or a model file: anything with a `/` or a `.` in it, a Piper voice's .onnx too. If not given: kokoro, and where that
    /// can't be had the voice inside this program, which `embedded` names.
    #[arg(short, long, value_name = "NAME|FILE")]
    pub model: Option<String>,
    /// Files to read, or `-` for standard input: Markdown (.md, .markdown), EPUB books (.epub), subtitles (.srt); all others are plain text. Of several files
    /// each is said into one of its own name, in the folder that --output names.
    ///
    /// If that is interrupted, even by the power, the same command goes on where it was: what is done is kept in OUTPUT.part, and OUTPUT.journal says what
    /// that is.
    #[arg(short, long, value_name = "FILE", num_args = 1.., conflicts_with = "text")]
    pub input: Vec<PathBuf>,
    /// Where the audio goes: a WAV file (out.wav if not given), `-` for standard output; for several inputs and with --lines a folder (out if not given), with
    /// --chapters files too (the input's name if not given).
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How chapters are told apart, the headings of Markdown and what a book's contents list; marks if not given.
    #[arg(long, value_enum, value_name = "HOW", conflicts_with = "lines")]
    pub chapters: Option<Chapters>,
    /// Seconds of silence between chapters, in one file.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, allow_negative_numbers = true)]
    pub chapter_silence: f32,
    /// Speaks a subtitle faster, at most at speed 4, where it would not be said before the next one begins; else the next ones begin late, with a warning.
    #[arg(long)]
    pub fit: bool,
    /// Begins anew, instead of going on with what an interrupted run of the same command has done.
    #[arg(long)]
    pub restart: bool,
    /// How many inputs, lines or chapters' files are said at the same time, by one model on its threads: of use where they are short.
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Says each line of the input into a file of its own, 0001.wav and so on by the line's number.
    #[arg(long)]
    pub lines: bool,
    /// Sends each stretch of audio on as soon as it exists, to standard output unless --output is given.
    #[arg(long, conflicts_with = "lines")]
    pub stream: bool,
    /// Writes when each word and phoneme sounds, with the bytes of the text: .json, which has the text and its chapters, too, if it is a document's, or
    /// subtitles as .srt or .vtt.
    #[arg(long, value_name = "FILE", conflicts_with = "lines")]
    pub timestamps: Option<PathBuf>,
    #[command(flatten)]
    pub delivery: DeliveryArguments,
    /// The same seed gives the same audio, sample for sample.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The text is phonemes already, in the model's symbols.
    #[arg(long, conflicts_with_all = ["ssml", "lexicon"])]
    pub phonemes: bool,
    /// The text is SSML: speak, p, s, break, prosody rate, say-as, sub, phoneme, lang and voice.
    #[arg(long, conflicts_with = "lines")]
    pub ssml: bool,
    /// Fails if any part of the text can't be spoken, instead of leaving it out with a warning.
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// What standard output gets: a WAV whose header leaves the length open, or bare samples; files are always WAV.
    #[arg(long, value_enum, default_value_t = Container::Wav)]
    pub format: Container,
    /// How samples are stored.
    #[arg(long, value_enum, default_value_t = SampleFormat::S16)]
    pub sample_format: SampleFormat,
    /// The longest text that is taken, in bytes; of documents, the longest chapter.
    #[arg(long, value_name = "BYTES", default_value_t = 500_000)]
    pub max_text_bytes: usize,
    /// Prints no notes, warnings and figures.
    #[arg(short, long)]
    pub quiet: bool,
    /// Prints the figures as JSON: on standard output, or on standard error if the audio goes there.
    #[arg(long)]
    pub json: bool,
}

/// How chapters are told apart.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Chapters {
    /// One file with marks (cue points with labels) where chapters begin.
    Marks,
    /// A file for each: `01 TITLE.wav` and so on.
    Files,
}
