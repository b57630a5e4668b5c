//! The conversation of an agent step, as far as it has come.
//!
//! It outlives the attempts of its step, and a retry of the run: what a model has said and what a tool has done is not
//! asked for again. Only where the conversation itself has failed, by its limits or by answers of the wrong shape,
//! another attempt begins a new one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::{Outcome, Planned};
use super::fault::{Fault, planted};
use super::model::{Finish, Message, ModelRequest, Reply, Spent};
use super::state::{Branches, End, Slot, Work};
use super::step::check;
use super::{Failure, RememberRequest, Request};
use crate::data::Data;
use crate::graph::{Ask, Name};

/// What follows from an answer in a conversation.
pub(super) enum Next {
    /// The conversation can begin, or the next server be asked.
    Open,
    /// A model is asked, with these messages.
    Ask(u32, Vec<Message>),
    /// Calls of tools are made.
    Call(Arc<Reply>),
    /// There is an answer, and what was said is kept.
    Remember(RememberRequest),
    /// There is an answer.
    Done(Option<Data>, Arc<Reply>),
    /// The attempt has failed.
    Fail(Failure),
}

impl Next {
    /// Whether it asks the outside world for something.
    pub fn asks(&self) -> bool {
        matches!(self, Next::Open | Next::Ask(..) | Next::Remember(_))
    }
}

/// A conversation with a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Talk {
    /// What servers have told of their tools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<(Name, Data)>,
    /// The first request, without its messages; none before the first turn.
    pub first: Option<Arc<ModelRequest>>,
    /// The conversation that it is a part of, and what was said there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalled: Option<Vec<Message>>,
    /// Whether it has its answer, and only has to keep what was said.
    #[serde(default)]
    pub remembering: bool,
    /// What the model said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Arc<Reply>>,
    /// With how many messages it began.
    pub opening: u32,
    pub messages: Vec<Message>,
    /// Which of the agent's models is asked.
    pub model: u32,
    pub spent: Spent,
    /// The calls of the last turn, while their results are not all there.
    pub calls: Option<Arc<[Planned]>>,
    /// What has come of them, where the attempt they were made in is over.
    pub ended: Vec<Slot>,
}

impl Talk {
    /// How often the model was told that its answer has the wrong shape.
    pub fn corrections(&self) -> u32 {
        let behind = self.messages.iter().skip(self.opening as usize);
        let told = behind.filter(|message| matches!(message, Message::User { .. }));
        u32::try_from(told.count()).unwrap_or(u32::MAX)
    }

    /// The last words of the model.
    pub fn last(&self) -> Option<&Message> {
        let mut backwards = self.messages.iter().rev();
        backwards.find(|message| matches!(message, Message::Assistant { .. }))
    }

    /// Something was asked.
    pub fn asked(&mut self, request: &ModelRequest) {
        if self.first.is_none() {
            self.opening = u32::try_from(request.messages.len()).unwrap_or(u32::MAX);
            self.first = Some(Arc::new(ModelRequest {
                messages: Vec::new(),
                ..request.clone()
            }));
        }
        if !request.messages.is_empty() {
            // The results of the calls are among them.
            self.calls = None;
            self.ended.clear();
        }
        self.messages.extend(request.messages.iter().cloned());
    }

    /// Something was answered. Gives what a model said.
    pub fn answered(&mut self, request: &Request, outcome: &Outcome) -> Option<Arc<Reply>> {
        match (request, outcome) {
            (_, Outcome::Failed(_)) => None,
            (Request::McpTools(asked), Outcome::Done(answer)) => {
                let told = answer.result.clone().unwrap_or_default();
                self.listed.push((asked.server.clone(), told));
                None
            }
            (Request::Recall(_), Outcome::Done(answer)) => {
                let told = answer.result.as_ref().map(Data::to_json).unwrap_or_default();
                self.recalled = Some(serde_json::from_value(told).unwrap_or_default());
                None
            }
            (Request::Model(_), outcome) => {
                let reply = said(outcome)?;
                self.spent.add(&reply);
                self.messages.push(reply.message());
                self.reply = Some(reply.clone());
                Some(reply)
            }
            _ => None,
        }
    }

