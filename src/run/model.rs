//! One turn of a language model: what it is asked, and what it says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::present;
use crate::data::Data;
use crate::graph::{ModelName, Name, Parameters};

/// What a model is asked for one turn.
///
/// In the journal stands only what is new: with `earlier` above 0, that many messages come before `messages`, and
/// `instructions`, `tools`, `schema` and `parameters` are those of the request before. A provider is always given the
/// whole, with `earlier` 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelRequest {
    /// The id of the agent.
    pub agent: Name,
    /// Which turn of the conversation it is, from 0 on.
    pub turn: u32,
    /// The model.
    pub model: ModelName,
    /// What the model is told before everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Name>,
    /// How many messages come before those here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub earlier: u32,
    /// The messages.
    pub messages: Vec<Message>,
    /// What the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec>,
    /// The JSON Schema of the answer; without one the answer is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Data>,
    /// How the model is to answer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parameters: Parameters,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_default(parameters: &Parameters) -> bool {
    *parameters == Parameters::default()
}

impl ModelRequest {
    /// The whole request, of which this says what is new since the one before.
    #[must_use]
    pub fn completed(self, before: &ModelRequest, earlier: &[Message]) -> ModelRequest {
        if self.earlier == 0 {
            return self;
        }
        ModelRequest {
            instructions: before.instructions.clone(),
            earlier: 0,
            messages: earlier.iter().cloned().chain(self.messages).collect(),
            tools: before.tools.clone(),
            schema: before.schema.clone(),
            parameters: before.parameters.clone(),
            ..self
        }
    }
}

impl ModelRequest {
    /// The request for people, and for the conditions of mocks: `agent`; behind the first `turn` its number; the last
    /// messages as `prompt`, when a person has spoken, or as `results` of tools; those before as `messages`.
    pub(super) fn told(&self) -> Vec<(Name, Data)> {
        let mut entries: Vec<(Name, Data)> = vec![("agent".into(), Data::Text(self.agent.clone()))];
        if self.turn > 0 {
            entries.push(("turn".into(), Data::Int(self.turn.into())));
        }
        let results = self.messages.iter().rev();
        let results = results
            .take_while(|message| matches!(message, Message::Tool { .. }))
            .count();
        let asked = usize::from(results == 0 && matches!(self.messages.last(), Some(Message::User { .. })));
        let (before, last) = self.messages.split_at(self.messages.len() - results.max(asked));
        if !before.is_empty() {
            entries.push(("messages".into(), before.iter().map(Message::to_data).collect()));
        }
        match last {
            [] => {}
            [Message::User { content }] => entries.push(("prompt".into(), content.clone())),
            results => entries.push(("results".into(), results.iter().map(Message::to_data).collect())),
        }
        entries
    }
}

/// A message of a conversation. What is no text is data, and goes to the model as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "camelCase")]
pub enum Message {
    /// What the model is told about its task, beside the instructions.
    System {
        /// What is said.
        content: Data,
    },
    /// A question, or what is to be corrected.
    User {
        /// What is said.
        content: Data,
    },
    /// What the model has said.
    Assistant {
        /// Its text, or its structured answer.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        content: Option<Data>,
        /// What it called.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<ToolCall>,
        /// What its provider wants to see again, which nobody else reads.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opaque: Option<Opaque>,
    },
    /// What came of a call.
    Tool {
        /// The id of the call.
        call: Name,
        /// The tool.
        name: Name,
        /// Its result, or the error.
        content: Data,
        /// Whether it is an error.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        failed: bool,
    },
}

impl Message {
    /// The message for people and for conditions.
    pub fn to_data(&self) -> Data {
        let mut entries: Vec<(Name, Data)> = Vec::new();
        let mut said = |role: &str, content: &Data| {
            entries.push(("role".into(), Data::from(role)));
            entries.push(("content".into(), content.clone()));
        };
        match self {
            Message::System { content } => said("system", content),
            Message::User { content } => said("user", content),
            Message::Assistant { content, calls, .. } => {
                entries.push(("role".into(), Data::from("assistant")));
                entries.extend(content.clone().map(|content| ("content".into(), content)));
                if !calls.is_empty() {
                    entries.push(("calls".into(), calls.iter().map(ToolCall::to_data).collect()));
                }
            }
            Message::Tool { name, content, .. } => {
                entries.push(("tool".into(), Data::Text(name.clone())));
                entries.push(("content".into(), content.clone()));
            }
        }
        Data::Map(Arc::new(entries.into_iter().collect()))
    }
}

impl ToolCall {
    /// The call for people: the name of the tool with the arguments.
    pub fn to_data(&self) -> Data {
        let entries: [(Name, Data); 1] = [(self.name.clone(), self.arguments.clone())];
        Data::Map(Arc::new(entries.into_iter().collect()))
    }
}

