//! What a run has come to, for people and scripts.

use super::{Format, Prepared};
use crate::cli::{Exit, colored_stderr};
use crate::data;
use crate::data::Data;
use crate::diagnostic::render;
use crate::drive::Session;
use crate::run::{Failure, PendingWait, RunEnd, Status, Wait};

/// Writes the result to stdout, or what went wrong to stderr.
pub(super) fn outcome(prepared: &Prepared, session: &Session, status: Status, format: Format) -> Exit {
    match session.run().state().end() {
        Some(RunEnd::Completed(output)) => {
            print(output, format);
            Exit::Success
        }
        Some(RunEnd::Failed(failure)) => {
            eprint!("{}", error(prepared, failure));
            Exit::Error
        }
        Some(RunEnd::Cancelled(reason)) => {
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            anstream::eprintln!("cancelled{reason}");
            Exit::Cancelled
        }
        None => {
            let waits: Vec<PendingWait> = session.run().waits().collect();
            for waiting in &waits {
                anstream::eprintln!("{}", wait(waiting));
                if matches!(&*waiting.wait, Wait::Resume { .. }) {
                    anstream::eprintln!("  go on with --resume {}='JSON'", waiting.step);
                }
            }
            let waiting: Data = waits.iter().map(described).collect();
            print(&data!({ "status": status.as_str(), "waiting": waiting }), format);
            Exit::Suspended
        }
    }
}

/// A wait as an object for scripts.
fn described(waiting: &PendingWait) -> Data {
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

/// A wait in a line for people.
pub(super) fn wait(waiting: &PendingWait) -> String {
    let what = match &*waiting.wait {
        Wait::Resume { reason, data } => {
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let data = data.as_ref().map(|data| format!(" {data}")).unwrap_or_default();
            format!("waits{reason}{data}")
        }
        Wait::Event { event } => format!("waits for the event {event}"),
    };
    format!("{} {what}", waiting.address)
}

/// An error with the author's text around the step it arose in.
fn error(prepared: &Prepared, failure: &Failure) -> String {
    let steps = &prepared.program.steps;
    let innermost = std::iter::successors(Some(failure), |failure| failure.cause.as_deref()).last();
    let place = innermost.and_then(|failure| failure.step.as_ref());
    let origin = place.and_then(|step| steps.iter().find(|candidate| candidate.node.id == *step));
    let mut notes = Vec::new();
    if let (Some(step), Some(attempt)) = (&failure.step, failure.attempt.filter(|attempt| *attempt > 1)) {
        notes.push(format!("this was attempt {attempt} of step `{step}`"));
    }
    if !failure.data.is_null() {
        notes.push(format!("data: {}", shortened(&failure.data.to_string())));
    }
    let mut cause = failure.cause.as_deref();
    while let Some(failure) = cause {
        let step = failure
            .step
            .as_ref()
            .map(|step| format!(" in step `{step}`"))
            .unwrap_or_default();
        notes.push(format!("caused by {}{step}: {}", failure.code, failure.message));
        cause = failure.cause.as_deref();
    }
    render::text::failure(
        &failure.code,
        &failure.message,
        origin.map(|step| step.node.origin),
        &notes,
        &prepared.sources,
        colored_stderr(),
    )
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(400) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

fn print(value: &Data, format: Format) {
    match format {
        Format::Json => match serde_json::to_string_pretty(value) {
            Ok(text) => println!("{text}"),
            // Numbers in data are finite and keys are texts.
            Err(error) => eprintln!("the result cannot be written as JSON: {error}"),
        },
        Format::Yaml => match serde_yaml::to_string(value) {
            Ok(text) => print!("{text}"),
            Err(error) => eprintln!("the result cannot be written as YAML: {error}"),
        },
    }
}
