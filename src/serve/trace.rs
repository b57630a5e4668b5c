//! The trace of whoever sends a request: an execution that it begins belongs to it (W3C Trace Context).

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use crate::drive;

/// Keeps what a request belongs to while it is answered.
pub(super) async fn incoming(request: Request, next: Next) -> Response {
    let parent = request.headers().get("traceparent");
    // A header that is none is as if there were none, as the standard has it.
    let parent = parent.and_then(|parent| parent.to_str().ok()?.parse().ok());
    drive::within(parent, next.run(request)).await
}
