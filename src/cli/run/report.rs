//! What a run has come to, for people and scripts.

use super::{Format, Prepared};
use crate::cli::{Exit, ask, colored_stderr, complain, output};
use crate::data;
use crate::data::Data;
use crate::diagnostic::render;
use crate::drive::Session;
use crate::graph::{Op, Program, Step, WorkflowId};
use crate::run::{Excerpt, Failure, PendingWait, RunEnd, Status, Wait};
use crate::source::Span;

/// Writes the result to stdout, or what went wrong to stderr.
pub(in crate::cli) fn outcome(prepared: &Prepared, session: &Session, status: Status, format: Format) -> Exit {
    match session.run().state().end() {
        Some(RunEnd::Completed(output)) => print(output, format, Exit::Success),
        Some(RunEnd::Failed(failure)) => {
            output::say(&error(prepared, failure));
            Exit::Error
        }
        Some(RunEnd::Cancelled(reason)) => {
            let reason = reason.as_ref().map(|reason| format!(": {}", output::tame(reason)));
            output::say(&format!("cancelled{}\n", reason.unwrap_or_default()));
            Exit::Cancelled
        }
        None => {
            let waits: Vec<PendingWait> = session.run().waits().collect();
            for waiting in &waits {
                output::say(&format!("{}\n", question(waiting)));
                let (option, name, schema) = match &*waiting.wait {
                    Wait::Resume { .. } => {
                        let schema = session.run().resume_schema(waiting.ticket);
                        ("--resume", &*waiting.address, schema)
                    }
                    Wait::Event { event } => {
                        let declared = prepared.program.main().header.events.get(event);
                        (
                            "--event",
                            &**event,
                            declared.and_then(|declared| declared.schema.as_ref()),
                        )
                    }
                };
                let example = ask::example(schema);
                let hint = match &prepared.store {
                    None => format!("{option} {name}='{example}'"),
                    Some(store) => {
                        let which = match option {
                            "--resume" if waits.len() == 1 => String::new(),
                            "--resume" => format!(" --step '{name}'"),
                            _ => format!(" --event {name}"),
                        };
                        let run = session.handle().id();
                        format!("interpret runs resume {run} --store '{store}'{which} --data '{example}'")
                    }
                };
                output::say(&format!("  go on with {hint}\n"));
            }
            let waiting: Data = waits.iter().map(described).collect();
            let told = match &prepared.store {
                None => data!({ "status": status.as_str(), "waiting": waiting }),
                Some(_) => data!({ "run": session.handle().id(), "status": status.as_str(), "waiting": waiting }),
            };
            print(&told, format, Exit::Suspended)
        }
    }
}

/// A wait as an object for scripts.
pub(in crate::cli) fn described(waiting: &PendingWait) -> Data {
    let deadline = waiting.deadline.map(|deadline| deadline.to_rfc3339());
    match &*waiting.wait {
        Wait::Resume { reason, data } => data!({
            "step": waiting.address.as_str(),
            "reason": reason.as_deref(),
            "data": data.clone(),
            "deadline": deadline
        }),
        Wait::Event { event } => {
            data!({ "step": waiting.address.as_str(), "event": event, "deadline": deadline })
        }
    }
}

/// A wait for people: the step and the reason in a line, and below it what the person is shown.
pub(in crate::cli) fn question(waiting: &PendingWait) -> String {
    match &*waiting.wait {
        Wait::Resume { reason, data } => {
            let reason = reason.as_ref().map(|reason| format!(": {}", output::tame(reason)));
            let mut text = format!("{} waits{}", waiting.address, reason.unwrap_or_default());
            match data {
                Some(Data::Map(map)) => {
                    for (key, value) in map.iter() {
                        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                        text.push_str(&format!("\n  {key}: {}", output::tame(&shortened(&value))));
                    }
                }
                Some(data) => text.push_str(&format!("\n  {}", output::tame(&shortened(&data.to_string())))),
                None => {}
            }
            text
        }
        Wait::Event { event } => format!("{} waits for the event {event}", waiting.address),
    }
}

