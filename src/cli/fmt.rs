//! `interpret fmt`: files in their usual form.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, complain, output, show};
use crate::load;
use crate::source::Sources;
use crate::yaml::{self, Unformatted};

/// Which files to format.
#[derive(Debug, Args)]
#[command(after_help = "\
Lines are indented by two spaces for each level, lists inside their keys; blank lines and blanks at the ends of lines are
tidied. Values, quotes and comments stay as they were written.

Examples:
  interpret fmt workflows/
  interpret fmt --check .
  interpret fmt - < order.yaml

Exit codes: 0 all is well, 1 with --check: some files are not in their usual form, 2 a file cannot be read.")]
pub(super) struct Arguments {
    /// Files, and folders with all workflow files in them; `-` is stdin, which is written to stdout.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing; name the files that would change.
    #[arg(long)]
    check: bool,
}

/// What came of a file.
enum Came {
    Formatted(String),
    Unchanged,
    Left,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    if arguments.paths == [Path::new("-")] {
        return stdin();
    }
    let paths = match load::files(&arguments.paths) {
        Ok(paths) => paths,
        Err(diagnostics) => {
            show(&diagnostics, &Sources::new());
            return Exit::Usage;
        }
    };
    let (mut changed, mut exit) = (0, Exit::Success);
    for path in &paths {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                exit = complain(format_args!("{} cannot be read: {error}", path.display()));
                continue;
            }
        };
        match format(&path.display().to_string(), &text) {
            Came::Unchanged => {}
            Came::Left => exit = Exit::Usage,
            Came::Formatted(formatted) => {
                changed += 1;
                output::say(&format!("{}\n", path.display()));
                if !arguments.check
                    && let Err(error) = std::fs::write(path, formatted)
                {
                    exit = complain(format_args!("{} cannot be written: {error}", path.display()));
                }
            }
        }
    }
    let count = |number: usize| match number {
        1 => "1 file".to_owned(),
        number => format!("{number} files"),
    };
    match arguments.check {
        // What went wrong has been said.
        _ if exit != Exit::Success => {}
        _ if changed == 0 => output::say(&format!("{} in the usual form\n", count(paths.len()))),
        true => output::say(&format!("{} would change; run it without --check\n", count(changed))),
        false => output::say(&format!("{} changed\n", count(changed))),
    }
    match exit {
        Exit::Success if arguments.check && changed > 0 => Exit::Error,
        exit => exit,
    }
}

fn stdin() -> Exit {
    let mut text = String::new();
    // A byte more than can be read shows that there is more.
    let limit = yaml::Limits::default().bytes as u64 + 1;
    if let Err(error) = std::io::stdin().lock().take(limit).read_to_string(&mut text) {
        return complain(format_args!("stdin cannot be read: {error}"));
    }
    let written = match format("<stdin>", &text) {
        Came::Formatted(formatted) => output::result(&formatted),
        Came::Unchanged => output::result(&text),
        Came::Left => return Exit::Usage,
    };
    match written {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

/// Formats a text; what keeps it from being formatted is said.
fn format(name: &str, text: &str) -> Came {
    let mut sources = Sources::new();
    let file = sources.add(name, text);
    match yaml::format(file, sources.file(file).text()) {
        Ok(formatted) if formatted == text => Came::Unchanged,
        Ok(formatted) => Came::Formatted(formatted),
        Err(Unformatted::Unreadable(diagnostics)) => {
            show(&diagnostics, &sources);
            Came::Left
        }
        Err(Unformatted::Unusual) => {
            complain(format_args!(
                "{name} stays as it is: it has YAML in it, such as `? key`, that cannot be moved without being rewritten"
            ));
            Came::Left
        }
    }
}