    /// The whole of a request that the journal has a part of.
    pub fn whole(&self, request: &ModelRequest) -> ModelRequest {
        let earlier = self.messages.get(..request.earlier as usize).unwrap_or_default();
        match &self.first {
            Some(first) => request.clone().completed(first, earlier),
            None => request.clone(),
        }
    }

    /// Calls that are to be made, of which some may have ended in an attempt before.
    pub fn open(&mut self, calls: &Arc<[Planned]>) -> Branches {
        let kept = std::mem::take(&mut self.ended);
        let slot = |(at, call): (usize, &Planned)| match (kept.get(at), call) {
            (Some(slot @ Slot::Ended(_)), _) => slot.clone(),
            (_, Planned::Run { .. }) => Slot::Chosen,
            (_, Planned::Refused(failure)) => Slot::Ended(End::Failed(failure.clone())),
        };
        let slots = calls.iter().enumerate().map(slot).collect();
        self.calls = Some(calls.clone());
        Branches::new(slots)
    }

    /// Keeps what has come of the calls, where the attempt they were made in is over.
    pub fn keep(&mut self, work: &Work) {
        if let Work::Tools(branches) = work
            && !planted(Fault::ForgottenTools)
        {
            let ended = |slot: &Slot| match slot {
                Slot::Ended(End::Value(_)) => slot.clone(),
                Slot::Ended(End::Failed(failure)) if !is_fatal(failure) => slot.clone(),
                Slot::Ended(_) | Slot::Chosen | Slot::NotChosen | Slot::Running(_) => Slot::Chosen,
            };
            self.ended = branches.slots.iter().map(ended).collect();
        }
    }

    /// What follows from an answer.
    pub fn next(&self, ask: &Ask, outcome: &Outcome) -> Next {
        if let Outcome::Failed(failure) = outcome {
            return match self.next_model(ask, failure) {
                Some(model) => Next::Ask(model, Vec::new()),
                None => Next::Fail(Failure::clone(failure)),
            };
        }
        if let (true, Some(reply)) = (self.remembering, &self.reply) {
            return match read(ask, reply) {
                Ok(value) => Next::Done(value, reply.clone()),
                Err(failure) => Next::Fail(failure),
            };
        }
        let Some(reply) = said(outcome).filter(|_| self.first.is_some()) else {
            return Next::Open;
        };
        let cut = match reply.finish {
            Finish::Stop => None,
            Finish::Length => Some((
                "agent.truncated",
                "the answer was cut off, because it had too many tokens",
            )),
            Finish::Filtered => Some(("agent.filtered", "the provider of the model withholds the answer")),
        };
        if let Some((code, message)) = cut {
            return Next::Fail(Failure::new(code, message));
        }
        if !reply.calls.is_empty() {
            return match self.within_limits(ask) {
                Ok(()) => Next::Call(reply),
                Err(failure) => Next::Fail(failure),
            };
        }
        match read(ask, &reply) {
            Ok(value) => match self.to_remember(&reply) {
                Some(request) => Next::Remember(request),
                None => Next::Done(value, reply),
            },
            Err(failure) => self.correct(ask, failure),
        }
    }

    /// What is kept of it in its conversation: the question and the answer.
    pub fn to_remember(&self, reply: &Reply) -> Option<RememberRequest> {
        let conversation = self.conversation.clone()?;
        let asked = self.messages.get((self.opening as usize).checked_sub(1)?)?;
        // What was recalled is kept already.
        let recalled = self
            .recalled
            .as_ref()
            .is_some_and(|told| told.len() >= self.opening as usize);
        let asked = Some(asked.clone()).filter(|message| matches!(message, Message::User { .. }) && !recalled);
        let answer = Message::Assistant {
            content: reply.content.clone(),
            calls: Vec::new(),
            opaque: None,
        };
        Some(RememberRequest {
            conversation,
            agent: self.first.as_ref().map(|first| first.agent.clone()),
            messages: asked.into_iter().chain([answer]).collect(),
        })
    }

    /// The model to ask in the place of one that has failed.
    fn next_model(&self, ask: &Ask, failure: &Failure) -> Option<u32> {
        let models = &ask.definition.as_ref()?.models;
        let next = self.model + 1;
        let asked = self.first.is_some() && failure.code.starts_with("agent.");
        (asked && (next as usize) < models.len()).then_some(next)
    }

