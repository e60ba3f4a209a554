//! Arguments of `lumivox serve`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ComputeArguments;

#[derive(Args)]
#[command(after_help = "\
Examples:
  lumivox serve                                       # http://127.0.0.1:8880: the page, and OpenAI's speech API
  lumivox serve --wyoming 127.0.0.1:10200             # for Home Assistant, too
  lumivox serve --host 0.0.0.0 --api-key-file keys    # for others; put a proxy with TLS before it
  curl http://127.0.0.1:8880/v1/audio/speech -d '{\"input\": \"Hello!\", \"response_format\": \"wav\"}' -o hello.wav
OpenAI's clients need another address alone: OPENAI_BASE_URL=http://127.0.0.1:8880/v1")]
pub struct ServeArguments {
    /// The model of requests that name none or one of OpenAI's; it is pulled and loaded first.
    #[arg(short, long, value_name = "NAME|FILE", default_value = "kokoro")]
    pub model: String,
    /// Other model files to serve by their names, beside all that were pulled.
    #[arg(long = "also", value_name = "FILE")]
    pub also: Vec<PathBuf>,
    /// Serves --model and --also alone, and not what else was pulled.
    #[arg(long)]
    pub only: bool,
    /// The address to listen at; 0.0.0.0 is every one.
    #[arg(long, default_value = "127.0.0.1", env = "LUMIVOX_HOST")]
    pub host: IpAddr,
    /// The port; 0 takes a free one and prints it.
    #[arg(short, long, default_value_t = 8880, env = "LUMIVOX_PORT")]
    pub port: u16,
    /// Speaks the Wyoming protocol at this address, too.
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:10200")]
    pub wyoming: Option<std::net::SocketAddr>,
    /// A key of which requests need one, as `Authorization: Bearer KEY`; several may be given, separated by commas in the variable.
    #[arg(long, value_name = "KEY", env = "LUMIVOX_API_KEY", hide_env_values = true, value_delimiter = ',')]
    pub api_key: Vec<String>,
    /// A file of keys, one a line; others can't see it among the arguments.
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Lets pages of this origin use the server; `*` is any.
    #[arg(long, value_name = "ORIGIN")]
    pub cors: Vec<String>,
    /// Requests that are under way at a time, waiting ones among them; more are told to come later.
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_requests: u32,
    /// Pieces of audio that are computed at a time; each uses all threads.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub at_once: u16,
    /// The longest text of a request, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 100_000)]
    pub max_text_bytes: usize,
    /// Seconds that a request may wait for its turn or for its reader.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// Seconds without a request after which a model is unloaded.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub unload_after: u64,
    /// Memory that models may take together, in MB; if not given, half of the machine's.
    #[arg(long, value_name = "MB")]
    pub model_memory: Option<u64>,
    /// Seconds that requests get to be finished when the server is told to stop.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub drain: u64,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// How the log on standard error is written. It has no text of users.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,
}

/// Forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object a line, for programs.
    Json,
}
