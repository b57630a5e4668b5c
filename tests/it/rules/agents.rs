//! Agents: rules 21, 25, 35 and 42, and what the architecture says of turns and calls of tools.

use interpret::data::Data;
use interpret::run::{Finish, Message, Reply, Request, Usage, What};
use serde_json::{Value as Json, json};

use super::play::{Play, Played, play, refused};

/// A workflow that asks an agent, with keys of the agent and of the step.
fn asks(agent: &str, step: &str) -> Play {
    play(&format!(
        "kind: Workflow
id: test
steps:
  - kind: andAgent
    id: desk
    agent: clerk
    prompt: \"Help {{{{ input.who | default('me') }}}}\"
{step}
---
kind: Agent
id: clerk
model: one/small
instructions: You help.
{agent}
---
kind: Workflow
id: refund
purpose: Pay money back
inputSchema: {{ type: object, required: [amount], properties: {{ amount: {{ type: number }}, note: {{ default: none }} }} }}
steps:
  - {{ kind: andThen, id: pay, http: {{ url: 'https://bank.example', body: =input }}, output: {{ paid: =input.amount, note: =input.note }} }}
"
    ))
}

const SEARCH: &str = "tools:
  - { function: search, inputSchema: { type: object, required: [words], properties: { words: { type: string } } } }
  - { workflow: refund, approval: =arguments.amount > 100 }
";

/// The messages of a turn, as the provider is given them.
fn messages(played: &Played, effect: &str) -> Vec<Json> {
    let Request::Model(request) = played.request(effect) else {
        panic!("{effect} is no turn")
    };
    request
        .messages
        .iter()
        .map(|message| message.to_data().to_json())
        .collect()
}

fn said(text: &str, input: u64, output: u64) -> Reply {
    Reply {
        usage: Some(Usage {
            input_tokens: input,
            output_tokens: output,
            cached_tokens: None,
        }),
        ..Reply::of(Some(Data::from(text)))
    }
}

#[test]
fn a_turn_asks_the_model_and_its_answer_is_the_result() {
    let played = asks("temperature: 0.5\n", "").answer("desk", json!("Done")).run();
    assert_eq!(played.result(), json!("Done"));
    assert_eq!(played.effects(), ["desk[0]#1"]);
    let Request::Model(request) = played.request("desk[0]#1") else {
        panic!()
    };
    assert_eq!(request.model.to_string(), "one/small");
    assert_eq!(request.instructions.as_deref(), Some("You help."));
    assert_eq!(request.parameters.temperature, Some(0.5));
    assert_eq!(
        request.messages,
        [Message::User {
            content: Data::from("Help me")
        }]
    );
}

#[test]
fn calls_of_tools_run_side_by_side_and_their_results_are_the_next_turn() {
    let played = asks(SEARCH, "")
        .wants(
            "desk",
            &[
                ("search", json!({ "words": "tea" })),
                ("refund", json!({ "amount": 5 })),
            ],
        )
        .answer("desk", json!("Two things done"))
        .answer("desk/search", json!(["a page"]))
        .takes(30)
        .answer("pay", json!(null))
        .takes(50)
        .run();
    assert_eq!(played.result(), json!("Two things done"));
    assert_eq!(
        played.effects(),
        [
            "desk[0]#1",
            "desk[0]/search[0]#1",
            "desk[0]/refund[1]:pay#1",
            "desk[1]#1"
        ]
    );
    assert_eq!(played.called_at("desk[1]"), [50], "both ran at once");
    assert_eq!(
        messages(&played, "desk[1]#1"),
        [
            json!({ "role": "user", "content": "Help me" }),
            json!({ "role": "assistant", "calls": [{ "search": { "words": "tea" } }, { "refund": { "amount": 5 } }] }),
            json!({ "tool": "search", "content": ["a page"] }),
            // What the workflow lacks in its input is filled in.
            json!({ "tool": "refund", "content": { "paid": 5, "note": "none" } }),
        ]
    );
    let Request::Model(request) = played.request("desk[1]#1") else {
        panic!()
    };
    assert_eq!(
        request.instructions.as_deref(),
        Some("You help."),
        "each turn is asked whole"
    );
    let tools: Vec<_> = request
        .tools
        .iter()
        .map(|tool| (&*tool.name, tool.description.as_deref()))
        .collect();
    assert_eq!(tools, [("search", None), ("refund", Some("Pay money back"))]);
    assert_eq!(
        request.tools[1].parameters.pointer("/required/0"),
        Some(&Data::from("amount"))
    );
}

