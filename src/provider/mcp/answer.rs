//! What a server answers, as results and failures of a run.

use std::sync::Arc;

use rmcp::ServiceError;
use rmcp::model::{CallToolResult, ContentBlock, Tool};
use rmcp::service::ClientInitializeError;
use serde::Serialize;
use serde_json::Value;

use super::child::End;
use super::lines::MOST;
use crate::data::{Data, Map};
use crate::graph::Name;
use crate::provider::http::chain;
use crate::run::Failure;

/// How many characters of what a tool says is wrong become a message.
const LONGEST_MESSAGE: usize = 2000;

/// What a tool gives: what it says is structured, else its text, else its blocks.
pub(super) fn result(tool: &Name, result: CallToolResult) -> Result<Option<Data>, Failure> {
    let texts: Option<Vec<&str>> = result.content.iter().map(text).collect();
    let texts = texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join("\n"));
    if result.is_error == Some(true) {
        return Err(refused(tool, texts.as_deref(), &result));
    }
    Ok(match (&result.structured_content, texts) {
        (Some(structured), _) => Some(data(structured)),
        (None, Some(text)) => Some(Data::from(&*text)),
        (None, None) if result.content.is_empty() => None,
        (None, None) => Some(data(&result.content)),
    })
}

fn refused(tool: &Name, texts: Option<&str>, result: &CallToolResult) -> Failure {
    let text = texts.map(str::trim).filter(|text| !text.is_empty());
    let told: Option<String> = text.map(|text| text.chars().take(LONGEST_MESSAGE).collect());
    let is_whole = told.as_deref() == text && text.is_some();
    let message = told.unwrap_or_else(|| format!("the tool `{tool}` failed"));
    let more = match (&result.structured_content, is_whole) {
        (Some(structured), _) => data(structured),
        (None, true) => Data::Null,
        (None, false) => data(&result.content),
    };
    Failure::new("mcp.tool", message).with_data(more)
}

fn text(block: &ContentBlock) -> Option<&str> {
    match block {
        ContentBlock::Text(text) => Some(&text.text),
        _ => None,
    }
}

/// Tools, each with what a model is told of it.
pub(super) fn tools(tools: Vec<Tool>) -> Data {
    let tool = |tool: Tool| {
        let description = tool.description.or(tool.title.map(Into::into));
        let description = description.map(|text| (Name::from("description"), Data::from(&*text)));
        let entries = [(Name::from("name"), Data::from(&*tool.name))]
            .into_iter()
            .chain(description)
            .chain([(Name::from("inputSchema"), data(&*tool.input_schema))]);
        Data::Map(Arc::new(entries.collect::<Map>()))
    };
    tools.into_iter().map(tool).collect()
}

/// Whether a server said this, so that there is nothing wrong with the session.
pub(super) fn is_answer(error: &ServiceError) -> bool {
    matches!(error, ServiceError::McpError(_) | ServiceError::UnexpectedResponse)
}

/// Why a call was not answered; `end` is how the process behind it ended.
pub(super) fn failure(server: &Name, error: ServiceError, end: Option<End>) -> Failure {
    match (error, end) {
        (ServiceError::McpError(error), _) => {
            let more = data(&error);
            let what = format!("answers with an error: {} ({})", error.message, error.code.0);
            protocol(server, &what).with_data(more)
        }
        (ServiceError::TransportClosed | ServiceError::TransportSend(_), Some(end)) => ended(server, end),
        (ServiceError::TransportClosed, None) => unavailable(server, "is gone, or was never there"),
        (ServiceError::TransportSend(error), _) => {
            unavailable(server, &format!("is not reached: {}", chain(&*error.error)))
        }
        (ServiceError::Cancelled { .. }, _) => unavailable(server, "gave up the call"),
        (error, _) => protocol(server, &format!("does not keep to the protocol: {error}")),
    }
}

/// Why a session was not opened.
pub(super) fn not_open(server: &Name, error: &ClientInitializeError, end: Option<End>) -> Failure {
    match (error, end) {
        (ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::TransportError { .. }, Some(end)) => {
            ended(server, end)
        }
        (ClientInitializeError::TransportError { error, .. }, _) => {
            unavailable(server, &format!("is not reached: {}", chain(&*error.error)))
        }
        (ClientInitializeError::JsonRpcError(error), _) => {
            let what = format!("answers with an error: {} ({})", error.message, error.code.0);
            protocol(server, &what)
        }
        (ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::Cancelled, _) => {
            unavailable(server, "closed the connection before it was open")
        }
        (error, _) => protocol(server, &format!("does not keep to the protocol: {}", chain(error))),
    }
}

fn ended(server: &Name, end: End) -> Failure {
    match end {
        End::TooLong => protocol(server, &format!("sent a message of more than {} MiB", MOST >> 20)),
        End::Gone(how) => unavailable(server, &how),
    }
}

fn unavailable(server: &Name, what: &str) -> Failure {
    Failure::new("mcp.unavailable", format!("the MCP server `{server}` {what}"))
}

/// What a server did wrong.
pub(super) fn protocol(server: &Name, what: &str) -> Failure {
    Failure::new("mcp.protocol", format!("the MCP server `{server}` {what}"))
}

/// A value of the protocol, as far as it is one here: nothing is deeper or larger than its message was.
fn data(value: &impl Serialize) -> Data {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    serde_json::from_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    fn told(result: Value) -> Result<Option<Data>, Failure> {
        super::result(&"tool".into(), serde_json::from_value(result).unwrap())
    }

    #[test]
    fn a_result_is_what_is_structured_else_the_text_else_the_blocks() {
        let text = |text: &str| serde_json::json!({ "type": "text", "text": text });
        let image = serde_json::json!({ "type": "image", "data": "AAAA", "mimeType": "image/png" });
        let is = |result: Value| told(result).unwrap();
        assert_eq!(
            is(serde_json::json!({ "content": [text("{}")], "structuredContent": { "a": 1 } })),
            Some(data!({ "a": 1 }))
        );
        assert_eq!(
            is(serde_json::json!({ "content": [text("a"), text("b")] })),
            Some(data!("a\nb"))
        );
        let blocks = is(serde_json::json!({ "content": [text("a"), image] })).unwrap();
        assert_eq!(blocks.as_list().unwrap().len(), 2);
        assert_eq!(is(serde_json::json!({ "content": [] })), None);
    }

    #[test]
    fn what_a_tool_says_is_wrong_is_the_message() {
        let failed = |content: Value| told(serde_json::json!({ "content": content, "isError": true })).unwrap_err();
        let short = failed(serde_json::json!([{ "type": "text", "text": "no such file" }]));
        assert_eq!(
            (&*short.code, &*short.message, &short.data),
            ("mcp.tool", "no such file", &Data::Null)
        );
        let long = failed(serde_json::json!([{ "type": "text", "text": "x".repeat(5000) }]));
        assert_eq!((long.message.len(), long.data.is_null()), (LONGEST_MESSAGE, false));
        assert_eq!(&*failed(serde_json::json!([])).message, "the tool `tool` failed");
    }
}
