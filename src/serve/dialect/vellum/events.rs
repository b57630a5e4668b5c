//! The newer events, `workflow.execution.*` and `node.execution.*`: as a stream, and gathered as spans.

use indexmap::IndexMap;

use super::error::{Wrong, of_end};
use super::told::{Place, Teller, object, workflow_definition};
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{Name, Timestamp};
use crate::run::{Corrupt, Event, EventKind, RunEnd, Status, StepEnd, TraceEvent};
use crate::store::actuals::WHOLE;

/// The version of the API whose events these are.
const VERSION: &str = "2025-07-30";

/// An event.
pub(super) struct Told {
    /// What it belongs to: the execution, or a run of a step in it.
    span: Name,
    /// The step.
    place: Option<Place>,
    at: Timestamp,
    /// As it is sent.
    pub event: Data,
    /// Whether the execution is over or waits for somebody; then a stream ends.
    pub is_last: bool,
}

/// Turns the events of an execution into those of this protocol.
pub(super) struct Events {
    pub teller: Teller,
    /// How many there were.
    count: u64,
}

impl Events {
    pub fn new(teller: Teller) -> Events {
        Events { teller, count: 0 }
    }

    /// Appends what an event tells.
    pub fn follow(&mut self, event: &Event, out: &mut Vec<Told>) -> Result<(), Corrupt> {
        let before = self.teller.run().status();
        let told = self.teller.follow(event)?;
        let status = self.teller.run().status();
        let begun = self.count > 0;
        if begun && before == Status::Suspended && status == Status::Running {
            self.workflow("resumed", event.at, Vec::new(), out);
        }
        match &event.kind {
            EventKind::RunStarted(started) => {
                let inputs = object(&started.input, "input");
                self.workflow("initiated", event.at, vec![("inputs", inputs)], out);
            }
            EventKind::RunEnded { end } => self.ended(event.at, end, out),
            kind => {
                if let Some(told) = told {
                    self.step(event.at, kind, &told, out);
                }
            }
        }
        if status == Status::Suspended && before != Status::Suspended {
            self.paused(event.at, out);
        }
        Ok(())
    }

    fn ended(&mut self, at: Timestamp, end: &RunEnd, out: &mut Vec<Told>) {
        match (of_end(end, &self.teller.header().id), end) {
            (None, RunEnd::Completed(result)) => {
                let outputs = object(result, WHOLE);
                if let Data::Map(map) = &outputs {
                    for (name, value) in map.iter() {
                        let output = data!({ "name": name.clone(), "value": value.clone() });
                        self.workflow("streaming", at, vec![("output", output)], out);
                    }
                }
                self.workflow("fulfilled", at, vec![("outputs", outputs)], out);
            }
            (Some(wrong), _) => self.workflow("rejected", at, vec![("error", wrong.to_events())], out),
            (None, _) => {}
        }
        mark_last(out);
    }

    fn paused(&mut self, at: Timestamp, out: &mut Vec<Told>) {
        let waiting = self.teller.run().waits().map(|wait| {
            let types: Vec<Data> = Vec::new();
            data!({ "name": wait.address, "types": types, "inputs_class": null, "instance": null })
        });
        let waiting: Data = waiting.collect();
        self.workflow("paused", at, vec![("external_inputs", waiting)], out);
        mark_last(out);
    }

