//! From a response to the answer of a call.

use std::sync::Arc;

use encoding_rs::Encoding;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use super::chain;
use super::prepare::Prepared;
use crate::data::{Data, Map};
use crate::graph::{StatusRange, Timestamp};
use crate::run::{Answer, Failure};

/// How much of the body of a refusal is kept.
const KEPT: usize = 64 << 10;

/// Whether a status is a success; without ranges those from 200 to 299 are.
pub(super) fn accepted(accept: &[StatusRange], status: StatusCode) -> bool {
    match accept {
        [] => status.is_success(),
        ranges => ranges
            .iter()
            .any(|range| (range.first..=range.last).contains(&status.as_u16())),
    }
}

/// Reads a response; its body in bounded memory.
pub(super) async fn read(
    mut response: Response,
    prepared: &Prepared,
    accept: &[StatusRange],
    limit: usize,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let (status, headers) = (response.status(), response.headers().clone());
    let success = accepted(accept, status);
    let limit = if success { limit } else { KEPT };
    let mut body = Vec::new();
    let mut clipped = false;
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            // The status says more than the rest of its body could.
            Err(_) if !success => break,
            Err(error) => {
                let message = format!("{}: {}", prepared.place(), chain(&error.without_url()));
                return Err(Failure::new("http.network", message));
            }
        };
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            clipped = true;
            break;
        }
    }
    let seen = header_data(&headers);
    if success {
        if clipped {
            let message = format!("{} answered with more than {} MiB", prepared.place(), limit >> 20);
            return Err(Failure::new("http.tooLarge", message));
        }
        let result = decode(&body, &headers).map_err(|error| {
            Failure::new(
                "http.decode",
                format!("{} says that it answers with JSON, but {error}", prepared.place()),
            )
        })?;
        let response: [(Arc<str>, Data); 2] = [
            ("status".into(), Data::from(i64::from(status.as_u16()))),
            ("headers".into(), seen),
        ];
        return Ok(Answer {
            result,
            response: Some(Data::from(response.into_iter().collect::<Map>())),
        });
    }
    let whole = if clipped { None } else { decode(&body, &headers).ok() };
    let body = whole.unwrap_or_else(|| Some(text(&body, &headers)));
    let data: [(Arc<str>, Data); 3] = [
        ("status".into(), Data::from(i64::from(status.as_u16()))),
        ("headers".into(), seen),
        ("body".into(), Data::from(body)),
    ];
    let mut failure = Failure::new("http.status", format!("{} answered {status}", prepared.place()))
        .with_data(Data::from(data.into_iter().collect::<Map>()));
    failure.retry_after = retry_after(&headers, now);
    Err(failure)
}

/// The body as a value: JSON where the content type says so, else text; nothing when it is empty.
fn decode(body: &[u8], headers: &HeaderMap) -> Result<Option<Data>, serde_json::Error> {
    if body.is_empty() {
        return Ok(None);
    }
    if is_json(headers) {
        return serde_json::from_slice(body).map(Some);
    }
    Ok(Some(text(body, headers)))
}

fn text(body: &[u8], headers: &HeaderMap) -> Data {
    let parameters = content_type(headers)
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='));
    let charset = parameters
        .into_iter()
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let label = charset.map(|(_, label)| label.trim().trim_matches('"'));
    let encoding = label
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .unwrap_or(encoding_rs::UTF_8);
    Data::from(&*encoding.decode(body).0)
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = content_type(headers)
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn content_type(headers: &HeaderMap) -> &str {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Headers by name in lower case; one that occurs several times as one text, its values joined by commas.
fn header_data(headers: &HeaderMap) -> Data {
    let joined = headers.keys().map(|name| {
        let values = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        (
            Arc::from(name.as_str()),
            Data::from(values.collect::<Vec<_>>().join(", ")),
        )
    });
    Data::from(joined.collect::<Map>())
}

/// `Retry-After` in milliseconds: a number of seconds, or a date.
pub(in crate::provider) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(seconds.saturating_mul(1000));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value.trim())
        .ok()?;
    Some(Timestamp(date.as_millisecond()).since(now).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use reqwest::header::HeaderValue;

    fn typed(kind: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap())])
    }

    #[test]
    fn rule_22_the_content_type_decides_what_a_body_is() {
        let decoded = |body: &[u8], kind: &str| decode(body, &typed(kind)).unwrap();
        assert_eq!(decoded(b"[1]", "Application/JSON; charset=utf-8"), Some(data!([1])));
        assert_eq!(decoded(b"[1]", "application/problem+json"), Some(data!([1])));
        assert_eq!(decoded(b"[1]", "text/plain"), Some(data!("[1]")));
        assert_eq!(
            decoded(b"\xe4", "text/plain; Charset=\"iso-8859-1\""),
            Some(data!("\u{e4}"))
        );
        assert_eq!(decoded(b"", "application/json"), None);
        assert!(decode(b"{", &typed("application/json")).is_err());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wait = |value: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            retry_after(&headers, Timestamp(784_111_767_000))
        };
        assert_eq!(wait("120"), Some(120_000));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(10_000));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:17 GMT"), Some(0));
        assert_eq!(wait("soon"), None);
    }
}
