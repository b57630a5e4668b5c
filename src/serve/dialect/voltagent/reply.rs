//! The envelope: `{"success": true, "data": ...}`; a refusal is that of the whole server.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::serve::problem::Problem;
use crate::serve::refusal::{json, refusal};

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

/// The answer when all is well.
#[derive(Serialize, JsonSchema)]
pub(super) struct Success<T> {
    /// Always true.
    success: bool,
    /// What was asked for.
    data: T,
}

/// A success with data.
pub(super) fn success(data: impl Serialize) -> Response {
    json(StatusCode::OK, &Success { success: true, data })
}
