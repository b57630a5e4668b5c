//! Models behind connections: each performs one turn; the loop around the turns is the interpreter's.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{Effect, Performing, failed};
use crate::config::Price;
use crate::data::Data;
use crate::graph::Name;
use crate::run::{Failure, ModelRequest, Outcome, Reply, Ticket, Usage};

/// A connection to models, of any kind of wire.
///
/// What is retried, asked of another model or told to the author is decided by whoever calls; a connection makes one
/// request and reads one answer. Its failures are those of [`ModelError`], or of permissions and secrets.
pub trait Model: Send + Sync {
    /// Performs one turn; dropping the future stops it, down to the connection.
    fn answer(&self, turn: ModelTurn) -> Answering;
}

/// Why a model gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelError {
    /// No answer came, or it broke off.
    Network(String),
    /// The provider answered with an error.
    Status {
        /// Its HTTP status.
        status: u16,
        /// What it says.
        message: String,
        /// For how many milliseconds it wants to be left alone.
        retry_after: Option<u64>,
    },
    /// The answer is not what the protocol says.
    Decode(String),
    /// The request cannot be made.
    Invalid(String),
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Failure {
        match error {
            ModelError::Network(message) => Failure::new("agent.network", message),
            ModelError::Status {
                status,
                message,
                retry_after,
            } => {
                let entries: [(Name, Data); 1] = [("status".into(), Data::Int(status.into()))];
                Failure {
                    retry_after,
                    ..Failure::new("agent.status", message).with_data(entries.into_iter().collect())
                }
            }
            ModelError::Decode(message) => Failure::new("agent.decode", message),
            ModelError::Invalid(message) => Failure::new("agent.invalid", message),
        }
    }
}

/// A turn being performed.
pub type Answering = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// One turn to perform.
#[derive(Clone, Debug)]
pub struct ModelTurn {
    /// The call it is; its id is the idempotency key.
    pub effect: Effect,
    /// What is asked, whole.
    pub request: Arc<ModelRequest>,
    /// Where its text goes while it comes.
    pub deltas: Deltas,
}

/// A piece of an answer that is still coming. It is told and never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The run.
    pub run: Name,
    /// The call in it.
    pub ticket: Ticket,
    /// The id of the effect.
    pub effect: Name,
    /// The next piece of text.
    pub text: Name,
}

/// Who is told of deltas.
pub type DeltaSink = Arc<dyn Fn(Delta) + Send + Sync>;

/// The way for the deltas of one turn.
#[derive(Clone)]
pub struct Deltas {
    run: Name,
    ticket: Ticket,
    effect: Name,
    sink: Option<DeltaSink>,
}

impl Deltas {
    fn new(effect: &Effect, sink: Option<DeltaSink>) -> Deltas {
        Deltas {
            run: effect.run.clone(),
            ticket: effect.call.ticket,
            effect: effect.id().into(),
            sink,
        }
    }

    /// Tells the next piece of text.
    pub fn text(&self, text: &str) {
        if let Some(sink) = self.sink.as_ref().filter(|_| !text.is_empty()) {
            sink(Delta {
                run: self.run.clone(),
                ticket: self.ticket,
                effect: self.effect.clone(),
                text: text.into(),
            });
        }
    }
}

impl fmt::Debug for Deltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deltas")
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

/// What a turn costs.
fn cost(price: &Price, usage: Usage) -> f64 {
    let cached = usage.cached_tokens.unwrap_or(0).min(usage.input_tokens);
    let fresh = usage.input_tokens - cached;
    let sum = fresh as f64 * price.input
        + cached as f64 * price.cached.unwrap_or(price.input)
        + usage.output_tokens as f64 * price.output;
    sum / 1e6
}

/// A connection with what its models cost.
struct Connection {
    model: Arc<dyn Model>,
    prices: BTreeMap<Name, Price>,
}

/// The connections of a process, by name.
#[derive(Default)]
pub struct Models {
    connections: BTreeMap<Name, Connection>,
    /// What answers where no connection has the name.
    otherwise: Option<Arc<dyn Model>>,
    sink: Option<DeltaSink>,
}

impl Models {
    /// No connections.
    pub fn new() -> Models {
        Models::default()
    }

    /// The same with one more, and the prices of its models.
    #[must_use]
    pub fn with(mut self, name: impl Into<Name>, model: Arc<dyn Model>, prices: BTreeMap<Name, Price>) -> Models {
        self.connections.insert(name.into(), Connection { model, prices });
        self
    }

    /// The same, where this answers for connections that are not configured.
    #[must_use]
    pub fn with_otherwise(mut self, model: Arc<dyn Model>) -> Models {
        self.otherwise = Some(model);
        self
    }

    /// The same with somebody who is told the text of answers while it comes.
    #[must_use]
    pub fn with_deltas(mut self, sink: DeltaSink) -> Models {
        self.sink = Some(sink);
        self
    }

    pub(super) fn perform(&self, effect: Effect, request: &Arc<ModelRequest>) -> Performing {
        let connection = self.connections.get(&request.model.connection);
        let price = connection
            .and_then(|connection| connection.prices.get(&request.model.model))
            .copied();
        let model = connection
            .map(|connection| &connection.model)
            .or(self.otherwise.as_ref());
        let Some(model) = model else {
            let message = format!(
                "no connection `{}` is configured, which `{}` asks of agent `{}`; add it to `connections` in \
                 interpret.yaml, or run with `--mocks FILE` and an answer for step `{}`",
                request.model.connection, request.model, request.agent, effect.call.step
            );
            return std::future::ready(failed(Failure::new("agent.unavailable", message))).boxed();
        };
        let deltas = Deltas::new(&effect, self.sink.clone());
        let turn = ModelTurn {
            effect,
            request: request.clone(),
            deltas,
        };
        let answering = model.answer(turn);
        answering
            .map(move |answer| match answer {
                Ok(reply) => {
                    let paid = reply.cost.or_else(|| Some(cost(&price?, reply.usage?)));
                    Outcome::Said(Arc::new(Reply { cost: paid, ..reply }))
                }
                Err(failure) => failed(failure),
            })
            .boxed()
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models")
            .field("connections", &self.connections.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_have_a_price_of_their_own() {
        let usage = Usage {
            input_tokens: 1_000_000,
            output_tokens: 100_000,
            cached_tokens: Some(400_000),
        };
        let price = |cached| Price {
            input: 2.0,
            output: 10.0,
            cached,
        };
        assert_eq!(cost(&price(None), usage), 3.0);
        assert_eq!(cost(&price(Some(0.5)), usage), 2.4);
    }
}
