//! The routes for those who operate the server: whether it lives, whether it is ready, what it has counted, and what it
//! is.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;

use super::caller::{Caller, Scope};
use super::metrics::Metrics;
use super::openapi;
use super::refusal::{json, refusal};
use super::service::Service;
use crate::data;
use crate::store::Filter;

#[derive(Clone)]
struct Operations {
    service: Arc<Service>,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
}

pub(super) fn router(service: Arc<Service>, metrics: Arc<Metrics>, stopping: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(counted))
        .route("/openapi.json", get(described))
        .route("/docs", get(page))
        .with_state(Operations {
            service,
            metrics,
            stopping,
        })
}

/// What runs here.
async fn index(State(operations): State<Operations>) -> Response {
    json(
        StatusCode::OK,
        &data!({
            "name": "interpret",
            "version": env!("CARGO_PKG_VERSION"),
            "workflows": operations.service.catalog().len(),
            "api": "/workflows",
            "openapi": "/openapi.json",
            "docs": "/docs",
            "health": "/health",
            "ready": "/ready",
            "metrics": "/metrics"
        }),
    )
}

/// The process lives; clients of LlamaIndex know that by this word.
async fn health() -> Response {
    json(StatusCode::OK, &data!({ "status": "healthy" }))
}

/// Requests can be answered: the store works, and the server is not about to end.
async fn ready(State(operations): State<Operations>) -> Response {
    let not = |why: &str| {
        json(
            StatusCode::SERVICE_UNAVAILABLE,
            &data!({ "status": "unavailable", "reason": why }),
        )
    };
    if *operations.stopping.borrow() {
        return not("the server is about to end");
    }
    let look = Filter {
        limit: Some(1),
        ..Filter::default()
    };
    match operations.service.driver().store().list(look).await {
        Ok(_) => json(StatusCode::OK, &data!({ "status": "ok" })),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            not("the store is not available")
        }
    }
}

async fn counted(State(operations): State<Operations>, caller: Caller) -> Response {
    if let Err(problem) = caller.may(Scope::Read) {
        return refusal(&problem);
    }
    let service = &operations.service;
    let text = operations
        .metrics
        .text(service.driver().running(), service.catalog().len());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// The API in OpenAPI.
async fn described(State(operations): State<Operations>) -> Response {
    json(StatusCode::OK, &description(&operations.service))
}

/// The API for people.
async fn page(State(operations): State<Operations>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ];
    (headers, openapi::page(&description(&operations.service))).into_response()
}

/// The routes, which are always the same, and the webhooks that are served at the moment.
fn description(service: &Service) -> serde_json::Value {
    static ROUTES: LazyLock<Mutex<openapi::Description>> = LazyLock::new(|| {
        let mut description = openapi::Description::new();
        super::dialect::describe(&mut description);
        Mutex::new(description)
    });
    let mut description = ROUTES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    super::trigger::describe(&service.catalog(), &mut description);
    description.finish()
}

/// No route goes there.
pub(super) async fn unknown(uri: Uri) -> Response {
    let error = format!("there is nothing at {}; `/` tells what is here", uri.path());
    json(
        StatusCode::NOT_FOUND,
        &data!({ "success": false, "error": error, "code": "not-found" }),
    )
}
