//! Events of a journal as events of this protocol. They are numbered from 0; which number one has depends on the journal
//! alone, so a client that reconnects is told exactly what it has missed. Those of the interpreter itself are numbered
//! even where they are not told.

use std::fmt::Write;
use std::sync::Arc;

use super::classes::{Base, Classes, asks, fields, own, stopped};
use super::wiring::Wiring;
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{Name, NodeId, Op, Program, Timestamp};
use crate::run::{Corrupt, Event, EventKind, Failure, RunEnd, ScopeId, Status, TraceEvent, Tracer, Wait};

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Server-sent events, with numbers.
    Sse,
    /// A line each.
    Lines,
}

/// What a client wants to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub form: Form,
    /// Also what the interpreter does.
    pub internal: bool,
    /// With the module of a class before its name.
    pub qualified: bool,
    /// Only what follows on the event with this number.
    pub after: Option<u64>,
}

/// Turns the events of an execution into those of this protocol.
pub(super) struct Frames {
    tracer: Tracer,
    classes: Classes,
    wiring: Wiring,
    wanted: Wanted,
    /// The number of the next.
    next: u64,
    /// The steps in progress when the whole execution was decided.
    active: Vec<String>,
}

impl Frames {
    pub fn new(program: Arc<Program>, wanted: Wanted) -> Frames {
        Frames {
            wiring: Wiring::of(&program),
            classes: Classes::of(&program),
            tracer: Tracer::new(program),
            wanted,
            next: 0,
            active: Vec::new(),
        }
    }

    /// Follows an event that is not to be told.
    pub fn pass(&mut self, event: &Event) -> Result<(), Corrupt> {
        self.follow(event, &mut String::new())
    }

    /// Appends what an event comes to.
    pub fn follow(&mut self, event: &Event, out: &mut String) -> Result<(), Corrupt> {
        let before = self.tracer.run().status();
        if let EventKind::Unwinding { scope: ScopeId(0), .. } = &event.kind {
            self.active = self.tracer.in_progress().collect();
        }
        let told = self.tracer.follow(event)?;
        match &event.kind {
            EventKind::StepStarted { node, .. } => self.step(*node, told, "running", out),
            EventKind::StepEnded { node, .. } => self.step(*node, told, "not_running", out),
            EventKind::Emitted { event, data, .. } => self.tell(event, fields(data, "value"), out),
            EventKind::WaitStarted { ticket, wait, .. } => {
                if let (Wait::Resume { reason, data }, Some(node)) = (&**wait, self.tracer.run().waiting(*ticket)) {
                    let step = told.and_then(|told| told.step).unwrap_or_default();
                    self.ask(node, &step, reason.as_ref(), data.as_ref(), out);
                }
            }
            EventKind::RunEnded { end } => self.ended(event.at, end, out),
            _ => {}
        }
        if self.tracer.run().status() == Status::Suspended && before != Status::Suspended {
            self.internal("WorkflowIdleEvent", Data::from(Map::new()), out);
        }
        Ok(())
    }

    /// A unit without an id of its own is a part of its step.
    fn step(&mut self, node: NodeId, told: Option<TraceEvent>, state: &'static str, out: &mut String) {
        let program = self.tracer.run().program().clone();
        let step = &program.step(node).node;
        if !step.named {
            return;
        }
        let address = told.and_then(|told| told.step).unwrap_or_default();
        let gives = self.wiring.gives(node).map_or(Data::Null, Data::from);
        let value = data!({
            "name": step.id.clone(),
            "step_state": state,
            "worker_id": worker(&address),
            "input_event_name": self.wiring.takes(node),
            "output_event_name": gives
        });
        self.internal("StepStateChanged", value, out);
    }

    /// A step asks a person.
    fn ask(&mut self, node: NodeId, step: &str, reason: Option<&Name>, data: Option<&Data>, out: &mut String) {
        let program = self.tracer.run().program().clone();
        let op = &program.step(node).node.op;
        let (request, _) = asks(op);
        let mut value = data.map_or_else(Map::new, |data| match fields(data, "data") {
            Data::Map(map) => Map::clone(&map),
            _ => Map::new(),
        });
        let mut add = |key: &str, more: Option<Data>| {
            if let Some(more) = more.filter(|_| !value.contains(key)) {
                value = value.with(key.into(), more);
            }
        };
        // The fields of a class that the workflow declares are its author's alone.
        let declared = matches!(op, Op::Suspend(suspend) if suspend.request.is_some());
        if !declared || data.is_none() {
            add("reason", reason.map(|reason| Data::Text(reason.clone())));
        }
        if !declared {
            let actions = match op {
                Op::Suspend(suspend) => suspend.actions.clone(),
                _ => None,
            };
            add("actions", actions);
            add("step", Some(Data::from(step)));
        }
        self.tell(request, Data::from(value), out);
    }

    fn ended(&mut self, at: Timestamp, end: &RunEnd, out: &mut String) {
        let (name, value) = match end {
            RunEnd::Completed(result) => {
                let header = &self.tracer.run().program().main().header;
                let event = stopped(header, result, self.wanted.qualified);
                return self.write(|| event, out);
            }
            RunEnd::Cancelled(_) => ("WorkflowCancelledEvent", Data::from(Map::new())),
            RunEnd::Failed(failure) => self.failed(at, failure),
        };
        let qualified = self.wanted.qualified;
        self.write(|| own(name, Base::Stop, value, qualified), out);
    }

    fn failed(&self, at: Timestamp, failure: &Failure) -> (&'static str, Data) {
        let run = self.tracer.run();
        let header = &run.program().main().header;
        let elapsed = seconds(run.state().started_at(), at);
        let step = failure.step.as_ref().unwrap_or(&header.id);
        if header.timeout.is_some() && &*failure.code == "timeout" && *step == header.id {
            let active: Vec<Data> = self.active.iter().map(Data::from).collect();
            return (
                "WorkflowTimedOutEvent",
                data!({ "timeout": elapsed, "active_steps": active }),
            );
        }
        let value = data!({
            "step_name": step.clone(),
            "exception": { "exception_type": failure.code.clone(), "exception_message": failure.message.clone() },
            "attempts": failure.attempt.unwrap_or(1),
            "elapsed_seconds": elapsed
        });
        ("WorkflowFailedEvent", value)
    }

    fn tell(&mut self, name: &str, value: Data, out: &mut String) {
        let event = self.classes.envelope(name, value, self.wanted.qualified);
        self.write(|| event, out);
    }

    fn internal(&mut self, name: &str, value: Data, out: &mut String) {
        match self.wanted.internal {
            true => {
                let qualified = self.wanted.qualified;
                self.write(|| own(name, Base::Internal, value, qualified), out);
            }
            false => self.next += 1,
        }
    }

    /// Numbers an event and writes it, unless the client knows it.
    fn write(&mut self, event: impl FnOnce() -> Data, out: &mut String) {
        let number = self.next;
        self.next += 1;
        if self.wanted.after.is_some_and(|after| number <= after) {
            return;
        }
        // Writing to a string does not fail. JSON has no line breaks outside of texts, where they are escaped.
        let _ = match self.wanted.form {
            Form::Sse => write!(out, "id: {number}\ndata: {}\n\n", event()),
            Form::Lines => writeln!(out, "{}", event()),
        };
    }
}

/// Clients count the workers of a step by their ids: items of a loop have one each.
fn worker(address: &str) -> &str {
    let index = address.rsplit_once('[').and_then(|(_, index)| index.split_once(']'));
    index.map_or("0", |(index, _)| index)
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.0.saturating_sub(from.0) as f64 / 1000.0
}
