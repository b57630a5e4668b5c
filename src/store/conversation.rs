//! Conversations: what people, agents and workflows have said, beyond the runs in which they said it.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::data::{Data, Map};
use crate::graph::{Name, Order, Role, Timestamp};
use crate::run::{Message, NewMessage};

/// What is known of a conversation, besides what was said in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: Name,
    /// Whose it is; with none, of everybody who knows the id.
    pub user: Option<Name>,
    /// What is known of it besides: an object, or null.
    pub metadata: Data,
    /// When it began.
    pub created_at: Timestamp,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Its id, which no other message of the conversation has.
    pub id: Name,
    /// Who said it.
    pub role: Role,
    /// The name of who said it, such as that of an agent.
    pub author: Option<Name>,
    /// What was said: mostly a text, but agents also give structured answers.
    pub content: Data,
    /// What is known of it besides: an object, or null.
    pub metadata: Data,
    /// When.
    pub at: Timestamp,
}

/// Which messages to list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// In which order.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
    /// Only those behind the message with this id, in that order; if there is none, none.
    pub after: Option<Name>,
    /// Only those before the message with this id, in that order; if there is none, none.
    pub before: Option<Name>,
}

impl Page {
    /// The first messages, or the last ones, of a conversation.
    pub fn of(order: Order, limit: usize) -> Page {
        Page {
            order,
            limit,
            after: None,
            before: None,
        }
    }
}

impl Said {
    /// A message, once it has an id and a time.
    pub fn of(message: NewMessage, id: Name, at: Timestamp) -> Said {
        Said {
            id,
            role: message.role,
            author: message.author,
            content: Data::Text(message.text),
            metadata: message.metadata,
            at,
        }
    }

    /// What of a model's conversation is said in this one; `None` for what nobody but the model is told.
    pub fn of_model(message: Message, agent: Option<&Name>, id: Name, at: Timestamp) -> Option<Said> {
        let (role, content) = match message {
            Message::System { content } => (Role::System, content),
            Message::User { content } => (Role::User, content),
            Message::Assistant { content, .. } => (Role::Assistant, content.unwrap_or_default()),
            Message::Tool { .. } => return None,
        };
        let author = agent.filter(|_| role == Role::Assistant).cloned();
        Some(Said {
            id,
            role,
            author,
            content,
            metadata: Data::Null,
            at,
        })
    }

    /// The same for a model.
    pub fn for_model(self) -> Message {
        let content = self.content;
        match self.role {
            Role::System => Message::System { content },
            Role::User => Message::User { content },
            Role::Assistant => Message::Assistant {
                content: Some(content).filter(|content| !content.is_null()),
                calls: Vec::new(),
                opaque: None,
            },
        }
    }

    /// What was said, as text.
    pub fn text(&self) -> Name {
        self.content.to_text()
    }

    /// The message for authors: `id`, `role`, `author` where it is known, `text`, `metadata` where there is some, and
    /// `createdAt`.
    pub fn to_data(&self) -> Data {
        let mut entries: Vec<(Name, Data)> = vec![
            ("id".into(), Data::Text(self.id.clone())),
            ("role".into(), Data::from(self.role.as_str())),
        ];
        entries.extend(self.author.clone().map(|author| ("author".into(), Data::Text(author))));
        entries.push(("text".into(), Data::Text(self.text())));
        if !self.metadata.is_null() {
            entries.push(("metadata".into(), self.metadata.clone()));
        }
        entries.push(("createdAt".into(), Data::from(self.at.to_rfc3339())));
        Data::Map(Arc::new(entries.into_iter().collect::<Map>()))
    }
}

/// The id of the message that an effect says as its n-th: the same however often it is sent.
pub fn message_id(effect: &str, n: usize) -> Name {
    derived("msg", &[effect, &n.to_string()])
}

/// The id of the conversation that an effect makes.
pub fn conversation_id(effect: &str) -> Name {
    derived("conv", &[effect])
}

/// A short id that is made of others.
fn derived(kind: &str, parts: &[&str]) -> Name {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    let digits: String = digest
        .finalize()
        .iter()
        .take(24)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{kind}_{digits}").into()
}
