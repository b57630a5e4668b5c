//! What a run did, for people: its trace, and which steps ran.

use std::collections::HashMap;
use std::fmt::Write;

use super::play::{Ending, Played};
use crate::data::Data;
use crate::graph::{Millis, Name, NodeId, Program};
use crate::run::{EventKind, RunEnd, Status, TraceText, Tracer};
use crate::source::Span;

/// A run as it is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// One line an event and a last line with the end; without ids and times.
    pub text: String,
    /// The steps that started, in order.
    pub ran: Vec<Ran>,
    /// The steps by their addresses, skipped ones included.
    nodes: HashMap<String, NodeId>,
}

/// A step that started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its id.
    pub id: Name,
    /// Its address.
    pub address: String,
}

/// Tells a run.
pub fn tell(played: &Played) -> Told {
    let mut tracer = Tracer::new(played.program.clone());
    let mut text = TraceText::default();
    let mut told = Told {
        text: String::new(),
        ran: Vec::new(),
        nodes: HashMap::new(),
    };
    for event in &played.events {
        // The events are those of a run that was just made, so each follows the one before.
        let Ok(Some(line)) = tracer.follow(event) else { continue };
        text.push(&line);
        let (node, started) = match &event.kind {
            EventKind::StepStarted { node, .. } => (*node, true),
            EventKind::StepSkipped { node, .. } => (*node, false),
            _ => continue,
        };
        let Some(address) = line.step else { continue };
        if started {
            told.ran.push(Ran {
                id: played.program.step(node).node.id.clone(),
                address: address.clone(),
            });
        }
        told.nodes.insert(address, node);
    }
    told.text = text.finish();
    let _ = write!(told.text, "=> {}", end(played));
    told
}

/// The last line: how it ended, and when.
fn end(played: &Played) -> String {
    let waiting = |waiting: &[super::play::Waiting]| {
        let addresses: Vec<&str> = waiting.iter().map(|wait| &*wait.address).collect();
        format!("{} at {}", Status::Suspended.as_str(), addresses.join(", "))
    };
    let status = match &played.ending {
        Ending::Over(RunEnd::Completed(_)) => Status::Completed.as_str().to_owned(),
        Ending::Over(RunEnd::Failed(_)) => Status::Error.as_str().to_owned(),
        Ending::Over(RunEnd::Cancelled(_)) => Status::Cancelled.as_str().to_owned(),
        Ending::Resting { waiting: waits, .. } if !waits.is_empty() => waiting(waits),
        Ending::Resting { status, .. } => status.as_str().to_owned(),
        Ending::Rejected(message) => format!("rejected: {message}"),
        Ending::Stuck(_) => "stuck".to_owned(),
    };
    format!("{status} after {}", duration(played.took))
}

/// A duration as an author would write it: `1h30m`.
pub(super) fn duration(Millis(took): Millis) -> String {
    if took == 0 {
        return "no time".to_owned();
    }
    let mut text = String::new();
    let mut left = took;
    for (unit, length) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ] {
        if left >= length {
            let _ = write!(text, "{}{unit}", left / length);
            left %= length;
        }
    }
    text
}

/// The result or the error, as a snapshot keeps it.
pub fn result(played: &Played) -> String {
    let (status, key, value) = match &played.ending {
        Ending::Over(RunEnd::Completed(result)) => ("completed", "result", result.clone()),
        Ending::Over(RunEnd::Failed(failure)) => ("error", "error", failure.to_data()),
        Ending::Over(RunEnd::Cancelled(reason)) => {
            ("cancelled", "reason", reason.clone().map_or(Data::Null, Data::Text))
        }
        Ending::Resting { status, waiting } => {
            let waiting = waiting.iter().map(|wait| Data::from(wait.address.as_str()));
            (status.as_str(), "waiting", waiting.collect())
        }
        Ending::Rejected(message) => ("rejected", "message", Data::from(message.as_str())),
        Ending::Stuck(_) => ("stuck", "result", Data::Null),
    };
    let entries: [(Name, Data); 2] = [("status".into(), Data::from(status)), (key.into(), value)];
    let all: Data = entries.into_iter().collect();
    format!("{:#}", all.to_json())
}

impl Told {
    /// Where the step of an address stands; of an id, where a step of that name does.
    pub fn place(&self, program: &Program, step: &str) -> Option<Span> {
        if let Some(node) = self.nodes.get(step) {
            return Some(program.step(*node).node.origin);
        }
        let last = step.rsplit(['/', ':']).next()?;
        let id = last.split(['+', '[', '@']).next()?;
        let mut steps = program.steps.iter();
        let found = steps.find(|step| step.node.named && *step.node.id == *id)?;
        Some(found.node.origin)
    }
}

/// The address at the beginning of a line of a trace; none for lines about the run itself.
pub(super) fn subject(line: &str) -> Option<&str> {
    let (subject, _) = line.split_once(": ")?;
    let subject = subject.split(" (attempt ").next()?;
    (subject != "run" && !subject.starts_with("=>")).then_some(subject)
}
