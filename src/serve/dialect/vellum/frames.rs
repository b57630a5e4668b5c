//! The lines of `execute-workflow-stream`: `WORKFLOW` events, and `NODE` events about steps.

use super::ascii;
use super::body::ExpandMeta;
use super::error::{Wrong, of_end};
use super::meta::Turns;
use super::told::{Place, Teller};
use super::variable::{given, parts, results};
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{Name, Timestamp};
use crate::run::{Corrupt, Event, EventKind, RunEnd, StepEnd};

/// Turns the events of an execution into lines.
pub(super) struct Frames {
    teller: Teller,
    turns: Turns,
    external: Option<Name>,
    /// Whether steps are told of.
    nodes: bool,
    meta: ExpandMeta,
}

impl Frames {
    pub fn new(teller: Teller, external: Option<Name>, nodes: bool, meta: ExpandMeta) -> Frames {
        Frames {
            teller,
            turns: Turns::default(),
            external,
            nodes,
            meta,
        }
    }

    /// Appends the lines of an event.
    pub fn follow(&mut self, event: &Event, out: &mut String) -> Result<(), Corrupt> {
        let told = self.teller.follow(event)?;
        match (&event.kind, &told) {
            (EventKind::RunStarted(started), _) => {
                let inputs = given(self.teller.header(), &started.input);
                self.workflow("INITIATED", event.at, [("inputs", Data::from(inputs))], out);
            }
            (EventKind::RunEnded { end }, _) => self.ended(event.at, end, out),
            (_, Some(told)) if self.nodes => {
                self.turns.follow(&event.kind, told);
                let (EventKind::StepStarted { node, .. } | EventKind::StepEnded { node, .. }) = &event.kind else {
                    return Ok(());
                };
                let Some(place) = self.teller.place(*node, told) else {
                    return Ok(());
                };
                let fields = match &event.kind {
                    EventKind::StepEnded { end, .. } => self.step_ended(&place, end, told.data.as_ref()),
                    _ => self.step_started(&self.teller.received(&event.kind)),
                };
                self.node(&place, event.at, fields, out);
            }
            _ => {}
        }
        Ok(())
    }

    /// Says that nothing more can be told.
    pub fn broken(&self, wrong: &Wrong, out: &mut String) {
        let now = self.teller.run().state().started_at();
        self.workflow("REJECTED", now, [("error", wrong.to_api())], out);
    }

    fn ended(&self, at: Timestamp, end: &RunEnd, out: &mut String) {
        if let Some(wrong) = of_end(end, &self.teller.header().id) {
            return self.workflow("REJECTED", at, [("error", wrong.to_api())], out);
        }
        let RunEnd::Completed(result) = end else { return };
        let outputs = results(self.teller.header(), result);
        for output in &outputs {
            if let Data::Map(output) = output {
                let output = output.with("state".into(), Data::from("FULFILLED"));
                self.workflow("STREAMING", at, [("output", Data::from(output))], out);
            }
        }
        self.workflow("FULFILLED", at, [("outputs", Data::from(outputs))], out);
    }

    fn step_started(&self, received: &Data) -> Vec<(&'static str, Data)> {
        let value = |(name, kind, value): (Name, super::variable::Kind, Data)| data!({ "node_input_id": name.clone(), "key": name, "type": kind.as_str(), "value": value });
        let values: Data = parts(received, "input").into_iter().map(value).collect();
        vec![("state", Data::from("INITIATED")), ("input_values", values)]
    }

    fn step_ended(&mut self, place: &Place, end: &StepEnd, gave: Option<&Data>) -> Vec<(&'static str, Data)> {
        let workflow = &self.teller.header().id;
        let wrong = match end {
            StepEnd::Success { .. } => None,
            StepEnd::Failed(failure) => Some(Wrong::of(failure, workflow)),
            StepEnd::Cancelled => Some(Wrong::step_cancelled()),
        };
        if let Some(wrong) = wrong {
            return vec![("state", Data::from("REJECTED")), ("error", wrong.to_api())];
        }
        let parts = parts(gave.unwrap_or(&Data::Null), "output");
        let first = parts.first().map(|(name, ..)| name.clone());
        let value = |(name, kind, value): (Name, super::variable::Kind, Data)| data!({ "node_output_id": name, "type": kind.as_str(), "value": value, "state": "FULFILLED" });
        let values: Data = parts.into_iter().map(value).collect();
        let mut fields = vec![("state", Data::from("FULFILLED")), ("output_values", values)];
        if let Some(meta) = self.turns.take(&place.address, self.meta) {
            let output = first.unwrap_or_else(|| "output".into());
            let prompt = data!({ "output_id": output, "execution_meta": meta });
            fields.push(("data", data!({ "type": "PROMPT", "data": prompt })));
        }
        fields
    }

    fn workflow<const N: usize>(
        &self,
        state: &str,
        at: Timestamp,
        fields: [(&'static str, Data); N],
        out: &mut String,
    ) {
        let common = [
            ("id", Data::Text(self.teller.execution.clone())),
            ("state", Data::from(state)),
            ("ts", Data::from(at.to_rfc3339())),
        ];
        self.line("WORKFLOW", common.into_iter().chain(fields), out);
    }

    fn node(&self, place: &Place, at: Timestamp, fields: Vec<(&'static str, Data)>, out: &mut String) {
        let result = place.result(&self.teller.execution);
        let common = [
            ("id", result.clone()),
            ("node_id", Data::Text(place.node.clone())),
            ("node_result_id", result),
            ("ts", Data::from(at.to_rfc3339())),
        ];
        self.line("NODE", common.into_iter().chain(fields), out);
    }

    fn line(&self, kind: &str, fields: impl Iterator<Item = (&'static str, Data)>, out: &mut String) {
        let fields: Map = fields.map(|(key, value)| (Name::from(key), value)).collect();
        let line = data!({
            "execution_id": self.teller.execution.clone(),
            "run_id": self.teller.execution.clone(),
            "external_id": self.external.clone(),
            "type": kind,
            "data": fields
        });
        ascii::line(&line, out);
    }
}
