//! The routes, and those of executions in full.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};

use super::body::{About, Actuals, EXTERNAL_ID, Execute, ExecuteStream, Said, Sent, idempotency};
use super::events::Events;
use super::frames::Frames;
use super::reply::{Reply, success};
use super::stream::{self, Lines};
use super::told::Teller;
use super::variable::{self, Given, Kind};
use super::{answer, deployments, executions};
use crate::data;
use crate::data::Data;
use crate::drive::RunHandle;
use crate::graph::Name;
use crate::run::RunEnd;
use crate::serve::caller::{Caller, Scope};
use crate::serve::guard::Concerns;
use crate::serve::problem::Problem;
use crate::serve::service::{Begin, Service};
use crate::store::Filter;
use crate::store::actuals::{self, Actual};

type Server = State<Arc<Service>>;

/// The routes of this protocol.
pub(in crate::serve) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/execute-workflow", post(execute))
        .route("/v1/execute-workflow-stream", post(execute_stream))
        .route("/v1/execute-workflow-async", post(execute_async))
        .route("/v1/workflows/executions/{execution}/status", get(status))
        .route("/v1/submit-workflow-execution-actuals", post(submit))
        .route("/v1/workflow-deployments", get(deployments::list))
        .route("/v1/workflow-deployments/{id}", get(deployments::one))
        .route("/v1/workflow-deployments/{id}/execute-stream", post(execute_events))
        .route("/v1/workflow-deployments/{id}/release-tags", get(deployments::tags))
        .route(
            "/v1/workflow-deployments/{id}/release-tags/{name}",
            get(deployments::tag).patch(deployments::move_tag),
        )
        .route("/v1/workflow-deployments/{id}/releases", get(deployments::releases))
        .route(
            "/v1/workflow-deployments/{id}/releases/{name}",
            get(deployments::release),
        )
        .route(
            "/v1/workflow-deployments/{id}/history/{name}",
            get(deployments::history),
        )
        .route("/v1/workflow-deployments/{id}/execution-events", get(executions::list))
        .route(
            "/v1/workflow-deployments/{id}/execution-events/{execution}",
            get(executions::one),
        )
        .route("/v1/workflow-executions/{execution}/detail", get(executions::detail))
        .with_state(service)
}

/// Begins an execution.
async fn begun(
    service: &Service,
    caller: &Caller,
    workflow: &Name,
    given: Vec<Given>,
    about: &About,
    headers: &HeaderMap,
) -> Result<RunHandle, Problem> {
    caller.may(Scope::Run)?;
    let served = service.released(workflow, about.release_tag.as_deref()).await?;
    let input = variable::input(&served.program.main().header, given)?;
    let mut begin = Begin::new(workflow.clone(), input);
    begin.labels = about.labels()?;
    begin.idempotency = idempotency(headers)?;
    begin.state = match &about.previous_execution_id {
        Some(previous) => left(service, caller, workflow, previous).await?,
        None => None,
    };
    service.begin_with(caller, &served, begin).await
}

/// What an execution before has left in the state of the workflow.
async fn left(service: &Service, caller: &Caller, workflow: &Name, previous: &Name) -> Result<Option<Data>, Problem> {
    match service.look(caller, Some(workflow), previous).await {
        Ok(look) => Ok(look.run.workflow_state().cloned()),
        Err(Problem::UnknownExecution(_)) => Err(Problem::Malformed(format!(
            "previous_execution_id: `{workflow}` has no execution {previous}"
        ))),
        Err(problem) => Err(problem),
    }
}

async fn execute(State(service): Server, caller: Caller, headers: HeaderMap, body: Sent) -> Reply {
    let mut body: Execute = body.read()?;
    let (workflow, given) = (body.deployment()?, body.given()?);
    let handle = begun(&service, &caller, &workflow, given, &body.about, &headers).await?;
    let rest = service.rest(&handle).await?;
    let external = body.about.external_id.as_ref();
    let answer = answer::executed(handle.id(), external, &handle.program().main().header, &rest);
    Ok(concerning(&handle, success(&answer)))
}

async fn execute_async(State(service): Server, caller: Caller, headers: HeaderMap, body: Sent) -> Reply {
    let mut body: Execute = body.read()?;
    let (workflow, given) = (body.deployment()?, body.given()?);
    let handle = begun(&service, &caller, &workflow, given, &body.about, &headers).await?;
    let answer = success(&data!({ "execution_id": handle.id().clone() }));
    Ok(concerning(&handle, answer))
}