/// What only the connection reads that wrote it, such as the thoughts of a model with their signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opaque {
    /// The name of the connection.
    pub connection: Name,
    /// What it wrote.
    pub data: Data,
}

/// A tool as the model is told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: Name,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Name>,
    /// The JSON Schema of its arguments, always that of an object.
    pub parameters: Data,
}

/// A call that the model asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The id by which the model knows the call.
    pub id: Name,
    /// The tool.
    pub name: Name,
    /// The arguments: an object. What the model wrote instead of one is kept as text; it is told so.
    pub arguments: Data,
}

/// What the model said in one turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Its text; where `schema` was enforced it may already be the value. A text is read as JSON where a schema was
    /// asked for.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub content: Option<Data>,
    /// What it wants to call. With calls the turn is not the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// Why it stopped.
    #[serde(default)]
    pub finish: Finish,
    /// The tokens it took, where the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost, where the configuration has prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// The model that answered, by its provider's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Name>,
    /// What the provider wants to see again in further turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Opaque>,
}

impl Reply {
    /// An answer that is the last, and of which nothing else is known.
    pub fn of(content: Option<Data>) -> Reply {
        Reply {
            content,
            calls: Vec::new(),
            finish: Finish::Stop,
            usage: None,
            cost: None,
            model: None,
            opaque: None,
        }
    }

    /// The reply for people: the answer as it is, or with the calls it asks for.
    pub fn to_data(&self) -> Data {
        if self.calls.is_empty() {
            return self.content.clone().unwrap_or_default();
        }
        let content = self.content.clone().map(|content| ("content".into(), content));
        let calls = ("calls".into(), self.calls.iter().map(ToolCall::to_data).collect());
        Data::Map(Arc::new(content.into_iter().chain([calls]).collect()))
    }

    /// The message of the conversation that it is.
    pub fn message(&self) -> Message {
        Message::Assistant {
            content: self.content.clone(),
            calls: self.calls.clone(),
            opaque: self.opaque.clone(),
        }
    }
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Finish {
    /// It has said what it had to say, or waits for its calls.
    #[default]
    Stop,
    /// The answer would have had more tokens than it may have.
    Length,
    /// The provider withholds the answer.
    Filtered,
}

/// Tokens of one turn, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens of the request, those from a cache included.
    pub input_tokens: u64,
    /// Tokens of the answer, thoughts included.
    pub output_tokens: u64,
    /// Tokens of the request that came from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
}

impl Usage {
    /// Input and output together.
    pub fn total(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Usage) -> Usage {
        let cached = match (self.cached_tokens, other.cached_tokens) {
            (None, None) => None,
            (one, two) => Some(one.unwrap_or(0).saturating_add(two.unwrap_or(0))),
        };
        Usage {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cached_tokens: cached,
        }
    }
}

/// What the turns of models have taken, of one agent step or of a whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    /// How many turns there were.
    pub turns: u32,
    /// The tokens of those turns that told them.
    pub usage: Usage,
    /// What those turns cost whose cost is known.
    #[serde(default)]
    pub cost: f64,
    /// How many turns took tokens and have no price.
    #[serde(default)]
    pub unpriced: u32,
}

impl Spent {
    /// Whether there was no turn.
    pub fn is_nothing(&self) -> bool {
        *self == Spent::default()
    }

    /// One more turn.
    pub fn add(&mut self, reply: &Reply) {
        self.turns = self.turns.saturating_add(1);
        self.usage = self.usage.and(reply.usage.unwrap_or_default());
        match reply.cost {
            Some(cost) => self.cost += cost,
            None if reply.usage.is_some() => self.unpriced = self.unpriced.saturating_add(1),
            None => {}
        }
    }

    /// The cost, if all of it is known and there was any.
    pub fn cost(&self) -> Option<f64> {
        (self.unpriced == 0 && self.usage != Usage::default()).then_some(self.cost)
    }

    /// As authors see it: `turns`, `inputTokens`, `outputTokens`, and where they are known `cachedTokens` and `cost`.
    pub fn to_data(&self) -> Data {
        let number = |number: u64| Data::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let mut entries: Vec<(Name, Data)> = vec![
            ("turns".into(), Data::Int(self.turns.into())),
            ("inputTokens".into(), number(self.usage.input_tokens)),
            ("outputTokens".into(), number(self.usage.output_tokens)),
        ];
        entries.extend(
            self.usage
                .cached_tokens
                .map(|cached| ("cachedTokens".into(), number(cached))),
        );
        entries.extend(self.cost().map(|cost| ("cost".into(), Data::Float(cost))));
        Data::Map(Arc::new(entries.into_iter().collect()))
    }
}
