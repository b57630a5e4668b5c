//! Messages: as formulas see them, as users send them, as agents are told and tell them.

use std::sync::Arc;

use super::is_blank;
use crate::data::{Data, Map};

/// The key of the last message of the user.
pub(super) const LAST: &str = "System.LastMessage";

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Agent,
    System,
}

impl Role {
    /// In the words of formulas, models and APIs.
    fn parse(text: &str) -> Role {
        match &*text.to_ascii_lowercase() {
            "agent" | "assistant" | "tool" => Role::Agent,
            "system" | "developer" => Role::System,
            _ => Role::User,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Role::User => "User",
            Role::Agent => "Agent",
            Role::System => "System",
        }
    }

    /// In the words of models.
    fn of_model(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Agent => "assistant",
            Role::System => "system",
        }
    }
}

fn record<const N: usize>(entries: [(&str, Data); N]) -> Data {
    Data::from(
        entries
            .into_iter()
            .map(|(key, value)| (Arc::from(key), value))
            .collect::<Map>(),
    )
}

/// A message as formulas see it.
pub(super) fn message(role: Role, text: Arc<str>, author: Data, id: Arc<str>) -> Data {
    let content = record([
        ("Type", Data::from("Text")),
        ("Value", Data::Text(text.clone())),
        ("MediaType", Data::Null),
    ]);
    record([
        ("Id", Data::Text(id)),
        ("Role", Data::from(role.name())),
        ("Author", author),
        ("Text", Data::Text(text)),
        ("Content", Data::from(vec![content])),
        ("Metadata", Data::from(Map::new())),
    ])
}

/// The messages in what somebody sent: a text, messages, an object with the text, or any other value as JSON.
pub(super) fn received(payload: &Data) -> Vec<Data> {
    if let Some(list) = payload.get("messages").and_then(Data::as_list) {
        return list.iter().map(one).collect();
    }
    match payload {
        Data::Null => Vec::new(),
        Data::List(list) if list.iter().all(|item| text_of(item).is_some()) => list.iter().map(one).collect(),
        Data::Map(map) if map.is_empty() => Vec::new(),
        payload => vec![one(payload)],
    }
}

/// One message, however it is written.
pub(super) fn one(data: &Data) -> Data {
    let text = text_of(data).unwrap_or_else(|| data.to_text());
    let part = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| data.get(name))
            .cloned()
            .unwrap_or_default()
    };
    let role = Role::parse(&part(["role", "Role"]).to_text());
    let said = message(role, text, part(["author", "Author"]), part(["id", "Id"]).to_text());
    match (said.as_map(), part(["metadata", "Metadata"])) {
        (Some(map), known @ Data::Map(_)) => Data::from(map.with("Metadata".into(), known)),
        _ => said,
    }
}

/// The text of a message, however it is written.
fn text_of(data: &Data) -> Option<Arc<str>> {
    match data {
        Data::Text(text) => Some(text.clone()),
        Data::Map(_) => [
            "text", "Text", "content", "input", "message", "answer", "value", "Value",
        ]
        .iter()
        .find_map(|key| match data.get(key)? {
            Data::Null => None,
            Data::List(parts) => {
                let parts: Vec<Arc<str>> = parts.iter().filter_map(text_of).collect();
                Some(parts.join("\n").into())
            }
            Data::Map(_) if *key != "content" => None,
            other => Some(other.to_text()),
        }),
        _ => None,
    }
}

/// The last thing the user says in what came in.
pub(super) fn last(payload: &Data) -> Option<Data> {
    let messages = received(payload);
    let user = |message: &&Data| message.get("Role").and_then(Data::as_str) == Some("User");
    messages.iter().rfind(user).or(messages.last()).cloned()
}

/// Its text.
pub(super) fn last_text(payload: &Data) -> Option<Arc<str>> {
    // An object of nothing that is said is only data.
    if payload.get("messages").is_none() && matches!(payload, Data::Map(_)) && text_of(payload).is_none() {
        return None;
    }
    last(payload).map(|message| message.get("Text").map(Data::to_text).unwrap_or_default())
}

/// The value of an action's `messages` as what a model is told.
pub(super) fn told(value: &Data) -> Vec<Data> {
    let item = |value: &Data| {
        let text = text_of(value).unwrap_or_else(|| super::shown(value));
        let role = value
            .get("Role")
            .or(value.get("role"))
            .map(|role| Role::parse(&role.to_text()));
        (!text.is_empty()).then(|| {
            record([
                ("role", Data::from(role.unwrap_or(Role::User).of_model())),
                ("content", Data::Text(text)),
            ])
        })
    };
    match value {
        value if is_blank(value) => Vec::new(),
        Data::List(list) => list.iter().filter_map(item).collect(),
        value => item(value).into_iter().collect(),
    }
}

/// A list of messages, however they are written.
pub(super) fn all(list: &Data) -> Vec<Data> {
    list.as_list()
        .map(|list| list.iter().map(one).collect())
        .unwrap_or_default()
}

/// Of messages, those that have no id, which they get where they are kept.
pub(super) fn unkept(messages: &Data) -> Vec<Data> {
    let kept = |message: &Data| message.get("Id").is_some_and(|id| !is_blank(id));
    match messages {
        Data::Null => Vec::new(),
        Data::List(list) => list.iter().filter(|message| !kept(message)).cloned().collect(),
        one => Some(one.clone()).filter(|one| !kept(one)).into_iter().collect(),
    }
}
