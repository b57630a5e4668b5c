//! The translations, without connections.

mod asking;

use serde_json::{Value, json};

use super::answer::Answer;
use super::*;
use crate::data;
use crate::run::ToolCall;
use crate::run::{Finish, Usage};

/// A stream of each protocol in which the model says a few words and calls two tools, side by side.
fn calling(protocol: Protocol) -> String {
    match protocol {
        Protocol::Chat => {
            chunks(&[
                json!({ "model": "m-1", "choices": [{ "index": 0, "delta": { "role": "assistant", "content": "Gr\u{fc}" } }] }),
                json!({ "choices": [{ "index": 0, "delta": { "content": "\u{df}e" } }] }),
                json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [
                { "index": 0, "id": "c1", "type": "function", "function": { "name": "look", "arguments": "" } },
                { "index": 1, "id": "c2", "type": "function", "function": { "name": "find", "arguments": "{\"w\":" } },
            ] } }] }),
                json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [
                { "index": 1, "function": { "arguments": "\"\u{fc}\"}" } },
                { "index": 0, "function": { "arguments": "{}" } },
            ] } }] }),
                json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "tool_calls" }] }),
                json!({ "choices": [], "usage": {
                "prompt_tokens": 30, "completion_tokens": 7, "prompt_tokens_details": { "cached_tokens": 10 } } }),
            ]) + "data: [DONE]\n\n"
        }
        Protocol::Responses => {
            let message = json!({ "type": "message", "role": "assistant",
                "content": [{ "type": "output_text", "text": "Gr\u{fc}\u{df}e" }] });
            let look = json!({ "type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}" });
            let find =
                json!({ "type": "function_call", "call_id": "c2", "name": "find", "arguments": "{\"w\":\"\u{fc}\"}" });
            events(&[
                json!({ "type": "response.created", "response": { "status": "in_progress", "output": [] } }),
                json!({ "type": "response.output_text.delta", "output_index": 0, "delta": "Gr\u{fc}" }),
                json!({ "type": "response.output_text.delta", "output_index": 0, "delta": "\u{df}e" }),
                json!({ "type": "response.output_item.done", "output_index": 0, "item": message }),
                json!({ "type": "response.output_item.done", "output_index": 2, "item": find }),
                json!({ "type": "response.output_item.done", "output_index": 1, "item": look }),
                json!({ "type": "response.completed", "response": {
                    "status": "completed", "model": "m-1", "output": [],
                    "usage": { "input_tokens": 30, "output_tokens": 7, "input_tokens_details": { "cached_tokens": 10 } } } }),
            ])
        }
        Protocol::Anthropic => events(&[
            json!({ "type": "message_start", "message": { "model": "m-1", "content": [],
                "usage": { "input_tokens": 15, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 5,
                    "output_tokens": 1 } } }),
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
            json!({ "type": "ping" }),
            json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "Gr\u{fc}" } }),
            json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "\u{df}e" } }),
            json!({ "type": "content_block_stop", "index": 0 }),
            json!({ "type": "content_block_start", "index": 1,
                "content_block": { "type": "tool_use", "id": "c1", "name": "look", "input": {} } }),
            json!({ "type": "content_block_start", "index": 2,
                "content_block": { "type": "tool_use", "id": "c2", "name": "find", "input": {} } }),
            json!({ "type": "content_block_delta", "index": 2,
                "delta": { "type": "input_json_delta", "partial_json": "{\"w\":" } }),
            json!({ "type": "content_block_delta", "index": 1,
                "delta": { "type": "input_json_delta", "partial_json": "{}" } }),
            json!({ "type": "content_block_delta", "index": 2,
                "delta": { "type": "input_json_delta", "partial_json": "\"\u{fc}\"}" } }),
            json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 7 } }),
            json!({ "type": "message_stop" }),
        ]),
    }
}

/// Events without a type.
fn chunks(chunks: &[Value]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
}

/// Events with the type that their data tells.
fn events(events: &[Value]) -> String {
    let event = |event: &Value| format!("event: {}\r\ndata: {event}\r\n\r\n", event["type"].as_str().unwrap());
    events.iter().map(event).collect()
}

const PROTOCOLS: [Protocol; 3] = [Protocol::Chat, Protocol::Responses, Protocol::Anthropic];

fn read<'p>(protocol: Protocol, pieces: impl IntoIterator<Item = &'p [u8]>) -> Result<(String, Reply), Failure> {
    let mut answer = Answer::new(protocol);
    let mut text = String::new();
    for piece in pieces {
        text.push_str(&answer.feed(piece)?);
    }
    let (more, reply) = answer.end(&"one".into())?;
    Ok((text + &more, reply))
}