#[test]
fn what_goes_wrong_with_a_tool_is_told_to_the_model() {
    let played = asks(SEARCH, "")
        .wants(
            "desk",
            &[
                ("search", json!({ "words": "tea" })),
                ("search", json!({ "words": 3 })),
                ("serch", json!({})),
                ("search", json!("{ broken")),
            ],
        )
        .answer("desk", json!("No luck"))
        .fails("desk/search", "search.down")
        .run();
    assert_eq!(played.result(), json!("No luck"));
    assert_eq!(played.effects(), ["desk[0]#1", "desk[0]/search[0]#1", "desk[1]#1"]);
    let told = &messages(&played, "desk[1]#1")[2..];
    let codes: Vec<&Json> = told.iter().map(|told| &told["content"]["error"]["code"]).collect();
    assert_eq!(
        codes,
        ["search.down", "tool.arguments", "tool.unknown", "tool.arguments"]
    );
    assert!(told[2].to_string().contains("there are search, refund"), "{told:?}");
}

#[test]
fn rule_35_a_person_allows_the_very_call() {
    let asked = || {
        asks(SEARCH, "")
            .wants("desk", &[("refund", json!({ "amount": 500 }))])
            .answer("desk", json!("Done"))
            .answer("pay", json!(null))
    };
    let played = asked().run();
    assert_eq!(played.run_status(), "suspended");
    assert_eq!(played.waiting(), ["desk[0]/approve.refund[0]"]);
    assert_eq!(
        played.told("desk[0]/approve.refund[0]", What::WaitStarted),
        [json!({
            "reason": "May the agent call `refund`?",
            "data": { "tool": "refund", "arguments": { "amount": 500, "note": "none" } },
        })]
    );
    let played = asked().resume("desk", json!({ "approved": true })).run();
    assert_eq!(played.effects(), ["desk[0]#1", "desk[0]/refund[0]:pay#1", "desk[1]#1"]);

    let played = asked()
        .resume("desk", json!({ "approved": false, "reason": "too much" }))
        .run();
    assert_eq!(played.result(), json!("Done"));
    assert_eq!(played.effects(), ["desk[0]#1", "desk[1]#1"], "nothing was paid");
    let told = messages(&played, "desk[1]#1")[2].clone();
    assert_eq!(told["content"]["error"]["code"], "tool.refused");
    assert!(told.to_string().contains("too much"), "{told}");

    let played = asked().refuse("desk", json!({ "approve": true })).run();
    assert!(played.refusals()[0].contains("approved"), "{:?}", played.refusals());
}

