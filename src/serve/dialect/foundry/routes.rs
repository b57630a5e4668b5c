//! Which request does what.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use super::failure::{Failure, Reply};
use super::path::{Place, What};
use super::{agents, body, conversations, responses, token};
use crate::serve::caller::Caller;
use crate::serve::operations;
use crate::serve::receive::receive;
use crate::serve::service::Service;

/// The routes of this protocol that are known beforehand.
pub(in crate::serve::dialect) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/foundry/{*path}", any(route))
        .route("/openai/{*path}", any(route))
        .route("/agents", any(route))
        .route("/agents/{*path}", any(route))
        .route("/msi/token", any(route))
        .with_state(service)
}

async fn route(State(service): State<Arc<Service>>, caller: Caller, request: Request) -> Response {
    match Place::of(request.uri().path()) {
        Some(place) => answer(service, caller, place, request).await,
        None => operations::unknown(request.uri().clone()).await,
    }
}

/// Does what is asked for at a place.
pub(in crate::serve::dialect) async fn answer(
    service: Arc<Service>,
    caller: Caller,
    place: Place,
    request: Request,
) -> Response {
    let answered = perform(&service, &caller, place, request).await;
    answered.unwrap_or_else(Failure::into_response)
}

async fn perform(service: &Arc<Service>, caller: &Caller, place: Place, request: Request) -> Reply {
    let (parts, content) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let get = parts.method == Method::GET;
    let post = parts.method == Method::POST;
    let delete = parts.method == Method::DELETE;
    match place.what {
        What::Conversations if post => {
            let making = body::read(&receive(content, service).await?)?;
            conversations::create(service, caller, making).await
        }
        What::Conversation(id) if get => conversations::retrieve(service, caller, &id).await,
        What::Conversation(id) if delete => conversations::delete(service, caller, &id).await,
        What::Items(id) if get => conversations::list_items(service, caller, &id, &query).await,
        What::Items(id) if post => {
            let adding = body::read(&receive(content, service).await?)?;
            conversations::add_items(service, caller, &id, adding).await
        }
        What::Item(id, item) if get => conversations::retrieve_item(service, caller, &id, &item).await,
        What::Item(id, item) if delete => conversations::delete_item(service, caller, &id, &item).await,
        What::Responses if post => {
            let create = body::read(&receive(content, service).await?)?;
            responses::create(service, caller, place.agent.as_deref(), create).await
        }
        What::Response(id) if get => responses::retrieve(service, caller, &id, &query).await,
        What::Cancel(id) if post => responses::cancel(service, caller, &id).await,
        What::Agents if get => agents::list(service, caller, &query),
        What::Agent(name) if get => agents::retrieve(service, caller, &name),
        What::Versions(name) if get => agents::versions(service, caller, &name, &query),
        What::Version(name, version) if get => agents::one_version(service, caller, &name, &version),
        What::Agents | What::Agent(_) | What::Versions(_) | What::Version(..) => Err(agents::unwritable()),
        What::Token if get => token::token(&parts),
        _ => Err(Failure::missing(
            "method",
            format!("{} is not answered at {}", parts.method, parts.uri.path()),
        )),
    }
}
