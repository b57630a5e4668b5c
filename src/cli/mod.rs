//! The command line: one file per subcommand.
#![allow(
    clippy::disallowed_methods,
    reason = "the command line reads files, the environment and the clock"
)]

mod actuals;
mod ask;
mod completions;
mod dify;
mod exported;
mod fmt;
mod graph;
mod init;
mod input;
mod lsp;
mod output;
mod progress;
mod reach;
mod releases;
mod replay;
mod run;
mod runs;
mod schema;
mod serve;
mod stored;
mod test;
mod token;
mod triggers;
mod validate;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::diagnostic::{Diagnostic, render};
use crate::source::Sources;

/// Author, validate and run workflows kept as YAML files.
#[derive(Debug, Parser)]
#[command(name = "interpret", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  interpret init expenses
  interpret validate workflows/
  interpret run order-approval --input '{\"orderId\": \"A-1\", \"amount\": 40}'
  interpret test workflows/
  interpret graph workflows/order-approval.yaml

Exit codes: 0 completed, 1 error, 2 wrong usage, definition or input, 3 suspended, 4 cancelled.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a folder with a first workflow, its test, and settings for editors and CI.
    Init(init::Arguments),
    /// Run a workflow: the result goes to stdout, progress to stderr.
    Run(Box<run::Arguments>),
    /// Serve workflows over HTTP.
    Serve(Box<serve::Arguments>),
    /// Make a token with which somebody may use a server.
    Token(token::Arguments),
    /// List what starts workflows by itself: schedules with their next times, and webhooks.
    Triggers(triggers::Arguments),
    /// List, inspect, resume and prune the runs that a store keeps.
    Runs(runs::Arguments),
    /// List the releases of workflows, and put tags at them.
    Releases(releases::Arguments),
    /// Report what people said that executions should have come to, and make tests of it.
    Actuals(actuals::Arguments),
    /// Run the tests of workflows, each in virtual time and without the outside world.
    Test(test::Arguments),
    /// Tell whether a recorded run would go the same way with the definition as it is now.
    Replay(replay::Arguments),
    /// Check workflow files and say what is wrong, where, and what to write instead.
    Validate(validate::Arguments),
    /// Draw a workflow.
    Graph(graph::Arguments),
    /// Print the JSON Schema of workflow files, with which editors complete and check them.
    Schema(schema::Arguments),
    /// Bring files into their usual form: indentation and blank lines, nothing else.
    Fmt(fmt::Arguments),
    /// Serve an editor over the language server protocol.
    Lsp(lsp::Arguments),
    /// Write what a shell needs to complete commands and options.
    Completions(completions::Arguments),
}

/// What a command comes to; scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Success = 0,
    /// The run failed, or findings were made.
    Error = 1,
    /// The command line, a definition or the input is wrong.
    Usage = 2,
    /// The run waits for somebody.
    Suspended = 3,
    /// The run was cancelled.
    Cancelled = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let exit = match Cli::parse().command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Run(arguments) => run::run(*arguments),
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Triggers(arguments) => triggers::run(&arguments),
        Command::Runs(arguments) => runs::run(arguments),
        Command::Releases(arguments) => releases::run(arguments),
        Command::Actuals(arguments) => actuals::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Validate(arguments) => validate::run(arguments),
        Command::Graph(arguments) => graph::run(arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Fmt(arguments) => fmt::run(arguments),
        Command::Lsp(arguments) => lsp::run(&arguments),
        Command::Completions(arguments) => completions::run(arguments),
    };
    exit.into()
}

/// The commands with their options, as the manual describes them.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Says on stderr why a command cannot do what it was asked.
fn complain(message: impl std::fmt::Display) -> Exit {
    let style = anstyle::Style::new()
        .bold()
        .fg_color(Some(anstyle::AnsiColor::Red.into()));
    match colored_stderr() {
        true => output::say(&format!("{style}error{style:#}: {message}\n")),
        false => output::say(&format!("error: {message}\n")),
    }
    Exit::Usage
}

/// Shows findings on stderr.
fn show(diagnostics: &[Diagnostic], sources: &Sources) {
    output::say(&render::text::render(diagnostics, sources, colored_stderr()));
}

/// Whether what goes to stderr may be coloured: a terminal, and no `NO_COLOR`.
fn colored_stderr() -> bool {
    !matches!(
        anstream::AutoStream::choice(&std::io::stderr()),
        anstream::ColorChoice::Never
    )
}
