//! What is told of calls: of HTTP, of models by the conventions for generative AI, of tools and processes.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Value, json};

use super::message::{Attributes, Worth};
use super::span::Side;
use crate::config::{Config, Connection, ConnectionKind};
use crate::data::{Data, Sealed};
use crate::graph::{Name, Parameters};
use crate::run::{ConversationRequest, Finish, Message, ModelRequest, Reply, Request, ToolCall};

/// What connections to models are called, and where they lead.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(BTreeMap<Name, Attributes>);

impl Connections {
    pub fn of(config: &Config) -> Connections {
        let known = config.connections.iter();
        Connections(
            known
                .map(|(name, connection)| (name.clone(), told(connection)))
                .collect(),
        )
    }

    /// What is told of a connection; one that is not configured goes by its name.
    pub fn attributes(&self, name: &Name) -> Attributes {
        let unknown = || vec![("gen_ai.provider.name", Worth::from(&**name))];
        self.0.get(name).cloned().unwrap_or_else(unknown)
    }
}

fn told(connection: &Connection) -> Attributes {
    let url = connection.base_url.as_deref().and_then(|url| Url::parse(url).ok());
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let by_host = [
        ("openai.azure.com", "azure.ai.openai"),
        ("mistral.ai", "mistral_ai"),
        ("deepseek.com", "deepseek"),
        ("groq.com", "groq"),
        ("perplexity.ai", "perplexity"),
        ("x.ai", "x_ai"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("amazonaws.com", "aws.bedrock"),
    ];
    let known = by_host.iter().find(|(domain, _)| {
        host.strip_suffix(domain)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    });
    // What is spoken says which provider it is like.
    let provider = match (connection.kind, known) {
        (ConnectionKind::Scripted, _) => "scripted",
        (_, Some((_, provider))) => provider,
        (ConnectionKind::ChatCompletions | ConnectionKind::Responses, None) => "openai",
        (ConnectionKind::Anthropic, None) => "anthropic",
    };
    let mut attributes = vec![("gen_ai.provider.name", Worth::from(provider))];
    attributes.extend(url.as_ref().map(server).unwrap_or_default());
    attributes
}

fn server(url: &Url) -> Attributes {
    let address = url.host_str().map(|host| ("server.address", Worth::from(host)));
    let port = url.port_or_known_default();
    let port = port.map(|port| ("server.port", Worth::from(u64::from(port))));
    address.into_iter().chain(port).collect()
}

/// The name, the side and the attributes of a call.
pub(super) fn begun(request: &Request, connections: &Connections, content: bool) -> (String, Side, Attributes) {
    match request {
        Request::Http(http) => {
            let method = http.method.to_ascii_uppercase();
            let mut attributes: Attributes = vec![("http.request.method", Worth::from(&*method))];
            // Path and query may hold anything, and an address with a secret nothing but the secret.
            let url = http.url.plain().and_then(|url| Url::parse(url.as_str()?).ok());
            attributes.extend(url.as_ref().map(server).unwrap_or_default());
            (method, Side::Client, attributes)
        }
        Request::Exec(exec) => {
            let attributes = vec![("process.executable.name", Worth::from(&*exec.program))];
            (format!("exec {}", exec.program), Side::Client, attributes)
        }
        Request::Mcp(mcp) => {
            let mut attributes = vec![
                ("mcp.method.name", Worth::from("tools/call")),
                ("gen_ai.operation.name", "execute_tool".into()),
                ("gen_ai.tool.name", Worth::from(&*mcp.tool)),
                ("interpret.mcp.server", Worth::from(&*mcp.server)),
            ];
            if content && let Sealed::Plain(arguments) = &mcp.arguments {
                attributes.push(("gen_ai.tool.call.arguments", Worth::Text(arguments.to_string())));
            }
            (format!("tools/call {}", mcp.tool), Side::Client, attributes)
        }
        Request::McpTools(asked) => {
            let attributes = vec![
                ("mcp.method.name", Worth::from("tools/list")),
                ("interpret.mcp.server", Worth::from(&*asked.server)),
            ];
            ("tools/list".to_owned(), Side::Client, attributes)
        }
        Request::Function(function) => {
            let attributes = vec![("code.function.name", Worth::from(&*function.name))];
            (format!("function {}", function.name), Side::Internal, attributes)
        }
        Request::Recall(asked) => {
            let attributes = vec![("gen_ai.conversation.id", Worth::from(&*asked.conversation))];
            ("recall".to_owned(), Side::Internal, attributes)
        }
        Request::Remember(asked) => {
            let attributes = vec![("gen_ai.conversation.id", Worth::from(&*asked.conversation))];
            ("remember".to_owned(), Side::Internal, attributes)
        }
        Request::Conversation(asked) => {
            let (what, conversation) = match asked {
                ConversationRequest::Create { .. } => ("create conversation", None),
                ConversationRequest::Add { conversation, .. } => ("add message", Some(conversation)),
                ConversationRequest::Copy { conversation, .. } => ("copy messages", Some(conversation)),
                ConversationRequest::Retrieve { conversation, .. } => ("retrieve message", Some(conversation)),
                ConversationRequest::List { conversation, .. } => ("list messages", Some(conversation)),
            };
            let attributes = conversation.map(|id| ("gen_ai.conversation.id", Worth::from(&**id)));
            (what.to_owned(), Side::Internal, attributes.into_iter().collect())
        }
        Request::Model(asked) => {
            let attributes = asked_of_model(asked, connections, content);
            (format!("chat {}", asked.model.model), Side::Client, attributes)
        }
    }
}

fn asked_of_model(asked: &ModelRequest, connections: &Connections, content: bool) -> Attributes {
    let mut attributes: Attributes = vec![("gen_ai.operation.name", "chat".into())];
    attributes.extend(connections.attributes(&asked.model.connection));
    attributes.push(("gen_ai.request.model", Worth::from(&*asked.model.model)));
    attributes.push(("gen_ai.agent.name", Worth::from(&*asked.agent)));
    attributes.push(("interpret.agent.turn", Worth::from(u64::from(asked.turn))));
    let output = if asked.schema.is_some() { "json" } else { "text" };
    attributes.push(("gen_ai.output.type", output.into()));
    let Parameters {
        temperature,
        max_tokens,
        top_p,
        stop,
        seed,
        extra: _,
    } = &asked.parameters;
    attributes.extend(temperature.map(|value| ("gen_ai.request.temperature", Worth::Double(value))));
    attributes.extend(max_tokens.map(|value| ("gen_ai.request.max_tokens", Worth::from(u64::from(value)))));
    attributes.extend(top_p.map(|value| ("gen_ai.request.top_p", Worth::Double(value))));
    attributes.extend(seed.map(|value| ("gen_ai.request.seed", Worth::Int(value))));
    if !stop.is_empty() {
        let stop = stop.iter().map(ToString::to_string).collect();
        attributes.push(("gen_ai.request.stop_sequences", Worth::Texts(stop)));
    }
    if content {
        if let Some(instructions) = &asked.instructions {
            let parts = json!([{ "type": "text", "content": &**instructions }]);
            attributes.push(("gen_ai.system_instructions", Worth::Text(parts.to_string())));
        }
        let messages: Value = asked.messages.iter().map(message).collect();
        attributes.push(("gen_ai.input.messages", Worth::Text(messages.to_string())));
    }
    attributes
}

/// What is told of an answer of a model.
pub(super) fn said(reply: &Reply, content: bool) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.extend(
        reply
            .model
            .as_deref()
            .map(|model| ("gen_ai.response.model", Worth::from(model))),
    );
    let reason = match reply.finish {
        Finish::Stop if !reply.calls.is_empty() => "tool_call",
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Filtered => "content_filter",
    };
    attributes.push(("gen_ai.response.finish_reasons", Worth::Texts(vec![reason.to_owned()])));
    if let Some(usage) = reply.usage {
        attributes.push(("gen_ai.usage.input_tokens", Worth::from(usage.input_tokens)));
        attributes.push(("gen_ai.usage.output_tokens", Worth::from(usage.output_tokens)));
        let cached = usage.cached_tokens;
        attributes.extend(cached.map(|cached| ("gen_ai.usage.cache_read.input_tokens", Worth::from(cached))));
    }
    attributes.extend(reply.cost.map(|cost| ("interpret.cost", Worth::Double(cost))));
    if content {
        let mut said = message(&reply.message());
        if let Value::Object(said) = &mut said {
            said.insert("finish_reason".to_owned(), reason.into());
        }
        let messages = Value::from(vec![said]);
        attributes.push(("gen_ai.output.messages", Worth::Text(messages.to_string())));
    }
    attributes
}

