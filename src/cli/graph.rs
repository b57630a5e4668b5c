//! `interpret graph`: a workflow as a drawing.

use clap::{Args, ValueEnum};

use super::{Exit, complain, output, show};
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
    show(&found.loaded.diagnostics, &found.loaded.sources);
    let Some(graph) = found.graph() else { return Exit::Usage };
    let drawing = match arguments.format {
        Format::Mermaid => export::to_mermaid(&graph),
        Format::Json => format!("{:#}\n", export::to_json(&graph)),
    };
    match output::result(&drawing) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}
