//! Events as frames of a stream. Frames are numbered from 1; which number a frame has depends on the journal alone, so
//! a client that reconnects is told exactly what it has missed.

use std::fmt::Write;
use std::sync::Arc;

use schemars::JsonSchema;

use super::answer::{Answer, Suspension};
use super::detail::node_type;
use crate::data;
use crate::data::{Data, Map};
use crate::drive::{Piece, Rest};
use crate::graph::{Name, NodeId, Program};
use crate::run::{Corrupt, Event, EventKind, RunEnd, Status, StepEnd, Ticket, TraceEvent, Tracer, What};
use crate::serve::outline;

/// What a frame of a stream says, in its `data`. Which keys it has depends on its `type`.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "it only describes what is written as data")]
pub(super) struct Frame {
    /// `workflow-start`, `step-start`, `step-complete`, `step-retry`, `text-delta`, `workflow-suspended`,
    /// `workflow-complete`, `workflow-error`, `workflow-cancelled`, `workflow-result`, `error` when the stream cannot go
    /// on, or the name of an event that a step has emitted.
    #[serde(rename = "type")]
    kind: String,
    execution_id: Option<Name>,
    /// When it happened; text that is still coming has no time.
    timestamp: Option<String>,
    /// The name of the workflow or the step.
    from: Option<Name>,
    step_id: Option<Name>,
    /// The whole address of the step, which tells it from others of its id.
    path: Option<String>,
    /// The place of the step among those at the top, from 0.
    step_index: Option<usize>,
    step_type: Option<String>,
    node_type: Option<String>,
    status: Option<String>,
    input: Option<Data>,
    output: Option<Data>,
    result: Option<Data>,
    error: Option<Data>,
    context: Option<Data>,
    metadata: Option<Data>,
    /// The attempt of the step.
    attempt: Option<u32>,
    /// Of a `text-delta`: what the step's model has said since the one before. It is told while it comes and never
    /// again, and has no number; `step-complete` has the whole.
    text: Option<String>,
    /// Of a `workflow-start`: whether the execution goes on.
    resumed: Option<bool>,
}

/// Turns the events of an execution into frames.
pub(super) struct Frames {
    tracer: Tracer,
    /// The number of the last frame.
    last: u64,
    /// Frames up to this one are known to the client.
    known: u64,
    /// The first call that has not begun yet.
    next_call: Ticket,
}

impl Frames {
    /// Frames of an execution of a program; those up to `known` are left out.
    pub fn new(program: Arc<Program>, known: u64) -> Frames {
        Frames {
            tracer: Tracer::new(program),
            last: 0,
            known,
            next_call: Ticket(0),
        }
    }

    /// Follows an event that the client knows about.
    pub fn pass(&mut self, event: &Event) -> Result<(), Corrupt> {
        self.known = u64::MAX;
        let followed = self.follow(event, &mut String::new());
        self.known = self.last;
        followed
    }

    /// Appends the frames of an event.
    pub fn follow(&mut self, event: &Event, out: &mut String) -> Result<(), Corrupt> {
        let before = self.tracer.run().status();
        // Behind the last step of a block the block is gone.
        let received = match &event.kind {
            EventKind::StepSkipped { scope, .. } => self.tracer.received(*scope).cloned(),
            _ => None,
        };
        if let EventKind::CallStarted { ticket, .. } = &event.kind {
            self.next_call = Ticket(ticket.0 + 1);
        }
        let told = self.tracer.follow(event)?;
        let status = self.tracer.run().status();
        let begun = self.last > 0;
        if begun && before == Status::Suspended && status == Status::Running {
            let input = self.started(|started| started.input.clone());
            self.begins(&event.at.to_rfc3339(), input, true, out);
        }
        if let Some(told) = told {
            self.tell(event, told, received, out);
        }
        if status == Status::Suspended && before != Status::Suspended {
            self.suspended(event, out);
        }
        Ok(())
    }

    /// Whether a call begins only with what is still to be followed.
    pub fn is_ahead(&self, call: Ticket) -> bool {
        call >= self.next_call
    }

