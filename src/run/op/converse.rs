//! What a step does with a conversation, with its values.

use crate::data::Data;
use crate::expr::Build;
use crate::graph::{Converse, Name, Role};
use crate::run::Failure;
use crate::run::event::ScopeId;
use crate::run::request::{ConversationRequest, NewMessage};
use crate::run::turn::Turn;
use crate::run::view::Extra;

/// How many messages a list has, unless it says so.
const LIMIT: u32 = 100;

pub(super) fn request(turn: &Turn<'_>, scope: ScopeId, converse: &Converse) -> Result<ConversationRequest, Failure> {
    let value = |build: &Build| turn.value(scope, build, Extra::default());
    let optional = |build: &Option<Build>| build.as_ref().map(value).transpose();
    let name = |build: &Option<Build>| turn.text(scope, build);
    let id = |build: &Build, what: &str| id(value(build)?, what);
    Ok(match converse {
        Converse::Create { metadata } => ConversationRequest::Create {
            metadata: object(optional(metadata)?)?,
        },
        Converse::Add {
            conversation,
            role,
            text,
            author,
            metadata,
        } => ConversationRequest::Add {
            conversation: id(conversation, "conversation")?,
            message: NewMessage {
                role: *role,
                text: value(text)?.to_text(),
                author: name(author)?,
                metadata: object(optional(metadata)?)?,
            },
        },
        Converse::Copy { conversation, messages } => ConversationRequest::Copy {
            conversation: id(conversation, "conversation")?,
            messages: copied(value(messages)?)?,
        },
        Converse::Retrieve { conversation, message } => ConversationRequest::Retrieve {
            conversation: id(conversation, "conversation")?,
            message: id(message, "message")?,
        },
        Converse::List {
            conversation,
            order,
            limit,
            after,
            before,
        } => ConversationRequest::List {
            conversation: id(conversation, "conversation")?,
            order: *order,
            limit: match optional(limit)? {
                None | Some(Data::Null) => LIMIT,
                Some(limit) => limit
                    .as_f64()
                    .filter(|limit| *limit >= 0.0)
                    .map(|limit| limit as u32)
                    .ok_or_else(|| wrong(format!("`limit` needs a number that is not negative, not {limit}")))?,
            },
            after: name(after)?.filter(|id| !id.is_empty()),
            before: name(before)?.filter(|id| !id.is_empty()),
        },
    })
}

fn wrong(message: String) -> Failure {
    Failure::new("expression.type", message)
}

fn id(value: Data, what: &str) -> Result<Name, Failure> {
    match value {
        Data::Text(id) if !id.is_empty() => Ok(id),
        other => Err(wrong(format!(
            "the id of a {what} is a text that is not empty, not {other}"
        ))),
    }
}

fn object(value: Option<Data>) -> Result<Data, Failure> {
    match value {
        None | Some(Data::Null) => Ok(Data::Null),
        Some(Data::Map(map)) => Ok(Data::Map(map)),
        Some(other) => Err(wrong(format!("`metadata` needs an object, not {}", other.a_kind()))),
    }
}

fn copied(messages: Data) -> Result<Vec<NewMessage>, Failure> {
    match &messages {
        Data::Null => Ok(Vec::new()),
        Data::List(list) => list.iter().map(message).collect(),
        one => Ok(vec![message(one)?]),
    }
}

/// Keys in any case: records of other languages begin with a capital.
fn message(told: &Data) -> Result<NewMessage, Failure> {
    let Data::Map(map) = told else {
        return match told {
            Data::Text(text) => Ok(NewMessage {
                role: Role::User,
                text: text.clone(),
                author: None,
                metadata: Data::Null,
            }),
            other => Err(wrong(format!(
                "a message is a text or an object, not {}",
                other.a_kind()
            ))),
        };
    };
    let part = |wanted: &str| {
        let found = map.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    };
    let text = part("text").ok_or_else(|| wrong(format!("a message needs a `text`: {told}")))?;
    let role = match part("role").and_then(Data::as_str) {
        None => Role::User,
        Some(name) => Role::named(name).ok_or_else(|| {
            wrong(format!(
                "`{name}` is no role; there are `user`, `assistant` and `system`"
            ))
        })?,
    };
    Ok(NewMessage {
        role,
        text: text.to_text(),
        author: part("author").map(Data::to_text).filter(|author| !author.is_empty()),
        metadata: object(part("metadata").cloned())?,
    })
}
