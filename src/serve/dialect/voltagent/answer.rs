//! What an execution has come to, as clients are told.

use schemars::JsonSchema;
use serde::Serialize;

use crate::data::Data;
use crate::drive::Rest;
use crate::graph::{Name, Program, Timestamp};
use crate::run::{self, PendingWait, RunEnd, Status, Wait};
use crate::serve::outline;

/// What an execution has come to: the answer to `execute`, `resume`, `retry` and `replay`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Answer {
    execution_id: Name,
    start_at: String,
    /// Absent until it is over.
    end_at: Option<String>,
    #[schemars(schema_with = "statuses")]
    status: &'static str,
    /// The result of an execution that is completed.
    result: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspension: Option<Suspension>,
    /// Why an execution failed: `code`, `message`, `step`, `attempt`, `data` and `cause`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<Cancellation>,
}

/// Why an execution is suspended.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Suspension {
    suspended_at: String,
    reason: Option<Name>,
    /// The place of the step among those at the top, from 0; clients know it by two names.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_step_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_id: Option<Name>,
    /// What the person is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspend_data: Option<Data>,
    /// What the answer has to match.
    #[serde(skip_serializing_if = "Option::is_none")]
    resume_schema: Option<Data>,
    /// All waits, if there are several, or one for an event.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    waiting: Vec<Waiting>,
}

/// A step that waits.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    step_id: Name,
    /// Its whole address, which tells it from others of its id.
    path: String,
    step_index: Option<usize>,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Name>,
    /// The event it waits for, if it waits for no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
}

/// Why an execution was cancelled.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Cancellation {
    cancelled_at: String,
    reason: Option<Name>,
}

/// The statuses of an execution.
pub(super) fn statuses(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": ["running", "suspended", "completed", "error", "cancelled"] })
}

impl Answer {
    pub fn of(execution: &Name, program: &Program, rest: &Rest) -> Answer {
        Answer {
            execution_id: execution.clone(),
            start_at: rest.started_at.to_rfc3339(),
            end_at: rest.end.is_some().then(|| rest.at.to_rfc3339()),
            status: rest.status.as_str(),
            result: match &rest.end {
                Some(RunEnd::Completed(result)) => Some(result.clone()),
                _ => None,
            },
            suspension: (rest.status == Status::Suspended)
                .then(|| Suspension::of(program, rest.suspension.as_ref(), &rest.waits, rest.at)),
            error: match &rest.end {
                Some(RunEnd::Failed(failure)) => Some(failure.to_data()),
                _ => None,
            },
            cancellation: match &rest.end {
                Some(RunEnd::Cancelled(reason)) => Some(Cancellation::of(rest.at, reason.as_ref())),
                _ => None,
            },
        }
    }
}

impl Cancellation {
    pub fn of(at: Timestamp, reason: Option<&Name>) -> Cancellation {
        Cancellation {
            cancelled_at: at.to_rfc3339(),
            reason: reason.cloned(),
        }
    }
}

impl Suspension {
    /// The hold from outside if there is one, else the oldest wait for a person; `at` if it is neither.
    pub fn of(program: &Program, held: Option<&run::Suspension>, waits: &[PendingWait], at: Timestamp) -> Suspension {
        let asks = |wait: &&PendingWait| matches!(&*wait.wait, Wait::Resume { .. });
        let first = waits.iter().find(asks).or(waits.first());
        let (reason, data) = match first.map(|wait| &*wait.wait) {
            Some(Wait::Resume { reason, data }) => (reason.clone(), data.clone()),
            Some(Wait::Event { .. }) | None => (None, None),
        };
        let (suspended_at, reason) = match held {
            Some(held) => (held.at, held.reason.clone()),
            None => (first.map_or(at, |wait| wait.since), reason),
        };
        let index = first.and_then(|wait| outline::index(program, &wait.address));
        let listed = waits.len() > 1 || first.is_some_and(|wait| matches!(&*wait.wait, Wait::Event { .. }));
        Suspension {
            suspended_at: suspended_at.to_rfc3339(),
            reason,
            suspended_step_index: index,
            step_index: index,
            step_id: first.map(|wait| wait.step.clone()),
            suspend_data: data,
            resume_schema: None,
            waiting: match listed {
                true => waits.iter().map(|wait| Waiting::of(program, wait)).collect(),
                false => Vec::new(),
            },
        }
    }

    /// The same with what the answer has to match.
    pub fn with_schema(mut self, schema: Option<Data>) -> Suspension {
        self.resume_schema = schema;
        self
    }
}

impl Waiting {
    fn of(program: &Program, wait: &PendingWait) -> Waiting {
        let (reason, data, event) = match &*wait.wait {
            Wait::Resume { reason, data } => (reason.clone(), data.clone(), None),
            Wait::Event { event } => (None, None, Some(event.clone())),
        };
        Waiting {
            step_id: wait.step.clone(),
            path: wait.address.clone(),
            step_index: outline::index(program, &wait.address),
            since: wait.since.to_rfc3339(),
            deadline: wait.deadline.map(Timestamp::to_rfc3339),
            reason,
            event,
            data,
        }
    }
}
