//! The routes and what they do.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Cancellation};
use super::body::{Deliver, Execute, IdempotencyKey, Reason, Replay, Resume, Sent};
use super::reply::{Reply, success};
use super::state::State as Standing;
use super::{detail, stream};
use crate::data::Data;
use crate::drive::RunHandle;
use crate::graph::{Name, parse_instant};
use crate::run::{RunEnd, Status};
use crate::serve::caller::Caller;
use crate::serve::guard::Concerns;
use crate::serve::problem::Problem;
use crate::serve::refusal::json;
use crate::serve::service::{Look, Service};
use crate::store::Filter;

/// How many executions a page of a listing has, unless it says so.
const PAGE: usize = 50;
const LONGEST_PAGE: usize = 500;
/// How far a listing can be paged through by counting; further on, `to` narrows it down.
const FARTHEST: usize = 100_000;

type Server = State<Arc<Service>>;

/// The routes of this protocol.
pub(in crate::serve) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/workflows", get(list))
        .route("/workflows/executions", get(executions))
        .route("/workflows/{id}", get(one))
        .route("/workflows/{id}/execute", post(execute))
        .route("/workflows/{id}/start", post(start))
        .route("/workflows/{id}/stream", post(begin_stream))
        .route("/workflows/{id}/executions/{execution}/stream", get(attach))
        .route("/workflows/{id}/executions/{execution}/suspend", post(suspend))
        .route("/workflows/{id}/executions/{execution}/resume", post(resume))
        .route("/workflows/{id}/executions/{execution}/cancel", post(cancel))
        .route("/workflows/{id}/executions/{execution}/replay", post(replay))
        .route("/workflows/{id}/executions/{execution}/retry", post(retry))
        .route("/workflows/{id}/executions/{execution}/events", post(deliver))
        .route("/workflows/{id}/executions/{execution}/state", get(look))
        .with_state(service)
}

async fn list(State(service): Server, caller: Caller) -> Reply {
    caller.may(crate::serve::caller::Scope::Read)?;
    let catalog = service.catalog();
    let listing = detail::listing(catalog.iter().map(|served| &*served.program));
    Ok(json(StatusCode::OK, &listing))
}

async fn one(State(service): Server, caller: Caller, Path(id): Path<String>) -> Reply {
    caller.may(crate::serve::caller::Scope::Read)?;
    let served = service.workflow(&id, None)?;
    Ok(success(detail::detail(&served.program)))
}

/// Begins what a request asks for.
async fn begun(
    service: &Service,
    caller: &Caller,
    workflow: &str,
    key: IdempotencyKey,
    body: &Sent,
) -> Result<RunHandle, Problem> {
    let begin = body.read::<Execute>()?.begin(workflow, key.0)?;
    service.begin(caller, begin).await
}

async fn execute(
    State(service): Server,
    caller: Caller,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Sent,
) -> Reply {
    let handle = begun(&service, &caller, &id, key, &body).await?;
    rested(&service, &handle).await
}

async fn start(
    State(service): Server,
    caller: Caller,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Sent,
) -> Reply {
    let handle = begun(&service, &caller, &id, key, &body).await?;
    let answer = success(Started {
        execution_id: handle.id().clone(),
        workflow_id: id,
        status: handle.status().as_str(),
    });
    Ok(concerning(&handle, answer))
}

async fn begin_stream(
    State(service): Server,
    caller: Caller,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Sent,
) -> Reply {
    let handle = begun(&service, &caller, &id, key, &body).await?;
    let follow = service.driver().follow(handle.id().clone(), 0);
    let begin = stream::From::Frame(0);
    let answer = stream::response(&service, handle.program().clone(), follow, begin);
    Ok(concerning(&handle, answer))
}

/// What came of a `cancel`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Cancelled {
    execution_id: Name,
    status: &'static str,
    #[serde(flatten)]
    cancelled: Cancellation,
}

/// What came of a `start`: the execution goes on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Started {
    execution_id: Name,
    workflow_id: String,
    #[schemars(schema_with = "super::answer::statuses")]
    status: &'static str,
}

