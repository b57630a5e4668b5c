//! Workflows as deployments, with their releases and tags.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Deserialize;

use super::body::{MoveTag, Sent};
use super::paging::{Page, query};
use super::reply::{Reply, success};
use super::variable::{Variable, inputs, outputs};
use crate::data;
use crate::data::Data;
use crate::graph::{Header, Name, Program, Timestamp};
use crate::serve::caller::{Caller, Scope};
use crate::serve::catalog::Served;
use crate::serve::problem::Problem;
use crate::serve::service::Service;
use crate::store::releases::{self, LATEST, Release, Tag, TagError};

type Server = State<Arc<Service>>;

/// A workflow with its releases.
struct Deployment {
    served: Arc<Served>,
    /// The oldest first.
    releases: Vec<Release>,
    tags: Vec<Tag>,
}

impl Deployment {
    async fn of(service: &Service, caller: &Caller, id: &str) -> Result<Deployment, Problem> {
        caller.may(Scope::Read)?;
        let served = service.workflow(id, None)?;
        Deployment::with(service, served).await
    }

    async fn with(service: &Service, served: Arc<Served>) -> Result<Deployment, Problem> {
        let store = &**service.driver().store();
        let id = &served.program.main().header.id;
        Ok(Deployment {
            releases: releases::releases(store, Some(id)).await?,
            tags: releases::tags(store, Some(id)).await?,
            served,
        })
    }

    fn header(&self) -> &Header {
        &self.served.program.main().header
    }

    fn label(&self) -> Name {
        self.header().name.as_ref().unwrap_or(&self.header().id).clone()
    }

    fn created(&self) -> Timestamp {
        self.releases.first().map_or(Timestamp(0), |first| first.since)
    }

    fn deployed(&self) -> Timestamp {
        self.releases.last().map_or(Timestamp(0), |last| last.since)
    }

    fn to_data(&self) -> Data {
        let header = self.header();
        let last = self.releases.last().map(Release::id).unwrap_or_else(|| "".into());
        data!({
            "id": header.id.clone(),
            "name": header.id.clone(),
            "label": self.label(),
            "status": "ACTIVE",
            "environment": "PRODUCTION",
            "created": self.created().to_rfc3339(),
            "last_deployed_on": self.deployed().to_rfc3339(),
            "last_deployed_history_item_id": last,
            "input_variables": listed(inputs(header)),
            "output_variables": listed(outputs(header)),
            "description": header.purpose.clone(),
            "display_data": null
        })
    }

    /// The tags of a release; the youngest has one more.
    fn tags_of(&self, release: &Release) -> Data {
        let latest = self.releases.last().is_some_and(|last| last.number == release.number);
        let latest = latest.then(|| data!({ "name": LATEST, "source": "SYSTEM" }));
        let tags = self.tags.iter().filter(|tag| tag.release == release.number);
        let tags = tags.map(|tag| data!({ "name": tag.name.clone(), "source": "USER" }));
        latest.into_iter().chain(tags).collect()
    }

    fn find(&self, name: &str) -> Result<&Release, Problem> {
        let tagged = self.tags.iter().find(|tag| *tag.name == *name);
        let found = match tagged {
            Some(tag) => self.releases.iter().find(|release| release.number == tag.release),
            None if name == LATEST => self.releases.last(),
            None => self.releases.iter().find(|release| release.is_called(name)),
        };
        let unknown = || Problem::UnknownRelease(self.header().id.to_string(), name.to_owned());
        found.ok_or_else(unknown)
    }

    fn release(&self, release: &Release, program: Option<&Program>) -> Data {
        let header = self.header();
        let of = program.map(|program| &program.main().header);
        data!({
            "id": release.id(),
            "created": release.since.to_rfc3339(),
            "environment": { "id": "production", "name": "production", "label": "Production" },
            "created_by": null,
            "workflow_version": {
                "id": release.definition.clone(),
                "input_variables": of.map(|header| listed(inputs(header))).unwrap_or_else(|| data!([])),
                "output_variables": of.map(|header| listed(outputs(header))).unwrap_or_else(|| data!([])),
                "dependencies": []
            },
            "deployment": { "id": header.id.clone(), "name": header.id.clone() },
            "description": null,
            "release_tags": self.tags_of(release),
            "reviews": []
        })
    }

    fn tag(&self, name: &str, source: &str, release: &Release) -> Data {
        let item = data!({ "id": release.id(), "timestamp": release.since.to_rfc3339() });
        data!({ "name": name, "source": source, "history_item": item.clone(), "release": item })
    }
}

fn listed(variables: Vec<Variable>) -> Data {
    variables.iter().map(Variable::to_data).collect()
}

/// The program of a release; none when its definition cannot be used any more.
async fn program_of(service: &Service, release: &Release) -> Option<Arc<Program>> {
    service.driver().program(&release.definition).await.ok()
}

/// Which deployments, in which order.
#[derive(Debug, Deserialize)]
struct Listing {
    status: Option<String>,
    ordering: Option<String>,
}

