//! `interpret schema`: the JSON Schema of the language, and whether a file still holds it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, complain, output};
use crate::language;
use crate::testing;

/// What to do with the schema.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret schema > schema/workflow.schema.json
  interpret schema test > schema/test.schema.json
  interpret schema --check")]
pub(super) struct Arguments {
    /// Of which files.
    #[arg(value_enum, default_value_t = Of::Workflow)]
    of: Of,
    /// Compare a file with the schema instead of printing it; exit with 1 if it holds another one. Without a name, the
    /// file in `schema/`.
    #[arg(long, value_name = "FILE")]
    check: Option<Option<PathBuf>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Of {
    /// Workflows and agents.
    Workflow,
    /// Tests of workflows, `*.test.yaml`.
    Test,
}

impl Of {
    fn word(self) -> &'static str {
        match self {
            Of::Workflow => "workflow",
            Of::Test => "test",
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let schema = match arguments.of {
        Of::Workflow => language::schema(),
        Of::Test => testing::schema(),
    };
    let schema = format!("{schema:#}\n");
    let default = PathBuf::from(format!("schema/{}.schema.json", arguments.of.word()));
    let Some(given) = &arguments.check else {
        return match output::result(&schema) {
            Ok(()) => Exit::Success,
            Err(exit) => exit,
        };
    };
    let path = given.as_ref().unwrap_or(&default);
    let shown = path.display();
    match std::fs::read_to_string(path) {
        // A checkout may have changed the ends of the lines.
        Ok(text) if text.replace("\r\n", "\n") == schema => Exit::Success,
        Ok(_) => {
            complain(format_args!(
                "{shown} is not the schema of this version\nwrite it anew: interpret schema {} > {shown}",
                arguments.of.word()
            ));
            Exit::Error
        }
        Err(error) => complain(format_args!("{shown} cannot be read: {error}")),
    }
}
