//! A provider of models on loopback: it speaks the three protocols, says what it is told to say, and writes down what it
//! was asked.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};

/// What the model says next.
#[derive(Clone, Debug)]
pub enum Turn {
    /// A text.
    Says(&'static str),
    /// Calls, side by side: name and arguments.
    Calls(Vec<(&'static str, Value)>),
    /// An error, with headers.
    Refuses(u16, Vec<(&'static str, &'static str)>, Value),
    /// The beginning of a text, and then something else.
    Begins(&'static str, Then),
    /// Any bytes as an answer.
    Raw(&'static str),
}

/// How an answer that has begun goes on.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// Not at all, and the connection stays open.
    Stalls,
    /// The connection breaks.
    Breaks,
    /// It ends in good order, though it is not complete.
    Ends,
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Value,
}

#[derive(Clone)]
pub struct Server {
    pub port: u16,
    inner: Arc<Inner>,
}

struct Inner {
    turns: Mutex<VecDeque<Turn>>,
    asked: Mutex<Vec<Asked>>,
    /// Told when a client leaves an answer that is not over, and when one has begun.
    abandoned: tokio::sync::Semaphore,
    begun: tokio::sync::Semaphore,
    /// Into pieces of how many bytes answers are cut.
    piece: usize,
}

impl Server {
    /// A server on the runtime that this is called on.
    pub async fn new(turns: impl IntoIterator<Item = Turn>) -> Server {
        Server::cutting(usize::MAX, turns).await
    }

    /// The same, whose answers come in pieces of so many bytes.
    pub async fn cutting(piece: usize, turns: impl IntoIterator<Item = Turn>) -> Server {
        let inner = Arc::new(Inner {
            turns: Mutex::new(turns.into_iter().collect()),
            asked: Mutex::default(),
            abandoned: tokio::sync::Semaphore::new(0),
            begun: tokio::sync::Semaphore::new(0),
            piece,
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Server { port, inner }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }

    /// Waits until an answer has begun.
    pub async fn begun(&self) {
        patiently(self.inner.begun.acquire()).await;
    }

    /// Waits until a client has left in the middle of an answer.
    pub async fn abandoned(&self) {
        patiently(self.inner.abandoned.acquire()).await;
    }
}

/// What is waited for here comes at once, or never.
async fn patiently(waited: impl Future<Output = Result<tokio::sync::SemaphorePermit<'_>, tokio::sync::AcquireError>>) {
    let permit = tokio::time::timeout(std::time::Duration::from_secs(20), waited).await;
    permit.expect("it has not happened").unwrap().forget();
}

async fn answer(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let streams = body["stream"] == true;
    inner.asked.lock().unwrap().push(Asked {
        uri: uri.clone(),
        headers,
        body,
    });
    let protocol = Protocol::of(uri.path());
    let turn = inner
        .turns
        .lock()
        .unwrap()
        .pop_front()
        .expect("nothing more is to be said");
    let typed = |kind: &str, body: Body| Response::builder().header("content-type", kind).body(body).unwrap();
    let (text, then) = match turn {
        Turn::Refuses(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            return response.body(Body::from(body.to_string())).unwrap();
        }
        Turn::Raw(text) => return typed("text/event-stream", Body::from(text)),
        Turn::Begins(text, then) => (protocol.beginning(text), then),
        said if streams => (protocol.stream(&said), Then::Ends),
        said => return typed("application/json", Body::from(protocol.whole(&said).to_string())),
    };
    let pieces: Vec<Bytes> = text
        .as_bytes()
        .chunks(inner.piece.min(text.len()))
        .map(Bytes::copy_from_slice)
        .collect();
    let left = Left(inner.clone(), matches!(then, Then::Stalls));
    inner.begun.add_permits(1);
    let begun = stream::iter(pieces).map(Ok::<_, Box<dyn std::error::Error + Send + Sync>>);
    let rest: Pin<Box<dyn Stream<Item = _> + Send>> = match then {
        Then::Ends => Box::pin(stream::empty()),
        Then::Stalls => Box::pin(stream::pending()),
        Then::Breaks => Box::pin(stream::once(async {
            // What was said before is sent first.
            tokio::task::yield_now().await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            Err("broken".into())
        })),
    };
    typed(
        "text/event-stream",
        Body::from_stream(Watched {
            body: begun.chain(rest).boxed(),
            _left: left,
        }),
    )
}

/// A body that tells when it is dropped before its end.
struct Watched<S> {
    body: S,
    _left: Left,
}

struct Left(Arc<Inner>, bool);

impl Drop for Left {
    fn drop(&mut self) {
        if self.1 {
            self.0.abandoned.add_permits(1);
        }
    }
}

impl<S: Stream + Unpin> Stream for Watched<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.body.poll_next_unpin(context)
    }
}

#[derive(Clone, Copy)]
enum Protocol {
    Chat,
    Responses,
    Anthropic,
}

/// The events of a stream, in the form of `protocol`.
impl Protocol {
    fn of(path: &str) -> Protocol {
        match path {
            path if path.ends_with("/chat/completions") => Protocol::Chat,
            path if path.ends_with("/responses") => Protocol::Responses,
            path if path.ends_with("/messages") => Protocol::Anthropic,
            other => panic!("{other}"),
        }
    }

    fn events(self, events: &[Value]) -> String {
        let event = |event: &Value| match self {
            Protocol::Chat => format!("data: {event}\n\n"),
            _ => format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()),
        };
        events.iter().map(event).collect()
    }

    fn beginning(self, text: &str) -> String {
        self.events(&match self {
            Protocol::Chat => vec![json!({ "choices": [{ "index": 0, "delta": { "content": text } }] })],
            Protocol::Responses => {
                vec![json!({ "type": "response.output_text.delta", "output_index": 0, "delta": text })]
            }
            Protocol::Anthropic => vec![
                json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
                json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } }),
            ],
        })
    }

