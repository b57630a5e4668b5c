//! What stands before every route: who asks, from where, and what comes of it.

mod cors;
mod failures;
mod file;
mod host;
mod jwt;
mod keys;
mod record;
mod token;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use tower_http::cors::CorsLayer;
use tracing::Instrument;

use super::caller::Caller;
use super::metrics::Metrics;
use super::problem::Problem;
use crate::diagnostic::Diagnostic;
use crate::source::FileId;
use failures::Failures;
use host::{Origin, Places};
use jwt::Jwt;
use record::{Ids, Record};

pub(super) use record::Concerns;
pub(super) use token::{Token, Tokens, digest, read as read_digest};

/// Who may ask, and from where. By default anybody on this machine may, but no page of somebody else.
#[derive(Debug, Default)]
pub struct Access {
    hosts: Vec<String>,
    origins: Vec<Origin>,
    auth: Option<Auth>,
}

/// What an operator has written about access that cannot be meant.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum AccessError {
    /// Not the name of a host.
    #[error("{0} is no name of a host; write it without scheme and port, for example workflows.example.com")]
    Host(String),
    /// Not an origin.
    #[error("{0} is no origin: {1}")]
    Origin(String, String),
}

impl Access {
    /// Whether anybody may ask for anything.
    pub fn is_open(&self) -> bool {
        self.auth.is_none()
    }

    /// Adds a name by which a server on loopback is reached, as through a proxy.
    ///
    /// # Errors
    ///
    /// When it is no name.
    pub fn with_host(mut self, name: &str) -> Result<Access, AccessError> {
        self.hosts.push(host::name(name)?);
        Ok(self)
    }

    /// Lets pages of another origin use the server.
    ///
    /// # Errors
    ///
    /// When it is no origin, or all of them.
    pub fn with_origin(mut self, origin: &str) -> Result<Access, AccessError> {
        self.origins.push(Origin::parse(origin)?);
        Ok(self)
    }

    /// Lets only those ask who say who they are.
    pub fn with_auth(mut self, auth: Auth) -> Access {
        self.auth = Some(auth);
        self
    }

    /// What browsers are told about pages of other origins.
    pub(super) fn cors(&self) -> Option<CorsLayer> {
        cors::layer(&self.origins)
    }
}

/// Who may ask, by tokens.
#[derive(Debug)]
pub struct Auth {
    tokens: Tokens,
    jwt: Option<Jwt>,
}

impl Auth {
    /// Reads a file that says who may ask: `text`, which is `file`; paths in it begin at `folder`, and variables are
    /// looked up with `environment`. It is nothing if there is an error among the findings.
    pub fn read(
        file: FileId,
        text: &str,
        folder: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> (Option<Auth>, Vec<Diagnostic>) {
        file::read(file, text, folder, &environment)
    }

    /// Who has sent these headers.
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let token = bearer(headers)?;
        let digest = token::digest(token);
        if let Some(token) = self.tokens.find(&digest) {
            return Ok(token.caller.clone());
        }
        match &self.jwt {
            Some(jwt) => jwt.caller(token, digest).await,
            None => Err(Problem::BadToken("the token is not known".to_owned())),
        }
    }
}

/// The token that was sent. Scheme names have no case (RFC 9110).
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::Unauthorized("say who you are: send `Authorization: Bearer` and a token".to_owned());
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(sent), None) = (sent.next(), sent.next()) else {
        return Err(missing());
    };
    let (scheme, token) = sent
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(missing)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(token.trim()),
        false => Err(missing()),
    }
}

/// A new token, and how its digest is written into a file: 256 random bits, behind a word by which tokens are found
/// where they should not be.
///
/// # Errors
///
/// When the system gives no random numbers.
pub fn new_token() -> Result<(String, String), String> {
    use base64::Engine;
    let mut random = [0; 32];
    let source = rustls::crypto::ring::default_provider().secure_random;
    let none = |_| "the system gives no random numbers".to_owned();
    source.fill(&mut random).map_err(none)?;
    let token = format!(
        "interpret_{}",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random)
    );
    let hash = token::written(&token::digest(&token));
    Ok((token, hash))
}

