//! Calls of the outside world with every expression evaluated.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::{Data, Sealed};
use crate::graph::{Name, Order, Role, StatusRange, Stdout};
use crate::run::{Message, ModelRequest};

/// What a provider is asked to do. Secrets in it are still references.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// An HTTP request.
    Http(HttpRequest),
    /// A process.
    Exec(ExecRequest),
    /// A tool of an MCP server.
    Mcp(McpRequest),
    /// A registered function.
    Function(FunctionRequest),
    /// What tools an MCP server has.
    McpTools(McpToolsRequest),
    /// One turn of a language model.
    Model(Arc<ModelRequest>),
    /// What was said in a conversation so far.
    Recall(RecallRequest),
    /// What was said in it, to be kept.
    Remember(RememberRequest),
    /// What a step does with a conversation.
    Conversation(ConversationRequest),
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRequest {
    /// GET, POST, ...
    pub method: Name,
    /// The URL without the query below.
    pub url: Sealed,
    /// Query parameters to append.
    pub query: Vec<(Name, Sealed)>,
    /// Headers.
    pub headers: Vec<(Name, Sealed)>,
    /// The body: a text as it is, everything else as JSON.
    pub body: Option<Sealed>,
    /// The statuses that are a success.
    pub accept: Vec<StatusRange>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecRequest {
    /// The program.
    pub program: Name,
    /// Its arguments.
    pub arguments: Vec<Sealed>,
    /// Environment variables.
    pub env: Vec<(Name, Sealed)>,
    /// A text as it is, everything else as JSON.
    pub stdin: Sealed,
    /// How stdout is read.
    pub stdout: Stdout,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct McpRequest {
    /// The server's name in the configuration.
    pub server: Name,
    /// The tool.
    pub tool: Name,
    /// Its arguments.
    pub arguments: Sealed,
    /// Where the server is, if the workflow says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<McpAddress>,
}

/// Where an MCP server is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct McpAddress {
    /// Its URL.
    pub url: Name,
    /// Headers of the requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(Name, Sealed)>,
}

/// A call of a registered function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionRequest {
    /// The name it was registered under.
    pub name: Name,
    /// What it gets.
    pub arguments: Data,
}

/// The question what tools an MCP server has. The answer is a list of objects with `name`, and where the server tells
/// them `description` and `inputSchema`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct McpToolsRequest {
    /// The server's name in the configuration.
    pub server: Name,
    /// Where the server is, if the workflow says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<McpAddress>,
}

/// The question what was said in a conversation. The answer is a list of messages, the oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecallRequest {
    /// The conversation.
    pub conversation: Name,
}

/// Messages that a conversation goes on with. They are kept once, however often they are sent with the same effect id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RememberRequest {
    /// The conversation.
    pub conversation: Name,
    /// Which agent has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Name>,
    /// What was said.
    pub messages: Vec<Message>,
}

/// What a step does with a conversation. The ids of what it makes come from the id of the effect, so that it is made
/// once, however often it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ConversationRequest {
    /// Makes one. The answer is `{ id }`.
    Create {
        /// What is known of it: an object.
        metadata: Data,
    },
    /// Says something in it. The answer is the message.
    Add {
        /// The conversation.
        conversation: Name,
        /// What is said.
        message: NewMessage,
    },
    /// Says what was said elsewhere. The answer is a list of the new messages.
    Copy {
        /// The conversation.
        conversation: Name,
        /// What is said.
        messages: Vec<NewMessage>,
    },
    /// Asks for one message. The answer is the message.
    Retrieve {
        /// The conversation.
        conversation: Name,
        /// The id of the message.
        message: Name,
    },
    /// Asks for messages. The answer is a list of them.
    List {
        /// The conversation.
        conversation: Name,
        /// In which order.
        order: Order,
        /// At most so many.
        limit: u32,
        /// Only those behind this one.
        after: Option<Name>,
        /// Only those before this one.
        before: Option<Name>,
    },
}

impl ConversationRequest {
    /// What is done, in a word.
    pub fn action(&self) -> &'static str {
        match self {
            ConversationRequest::Create { .. } => "create",
            ConversationRequest::Add { .. } => "add",
            ConversationRequest::Copy { .. } => "copy",
            ConversationRequest::Retrieve { .. } => "retrieve",
            ConversationRequest::List { .. } => "list",
        }
    }

    /// The conversation, where there is one already.
    pub fn conversation(&self) -> Option<&Name> {
        match self {
            ConversationRequest::Create { .. } => None,
            ConversationRequest::Add { conversation, .. }
            | ConversationRequest::Copy { conversation, .. }
            | ConversationRequest::Retrieve { conversation, .. }
            | ConversationRequest::List { conversation, .. } => Some(conversation),
        }
    }
}

/// A message that has no id yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: Name,
    /// The name of who says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Name>,
    /// What is known of it besides: an object, or null.
    #[serde(default, skip_serializing_if = "Data::is_null")]
    pub metadata: Data,
}

impl Request {
    /// Whether it belongs to the driver and its store, rather than to the world outside.
    pub fn is_own(&self) -> bool {
        matches!(
            self,
            Request::Recall(_) | Request::Remember(_) | Request::Conversation(_)
        )
    }

    /// The kind of call, for people: `http`, `exec`, `mcp`, `function`, `model`, `conversation`.
    pub fn kind(&self) -> &'static str {
        match self {
            Request::Http(_) => "http",
            Request::Exec(_) => "exec",
            Request::Mcp(_) | Request::McpTools(_) => "mcp",
            Request::Function(_) => "function",
            Request::Model(_) => "model",
            Request::Recall(_) | Request::Remember(_) | Request::Conversation(_) => "conversation",
        }
    }
}