async fn execute_stream(State(service): Server, caller: Caller, headers: HeaderMap, body: Sent) -> Reply {
    let mut body: Execute = body.read()?;
    let (workflow, given, nodes) = (body.deployment()?, body.given()?, body.wants_nodes()?);
    let handle = begun(&service, &caller, &workflow, given, &body.about, &headers).await?;
    let meta = body.expand_meta.unwrap_or_default();
    let frames = Frames::new(teller(&handle), body.about.external_id, nodes, meta);
    Ok(streamed(&service, &handle, Lines::Frames(Box::new(frames))))
}

async fn execute_events(
    State(service): Server,
    caller: Caller,
    Path(workflow): Path<Name>,
    headers: HeaderMap,
    body: Sent,
) -> Reply {
    let body: ExecuteStream = body.read()?;
    if body.trigger.as_ref().is_some_and(|trigger| !trigger.is_null()) {
        return Err(Problem::Malformed(
            "`trigger` is not supported: schedules and webhooks start workflows by themselves".to_owned(),
        )
        .into());
    }
    let given = body.given()?;
    let handle = begun(&service, &caller, &workflow, given, &body.about, &headers).await?;
    let events = Events::new(teller(&handle));
    Ok(streamed(&service, &handle, Lines::Events(Box::new(events))))
}

fn teller(handle: &RunHandle) -> Teller {
    Teller::new(handle.program().clone(), handle.id().clone())
}

fn streamed(service: &Service, handle: &RunHandle, lines: Lines) -> Response {
    let follow = service.driver().follow(handle.id().clone(), 0);
    concerning(handle, stream::response(service, follow, lines))
}

async fn status(State(service): Server, caller: Caller, Path(execution): Path<Name>) -> Reply {
    let look = service.look(&caller, None, &execution).await?;
    Ok(success(&answer::status(&look)))
}

async fn submit(State(service): Server, caller: Caller, body: Sent) -> Reply {
    caller.may(Scope::Run)?;
    let body: Actuals = body.read()?;
    let whole = match (&body.execution_id, &body.external_id) {
        (Some(execution), _) => Some(execution.clone()),
        (None, Some(external)) => Some(called(&service, &caller, external).await?),
        (None, None) => None,
    };
    let mut all = Vec::with_capacity(body.actuals.len());
    for said in &body.actuals {
        let execution = said
            .execution_id
            .as_ref()
            .or(whole.as_ref())
            .ok_or_else(|| Problem::Malformed("name the execution: execution_id or external_id".to_owned()))?;
        all.push(actual(&service, &caller, execution, said).await?);
    }
    // Either all of them make sense, or nothing is kept.
    for actual in &all {
        actuals::keep(&**service.driver().store(), actual).await?;
    }
    Ok(success(&data!({})))
}

/// The execution that its caller has given an id of its own.
async fn called(service: &Service, caller: &Caller, external: &Name) -> Result<Name, Problem> {
    let mut filter = Filter {
        limit: Some(2),
        ..Filter::default()
    };
    filter.labels.insert(EXTERNAL_ID.into(), external.clone());
    match service.list(caller, filter).await?.as_slice() {
        [] => Err(Problem::UnknownExecution(external.to_string())),
        [only] => Ok(only.run.clone()),
        _ => Err(Problem::Malformed(format!(
            "several executions have the external_id {external}; say which by execution_id"
        ))),
    }
}

/// What is said about one output, checked.
async fn actual(service: &Service, caller: &Caller, execution: &Name, said: &Said) -> Result<Actual, Problem> {
    let look = service.look(caller, None, execution).await?;
    let header = &look.run.program().main().header;
    let result = match look.run.state().end() {
        Some(RunEnd::Completed(result)) => Some(result),
        _ => None,
    };
    let (output, desired) = (said.output()?, said.desired());
    let known = variable::output_names(header, result);
    // Of an execution that gave nothing, everything can be desired that the workflow does not rule out.
    if !known.is_empty() && !known.contains(&output) {
        let known = known.join(", ");
        return Err(Problem::Malformed(format!(
            "there is no output `{output}`; there are: {known}"
        )));
    }
    if let (Some(kind), Some(desired)) = (&said.output_type, &desired) {
        let fits = Kind::named(kind).is_some_and(|kind| kind.admits(desired));
        if !fits {
            let is = desired.a_kind();
            return Err(Problem::Malformed(format!(
                "the desired value of `{output}` is {is}, which is no {kind}"
            )));
        }
    }
    let now = service.driver().clock().now();
    Ok(Actual {
        workflow: look.entry.head.workflow.clone(),
        run: execution.clone(),
        output,
        desired,
        quality: said.quality()?,
        metadata: said.metadata.clone().unwrap_or_default(),
        at: said.at(now)?,
    })
}

/// Notes for the log which execution an answer is about.
fn concerning(handle: &RunHandle, mut answer: Response) -> Response {
    Concerns::note(handle.id(), &mut answer);
    answer
}
