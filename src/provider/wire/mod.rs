//! Models behind the protocols of their providers, over HTTP.
//!
//! What is asked and what comes back are translated by one file for each protocol, which knows nothing of connections;
//! here a request is sent and its answer read, as far as the permit goes and with secrets taken out.

mod answer;
mod anthropic;
mod body;
mod calls;
mod chat;
mod refusal;
mod responses;
mod schema;
mod sse;
mod told;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use reqwest::{Response, Url};
use serde_json::Value;

use super::http::{self, Http, Prepared};
use super::model::{Answering, Model, ModelTurn};
use super::{redact_failure, redact_reply};
use crate::clock::Clock;
use crate::config::Connection;
use crate::data::{Data, Part, Sealed};
use crate::graph::Name;
use crate::run::{Failure, HttpRequest, ModelRequest, Reply};
use crate::secret::Secrets;
use answer::Answer;
use told::Told;

/// How long a provider may be silent. Those that think for long tell in between that they are still there.
const LONGEST_SILENCE: Duration = Duration::from_secs(300);
/// How much of a refusal is read.
const LONGEST_REFUSAL: usize = 64 << 10;
/// The version of Anthropic's protocol that is spoken.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Chat completions.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Anthropic,
}

impl Protocol {
    /// Where it is spoken if nobody says otherwise.
    fn default_base(self) -> &'static str {
        match self {
            Protocol::Chat | Protocol::Responses => "https://api.openai.com/v1",
            Protocol::Anthropic => "https://api.anthropic.com/v1",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Protocol::Chat => "chat/completions",
            Protocol::Responses => "responses",
            Protocol::Anthropic => "messages",
        }
    }

    /// The headers that identify who asks, and the version of the protocol.
    fn headers(self, key: Option<&Sealed>) -> Vec<(Name, Sealed)> {
        let plain = |text: &str| Sealed::Plain(Data::from(text));
        let mut headers: Vec<(Name, Sealed)> = Vec::new();
        match self {
            Protocol::Chat | Protocol::Responses => {
                headers.extend(key.map(|key| ("authorization".into(), bearer(key))));
            }
            Protocol::Anthropic => {
                headers.push(("anthropic-version".into(), plain(ANTHROPIC_VERSION)));
                headers.extend(key.map(|key| ("x-api-key".into(), key.clone())));
            }
        }
        headers
    }
}

/// A connection over HTTP.
#[derive(Debug)]
pub(super) struct Wire(Arc<Inner>);

struct Inner {
    name: Name,
    protocol: Protocol,
    connection: Connection,
    http: Arc<Http>,
    secrets: Arc<Secrets>,
    clock: Arc<dyn Clock>,
    longest_silence: Duration,
}

impl Wire {
    pub fn new(
        name: Name,
        protocol: Protocol,
        connection: Connection,
        http: Arc<Http>,
        secrets: Arc<Secrets>,
        clock: Arc<dyn Clock>,
    ) -> Wire {
        Wire(Arc::new(Inner {
            name,
            protocol,
            connection,
            http,
            secrets,
            clock,
            longest_silence: LONGEST_SILENCE,
        }))
    }
}

impl Model for Wire {
    fn answer(&self, turn: ModelTurn) -> Answering {
        let inner = self.0.clone();
        async move {
            match inner.exchange(&turn).await {
                Ok(reply) => Ok(redact_reply(&inner.secrets, &reply)),
                Err(failure) => Err(redact_failure(&inner.secrets, &failure)),
            }
        }
        .boxed()
    }
}

impl Inner {
    async fn exchange(&self, turn: &ModelTurn) -> Result<Reply, Failure> {
        let request = self.request(&turn.request)?;
        let prepared = Prepared::new(&request, &turn.effect, &self.secrets).await;
        let prepared = prepared.map_err(of_agent)?;
        let place = prepared.place();
        self.http.check(&prepared.url)?;
        let client = self.http.client().map_err(of_agent)?;
        let response = self.patiently(&place, http::send(client, &prepared)).await?;
        let response = response.map_err(of_agent)?;
        if !response.status().is_success() {
            return Err(self.refused(&place, response).await);
        }
        let answered = self.read(&place, response, turn).await;
        answered.map_err(|failure| Failure {
            message: format!("{place}: {}", failure.message).into(),
            ..failure
        })
    }

