//! `interpret replay`: whether a recorded run would go the same way with the definition as it is now.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, complain, exported, output, show};
use crate::diagnostic::render;
use crate::load;
use crate::run::{TraceEvent, What};
use crate::source::{Sources, Span};
use crate::testing::{self, Difference, Parted, Replayed};

/// Which run, and which definition.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret run order-approval --input @order.json --record run.ndjson
  interpret replay run.ndjson
  interpret runs export 0197f3c2 > run.ndjson
  interpret replay run.ndjson --against drafts/order-approval.yaml

Exit codes: 0 it goes the same way, 1 it goes another way, 2 wrong usage or definition.")]
pub(super) struct Arguments {
    /// What `interpret runs export` or `interpret run --record NAME.ndjson` has written; `-`: standard input.
    #[arg(value_name = "EVENTS")]
    events: PathBuf,
    /// The definition to compare with: a file, or the id of a workflow; by default that of the run's workflow.
    #[arg(long, value_name = "FILE|ID")]
    against: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    match replay(&arguments) {
        Ok(exit) => exit,
        Err(Some(message)) => complain(message),
        Err(None) => Exit::Usage,
    }
}

/// What it comes to; an error without a message has been told already.
fn replay(arguments: &Arguments) -> Result<Exit, Option<String>> {
    let name = arguments.events.display();
    let text = match arguments.events.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(&arguments.events),
    };
    let text = text.map_err(|error| format!("cannot read {name}: {error}"))?;
    let (definition, events) = exported::read(&text).map_err(|error| format!("{name}: {error}"))?;
    let (old, before) = load::reload(&definition).map_err(|error| format!("{name}: {error}"))?;
    let found =
        load::find(arguments.against.as_deref().unwrap_or(&definition.workflow)).map_err(|error| error.to_string())?;
    show(&found.loaded.diagnostics, &found.loaded.sources);
    let id = found.id.clone().ok_or(None)?;
    let new = found.loaded.program(&id, None).map_err(|error| match error {
        load::ProgramError::Broken(_) => None,
        other => Some(other.to_string()),
    })?;
    let replayed = testing::replay(&old, &events, &std::sync::Arc::new(new));
    match replayed.map_err(|error| format!("{name}: {error}"))? {
        Replayed::Same(lines) => {
            output::say(&format!(
                "the run goes the same way: {lines} lines of its trace are the same\n"
            ));
            Ok(Exit::Success)
        }
        Replayed::Refused(message) => {
            output::say(&format!("the run would not begin: {message}\n"));
            Ok(Exit::Error)
        }
        Replayed::Parted(parted) => {
            output::say(&told(&parted, &before, &found.loaded.sources));
            Ok(Exit::Error)
        }
    }
}

fn told(parted: &Parted, before: &Sources, now: &Sources) -> String {
    let line = parted.now.as_ref().or(parted.recorded.as_ref());
    let step = line.and_then(|line| line.step.as_deref());
    let message = match step {
        Some(step) => format!(
            "the run goes another way at the step `{step}`, behind {} lines of its trace",
            parted.after
        ),
        None => format!("the run ends another way, behind {} lines of its trace", parted.after),
    };
    let notes = [
        format!("recorded: {}", words(parted.recorded.as_ref(), "nothing more happened")),
        format!(
            "now:      {}",
            words(
                parted.now.as_ref(),
                "nothing more happens before something comes from outside"
            )
        ),
    ];
    let color = super::colored_stderr();
    let mut text = render::text::failure("parted", &message, parted.place, &notes, now, color);
    text.push('\n');
    let written = |span: Option<Span>, sources: &Sources| span.map(|span| sources.text(span).to_owned());
    let (old, new) = (written(parted.before, before), written(parted.place, now));
    match (old, new) {
        (Some(old), Some(new)) if old != new => {
            text.push_str("the step was written another way:\n\n");
            text.push_str(&testing::render_difference(&Difference { old, new }, color));
        }
        (Some(_), None) => text.push_str("the step is no longer there\n"),
        (None, Some(_)) => text.push_str("the step was not there\n"),
        _ => text.push_str("the step is written as it was; what comes before it is not\n"),
    }
    text
}

fn words(line: Option<&TraceEvent>, nothing: &str) -> String {
    let Some(line) = line else { return nothing.to_owned() };
    let mut text = line.step.as_deref().unwrap_or("run").to_owned();
    if let Some(attempt) = line.attempt {
        // Writing to a string does not fail.
        let _ = write!(text, " (attempt {attempt})");
    }
    let _ = write!(text, ": {}", line.what.words());
    if let Some(data) = line.data.as_ref().filter(|_| line.what != What::SleepStarted) {
        let _ = write!(text, " {data}");
    }
    output::tame(&text)
}
