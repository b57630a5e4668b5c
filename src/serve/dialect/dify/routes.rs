//! The routes and what they do.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::answer::Standing;
use super::body::{Asked, Mode, Sent};
use super::files::{self, Resolver};
use super::keys::App;
use super::reply::{Code, Failure, Reply, answer};
use super::stream::{Before, Scene};
use super::{about, fields, frames, human, ids, kept, logs, stream, upload};
use crate::data;
use crate::data::Data;
use crate::drive::RunHandle;
use crate::graph::Name;
use crate::run::{Run, Status};
use crate::serve::catalog::Served;
use crate::serve::guard::Concerns;
use crate::serve::problem::Problem;
use crate::serve::service::{Begin, Look, Service};
use crate::store::is_over;

/// Where the routes are besides at the root.
const PREFIX: &str = "/dify";
/// The longest name of a trace.
const LONGEST_TRACE: usize = 256;

/// The largest body that is taken before it is known whether it will be looked at.
const SMALL: usize = 64 << 10;

type Server = State<Arc<Service>>;

const RUN: &str = "/v1/workflows/run";
const RUN_VERSION: &str = "/v1/workflows/{version}/run";
const DETAIL: &str = "/v1/workflows/run/{execution}";
const STOP: &str = "/v1/workflows/tasks/{execution}/stop";
const LOGS: &str = "/v1/workflows/logs";
const EVENTS: &str = "/v1/workflow/{execution}/events";
const FORM: &str = "/v1/form/human_input/{token}";
const UPLOAD: &str = "/v1/files/upload";
const PREVIEW: &str = "/v1/files/{file}/preview";
const END_USER: &str = "/v1/end-users/{user}";
const INFO: &str = "/v1/info";
const PARAMETERS: &str = "/v1/parameters";
const SITE: &str = "/v1/site";
const META: &str = "/v1/meta";

const ROUTES: [&str; 14] = [
    RUN,
    RUN_VERSION,
    DETAIL,
    STOP,
    LOGS,
    EVENTS,
    FORM,
    UPLOAD,
    PREVIEW,
    END_USER,
    INFO,
    PARAMETERS,
    SITE,
    META,
];

/// The routes of this protocol.
pub(in crate::serve) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route(RUN, post(run))
        .route(RUN_VERSION, post(run_version))
        .route(DETAIL, get(detail))
        .route(STOP, post(stop))
        .route(LOGS, get(log))
        .route(EVENTS, get(events))
        .route(FORM, get(form).post(submit))
        .route(UPLOAD, post(take).layer(DefaultBodyLimit::max(upload::LARGEST)))
        .route(PREVIEW, get(preview))
        .route(END_USER, get(end_user))
        .route(INFO, get(async |app: App| about::info(&app)))
        .route(
            PARAMETERS,
            get(async |State(service): Server, app: App| about::parameters(&service, &app)),
        )
        .route(SITE, get(async |app: App| about::site(&app)))
        .route(META, get(async |app: App| about::meta(&app)))
        .layer(axum::middleware::from_fn_with_state(service.clone(), arrive))
        .with_state(service)
}

/// Takes a small body before anything is answered. Clients send one with every request; what is answered while it is still
/// on its way ends the connection, and the next request on it.
async fn arrive(State(service): Server, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_none_or(|length| length > SMALL) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    match tokio::time::timeout(service.body_time(), axum::body::to_bytes(body, SMALL)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => Failure::new(Code::BadRequest, "the body could not be received").into_response(),
        Err(_) => Failure::from(Problem::TooSlow).into_response(),
    }
}

/// Whether a route is one of this protocol.
pub(in crate::serve) fn is_route(route: &str) -> bool {
    ROUTES.contains(&route.strip_prefix(PREFIX).unwrap_or(route))
}

async fn run(State(service): Server, app: App, uri: Uri, headers: HeaderMap, sent: Sent) -> Reply {
    let served = app.served.clone();
    begin(&service, &app, &served, &uri, &headers, &sent).await
}

async fn run_version(
    State(service): Server,
    app: App,
    Path(version): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    sent: Sent,
) -> Reply {
    let served = version_of(&service, &app, &version)?;
    begin(&service, &app, &served, &uri, &headers, &sent).await
}

