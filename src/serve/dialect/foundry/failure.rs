//! Refusals as these clients know them: `{"error": {message, type, param, code}}`.
//!
//! They send a request up to three times where it is refused with 408, 409, 429 or 5xx, so only what another try may mend
//! has such a status.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::serve::problem::Problem;
use crate::serve::refusal::{self, Refused};
use crate::store;

/// Why a request is not done.
#[derive(Debug)]
pub(super) struct Failure {
    problem: Problem,
    /// The field of the request that it is about.
    param: Option<&'static str>,
    /// The text for people, where it is not that of the problem.
    message: Option<String>,
    /// Whether there is no such thing.
    missing: bool,
}

/// What a handler gives.
pub(super) type Reply = Result<Response, Failure>;

impl Failure {
    /// The request makes no sense.
    pub fn malformed(param: &'static str, message: impl Into<String>) -> Failure {
        Failure::from(Problem::Malformed(message.into())).about(param)
    }

    /// There is no such thing, or the caller may not know of it.
    pub fn missing(param: &'static str, message: impl Into<String>) -> Failure {
        Failure {
            missing: true,
            ..Failure::malformed(param, message)
        }
    }

    /// The same about a field of the request.
    pub fn about(mut self, param: &'static str) -> Failure {
        self.param = Some(param);
        self
    }

    /// The same in other words.
    pub fn saying(mut self, message: impl Into<String>) -> Failure {
        self.message = Some(message.into());
        self
    }

    fn status(&self) -> u16 {
        match self.problem.status() {
            _ if self.missing => 404,
            // It would be the same again.
            408 | 409 => 400,
            status => status,
        }
    }
}

impl<P: Into<Problem>> From<P> for Failure {
    fn from(problem: P) -> Failure {
        Failure {
            problem: problem.into(),
            param: None,
            message: None,
            missing: false,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Problem::Internal(why) = &self.problem {
            tracing::error!(%why, "a request failed");
        }
        let status = self.status();
        let kind = match status {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        let code = match self.missing {
            true => "not_found",
            false => self.problem.code(),
        };
        let message = self.message.unwrap_or_else(|| self.problem.told());
        let body = json!({ "error": { "message": message, "type": kind, "param": self.param, "code": code } });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = refusal::json(status, &body);
        response.extensions_mut().insert(Refused(code));
        let passes = matches!(self.problem, Problem::Busy | Problem::Unavailable(_));
        let headers = response.headers_mut();
        if passes {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // What these clients heed above all statuses.
        headers.insert(
            "x-should-retry",
            HeaderValue::from_static(if passes { "true" } else { "false" }),
        );
        response
    }
}

/// What the store says of a run that a client knows as a response.
pub(super) fn unknown_response(id: &str, problem: Problem) -> Failure {
    match problem {
        Problem::UnknownExecution(_) => Failure::missing("response_id", format!("Response with id '{id}' not found.")),
        other => Failure::from(other),
    }
}

/// What the store says of a conversation.
pub(super) fn unkept(error: store::Error) -> Failure {
    Failure::from(error).about("conversation")
}
