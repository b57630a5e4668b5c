//! What is asked, in the words of each protocol.

use serde_json::json;

use super::*;
use crate::graph::{ModelName, Parameters};
use crate::run::Opaque;
use crate::run::{Message, ModelRequest, ToolSpec};

/// The second turn of a conversation.
fn asked(schema: Option<Data>) -> ModelRequest {
    let mut thought = called();
    thought.opaque = Some(Opaque {
        connection: "other".into(),
        data: data!([{ "type": "thinking" }]),
    });
    let result = |call: &str, name: &str, content: &str, failed| Message::Tool {
        call: call.into(),
        name: name.into(),
        content: data!(content),
        failed,
    };
    ModelRequest {
        agent: "desk".into(),
        turn: 1,
        model: ModelName::parse("one/m-1").unwrap(),
        instructions: Some("Be brief.".into()),
        earlier: 0,
        messages: vec![
            Message::User {
                content: data!({ "n": 1 }),
            },
            thought.message(),
            result("c1", "look", "seen", false),
            result("c2", "find", "lost", true),
        ],
        tools: vec![ToolSpec {
            name: "look".into(),
            description: Some("Looks.".into()),
            parameters: data!({ "type": "object" }),
        }],
        schema,
        parameters: Parameters {
            temperature: Some(0.5),
            max_tokens: Some(100),
            extra: [("user".into(), data!("u1")), ("temperature".into(), Data::Null)]
                .into_iter()
                .collect(),
            ..Parameters::default()
        },
    }
}

fn closed() -> Data {
    data!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } })
}

#[test]
fn a_conversation_becomes_chat_completions() {
    let body = chat::request(&asked(Some(closed())), chat::MaxTokens::of("127.0.0.1"));
    assert_eq!(
        body,
        json!({
            "model": "m-1",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "{\"n\":1}" },
                { "role": "assistant", "content": "Gr\u{fc}\u{df}e", "tool_calls": [
                    { "id": "c1", "type": "function", "function": { "name": "look", "arguments": "{}" } },
                    { "id": "c2", "type": "function",
                        "function": { "name": "find", "arguments": "{\"w\":\"\u{fc}\"}" } },
                ] },
                { "role": "tool", "tool_call_id": "c1", "content": "seen" },
                { "role": "tool", "tool_call_id": "c2", "content": "lost" },
            ],
            "stream": true,
            "stream_options": { "include_usage": true },
            "tools": [{ "type": "function",
                "function": { "name": "look", "description": "Looks.", "parameters": { "type": "object" } } }],
            "response_format": { "type": "json_schema", "json_schema": { "name": "answer", "strict": true, "schema":
                { "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } },
                    "additionalProperties": false } } },
            "max_tokens": 100,
            "user": "u1",
        })
    );
    let openai = chat::request(&asked(None), chat::MaxTokens::of("api.openai.com"));
    assert_eq!(
        (&openai["max_completion_tokens"], openai.get("max_tokens")),
        (&json!(100), None)
    );
}

#[test]
fn a_conversation_becomes_responses() {
    let body = responses::request(&asked(Some(closed()))).unwrap();
    assert_eq!(
        body,
        json!({
            "model": "m-1",
            "instructions": "Be brief.",
            "input": [
                { "role": "user", "content": "{\"n\":1}" },
                { "role": "assistant", "content": "Gr\u{fc}\u{df}e" },
                { "type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}" },
                { "type": "function_call", "call_id": "c2", "name": "find", "arguments": "{\"w\":\"\u{fc}\"}" },
                { "type": "function_call_output", "call_id": "c1", "output": "seen" },
                { "type": "function_call_output", "call_id": "c2", "output": "lost" },
            ],
            "stream": true,
            "store": false,
            "tools": [{ "type": "function", "name": "look", "description": "Looks.", "strict": false,
                "parameters": { "type": "object" } }],
            "text": { "format": { "type": "json_schema", "name": "answer", "strict": true, "schema":
                { "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } },
                    "additionalProperties": false } } },
            "max_output_tokens": 100,
            "user": "u1",
        })
    );
    let mut stopping = asked(None);
    stopping.parameters.stop = vec!["END".into()];
    assert_eq!(&*responses::request(&stopping).unwrap_err().code, "agent.invalid");
}