    /// Tells the model what is wrong with its answer, as often as it may be told.
    fn correct(&self, ask: &Ask, failure: Failure) -> Next {
        let most = ask.definition.as_ref().map_or(0, |agent| agent.limits.corrections);
        if self.corrections() >= most + u32::from(planted(Fault::OneCorrectionMore)) {
            // The name of the agent marks a failure that a repetition may mend.
            let entries: [(Name, Data); 1] = [("agent".into(), Data::Text(ask.agent.clone()))];
            return Next::Fail(failure.with_data(Data::Map(Arc::new(entries.into_iter().collect()))));
        }
        if let Err(limit) = self.within_limits(ask) {
            return Next::Fail(limit.caused_by(Arc::new(failure)));
        }
        let content = Data::from(format!(
            "{}. Answer again, with nothing but JSON of that schema.",
            failure.message
        ));
        Next::Ask(self.model, vec![Message::User { content }])
    }

    /// Whether there may be another turn.
    fn within_limits(&self, ask: &Ask) -> Result<(), Failure> {
        let Some(limits) = ask.definition.as_ref().map(|agent| &agent.limits) else {
            return Ok(());
        };
        let spent = &self.spent;
        let turns = limits.turns.saturating_add(u32::from(planted(Fault::OneTurnMore)));
        let over = if spent.turns >= turns {
            format!("{} turns, and may take no more (`maxTurns`)", spent.turns)
        } else if limits.tokens.is_some_and(|most| spent.usage.total() >= most) {
            format!("{} tokens, and may take no more (`limits.tokens`)", spent.usage.total())
        } else if let Some(most) = limits.cost
            && (spent.unpriced > 0 || spent.cost >= most)
        {
            match spent.unpriced {
                0 => format!("{} of money, and may take no more (`limits.cost`)", spent.cost),
                _ => "tokens of a model whose price is not configured, so that `limits.cost` cannot be kept".to_owned(),
            }
        } else {
            return Ok(());
        };
        let message = format!("agent `{}` has no answer yet; it took {over}", ask.agent);
        Err(Failure::new("limit.exceeded", message).with_data(spent.to_data()))
    }

    /// Whether another attempt goes on with the conversation behind this failure.
    pub fn survives(failure: &Failure) -> bool {
        !matches!(
            &*failure.code,
            "schema.output" | "limit.exceeded" | "agent.truncated" | "agent.filtered"
        )
    }
}

/// Whether a tool failed in a way that is none of the model's business.
pub(super) fn is_fatal(failure: &Failure) -> bool {
    &*failure.code == "internal" || failure.code.starts_with("secret.")
}

/// The value of an answer: where it has to have a shape, a text is read as JSON, and what it lacks is filled in.
///
/// # Errors
///
/// Why it does not have that shape.
fn read(ask: &Ask, reply: &Reply) -> Result<Option<Data>, Failure> {
    let Some(schema) = ask.answer_schema() else {
        return Ok(reply.content.clone());
    };
    let value = reply.content.clone().unwrap_or_default();
    let as_it_is = check(schema, &value, "schema.output", "the answer");
    let Data::Text(text) = &value else {
        return as_it_is.map(|()| Some(value));
    };
    match serde_json::from_str::<Data>(unfenced(text)) {
        Ok(read) => check(schema, &read, "schema.output", "the answer").map(|()| Some(read)),
        // Where the schema allows a text it may be one.
        Err(_) => as_it_is.map(|()| Some(value)),
    }
}

/// A text without the fence of Markdown that many models put around JSON.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"));
    inside.map_or(text, |inside| inside.strip_prefix("json").unwrap_or(inside))
}

/// What a model said, be it in its own form or that of a mock.
fn said(outcome: &Outcome) -> Option<Arc<Reply>> {
    match outcome {
        Outcome::Said(reply) => Some(reply.clone()),
        Outcome::Done(answer) => Some(Arc::new(Reply::of(answer.result.clone()))),
        Outcome::Failed(_) => None,
    }
}
