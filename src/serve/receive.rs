//! Receiving bodies: within a size and a time.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse;

use super::problem::Problem;
use super::service::Service;

/// The whole body of a request.
pub(super) async fn receive(request: Request, service: &Arc<Service>) -> Result<Bytes, Problem> {
    let received = tokio::time::timeout(service.body_time(), Bytes::from_request(request, service)).await;
    match received {
        Err(_) => Err(Problem::TooSlow),
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) => match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Err(Problem::TooLarge),
            _ => Err(Problem::Malformed("the body could not be received".to_owned())),
        },
    }
}
