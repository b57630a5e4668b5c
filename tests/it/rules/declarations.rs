//! Declarations: rule 36. Rules 37 and 38 belong to the clients and languages they name.

use interpret::run::What;
use serde_json::json;

use super::play::{Play, play, refused};

const EVENTS: &str = "
    events:
      Order: { role: start }
      Question: { role: request, schema: { type: object, required: [prompt] } }
      Answer: { role: response, schema: { type: object, required: [text], properties: { text: { type: string, default: none } } } }
      Progress: { schema: { type: object, properties: { percent: { type: integer } } } }
      Plain:
      Done: { role: stop }
    ";

fn with_events(steps: &str) -> Play {
    play(&format!("{EVENTS}steps: {steps}").replace("\n    ", "\n"))
}

#[test]
fn rule_36_the_data_of_a_wait_has_to_match_the_request() {
    let ask = |data: &str| {
        with_events(&format!(
            "[{{ kind: andThen, id: ask, suspend: {{ request: Question, response: Answer, data: {data} }} }}]"
        ))
    };
    let played = ask("{ prompt: =input.why }").input(json!({ "why": "Ship it?" })).run();
    assert_eq!(
        played.told("ask", What::WaitStarted),
        [json!({ "data": { "prompt": "Ship it?" } })]
    );
    assert_eq!(
        ask("=input").input(json!({ "promt": 1 })).error_line(),
        "schema.suspend: the data of this wait does not match its schema: `prompt` is missing"
    );
}

#[test]
fn rule_36_the_answer_has_to_match_the_response_or_the_steps_own_schema() {
    let ask = |keys: &str| {
        with_events(&format!(
            "[{{ kind: andThen, id: ask, suspend: {{ request: Question, response: Answer, data: {{ prompt: x }} }}{keys} }}]"
        ))
    };
    let played = ask("")
        .refuse("ask", json!({ "text": 1 }))
        .resume("ask", json!({}))
        .run();
    assert_eq!(
        played.result(),
        json!({ "text": "none" }),
        "with the defaults of the response"
    );
    assert_eq!(
        played.refusals(),
        ["the payload does not match its schema: /text: expected a text, found the number 1"]
    );
    let own = ask(", resumeSchema: { type: object, required: [other] }");
    let own = own
        .refuse("ask", json!({ "text": "x" }))
        .resume("ask", json!({ "other": 1 }));
    assert_eq!(own.result(), json!({ "other": 1 }));
    let suspend = with_events(
        "[{ kind: andThen, id: ask, suspend: { request: Question, data: =input }, suspendSchema: { required: [n] } }]",
    );
    assert_eq!(
        suspend.input(json!({ "n": 1 })).run().waiting(),
        ["ask"],
        "the step's own schema comes first"
    );
}

#[test]
fn rule_36_actions_add_a_required_choice_to_the_answer() {
    let ask = |schema: &str| {
        play(&format!(
            "
            steps:
              - kind: andThen
                id: ask
                suspend: {{ actions: [{{ id: ship, title: Ship, style: primary }}, {{ id: hold }}] }}
                {schema}
                output: '=[result.action, resume]'
            "
        ))
    };
    let played = ask("")
        .refuse("ask", json!({}))
        .refuse("ask", json!({ "action": "shop" }))
        .refuse("ask", json!("ship"))
        .resume("ask", json!({ "action": "ship", "note": "x" }))
        .run();
    assert_eq!(played.result(), json!(["ship", { "action": "ship", "note": "x" }]));
    assert_eq!(
        played.refusals(),
        [
            "the payload does not match its schema: `action` is missing",
            "the payload does not match its schema: /action: must be one of `ship`, `hold`, found `shop`; did you mean `ship`?",
            "the payload does not match its schema: expected an object, found the text `ship`",
        ]
    );
    let closed = "resumeSchema: { type: object, required: [note], properties: { note: { type: string } }, additionalProperties: false }";
    let played = ask(closed)
        .refuse("ask", json!({ "action": "hold" }))
        .refuse("ask", json!({ "note": "x" }))
        .resume("ask", json!({ "action": "hold", "note": "x" }));
    assert_eq!(played.result(), json!(["hold", { "action": "hold", "note": "x" }]));
}

#[test]
fn rule_36_actions_also_complete_the_schema_of_a_response() {
    let played = with_events("[{ kind: andThen, id: ask, suspend: { response: Answer, actions: [{ id: yes }] } }]")
        .refuse("ask", json!({ "text": "x" }))
        .resume("ask", json!({ "action": "yes" }));
    assert_eq!(played.result(), json!({ "action": "yes", "text": "none" }));
}

#[test]
fn rule_36_what_is_emitted_and_delivered_has_to_match_its_event() {
    let emit = |data: &str| {
        with_events(&format!(
            "[{{ kind: andThen, id: tell, emit: {{ event: Progress, data: {data} }} }}]"
        ))
    };
    let played = emit("{ percent: =input.n }").input(json!({ "n": 50 })).run();
    assert_eq!(
        played.told("tell", What::EventEmitted),
        [json!({ "Progress": { "percent": 50 } })]
    );
    assert_eq!(
        emit("{ percent: =input.n }").input(json!({ "n": "half" })).error_line(),
        "schema.event: the data of this event does not match its schema: /percent: expected a whole number, found the text `half`"
    );
    let wait = with_events("[{ kind: andThen, id: wait, waitFor: { event: Progress } }]");
    let wait = wait
        .refuse_event("Progress", json!({ "percent": "half" }))
        .deliver("Progress", json!({ "percent": 1 }))
        .run();
    assert_eq!(wait.result(), json!({ "percent": 1 }));
    assert_eq!(
        wait.refusals(),
        ["the event does not match its schema: /percent: expected a whole number, found the text `half`"]
    );
    let anything = with_events("[{ kind: andThen, id: wait, waitFor: { event: Plain } }]");
    assert_eq!(anything.deliver("Plain", json!([1])).result(), json!([1]));
}

#[test]
fn rule_36_an_event_that_is_not_declared_is_found_where_others_are() {
    let found = refused(
        &format!("{EVENTS}steps: [{{ kind: andThen, id: a, emit: {{ event: Progres }} }}]").replace("\n    ", "\n"),
    );
    assert!(
        found.starts_with("unknown-event: ") && found.contains("Progress"),
        "{found}"
    );
    let free = play("steps: [{ kind: andThen, id: a, emit: { event: Anything } }]").run();
    assert_eq!(free.told("a", What::EventEmitted), [json!({ "Anything": null })]);
}