    /// Appends the frame of text that a call tells; when that is over, its step has told everything. It has no number,
    /// since it is in no journal.
    pub fn text(&self, piece: &Piece, out: &mut String) {
        let run = self.tracer.run();
        let Some(call) = run.pending_call(piece.ticket) else {
            return;
        };
        let program = run.program();
        let index = outline::index(program, call.address());
        let name = program
            .steps
            .iter()
            .find(|step| step.node.id == call.step)
            .map(outline::name);
        let mut fields = vec![
            ("type", Data::from("text-delta")),
            ("executionId", self.started(|started| Data::Text(started.run.clone()))),
            ("from", Data::Text(name.unwrap_or(&call.step).clone())),
            ("stepId", Data::Text(call.step.clone())),
            ("path", Data::from(call.address())),
        ];
        fields.extend(index.map(|index| ("stepIndex", Data::from(index))));
        fields.push(("attempt", Data::from(i64::from(call.attempt()))));
        fields.push(("text", Data::from(piece.text.as_str())));
        write(None, fields, out);
    }

    fn tell(&mut self, event: &Event, told: TraceEvent, received: Option<Data>, out: &mut String) {
        match (&event.kind, told.what) {
            (EventKind::RunStarted(started), _) => self.begins(&told.at, started.input.clone(), false, out),
            (EventKind::StepStarted { scope, node, .. }, _) => {
                let input = self.tracer.received(*scope).cloned();
                self.step(
                    "step-start",
                    *node,
                    &told,
                    "running",
                    [("input", input), ("output", None)],
                    out,
                );
            }
            (EventKind::StepSkipped { node, .. }, _) => {
                let both = [("input", received.clone()), ("output", None)];
                self.step("step-start", *node, &told, "running", both, out);
                let both = [("input", received.clone()), ("output", received)];
                self.step("step-complete", *node, &told, "skipped", both, out);
            }
            (EventKind::StepEnded { node, end, .. }, _) => {
                let (status, key) = match end {
                    StepEnd::Success { .. } => ("success", "output"),
                    StepEnd::Failed(_) => ("error", "error"),
                    StepEnd::Cancelled => ("cancelled", "output"),
                };
                let both = [(key, told.data.clone()), ("ignored", told.ignored.clone())];
                self.step("step-complete", *node, &told, status, both, out);
            }
            (EventKind::Emitted { event: name, data, .. }, _) => {
                let mut fields = self.common(name, &told.at);
                fields.push(("from", told.step.clone().map_or(Data::Null, Data::from)));
                fields.push(("output", data.clone()));
                self.frame(fields, out);
            }
            (EventKind::AttemptFailed { .. }, What::AttemptFailed) => {
                let mut fields = self.common("step-retry", &told.at);
                fields.push(("from", told.step.clone().map_or(Data::Null, Data::from)));
                fields.push(("attempt", Data::from(i64::from(told.attempt.unwrap_or(1)))));
                fields.push(("error", told.data.clone().unwrap_or_default()));
                self.frame(fields, out);
            }
            (EventKind::RunEnded { end }, _) => self.ended(event, end, out),
            _ => {}
        }
    }

    fn begins(&mut self, at: &str, input: Data, again: bool, out: &mut String) {
        let mut fields = self.common("workflow-start", at);
        let header = &self.tracer.run().program().main().header;
        let name = header.name.as_ref().unwrap_or(&header.id).clone();
        fields.push(("from", Data::Text(name)));
        fields.push(("input", input));
        fields.push(("status", Data::from("running")));
        fields.push(("context", self.started(|started| started.context.clone())));
        if again {
            fields.push(("resumed", Data::Bool(true)));
        }
        self.frame(fields, out);
    }

