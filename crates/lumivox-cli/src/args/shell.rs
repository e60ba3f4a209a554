//! Arguments of what goes with the program into a system.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lumivox completions bash > ~/.local/share/bash-completion/completions/lumivox
  lumivox completions zsh > \"${fpath[1]}/_lumivox\"
  lumivox completions fish > ~/.config/fish/completions/lumivox.fish")]
pub struct CompletionsArguments {
    /// The shell.
    pub shell: Shell,
}

/// Arguments of `manual`.
#[derive(Args)]
#[command(after_help = "\
Example:
  lumivox manual -o ~/.local/share/man/man1; man lumivox-say")]
pub struct ManualArguments {
    /// The folder that the pages are written to.
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
}
