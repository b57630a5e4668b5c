//! `interpret graph`: a workflow as a drawing.

use clap::{Args, ValueEnum};

use super::{Exit, colored_stderr, complain};
use crate::diagnostic::render;
use crate::graph::export;
use crate::load;

/// Which workflow to draw, and how.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret graph order-approval
  interpret graph --format json workflows/order-approval.yaml")]
pub(super) struct Arguments {
    /// A file, or the id of a workflow in this folder or in `workflows/`.
    #[arg(value_name = "FILE|ID")]
    workflow: String,
    /// The form of the drawing.
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Mermaid,
    Json,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let found = match load::find(&arguments.workflow) {
        Ok(found) => found,
        Err(message) => return complain(message),
    };
    eprint!(
        "{}",
        render::text::render(&found.loaded.diagnostics, &found.loaded.sources, colored_stderr())
    );
    let Some(graph) = found.graph() else { return Exit::Usage };
    match arguments.format {
        Format::Mermaid => print!("{}", export::to_mermaid(&graph)),
        Format::Json => println!("{:#}", export::to_json(&graph)),
    }
    Exit::Success
}