pub(super) async fn list(State(service): Server, caller: Caller, uri: Uri) -> Reply {
    caller.may(Scope::Read)?;
    let page: Page = query(&uri)?;
    let listing: Listing = query(&uri)?;
    let mut all = Vec::new();
    // What is served is active.
    if listing.status.as_deref().is_none_or(|status| status == "ACTIVE") {
        for served in service.catalog().iter() {
            all.push(Deployment::with(&service, served.clone()).await?);
        }
    }
    let ordering = listing.ordering.as_deref().unwrap_or_default();
    match ordering.trim_start_matches('-') {
        "label" => all.sort_by_key(Deployment::label),
        "created" => all.sort_by_key(Deployment::created),
        "last_deployed_on" => all.sort_by_key(Deployment::deployed),
        _ => {}
    }
    if ordering.starts_with('-') {
        all.reverse();
    }
    let count = all.len();
    let results = page.of(all).iter().map(Deployment::to_data).collect();
    Ok(success(&page.answer(uri.path(), count, results)))
}

pub(super) async fn one(State(service): Server, caller: Caller, Path(id): Path<String>) -> Reply {
    let deployment = Deployment::of(&service, &caller, &id).await?;
    Ok(success(&deployment.to_data()))
}

/// Which tags.
#[derive(Debug, Deserialize)]
struct Tags {
    source: Option<String>,
}

pub(super) async fn tags(State(service): Server, caller: Caller, Path(id): Path<String>, uri: Uri) -> Reply {
    let page: Page = query(&uri)?;
    let wanted: Tags = query(&uri)?;
    let deployment = Deployment::of(&service, &caller, &id).await?;
    let wants = |source: &str| wanted.source.as_deref().is_none_or(|wanted| wanted == source);
    let mut all = Vec::new();
    if let (true, Some(last)) = (wants("SYSTEM"), deployment.releases.last()) {
        all.push(deployment.tag(LATEST, "SYSTEM", last));
    }
    for tag in deployment.tags.iter().filter(|_| wants("USER")) {
        all.push(deployment.tag(&tag.name, "USER", deployment.find(&tag.name)?));
    }
    let count = all.len();
    Ok(success(&page.answer(uri.path(), count, Data::from(page.of(all)))))
}

pub(super) async fn tag(State(service): Server, caller: Caller, Path((id, name)): Path<(String, String)>) -> Reply {
    let deployment = Deployment::of(&service, &caller, &id).await?;
    let is_tag = name == LATEST || deployment.tags.iter().any(|tag| *tag.name == *name);
    if !is_tag {
        return Err(Problem::UnknownRelease(id, name).into());
    }
    let source = if name == LATEST { "SYSTEM" } else { "USER" };
    Ok(success(&deployment.tag(&name, source, deployment.find(&name)?)))
}

pub(super) async fn move_tag(
    State(service): Server,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
    body: Sent,
) -> Reply {
    caller.may(Scope::Admin)?;
    let served = service.workflow(&id, None)?;
    let wanted = body.read::<MoveTag>()?.history_item_id;
    let wanted = wanted.ok_or_else(|| Problem::Malformed("`history_item_id` is missing".to_owned()))?;
    let (store, now) = (service.driver().store(), service.driver().clock().now());
    let workflow = &served.program.main().header.id;
    let moved = releases::tag(&**store, workflow, &name, &wanted, now).await;
    let (tag, release) = moved.map_err(|error| match error {
        TagError::Name(..) => Problem::Malformed(error.to_string()),
        TagError::NoSuchRelease { .. } => Problem::UnknownRelease(id.clone(), wanted.to_string()),
        TagError::Store(error) => error.into(),
    })?;
    let deployment = Deployment::with(&service, served).await?;
    Ok(success(&deployment.tag(&tag.name, "USER", &release)))
}

pub(super) async fn releases(State(service): Server, caller: Caller, Path(id): Path<String>, uri: Uri) -> Reply {
    let page: Page = query(&uri)?;
    let deployment = Deployment::of(&service, &caller, &id).await?;
    let count = deployment.releases.len();
    let mut results = Vec::new();
    for release in page.of(deployment.releases.iter().rev().collect()) {
        let program = program_of(&service, release).await;
        results.push(deployment.release(release, program.as_deref()));
    }
    Ok(success(&page.answer(uri.path(), count, Data::from(results))))
}

pub(super) async fn release(State(service): Server, caller: Caller, Path((id, name)): Path<(String, String)>) -> Reply {
    let deployment = Deployment::of(&service, &caller, &id).await?;
    let release = deployment.find(&name)?;
    let program = program_of(&service, release).await;
    Ok(success(&deployment.release(release, program.as_deref())))
}

pub(super) async fn history(State(service): Server, caller: Caller, Path((id, name)): Path<(String, String)>) -> Reply {
    let deployment = Deployment::of(&service, &caller, &id).await?;
    let release = deployment.find(&name)?;
    let program = program_of(&service, release).await;
    let header = program.as_ref().map(|program| &program.main().header);
    let listed =
        |variables: fn(&Header) -> Vec<Variable>| header.map_or_else(|| data!([]), |header| listed(variables(header)));
    Ok(success(&data!({
        "id": release.id(),
        "workflow_deployment_id": id,
        "timestamp": release.since.to_rfc3339(),
        "label": deployment.label(),
        "name": deployment.header().id.clone(),
        "input_variables": listed(inputs),
        "output_variables": listed(outputs),
        "description": deployment.header().purpose.clone()
    })))
}