/// From where a request comes, among its extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub IpAddr);

/// Tells the paths to which requests come with a signature, which whoever answers them checks.
pub(super) struct Signed(pub Box<dyn Fn(&str) -> bool + Send + Sync>);

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signed")
    }
}

/// Who asks with what only one protocol knows, by the route and the headers.
pub(super) struct Keyed(pub Box<dyn Fn(&str, &HeaderMap) -> Option<Caller> + Send + Sync>);

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}

/// What stands before every route.
#[derive(Debug)]
pub(super) struct Guard {
    places: Places,
    auth: Option<Auth>,
    failures: Failures,
    most_headers: usize,
    largest_head: usize,
    ids: Ids,
    metrics: Arc<Metrics>,
    signed: Signed,
    keyed: Keyed,
}

impl Guard {
    pub fn new(
        access: Access,
        address: SocketAddr,
        limits: super::Limits,
        metrics: Arc<Metrics>,
        signed: Signed,
        keyed: Keyed,
    ) -> Guard {
        if let Some(jwt) = access.auth.as_ref().and_then(|auth| auth.jwt.as_ref()) {
            jwt.begin();
        }
        Guard {
            places: Places {
                on_loopback: address.ip().is_loopback(),
                hosts: access.hosts,
                origins: access.origins,
            },
            auth: access.auth,
            failures: Failures::new(limits.most_failures),
            most_headers: limits.most_headers,
            largest_head: limits.largest_head,
            ids: Ids::new(),
            metrics,
            signed,
            keyed,
        }
    }

    /// Who asks, if they may ask at all.
    async fn admit(&self, request: &Parts) -> Result<Caller, Problem> {
        let sizes = request
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len());
        if request.headers.len() > self.most_headers || sizes.sum::<usize>() > self.largest_head {
            return Err(Problem::HeadersTooLarge);
        }
        // A delivery says by its signature who has sent it, whatever name it has come by.
        let route = request.extensions.get::<MatchedPath>();
        if route.is_none() && (self.signed.0)(request.uri.path()) {
            return Ok(Caller::NOBODY);
        }
        self.places.check(&request.method, &request.uri, &request.headers)?;
        let Some(auth) = &self.auth else {
            return Ok(Caller::LOCAL);
        };
        // Those who look after the server have no token for it.
        if matches!(request.uri.path(), "/health" | "/ready") {
            return Ok(Caller::NOBODY);
        }
        if let Some(caller) = route.and_then(|route| (self.keyed.0)(route.as_str(), &request.headers)) {
            return Ok(caller);
        }
        let caller = auth.caller(&request.headers).await;
        if let Err(Problem::BadToken(_)) = caller {
            let peer = request.extensions.get::<Peer>();
            let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
            if let Some(wait) = self.failures.count(from, Instant::now()) {
                return Err(Problem::TooManyFailures(wait));
            }
        }
        caller
    }
}

/// Lets a request through, or refuses it; either way it is counted, and stands in the log.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let (mut request, body) = request.into_parts();
    let route = request.extensions.get::<MatchedPath>().cloned();
    let refusal = super::dialect::refusal(route.as_ref().map(MatchedPath::as_str));
    let mut record = Record::new(&request.method, route, request.uri.path());
    let id = guard.ids.of(&request.headers);
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let answer = async {
        let caller = guard.admit(&request).await?;
        record.user.clone_from(&caller.user);
        request.extensions.insert(caller);
        let handling = next.run(Request::from_parts(request, body));
        // A panic is a mistake of ours; it ends this request and nothing else.
        let handled = AssertUnwindSafe(handling).catch_unwind().await;
        handled.map_err(|_| Problem::Internal("a handler panicked".to_owned()))
    };
    let answer = answer.instrument(span.clone()).await;
    let mut response = span.in_scope(|| answer.unwrap_or_else(|problem| refusal(&problem)));
    response.headers_mut().insert(record::REQUEST_ID, id);
    let took = begun.elapsed();
    guard
        .metrics
        .answered(&record.method, record.route(), response.status(), took);
    span.in_scope(|| record.answered(&response, took));
    response
}
