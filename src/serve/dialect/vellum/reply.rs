//! Answers and refusals: a refusal is `{"detail": "..."}`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::data;
use crate::data::Data;
use crate::serve::problem::Problem;
use crate::serve::refusal::{json, refusal};

/// What a handler gives.
pub(super) type Reply = Result<Response, Failure>;

/// A problem in the shape of this protocol.
pub(super) struct Failure(pub Problem);

impl<P: Into<Problem>> From<P> for Failure {
    fn from(problem: P) -> Failure {
        Failure(problem.into())
    }
}

impl IntoResponse for Failure {
    /// The status and headers are those of every protocol.
    fn into_response(self) -> Response {
        let (parts, _) = refusal(&self.0).into_parts();
        let violations: Vec<Data> = match &self.0 {
            Problem::Invalid { violations, .. } => violations
                .iter()
                .map(|violation| data!({ "pointer": &violation.pointer, "message": &violation.message }))
                .collect(),
            _ => Vec::new(),
        };
        let mut body = data!({ "detail": self.0.told(), "code": self.0.code() });
        if let (Data::Map(map), false) = (&body, violations.is_empty()) {
            body = Data::from(map.with("violations".into(), Data::from(violations)));
        }
        let mut response = json(parts.status, &body);
        response.extensions_mut().extend(parts.extensions);
        for (name, value) in parts.headers {
            if let Some(name) = name.filter(|name| name != axum::http::header::CONTENT_TYPE) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A success.
pub(super) fn success(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}
