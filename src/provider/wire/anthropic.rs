//! Anthropic's messages: `POST /messages`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::body::{self, Shape};
use super::calls::{self, Calls, Fragment};
use super::schema::Dialect;
use super::{malformed, number, refusal};
use crate::data::Data;
use crate::graph::Name;
use crate::run::{Failure, Finish, Message, ModelRequest, Opaque, Reply, Usage};

/// How many tokens an answer may have where nobody says it, which the protocol insists on.
const MAX_TOKENS: u32 = 8192;

/// The body of a request.
pub(super) fn request(request: &ModelRequest) -> Value {
    let parameters = &request.parameters;
    let shape = Shape::of(request, Dialect::Optional, &["output_config", "output_format"]);
    let mut body = Map::new();
    body.insert("model".into(), json!(&*request.model.model));
    body.insert("max_tokens".into(), json!(parameters.max_tokens.unwrap_or(MAX_TOKENS)));
    let system: Vec<String> = shape.instructions(request).into_iter().chain(system(request)).collect();
    body.extend((!system.is_empty()).then(|| ("system".to_owned(), json!(system.join("\n\n")))));
    body.insert("messages".into(), messages(request));
    body.insert("stream".into(), json!(true));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let mut told = json!({ "name": &*tool.name, "input_schema": tool.parameters.to_json() });
            if let Some(description) = &tool.description {
                told["description"] = json!(&**description);
            }
            told
        });
        body.insert("tools".into(), tools.collect());
    }
    if let Some(schema) = shape.enforced() {
        let format = json!({ "type": "json_schema", "schema": schema });
        body.insert("output_config".into(), json!({ "format": format }));
    }
    body.extend(body::entry("temperature", parameters.temperature));
    body.extend(body::entry("top_p", parameters.top_p));
    body.extend(body::texts("stop_sequences", &parameters.stop));
    body::finish(body, parameters)
}

/// System messages have no place among the others.
fn system(request: &ModelRequest) -> impl Iterator<Item = String> {
    request.messages.iter().filter_map(|message| match message {
        Message::System { content } => Some(content.to_text().to_string()),
        _ => None,
    })
}

/// The messages, of which two of one role in a row are one: all results of a turn have to stand together.
fn messages(request: &ModelRequest) -> Value {
    let mut messages: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in &request.messages {
        let (role, blocks) = match message {
            Message::System { .. } => continue,
            Message::User { content } => ("user", text(content).into_iter().collect()),
            Message::Assistant { .. } => ("assistant", said(message, &request.model.connection)),
            Message::Tool {
                call, content, failed, ..
            } => {
                let mut result = json!({
                    "type": "tool_result",
                    "tool_use_id": &**call,
                    "content": &*content.to_text(),
                });
                if *failed {
                    result["is_error"] = json!(true);
                }
                ("user", vec![result])
            }
        };
        if blocks.is_empty() {
            continue;
        }
        match messages.last_mut() {
            Some((last, earlier)) if *last == role => earlier.extend(blocks),
            _ => messages.push((role, blocks)),
        }
    }
    let messages = messages.into_iter();
    messages
        .map(|(role, blocks)| json!({ "role": role, "content": blocks }))
        .collect()
}

/// A text, which may not be empty here.
fn text(content: &Data) -> Option<Value> {
    let text = content.to_text();
    (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": &*text }))
}

fn said(message: &Message, connection: &Name) -> Vec<Value> {
    match message {
        Message::Assistant {
            opaque: Some(opaque), ..
        } if opaque.connection == *connection => {
            let blocks = opaque
                .data
                .as_list()
                .map(|blocks| blocks.iter().map(Data::to_json).collect());
            blocks.unwrap_or_default()
        }
        Message::Assistant { content, calls, .. } => {
            let calls = calls.iter().map(|call| {
                json!({
                    "type": "tool_use",
                    "id": &*call.id,
                    "name": &*call.name,
                    "input": calls::as_object(&call.arguments),
                })
            });
            content.as_ref().and_then(text).into_iter().chain(calls).collect()
        }
        Message::System { .. } | Message::User { .. } | Message::Tool { .. } => Vec::new(),
    }
}

/// Reads an answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The blocks of the answer by their place, each with the JSON of its input as far as it has come.
    blocks: BTreeMap<u64, (Value, String)>,
    stop: Option<String>,
    usage: Map<String, Value>,
    model: Option<String>,
    over: bool,
}

