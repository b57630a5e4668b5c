//! Performing calls: what a run asks of the outside world, and what comes back.
//!
//! [`Providers`] routes a call by the kind of its request, mocks first. A call is a future: dropping it stops what it
//! does, down to the connection and the last process of the group.

mod cassette;
mod connect;
mod exec;
mod function;
mod http;
#[cfg(feature = "mcp")]
mod mcp;
mod mock;
mod model;
mod process;
mod script;
mod wire;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;

pub use cassette::{Cassette, Recorder, Replay, Tape};
pub use connect::{Configured, Scripts};
pub use function::Functions;
#[cfg(feature = "mcp")]
pub use mcp::Mcp;
pub use mock::{Mock, MockError, Mocks, step_fits};
pub use model::{Answering, Delta, DeltaSink, Deltas, Model, ModelError, ModelTurn, Models};
pub use script::{Script, Scripted};

use crate::clock::Clock;
use crate::data::Data;
use crate::graph::Name;
use crate::permit::{Denied, Permit};
use crate::run::{
    Answer, Failure, McpRequest, McpToolsRequest, Opaque, Outcome, PendingCall, Reply, Request, ToolCall, TraceParent,
};
use crate::secret::{self, Secrets};
use exec::Exec;
use http::Http;
pub(crate) use http::client as web_client;

/// A call being performed.
pub type Performing = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Something being let go of.
pub type Closing<'p> = Pin<Box<dyn Future<Output = ()> + Send + 'p>>;

/// A call to perform.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The run it belongs to.
    pub run: Name,
    /// The call.
    pub call: PendingCall,
    /// What it belongs to in a trace, which whoever is called is told.
    pub trace: Option<TraceParent>,
}

impl Effect {
    /// The id of the effect: run, address of the step, attempt. It is the same after a restart, and the idempotency key
    /// for the outside world.
    pub fn id(&self) -> String {
        format!("{}/{}", self.run, self.call.effect)
    }

    /// The id with everything but visible ASCII percent-encoded, for headers and environment variables.
    fn key(&self) -> String {
        let id = self.id();
        let encode = |byte: u8| match byte {
            b'%' | 0..=b' ' | 0x7f.. => format!("%{byte:02X}"),
            visible => char::from(visible).to_string(),
        };
        id.bytes().map(encode).collect()
    }
}

/// Performs calls.
pub trait Provider: Send + Sync {
    /// Performs a call; dropping the future stops it.
    fn perform(&self, effect: Effect) -> Performing;

    /// Lets go of what is kept open between calls, in bounded time. To be called before the program ends.
    fn close(&self) -> Closing<'_> {
        std::future::ready(()).boxed()
    }
}

/// The providers of a process, by kind of request.
pub struct Providers {
    mocks: Option<Mocks>,
    functions: Functions,
    models: Models,
    mcp: Option<Arc<dyn Provider>>,
    http: Arc<Http>,
    exec: Arc<Exec>,
    secrets: Arc<Secrets>,
    clock: Arc<dyn Clock>,
}

impl Providers {
    /// Providers within the bounds of a permit, without mocks, functions, models and MCP servers.
    pub fn new(permit: Arc<Permit>, secrets: Arc<Secrets>, clock: Arc<dyn Clock>) -> Providers {
        Providers {
            mocks: None,
            functions: Functions::default(),
            models: Models::default(),
            mcp: None,
            http: Arc::new(Http::new(permit.clone(), secrets.clone(), clock.clone())),
            exec: Arc::new(Exec::new(permit, secrets.clone())),
            secrets,
            clock,
        }
    }

    /// The same, where mocks answer first.
    #[must_use]
    pub fn with_mocks(mut self, mocks: Mocks) -> Providers {
        self.mocks = Some(mocks);
        self
    }

    /// The same with functions of the embedding program.
    #[must_use]
    pub fn with_functions(mut self, functions: Functions) -> Providers {
        self.functions = functions;
        self
    }

    /// The same with connections to models.
    #[must_use]
    pub fn with_models(mut self, models: Models) -> Providers {
        self.models = models;
        self
    }

    /// The same with a provider for tools of MCP servers.
    #[must_use]
    pub fn with_mcp(mut self, mcp: Arc<dyn Provider>) -> Providers {
        self.mcp = Some(mcp);
        self
    }

