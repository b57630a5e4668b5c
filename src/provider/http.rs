//! HTTP requests.

mod answer;
mod prepare;

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url};

use super::{Effect, Performing, failed};
use crate::clock::Clock;
use crate::permit::{Denied, Permit};
use crate::run::{Failure, HttpRequest, Outcome, Request};
use crate::secret::Secrets;
pub(super) use answer::retry_after;
pub(super) use prepare::Prepared;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 10;
/// How long connecting may take; the rest is for `timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How large a response may be.
const MAX_RESPONSE: usize = 16 << 20;

/// Performs HTTP requests over one pool of connections, which is built for the first of them.
pub(super) struct Http {
    permit: Arc<Permit>,
    secrets: Arc<Secrets>,
    clock: Arc<dyn Clock>,
    client: OnceLock<Result<Client, String>>,
}

impl Http {
    pub(super) fn new(permit: Arc<Permit>, secrets: Arc<Secrets>, clock: Arc<dyn Clock>) -> Http {
        Http {
            permit,
            secrets,
            clock,
            client: OnceLock::new(),
        }
    }

    pub(super) fn perform(self: Arc<Self>, effect: Effect) -> Performing {
        async move {
            let Request::Http(request) = &*effect.call.request else {
                return failed(Failure::new("internal", "this is no HTTP request"));
            };
            match self.exchange(request, &effect).await {
                Ok(answer) => Outcome::Done(answer),
                Err(failure) => failed(failure),
            }
        }
        .boxed()
    }

    async fn exchange(&self, request: &HttpRequest, effect: &Effect) -> Result<crate::run::Answer, Failure> {
        let mut prepared = Prepared::new(request, effect, &self.secrets).await?;
        check(&self.permit, &prepared.url)?;
        let client = self.client()?;
        let mut redirects = 0;
        let response = loop {
            let response = send(client, &prepared).await?;
            let target = match answer::accepted(&request.accept, response.status()) {
                true => None,
                false => redirection(&response),
            };
            let Some(target) = target else { break response };
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                let message = format!("{} redirects more than {MAX_REDIRECTS} times", prepared.place());
                return Err(Failure::new("http.redirect", message));
            }
            let target = prepared.url.join(&target).map_err(|error| {
                let message = format!("{} redirects to `{target}`, which is no URL: {error}", prepared.place());
                Failure::new("http.redirect", message)
            })?;
            prepare::web(&target)?;
            check(&self.permit, &target)?;
            follow(&mut prepared, response.status().as_u16(), target);
        };
        answer::read(response, &prepared, &request.accept, MAX_RESPONSE, self.clock.now()).await
    }

    /// Whether the host of a URL may be reached.
    pub(super) fn check(&self, url: &Url) -> Result<(), Failure> {
        Ok(check(&self.permit, url)?)
    }

    /// The client, built when it is first needed: a run without HTTP does not pay for TLS.
    pub(super) fn client(&self) -> Result<&Client, Failure> {
        let client = self.client.get_or_init(client);
        client
            .as_ref()
            .map_err(|error| Failure::new("http.network", format!("no HTTP client: {error}")))
    }
}

/// A client that follows no redirects: each would have to be checked against the permit.
pub(crate) fn client() -> Result<Client, String> {
    // It may have been installed by the embedding program, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("interpret/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| chain(&error))
}

/// Whether a host may be reached.
pub(super) fn check(permit: &Permit, url: &Url) -> Result<(), Denied> {
    let default_port = match url.scheme() {
        "https" => Some(443),
        _ => Some(80),
    };
    permit.check_net(url.host_str().unwrap_or_default(), url.port(), default_port)
}

/// Sends a request, and waits for the head of its response.
pub(super) async fn send(client: &Client, prepared: &Prepared) -> Result<Response, Failure> {
    let mut request = client
        .request(prepared.method.clone(), prepared.url.clone())
        .headers(prepared.headers.clone());
    if let Some(body) = &prepared.body {
        request = request.body(body.clone());
    }
    request.send().await.map_err(|error| {
        let code = if error.is_builder() {
            "http.invalid"
        } else {
            "http.network"
        };
        // The URL may hold more than its place.
        Failure::new(code, format!("{}: {}", prepared.place(), chain(&error.without_url())))
    })
}

/// Where a response sends the client.
fn redirection(response: &Response) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    Some(response.headers().get(LOCATION)?.to_str().ok()?.to_owned())
}

/// Makes of a request the one that follows a redirect, as RFC 9110 has it.
fn follow(prepared: &mut Prepared, status: u16, target: Url) {
    let becomes_get = match status {
        303 => prepared.method != Method::HEAD,
        301 | 302 => prepared.method == Method::POST,
        _ => false,
    };
    if becomes_get {
        prepared.method = Method::GET;
        prepared.body = None;
        prepared.headers.remove(CONTENT_TYPE);
        prepared.headers.remove(CONTENT_LENGTH);
    }
    if target.origin() != prepared.url.origin() {
        // What was meant for one host is not for the next.
        let own = prepared.headers.iter().filter(|(name, value)| {
            !value.is_sensitive() && ![AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name)
        });
        prepared.headers = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    }
    prepared.url = target;
}

/// An error and what led to it, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        // Wrappers often repeat what they wrap.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}
