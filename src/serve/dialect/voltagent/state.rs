//! An execution as it stands: the fields of the published page, and those that only the real server has.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{Cancellation, Suspension};
use super::detail::node_type;
use crate::data::Data;
use crate::drive::{REPLAYED_FROM, REPLAYED_STEP};
use crate::graph::Name;
use crate::run::{PendingWait, RunEnd, Status, StepStatus};
use crate::serve::outline;
use crate::serve::service::Look;
use crate::store::Entry;

/// An execution as it stands. What has two names has both.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct State {
    execution_id: Name,
    id: Name,
    workflow_id: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_name: Option<Name>,
    #[schemars(schema_with = "super::answer::statuses")]
    status: &'static str,
    start_at: String,
    created_at: String,
    updated_at: String,
    end_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_state: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<Name>,
    /// The result of an execution that is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Data>,
    /// Why an execution failed: `code`, `message`, `step`, `attempt`, `data` and `cause`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<Cancellation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspension: Option<Suspension>,
    /// The execution with whose beginning it began, and the step with which it went on.
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed_from_execution_id: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_from_step_id: Option<Name>,
    /// What it was marked with.
    metadata: BTreeMap<Name, Name>,
    /// The steps at the top that have begun.
    events: Vec<Step>,
    /// Whether its journal cannot be read; then only this much is known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    unreadable: bool,
}

/// A step that has begun.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Step {
    id: Name,
    name: Name,
    from: Name,
    #[serde(rename = "type")]
    kind: &'static str,
    node_type: &'static str,
    step_index: usize,
    status: &'static str,
    input: Data,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Data>,
}

impl State {
    /// What listings know of an execution, be it readable or not.
    pub fn unreadable(entry: &Entry) -> State {
        let started = entry.started_at.to_rfc3339();
        let own = |(key, _): &(&Name, &Name)| !key.starts_with("interpret.");
        State {
            execution_id: entry.run.clone(),
            id: entry.run.clone(),
            workflow_id: entry.head.workflow.clone(),
            workflow_name: None,
            status: entry.head.status.as_str(),
            start_at: started.clone(),
            created_at: started,
            updated_at: entry.updated_at.to_rfc3339(),
            end_at: crate::store::is_over(entry.head.status).then(|| entry.updated_at.to_rfc3339()),
            input: None,
            context: None,
            workflow_state: None,
            user_id: entry.user.clone(),
            conversation_id: entry.conversation.clone(),
            result: None,
            output: None,
            error: None,
            cancellation: None,
            suspension: None,
            replayed_from_execution_id: entry.labels.get(REPLAYED_FROM).cloned(),
            replay_from_step_id: entry.labels.get(REPLAYED_STEP).cloned(),
            metadata: entry
                .labels
                .iter()
                .filter(own)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            events: Vec::new(),
            unreadable: true,
        }
    }

    /// An execution as it stands.
    pub fn of(look: &Look) -> State {
        let Look { entry, run } = look;
        let program = run.program();
        let header = &program.main().header;
        let waits: Vec<PendingWait> = run.waits().collect();
        let mut state = State {
            workflow_name: Some(header.name.as_ref().unwrap_or(&header.id).clone()),
            status: run.status().as_str(),
            workflow_state: run.workflow_state().cloned(),
            events: steps(look, &waits),
            unreadable: false,
            ..State::unreadable(entry)
        };
        if let Some(started) = run.state().started() {
            state.input = Some(started.input.clone());
            state.context = Some(started.context.clone());
        }
        match run.state().end() {
            Some(RunEnd::Completed(result)) => {
                state.result = Some(result.clone());
                state.output = Some(result.clone());
            }
            Some(RunEnd::Failed(failure)) => state.error = Some(failure.to_data()),
            Some(RunEnd::Cancelled(reason)) => {
                state.cancellation = Some(Cancellation::of(entry.updated_at, reason.as_ref()));
            }
            None => {}
        }
        if run.status() == Status::Suspended {
            let held = run.state().suspension();
            let schema = waits.iter().find_map(|wait| run.resume_schema(wait.ticket));
            let suspension = Suspension::of(program, held, &waits, entry.updated_at);
            state.suspension = Some(suspension.with_schema(schema.map(|schema| schema.source().clone())));
        }
        state
    }
}

fn steps(look: &Look, waits: &[PendingWait]) -> Vec<Step> {
    let run = &look.run;
    let waiting: Vec<usize> = waits
        .iter()
        .filter_map(|wait| outline::index(run.program(), &wait.address))
        .collect();
    let begun = outline::top(run.program())
        .enumerate()
        .filter_map(|(index, (node, step))| {
            let begun = run.step(node)?;
            Some(Step {
                id: step.node.id.clone(),
                name: outline::name(step).clone(),
                from: outline::name(step).clone(),
                kind: step.node.kind,
                node_type: node_type(step.node.kind),
                step_index: index,
                status: match begun.status {
                    StepStatus::Running if waiting.contains(&index) => "suspended",
                    status => status.as_str(),
                },
                input: begun.input.clone(),
                output: begun.output.cloned(),
                error: begun.error.map(|error| error.to_data()),
            })
        });
    begun.collect()
}