fn called() -> Reply {
    let call = |id: &str, name: &str, arguments| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments,
    };
    Reply {
        calls: vec![
            call("c1", "look", data!({})),
            call("c2", "find", data!({ "w": "\u{fc}" })),
        ],
        usage: Some(Usage {
            input_tokens: 30,
            output_tokens: 7,
            cached_tokens: Some(10),
        }),
        model: Some("m-1".into()),
        ..Reply::of(Some(data!("Gr\u{fc}\u{df}e")))
    }
}

#[test]
fn the_same_answer_is_read_from_every_protocol_wherever_it_is_cut() {
    let expected = Ok(("Gr\u{fc}\u{df}e".to_owned(), called()));
    for protocol in PROTOCOLS {
        let stream = calling(protocol);
        let bytes = stream.as_bytes();
        for at in 0..=bytes.len() {
            let (before, behind) = bytes.split_at(at);
            assert_eq!(read(protocol, [before, behind]), expected, "{protocol:?} cut at {at}");
        }
        assert_eq!(read(protocol, bytes.chunks(1)), expected, "{protocol:?}");
    }
}

#[test]
fn an_answer_that_ends_too_early_is_no_answer() {
    for protocol in PROTOCOLS {
        let stream = calling(protocol);
        let mut complete = 0;
        for at in 0..stream.len() {
            match read(protocol, [&stream.as_bytes()[..at]]) {
                Ok((_, reply)) => {
                    complete += 1;
                    assert_eq!((&reply.content, &reply.calls), (&called().content, &called().calls));
                }
                Err(failure) => assert_eq!(&*failure.code, "agent.decode", "{protocol:?} cut at {at}"),
            }
        }
        // Only what comes behind the reason to stop may be missing.
        assert!(complete < 300, "{protocol:?}: {complete} prefixes are answers");
    }
}

#[test]
fn a_server_that_does_not_stream_is_understood() {
    let whole = |protocol| match protocol {
        Protocol::Chat => json!({ "model": "m-1", "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": {
            "content": "Gr\u{fc}\u{df}e", "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "look", "arguments": "{}" } },
                { "id": "c2", "type": "function", "function": { "name": "find", "arguments": "{\"w\":\"\u{fc}\"}" } },
            ] } }],
            "usage": { "prompt_tokens": 30, "completion_tokens": 7, "prompt_tokens_details": { "cached_tokens": 10 } } }),
        Protocol::Responses => json!({ "status": "completed", "model": "m-1", "error": null, "output": [
            { "type": "message", "content": [{ "type": "output_text", "text": "Gr\u{fc}\u{df}e" }] },
            { "type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}" },
            { "type": "function_call", "call_id": "c2", "name": "find", "arguments": "{\"w\":\"\u{fc}\"}" },
        ], "usage": { "input_tokens": 30, "output_tokens": 7, "input_tokens_details": { "cached_tokens": 10 } } }),
        Protocol::Anthropic => json!({ "type": "message", "model": "m-1", "stop_reason": "tool_use", "content": [
            { "type": "text", "text": "Gr\u{fc}\u{df}e" },
            { "type": "tool_use", "id": "c1", "name": "look", "input": {} },
            { "type": "tool_use", "id": "c2", "name": "find", "input": { "w": "\u{fc}" } },
        ], "usage": { "input_tokens": 15, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 5,
            "output_tokens": 7 } }),
    };
    for protocol in PROTOCOLS {
        let text = format!(" \n{}", whole(protocol));
        let (_, reply) = read(protocol, text.as_bytes().chunks(3)).unwrap();
        assert_eq!(reply, called(), "{protocol:?}");
    }
}

