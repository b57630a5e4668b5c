//! The endpoint from which `DefaultAzureCredential` takes its token, as on a machine with a managed identity.
//!
//! It gives nothing that the caller does not have: the token is what the caller has sent in [`IDENTITY`], which is the
//! variable `IDENTITY_HEADER` of its environment. Where the server asks for tokens, that is one of the server's.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use serde_json::json;

use super::failure::{Failure, Reply};
use crate::serve::guard::Peer;
use crate::serve::refusal;

/// The header in which such a credential says who it is.
pub(in crate::serve) const IDENTITY: HeaderName = HeaderName::from_static("x-identity-header");

/// How long a token is used before it is asked for again, in seconds.
const LASTS: u64 = 3600;

/// Gives the caller its token back.
pub(super) fn token(request: &Parts) -> Reply {
    let peer = request.extensions.get::<Peer>().map(|Peer(address)| *address);
    if !peer.is_some_and(|address: IpAddr| address.to_canonical().is_loopback()) {
        return Err(Failure::missing("resource", "tokens are given on this machine only"));
    }
    let sent = request.headers.get(IDENTITY).and_then(|sent| sent.to_str().ok());
    let Some(token) = sent.filter(|sent| !sent.is_empty()) else {
        return Err(Failure::malformed(
            "resource",
            "set IDENTITY_HEADER in the environment of the client: what it holds is the token",
        ));
    };
    let query = request.uri.query().unwrap_or_default();
    let resource = query.split('&').find_map(|part| part.strip_prefix("resource="));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let body = json!({
        "access_token": token,
        "expires_on": (now + LASTS).to_string(),
        "resource": resource.unwrap_or("https://ai.azure.com"),
        "token_type": "Bearer",
    });
    Ok(refusal::json(StatusCode::OK, &body))
}
