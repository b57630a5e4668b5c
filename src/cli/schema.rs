//! `interpret schema`: the JSON Schema of the language, and whether a file still holds it.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, complain, output};
use crate::language;

/// What to do with the schema.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret schema > schema/workflow.schema.json
  interpret schema --check")]
pub(super) struct Arguments {
    /// Compare a file with the schema instead of printing it; exit with 1 if it holds another one.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "schema/workflow.schema.json")]
    check: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let schema = format!("{:#}\n", language::schema());
    let Some(path) = &arguments.check else {
        return match output::result(&schema) {
            Ok(()) => Exit::Success,
            Err(exit) => exit,
        };
    };
    let shown = path.display();
    match std::fs::read_to_string(path) {
        // A checkout may have changed the ends of the lines.
        Ok(text) if text.replace("\r\n", "\n") == schema => Exit::Success,
        Ok(_) => {
            complain(format_args!(
                "{shown} is not the schema of this version\nwrite it anew: interpret schema > {shown}"
            ));
            Exit::Error
        }
        Err(error) => complain(format_args!("{shown} cannot be read: {error}")),
    }
}
