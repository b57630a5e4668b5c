//! `interpret completions`: what a shell needs to complete commands and options.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit, output};

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret completions bash > ~/.local/share/bash-completion/completions/interpret
  interpret completions zsh > ~/.zfunc/_interpret
  interpret completions fish > ~/.config/fish/completions/interpret.fish")]
pub(super) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "interpret", &mut script);
    match output::result(&String::from_utf8_lossy(&script)) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}