#[test]
fn a_conversation_becomes_messages() {
    let body = anthropic::request(&asked(Some(closed())));
    assert_eq!(
        body,
        json!({
            "model": "m-1",
            "max_tokens": 100,
            "system": "Be brief.",
            "messages": [
                { "role": "user", "content": [{ "type": "text", "text": "{\"n\":1}" }] },
                { "role": "assistant", "content": [
                    { "type": "text", "text": "Gr\u{fc}\u{df}e" },
                    { "type": "tool_use", "id": "c1", "name": "look", "input": {} },
                    { "type": "tool_use", "id": "c2", "name": "find", "input": { "w": "\u{fc}" } },
                ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "c1", "content": "seen" },
                    { "type": "tool_result", "tool_use_id": "c2", "content": "lost", "is_error": true },
                ] },
            ],
            "stream": true,
            "tools": [{ "name": "look", "description": "Looks.", "input_schema": { "type": "object" } }],
            "output_config": { "format": { "type": "json_schema", "schema":
                { "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } },
                    "additionalProperties": false } } },
            "user": "u1",
        })
    );
}

#[test]
fn a_shape_that_cannot_be_enforced_is_told() {
    let list = asked(Some(data!({ "type": "array", "items": { "type": "string" } })));
    let told = "Be brief.\n\nAnswer with nothing but JSON of this JSON Schema:\n\
                {\"type\":\"array\",\"items\":{\"type\":\"string\"}}";
    let chat = chat::request(&list, chat::MaxTokens::Old);
    assert_eq!(
        (&chat["messages"][0]["content"], chat.get("response_format")),
        (&json!(told), None)
    );
    let responses = responses::request(&list).unwrap();
    assert_eq!(
        (&responses["instructions"], responses.get("text")),
        (&json!(told), None)
    );
    let anthropic = anthropic::request(&list);
    assert_eq!(
        (&anthropic["system"], anthropic.get("output_config")),
        (&json!(told), None)
    );
    // Where a property may be absent, strictness would forbid that.
    let open = asked(Some(
        data!({ "type": "object", "properties": { "n": { "type": "integer" } } }),
    ));
    let chat = chat::request(&open, chat::MaxTokens::Old);
    assert_eq!(chat["response_format"]["json_schema"]["strict"], json!(false));
    // The author's own word replaces it.
    let mut own = asked(Some(closed()));
    own.parameters.extra = [("response_format".into(), Data::Null)].into_iter().collect();
    let chat = chat::request(&own, chat::MaxTokens::Old);
    assert_eq!(chat.get("response_format"), None);
    assert!(chat["messages"][0]["content"].as_str().unwrap().contains("JSON Schema"));
}

#[test]
fn thoughts_go_back_to_who_had_them_as_they_were() {
    let blocks = json!([
        { "type": "thinking", "thinking": "Hm.", "signature": "s1" },
        { "type": "tool_use", "id": "c1", "name": "look", "input": { "a": 1 } },
    ]);
    let stream = events(&[
        json!({ "type": "content_block_start", "index": 0,
            "content_block": { "type": "thinking", "thinking": "", "signature": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "thinking_delta", "thinking": "Hm." } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "signature_delta", "signature": "s1" } }),
        json!({ "type": "content_block_start", "index": 1,
            "content_block": { "type": "tool_use", "id": "c1", "name": "look", "input": {} } }),
        json!({ "type": "content_block_delta", "index": 1,
            "delta": { "type": "input_json_delta", "partial_json": "{\"a\":1}" } }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" } }),
        json!({ "type": "message_stop" }),
    ]);
    let (text, reply) = read(Protocol::Anthropic, [stream.as_bytes()]).unwrap();
    assert_eq!(text, "", "thoughts are not told");
    let mut request = asked(None);
    request.messages = vec![Message::User { content: data!("Hi") }, reply.message()];
    assert_eq!(anthropic::request(&request)["messages"][1]["content"], blocks);

    let reasoning = json!({ "type": "reasoning", "id": "rs1", "summary": [], "encrypted_content": "e1" });
    let call = json!({ "type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}" });
    let whole = json!({ "status": "completed", "output": [reasoning, call] });
    let (_, reply) = read(Protocol::Responses, [whole.to_string().as_bytes()]).unwrap();
    request.messages = vec![reply.message()];
    assert_eq!(responses::request(&request).unwrap()["input"], json!([reasoning, call]));
}