/// The version of a workflow that is meant: by its id, or as it is written in the file.
fn version_of(service: &Service, app: &App, version: &str) -> Result<Arc<Served>, Failure> {
    let catalog = service.catalog();
    let mut all = catalog
        .all()
        .filter(|served| served.program.main().header.id == app.workflow);
    let is = |served: &&Arc<Served>| {
        let written = served.program.main().header.version.as_deref();
        written == Some(version) || ids::version(&served.program.hash) == version.to_ascii_lowercase()
    };
    if let Some(served) = all.find(is) {
        return Ok(served.clone());
    }
    if *version == *app.workflow {
        return Ok(app.served.clone());
    }
    let mut letters = version.trim_start_matches(['v', 'V']).chars();
    let numbered = letters.next().is_some_and(|first| first.is_ascii_digit());
    match uuid::Uuid::try_parse(version).is_ok() || numbered {
        true => Err(Failure::not_found("Workflow not found")),
        false => Err(Failure::new(Code::BadRequest, "Invalid workflow_id format")),
    }
}

/// Begins a run, and tells what comes of it.
async fn begin(
    service: &Arc<Service>,
    app: &App,
    served: &Arc<Served>,
    uri: &Uri,
    headers: &HeaderMap,
    sent: &Sent,
) -> Reply {
    let inputs = sent.inputs(served)?;
    let user = sent.user()?;
    let mode = sent.mode()?;
    let schema = served.program.main().header.input_schema.as_ref();
    let form = fields::fields(schema);
    let taken = fields::take(&form, fields::is_closed(schema), &inputs).map_err(Failure::param)?;
    let mut resolver = Resolver {
        service,
        app,
        user: &user,
        base: files::base(headers),
        count: 0,
    };
    let mut input = resolver.inputs(&form, &taken).await?;
    let attached = match sent.get("files") {
        Some(files) => resolver.list(files).await?,
        None => data!([]),
    };
    let mut begin = Begin::new(app.workflow.clone(), Data::Null);
    if attached.as_list().is_some_and(|files| !files.is_empty()) {
        let declared = form.iter().any(|field| &*field.name == "files");
        if declared && !input.contains("files") {
            input = input.with("files".into(), attached.clone());
        }
        if served.program.main().header.context_schema.is_none() {
            begin.context = data!({ "files": attached });
        }
    }
    begin.input = Data::from(input);
    begin.version = served.program.main().header.version.clone();
    begin.user = Some(user);
    if let Some(trace) = trace(sent, uri, headers)? {
        begin.labels.insert("trace_id".into(), trace);
    }
    let handle = service.begin(&app.caller, begin).await?;
    let answer = match mode {
        Mode::Blocking => blocking(service, app, &handle).await?,
        Mode::Streaming => {
            let scene = Scene {
                before: Before::Passed,
                from: 0,
                goes_on: false,
            };
            let follow = service.driver().follow(handle.id().clone(), 0);
            stream::response(service, handle.id().clone(), handle.program().clone(), follow, scene)
        }
    };
    Ok(concerning(handle.id(), answer))
}

/// What a run belongs to, elsewhere.
fn trace(sent: &Sent, uri: &Uri, headers: &HeaderMap) -> Result<Option<Name>, Failure> {
    let header = headers
        .get("x-trace-id")
        .and_then(|trace| trace.to_str().ok())
        .map(str::to_owned);
    let query = Asked::of(uri)?.get("trace_id").map(str::to_owned);
    let body = sent.get("trace_id").map(|trace| trace.to_text().to_string());
    let trace = header.or(query).or(body).filter(|trace| !trace.is_empty());
    match trace {
        Some(trace) if trace.len() > LONGEST_TRACE => {
            Err(Failure::param(format!("trace_id has at most {LONGEST_TRACE} bytes")))
        }
        trace => Ok(trace.map(Name::from)),
    }
}

/// What a run has come to.
async fn blocking(service: &Service, app: &App, handle: &RunHandle) -> Reply {
    let statuses = kept(service).statuses;
    let rest = service.rest(handle).await?;
    let standing = Standing::at_rest(handle, &rest);
    let mut told = standing.common(statuses);
    if standing.is_paused() {
        let look = service.look(&app.caller, Some(&app.workflow), handle.id()).await?;
        told.extend(human::pause(&look.run));
    }
    Ok(answer(&data!({
        "task_id": handle.id().clone(),
        "workflow_run_id": handle.id().clone(),
        "data": told.into_iter().collect::<Data>(),
    })))
}