#[test]
fn rule_21_an_answer_of_the_wrong_shape_is_sent_back_a_bounded_number_of_times() {
    let shape = "    schema: { type: object, required: [team], properties: { team: { enum: [sales, support] } } }";
    let played = asks("", shape)
        .answer("desk", json!("kitchen"))
        .answer("desk", json!({ "team": "sales" }))
        .run();
    assert_eq!(played.result(), json!({ "team": "sales" }));
    let told = messages(&played, "desk[1]#1");
    assert_eq!(told[1], json!({ "role": "assistant", "content": "kitchen" }));
    assert!(
        told[2]["content"]
            .as_str()
            .unwrap()
            .contains("does not match its schema"),
        "{told:?}"
    );
    // A text that is JSON counts as what it says.
    let fenced = "```json\n{ \"team\": \"support\" }\n```";
    let played = asks("", shape).answer("desk", json!(fenced)).run();
    assert_eq!(played.result(), json!({ "team": "support" }));

    let played = asks("", shape).answer("desk", json!({ "team": "kitchen" })).run();
    assert_eq!(played.error()["code"], "schema.output");
    assert_eq!(played.error()["data"], json!({ "agent": "clerk" }));
    assert_eq!(played.effects().len(), 3, "two corrections by default");
    let played = asks("limits: { corrections: 0 }\n", shape)
        .answer("desk", json!({ "team": "kitchen" }))
        .run();
    assert_eq!(played.effects().len(), 1);
    // Rule 25: another attempt begins a new conversation.
    let again = format!("{shape}\n    retry: {{ attempts: 2 }}");
    let played = asks("limits: { corrections: 0 }\n", &again)
        .answer("desk", json!("?"))
        .answer("desk", json!({ "team": "sales" }))
        .run();
    assert_eq!(played.effects(), ["desk[0]#1", "desk[0]#2"]);
    assert_eq!(messages(&played, "desk[0]#2").len(), 1);
}

#[test]
fn the_agents_own_schema_serves_where_the_step_has_none() {
    let played = asks("schema: { type: object, required: [n] }\n", "")
        .answer("desk", json!({ "n": 1 }))
        .run();
    assert_eq!(played.result(), json!({ "n": 1 }));
}

#[test]
fn rule_42_turns_are_bounded() {
    let played = asks(&format!("{SEARCH}maxTurns: 3\n"), "")
        .wants("desk", &[("search", json!({ "words": "tea" }))])
        .answer("desk/search", json!([]))
        .run();
    assert_eq!(played.error()["code"], "limit.exceeded");
    let effects = played.effects();
    let turns = effects.iter().filter(|effect| !effect.contains('/')).count();
    assert_eq!(
        (turns, effects.len()),
        (3, 5),
        "the calls of the last turn would be in vain"
    );
}

#[test]
fn tokens_and_money_are_bounded_and_add_up() {
    let reply = |cost: Option<f64>| Reply {
        content: None,
        calls: vec![interpret::run::ToolCall {
            id: "1".into(),
            name: "search".into(),
            arguments: Data::from(json!({ "words": "tea" })),
        }],
        cost,
        ..said("", 400, 100)
    };
    let asked = |limits: &str, cost| {
        asks(&format!("{SEARCH}limits: {limits}\n"), "    output: =response")
            .says("desk", reply(cost))
            .says("desk", said("Done", 500, 50))
            .answer("desk/search", json!([]))
            .run()
    };
    let played = asked("{ tokens: 501 }", Some(0.25));
    assert_eq!(
        played.result(),
        json!({ "turns": 2, "inputTokens": 900, "outputTokens": 150 }),
        "without a price of each turn there is no cost"
    );
    assert_eq!(played.spent().usage.total(), 1050);
    assert_eq!(played.spent().cost(), None);
    let error = asked("{ tokens: 500 }", None).error();
    assert_eq!(error["code"], "limit.exceeded");
    assert_eq!(error["data"]["outputTokens"], 100);
    assert_eq!(asked("{ cost: 0.25 }", Some(0.25)).error()["code"], "limit.exceeded");
    let unpriced = asked("{ cost: 0.25 }", None).error();
    assert!(
        unpriced["message"]
            .as_str()
            .unwrap()
            .contains("price is not configured"),
        "{unpriced}"
    );
}

#[test]
fn an_answer_that_is_cut_off_or_withheld_is_an_error() {
    for (finish, code) in [
        (Finish::Length, "agent.truncated"),
        (Finish::Filtered, "agent.filtered"),
    ] {
        let reply = Reply {
            finish,
            ..Reply::of(Some(Data::from("Do")))
        };
        assert_eq!(asks("", "").says("desk", reply).error()["code"], code);
    }
}

