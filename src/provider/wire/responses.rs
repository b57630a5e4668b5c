//! OpenAI's responses: `POST /responses`. Nothing is kept there: each request has the whole conversation.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::body::{self, Shape};
use super::calls::{self, Calls, Fragment};
use super::schema::Dialect;
use super::{malformed, number, refusal};
use crate::data::Data;
use crate::graph::Name;
use crate::run::{Failure, Finish, Message, ModelRequest, Opaque, Reply, Usage};

/// The body of a request.
///
/// # Errors
///
/// `agent.invalid` if it asks for what the protocol does not know.
pub(super) fn request(request: &ModelRequest) -> Result<Value, Failure> {
    let parameters = &request.parameters;
    if !parameters.stop.is_empty() {
        let message = "connections of the kind `responses` know no `stop`; leave it out, or use `chat-completions`";
        return Err(Failure::new("agent.invalid", message));
    }
    let shape = Shape::of(request, Dialect::AllRequired, &["text"]);
    let mut body = Map::new();
    body.insert("model".into(), json!(&*request.model.model));
    body.extend(body::entry("instructions", shape.instructions(request)));
    let input = request
        .messages
        .iter()
        .flat_map(|message| items(message, &request.model.connection));
    body.insert("input".into(), input.collect());
    body.insert("stream".into(), json!(true));
    body.insert("store".into(), json!(false));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            // Without a word about it, tools are strict here, which few schemas allow.
            let mut told = json!({
                "type": "function",
                "name": &*tool.name,
                "parameters": tool.parameters.to_json(),
                "strict": false,
            });
            if let Some(description) = &tool.description {
                told["description"] = json!(&**description);
            }
            told
        });
        body.insert("tools".into(), tools.collect());
    }
    if let Some(Value::Object(mut format)) = shape.format() {
        format.insert("type".into(), json!("json_schema"));
        body.insert("text".into(), json!({ "format": format }));
    }
    body.extend(body::entry("temperature", parameters.temperature));
    body.extend(body::entry("top_p", parameters.top_p));
    body.extend(body::entry("max_output_tokens", parameters.max_tokens));
    Ok(body::finish(body, parameters))
}

/// What a message is here, which may be several items.
fn items(message: &Message, connection: &Name) -> Vec<Value> {
    match message {
        Message::System { content } => vec![json!({ "role": "system", "content": &*content.to_text() })],
        Message::User { content } => vec![json!({ "role": "user", "content": &*content.to_text() })],
        Message::Assistant {
            opaque: Some(opaque), ..
        } if opaque.connection == *connection => {
            let items = opaque
                .data
                .as_list()
                .map(|items| items.iter().map(Data::to_json).collect());
            items.unwrap_or_default()
        }
        Message::Assistant { content, calls, .. } => {
            let said = content
                .iter()
                .map(|content| json!({ "role": "assistant", "content": &*content.to_text() }));
            let calls = calls.iter().map(|call| {
                json!({
                    "type": "function_call",
                    "call_id": &*call.id,
                    "name": &*call.name,
                    "arguments": calls::as_object(&call.arguments).to_string(),
                })
            });
            said.chain(calls).collect()
        }
        Message::Tool { call, content, .. } => vec![json!({
            "type": "function_call_output",
            "call_id": &**call,
            "output": &*content.to_text(),
        })],
    }
}

/// Reads an answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// What is complete, by its place.
    items: BTreeMap<u64, Value>,
    response: Option<Value>,
}

impl Reader {
    /// Reads the data of an event, and gives the text that it adds.
    pub fn event(&mut self, data: &str) -> Result<String, Failure> {
        // Not part of the protocol, but some servers end all their streams alike.
        if data.trim() == "[DONE]" {
            return Ok(String::new());
        }
        let mut event = super::json(data)?;
        match event["type"].as_str().unwrap_or_default() {
            "response.output_text.delta" => {
                let text = event["delta"].as_str();
                return text
                    .map(str::to_owned)
                    .ok_or_else(|| malformed("a piece of its text is none"));
            }
            "response.output_item.done" => {
                let at = event["output_index"].as_u64().unwrap_or(self.items.len() as u64);
                self.items.insert(at, event["item"].take());
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.end(event["response"].take())?;
            }
            "error" => return Err(refusal::in_answer(&event)),
            _ => {}
        }
        Ok(String::new())
    }

    /// Reads the answer of a server that does not stream.
    pub fn whole(&mut self, mut response: Value) -> Result<String, Failure> {
        if response.get("output").is_none() && !response["error"].is_null() {
            return Err(refusal::in_answer(&response));
        }
        if response["status"].is_null() {
            response["status"] = json!("completed");
        }
        self.end(response)?;
        Ok(String::new())
    }

    fn end(&mut self, response: Value) -> Result<(), Failure> {
        match response["status"].as_str() {
            Some("completed" | "incomplete") => {
                self.response = Some(response);
                Ok(())
            }
            Some("failed") => Err(refusal::in_answer(&response)),
            status => Err(malformed(&format!("its `status` is `{}`", status.unwrap_or("missing")))),
        }
    }

    /// Whether nothing more comes.
    pub fn is_over(&self) -> bool {
        self.response.is_some()
    }

    /// The whole answer.
    pub fn reply(self, connection: &Name) -> Result<Reply, Failure> {
        let Some(response) = self.response else {
            return Err(super::truncated());
        };
        let told = response["output"].as_array().filter(|items| !items.is_empty());
        let items = match told {
            Some(items) => items.clone(),
            None => self.items.into_values().collect(),
        };
        let (mut text, mut refused, mut thoughts) = (String::new(), false, false);
        let mut calls = Calls::default();
        for item in &items {
            match item["type"].as_str().unwrap_or_default() {
                "message" => {
                    for part in item["content"].as_array().into_iter().flatten() {
                        refused |= part["type"] == "refusal";
                        text.push_str(part["text"].as_str().unwrap_or_default());
                    }
                }
                "function_call" => calls.add(Fragment {
                    id: item["call_id"].as_str(),
                    name: item["name"].as_str(),
                    arguments: item.get("arguments"),
                    ..Fragment::default()
                }),
                // Without its content in the item, it is of no use to a server that keeps nothing.
                "reasoning" => thoughts |= item["encrypted_content"].is_string(),
                _ => {}
            }
        }
        let finish = match response["incomplete_details"]["reason"].as_str() {
            _ if refused => Finish::Filtered,
            Some("content_filter") => Finish::Filtered,
            Some(_) => Finish::Length,
            None if response["status"] == "incomplete" => Finish::Length,
            None => Finish::Stop,
        };
        Ok(Reply {
            finish,
            usage: usage(&response["usage"]),
            model: response["model"].as_str().map(Into::into),
            opaque: thoughts.then(|| Opaque {
                connection: connection.clone(),
                data: Data::from(Value::Array(items)),
            }),
            ..body::reply(text, calls.finish()?)
        })
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    Some(Usage {
        input_tokens: number(&usage["input_tokens"])?,
        output_tokens: number(&usage["output_tokens"]).unwrap_or(0),
        cached_tokens: number(&usage["input_tokens_details"]["cached_tokens"]),
    })
}