/// An error with the author's text around the step it arose in.
fn error(prepared: &Prepared, failure: &Failure) -> String {
    let (failure, origin) = origin(&prepared.program, failure);
    let mut notes = Vec::new();
    if let (Some(step), Some(attempt)) = (&failure.step, failure.attempt.filter(|attempt| *attempt > 1)) {
        notes.push(format!("this was attempt {attempt} of step `{step}`"));
    }
    if !failure.data.is_null() {
        notes.push(format!("data: {}", shortened(&failure.data.to_string())));
    }
    let mut cause = failure.cause.as_deref();
    while let Some(failure) = cause {
        let step = failure.step.as_ref().map(|step| format!(" in step `{step}`"));
        let step = step.unwrap_or_default();
        notes.push(format!("caused by {}{step}: {}", failure.code, failure.message));
        cause = failure.cause.as_deref();
    }
    let unanswered = failure.code.starts_with("permission.")
        || failure.code.ends_with(".unavailable")
        || *failure.code == *"function.unknown";
    if let (true, Some(step), Some(mocks)) = (unanswered, &failure.step, &prepared.mocks) {
        notes.push(format!(
            "{mocks} has no answer for it; add for example `{step}: {{ output: {{}} }}`"
        ));
    }
    render::text::failure(
        &failure.code,
        &failure.message,
        origin.map(|step| place(prepared, step, failure)),
        &notes,
        &prepared.sources,
        colored_stderr(),
    )
}

/// The part of an expression that an error is about, if it is written in one place of the step; else the step.
fn place(prepared: &Prepared, step: &Step, failure: &Failure) -> Span {
    let step = step.node.origin;
    let within = |excerpt: &Excerpt| {
        let mut found = prepared.sources.text(step).match_indices(&*excerpt.text);
        let (Some((at, _)), None) = (found.next(), found.next()) else {
            return None;
        };
        // The engine marks single bytes, also of a letter that takes several.
        let from = excerpt.text.floor_char_boundary(excerpt.range.start);
        let to = excerpt.text.ceil_char_boundary(excerpt.range.end.max(from));
        let start = step.start as usize + at;
        Some(Span::new(step.file, start + from, start + to))
    };
    failure.excerpt.as_deref().and_then(within).unwrap_or(step)
}

/// The step an error arose in. The error of a child workflow goes by the code of its cause (rule 28): then the step is
/// the child's.
fn origin<'p, 'f>(program: &'p Program, mut failure: &'f Failure) -> (&'f Failure, Option<&'p Step>) {
    let mut workflow = WorkflowId(0);
    loop {
        let inside = |step: &&Step| step.workflow == workflow;
        let named = |step: &&Step| failure.step.as_ref().is_some_and(|name| step.node.id == *name);
        let step = program.steps.iter().filter(inside).find(named);
        let child = step.and_then(|step| match &step.node.op {
            Op::Enter(enter) => enter.target,
            _ => None,
        });
        match (child, failure.cause.as_deref()) {
            (Some(child), Some(cause)) if cause.code == failure.code => (workflow, failure) = (child, cause),
            _ => return (failure, step),
        }
    }
}

pub(in crate::cli) fn shortened(text: &str) -> String {
    match text.char_indices().nth(400) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

fn print(value: &Data, format: Format, exit: Exit) -> Exit {
    let text = match format {
        Format::Json => serde_json::to_string_pretty(value)
            .map(|text| text + "\n")
            .map_err(|error| error.to_string()),
        Format::Yaml => serde_yaml::to_string(value).map_err(|error| error.to_string()),
    };
    match text {
        Ok(text) => output::result(&text).err().unwrap_or(exit),
        // Numbers in data are finite and keys are texts, so this is not to be expected.
        Err(error) => {
            complain(format!("the result cannot be written: {error}"));
            Exit::Error
        }
    }
}
