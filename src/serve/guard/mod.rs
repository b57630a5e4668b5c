//! What stands before every route: who asks, from where, and what comes of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::caller::Caller;
use super::metrics::Metrics;

/// Who may ask.
#[derive(Debug, Default)]
pub struct Access {}

impl Access {
    /// Whether anybody may ask for anything.
    pub fn is_open(&self) -> bool {
        true
    }
}

/// What stands before every route.
#[derive(Debug)]
pub(super) struct Guard {
    metrics: Arc<Metrics>,
}

impl Guard {
    pub fn new(_access: Access, _address: SocketAddr, metrics: Arc<Metrics>) -> Guard {
        Guard { metrics }
    }
}

/// Lets a request through, or refuses it; either way it is counted.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(Caller::LOCAL);
    let response = next.run(request).await;
    let path = path.as_ref().map_or("unknown", MatchedPath::as_str);
    guard
        .metrics
        .answered(&method, path, response.status(), begun.elapsed());
    response
}