    /// An answer in pieces, letter by letter.
    fn stream(self, turn: &Turn) -> String {
        let whole = self.whole(turn);
        match self {
            Protocol::Chat => {
                let message = &whole["choices"][0]["message"];
                let mut events: Vec<Value> = letters(message["content"].as_str())
                    .map(|letter| json!({ "choices": [{ "index": 0, "delta": { "content": letter } }] }))
                    .collect();
                for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
                    let mut head = call.clone();
                    head["index"] = json!(index);
                    head["function"]["arguments"] = json!("");
                    events.push(json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [head] } }] }));
                }
                for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
                    for letter in letters(call["function"]["arguments"].as_str()) {
                        let piece = json!({ "index": index, "function": { "arguments": letter } });
                        events.push(json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [piece] } }] }));
                    }
                }
                let reason = &whole["choices"][0]["finish_reason"];
                events.push(json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }));
                events.push(json!({ "choices": [], "model": whole["model"], "usage": whole["usage"] }));
                self.events(&events) + "data: [DONE]\n\n"
            }
            Protocol::Responses => {
                let mut events = Vec::new();
                for (index, item) in whole["output"].as_array().into_iter().flatten().enumerate() {
                    for letter in letters(item["content"][0]["text"].as_str()) {
                        events.push(
                            json!({ "type": "response.output_text.delta", "output_index": index, "delta": letter }),
                        );
                    }
                    events.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
                }
                events.push(json!({ "type": "response.completed", "response": whole }));
                self.events(&events)
            }
            Protocol::Anthropic => {
                let mut head = whole.clone();
                head["content"] = json!([]);
                let mut events = vec![json!({ "type": "message_start", "message": head })];
                for (index, block) in whole["content"].as_array().into_iter().flatten().enumerate() {
                    let mut begun = block.clone();
                    let (key, kind, pieces) = match block["type"].as_str() {
                        Some("text") => ("text", "text_delta", block["text"].as_str().unwrap().to_owned()),
                        _ => ("partial_json", "input_json_delta", block["input"].to_string()),
                    };
                    match key {
                        "text" => begun["text"] = json!(""),
                        _ => begun["input"] = json!({}),
                    }
                    events.push(json!({ "type": "content_block_start", "index": index, "content_block": begun }));
                    for letter in letters(Some(&pieces)) {
                        let delta = json!({ "type": kind, key: letter });
                        events.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
                    }
                    events.push(json!({ "type": "content_block_stop", "index": index }));
                }
                events.push(
                    json!({ "type": "message_delta", "delta": { "stop_reason": whole["stop_reason"] },
                    "usage": { "output_tokens": whole["usage"]["output_tokens"] } }),
                );
                events.push(json!({ "type": "message_stop" }));
                self.events(&events)
            }
        }
    }

    /// An answer in one piece.
    fn whole(self, turn: &Turn) -> Value {
        let (text, calls) = match turn {
            Turn::Says(text) => (Some(*text), Vec::new()),
            Turn::Calls(calls) => (None, calls.clone()),
            other => panic!("{other:?}"),
        };
        let calls = calls.into_iter().enumerate();
        match self {
            Protocol::Chat => {
                let calls: Vec<Value> = calls
                    .map(|(at, (name, arguments))| {
                        json!({ "id": format!("c{at}"), "type": "function",
                            "function": { "name": name, "arguments": arguments.to_string() } })
                    })
                    .collect();
                let reason = if calls.is_empty() { "stop" } else { "tool_calls" };
                json!({ "model": "m-1", "usage": { "prompt_tokens": 20, "completion_tokens": 5 }, "choices": [{
                    "index": 0, "finish_reason": reason, "message": { "content": text, "tool_calls": calls } }] })
            }
            Protocol::Responses => {
                let said = text.map(|text| {
                    json!({ "type": "message", "role": "assistant",
                    "content": [{ "type": "output_text", "text": text }] })
                });
                let calls = calls.map(|(at, (name, arguments))| {
                    json!({ "type": "function_call", "call_id": format!("c{at}"), "name": name,
                        "arguments": arguments.to_string() })
                });
                let output: Vec<Value> = said.into_iter().chain(calls).collect();
                json!({ "status": "completed", "model": "m-1", "output": output,
                    "usage": { "input_tokens": 20, "output_tokens": 5 } })
            }
            Protocol::Anthropic => {
                let said = text.map(|text| json!({ "type": "text", "text": text }));
                let calls = calls.map(|(at, (name, arguments))| {
                    json!({ "type": "tool_use", "id": format!("c{at}"), "name": name, "input": arguments })
                });
                let content: Vec<Value> = said.into_iter().chain(calls).collect();
                let reason = if text.is_some() { "end_turn" } else { "tool_use" };
                json!({ "type": "message", "model": "m-1", "stop_reason": reason, "content": content,
                    "usage": { "input_tokens": 20, "output_tokens": 5 } })
            }
        }
    }
}

/// A text letter by letter.
fn letters(text: Option<&str>) -> impl Iterator<Item = String> {
    text.unwrap_or_default().chars().map(String::from)
}
