//! An execution as it stands: the fields of the published page, and those that only the real server has.

use crate::data;
use crate::data::{Data, Map};
use crate::graph::Name;
use crate::run::{RunEnd, Status, StepStatus};
use crate::serve::outline;
use crate::serve::service::Look;
use crate::store::Entry;

use super::answer::Suspension;
use super::detail::node_type;

pub(super) fn state(look: &Look) -> Data {
    let Look { entry, run } = look;
    let program = run.program();
    let header = &program.main().header;
    let started = run.state().started();
    let mut fields: Vec<(&str, Data)> = vec![
        ("executionId", Data::Text(entry.run.clone())),
        ("id", Data::Text(entry.run.clone())),
        ("workflowId", Data::Text(entry.head.workflow.clone())),
        (
            "workflowName",
            Data::Text(header.name.as_ref().unwrap_or(&header.id).clone()),
        ),
        ("status", Data::from(run.status().as_str())),
        ("startAt", Data::from(entry.started_at.to_rfc3339())),
        ("createdAt", Data::from(entry.started_at.to_rfc3339())),
        ("updatedAt", Data::from(entry.updated_at.to_rfc3339())),
        ("endAt", ended(entry)),
    ];
    if let Some(started) = started {
        fields.push(("input", started.input.clone()));
        fields.push(("context", started.context.clone()));
        fields.extend(started.user.clone().map(|user| ("userId", Data::Text(user))));
        let conversation = started.conversation.clone();
        fields.extend(conversation.map(|conversation| ("conversationId", Data::Text(conversation))));
    }
    fields.push(("workflowState", run.workflow_state().cloned().unwrap_or_default()));
    match run.state().end() {
        Some(RunEnd::Completed(result)) => {
            fields.push(("result", result.clone()));
            fields.push(("output", result.clone()));
        }
        Some(RunEnd::Failed(failure)) => fields.push(("error", failure.to_data())),
        Some(RunEnd::Cancelled(reason)) => fields.push((
            "cancellation",
            data!({ "cancelledAt": entry.updated_at.to_rfc3339(), "reason": reason.as_deref() }),
        )),
        None => {}
    }
    if run.status() == Status::Suspended {
        let held = run.state().suspension();
        let held = held.map(|held| (held.at, held.reason.as_ref()));
        let waits: Vec<_> = run.waits().collect();
        let schema = waits.iter().find_map(|wait| run.resume_schema(wait.ticket));
        let suspension = Suspension::of(program, held, &waits, entry.updated_at);
        let suspension = suspension.with_schema(schema.map(|schema| schema.source()));
        fields.push(("suspension", to_data(&suspension)));
    }
    fields.push(("metadata", metadata(look)));
    fields.push(("events", steps(look)));
    object(fields)
}

/// What listings know of an execution that cannot be read.
pub(super) fn unreadable(entry: &Entry) -> Data {
    data!({
        "executionId": entry.run.clone(),
        "id": entry.run.clone(),
        "workflowId": entry.head.workflow.clone(),
        "status": entry.head.status.as_str(),
        "startAt": entry.started_at.to_rfc3339(),
        "createdAt": entry.started_at.to_rfc3339(),
        "updatedAt": entry.updated_at.to_rfc3339(),
        "unreadable": true
    })
}

fn ended(entry: &Entry) -> Data {
    match crate::store::is_over(entry.head.status) {
        true => Data::from(entry.updated_at.to_rfc3339()),
        false => Data::Null,
    }
}

/// What the execution was marked with.
fn metadata(look: &Look) -> Data {
    let own = |(key, _): &(&Name, &Name)| !key.starts_with("interpret.");
    let labels = look.entry.labels.iter().filter(own);
    labels
        .map(|(key, value)| (key.clone(), Data::Text(value.clone())))
        .collect()
}

/// The steps at the top that have begun.
fn steps(look: &Look) -> Data {
    let run = &look.run;
    let waits = run
        .waits()
        .filter_map(|wait| outline::index(run.program(), &wait.address));
    let waiting: Vec<usize> = waits.collect();
    let begun = outline::top(run.program())
        .enumerate()
        .filter_map(|(index, (node, step))| {
            let begun = run.step(node)?;
            let status = match begun.status {
                StepStatus::Running if waiting.contains(&index) => "suspended",
                status => status.as_str(),
            };
            Some(data!({
                "id": step.node.id.clone(),
                "name": outline::name(step).clone(),
                "from": outline::name(step).clone(),
                "type": step.node.kind,
                "nodeType": node_type(step.node.kind),
                "stepIndex": index as i64,
                "status": status,
                "input": begun.input.clone(),
                "output": begun.output.cloned(),
                "error": begun.error.map(|error| error.to_data())
            }))
        });
    begun.collect()
}

fn object(fields: Vec<(&str, Data)>) -> Data {
    let fields = fields.into_iter().map(|(key, value)| (Name::from(key), value));
    Data::from(fields.collect::<Map>())
}

/// A wire type as data.
fn to_data(value: &impl serde::Serialize) -> Data {
    let value = serde_json::to_value(value);
    // Wire types have texts for keys and finite numbers.
    value.map(Data::from).unwrap_or_default()
}
