//! What can be seen without a server: classes, schemas, graphs, and the events of a run.

use std::sync::Arc;

use super::frames::{Form, Frames, Wanted};
use super::{describe, representation};
use crate::data;
use crate::data::Data;
use crate::graph::{Header, Program, Timestamp};
use crate::load::load_text;
use crate::run::{Event, Input, Run, Start};

/// A workflow that asks a person, tells how far it is, and waits for another system.
const TALK: &str = "
kind: Workflow
id: talk
purpose: Asks for a name
events:
  Hello: { role: start }
  Question: { role: request, schema: { type: object, required: [prompt] } }
  Answer: { role: response, schema: { type: object, required: [text], properties: { text: { type: string } } } }
  Progress: {}
  Paid: {}
  Bye: { role: stop }
inputSchema: { type: object, properties: { polite: { type: boolean } } }
outputSchema: { type: object, required: [text] }
steps:
  - kind: andThen
    id: ask
    suspend: { request: Question, response: Answer, data: { prompt: Your name? } }
  - { kind: andThen, id: tell, emit: { event: Progress, data: 50 } }
  - { kind: andThen, id: paid, waitFor: { event: Paid } }
  - { kind: andThen, id: done, set: { text: \"Hello, {{ steps.ask.output.text }}\" } }
";

fn program(text: &str) -> Arc<Program> {
    let loaded = load_text("w.yaml", text);
    let id = loaded.workflows().next().expect("a workflow").header.id.clone();
    Arc::new(loaded.program(&id, None).unwrap())
}

/// The header of a workflow with these lines at its top.
pub(super) fn header(lines: &str) -> Header {
    let text = format!("kind: Workflow\nid: w\n{lines}steps: [{{ kind: andThen, id: a, set: 1 }}]\n");
    program(&text).main().header.clone()
}

/// The events of a run that is told these inputs, one a second.
fn journal(program: &Arc<Program>, inputs: Vec<Input>) -> Vec<Event> {
    let mut run = Run::new(program.clone());
    let mut events = Vec::new();
    for (second, input) in (0..).zip(inputs) {
        run.handle(Timestamp(second * 1000), input, &mut events).unwrap();
    }
    events
}

fn start() -> Input {
    Input::Start(Start::new("r", data!({})))
}

fn answer(payload: Data) -> Input {
    Input::Resume { target: None, payload }
}

const ALL: Wanted = Wanted {
    form: Form::Lines,
    internal: false,
    qualified: true,
    after: None,
};

fn told(program: &Arc<Program>, events: &[Event], wanted: Wanted) -> Vec<Data> {
    let mut frames = Frames::new(program.clone(), wanted);
    let mut out = String::new();
    for event in events {
        frames.follow(event, &mut out).unwrap();
    }
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn types(events: &[Data]) -> Vec<&str> {
    events.iter().filter_map(|event| event.get("type")?.as_str()).collect()
}

fn whole() -> Vec<Input> {
    let paid = Input::Deliver {
        event: "Paid".into(),
        data: data!({ "by": "card" }),
    };
    vec![start(), answer(data!({ "text": "Ada" })), paid]
}

#[test]
fn a_run_is_told_as_events_of_the_classes_it_declares() {
    let program = program(TALK);
    let events = journal(&program, whole());
    assert_eq!(
        told(&program, &events, ALL),
        [
            data!({
                "value": { "prompt": "Your name?" },
                "qualified_name": "__main__.Question",
                "type": "Question",
                "types": ["InputRequiredEvent"]
            }),
            data!({ "value": { "value": 50 }, "qualified_name": "__main__.Progress", "type": "Progress", "types": null }),
            data!({
                "value": { "text": "Hello, Ada" },
                "qualified_name": "__main__.Bye",
                "type": "Bye",
                "types": ["StopEvent"]
            }),
        ]
    );
}

#[test]
fn without_classes_of_its_own_a_run_is_told_with_those_that_every_client_knows() {
    let program = program(
        "
kind: Workflow
id: w
steps:
  - { kind: andThen, id: ask, suspend: { reason: Sure?, data: { cost: 3 }, actions: [{ id: yes }] } }
",
    );
    let events = journal(&program, vec![start(), answer(data!({ "action": "yes" }))]);
    let told = told(
        &program,
        &events,
        Wanted {
            qualified: false,
            ..ALL
        },
    );
    assert_eq!(
        told,
        [
            data!({
                "value": { "cost": 3, "reason": "Sure?", "actions": [{ "id": "yes" }], "step": "ask" },
                "qualified_name": null,
                "type": "InputRequiredEvent",
                "types": null
            }),
            data!({
                "value": { "result": { "action": "yes" } },
                "qualified_name": null,
                "type": "StopEvent",
                "types": null
            }),
        ]
    );
}

#[test]
fn numbers_count_what_is_not_told() {
    let program = program(TALK);
    let events = journal(&program, whole());
    let numbered = |internal: bool, after: Option<u64>| {
        let wanted = Wanted {
            form: Form::Sse,
            internal,
            after,
            ..ALL
        };
        let mut frames = Frames::new(program.clone(), wanted);
        let mut out = String::new();
        events.iter().for_each(|event| frames.follow(event, &mut out).unwrap());
        let frames = out.split("\n\n").filter(|frame| !frame.is_empty());
        let read = frames.map(|frame| {
            let (id, event) = frame.strip_prefix("id: ").unwrap().split_once("\ndata: ").unwrap();
            let event: Data = serde_json::from_str(event).unwrap();
            (id.parse::<u64>().unwrap(), event)
        });
        read.collect::<Vec<_>>()
    };
    let (all, told) = (numbered(true, None), numbered(false, None));
    assert_eq!(
        all.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        (0..all.len() as u64).collect::<Vec<_>>()
    );
    assert!(told.len() < all.len());
    assert!(told.iter().all(|frame| all.contains(frame)), "{told:?} {all:?}");
    for after in 0..all.len() as u64 {
        let expected: Vec<_> = told.iter().filter(|(id, _)| *id > after).cloned().collect();
        assert_eq!(numbered(false, Some(after)), expected);
    }
}

#[test]
fn on_request_the_steps_are_told_as_well() {
    let program = program(TALK);
    let events = journal(&program, whole());
    let told = told(&program, &events, Wanted { internal: true, ..ALL });
    assert_eq!(
        types(&told)[..4],
        ["StepStateChanged", "Question", "WorkflowIdleEvent", "StepStateChanged"]
    );
    assert_eq!(
        told[0],
        data!({
            "value": {
                "name": "ask",
                "step_state": "running",
                "worker_id": "0",
                "input_event_name": "Hello",
                "output_event_name": "Question"
            },
            "qualified_name": "workflows.events.StepStateChanged",
            "type": "StepStateChanged",
            "types": ["InternalDispatchEvent"]
        })
    );
    assert_eq!(told[3].pointer("/value/step_state"), Some(&data!("not_running")));
}

#[test]
fn an_end_without_a_result_is_a_stop_event_too() {
    let failing = program(
        "
kind: Workflow
id: w
steps:
  - { kind: andThen, id: boom, fail: { code: NO_STOCK, message: Sold out } }
",
    );
    let events = journal(&failing, vec![start()]);
    let told_of = |program, events: &[Event]| told(program, events, ALL).pop().unwrap();
    let failed = told_of(&failing, &events);
    assert_eq!(
        failed,
        data!({
            "value": {
                "step_name": "boom",
                "exception": { "exception_type": "NO_STOCK", "exception_message": "Sold out" },
                "attempts": 1,
                "elapsed_seconds": 0.0
            },
            "qualified_name": "workflows.events.WorkflowFailedEvent",
            "type": "WorkflowFailedEvent",
            "types": ["StopEvent"]
        })
    );
    let slow = program(
        "
kind: Workflow
id: w
timeout: 2s
steps: [{ kind: andSleep, id: nap, duration: 1h }]
",
    );
    let cancelled = journal(&slow, vec![start(), Input::Cancel { reason: None }]);
    assert_eq!(types(&told(&slow, &cancelled, ALL)), ["WorkflowCancelledEvent"]);
    let late = journal(&slow, vec![start(), Input::Tick, Input::Tick]);
    let late = told_of(&slow, &late);
    assert_eq!(late.get("type"), Some(&data!("WorkflowTimedOutEvent")));
    assert_eq!(
        late.get("value"),
        Some(&data!({ "timeout": 2.0, "active_steps": ["nap"] }))
    );
}

#[test]
fn schemas_go_by_the_names_of_their_classes() {
    let program = program(TALK);
    assert_eq!(
        describe::ends(&program),
        data!({
            "start": { "type": "object", "properties": { "polite": { "type": "boolean" } }, "title": "Hello" },
            "stop": { "type": "object", "required": ["text"], "title": "Bye" }
        })
    );
    let events = describe::events(&program);
    let titles: Vec<&str> = events
        .get("events")
        .and_then(Data::as_list)
        .unwrap()
        .iter()
        .filter_map(|schema| schema.get("title")?.as_str())
        .collect();
    assert_eq!(titles, ["Hello", "Question", "Answer", "Progress", "Paid", "Bye"]);
}

#[test]
fn a_graph_shows_steps_events_and_who_is_asked() {
    let graph = representation::graph(&program(TALK));
    assert_eq!(graph.get("name"), Some(&data!("talk")));
    assert_eq!(graph.get("description"), Some(&data!("Asks for a name")));
    let edges: Vec<String> = graph
        .get("edges")
        .and_then(Data::as_list)
        .unwrap()
        .iter()
        .map(|edge| format!("{} > {}", edge.get("source").unwrap(), edge.get("target").unwrap()).replace('"', ""))
        .collect();
    for edge in [
        "event:Hello > ask",
        "ask > event:Question",
        "event:Question > external_step",
        "external_step > event:Answer",
        "event:Answer > ask",
        "ask > tell",
        "tell > event:Progress",
        "event:Paid > paid",
        "done > event:Bye",
    ] {
        assert!(edges.contains(&edge.to_owned()), "{edge}: {edges:?}");
    }
    let nodes = graph.get("nodes").and_then(Data::as_list).unwrap();
    let question = nodes
        .iter()
        .find(|node| node.get("id") == Some(&data!("event:Question")))
        .unwrap();
    assert_eq!(
        question,
        &data!({
            "id": "event:Question",
            "label": "Question",
            "node_type": "event",
            "event_type": "Question",
            "event_types": ["Question", "InputRequiredEvent"],
            "event_schema": { "type": "object", "required": ["prompt"], "title": "Question" },
            "produced_by": ["ask"]
        })
    );
}

#[test]
fn steps_inside_others_are_in_the_graph() {
    let graph = representation::graph(&program(
        "
kind: Workflow
id: w
steps:
  - kind: andWhen
    id: check
    condition: =input.x > 1
    steps: [{ kind: andThen, id: inner, set: 1 }]
    else: { suspend: {} }
  - { kind: andThen, id: last, set: 2 }
",
    ));
    let edges = graph.get("edges").and_then(Data::as_list).unwrap();
    let has = |from: &str, to: &str| {
        edges
            .iter()
            .any(|edge| edge.get("source") == Some(&data!(from)) && edge.get("target") == Some(&data!(to)))
    };
    assert!(has("check", "inner") && has("check", "last"), "{edges:?}");
    assert!(has("check", "event:InputRequiredEvent"), "{edges:?}");
}