async fn detail(State(service): Server, app: App, Path(execution): Path<Name>) -> Reply {
    let Look { entry, run } = service.look(&app.caller, Some(&app.workflow), &execution).await?;
    let at = match is_over(run.status()) {
        true => entry.updated_at,
        false => service.driver().clock().now(),
    };
    Ok(answer(&Standing::of(&run, at).detail(&run, kept(&service).statuses)))
}

/// Cancels a run. What is over or was never there is stopped as well.
async fn stop(State(service): Server, app: App, Path(execution): Path<Name>, sent: Sent) -> Reply {
    sent.user()?;
    let stopped = service.cancel(
        &app.caller,
        Some(&app.workflow),
        &execution,
        Some("stopped by the API".into()),
    );
    match stopped.await {
        Ok(_) | Err(Problem::UnknownExecution(_) | Problem::Conflict(_)) => Ok(answer(&data!({ "result": "success" }))),
        Err(problem) => Err(problem.into()),
    }
}

async fn log(State(service): Server, app: App, uri: Uri) -> Reply {
    logs::list(&service, &app, &uri).await
}

/// Follows a run, for who has begun it.
async fn events(State(service): Server, app: App, Path(execution): Path<Name>, uri: Uri) -> Reply {
    let asked = Asked::of(&uri)?;
    let user = asked.user()?;
    let entry = service.entry(&app.caller, Some(&app.workflow), &execution).await?;
    if entry.user.as_ref() != Some(&user) {
        return Err(Problem::UnknownExecution(execution.to_string()).into());
    }
    let goes_on = asked.is("continue_on_pause");
    if is_over(entry.head.status) {
        let run = service.driver().look(&execution).await?;
        let standing = Standing::of(&run, entry.updated_at);
        let only = frames::over(&standing, entry.user, kept(&service).statuses);
        return Ok(concerning(&execution, stream::whole(only)));
    }
    let (program, follow) = service.follow(&app.caller, Some(&app.workflow), &execution).await?;
    let scene = match asked.is("include_state_snapshot") {
        true => Scene {
            before: Before::Brief,
            from: entry.seq,
            goes_on,
        },
        false => Scene {
            before: Before::Passed,
            from: since(&service, Run::new(program.clone()), &execution, entry.seq).await?,
            goes_on,
        },
    };
    let answer = stream::response(&service, execution.clone(), program, follow, scene);
    Ok(concerning(&execution, answer))
}

/// From where on somebody who comes back is told what happens: from where the run went on last, or came to a stand; from
/// now on, if it has gone on all the time.
async fn since(service: &Service, mut run: Run, id: &Name, until: u64) -> Result<u64, Failure> {
    let (mut at, mut since) = (0, until);
    while at < until {
        let page = service.driver().store().load(id, at).await?;
        let Some(last) = page.last() else { break };
        let next = last.end();
        for (seq, event) in page.iter().flat_map(|batch| (batch.first..).zip(batch.events.iter())) {
            if seq < at || seq >= until {
                continue;
            }
            let before = run.status();
            let damaged = |_| Problem::Internal("the journal is damaged".to_owned());
            run.follow(event).map_err(damaged)?;
            if (before == Status::Suspended) != (run.status() == Status::Suspended) {
                since = seq;
            }
        }
        at = next;
    }
    Ok(since)
}

async fn form(State(service): Server, app: App, Path(token): Path<String>) -> Reply {
    human::show(&service, &app, &token).await
}

async fn submit(State(service): Server, app: App, Path(token): Path<String>, sent: Sent) -> Reply {
    human::submit(&service, &app, &token, &sent).await
}

async fn take(State(service): Server, app: App, request: Request) -> Reply {
    upload::upload(&service, &app, request).await
}

async fn preview(State(service): Server, app: App, Path(file): Path<String>, uri: Uri) -> Reply {
    upload::preview(&service, &app, &file, &uri).await
}

async fn end_user(State(service): Server, app: App, Path(user): Path<String>) -> Reply {
    about::end_user(&service, &app, &user).await
}

/// Notes for the log which run an answer is about.
fn concerning(run: &Name, mut answer: Response) -> Response {
    Concerns::note(run, &mut answer);
    answer
}
