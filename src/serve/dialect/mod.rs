//! The protocols that are spoken, one folder each. A dialect translates: its wire types stay in its folder.
//!
//! A new one is a folder with a `router`, and a line in [`mount`].

pub mod dify;
pub mod foundry;
pub mod llamaindex;
mod vellum;
pub mod voltagent;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;

use super::caller::Caller;
use super::openapi::Description;
use super::operations;
use super::problem::Problem;
use super::service::Service;

pub(super) use foundry::IDENTITY;

/// The routes of all dialects: each under a prefix of its own, and those that are no other's at the root.
pub(super) fn mount(service: Arc<Service>) -> Router {
    let dify = dify::router(service.clone());
    let foundry = foundry::router(service.clone());
    let voltagent = voltagent::router(service.clone());
    Router::new()
        .nest("/voltagent", voltagent.clone())
        .merge(voltagent)
        .merge(foundry)
        .nest("/vellum", vellum::router(service.clone()))
        .merge(vellum::router(service.clone()))
        .nest("/dify", dify.clone())
        .merge(dify)
        .merge(llamaindex::router(service))
}

/// Answers what has no route: some clients put their paths behind whatever address they were told.
pub(super) async fn elsewhere(service: Arc<Service>, caller: Caller, request: Request) -> Response {
    match foundry::Place::of(request.uri().path()) {
        Some(place) => foundry::answer(service, caller, place, request).await,
        None => operations::unknown(request.uri().clone()).await,
    }
}

/// How the protocol of a route tells that a request is not done.
pub(super) fn refusal(route: Option<&str>) -> fn(&Problem) -> Response {
    match route {
        Some(route) if dify::is_route(route) => dify::refusal,
        _ => super::refusal::refusal,
    }
}

/// Who asks with what only the protocol of a route knows.
pub(super) fn caller(service: &Service, route: &str, headers: &HeaderMap) -> Option<Caller> {
    match dify::is_route(route) {
        true => dify::caller(service, headers),
        false => None,
    }
}

/// Describes the routes of the native protocol; the others are described by those who made them.
pub(super) fn describe(api: &mut Description) {
    voltagent::describe(api);
}
