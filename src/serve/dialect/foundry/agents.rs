//! Workflows as agents of a project. They are files here, so they are looked at and not written.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::failure::{Failure, Reply};
use super::path::decoded;
use super::{items, responses};
use crate::serve::caller::{Caller, Scope};
use crate::serve::catalog::Served;
use crate::serve::refusal;
use crate::serve::service::Service;

pub(super) fn list(service: &Service, caller: &Caller, query: &str) -> Reply {
    caller.may(Scope::Read)?;
    let catalog = service.catalog();
    let agents = catalog.iter().map(|served| agent(served));
    Ok(refusal::json(StatusCode::OK, &behind(agents, query)))
}

pub(super) fn retrieve(service: &Service, caller: &Caller, name: &str) -> Reply {
    caller.may(Scope::Read)?;
    let served = responses::named(service, name, None)?;
    Ok(refusal::json(StatusCode::OK, &agent(&served)))
}

pub(super) fn versions(service: &Service, caller: &Caller, name: &str, query: &str) -> Reply {
    caller.may(Scope::Read)?;
    let served = responses::named(service, name, None)?;
    let id = &served.program.main().header.id;
    let catalog = service.catalog();
    let all = catalog.all().filter(|served| served.program.main().header.id == *id);
    let all = all.map(|served| version(served));
    Ok(refusal::json(StatusCode::OK, &behind(all, query)))
}

pub(super) fn one_version(service: &Service, caller: &Caller, name: &str, wanted: &str) -> Reply {
    caller.may(Scope::Read)?;
    let served = responses::named(service, name, Some(wanted))?;
    Ok(refusal::json(StatusCode::OK, &version(&served)))
}

/// All behind the one that the client knows: it asks until there are none.
fn behind(all: impl Iterator<Item = Value>, query: &str) -> Value {
    let after = query.split('&').find_map(|part| part.strip_prefix("after="));
    let listed: Vec<Value> = match after.filter(|after| !after.is_empty()) {
        Some(after) => {
            let after = decoded(after).unwrap_or_default();
            all.skip_while(|item| item["id"] != *after).skip(1).collect()
        }
        None => all.collect(),
    };
    items::list(listed, false)
}

/// Files are not changed by clients.
pub(super) fn unwritable() -> Failure {
    Failure::malformed(
        "name",
        "agents are files here: put the workflow into the folder that is served, or take it out of there",
    )
}

fn agent(served: &Served) -> Value {
    let header = &served.program.main().header;
    json!({
        "object": "agent",
        "id": header.id,
        "name": header.id,
        "versions": { "latest": version(served) },
    })
}

fn version(served: &Served) -> Value {
    let header = &served.program.main().header;
    let number = header.version.as_deref().unwrap_or("1");
    json!({
        "object": "agent.version",
        "id": format!("{}:{number}", header.id),
        "name": header.id,
        "version": number,
        "description": header.description.as_deref().or(header.purpose.as_deref()).unwrap_or_default(),
        "metadata": {},
        "created_at": 0,
        "definition": { "kind": "workflow" },
    })
}
