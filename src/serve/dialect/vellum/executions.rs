//! Executions as the listings of a deployment and the details of one show them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Deserialize;

use super::body::{EXTERNAL_ID, METADATA, RELEASE_TAG};
use super::error::of_end;
use super::events::{Events, spans};
use super::meta;
use super::paging::{Page, query};
use super::reply::{Reply, success};
use super::told::Teller;
use super::variable::{Kind, given, results};
use crate::data;
use crate::data::{Data, Map};
use crate::graph::Name;
use crate::run::{Run, RunEnd};
use crate::serve::caller::Caller;
use crate::serve::problem::Problem;
use crate::serve::service::{Look, Service};
use crate::store::actuals::{self, Actual};
use crate::store::releases::{self, LATEST, Release};
use crate::store::{Entry, Filter, is_over};

type Server = State<Arc<Service>>;

/// How many executions are counted; who wants to know more narrows the listing down.
const MOST: usize = 10_000;

/// Which executions.
#[derive(Debug, Deserialize)]
struct Listing {
    filters: Option<String>,
    external_id: Option<Name>,
}

pub(super) async fn list(State(service): Server, caller: Caller, Path(id): Path<String>, uri: Uri) -> Reply {
    let page: Page = query(&uri)?;
    let wanted: Listing = query(&uri)?;
    if wanted.filters.is_some_and(|filters| !filters.is_empty()) {
        return Err(Problem::Malformed(
            "`filters` is not supported, since its language is not published; `external_id` is".to_owned(),
        )
        .into());
    }
    let workflow = service.workflow(&id, None)?.program.main().header.id.clone();
    let mut filter = Filter {
        workflow: Some(workflow.clone()),
        limit: Some(MOST),
        ..Filter::default()
    };
    let external = wanted.external_id.map(|external| (Name::from(EXTERNAL_ID), external));
    filter.labels.extend(external);
    let entries = service.list(&caller, filter).await?;
    let releases = releases::releases(&**service.driver().store(), Some(&workflow)).await?;
    let count = entries.len();
    let mut results = Vec::new();
    for entry in page.of(entries) {
        let run = service.driver().look(&entry.run).await.ok();
        results.push(Data::from(slim(&service, &entry, run.as_ref(), &releases).await?));
    }
    // What cannot be read is told as far as it is known, so the count is true.
    Ok(success(&data!({ "count": count, "results": results })))
}

pub(super) async fn one(State(service): Server, caller: Caller, Path((id, execution)): Path<(String, Name)>) -> Reply {
    let look = service.look(&caller, Some(&id), &execution).await?;
    let releases = releases::releases(&**service.driver().store(), Some(&id)).await?;
    let told = slim(&service, &look.entry, Some(&look.run), &releases).await?;
    Ok(success(&with_spans(&service, told, &look).await?))
}

pub(super) async fn detail(State(service): Server, caller: Caller, Path(execution): Path<Name>) -> Reply {
    let look = service.look(&caller, None, &execution).await?;
    let workflow = &look.entry.head.workflow;
    let releases = releases::releases(&**service.driver().store(), Some(workflow)).await?;
    let told = slim(&service, &look.entry, Some(&look.run), &releases).await?;
    let told = told.without("latest_actual").without("metric_results");
    Ok(success(&with_spans(&service, told, &look).await?))
}

/// What a listing tells of an execution.
async fn slim(service: &Service, entry: &Entry, run: Option<&Run>, releases: &[Release]) -> Result<Map, Problem> {
    let header = run.map(|run| &run.program().main().header);
    let started = run.and_then(|run| run.state().started());
    let end = run.and_then(|run| run.state().end());
    let inputs = header
        .zip(started)
        .map(|(header, started)| given(header, &started.input));
    let outputs = match (header, end) {
        (Some(header), Some(RunEnd::Completed(result))) => results(header, result),
        _ => Vec::new(),
    };
    let error = end.and_then(|end| of_end(end, &entry.head.workflow));
    let store = &**service.driver().store();
    let said = actuals::of_run(store, &entry.head.workflow, &entry.run).await?;
    let said = said.into_iter().max_by_key(|actual| actual.at);
    let fields = [
        ("span_id", Data::Text(entry.run.clone())),
        ("start", Data::from(entry.started_at.to_rfc3339())),
        (
            "end",
            Data::from(is_over(entry.head.status).then(|| entry.updated_at.to_rfc3339())),
        ),
        ("inputs", Data::from(inputs.unwrap_or_default())),
        ("outputs", Data::from(outputs)),
        ("error", Data::from(error.map(|error| error.to_api()))),
        (
            "usage_results",
            run.map(|run| meta::results(run.spent())).unwrap_or_default(),
        ),
        ("parent_context", parent(entry, releases)),
        ("latest_actual", said.as_ref().map(actual).unwrap_or_default()),
        ("metric_results", data!([])),
    ];
    Ok(fields
        .into_iter()
        .map(|(key, value)| (Name::from(key), value))
        .collect())
}

/// The same with its spans, and what the workflow remembers.
async fn with_spans(service: &Service, told: Map, look: &Look) -> Result<Map, Problem> {
    let teller = Teller::new(look.run.program().clone(), look.entry.run.clone());
    let mut events = Events::new(teller);
    let mut all = Vec::new();
    let mut from = 0;
    loop {
        let batches = service.driver().store().load(&look.entry.run, from).await?;
        let Some(last) = batches.last() else { break };
        let end = last.end();
        for batch in batches {
            for event in batch.from(from).events.iter() {
                let followed = events.follow(event, &mut all);
                followed.map_err(|error| Problem::Internal(error.to_string()))?;
            }
        }
        from = end;
    }
    let state = look.run.workflow_state().filter(|state| state.as_map().is_some());
    Ok(told
        .with("spans".into(), spans(&events.teller, all))
        .with("state".into(), state.cloned().unwrap_or_default()))
}

/// By which release an execution came about, and what it was marked with.
fn parent(entry: &Entry, releases: &[Release]) -> Data {
    let had = |release: &&Release| release.definition == entry.program;
    let before = |release: &&Release| had(release) && release.since <= entry.started_at;
    let release = releases.iter().rev().find(before).or_else(|| releases.iter().find(had));
    let Some(release) = release else { return Data::Null };
    let label = |name: &str| entry.labels.get(name);
    let tag = label(RELEASE_TAG).map_or(LATEST, |tag| &**tag);
    let metadata: Option<Data> = label(METADATA).and_then(|text| serde_json::from_str(text).ok());
    data!({
        "type": "WORKFLOW_RELEASE_TAG",
        "span_id": entry.run.clone(),
        "parent": null,
        "links": null,
        "deployment_id": entry.head.workflow.clone(),
        "deployment_name": entry.head.workflow.clone(),
        "deployment_history_item_id": release.id(),
        "release_tag_id": tag,
        "release_tag_name": tag,
        "external_id": label(EXTERNAL_ID).cloned(),
        "metadata": metadata,
        "workflow_version_id": release.definition.clone()
    })
}

/// What was said about an output.
fn actual(said: &Actual) -> Data {
    let desired = said.desired.clone().unwrap_or_default();
    let output = data!({
        "id": said.output.clone(),
        "name": said.output.clone(),
        "type": Kind::of(&desired).as_str(),
        "value": desired
    });
    data!({
        "output": output,
        "timestamp": said.at.to_rfc3339(),
        "quality": said.quality,
        "metadata": said.metadata.clone()
    })
}
