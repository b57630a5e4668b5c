//! What steps do with conversations, as it was written.

use crate::expr::Build;
use serde::{Deserialize, Serialize};

/// What a step does with a conversation. [`ConversationRequest`](crate::run::ConversationRequest) is the same with
/// values.
#[derive(Clone, Debug)]
pub enum Converse {
    /// Makes one. Gives `{ id }`.
    Create {
        /// An object with what is known of it.
        metadata: Option<Build>,
    },
    /// Says something in it. Gives the message.
    Add {
        /// The id of the conversation.
        conversation: Build,
        /// Who says it.
        role: Role,
        /// What is said, as a text.
        text: Build,
        /// The name of who says it.
        author: Option<Build>,
        /// An object with what is known of the message.
        metadata: Option<Build>,
    },
    /// Says what was said elsewhere in it. Gives the list of the new messages.
    Copy {
        /// The id of the conversation.
        conversation: Build,
        /// A message or a list of them: texts, which the user says, or objects with `role` and `text`, in any case.
        messages: Build,
    },
    /// Gives one of its messages.
    Retrieve {
        /// The id of the conversation.
        conversation: Build,
        /// The id of the message.
        message: Build,
    },
    /// Gives the list of its messages.
    List {
        /// The id of the conversation.
        conversation: Build,
        /// In which order.
        order: Order,
        /// At most so many; by default 100.
        limit: Option<Build>,
        /// Only those behind the message with this id, in that order.
        after: Option<Build>,
        /// Only those before the message with this id, in that order.
        before: Option<Build>,
    },
}

/// Who has said something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A person.
    #[default]
    User,
    /// An agent, or the workflow.
    Assistant,
    /// Whoever gives instructions.
    System,
}

impl Role {
    /// Its name, as in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        }
    }

    /// The role of that name, in any case; `agent` is the assistant, `developer` the system.
    pub fn named(name: &str) -> Option<Role> {
        match &*name.to_ascii_lowercase() {
            "user" => Some(Role::User),
            "assistant" | "agent" => Some(Role::Assistant),
            "system" | "developer" => Some(Role::System),
            _ => None,
        }
    }
}

/// The order of a list of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// As they were said.
    #[default]
    Ascending,
    /// The last one first.
    Descending,
}
