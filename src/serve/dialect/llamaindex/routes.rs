//! The routes and what they do.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};

use super::body::{Delivery, Run, Sent};
use super::frames::{Form, Wanted};
use super::handler::{Found, HANDLER, Handler};
use super::listing::{self, Asked};
use super::reply::{Failure, Reply, nothing};
use super::stream::{self, Source};
use super::{describe, representation, send};
use crate::data;
use crate::data::Data;
use crate::drive::RunHandle;
use crate::graph::Name;
use crate::serve::caller::{Caller, Scope};
use crate::serve::catalog::Served;
use crate::serve::guard::Concerns;
use crate::serve::problem::Problem;
use crate::serve::refusal::json;
use crate::serve::service::{Begin, Service};
use crate::store::is_over;

type Server = State<Arc<Service>>;

/// The routes of this protocol: those that are no other's at the root, and all of them under a prefix. At the root the
/// health of the server and the listing of workflows answer clients of this protocol too.
pub(in crate::serve) fn router(service: Arc<Service>) -> Router {
    let own = Router::new()
        .route("/workflows/{id}/run", post(run))
        .route("/workflows/{id}/run-nowait", post(start))
        .route("/workflows/{id}/schema", get(schema))
        .route("/workflows/{id}/events", get(classes))
        .route("/workflows/{id}/representation", get(graph))
        .route("/handlers", get(handlers))
        .route("/handlers/{handler}", get(handler))
        .route("/handlers/{handler}/cancel", post(cancel))
        .route("/results/{handler}", get(result))
        .route("/events/{handler}", get(events).post(deliver))
        .method_not_allowed_fallback(nothing);
    let prefixed = own
        .clone()
        .route("/health", get(health))
        .route("/workflows", get(list))
        .fallback(nothing);
    Router::new()
        .nest("/llamaindex", prefixed)
        .merge(own)
        .with_state(service)
}

async fn health() -> Response {
    json(StatusCode::OK, &data!({ "status": "healthy" }))
}

async fn list(State(service): Server, caller: Caller) -> Reply {
    caller.may(Scope::Read)?;
    let catalog = service.catalog();
    let names = catalog
        .iter()
        .map(|served| Data::Text(served.program.main().header.id.clone()));
    Ok(json(
        StatusCode::OK,
        &data!({ "workflows": names.collect::<Vec<Data>>() }),
    ))
}

fn workflow(service: &Service, caller: &Caller, id: &str) -> Result<Arc<Served>, Problem> {
    caller.may(Scope::Read)?;
    service.workflow(id, None)
}

async fn schema(State(service): Server, caller: Caller, Path(id): Path<String>) -> Reply {
    let served = workflow(&service, &caller, &id)?;
    Ok(json(StatusCode::OK, &describe::ends(&served.program)))
}

async fn classes(State(service): Server, caller: Caller, Path(id): Path<String>) -> Reply {
    let served = workflow(&service, &caller, &id)?;
    Ok(json(StatusCode::OK, &describe::events(&served.program)))
}

async fn graph(State(service): Server, caller: Caller, Path(id): Path<String>) -> Reply {
    let served = workflow(&service, &caller, &id)?;
    let graph = representation::graph(&served.program);
    Ok(json(StatusCode::OK, &data!({ "graph": graph })))
}

/// Begins what a request asks for; also the id of its handler.
async fn begun(service: &Service, caller: &Caller, workflow: &str, body: &Sent) -> Result<(RunHandle, Name), Failure> {
    let served = self::workflow(service, caller, workflow)?;
    let Run { input, handler } = Run::read(body, &served.program.main().header)?;
    let mut begin = Begin::new(workflow, input);
    let Some(id) = handler else {
        let handle = service.begin(caller, begin).await?;
        let id = handle.id().clone();
        return Ok((handle, id));
    };
    let running = || Problem::Conflict(format!("Handler '{id}' is already running"));
    match Found::of(service, caller, &id).await {
        Ok(found) if !is_over(found.newest.head.status) => return Err(running().into()),
        Ok(found) => {
            let before = service.look(caller, None, &found.newest.run).await?;
            begin.state = before.run.workflow_state().cloned();
            begin.user = found.newest.user.clone();
            begin.conversation = found.newest.conversation.clone();
            begin.execution = Some(found.next());
            begin.labels.insert(HANDLER.into(), id.clone());
        }
        Err(Problem::UnknownExecution(_)) => begin.execution = Some(id.clone()),
        Err(problem) => return Err(problem.into()),
    }
    match service.begin(caller, begin).await {
        Ok(handle) => Ok((handle, id)),
        // Somebody else was faster.
        Err(Problem::Conflict(_)) => Err(running().into()),
        Err(problem) => Err(problem.into()),
    }
}

async fn run(State(service): Server, caller: Caller, Path(workflow): Path<String>, body: Sent) -> Reply {
    let (handle, id) = begun(&service, &caller, &workflow, &body).await?;
    let handler = match service.finished(&handle).await? {
        Some(rest) => Handler::driven(&handle, id, &rest),
        None => {
            let entry = service.entry(&caller, None, handle.id()).await?;
            Handler::of(&service, &entry).await
        }
    };
    Ok(concerning(handle.id(), json(handler.code(), &handler)))
}

async fn start(State(service): Server, caller: Caller, Path(workflow): Path<String>, body: Sent) -> Reply {
    let (handle, _) = begun(&service, &caller, &workflow, &body).await?;
    let entry = service.entry(&caller, None, handle.id()).await?;
    let handler = Handler::begun(&entry);
    Ok(concerning(handle.id(), json(StatusCode::OK, &handler)))
}

