//! `interpret validate`: findings, and an exit code.

mod explain;
mod fix;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, complain, output, show};
use crate::diagnostic::render;
use crate::load::{self, Loaded};
use crate::testing;

/// Which workflows to check, and how to say what was found.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret validate workflows/
  interpret validate --explain unknown-property
  interpret validate --fix workflows/
  interpret validate --format sarif --deny-warnings workflows/ > findings.sarif

Exit codes: 0 nothing wrong (there may be warnings, unless they are denied), 1 errors.")]
pub(super) struct Arguments {
    /// Files, and folders with all files in them.
    #[arg(required_unless_present = "explain", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How findings are written: for people on stderr; on stdout as a JSON array, a SARIF 2.1.0 log, or annotations of
    /// GitHub Actions.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// End with 1 for warnings, too.
    #[arg(long)]
    deny_warnings: bool,
    /// Correct what has exactly one safe correction, and show the difference on stdout (on stderr with another format
    /// than text).
    #[arg(long)]
    fix: bool,
    /// With --fix: show the difference, and change nothing.
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Say what a code means, with an example and its correction.
    #[arg(long, value_name = "CODE", exclusive = true)]
    explain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
    Github,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    match check(&arguments) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn check(arguments: &Arguments) -> Result<Exit, Exit> {
    if let Some(code) = &arguments.explain {
        return explain::explain(code);
    }
    let mut loaded = everything(&arguments.paths);
    if arguments.fix {
        let fixed = fix::fix(&loaded, &arguments.paths);
        fix::show(&fixed, arguments.format == Format::Text)?;
        if !arguments.dry_run && !fixed.is_empty() {
            fix::write(&fixed).map_err(complain)?;
            loaded = everything(&arguments.paths);
        }
    }
    let (_, findings) = testing::read(&loaded);
    loaded.diagnostics.extend(findings);
    report(&loaded, arguments.format)?;
    let denied = arguments.deny_warnings && !loaded.diagnostics.is_empty();
    Ok(match loaded.has_errors() || denied {
        true => Exit::Error,
        false => Exit::Success,
    })
}

/// Everything below the paths, test files too.
fn everything(paths: &[PathBuf]) -> Loaded {
    let options = load::Options {
        tests: true,
        ..load::Options::default()
    };
    load::load_with(paths, &options)
}

/// Says what was found.
fn report(loaded: &Loaded, format: Format) -> Result<(), Exit> {
    let (diagnostics, sources) = (&loaded.diagnostics, &loaded.sources);
    match format {
        // Pretty, since people read it too.
        Format::Json => output::result(&format!("{:#}\n", render::json::render(diagnostics, sources))),
        Format::Sarif => output::result(&format!("{:#}\n", render::sarif::render(diagnostics, sources))),
        Format::Github => output::result(&render::github::render(diagnostics, sources)),
        Format::Text if diagnostics.is_empty() => {
            let (workflows, agents) = (loaded.workflows().count(), loaded.agents().count());
            output::say(&format!(
                "{} and {} checked, no findings\n",
                count(workflows, "workflow"),
                count(agents, "agent")
            ));
            Ok(())
        }
        Format::Text => {
            show(diagnostics, sources);
            let first = diagnostics[0].code;
            output::say(&format!(
                "`interpret validate --explain {first}` says more about a code\n"
            ));
            Ok(())
        }
    }
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}
