//! The log: one line for each request, with an id that the caller is told as well. Tokens, headers and bodies are not in
//! it.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;

use crate::graph::Name;
use crate::serve::refusal::Refused;

/// The header with the id of a request.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over.
const LONGEST: usize = 128;
/// The longest of ours: random digits and a number.
const LONGEST_OWN: usize = 12 + 1 + 20;

/// Which execution an answer is about, among its extensions, where the path does not say it.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Concerns(Name);

impl Concerns {
    /// Notes it, if there is a log for it.
    pub fn note(execution: &Name, answer: &mut Response) {
        if is_logged() {
            answer.extensions_mut().insert(Concerns(execution.clone()));
        }
    }
}

/// Whether anybody reads what becomes of requests.
fn is_logged() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

/// Ids for requests that have none.
#[derive(Debug)]
pub(super) struct Ids {
    prefix: String,
    next: AtomicU64,
}

impl Ids {
    pub fn new() -> Ids {
        // What distinguishes processes are the random digits at the end.
        let random = uuid::Uuid::now_v7().simple().to_string();
        Ids {
            prefix: random[20..].to_owned(),
            next: AtomicU64::new(1),
        }
    }

    /// The id that the caller has given, if it is fit for logs and headers, else one of ours.
    pub fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        match headers.get(REQUEST_ID).map(|id| (id, id.as_bytes())) {
            Some((id, bytes)) if !bytes.is_empty() && bytes.len() <= LONGEST && bytes.iter().all(fits) => id.clone(),
            _ => {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                let mut text = Vec::with_capacity(LONGEST_OWN);
                text.extend_from_slice(self.prefix.as_bytes());
                // Writing to a vector does not fail, and letters and digits always are a header value.
                let _ = write!(text, "-{number}");
                HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
            }
        }
    }
}

/// What is known of a request when it comes.
pub(super) struct Record {
    pub method: Method,
    pub route: Option<MatchedPath>,
    /// The execution that the path names.
    execution: Option<String>,
    pub user: Option<Name>,
}

impl Record {
    pub fn of(request: &Request) -> Record {
        let (route, path) = (request.extensions().get::<MatchedPath>().cloned(), request.uri().path());
        let execution = route.as_ref().filter(|_| is_logged()).and_then(|route| {
            let mut segments = route.as_str().split('/').zip(path.split('/'));
            let (_, execution) = segments.find(|(name, _)| *name == "{execution}")?;
            Some(
                execution
                    .chars()
                    .filter(|char| char.is_ascii_graphic())
                    .take(256)
                    .collect(),
            )
        });
        Record {
            method: request.method().clone(),
            route,
            execution,
            user: None,
        }
    }

    /// The route with names in place of ids.
    pub fn route(&self) -> &str {
        self.route.as_ref().map_or("unknown", MatchedPath::as_str)
    }

    /// Writes the line.
    pub fn answered(&self, response: &Response, took: Duration) {
        if !is_logged() {
            return;
        }
        let (method, route, status) = (self.method.as_str(), self.route(), response.status());
        // Those who look after the server ask all the time.
        if status == StatusCode::OK && matches!(route, "/health" | "/ready" | "/metrics") {
            tracing::debug!(method, route, "answered");
            return;
        }
        let began = response.extensions().get::<Concerns>().map(|concerns| &*concerns.0);
        tracing::info!(
            method,
            route,
            status = status.as_u16(),
            ms = took.as_micros() as f64 / 1000.0,
            execution = began.or(self.execution.as_deref()),
            user = self.user.as_deref(),
            code = response.extensions().get::<Refused>().map(|refused| refused.0),
            "answered"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_over_only_if_it_is_fit_for_logs() {
        let ids = Ids::new();
        let of = |value: HeaderValue| ids.of(&HeaderMap::from_iter([(REQUEST_ID, value)]));
        assert_eq!(of(HeaderValue::from_static("abc-1:2.3_4")), "abc-1:2.3_4");
        let long = HeaderValue::try_from("a".repeat(LONGEST + 1)).unwrap();
        for wrong in [
            HeaderValue::from_static(""),
            HeaderValue::from_static("a b"),
            HeaderValue::from_static("a\tb"),
            HeaderValue::from_bytes(b"a\xffb").unwrap(),
            HeaderValue::from_static("{}"),
            long,
        ] {
            assert_ne!(of(wrong.clone()), wrong);
        }
        assert_ne!(ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
    }
}