    fn step(
        &mut self,
        kind: &str,
        node: NodeId,
        told: &TraceEvent,
        status: &'static str,
        values: [(&'static str, Option<Data>); 2],
        out: &mut String,
    ) {
        let program = self.tracer.run().program().clone();
        let step = program.step(node);
        // A unit without an id of its own is a part of its step.
        if !step.node.named {
            return;
        }
        let address = told.step.as_deref().unwrap_or(&step.node.id);
        let index = outline::index(&program, address);
        let name = outline::name(step);
        let mut fields = self.common(kind, &told.at);
        fields.push(("from", Data::Text(name.clone())));
        fields.push(("stepId", Data::Text(step.node.id.clone())));
        fields.push(("path", Data::from(address)));
        fields.extend(values.into_iter().filter_map(|(key, value)| Some((key, value?))));
        fields.push(("status", Data::from(status)));
        if let Some(index) = index {
            fields.push(("stepIndex", Data::from(index)));
        }
        fields.push(("stepType", Data::from(step.node.kind)));
        fields.push(("nodeType", Data::from(node_type(step.node.kind))));
        if let Some(index) = index {
            let display = format!("Step {}: {name}", index + 1);
            fields.push(("metadata", data!({ "displayName": display })));
        }
        self.frame(fields, out);
    }

    fn suspended(&mut self, event: &Event, out: &mut String) {
        let run = self.tracer.run();
        let waits: Vec<_> = run.waits().collect();
        let schema = waits.iter().find_map(|wait| run.resume_schema(wait.ticket));
        let suspension = Suspension::of(run.program(), run.state().suspension(), &waits, event.at);
        let suspension = to_data(&suspension.with_schema(schema.map(|schema| schema.source().clone())));
        let mut fields = self.common("workflow-suspended", &event.at.to_rfc3339());
        let of = |key: &str| suspension.get(key).cloned();
        fields.push(("from", of("stepId").unwrap_or_default()));
        fields.push(("status", Data::from("suspended")));
        fields.extend(of("stepIndex").map(|index| ("stepIndex", index)));
        let metadata: [(Name, Option<Data>); 3] = [
            ("reason".into(), of("reason")),
            ("suspendData".into(), of("suspendData")),
            ("suspension".into(), Some(suspension.clone())),
        ];
        let metadata = metadata.into_iter().filter_map(|(key, value)| Some((key, value?)));
        fields.push(("metadata", metadata.collect()));
        self.frame(fields, out);
    }

    fn ended(&mut self, event: &Event, end: &RunEnd, out: &mut String) {
        let at = event.at.to_rfc3339();
        let (kind, status, field) = match end {
            RunEnd::Completed(result) => ("workflow-complete", "success", Some(("output", result.clone()))),
            RunEnd::Failed(failure) => ("workflow-error", "error", Some(("error", failure.to_data()))),
            RunEnd::Cancelled(reason) => {
                let reason = reason.as_ref().map(|reason| data!({ "reason": reason.clone() }));
                (
                    "workflow-cancelled",
                    "cancelled",
                    reason.map(|reason| ("metadata", reason)),
                )
            }
        };
        let mut fields = self.common(kind, &at);
        fields.push(("status", Data::from(status)));
        fields.extend(field);
        self.frame(fields, out);
        let run = self.tracer.run();
        let Some(rest) = Rest::of(run, event.at) else { return };
        let Some(started) = run.state().started() else { return };
        let answer = to_data(&Answer::of(&started.run, run.program(), &rest));
        let Data::Map(answer) = answer else { return };
        let mut fields = vec![("type", Data::from("workflow-result"))];
        for key in [
            "executionId",
            "status",
            "result",
            "startAt",
            "endAt",
            "error",
            "cancellation",
        ] {
            fields.extend(answer.get(key).map(|value| (key, value.clone())));
        }
        self.frame(fields, out);
    }

    /// What every frame begins with.
    fn common(&self, kind: &str, at: &str) -> Vec<(&'static str, Data)> {
        vec![
            ("type", Data::from(kind)),
            ("executionId", self.started(|started| Data::Text(started.run.clone()))),
            ("timestamp", Data::from(at)),
        ]
    }

    fn started(&self, what: impl Fn(&crate::run::Started) -> Data) -> Data {
        self.tracer.run().state().started().map(what).unwrap_or_default()
    }

    /// Numbers a frame and writes it, unless the client knows it.
    fn frame(&mut self, fields: Vec<(&'static str, Data)>, out: &mut String) {
        self.last += 1;
        if self.last <= self.known {
            return;
        }
        write(Some(self.last), fields, out);
    }
}

/// Writes a frame.
fn write(number: Option<u64>, fields: Vec<(&'static str, Data)>, out: &mut String) {
    let fields = fields.into_iter().map(|(key, value)| (Name::from(key), value));
    let frame = Data::from(fields.collect::<Map>());
    // Writing to a string does not fail. JSON has no line breaks outside of texts, where they are escaped.
    let _ = number.map(|number| writeln!(out, "id: {number}"));
    let _ = write!(out, "data: {frame}\n\n");
}

fn to_data(value: &impl serde::Serialize) -> Data {
    let value = serde_json::to_value(value);
    // Wire types have texts for keys and finite numbers.
    value.map(Data::from).unwrap_or_default()
}
