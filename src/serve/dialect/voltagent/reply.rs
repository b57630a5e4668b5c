//! What handlers give: data in the envelope, or a refusal.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::serve::problem::Problem;
use crate::serve::refusal::{json, refusal};
use crate::serve::success::Success;

/// What a handler gives.
pub(super) type Reply = Result<Response, Failure>;

/// A problem in the shape of this protocol.
pub(in crate::serve) struct Failure(pub Problem);

impl<P: Into<Problem>> From<P> for Failure {
    fn from(problem: P) -> Failure {
        Failure(problem.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        refusal(&self.0)
    }
}

/// A success with data.
pub(super) fn success(data: impl Serialize) -> Response {
    json(StatusCode::OK, &Success::of(data))
}
