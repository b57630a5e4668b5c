//! What stands before every route: who asks, from where, and what comes of it.

mod access;
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

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use tower::{Layer, Service};
use tracing::Instrument;

use super::caller::Caller;
use super::metrics::Metrics;
use super::problem::Problem;
use failures::Failures;
use host::Places;
use record::{Ids, Record};

pub use access::{Access, AccessError, Auth, new_token};
pub(super) use record::Concerns;
pub(super) use token::{Token, Tokens, digest, read as read_digest};

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

/// Tells who asks with what only one protocol knows, by the route and the headers.
type Knows = dyn Fn(&str, &HeaderMap) -> Option<Caller> + Send + Sync;

/// Who asks with what only one protocol knows.
pub(super) struct Keyed(pub Box<Knows>);

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
        if let Some(auth) = &access.auth {
            auth.begin();
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
        let caller = auth.caller(request.uri.path(), &request.headers).await;
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

/// Stands before a service with a guard.
#[derive(Clone, Debug)]
pub(super) struct Guarding(pub Arc<Guard>);

/// A service that a guard stands before.
#[derive(Clone, Debug)]
pub(super) struct Guarded<S> {
    guard: Arc<Guard>,
    inner: S,
}

impl<S> Layer<S> for Guarding {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        let guard = self.0.clone();
        Guarded { guard, inner }
    }
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let guard = self.guard.clone();
        // The one that is ready is called, as the contract of services demands.
        let waiting = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, waiting);
        Box::pin(async move { Ok(guard.pass(request, inner).await) })
    }
}

impl Guard {
    /// Lets a request through, or refuses it; either way it is counted, and stands in the log.
    async fn pass<S>(&self, request: Request, mut inner: S) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible>,
    {
        let begun = Instant::now();
        let mut record = Record::of(&request);
        let refused = super::dialect::refusal(record.route.as_ref().map(MatchedPath::as_str));
        let id = self.ids.of(request.headers());
        let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
        let answer = async {
            let (mut parts, body) = request.into_parts();
            let caller = self.admit(&parts).await?;
            record.user.clone_from(&caller.user);
            parts.extensions.insert(caller);
            let handling = inner.call(Request::from_parts(parts, body));
            // A panic is a mistake of ours; it ends this request and nothing else.
            let handled = AssertUnwindSafe(handling).catch_unwind().await;
            handled.map_err(|_| Problem::Internal("a handler panicked".to_owned()))
        };
        let answer = answer.instrument(span.clone()).await;
        let mut response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(problem) => span.in_scope(|| refused(&problem)),
        };
        response.headers_mut().insert(record::REQUEST_ID, id);
        let took = begun.elapsed();
        self.metrics
            .answered(&record.method, record.route(), response.status(), took);
        span.in_scope(|| record.answered(&response, took));
        response
    }
}

/// Checks what browsers ask beforehand, which names no caller: that it is asked of this server, for a page that may.
pub(super) async fn preflight(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let checked = match *request.method() {
        Method::OPTIONS => guard.places.check(request.method(), request.uri(), request.headers()),
        _ => Ok(()),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => super::refusal::refusal(&problem),
    }
}
