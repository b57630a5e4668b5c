//! `interpret validate`: findings, and an exit code.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, output, show};
use crate::diagnostic::render;
use crate::load;
use crate::testing;

/// Which workflows to check, and how to say what was found.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret validate workflows/
  interpret validate --format json workflows/order-approval.yaml

Exit codes: 0 nothing wrong (there may be warnings), 1 errors.")]
pub(super) struct Arguments {
    /// Files, and folders with all files in them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How findings are written: for people on stderr, or as a JSON array on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let options = load::Options {
        tests: true,
        ..load::Options::default()
    };
    let mut loaded = load::load_with(&arguments.paths, &options);
    let (_, findings) = testing::read(&loaded);
    loaded.diagnostics.extend(findings);
    match arguments.format {
        Format::Json => {
            // Pretty, since people read it too.
            let json = render::json::render(&loaded.diagnostics, &loaded.sources);
            if let Err(exit) = output::result(&format!("{json:#}\n")) {
                return exit;
            }
        }
        Format::Text if loaded.diagnostics.is_empty() => {
            let (workflows, agents) = (loaded.workflows().count(), loaded.agents().count());
            let count = |number: usize, what: &str| match number {
                1 => format!("1 {what}"),
                number => format!("{number} {what}s"),
            };
            output::say(&format!(
                "{} and {} checked, no findings\n",
                count(workflows, "workflow"),
                count(agents, "agent")
            ));
        }
        Format::Text => show(&loaded.diagnostics, &loaded.sources),
    }
    match loaded.has_errors() {
        true => Exit::Error,
        false => Exit::Success,
    }
}