    fn request(&self, request: &ModelRequest) -> Result<HttpRequest, Failure> {
        let connection = &self.connection;
        let base = connection.base_url.as_deref().unwrap_or(self.protocol.default_base());
        let body = match self.protocol {
            Protocol::Chat => {
                let url = Url::parse(base).ok();
                let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
                chat::request(request, chat::MaxTokens::of(host))
            }
            Protocol::Responses => responses::request(request)?,
            Protocol::Anthropic => anthropic::request(request),
        };
        let own = self.protocol.headers(connection.key.as_ref());
        let written = |name: &Name| {
            connection
                .headers
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
        };
        let own = own.into_iter().filter(|(name, _)| !written(name));
        let url = format!("{}/{}", base.trim_end_matches('/'), self.protocol.path());
        Ok(HttpRequest {
            method: "POST".into(),
            url: Sealed::Plain(Data::from(url)),
            query: connection.query.clone(),
            headers: own.chain(connection.headers.iter().cloned()).collect(),
            body: Some(Sealed::Plain(Data::from(body))),
            accept: Vec::new(),
        })
    }

    /// Waits for the provider, as long as it may be silent.
    async fn patiently<F: Future>(&self, place: &str, future: F) -> Result<F::Output, Failure> {
        // Not on the clock of the run: what is outside takes its own time.
        let waited = tokio::time::timeout(self.longest_silence, future).await;
        waited.map_err(|_| {
            let seconds = self.longest_silence.as_secs();
            network(format!("{place} said nothing for {seconds} seconds"))
        })
    }

    async fn read(&self, place: &str, mut response: Response, turn: &ModelTurn) -> Result<Reply, Failure> {
        let mut answer = Answer::new(self.protocol);
        let mut told = Told::new(&turn.deltas, &self.secrets);
        while !answer.is_over() {
            let chunk = self.patiently(place, response.chunk()).await?;
            let chunk = chunk
                .map_err(|error| network(format!("the answer broke off: {}", http::chain(&error.without_url()))))?;
            let Some(chunk) = chunk else { break };
            told.more(&answer.feed(&chunk)?);
        }
        // What is there of the end is read, so that the connection can be used again.
        for _ in 0..4 {
            if !matches!(response.chunk().now_or_never(), Some(Ok(Some(_)))) {
                break;
            }
        }
        let (text, reply) = answer.end(&self.name)?;
        told.more(&text);
        told.end();
        Ok(reply)
    }

    async fn refused(&self, place: &str, mut response: Response) -> Failure {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        // The status says more than the rest of its body could.
        while let Ok(Ok(Some(chunk))) = self.patiently(place, response.chunk()).await {
            body.extend_from_slice(&chunk[..chunk.len().min(LONGEST_REFUSAL - body.len())]);
            if body.len() == LONGEST_REFUSAL {
                break;
            }
        }
        refusal::of_status(place, status, &headers, &body, self.clock.now())
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("name", &self.name)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// A key as the header of most providers has it.
fn bearer(key: &Sealed) -> Sealed {
    let scheme = Part::Text("Bearer ".into());
    match key {
        Sealed::Text(parts) => Sealed::text([scheme].into_iter().chain(parts.iter().cloned()).collect()),
        Sealed::Plain(key) => Sealed::text(vec![scheme, Part::Text(key.to_text())]),
        // A key is read as a text.
        other @ (Sealed::List(_) | Sealed::Map(_)) => other.clone(),
    }
}

/// A failure of HTTP as one of a connection to models.
fn of_agent(failure: Failure) -> Failure {
    match failure.code.strip_prefix("http.") {
        Some(kind) => Failure {
            code: format!("agent.{kind}").into(),
            ..failure
        },
        None => failure,
    }
}

fn network(message: String) -> Failure {
    Failure::new("agent.network", message)
}

/// The answer is not what its protocol says.
fn malformed(what: &str) -> Failure {
    Failure::new("agent.decode", format!("the answer cannot be read: {what}"))
}

/// The answer ended before it was complete.
fn truncated() -> Failure {
    malformed("it ends before it is complete")
}

/// The object in the data of an event.
fn json(data: &str) -> Result<Value, Failure> {
    match serde_json::from_str(data) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(malformed("an event of it is no JSON object")),
        Err(error) => Err(malformed(&format!("an event of it is no JSON: {error}"))),
    }
}

/// A number of tokens, which some servers write with a point.
fn number(value: &Value) -> Option<u64> {
    // The cast saturates.
    let float = || {
        value
            .as_f64()
            .filter(|number| *number >= 0.0)
            .map(|number| number as u64)
    };
    value.as_u64().or_else(float)
}

#[cfg(test)]
mod tests;