    fn route(&self, effect: Effect) -> Performing {
        if let Some(mocks) = &self.mocks {
            match mocks.answer(&effect.call) {
                Ok(Some(answer)) => return answer.perform(&*self.clock),
                Ok(None) => {}
                Err(failure) => return std::future::ready(failed(failure)).boxed(),
            }
        }
        match &*effect.call.request.clone() {
            // Who mocks the agent need not know of its servers.
            Request::McpTools(_) if self.mcp.is_none() && self.mocks.is_some() => no_tools(),
            Request::Http(_) => self.http.clone().perform(effect),
            Request::Exec(_) => self.exec.clone().perform(effect),
            Request::Function(request) => self.functions.perform(request),
            Request::Model(request) => self.models.perform(effect, request),
            // Whoever drives the run has its store.
            Request::Recall(_) | Request::Remember(_) | Request::Conversation(_) => {
                let message = "conversations are kept by the store of the run";
                std::future::ready(failed(Failure::new("internal", message))).boxed()
            }
            Request::Mcp(McpRequest { server, .. }) | Request::McpTools(McpToolsRequest { server, .. }) => {
                match &self.mcp {
                    Some(mcp) => mcp.perform(effect),
                    None => unavailable("mcp", format!("the MCP server `{server}`"), &effect.call.step),
                }
            }
        }
    }
}

impl Provider for Providers {
    fn perform(&self, effect: Effect) -> Performing {
        let secrets = self.secrets.clone();
        // Whoever answers, and whatever it was asked: what one call has told the outside another may bring back.
        self.route(effect).map(move |outcome| redact(&secrets, outcome)).boxed()
    }

    fn close(&self) -> Closing<'_> {
        match &self.mcp {
            Some(mcp) => mcp.close(),
            None => std::future::ready(()).boxed(),
        }
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Providers")
            .field("mocks", &self.mocks)
            .field("functions", &self.functions)
            .finish_non_exhaustive()
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Failure {
        Failure::new(denied.code, denied.to_string())
    }
}

impl From<secret::Error> for Failure {
    fn from(error: secret::Error) -> Failure {
        Failure::new(error.code(), error.to_string())
    }
}

fn unavailable(kind: &str, whom: String, step: &Name) -> Performing {
    let message = format!("{whom} is not configured here; run with `--mocks FILE` and an answer for step `{step}`");
    std::future::ready(failed(Failure::new(format!("{kind}.unavailable"), message))).boxed()
}

/// A server that tells of no tools.
fn no_tools() -> Performing {
    let answer = Answer {
        result: Some(Data::List(Arc::default())),
        response: None,
    };
    std::future::ready(Outcome::Done(answer)).boxed()
}

fn failed(failure: Failure) -> Outcome {
    Outcome::Failed(Arc::new(failure))
}

/// Takes values of secrets out of what the other side sent back.
fn redact(secrets: &Secrets, outcome: Outcome) -> Outcome {
    match outcome {
        outcome if !secrets.any_used() => outcome,
        Outcome::Done(answer) => Outcome::Done(Answer {
            result: answer.result.map(|result| secrets.redact(&result)),
            response: answer.response.map(|response| secrets.redact(&response)),
        }),
        Outcome::Failed(failure) => failed(redact_failure(secrets, &failure)),
        Outcome::Said(reply) => Outcome::Said(Arc::new(redact_reply(secrets, &reply))),
    }
}

/// A reply without values of secrets.
fn redact_reply(secrets: &Secrets, reply: &Reply) -> Reply {
    let name = |name: &Name| Name::from(secrets.redact_text(name));
    Reply {
        content: reply.content.as_ref().map(|content| secrets.redact(content)),
        calls: reply
            .calls
            .iter()
            .map(|call| ToolCall {
                id: name(&call.id),
                name: name(&call.name),
                arguments: secrets.redact(&call.arguments),
            })
            .collect(),
        model: reply.model.as_ref().map(name),
        opaque: reply.opaque.as_ref().map(|opaque| Opaque {
            data: secrets.redact(&opaque.data),
            ..opaque.clone()
        }),
        ..reply.clone()
    }
}

fn redact_failure(secrets: &Secrets, failure: &Failure) -> Failure {
    Failure {
        message: secrets.redact_text(&failure.message).into(),
        data: secrets.redact(&failure.data),
        cause: failure
            .cause
            .as_ref()
            .map(|cause| Arc::new(redact_failure(secrets, cause))),
        ..failure.clone()
    }
}

/// A value as the text that a URL, a header or an argument needs.
fn as_text(value: Data) -> Name {
    value.to_text()
}