#[test]
fn the_reason_to_stop_is_understood() {
    let chat = |reason: &str| json!({ "choices": [{ "message": { "content": "x" }, "finish_reason": reason }] });
    let responses = |status: &str, reason: Value| {
        json!({ "status": status, "incomplete_details": reason,
            "output": [{ "type": "message", "content": [{ "type": "output_text", "text": "x" }] }] })
    };
    let anthropic = |reason: &str| json!({ "content": [{ "type": "text", "text": "x" }], "stop_reason": reason });
    let cases = [
        (Protocol::Chat, chat("stop"), Finish::Stop),
        (Protocol::Chat, chat("length"), Finish::Length),
        (Protocol::Chat, chat("content_filter"), Finish::Filtered),
        (
            Protocol::Chat,
            json!({ "choices": [{ "message": { "content": null, "refusal": "No." }, "finish_reason": "stop" }] }),
            Finish::Filtered,
        ),
        (Protocol::Responses, responses("completed", json!(null)), Finish::Stop),
        (
            Protocol::Responses,
            responses("incomplete", json!({ "reason": "max_output_tokens" })),
            Finish::Length,
        ),
        (
            Protocol::Responses,
            responses("incomplete", json!({ "reason": "content_filter" })),
            Finish::Filtered,
        ),
        (
            Protocol::Responses,
            json!({ "status": "completed",
                "output": [{ "type": "message", "content": [{ "type": "refusal", "refusal": "No." }] }] }),
            Finish::Filtered,
        ),
        (Protocol::Anthropic, anthropic("end_turn"), Finish::Stop),
        (Protocol::Anthropic, anthropic("max_tokens"), Finish::Length),
        (Protocol::Anthropic, anthropic("refusal"), Finish::Filtered),
    ];
    for (protocol, whole, finish) in cases {
        let (_, reply) = read(protocol, [whole.to_string().as_bytes()]).unwrap();
        assert_eq!(reply.finish, finish, "{whole}");
    }
}

#[test]
fn what_is_no_answer_is_said_so() {
    let code = |protocol, text: &str| read(protocol, [text.as_bytes()]).unwrap_err().code;
    for protocol in PROTOCOLS {
        for text in [
            "",
            "  ",
            "<html>Sign in</html>",
            "data: {\n\n",
            "data: [1]\n\n",
            "data: 7\n\n",
            "{",
            "[]",
            "{\"choices\":7,\"content\":7,\"status\":7}",
            "data: \u{0}\n\n",
        ] {
            assert_eq!(&*code(protocol, text), "agent.decode", "{protocol:?} {text:?}");
        }
        assert_eq!(
            &*code(protocol, "{\"error\":{\"message\":\"No\"}}"),
            "agent.status",
            "{protocol:?}"
        );
        assert!(read(protocol, [b"data: \xff\n\n".as_slice()]).is_err());
    }
    let page = read(Protocol::Chat, [b"<html>Sign in</html>".as_slice()]).unwrap_err();
    assert!(page.message.contains("<html>Sign in</html>"), "{}", page.message);
}

#[test]
fn an_error_in_the_middle_of_an_answer_is_one() {
    let cases = [
        (
            Protocol::Chat,
            chunks(&[
                json!({ "choices": [{ "delta": { "content": "x" } }] }),
                json!({ "error": { "message": "Too many", "code": 429 } }),
            ]),
            429,
        ),
        (
            Protocol::Responses,
            events(&[json!({ "type": "response.failed", "response": { "status": "failed",
                "error": { "code": "server_error", "message": "Broken" } } })]),
            500,
        ),
        (
            Protocol::Responses,
            events(&[json!({ "type": "error", "code": "rate_limit_exceeded", "message": "Too many" })]),
            429,
        ),
        (
            Protocol::Anthropic,
            events(&[json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Busy" } })]),
            529,
        ),
    ];
    for (protocol, stream, status) in cases {
        let failure = read(protocol, [stream.as_bytes()]).unwrap_err();
        assert_eq!(&*failure.code, "agent.status", "{stream}");
        assert_eq!(failure.data.get("status"), Some(&Data::from(status)), "{stream}");
    }
}

#[test]
fn no_mutated_answer_makes_a_panic() {
    for protocol in PROTOCOLS {
        let stream = calling(protocol);
        for at in 0..stream.len() {
            for byte in [b'0', b'"', b'}', b'[', b'\n', 0xff] {
                let mut bytes = stream.as_bytes().to_vec();
                bytes[at] = byte;
                let _ = read(protocol, [bytes.as_slice()]);
            }
        }
    }
}

#[tokio::test]
async fn a_secret_that_comes_back_in_pieces_is_not_told() {
    let secrets = Secrets::new(|_| Ok(Some("s3cr3t-t0ken".into())));
    secrets
        .reveal(&Sealed::Text(vec![Part::Secret("KEY".into())]))
        .await
        .unwrap();
    let heard: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let sink = heard.clone();
    let deltas = crate::provider::Deltas::to(Arc::new(move |delta| sink.lock().unwrap().push(delta.text.to_string())));
    let mut told = Told::new(&deltas, &secrets);
    for piece in ["a s3c", "r3t-", "t0ken b s3", "x", " s3cr"] {
        told.more(piece);
    }
    told.end();
    assert_eq!(heard.lock().unwrap().concat(), "a [secret KEY] b s3x s3cr");
}
