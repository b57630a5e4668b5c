//! The envelope: `{"success": true, "data": ...}` and `{"success": false, "error": "..."}`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::serve::envelope;
use crate::serve::problem::Problem;

/// What a handler gives.
pub(super) type Reply = Result<Response, Failure>;

/// A problem in the shape of this protocol, which is that of the whole server.
pub(in crate::serve) struct Failure(pub Problem);

impl<P: Into<Problem>> From<P> for Failure {
    fn from(problem: P) -> Failure {
        Failure(problem.into())
    }
}

#[derive(Serialize)]
struct Success<T> {
    success: bool,
    data: T,
}

/// A success with data.
pub(super) fn success(data: impl Serialize) -> Response {
    envelope::json(StatusCode::OK, &Success { success: true, data })
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        envelope::refusal(&self.0)
    }
}
