//! A request that is not done, as JSON: what every refusal of this server looks like unless a protocol has its own way.

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::problem::Problem;

/// Why a request is not done.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(super) struct Told {
    /// Always false.
    success: bool,
    /// Why, for people.
    error: String,
    /// Why, for programs.
    code: &'static str,
    /// Everything that does not match its schema.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    violations: Vec<Violation>,
}

/// Something that does not match its schema.
#[derive(Serialize, JsonSchema)]
struct Violation {
    /// A JSON pointer to it.
    pointer: String,
    /// What is wrong with it.
    message: String,
}

/// The code of a refusal, among the extensions of its answer, for the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused(pub &'static str);

/// The answer to a request that is not done, with the headers that belong to its status.
pub(super) fn refusal(problem: &Problem) -> Response {
    if let Problem::Internal(why) = &problem {
        tracing::error!(%why, "a request failed");
    }
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &Told::of(problem));
    response.extensions_mut().insert(Refused(problem.code()));
    let headers = response.headers_mut();
    match problem {
        Problem::Busy | Problem::Unavailable(_) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Problem::TooManyFailures(seconds) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
        }
        // RFC 6750: who has sent no token is told only that one is needed.
        Problem::Unauthorized(_) => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Problem::BadToken(_) => {
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        Problem::MissingScope(scope) => {
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.as_str());
            // Words of our own, so it always is a header value.
            headers.extend(HeaderValue::try_from(challenge).map(|value| (header::WWW_AUTHENTICATE, value)));
        }
        _ => {}
    }
    response
}

/// The body of a refusal alone.
pub(super) fn text(problem: &Problem) -> String {
    // Texts and lists of texts can be written.
    serde_json::to_string(&Told::of(problem)).unwrap_or_default()
}

impl Told {
    fn of(problem: &Problem) -> Told {
        let violations: &[crate::contract::Violation] = match problem {
            Problem::Invalid { violations, .. } => violations,
            _ => &[],
        };
        let violations = violations.iter().map(|violation| Violation {
            pointer: violation.pointer.clone(),
            message: violation.message.clone(),
        });
        Told {
            success: false,
            error: problem.told(),
            code: problem.code(),
            violations: violations.collect(),
        }
    }
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match serde_json::to_vec(body) {
        Ok(text) => (status, [JSON], Bytes::from(text)).into_response(),
        // Numbers in data are finite and keys are texts, so this is not to be expected.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
