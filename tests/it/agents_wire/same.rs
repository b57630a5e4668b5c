//! The same workflow with each provider.

use std::sync::Mutex;

use interpret::data;
use serde_json::{Value, json};

use super::*;

/// Two tools side by side, and an answer of a certain shape that is wrong at first.
const DESK: &str = "
kind: Workflow
id: test
steps:
  - kind: andAgent
    id: desk
    agent:
      model: one/m
      instructions: You look things up.
      temperature: 0
      tools:
        - workflow: double
    prompt: Go
    schema: { type: object, required: [sum], properties: { sum: { type: integer } } }
    output: { sum: =result.sum, turns: =response.turns, tokens: =response.inputTokens + response.outputTokens, model: =response.model }
---
kind: Workflow
id: double
purpose: Twice a number
inputSchema: { type: object, required: [n], properties: { n: { type: integer } } }
steps: [{ kind: andThen, id: twice, set: =input.n * 2 }]
";

fn turns() -> Vec<Turn> {
    vec![
        Turn::Calls(vec![("double", json!({ "n": 3 })), ("double", json!({ "n": 4 }))]),
        Turn::Says("{\"sum\":\"fourteen\"}"),
        Turn::Says("{\"sum\":14}"),
    ]
}

#[test]
fn the_same_workflow_gives_the_same_with_each_provider() {
    let expected = RunEnd::Completed(data!({ "sum": 14, "turns": 3, "tokens": 75, "model": "m-1" }));
    for kind in KINDS {
        for piece in [usize::MAX, 7, 1] {
            block_on(async {
                let server = Server::cutting(piece, turns()).await;
                let driver = Setting::new(kind).driver(server.port);
                assert_eq!(end(&driver, DESK).await, expected, "{kind}");
                let asked = server.asked();
                assert_eq!(asked.len(), 3, "{kind}");
                assert!(results(kind, &asked[1].body), "{kind}: {}", asked[1].body);
                assert!(
                    asked[2].body.to_string().contains("does not match its schema"),
                    "{kind}"
                );
            });
        }
    }
}

/// Whether the results of both calls stand in a request, each with the id of its call.
fn results(kind: &str, body: &Value) -> bool {
    let texts = ["6", "8"];
    let found = |at: usize, text: &str| match kind {
        "chat-completions" => {
            let id = format!("c{at}");
            let mut messages = body["messages"].as_array().unwrap().iter();
            messages.any(|message| message["tool_call_id"] == *id && message["content"] == *text)
        }
        "responses" => {
            let id = format!("c{at}");
            let mut items = body["input"].as_array().unwrap().iter();
            items
                .any(|item| item["type"] == "function_call_output" && item["call_id"] == *id && item["output"] == *text)
        }
        _ => {
            let block = &body["messages"].as_array().unwrap().last().unwrap()["content"][at];
            block["tool_use_id"] == format!("c{at}") && block["content"] == *text
        }
    };
    texts.iter().enumerate().all(|(at, text)| found(at, text))
}

#[test]
fn a_server_that_does_not_stream_will_do() {
    for kind in KINDS {
        block_on(async {
            let server = Server::new([Turn::Says("Hello")]).await;
            let driver = Setting::new(kind).driver(server.port);
            let text = PLAIN.replace("model: one/m", "model: one/m, parameters: { extra: { stream: false } }");
            assert_eq!(end(&driver, &text).await, RunEnd::Completed(data!("Hello")), "{kind}");
        });
    }
}

#[test]
fn text_is_told_as_it_comes() {
    for kind in KINDS {
        block_on(async {
            let told: Arc<Mutex<Vec<String>>> = Arc::default();
            let heard = told.clone();
            let server = Server::cutting(5, [Turn::Says("One w\u{f6}rd")]).await;
            let driver = Setting {
                sink: Some(Arc::new(move |delta| {
                    heard.lock().unwrap().push(delta.text.to_string())
                })),
                ..Setting::new(kind)
            };
            let driver = driver.driver(server.port);
            assert_eq!(end(&driver, PLAIN).await, RunEnd::Completed(data!("One w\u{f6}rd")));
            let told = told.lock().unwrap();
            assert_eq!(told.concat(), "One w\u{f6}rd", "{kind}");
            assert!(told.len() > 1, "{kind}: {told:?}");
        });
    }
}

#[test]
fn each_kind_says_who_asks_in_its_own_way() {
    for (kind, path, header, value) in [
        (
            "chat-completions",
            "/v1/chat/completions",
            "authorization",
            format!("Bearer {KEY}"),
        ),
        ("responses", "/v1/responses", "authorization", format!("Bearer {KEY}")),
        ("anthropic", "/v1/messages", "x-api-key", KEY.to_owned()),
    ] {
        block_on(async {
            let server = Server::new([Turn::Says("Hello")]).await;
            let driver = Setting::new(kind).driver(server.port);
            end(&driver, PLAIN).await;
            let asked = &server.asked()[0];
            assert_eq!(asked.uri.to_string(), path);
            assert_eq!(asked.headers[header], value, "{kind}");
            assert_eq!(asked.headers["idempotency-key"], "r1/desk[0]#1", "{kind}");
            assert_eq!(asked.headers.contains_key("anthropic-version"), kind == "anthropic");
            assert_eq!(asked.body["model"], "m");
        });
    }
}

#[test]
fn azure_is_a_matter_of_configuration() {
    block_on(async {
        let server = Server::new([Turn::Says("Hello")]).await;
        let setting = Setting {
            more: "    headers: { api-key: =secrets.KEY, Authorization: none }\n    query: { api-version: \"2024-10-21\" }\n",
            ..Setting::new("chat-completions")
        };
        let driver = setting.driver(server.port);
        assert_eq!(end(&driver, PLAIN).await, RunEnd::Completed(data!("Hello")));
        let asked = &server.asked()[0];
        assert_eq!(asked.uri.to_string(), "/v1/chat/completions?api-version=2024-10-21");
        assert_eq!(asked.headers["api-key"], KEY);
        // A header of the configuration takes the place of the one that is made of the key.
        assert_eq!(
            asked.headers.get_all("authorization").iter().collect::<Vec<_>>(),
            ["none"]
        );
    });
}