/// What came of a `suspend`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Suspended {
    execution_id: Name,
    status: &'static str,
    suspension: Hold,
}

/// A hold from outside.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Hold {
    suspended_at: String,
    reason: Name,
}

/// What came of an event that was delivered.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct Delivered {
    execution_id: Name,
    #[schemars(schema_with = "super::answer::statuses")]
    status: &'static str,
}

/// From where an attached stream begins.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attach {
    from_sequence: Option<String>,
}

async fn attach(
    State(service): Server,
    caller: Caller,
    Path((id, execution)): Path<(String, Name)>,
    uri: Uri,
    headers: HeaderMap,
) -> Reply {
    let query: Attach = query(&uri)?;
    let number = |text: &str, what: &str| {
        text.trim()
            .parse::<u64>()
            .map_err(|_| Problem::Malformed(format!("{what} is not the number of a frame: {text}")))
    };
    let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?"));
    let last = last.map(|text| number(text, "Last-Event-ID")).transpose()?;
    let given = query.from_sequence.as_deref();
    let given = given.map(|text| number(text, "fromSequence")).transpose()?;
    let from = match (given, last) {
        (Some(frame), _) | (None, Some(frame)) => stream::From::Frame(frame),
        (None, None) => {
            let entry = service.entry(&caller, Some(&id), &execution).await?;
            if crate::store::is_over(entry.head.status) {
                return Err(Problem::Conflict(format!(
                    "Execution {execution} is over: {}; ask with fromSequence=0 for what has happened",
                    entry.head.status.as_str()
                ))
                .into());
            }
            stream::From::Now(entry.seq)
        }
    };
    let (program, follow) = service.follow(&caller, Some(&id), &execution).await?;
    Ok(stream::response(&service, program, follow, from))
}

async fn suspend(
    State(service): Server,
    caller: Caller,
    Path((id, execution)): Path<(String, Name)>,
    body: Sent,
) -> Reply {
    let reason = body.read::<Reason>()?.reason.unwrap_or_else(|| "API request".into());
    let at = service
        .suspend(&caller, Some(&id), &execution, Some(reason.clone()))
        .await?;
    Ok(success(Suspended {
        execution_id: execution,
        status: "suspended",
        suspension: Hold {
            suspended_at: at.to_rfc3339(),
            reason,
        },
    }))
}

async fn resume(
    State(service): Server,
    caller: Caller,
    Path((id, execution)): Path<(String, Name)>,
    body: Sent,
) -> Reply {
    let body: Resume = body.read()?;
    let step = body.options.unwrap_or_default().step_id;
    let handle = service
        .resume(&caller, Some(&id), &execution, step, body.resume_data)
        .await?;
    rested(&service, &handle).await
}

async fn cancel(
    State(service): Server,
    caller: Caller,
    Path((id, execution)): Path<(String, Name)>,
    body: Sent,
) -> Reply {
    let reason = body.read::<Reason>()?.reason;
    let rest = service.cancel(&caller, Some(&id), &execution, reason).await?;
    let cancelled = match &rest.end {
        Some(RunEnd::Cancelled(reason)) => Cancellation::of(rest.at, reason.as_ref()),
        _ => Cancellation::of(rest.at, None),
    };
    if rest.status != Status::Cancelled {
        let status = rest.status.as_str();
        return Err(Problem::Conflict(format!("Execution {execution} is over already: {status}")).into());
    }
    Ok(success(Cancelled {
        execution_id: execution,
        status: "cancelled",
        cancelled,
    }))
}

async fn replay(
    State(service): Server,
    caller: Caller,
    Path((id, execution)): Path<(String, Name)>,
    body: Sent,
) -> Reply {
    let (replay, answer) = body.read::<Replay>()?.of(execution)?;
    let handle = service.replay(&caller, Some(&id), replay).await?;
    if let Some(payload) = answer {
        service.rest(&handle).await?;
        let handle = service
            .resume(&caller, Some(&id), handle.id(), None, Some(payload))
            .await?;
        return rested(&service, &handle).await;
    }
    rested(&service, &handle).await
}

