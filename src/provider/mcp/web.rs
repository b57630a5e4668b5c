//! Servers at an address, spoken to by streamable HTTP.

use std::collections::HashMap;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

use super::answer;
use super::lines::MOST;
use super::session::Session;
use crate::data::Sealed;
use crate::graph::Name;
use crate::permit::Permit;
use crate::provider::{as_text, http};
use crate::run::Failure;
use crate::secret::Secrets;

/// Opens a session at an address.
pub(super) async fn open(
    server: &Name,
    url: &Sealed,
    headers: &[(Name, Sealed)],
    permit: &Permit,
    secrets: &Secrets,
) -> Result<Session, Failure> {
    let wrong = |what: String| {
        let message = format!("the MCP server `{server}` cannot be reached: {what}");
        Failure::new("mcp.unavailable", message)
    };
    let url = as_text(secrets.reveal(url).await?);
    // The text may hold secrets, so it is not told.
    let url = Url::parse(&url).map_err(|error| wrong(format!("its `url` is none: {error}")))?;
    http::check(permit, &url)?;
    let mut sent = HashMap::new();
    for (name, value) in headers {
        let header = HeaderName::from_bytes(name.as_bytes());
        let header = header.map_err(|_| wrong(format!("`{name}` is not the name of a header")))?;
        let value = HeaderValue::from_str(&as_text(secrets.reveal(value).await?));
        let value = value.map_err(|_| wrong(format!("the header `{name}` holds characters no header may hold")))?;
        sent.insert(header, value);
    }
    let client = http::client().map_err(|error| wrong(format!("no HTTP client: {error}")))?;
    let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
        .custom_headers(sent)
        .max_sse_event_size(MOST);
    let transport = StreamableHttpClientTransport::with_client(client, config);
    let opened = Session::open(transport, None).await;
    opened.map_err(|(error, _)| answer::not_open(server, &error, None))
}