#[test]
fn a_model_that_fails_is_replaced_by_the_next() {
    let played = asks("fallbacks: [two/large, one/small]\n", "")
        .fails("desk", "agent.network")
        .answer("desk", json!("Done"))
        .run();
    assert_eq!(played.result(), json!("Done"));
    assert_eq!(played.effects(), ["desk[0]#1", "desk[0.1]#1"]);
    let Request::Model(request) = played.request("desk[0.1]#1") else {
        panic!()
    };
    assert_eq!(request.model.to_string(), "two/large");
    assert_eq!(request.messages.len(), 1);
    let played = asks("fallbacks: [two/large]\n", "")
        .fails("desk", "agent.network")
        .run();
    assert_eq!(played.effects().len(), 2);
    assert_eq!(played.error()["code"], "agent.network");
}

#[test]
fn a_further_attempt_goes_on_with_what_was_said_and_done() {
    let played = asks(SEARCH, "    retry: { attempts: 2, delay: 1s }")
        .wants("desk", &[("search", json!({ "words": "tea" }))])
        .fails("desk", "agent.network")
        .answer("desk", json!("Done"))
        .answer("desk/search", json!(["a page"]))
        .run();
    assert_eq!(played.result(), json!("Done"));
    assert_eq!(
        played.effects(),
        ["desk[0]#1", "desk[0]/search[0]#1", "desk[1]#1", "desk[1]#2"]
    );
    assert_eq!(messages(&played, "desk[1]#2").len(), 3);

    // A time limit in the middle of calls: the one that has ended is not made again.
    let played = asks(SEARCH, "    timeout: 5s\n    retry: { attempts: 2 }")
        .wants(
            "desk",
            &[("search", json!({ "words": "a" })), ("refund", json!({ "amount": 1 }))],
        )
        .answer("desk", json!("Done"))
        .answer("desk/search", json!(["a page"]))
        .hangs("desk[0]/refund[1]:pay")
        .answer("desk@2[0]/refund[1]:pay", json!(null))
        .run();
    assert_eq!(played.result(), json!("Done"));
    assert_eq!(
        played.effects(),
        [
            "desk[0]#1",
            "desk[0]/search[0]#1",
            "desk[0]/refund[1]:pay#1",
            "desk@2[0]/refund[1]:pay#1",
            "desk[1]#2"
        ]
    );
    assert_eq!(messages(&played, "desk[1]#2").len(), 4);
}

#[test]
fn rule_25_a_refused_request_is_not_repeated_and_a_busy_provider_is() {
    let fails = |status: i64| {
        let failure =
            interpret::run::Failure::new("agent.status", "no").with_data(Data::from(json!({ "status": status })));
        asks("", "    retry: { attempts: 3 }")
            .fails_with("desk", failure)
            .run()
            .effects()
            .len()
    };
    assert_eq!((fails(401), fails(429), fails(529)), (1, 3, 3));
}

#[test]
fn rule_26_a_default_time_limit_does_not_end_the_wait_for_a_person() {
    let with_default = |tools: &str| {
        play(&format!(
            "kind: Workflow
id: test
defaults: {{ timeout: 5s }}
steps:
  - {{ kind: andAgent, id: desk, agent: {{ model: one/small, tools: [{tools}] }}, prompt: Go }}
"
        ))
        .wants("desk", &[("search", json!({}))])
        .takes(4_000)
        .answer("desk", json!("Done"))
        .takes(4_000)
        .answer("desk/search", json!(1))
        .at(60_000)
    };
    let played = with_default("{ function: search, approval: true }")
        .resume("desk", json!({ "approved": true }))
        .run();
    assert_eq!(played.result(), json!("Done"));
    assert_eq!(with_default("{ function: search }").error()["code"], "timeout");
}

#[test]
fn limits_time_ends_an_attempt_as_timeout_does() {
    let played = asks("limits: { time: 3s }\n", "").hangs("desk").run();
    assert_eq!(
        (played.error()["code"].clone(), played.ended_at()),
        (json!("timeout"), 3_000)
    );
}

