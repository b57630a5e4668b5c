//! From the request of a run to one that can be sent: secrets put in, everything checked.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::data::Data;
use crate::graph::Name;
use crate::provider::{Effect, as_text};
use crate::run::{Failure, HttpRequest};
use crate::secret::Secrets;

/// Headers that describe the message or the connection, which the client does itself; set by hand they could make one
/// request pass for two, or reach another host than the one that was checked.
const RESERVED: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-connection",
];

/// What a request belongs to in a trace (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request that can be sent.
pub(in crate::provider) struct Prepared {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Vec<u8>>,
}

impl Prepared {
    pub async fn new(request: &HttpRequest, effect: &Effect, secrets: &Secrets) -> Result<Prepared, Failure> {
        let method = Method::from_bytes(request.method.to_ascii_uppercase().as_bytes())
            .map_err(|_| invalid(format!("`{}` is not an HTTP method", request.method)))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let header = header_name(name)?;
            let text = as_text(secrets.reveal(value).await?);
            let mut value_of = HeaderValue::from_str(&text).map_err(|_| {
                invalid(format!(
                    "the value of the header `{name}` holds characters no header may hold"
                ))
            })?;
            value_of.set_sensitive(value.plain().is_none());
            headers.append(header, value_of);
        }
        if !headers.contains_key("idempotency-key") {
            // Visible ASCII alone, so it always is a header value.
            headers.extend(
                HeaderValue::from_str(&effect.key())
                    .ok()
                    .map(|key| (HeaderName::from_static("idempotency-key"), key)),
            );
        }
        if let Some(trace) = effect.trace.filter(|_| !headers.contains_key(TRACEPARENT)) {
            headers.extend(
                HeaderValue::from_str(&trace.to_string())
                    .ok()
                    .map(|trace| (TRACEPARENT, trace)),
            );
        }
        let body = match &request.body {
            None => None,
            Some(body) => {
                let (bytes, kind) = match secrets.reveal(body).await? {
                    Data::Text(text) => (text.as_bytes().to_vec(), "text/plain; charset=utf-8"),
                    other => (other.to_string().into_bytes(), "application/json"),
                };
                if !headers.contains_key(CONTENT_TYPE) {
                    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                }
                Some(bytes)
            }
        };
        Ok(Prepared {
            method,
            url: url(request, secrets).await?,
            headers,
            body,
        })
    }

    /// What people call the request: method and URL, without user, query and fragment.
    pub fn place(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        // Refused only for URLs without a host, which have neither.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        format!("{} {url}", self.method)
    }
}

/// Only the web is spoken here.
pub(super) fn web(url: &Url) -> Result<(), Failure> {
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(()),
        (scheme, _) => Err(invalid(format!(
            "`{scheme}:` URLs cannot be requested; write `https://...`"
        ))),
    }
}

async fn url(request: &HttpRequest, secrets: &Secrets) -> Result<Url, Failure> {
    let text = as_text(secrets.reveal(&request.url).await?);
    let mut url = Url::parse(&text).map_err(|error| match request.url.plain() {
        Some(_) => invalid(format!("`{text}` is not a URL: {error}")),
        None => invalid(format!("the URL is not one: {error}")),
    })?;
    web(&url)?;
    url.set_fragment(None);
    if !request.query.is_empty() {
        let mut query = Vec::new();
        for (name, value) in &request.query {
            match secrets.reveal(value).await? {
                Data::List(items) => query.extend(items.iter().map(|item| (name, as_text(item.clone())))),
                value => query.push((name, as_text(value))),
            }
        }
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

fn header_name(name: &Name) -> Result<HeaderName, Failure> {
    let header = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid(format!("`{name}` is not the name of a header")))?;
    match RESERVED.contains(&header.as_str()) {
        true => Err(invalid(format!("the header `{name}` is set by the client itself"))),
        false => Ok(header),
    }
}

fn invalid(message: String) -> Failure {
    Failure::new("http.invalid", message)
}
