//! The routes as OpenAPI describes them.

use serde_json::{Value, json};

use super::answer::Answer;
use super::body::{Deliver, Execute, Reason, Replay, Resume};
use super::detail::{Detail, Listing};
use super::frames::Frame;
use super::routes::{Cancelled, Delivered, Started, Suspended};
use super::state::State;
use crate::serve::openapi::{Description, Operation};
use crate::serve::success::Success;

const JSON: &str = "application/json";
const STREAM: &str = "text/event-stream";

/// What can come of a request with a body.
const SENT: &[u16] = &[404, 408, 409, 413];

/// Describes the routes of this protocol.
pub(in crate::serve) fn describe(api: &mut Description) {
    let list = api.schema::<Listing>();
    api.add(
        Operation::new("get", "/workflows", "listWorkflows", "List the workflows.").answers(
            "The workflows.",
            JSON,
            list,
        ),
    );
    let detail = api.schema::<Success<Detail>>();
    api.add(
        Operation::new(
            "get",
            "/workflows/{id}",
            "getWorkflow",
            "Tell of a workflow: its steps and schemas.",
        )
        .answers("The workflow.", JSON, detail)
        .refuses(&[404]),
    );
    let (execute, answer) = (api.schema::<Execute>(), api.schema::<Success<Answer>>());
    let once = "The same request with the same key is done once.";
    api.add(
        Operation::new(
            "post",
            "/workflows/{id}/execute",
            "execute",
            "Begin an execution, and wait until it is over or waits for somebody.",
        )
        .header("Idempotency-Key", key(), once)
        .body(execute.clone())
        .answers("What it has come to.", JSON, answer.clone())
        .refuses(SENT),
    );
    let started = api.schema::<Success<Started>>();
    api.add(
        Operation::new(
            "post",
            "/workflows/{id}/start",
            "start",
            "Begin an execution, and do not wait.",
        )
        .header("Idempotency-Key", key(), once)
        .body(execute.clone())
        .answers("It goes on.", JSON, started)
        .refuses(SENT),
    );
    let frame_schema = api.schema::<Frame>();
    let frames = json!({
        "type": "object",
        "description": "A frame: its number, if it is made of the journal, and what it says as JSON.",
        "required": ["data"],
        "properties": {
            "id": { "type": "string" },
            "data": { "type": "string", "contentMediaType": "application/json", "contentSchema": frame_schema }
        }
    });
    api.add(
        Operation::new(
            "post",
            "/workflows/{id}/stream",
            "stream",
            "Begin an execution, and follow it as server-sent events.",
        )
        .header("Idempotency-Key", key(), once)
        .body(execute)
        .answers("One frame an event.", STREAM, frames.clone())
        .refuses(SENT),
    );
    let execution = |method, path, id, summary| Operation::new(method, path, id, summary).refuses(SENT);
    api.add(
        execution(
            "get",
            "/workflows/{id}/executions/{executionId}/stream",
            "attach",
            "Follow an execution from a frame on, or from now on.",
        )
        .query(
            "fromSequence",
            frame(),
            "The number of the last frame that is known; 0 is the beginning.",
        )
        .header("Last-Event-ID", frame(), "The same, as browsers send it.")
        .answers("One frame an event.", STREAM, frames),
    );
    let (reason, suspended) = (api.schema::<Reason>(), api.schema::<Success<Suspended>>());
    api.add(
        execution(
            "post",
            "/workflows/{id}/executions/{executionId}/suspend",
            "suspend",
            "Hold an execution: nothing more starts.",
        )
        .body(reason.clone())
        .answers("It is held.", JSON, suspended),
    );
    let resume = api.schema::<Resume>();
    api.add(
        execution(
            "post",
            "/workflows/{id}/executions/{executionId}/resume",
            "resume",
            "Answer what an execution waits for, and wait until it is over or waits again.",
        )
        .body(resume)
        .answers("What it has come to.", JSON, answer.clone()),
    );
    let cancelled = api.schema::<Success<Cancelled>>();
    api.add(
        execution(
            "post",
            "/workflows/{id}/executions/{executionId}/cancel",
            "cancel",
            "Cancel an execution; its cleanups are done when the answer comes.",
        )
        .body(reason)
        .answers("It is cancelled.", JSON, cancelled),
    );
    let replay = api.schema::<Replay>();
    api.add(
        execution(
            "post",
            "/workflows/{id}/executions/{executionId}/replay",
            "replay",
            "Begin an execution with what happened in another one before a step.",
        )
        .needs(replay)
        .answers("What the new one has come to.", JSON, answer.clone()),
    );
    api.add(
        execution(
            "post",
            "/workflows/{id}/executions/{executionId}/retry",
            "retry",
            "Go on with an execution that has failed, from the step that failed.",
        )
        .answers("What it has come to.", JSON, answer),
    );
    let (deliver, delivered) = (api.schema::<Deliver>(), api.schema::<Success<Delivered>>());
    api.add(
        execution(
            "post",
            "/workflows/{id}/executions/{executionId}/events",
            "deliver",
            "Deliver a named event to an execution that waits for it, or will.",
        )
        .needs(deliver)
        .answers("It is delivered.", JSON, delivered),
    );
    let state = api.schema::<Success<State>>();
    api.add(
        execution(
            "get",
            "/workflows/{id}/executions/{executionId}/state",
            "getState",
            "Tell where an execution stands.",
        )
        .answers("Where it stands.", JSON, state),
    );
    let states = api.schema::<Success<Vec<State>>>();
    api.add(
        Operation::new(
            "get",
            "/workflows/executions",
            "listExecutions",
            "List executions, the youngest first.",
        )
        .query("workflowId", text(), "Of that workflow.")
        .query("status", text(), "With that status.")
        .query("from", text(), "Begun then or later: an RFC 3339 instant.")
        .query("to", text(), "Begun before: an RFC 3339 instant.")
        .query("userId", text(), "For that user.")
        .query(
            "metadata",
            text(),
            "Marked with these: a JSON object; `metadata.KEY=VALUE` says the same.",
        )
        .query("limit", count(), "At most so many; 50 by default.")
        .query("offset", count(), "Behind so many.")
        .answers("The executions.", JSON, states)
        .refuses(&[404]),
    );
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// The number of a frame.
fn frame() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// A number; what is none is ignored.
fn count() -> Value {
    json!({ "examples": [10] })
}

fn key() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" })
}
