//! The runs of a workflow, as logs.

use axum::http::Uri;

use super::answer::{Standing, seconds};
use super::body::Asked;
use super::keys::App;
use super::reply::{Failure, Reply, answer};
use super::{Statuses, ids, kept};
use crate::data;
use crate::data::Data;
use crate::graph::{Name, Timestamp, parse_instant};
use crate::run::{Run, Status};
use crate::serve::service::Service;
use crate::store::{Entry, Filter};

/// How many runs can be paged through; `created_at__before` leads further.
const FARTHEST: usize = 10_000;
/// How many runs are searched for a keyword, the youngest.
const SEARCHED: usize = 1000;
/// How many runs a page has, unless it says so, and at most.
const PAGE: usize = 20;
const LONGEST_PAGE: usize = 100;

/// Which statuses are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Any,
    Only(Status),
    /// What is not over.
    Unfinished,
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Wanted, Failure> {
        Ok(match asked.get("status") {
            None => Wanted::Any,
            Some("succeeded") => Wanted::Only(Status::Completed),
            Some("failed") => Wanted::Only(Status::Error),
            Some("stopped") => Wanted::Only(Status::Cancelled),
            Some("paused") => Wanted::Only(Status::Suspended),
            Some("running") => Wanted::Unfinished,
            Some(other) => {
                let words = "succeeded, failed, stopped, running or paused";
                return Err(Failure::param(format!("status must be {words}, not {other}")));
            }
        })
    }

    fn takes(self, status: Status) -> bool {
        match self {
            Wanted::Any => true,
            Wanted::Only(wanted) => wanted == status,
            Wanted::Unfinished => !crate::store::is_over(status),
        }
    }
}

/// A page of runs, the youngest first.
pub(super) async fn list(service: &Service, app: &App, uri: &Uri) -> Reply {
    let asked = Asked::of(uri)?;
    let page = asked.number("page", 1, 99_999)?;
    let limit = asked.number("limit", PAGE, LONGEST_PAGE)?;
    if let Some(account) = asked.get("created_by_account") {
        return Err(Failure::param(format!("Account not found: {account}")));
    }
    let instant = |key: &str| match asked.get(key) {
        None => Ok(None),
        // A `+` in a query that nobody has encoded is a blank.
        Some(text) => match parse_instant(&text.replace(' ', "+")) {
            Some(instant) => Ok(Some(instant)),
            None => Err(Failure::param(format!(
                "{key} must be an instant such as 2026-01-31T12:00:00Z"
            ))),
        },
    };
    let wanted = Wanted::of(&asked)?;
    let filter = Filter {
        workflow: Some(app.workflow.clone()),
        status: match wanted {
            Wanted::Only(status) => Some(status),
            Wanted::Any | Wanted::Unfinished => None,
        },
        user: asked.get("created_by_end_user_session_id").map(Name::from),
        since: instant("created_at__after")?,
        // The filter is about what is before, the parameter includes the moment.
        until: instant("created_at__before")?.map(|at| Timestamp(at.0.saturating_add(1))),
        limit: Some(FARTHEST),
        ..Filter::default()
    };
    let mut entries = service.list(&app.caller, filter).await?;
    entries.retain(|entry| wanted.takes(entry.head.status));
    if let Some(keyword) = asked.get("keyword") {
        entries = search(service, entries, &keyword.to_lowercase()).await;
    }
    let total = entries.len();
    let first = (page - 1).saturating_mul(limit);
    let statuses = kept(service).statuses;
    let mut listed = Vec::new();
    for entry in entries.into_iter().skip(first).take(limit) {
        // One that cannot be read hides no other.
        let run = service.driver().look(&entry.run).await.ok();
        listed.push(item(service, &entry, run.as_ref(), statuses));
    }
    let has_more = first.saturating_add(listed.len()) < total;
    Ok(answer(&data!({
        "page": page,
        "limit": limit,
        "total": total,
        "has_more": has_more,
        "data": listed,
    })))
}

/// The runs in which a text occurs: in the input, the result, the id or the user.
async fn search(service: &Service, entries: Vec<Entry>, keyword: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    for entry in entries.into_iter().take(SEARCHED) {
        let has = |text: &str| text.to_lowercase().contains(keyword);
        let mut meant = has(&entry.run) || entry.user.as_deref().is_some_and(has);
        if !meant && let Ok(run) = service.driver().look(&entry.run).await {
            let standing = Standing::of(&run, entry.updated_at);
            let input = run.state().started().map(|started| started.input.to_string());
            meant = input.is_some_and(|input| has(&input)) || has(&standing.outputs().to_string());
        }
        if meant {
            found.push(entry);
        }
    }
    found
}

fn item(service: &Service, entry: &Entry, run: Option<&Run>, statuses: Statuses) -> Data {
    let at = match crate::store::is_over(entry.head.status) {
        true => entry.updated_at,
        false => service.driver().clock().now(),
    };
    let standing = match run {
        Some(run) => Standing::of(run, at),
        None => Standing::unreadable(entry),
    };
    let version = run.and_then(|run| run.program().main().header.version.clone());
    let user = entry.user.as_deref().unwrap_or_default();
    let created = seconds(entry.started_at);
    data!({
        "id": ids::id(&["log", &entry.run]),
        "workflow_run": {
            "id": entry.run.clone(),
            "version": version.unwrap_or_else(|| standing.version.as_str().into()),
            "status": standing.word(statuses),
            "triggered_from": "app-run",
            "error": standing.error(),
            "elapsed_time": standing.elapsed(),
            "total_tokens": standing.tokens(),
            "total_steps": standing.steps(),
            "created_at": standing.started(),
            "finished_at": standing.finished_at(),
            "exceptions_count": standing.handled(),
        },
        "details": null,
        "created_from": "service-api",
        "created_by_role": "end_user",
        "created_by_account": null,
        "created_by_end_user": {
            "id": ids::end_user(user),
            "type": "service_api",
            "is_anonymous": entry.user.is_none(),
            "session_id": user,
        },
        "created_at": created,
    })
}
