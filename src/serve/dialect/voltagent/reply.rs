//! The envelope: `{"success": true, "data": ...}` and `{"success": false, "error": "..."}`.

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::serve::problem::Problem;

/// What a handler gives.
pub(super) type Reply = Result<Response, Failure>;

/// A problem in the shape of this protocol.
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

#[derive(Serialize)]
struct Error<'p> {
    success: bool,
    error: String,
    code: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    violations: Vec<Violation<'p>>,
}

#[derive(Serialize)]
struct Violation<'p> {
    pointer: &'p str,
    message: &'p str,
}

/// A success with data.
pub(super) fn success(data: impl Serialize) -> Response {
    json(StatusCode::OK, &Success { success: true, data })
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Failure(problem) = self;
        if let Problem::Internal(why) = &problem {
            tracing::error!(%why, "a request failed");
        }
        let violations: &[crate::contract::Violation] = match &problem {
            Problem::Invalid { violations, .. } => violations,
            _ => &[],
        };
        let error = Error {
            success: false,
            error: problem.told(),
            code: problem.code(),
            violations: violations
                .iter()
                .map(|violation| Violation {
                    pointer: &violation.pointer,
                    message: &violation.message,
                })
                .collect(),
        };
        let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, &error);
        let headers = response.headers_mut();
        match problem {
            Problem::Busy | Problem::Unavailable(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Problem::Unauthorized(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match serde_json::to_vec(body) {
        Ok(text) => (status, [JSON], Bytes::from(text)).into_response(),
        // Numbers in data are finite and keys are texts, so this is not to be expected.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