/// What is told of an answer to anything else.
pub(super) fn answered(response: Option<&Data>) -> Attributes {
    let status = response
        .and_then(|response| response.get("status"))
        .and_then(Data::as_f64);
    let status = status.map(|status| ("http.response.status_code", Worth::Int(status as i64)));
    status.into_iter().collect()
}

/// A message as the conventions have it: its role and its parts.
fn message(message: &Message) -> Value {
    let text = |content: &Data| json!({ "type": "text", "content": &*content.to_text() });
    let call = |call: &ToolCall| {
        let arguments = serde_json::to_value(&call.arguments).unwrap_or_default();
        json!({ "type": "tool_call", "id": &*call.id, "name": &*call.name, "arguments": arguments })
    };
    let (role, parts): (&str, Vec<Value>) = match message {
        Message::System { content } => ("system", vec![text(content)]),
        Message::User { content } => ("user", vec![text(content)]),
        Message::Assistant { content, calls, .. } => {
            let said = content.as_ref().map(text);
            ("assistant", said.into_iter().chain(calls.iter().map(call)).collect())
        }
        Message::Tool { call, content, .. } => {
            let result = serde_json::to_value(content).unwrap_or_default();
            (
                "tool",
                vec![json!({ "type": "tool_call_response", "id": &**call, "result": result })],
            )
        }
    };
    json!({ "role": role, "parts": parts })
}
