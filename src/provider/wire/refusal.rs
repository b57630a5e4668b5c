//! What a provider says when it does not answer, as a failure.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::data::{Data, Map};
use crate::graph::{Name, Timestamp};
use crate::provider::http::retry_after;
use crate::run::Failure;

/// How much of what a provider says is kept.
const KEPT: usize = 1000;

/// A response with an error status.
pub(super) fn of_status(place: &str, status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Failure {
    let said = match serde_json::from_slice::<Value>(body) {
        Ok(body) => Said::of(&body),
        Err(_) => Said::text(&String::from_utf8_lossy(body)),
    };
    let mut failure = said.failure(&format!("{place} answered {status}"), status.as_u16());
    failure.retry_after = asked_wait(headers, now);
    failure
}

/// An error in the place of an answer that had begun well, which has no status of its own.
pub(super) fn in_answer(error: &Value) -> Failure {
    let said = Said::of(error);
    let status = said.status();
    said.failure("the provider broke off its answer with an error", status)
}

/// How long the provider asks to wait, in milliseconds.
fn asked_wait(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let exact = headers.get("retry-after-ms").and_then(|value| value.to_str().ok());
    let exact = exact.and_then(|value| value.trim().parse::<f64>().ok());
    match exact.filter(|wait| *wait >= 0.0) {
        // The cast saturates.
        Some(wait) => Some(wait.ceil() as u64),
        None => retry_after(headers, now),
    }
}

/// What a provider says of an error, in any of the usual forms.
#[derive(Debug, Default, PartialEq)]
struct Said {
    message: Option<String>,
    kind: Option<String>,
    code: Option<String>,
}

impl Said {
    fn of(body: &Value) -> Said {
        let body = match body {
            Value::Array(items) => items.first().unwrap_or(&Value::Null),
            body => body,
        };
        let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
        if let Some(message) = error.as_str() {
            return Said::text(message);
        }
        let word = |key: &str| match error.get(key)? {
            Value::String(text) => Some(clipped(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Said {
            message: word("message").or_else(|| word("detail")),
            kind: word("type").filter(|kind| kind != "error"),
            code: word("code"),
        }
    }

    fn text(text: &str) -> Said {
        let text = text.trim();
        Said {
            message: (!text.is_empty()).then(|| clipped(text)),
            ..Said::default()
        }
    }

    /// The status that the provider would have answered with, had it known before.
    fn status(&self) -> u16 {
        let words = [self.kind.as_deref(), self.code.as_deref()];
        let known = |word: &str| {
            Some(match word {
                "invalid_request_error" | "invalid_prompt" | "context_length_exceeded" => 400,
                "authentication_error" => 401,
                "billing_error" => 402,
                "permission_error" => 403,
                "not_found_error" => 404,
                "request_too_large" => 413,
                "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" => 429,
                "timeout_error" => 504,
                "overloaded_error" => 529,
                number => number.parse().ok().filter(|status| (400..600).contains(status))?,
            })
        };
        words.into_iter().flatten().find_map(known).unwrap_or(500)
    }

    fn failure(self, what: &str, status: u16) -> Failure {
        let message = match &self.message {
            Some(message) => format!("{what}: {message}"),
            None => what.to_owned(),
        };
        let mut data: Vec<(Name, Data)> = vec![("status".into(), Data::from(i64::from(status)))];
        for (key, value) in [("message", self.message), ("type", self.kind), ("code", self.code)] {
            data.extend(value.map(|value| (key.into(), Data::from(value))));
        }
        Failure::new("agent.status", message).with_data(Data::from(data.into_iter().collect::<Map>()))
    }
}

/// The beginning of a text.
pub(super) fn clipped(text: &str) -> String {
    match text.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_understood_in_their_usual_forms() {
        let message = |body: Value| Said::of(&body).message;
        for body in [
            json!({ "error": { "message": "No", "type": "x" } }),
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "No" } }),
            json!({ "error": "No" }),
            json!({ "message": "No" }),
            json!({ "detail": "No" }),
            json!([{ "error": { "message": "No", "code": 400 } }]),
        ] {
            assert_eq!(message(body.clone()).as_deref(), Some("No"), "{body}");
        }
        assert_eq!(message(json!(7)), None);
    }

    #[test]
    fn an_error_within_an_answer_has_the_status_it_would_have_had() {
        let status = |error: Value| in_answer(&error).data.get("status").cloned();
        assert_eq!(
            status(json!({ "type": "error", "error": { "type": "overloaded_error" } })),
            Some(Data::from(529))
        );
        assert_eq!(status(json!({ "error": { "code": 429 } })), Some(Data::from(429)));
        assert_eq!(status(json!({ "code": "server_error" })), Some(Data::from(500)));
    }

    #[test]
    fn the_wait_that_is_asked_for_is_read_from_either_header() {
        let wait = |headers: &[(&'static str, &'static str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            asked_wait(&headers.collect(), Timestamp(784_111_767_000))
        };
        assert_eq!(wait(&[("retry-after", "2")]), Some(2000));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(10_000));
        assert_eq!(wait(&[("retry-after", "2"), ("retry-after-ms", "350.5")]), Some(351));
        assert_eq!(wait(&[("retry-after-ms", "soon")]), None);
    }

    #[test]
    fn long_messages_are_cut_between_letters() {
        let failure = of_status(
            "POST http://a/",
            StatusCode::BAD_GATEWAY,
            &HeaderMap::new(),
            "\u{fc}".repeat(5000).as_bytes(),
            Timestamp(0),
        );
        assert!(failure.message.chars().count() < KEPT + 100);
        assert!(
            failure
                .message
                .starts_with("POST http://a/ answered 502 Bad Gateway: \u{fc}")
        );
    }
}
