//! Receiving bodies: within a size and a time.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse;

use super::problem::Problem;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// The whole body of a request.
pub(super) async fn receive<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let received = tokio::time::timeout(PATIENCE, Bytes::from_request(request, state)).await;
    match received {
        Err(_) => Err(Problem::TooSlow),
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) => match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Err(Problem::TooLarge),
            _ => Err(Problem::Malformed("the body could not be received".to_owned())),
        },
    }
}
