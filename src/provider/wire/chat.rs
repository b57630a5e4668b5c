//! Chat completions: `POST /chat/completions`, as OpenAI has them, Azure, Ollama and many others.

use serde_json::{Map, Value, json};

use super::body::{self, Shape};
use super::calls::{self, Calls, Fragment};
use super::schema::Dialect;
use super::{malformed, number, refusal};
use crate::run::{Failure, Finish, Message, ModelRequest, Reply, Usage};

/// How a server calls the number of tokens that an answer may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MaxTokens {
    /// `max_tokens`, the old name that all know but the newer models of OpenAI.
    Old,
    /// `max_completion_tokens`, which only OpenAI is sure to know.
    New,
}

impl MaxTokens {
    /// By the host that is asked.
    pub fn of(host: &str) -> MaxTokens {
        match ["openai.com", "azure.com"].iter().any(|known| host.ends_with(known)) {
            true => MaxTokens::New,
            false => MaxTokens::Old,
        }
    }

    fn word(self) -> &'static str {
        match self {
            MaxTokens::Old => "max_tokens",
            MaxTokens::New => "max_completion_tokens",
        }
    }
}

/// The body of a request.
pub(super) fn request(request: &ModelRequest, max_tokens: MaxTokens) -> Value {
    let shape = Shape::of(request, Dialect::AllRequired, &["response_format"]);
    let mut messages = Vec::new();
    if let Some(instructions) = shape.instructions(request) {
        messages.push(json!({ "role": "system", "content": instructions }));
    }
    messages.extend(request.messages.iter().map(message));
    let mut body = Map::new();
    body.insert("model".into(), json!(&*request.model.model));
    body.insert("messages".into(), Value::Array(messages));
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({ "include_usage": true }));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let mut function = json!({ "name": &*tool.name, "parameters": tool.parameters.to_json() });
            if let Some(description) = &tool.description {
                function["description"] = json!(&**description);
            }
            json!({ "type": "function", "function": function })
        });
        body.insert("tools".into(), tools.collect());
    }
    if let Some(format) = shape.format() {
        body.insert(
            "response_format".into(),
            json!({ "type": "json_schema", "json_schema": format }),
        );
    }
    let parameters = &request.parameters;
    body.extend(body::entry("temperature", parameters.temperature));
    body.extend(body::entry("top_p", parameters.top_p));
    body.extend(body::entry(max_tokens.word(), parameters.max_tokens));
    body.extend(body::entry("seed", parameters.seed));
    body.extend(body::texts("stop", &parameters.stop));
    body::finish(body, parameters)
}

fn message(message: &Message) -> Value {
    match message {
        Message::System { content } => json!({ "role": "system", "content": &*content.to_text() }),
        Message::User { content } => json!({ "role": "user", "content": &*content.to_text() }),
        Message::Assistant { content, calls, .. } => {
            let text = content.as_ref().map(|content| content.to_text());
            let mut said = json!({ "role": "assistant", "content": text.as_deref() });
            if !calls.is_empty() {
                let calls = calls.iter().map(|call| {
                    let arguments = calls::as_object(&call.arguments).to_string();
                    let function = json!({ "name": &*call.name, "arguments": arguments });
                    json!({ "id": &*call.id, "type": "function", "function": function })
                });
                said["tool_calls"] = calls.collect();
            }
            said
        }
        Message::Tool { call, content, .. } => {
            json!({ "role": "tool", "tool_call_id": &**call, "content": &*content.to_text() })
        }
    }
}

/// Reads an answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    text: String,
    refused: bool,
    calls: Calls,
    finish: Option<Finish>,
    usage: Option<Usage>,
    model: Option<String>,
    done: bool,
}

impl Reader {
    /// Reads the data of an event, and gives the text that it adds.
    pub fn event(&mut self, data: &str) -> Result<String, Failure> {
        if data.trim() == "[DONE]" {
            self.done = true;
            return Ok(String::new());
        }
        self.whole(&super::json(data)?)
    }

    /// Reads a chunk, or the whole answer of a server that does not stream.
    pub fn whole(&mut self, chunk: &Value) -> Result<String, Failure> {
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            return Err(refusal::in_answer(chunk));
        }
        if let Some(model) = chunk["model"].as_str().filter(|model| !model.is_empty()) {
            self.model = Some(model.to_owned());
        }
        if let Some(usage) = usage(&chunk["usage"]) {
            self.usage = Some(usage);
        }
        let choices = match &chunk["choices"] {
            Value::Array(choices) => choices.as_slice(),
            Value::Null => &[],
            _ => return Err(malformed("its `choices` are no list")),
        };
        // Only one answer is asked for.
        let first = choices.iter().find(|choice| choice["index"].as_u64().unwrap_or(0) == 0);
        let Some(choice) = first else {
            return Ok(String::new());
        };
        let said = choice.get("delta").or_else(|| choice.get("message"));
        let text = self.said(said.unwrap_or(&Value::Null))?;
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.finish = Some(match reason {
                "length" => Finish::Length,
                "content_filter" => Finish::Filtered,
                _ => Finish::Stop,
            });
        }
        Ok(text)
    }

    fn said(&mut self, said: &Value) -> Result<String, Failure> {
        let text = match &said["content"] {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            Value::Null => String::new(),
            _ => return Err(malformed("its `content` is no text")),
        };
        self.text.push_str(&text);
        self.refused |= said["refusal"].as_str().is_some_and(|refusal| !refusal.is_empty());
        for call in said["tool_calls"].as_array().into_iter().flatten() {
            self.calls.add(Fragment {
                index: call["index"].as_u64(),
                id: call["id"].as_str(),
                name: call["function"]["name"].as_str(),
                arguments: call["function"].get("arguments"),
            });
        }
        Ok(text)
    }

    /// Whether nothing more comes.
    pub fn is_over(&self) -> bool {
        self.done
    }

    /// The whole answer.
    pub fn reply(self) -> Result<Reply, Failure> {
        let finish = match (self.refused, self.finish) {
            (true, _) => Finish::Filtered,
            (false, Some(finish)) => finish,
            // Some servers say no reason, and end in good order all the same.
            (false, None) if self.done => Finish::Stop,
            (false, None) => return Err(super::truncated()),
        };
        Ok(Reply {
            finish,
            usage: self.usage,
            model: self.model.map(Into::into),
            ..body::reply(self.text, self.calls.finish()?)
        })
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let input = number(&usage["prompt_tokens"])?;
    Some(Usage {
        input_tokens: input,
        output_tokens: number(&usage["completion_tokens"]).unwrap_or(0),
        cached_tokens: number(&usage["prompt_tokens_details"]["cached_tokens"]),
    })
}