async fn retry(State(service): Server, caller: Caller, Path((id, execution)): Path<(String, Name)>) -> Reply {
    let handle = service.retry(&caller, Some(&id), &execution).await?;
    rested(&service, &handle).await
}

async fn deliver(
    State(service): Server,
    caller: Caller,
    Path((id, execution)): Path<(String, Name)>,
    body: Sent,
) -> Reply {
    let body: Deliver = body.read()?;
    let handle = service
        .deliver(&caller, Some(&id), &execution, body.event, body.data)
        .await?;
    Ok(success(Delivered {
        execution_id: execution,
        status: handle.status().as_str(),
    }))
}

async fn look(State(service): Server, caller: Caller, Path((id, execution)): Path<(String, Name)>) -> Reply {
    let look = service.look(&caller, Some(&id), &execution).await?;
    Ok(success(Standing::of(&look)))
}

/// Which executions are listed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    workflow_id: Option<Name>,
    status: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<String>,
    offset: Option<String>,
    user_id: Option<Name>,
    metadata: Option<String>,
    #[serde(flatten)]
    rest: std::collections::BTreeMap<String, String>,
}

async fn executions(State(service): Server, caller: Caller, uri: Uri) -> Reply {
    let listing: Listing = query(&uri)?;
    if let Some(id) = &listing.workflow_id {
        service.workflow(id, None)?;
    }
    let (filter, offset) = listing.filter()?;
    let entries = service.list(&caller, filter).await?;
    let mut listed = Vec::new();
    for entry in entries.into_iter().skip(offset) {
        match service.driver().look(&entry.run).await {
            Ok(run) => listed.push(Standing::of(&Look { entry, run })),
            // One that cannot be read hides no other.
            Err(_) => listed.push(Standing::unreadable(&entry)),
        }
    }
    Ok(success(listed))
}

impl Listing {
    /// What is asked for, and how many to pass over. What is no filter is ignored, as the real server does.
    fn filter(&self) -> Result<(Filter, usize), Problem> {
        let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<usize>().ok());
        let limit = number(&self.limit).unwrap_or(PAGE).min(LONGEST_PAGE);
        let offset = number(&self.offset).unwrap_or(0);
        if offset > FARTHEST {
            return Err(Problem::Malformed(format!(
                "offset is at most {FARTHEST}; narrow the listing down with `to`"
            )));
        }
        let instant = |text: &Option<String>| text.as_deref().and_then(parse_instant);
        let mut labels = crate::run::Labels::new();
        if let Some(Ok(Data::Map(map))) = self.metadata.as_deref().map(serde_json::from_str) {
            labels.extend(map.iter().map(|(key, value)| (key.clone(), value.to_text())));
        }
        for (key, value) in &self.rest {
            if let Some(key) = key.strip_prefix("metadata.") {
                labels.insert(key.into(), value.as_str().into());
            }
        }
        let filter = Filter {
            workflow: self.workflow_id.clone(),
            status: self.status.as_deref().and_then(status),
            user: self.user_id.clone(),
            conversation: None,
            labels,
            since: instant(&self.from),
            until: instant(&self.to),
            after: None,
            limit: Some(limit + offset),
        };
        Ok((filter, offset))
    }
}

/// A status by its name; the real server knows some by a second one.
fn status(text: &str) -> Option<Status> {
    Some(match text {
        "running" | "pending" => Status::Running,
        "suspended" => Status::Suspended,
        "completed" | "success" => Status::Completed,
        "error" | "failed" => Status::Error,
        "cancelled" => Status::Cancelled,
        _ => return None,
    })
}

fn query<T: serde::de::DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let read = Query::try_from_uri(uri).map(|Query(query)| query);
    read.map_err(|error| Problem::Malformed(error.body_text()))
}

async fn rested(service: &Service, handle: &RunHandle) -> Reply {
    let rest = service.rest(handle).await?;
    let answer = success(Answer::of(handle.id(), handle.program(), &rest));
    Ok(concerning(handle, answer))
}

/// Notes for the log which execution an answer is about.
fn concerning(handle: &RunHandle, mut answer: Response) -> Response {
    Concerns::note(handle.id(), &mut answer);
    answer
}
