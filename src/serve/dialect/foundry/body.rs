//! What clients send.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::failure::Failure;
use crate::data::Data;
use crate::graph::{Name, Role};
use crate::run::{Labels, NewMessage};
use crate::serve::problem::Problem;

/// Reads a body; an empty one stands for an empty object.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let text = match bytes.iter().all(u8::is_ascii_whitespace) {
        true => b"{}",
        false => bytes,
    };
    let wrong = |error: String| Failure::from(Problem::Malformed(format!("Invalid request body: {error}")));
    let value: Value = serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
    if !value.is_object() {
        return Err(wrong("it has to be a JSON object".to_owned()));
    }
    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
}

/// A conversation to be made.
#[derive(Debug, Deserialize)]
pub(super) struct Making {
    #[serde(default)]
    pub items: Option<Vec<Value>>,
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

/// Items to be added to a conversation.
#[derive(Debug, Deserialize)]
pub(super) struct Adding {
    pub items: Vec<Value>,
}

/// A response to be made.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Create {
    #[serde(default)]
    pub stream: Option<bool>,
    #[serde(default)]
    pub background: Option<bool>,
    #[serde(default)]
    pub conversation: Option<Named>,
    #[serde(default)]
    pub previous_response_id: Option<String>,
    #[serde(default)]
    pub input: Value,
    #[serde(default)]
    pub agent: Option<Named>,
    #[serde(default)]
    pub agent_reference: Option<Named>,
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    #[serde(default)]
    pub structured_inputs: Option<Map<String, Value>>,
}

/// Something by its name or id, alone or in an object.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Named {
    Text(String),
    Object {
        #[serde(alias = "id")]
        name: String,
        #[serde(default)]
        version: Option<Value>,
    },
}

impl Named {
    pub fn name(&self) -> &str {
        match self {
            Named::Text(name) | Named::Object { name, .. } => name,
        }
    }

    /// The version, be it a text or a number.
    pub fn version(&self) -> Option<String> {
        match self {
            Named::Object {
                version: Some(Value::String(version)),
                ..
            } => Some(version.clone()),
            Named::Object {
                version: Some(Value::Number(version)),
                ..
            } => Some(version.to_string()),
            _ => None,
        }
    }
}

/// What a client says to a workflow.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub messages: Vec<NewMessage>,
    /// Whether a call of a tool is allowed, and why not.
    pub approval: Option<(bool, Option<Name>)>,
    /// What came of a function that the client has called.
    pub result: Option<Data>,
}

impl Client {
    /// Reads the input of a response: a text, a list of items, or nothing.
    pub fn read(input: &Value) -> Result<Client, Failure> {
        let mut said = Client::default();
        match input {
            Value::Null => {}
            Value::String(text) => said.messages.push(by_user(text)),
            Value::Array(items) => items.iter().try_for_each(|item| said.add(item))?,
            _ => return Err(Failure::malformed("input", "`input` is a text or a list of items")),
        }
        Ok(said)
    }

    fn add(&mut self, item: &Value) -> Result<(), Failure> {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        match text("type").unwrap_or("message") {
            "message" => self.messages.push(message(item, "input")?),
            "mcp_approval_response" => {
                let approve = item.get("approve").and_then(Value::as_bool);
                let approve = approve.ok_or_else(|| Failure::malformed("input", "an approval needs `approve`"))?;
                self.approval = Some((approve, text("reason").map(Name::from)));
            }
            "function_call_output" => {
                let output = item.get("output").cloned().unwrap_or_default();
                self.result = Some(match &output {
                    Value::String(text) => {
                        serde_json::from_str::<Data>(text).unwrap_or_else(|_| Data::from(text.as_str()))
                    }
                    other => Data::from(other.clone()),
                });
            }
            other => {
                return Err(Failure::malformed(
                    "input",
                    format!("items of the type `{other}` are not taken here; send messages"),
                ));
            }
        }
        Ok(())
    }

    /// The text, where nothing but one message of a person was said, or nothing at all.
    pub fn text(&self) -> Option<Name> {
        match self.messages.as_slice() {
            [] => Some("".into()),
            [one] if one.role == Role::User => Some(one.text.clone()),
            _ => None,
        }
    }
}

fn by_user(text: &str) -> NewMessage {
    NewMessage {
        role: Role::User,
        text: text.into(),
        author: None,
        metadata: Data::Null,
    }
}

/// A message among items.
pub(super) fn message(item: &Value, param: &'static str) -> Result<NewMessage, Failure> {
    let wrong = |message: String| Failure::malformed(param, message);
    if let Some(kind) = item.get("type").and_then(Value::as_str)
        && kind != "message"
    {
        return Err(wrong(format!(
            "items of the type `{kind}` are not kept here; only messages are"
        )));
    }
    let role = item.get("role").and_then(Value::as_str).unwrap_or("user");
    let role = Role::named(role).ok_or_else(|| wrong(format!("`{role}` is no role of a message")))?;
    let text = match item.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Result<Vec<&str>, Failure> = parts.iter().map(|part| text_of(part, param)).collect();
            texts?.join("\n")
        }
        _ => {
            return Err(wrong(
                "a message needs `content`, which is a text or a list of parts".to_owned(),
            ));
        }
    };
    Ok(NewMessage { role, ..by_user(&text) })
}

fn text_of<'v>(part: &'v Value, param: &'static str) -> Result<&'v str, Failure> {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or("input_text");
    let text = part.get("text").and_then(Value::as_str);
    match (kind, text) {
        ("input_text" | "output_text" | "text", Some(text)) => Ok(text),
        _ => Err(Failure::malformed(
            param,
            format!("a part of a message is a text here, not `{kind}`"),
        )),
    }
}

/// What a client marks a response with.
pub(super) fn labels(metadata: Option<Map<String, Value>>) -> Result<Labels, Failure> {
    let each = metadata.into_iter().flatten().map(|(key, value)| match value {
        _ if key.starts_with("interpret.") => Err(Failure::malformed(
            "metadata",
            format!("`{key}`: names that begin with `interpret.` are taken"),
        )),
        Value::String(text) => Ok((Name::from(key), Name::from(text))),
        Value::Number(_) | Value::Bool(_) => Ok((Name::from(key), Name::from(value.to_string()))),
        _ => Err(Failure::malformed("metadata", format!("`{key}` is no text"))),
    });
    each.collect()
}