impl Reader {
    /// Reads the data of an event, and gives the text that it adds.
    pub fn event(&mut self, data: &str) -> Result<String, Failure> {
        let mut event = super::json(data)?;
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => self.head(&event["message"]),
            "content_block_start" => {
                let at = place(&event)?;
                self.blocks.insert(at, (event["content_block"].take(), String::new()));
            }
            "content_block_delta" => return self.delta(&event),
            "message_delta" => {
                if let Some(reason) = event["delta"]["stop_reason"].as_str() {
                    self.stop = Some(reason.to_owned());
                }
                self.used(&event["usage"]);
            }
            "message_stop" => self.over = true,
            "error" => return Err(refusal::in_answer(&event)),
            _ => {}
        }
        Ok(String::new())
    }

    fn delta(&mut self, event: &Value) -> Result<String, Failure> {
        let at = place(event)?;
        let Some((block, input)) = self.blocks.get_mut(&at) else {
            return Err(malformed("it goes on with a block that it has not begun"));
        };
        let delta = &event["delta"];
        let (kind, key) = match delta["type"].as_str().unwrap_or_default() {
            "text_delta" => ("text", "text"),
            "thinking_delta" => ("thinking", "thinking"),
            "signature_delta" => ("thinking", "signature"),
            "input_json_delta" => {
                input.push_str(delta["partial_json"].as_str().unwrap_or_default());
                return Ok(String::new());
            }
            _ => return Ok(String::new()),
        };
        let more = delta[key].as_str().unwrap_or_default();
        let Some(block) = block
            .as_object_mut()
            .filter(|block| block.get("type").is_some_and(|one| one == kind))
        else {
            return Err(malformed("it goes on with a block of another kind"));
        };
        match block.get_mut(key) {
            Some(Value::String(text)) => text.push_str(more),
            _ => drop(block.insert(key.to_owned(), json!(more))),
        }
        Ok(if kind == "text" { more.to_owned() } else { String::new() })
    }

    /// Reads the answer of a server that does not stream.
    pub fn whole(&mut self, mut message: Value) -> Result<String, Failure> {
        if message["type"] == "error" || !message["error"].is_null() {
            return Err(refusal::in_answer(&message));
        }
        let Value::Array(blocks) = message["content"].take() else {
            return Err(malformed("its `content` is no list"));
        };
        let blocks = blocks.into_iter().map(|block| (block, String::new()));
        self.blocks = (0..).zip(blocks).collect();
        self.stop = message["stop_reason"].as_str().map(str::to_owned);
        self.head(&message);
        self.over = true;
        Ok(String::new())
    }

    fn head(&mut self, message: &Value) {
        self.model = message["model"].as_str().map(str::to_owned);
        self.used(&message["usage"]);
    }

    /// What is told later counts, and stands for the whole answer.
    fn used(&mut self, usage: &Value) {
        let told = usage.as_object().into_iter().flatten();
        let told = told.filter(|(_, tokens)| tokens.is_number());
        self.usage
            .extend(told.map(|(key, tokens)| (key.clone(), tokens.clone())));
    }

    /// Whether nothing more comes.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The whole answer.
    pub fn reply(self, connection: &Name) -> Result<Reply, Failure> {
        if !self.over && self.stop.is_none() {
            return Err(super::truncated());
        }
        let (mut text, mut thoughts) = (String::new(), false);
        let mut calls = Calls::default();
        let mut blocks = Vec::new();
        for (mut block, input) in self.blocks.into_values() {
            match block["type"].as_str().unwrap_or_default() {
                "text" => text.push_str(block["text"].as_str().unwrap_or_default()),
                "tool_use" => {
                    let written = json!(input);
                    let input_of_block = block.get("input").cloned();
                    calls.add(Fragment {
                        id: block["id"].as_str(),
                        name: block["name"].as_str(),
                        arguments: if input.is_empty() {
                            input_of_block.as_ref()
                        } else {
                            Some(&written)
                        },
                        ..Fragment::default()
                    });
                    if !input.is_empty() {
                        block["input"] = calls::as_object(&calls::arguments(&input));
                    }
                }
                "thinking" | "redacted_thinking" => thoughts = true,
                _ => {}
            }
            blocks.push(block);
        }
        let finish = match self.stop.as_deref() {
            Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
            Some("refusal") => Finish::Filtered,
            _ => Finish::Stop,
        };
        Ok(Reply {
            finish,
            usage: usage(&self.usage),
            model: self.model.map(Into::into),
            // Thoughts are signed, and have to come back as they are.
            opaque: thoughts.then(|| Opaque {
                connection: connection.clone(),
                data: Data::from(Value::Array(blocks)),
            }),
            ..body::reply(text, calls.finish()?)
        })
    }
}

fn place(event: &Value) -> Result<u64, Failure> {
    event["index"]
        .as_u64()
        .ok_or_else(|| malformed("a block of it has no `index`"))
}

/// Here the tokens of a cache are no part of those of the input.
fn usage(usage: &Map<String, Value>) -> Option<Usage> {
    let tokens = |key: &str| usage.get(key).and_then(number);
    let cached = tokens("cache_read_input_tokens");
    let written = tokens("cache_creation_input_tokens").unwrap_or(0);
    Some(Usage {
        input_tokens: tokens("input_tokens")?
            .saturating_add(cached.unwrap_or(0))
            .saturating_add(written),
        output_tokens: tokens("output_tokens").unwrap_or(0),
        cached_tokens: cached,
    })
}