#[test]
fn rule_33_a_held_run_asks_nothing_more() {
    let played = asks(SEARCH, "")
        .wants("desk", &[("search", json!({ "words": "a" }))])
        .takes(10)
        .answer("desk", json!("Done"))
        .answer("desk/search", json!(1))
        .at(5)
        .suspend()
        .at(1_000)
        .go_on()
        .run();
    assert_eq!(played.called_at("desk[0]/search[0]"), [1_000]);
    assert_eq!(played.result(), json!("Done"));
}

#[test]
fn a_cancelled_run_stops_asking_at_once() {
    let played = asks(SEARCH, "")
        .wants("desk", &[("search", json!({ "words": "a" }))])
        .hangs("desk/search")
        .at(5)
        .cancel("enough")
        .run();
    assert_eq!((played.run_status(), played.status("desk")), ("cancelled", "cancelled"));
}

#[test]
fn an_agent_in_a_step_sees_what_the_step_sees() {
    let played = play(
        "steps:
          - { kind: andThen, id: first, set: { shop: Tea & Co } }
          - kind: andAgent
            id: desk
            agent:
              model: one/small
              instructions: 'You work for {{ data.shop }}.'
              tools:
                - name: fetch
                  description: Fetch a page
                  http: { url: 'https://a.example/{{ arguments.page }}', query: { shop: =steps.first.output.shop } }
            prompt: Go
        ",
    )
    .wants("desk", &[("fetch", json!({ "page": 7 }))])
    .answer("desk", json!("Done"))
    .answer("desk/fetch", json!("text"))
    .run();
    assert_eq!(played.result(), json!("Done"));
    assert_eq!(
        played.calls("desk[0]/fetch[0]"),
        [json!({ "http": "GET", "url": "https://a.example/7", "query": { "shop": "Tea & Co" } })]
    );
    let Request::Model(request) = played.request("desk[0]#1") else {
        panic!()
    };
    assert_eq!(request.instructions.as_deref(), Some("You work for Tea & Co."));
}

#[test]
fn the_tools_of_a_step_come_before_those_of_the_agent() {
    let step = "    tools: [{ function: own }, { function: find, name: search }]";
    let played = asks(SEARCH, step).answer("desk", json!("Done")).run();
    let Request::Model(request) = played.request("desk[0]#1") else {
        panic!()
    };
    let names: Vec<&str> = request.tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["own", "search", "refund"]);
}

#[test]
fn a_server_is_asked_once_what_its_tools_are() {
    let tools = "tools:\n  - { mcp: { server: help, tool: find page } }\n  - { mcp: { server: help, tool: other }, name: more }\n";
    let played = asks(tools, "")
        .answer(
            "desk[help:]",
            json!([{ "name": "find page", "description": "Finds", "inputSchema": { "type": "object", "required": ["q"] } }]),
        )
        .wants("desk", &[("find_page", json!({ "q": 1 }))])
        .answer("desk", json!("Done"))
        .answer("desk/find_page", json!(1))
        .run();
    assert_eq!(
        played.effects(),
        ["desk[help:]#1", "desk[0]#1", "desk[0]/find_page[0]#1", "desk[1]#1"]
    );
    let Request::Model(request) = played.request("desk[0]#1") else {
        panic!()
    };
    assert_eq!(request.tools[0].description.as_deref(), Some("Finds"));
    assert_eq!(
        request.tools[0].parameters.pointer("/required/0"),
        Some(&Data::from("q"))
    );
    assert_eq!(played.calls("desk[0]/find_page[0]")[0]["mcp"], "help/find page");
}

#[test]
fn earlier_messages_come_before_the_prompt() {
    let step = "    messages: [{ role: system, content: Be brief }, { role: user, content: Hi }, { role: assistant, content: Hello }]";
    let played = asks("", step).answer("desk", json!("Done")).run();
    let roles: Vec<Json> = messages(&played, "desk[0]#1")
        .iter()
        .map(|told| told["role"].clone())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    let played = asks("", "    messages: [{ role: robot, content: Hi }]").run();
    assert!(played.error_line().contains("`role`"), "{}", played.error_line());
}