async fn handlers(State(service): Server, caller: Caller, uri: Uri) -> Reply {
    let query = Query::<Vec<(String, String)>>::try_from_uri(&uri);
    let Query(query) = query.map_err(|error| Problem::Malformed(error.body_text()))?;
    let handlers = listing::handlers(&service, &caller, &Asked::read(query)).await?;
    Ok(json(StatusCode::OK, &Handlers { handlers }))
}

#[derive(serde::Serialize)]
struct Handlers {
    handlers: Vec<Handler>,
}

async fn handler(State(service): Server, caller: Caller, Path(id): Path<Name>) -> Reply {
    let found = Found::of(&service, &caller, &id).await?;
    let handler = Handler::of(&service, &found.newest).await;
    Ok(concerning(&found.newest.run, json(handler.code(), &handler)))
}

async fn result(State(service): Server, caller: Caller, Path(id): Path<Name>) -> Reply {
    let found = Found::of(&service, &caller, &id).await?;
    let handler = Handler::of(&service, &found.newest).await.unwrapped();
    Ok(concerning(&found.newest.run, json(handler.code(), &handler)))
}

/// What a query says of a key; the last counts.
fn asked<'q>(query: &'q [(String, String)], key: &str) -> Option<&'q str> {
    let found = query.iter().rev().find(|(found, _)| found == key);
    found.map(|(_, value)| value.as_str())
}

async fn cancel(State(service): Server, caller: Caller, Path(id): Path<Name>, uri: Uri) -> Reply {
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap_or_default();
    let purge = asked(&query, "purge").is_some_and(|purge| purge.eq_ignore_ascii_case("true"));
    caller.may(Scope::Run)?;
    let found = Found::of(&service, &caller, &id).await?;
    let run = found.newest.run.clone();
    let cancelled = match is_over(found.newest.head.status) {
        true => false,
        false => match service.cancel(&caller, None, &run, None).await {
            Ok(_) => true,
            // It has just come to its end.
            Err(Problem::Conflict(_)) => false,
            Err(problem) => return Err(problem.into()),
        },
    };
    if purge {
        purge_all(&service, &caller, &id, found).await?;
        return Ok(concerning(&run, json(StatusCode::OK, &data!({ "status": "deleted" }))));
    }
    match cancelled {
        true => Ok(concerning(
            &run,
            json(StatusCode::OK, &data!({ "status": "cancelled" })),
        )),
        // This protocol has no other word for what can no longer be cancelled.
        false => Err(Problem::UnknownExecution(id.to_string()).into()),
    }
}

/// Forgets all executions of a handler.
async fn purge_all(service: &Service, caller: &Caller, id: &Name, mut found: Found) -> Result<(), Problem> {
    loop {
        for run in found.all() {
            match service.forget(caller, &run).await {
                Ok(()) | Err(Problem::UnknownExecution(_)) => {}
                Err(problem) => return Err(problem),
            }
        }
        // Where the first was forgotten before, others are found one by one.
        found = match Found::of(service, caller, id).await {
            Ok(found) => found,
            Err(Problem::UnknownExecution(_)) => return Ok(()),
            Err(problem) => return Err(problem),
        };
    }
}

async fn events(State(service): Server, caller: Caller, Path(id): Path<Name>, uri: Uri, headers: HeaderMap) -> Reply {
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap_or_default();
    let says =
        |key: &str, default: bool| asked(&query, key).map_or(default, |value| value.eq_ignore_ascii_case("true"));
    let form = match says("sse", true) {
        true => Form::Sse,
        false => Form::Lines,
    };
    let (after, now) = match asked(&query, "after_sequence") {
        None => (None, false),
        Some("now") => (None, true),
        Some(number) => match number.trim().parse::<i64>() {
            // Below 0 is the beginning.
            Ok(number) => (u64::try_from(number).ok(), false),
            Err(_) => return Err(Problem::Malformed(format!("Invalid after_sequence: '{number}'")).into()),
        },
    };
    let last = headers.get("last-event-id").filter(|_| form == Form::Sse);
    let last = last.and_then(|last| last.to_str().ok()?.trim().parse::<i64>().ok());
    let (after, now) = match last {
        Some(last) => (u64::try_from(last).ok(), false),
        None => (after, now),
    };
    let wanted = Wanted {
        form,
        internal: says("include_internal", false),
        qualified: says("include_qualified_name", true),
        after,
    };
    let entry = Found::of(&service, &caller, &id).await?.newest;
    let (program, follow) = service.follow(&caller, None, &entry.run).await?;
    let source = Source {
        program,
        follow,
        from: if now { entry.seq } else { 0 },
        over: is_over(entry.head.status),
    };
    let answer = stream::response(&service, source, wanted).await?;
    Ok(concerning(&entry.run, answer))
}

async fn deliver(State(service): Server, caller: Caller, Path(id): Path<Name>, body: Sent) -> Reply {
    let found = Found::of(&service, &caller, &id).await?;
    let over = || Problem::Conflict("Workflow already completed".to_owned());
    if is_over(found.newest.head.status) {
        return Err(over().into());
    }
    let run = found.newest.run;
    match send::send(&service, &caller, &run, Delivery::read(&body)?).await {
        Ok(()) => Ok(concerning(&run, json(StatusCode::OK, &data!({ "status": "sent" })))),
        Err(Failure::Problem(Problem::Conflict(why))) => {
            let entry = service.entry(&caller, None, &run).await?;
            match is_over(entry.head.status) {
                true => Err(over().into()),
                false => Err(Problem::Conflict(why).into()),
            }
        }
        Err(failure) => Err(failure),
    }
}

/// Notes for the log which execution an answer is about.
fn concerning(run: &Name, mut answer: Response) -> Response {
    Concerns::note(run, &mut answer);
    answer
}
