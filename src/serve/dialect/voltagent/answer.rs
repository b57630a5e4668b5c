//! What an execution has come to, as clients are told.

use serde::Serialize;

use crate::data::Data;
use crate::drive::Rest;
use crate::graph::{Name, Program, Timestamp};
use crate::run::{PendingWait, RunEnd, Status, Wait};
use crate::serve::outline;

/// The answer to `execute`, `resume` and `replay`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'r> {
    execution_id: &'r str,
    start_at: String,
    end_at: Option<String>,
    status: &'static str,
    result: Option<&'r Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspension: Option<Suspension<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<Cancellation<'r>>,
}

/// Why an execution is suspended.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Suspension<'r> {
    suspended_at: String,
    reason: Option<&'r str>,
    /// The place of the step among those at the top; clients know it by two names.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_step_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspend_data: Option<&'r Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume_schema: Option<&'r Data>,
    /// All waits, if there are several, or one for an event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<Waiting<'r>>,
}

/// One of the waits.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Waiting<'r> {
    step_id: &'r str,
    path: &'r str,
    step_index: Option<usize>,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'r Data>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancellation<'r> {
    cancelled_at: String,
    reason: Option<&'r str>,
}

impl<'r> Answer<'r> {
    pub fn of(execution: &'r str, program: &Program, rest: &'r Rest) -> Answer<'r> {
        let over = rest.end.is_some();
        Answer {
            execution_id: execution,
            start_at: rest.started_at.to_rfc3339(),
            end_at: over.then(|| rest.at.to_rfc3339()),
            status: rest.status.as_str(),
            result: match &rest.end {
                Some(RunEnd::Completed(result)) => Some(result),
                _ => None,
            },
            suspension: (rest.status == Status::Suspended).then(|| {
                let held = rest.suspension.as_ref().map(|held| (held.at, held.reason.as_ref()));
                Suspension::of(program, held, &rest.waits, rest.at)
            }),
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

impl<'r> Cancellation<'r> {
    pub fn of(at: Timestamp, reason: Option<&'r Name>) -> Cancellation<'r> {
        Cancellation {
            cancelled_at: at.to_rfc3339(),
            reason: reason.map(|reason| &**reason),
        }
    }
}

impl<'r> Suspension<'r> {
    /// The hold from outside if there is one, else the oldest wait for a person; `at` if it is neither.
    pub fn of(
        program: &Program,
        held: Option<(Timestamp, Option<&'r Name>)>,
        waits: &'r [PendingWait],
        at: Timestamp,
    ) -> Suspension<'r> {
        let asks = |wait: &&PendingWait| matches!(&*wait.wait, Wait::Resume { .. });
        let first = waits.iter().find(asks).or(waits.first());
        let (reason, data) = match first.map(|wait| &*wait.wait) {
            Some(Wait::Resume { reason, data }) => (reason.as_deref(), data.as_ref()),
            Some(Wait::Event { .. }) | None => (None, None),
        };
        let (suspended_at, reason) = match held {
            Some((at, reason)) => (at, reason.map(|reason| &**reason)),
            None => (first.map_or(at, |wait| wait.since), reason),
        };
        let index = first.and_then(|wait| outline::index(program, &wait.address));
        let listed = waits.len() > 1 || first.is_some_and(|wait| matches!(&*wait.wait, Wait::Event { .. }));
        Suspension {
            suspended_at: suspended_at.to_rfc3339(),
            reason,
            suspended_step_index: index,
            step_index: index,
            step_id: first.map(|wait| &*wait.step),
            suspend_data: data,
            resume_schema: None,
            waiting: match listed {
                true => waits.iter().map(|wait| Waiting::of(program, wait)).collect(),
                false => Vec::new(),
            },
        }
    }

    /// The same with what the answer has to match.
    pub fn with_schema(mut self, schema: Option<&'r Data>) -> Suspension<'r> {
        self.resume_schema = schema;
        self
    }
}

impl<'r> Waiting<'r> {
    fn of(program: &Program, wait: &'r PendingWait) -> Waiting<'r> {
        let (reason, data, event) = match &*wait.wait {
            Wait::Resume { reason, data } => (reason.as_deref(), data.as_ref(), None),
            Wait::Event { event } => (None, None, Some(&**event)),
        };
        Waiting {
            step_id: &wait.step,
            path: &wait.address,
            step_index: outline::index(program, &wait.address),
            since: wait.since.to_rfc3339(),
            deadline: wait.deadline.map(Timestamp::to_rfc3339),
            reason,
            event,
            data,
        }
    }
}
