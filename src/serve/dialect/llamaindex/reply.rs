//! What is answered when a request is not done: `{"detail": "..."}`.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::data;
use crate::serve::problem::Problem;
use crate::serve::refusal::{json, refusal};

/// What a handler gives.
pub(super) type Reply = Result<Response, Failure>;

/// Why a request is not done, in the shape of this protocol.
pub(super) enum Failure {
    /// What any protocol could say.
    Problem(Problem),
    /// An event that no step takes. This protocol calls that an error of the server.
    Unsendable(String),
    /// There is no such route.
    Nothing,
}

impl<P: Into<Problem>> From<P> for Failure {
    fn from(problem: P) -> Failure {
        Failure::Problem(problem.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let problem = match self {
            Failure::Unsendable(why) => {
                let detail = format!("Failed to send event: {why}");
                return json(StatusCode::INTERNAL_SERVER_ERROR, &data!({ "detail": detail }));
            }
            Failure::Nothing => return json(StatusCode::NOT_FOUND, &data!({ "detail": "Not Found" })),
            Failure::Problem(problem) => problem,
        };
        let detail = match &problem {
            Problem::UnknownWorkflow(_) => "Workflow not found".to_owned(),
            Problem::UnknownExecution(_) => "Handler not found".to_owned(),
            other => other.told(),
        };
        let (mut parts, _) = refusal(&problem).into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::from(data!({ "detail": detail }).to_string()))
    }
}

/// What no route takes.
pub(super) async fn nothing() -> Failure {
    Failure::Nothing
}
