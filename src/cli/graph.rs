//! `interpret graph`: a workflow as a drawing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, complain, output, show};
use crate::graph::export::{self, Mark, Marks};
use crate::load;

/// Which workflow to draw, and how.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret graph order-approval
  interpret graph --format svg workflows/order-approval.yaml > order-approval.svg
  interpret run order-approval --input @order.json --events ndjson 2> events.ndjson
  interpret graph order-approval --format tree --trace events.ndjson")]
pub(super) struct Arguments {
    /// A file, or the id of a workflow in this folder or in `workflows/`.
    #[arg(value_name = "FILE|ID")]
    workflow: String,
    /// The form of the drawing.
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
    /// Colour a run onto the drawing: the events that `interpret run --events ndjson` wrote.
    #[arg(long, value_name = "EVENTS")]
    trace: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For Markdown.
    Mermaid,
    /// For Graphviz.
    Dot,
    /// A picture.
    Svg,
    /// For programs.
    Json,
    /// Lines of text.
    Tree,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let found = match load::find(&arguments.workflow) {
        Ok(found) => found,
        Err(message) => return complain(message),
    };
    show(&found.loaded.diagnostics, &found.loaded.sources);
    let Some(graph) = found.graph() else { return Exit::Usage };
    let marks = match &arguments.trace {
        None => Marks::default(),
        Some(path) => match std::fs::read_to_string(path) {
            Ok(events) => match marks(&events) {
                Ok(marks) => marks,
                Err(message) => return complain(format_args!("{}: {message}", path.display())),
            },
            Err(error) => return complain(format_args!("{} cannot be read: {error}", path.display())),
        },
    };
    let drawing = match arguments.format {
        Format::Mermaid => export::to_mermaid(&graph, &marks),
        Format::Dot => export::to_dot(&graph, &marks),
        Format::Svg => export::to_svg(&graph, &marks),
        Format::Json => format!("{:#}\n", export::to_json(&graph)),
        Format::Tree => export::to_tree(&graph, &marks),
    };
    match output::result(&drawing) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

/// An event as `--events ndjson` writes it, as far as a drawing needs it.
#[derive(serde::Deserialize)]
struct Happening {
    #[serde(rename = "type")]
    what: String,
    step: Option<String>,
}

/// What a run has made of its steps. A run that waits may be told in several pieces, one after the other.
fn marks(events: &str) -> Result<Marks, String> {
    let mut marks = Marks::default();
    // A step that has begun is at work until something else is said of it.
    let mut open: Vec<(String, Mark)> = Vec::new();
    let mut some = false;
    for (at, line) in events.lines().enumerate() {
        // Messages of the program stand between the events, since both go to stderr.
        if !line.starts_with('{') {
            continue;
        }
        let happening: Happening =
            serde_json::from_str(line).map_err(|error| format!("line {} is not an event: {error}", at + 1))?;
        some = true;
        let Some(step) = happening.step else { continue };
        // Steps of child workflows are not part of the drawing.
        if step.contains(':') {
            continue;
        }
        let place = open.iter().rposition(|(address, _)| *address == step);
        let ended = match &*happening.what {
            "step.started" => {
                open.push((step, Mark::Running));
                continue;
            }
            "wait.started" | "sleep.started" => Err(Mark::Waiting),
            "wait.resumed" | "wait.expired" => Err(Mark::Running),
            "step.completed" => Ok(Mark::Success),
            "step.skipped" => Ok(Mark::Skipped),
            "step.failed" => Ok(Mark::Error),
            "step.cancelled" => Ok(Mark::Cancelled),
            _ => continue,
        };
        match (ended, place) {
            (Err(mark), Some(place)) => open[place].1 = mark,
            (Err(_), None) => {}
            (Ok(mark), place) => {
                place.map(|place| open.remove(place));
                marks.add(&step, mark);
            }
        }
    }
    if !some {
        return Err("there is no event in it; `interpret run --events ndjson` writes them to stderr".to_owned());
    }
    for (step, mark) in open {
        marks.add(&step, mark);
    }
    Ok(marks)
}