#[test]
fn mistakes_in_agents_are_found() {
    let agent = |keys: &str| refused(&format!("kind: Agent\nid: a\nmodel: one/small\n{keys}\n"));
    assert!(refused("kind: Agent\nid: a\nmodel: gpt\n").contains("which connection"));
    assert!(agent("maxTurns: 3\nlimits: { turns: 3 }").contains("conflicting-keys"));
    assert!(agent("tools: [{ http: { url: 'https://a.example' } }]").contains("needs `name`"));
    assert!(agent("tools: [{ function: a }, { workflow: b, name: a }]").contains("two tools are called `a`"));
    assert!(agent("tools: [{ function: a, name: 'a b' }]").contains("no name for a tool"));
    assert!(agent("tools: [{ workflow: nowhere }]").contains("unknown-workflow"));
    assert!(agent("tools: [{ name: a, exec: { command: [cat, =data.x] } }]").contains("unknown-name"));
    assert!(agent("tools: [{ name: a, exec: { command: [cat, =steps.b.output] } }]").contains("unknown-step"));
    assert!(agent("parameters: { max_tokens: 3 }").contains("maxTokens"));
    let finally = "steps:
      - kind: andTry
        id: t
        steps: [{ kind: andThen, id: a, set: 1 }]
        finally: [{ kind: andAgent, id: d, agent: { model: a/b, tools: [{ function: f, approval: true }] }, prompt: Go }]
    ";
    assert!(refused(finally).contains("wait-not-allowed"));
}

#[test]
fn a_conversation_is_recalled_before_the_first_turn_and_kept_behind_the_last() {
    let asked = |step: &str| {
        asks(SEARCH, step)
            .user("ada", "c-1")
            .answer(
                "desk[recall:]",
                json!([{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": "Hello" }]),
            )
            .wants("desk", &[("search", json!({ "words": "tea" }))])
            .answer("desk", json!("Done"))
            .answer("desk/search", json!([]))
            .answer_nothing("desk[remember:]")
    };
    let played = asked("").run();
    assert_eq!(played.result(), json!("Done"));
    assert_eq!(
        played.effects(),
        [
            "desk[recall:]#1",
            "desk[0]#1",
            "desk[0]/search[0]#1",
            "desk[1]#1",
            "desk[remember:]#1"
        ]
    );
    let contents: Vec<Json> = messages(&played, "desk[0]#1")
        .iter()
        .map(|told| told["content"].clone())
        .collect();
    assert_eq!(contents, ["Hi", "Hello", "Help me"]);
    assert_eq!(
        played.calls("desk[remember:]")[0]["messages"],
        json!([{ "role": "user", "content": "Help me" }, { "role": "assistant", "content": "Done" }])
    );
    // A question that stands there already is neither asked nor kept twice.
    let played = asks("", "")
        .user("ada", "c-1")
        .answer("desk[recall:]", json!([{ "role": "user", "content": "Help me" }]))
        .answer("desk", json!("Done"))
        .answer_nothing("desk[remember:]")
        .run();
    assert_eq!(messages(&played, "desk[0]#1").len(), 1);
    assert_eq!(
        played.calls("desk[remember:]")[0]["messages"],
        json!([{ "role": "assistant", "content": "Done" }])
    );
    let played = asked("    conversation: \"order-{{ 7 }}\"").run();
    assert_eq!(played.calls("desk[recall:]")[0]["recall"], "order-7");
    assert_eq!(asked("    conversation: false").run().effects().len(), 3);

    // What cannot be kept is kept by another attempt, and nothing is asked again.
    let played = asks("", "    retry: { attempts: 2, on: [conversation.unavailable] }")
        .user("ada", "c-1")
        .answer_nothing("desk[recall:]")
        .answer("desk", json!("Done"))
        .fails("desk[remember:]", "conversation.unavailable")
        .answer_nothing("desk[remember:]")
        .run();
    assert_eq!(played.result(), json!("Done"));
    assert_eq!(
        played.effects(),
        ["desk[recall:]#1", "desk[0]#1", "desk[remember:]#1", "desk[remember:]#2"]
    );
}