    fn step(&mut self, at: Timestamp, kind: &EventKind, told: &TraceEvent, out: &mut Vec<Told>) {
        let (EventKind::StepStarted { node, .. } | EventKind::StepEnded { node, .. }) = kind else {
            return;
        };
        let Some(place) = self.teller.place(*node, told) else {
            return;
        };
        let (name, key, value) = match kind {
            EventKind::StepEnded { end, .. } => match end {
                StepEnd::Success { .. } => {
                    let gave = told.data.as_ref().unwrap_or(&Data::Null);
                    ("fulfilled", "outputs", object(gave, WHOLE))
                }
                StepEnd::Failed(failure) => {
                    let wrong = Wrong::of(failure, &self.teller.header().id);
                    ("rejected", "error", wrong.to_events())
                }
                StepEnd::Cancelled => ("rejected", "error", Wrong::step_cancelled().to_events()),
            },
            _ => ("initiated", "inputs", object(&self.teller.received(kind), "input")),
        };
        let body = data!({ "node_definition": place.definition() });
        let parent = data!({
            "type": "WORKFLOW",
            "span_id": self.teller.execution.clone(),
            "workflow_definition": workflow_definition(self.teller.header())
        });
        let span = place.result(&self.teller.execution).to_text();
        let fields = vec![(key, value)];
        let event = self.event(&format!("node.execution.{name}"), at, &span, parent, body, fields);
        out.push(Told {
            span,
            place: Some(place),
            at,
            event,
            is_last: false,
        });
    }

    fn workflow(&mut self, name: &str, at: Timestamp, fields: Vec<(&'static str, Data)>, out: &mut Vec<Told>) {
        let body = data!({ "workflow_definition": workflow_definition(self.teller.header()) });
        let span = self.teller.execution.clone();
        let event = self.event(
            &format!("workflow.execution.{name}"),
            at,
            &span,
            Data::Null,
            body,
            fields,
        );
        out.push(Told {
            span,
            place: None,
            at,
            event,
            is_last: false,
        });
    }

    fn event(
        &mut self,
        name: &str,
        at: Timestamp,
        span: &Name,
        parent: Data,
        body: Data,
        fields: Vec<(&'static str, Data)>,
    ) -> Data {
        self.count += 1;
        let fields = fields.into_iter().map(|(key, value)| (Name::from(key), value));
        let common = body.as_map().map(|map| Map::clone(map)).unwrap_or_default();
        let body = fields.fold(common, |body, (key, value)| body.with(key, value));
        data!({
            "id": format!("{}:{}", self.teller.execution, self.count),
            "name": name,
            "timestamp": at.to_rfc3339(),
            "trace_id": self.teller.execution.clone(),
            "span_id": span.clone(),
            "api_version": VERSION,
            "parent": parent,
            "links": null,
            "body": body
        })
    }
}

/// Behind the last event, whatever it is, a stream ends.
fn mark_last(out: &mut [Told]) {
    if let Some(last) = out.last_mut() {
        last.is_last = true;
    }
}

/// A part of an execution, with its events.
struct Span {
    place: Option<Place>,
    start: Timestamp,
    end: Timestamp,
    events: Vec<Data>,
}

/// Events by what they belong to.
pub(super) fn spans(teller: &Teller, told: Vec<Told>) -> Data {
    let mut spans: IndexMap<Name, Span> = IndexMap::new();
    for one in told {
        let span = spans.entry(one.span).or_insert_with(|| Span {
            place: one.place,
            start: one.at,
            end: one.at,
            events: Vec::new(),
        });
        span.end = one.at;
        span.events.push(one.event);
    }
    let header = teller.header();
    let told = spans.into_iter().map(|(id, span)| {
        let (name, attributes, parent) = match span.place {
            None => {
                let label = header.name.as_ref().unwrap_or(&header.id);
                let attributes = data!({ "label": label.clone(), "workflow_id": header.id.clone() });
                ("workflow.execution", attributes, None)
            }
            Some(place) => {
                let attributes = data!({ "label": place.label, "node_id": place.node });
                ("node.execution", attributes, Some(teller.execution.clone()))
            }
        };
        data!({
            "name": name,
            "span_id": id,
            "start_ts": span.start.to_rfc3339(),
            "end_ts": span.end.to_rfc3339(),
            "parent_span_id": parent,
            "attributes": attributes,
            "usage_result": null,
            "events": span.events
        })
    });
    told.collect()
}
