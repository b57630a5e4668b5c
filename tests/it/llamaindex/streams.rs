//! Streams: both forms, cursors, and what is left of them when somebody goes away.

use std::time::Duration;

use interpret::data;
use interpret::data::Data;

use super::{FAILS, GREET, HUMAN};
use crate::api::{Served, block_on, client};

/// The frames of a text: their numbers and what they say.
fn frames(text: &str) -> Vec<(u64, Data)> {
    let fields = |frame: &str| {
        let (id, event) = frame.strip_prefix("id: ")?.split_once("\ndata: ")?;
        Some((id.parse().ok()?, serde_json::from_str(event).ok()?))
    };
    text.split("\n\n").filter_map(fields).collect()
}

fn types(frames: &[(u64, Data)]) -> Vec<&str> {
    frames
        .iter()
        .filter_map(|(_, event)| event.get("type")?.as_str())
        .collect()
}

fn served() -> Served {
    Served::new(&[("greet.yaml", GREET), ("human.yaml", HUMAN), ("fails.yaml", FAILS)])
}

/// Runs a workflow to its end.
fn run(served: &Served, workflow: &str, handler: &str) {
    served.post(&format!("/workflows/{workflow}/run"), &data!({ "handler_id": handler }));
}

fn text(served: &Served, path: &str) -> String {
    let answer = served.get(path);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.as_str().expect("a stream").to_owned()
}

#[test]
fn a_stream_begins_where_it_is_asked_to_and_ends_with_the_run() {
    let served = served();
    run(&served, "greet", "g");
    let whole = frames(&text(&served, "/events/g"));
    assert_eq!(
        types(&whole),
        ["StreamEvent", "StreamEvent", "StreamEvent", "StopEvent"]
    );
    for beginning in ["?after_sequence=-1", "?sse=true", "?sse=1&sse=true&acquire_timeout=1"] {
        assert_eq!(frames(&text(&served, &format!("/events/g{beginning}"))), whole);
    }
    for (index, (number, _)) in whole.iter().enumerate() {
        let path = format!("/events/g?after_sequence={number}");
        if index + 1 < whole.len() {
            assert_eq!(frames(&text(&served, &path)), whole[index + 1..]);
        } else {
            assert_eq!(served.get(&path).status, 204);
        }
    }
    let lines = text(&served, "/events/g?sse=false");
    let lines: Vec<Data> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().eq(whole.iter().map(|(_, event)| event)));
}

#[test]
fn the_header_of_a_browser_counts_more_than_the_query() {
    let served = served();
    run(&served, "greet", "g");
    let whole = frames(&text(&served, "/events/g"));
    let asked = |last: &str, sse: &str| {
        block_on(async {
            let url = format!("{}/events/g?after_sequence=-1&sse={sse}", served.base);
            let response = client().get(url).header("last-event-id", last).send().await.unwrap();
            response.text().await.unwrap()
        })
    };
    assert_eq!(frames(&asked(&whole[1].0.to_string(), "true")), whole[2..]);
    // What is no number is none of ours, and lines have no numbers.
    assert_eq!(frames(&asked("abc", "true")), whole);
    assert_eq!(asked(&whole[1].0.to_string(), "false").lines().count(), whole.len());
}

#[test]
fn an_answer_without_content_has_none_and_leaves_the_connection_alone() {
    let served = served();
    run(&served, "greet", "g");
    block_on(async {
        let client = client();
        for _ in 0..3 {
            let url = format!("{}/events/g?after_sequence=now", served.base);
            let response = client.get(url).send().await.unwrap();
            assert_eq!(response.status(), 204);
            assert_eq!(response.headers().get("content-length"), None);
            assert_eq!(response.bytes().await.unwrap().len(), 0);
        }
    });
}

#[test]
fn a_failure_is_the_last_event() {
    let served = served();
    run(&served, "fails", "f");
    let whole = frames(&text(&served, "/events/f?include_qualified_name=false"));
    assert_eq!(types(&whole), ["WorkflowFailedEvent"]);
    let (_, event) = &whole[0];
    assert_eq!(event.get("qualified_name"), Some(&Data::Null));
    assert_eq!(
        event.pointer("/value/exception/exception_type"),
        Some(&data!("NO_STOCK"))
    );
}

#[test]
fn a_killed_server_costs_the_reader_nothing() {
    let mut served = served();
    served.post("/workflows/human/run-nowait", &data!({ "handler_id": "h" }));
    let first = block_on(async {
        let url = format!("{}/events/h?include_internal=true", served.base);
        let mut response = client().get(url).send().await.unwrap();
        let mut text = String::new();
        while !text.contains("WorkflowIdleEvent") {
            text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
        }
        served.kill();
        // The connection is cut, which is no end of the stream.
        assert!(response.chunk().await.is_err());
        frames(&text)
    });
    assert_eq!(types(&first), ["StepStateChanged", "RequestEvent", "WorkflowIdleEvent"]);
    served.restart();
    let event = data!({ "event": { "type": "ResponseEvent", "value": { "response": "Ada" } } });
    assert_eq!(served.post("/events/h", &event).status, 200);
    let last = first.last().unwrap().0;
    let rest = frames(&text(
        &served,
        &format!("/events/h?include_internal=true&after_sequence={last}"),
    ));
    let whole = frames(&text(&served, "/events/h?include_internal=true"));
    assert!(
        whole.iter().eq(first.iter().chain(&rest)),
        "{first:?} {rest:?} {whole:?}"
    );
    assert_eq!(types(&whole).last(), Some(&"OutEvent"));
}

#[cfg(unix)]
#[test]
fn a_server_that_ends_cuts_its_streams_since_the_runs_go_on() {
    let served = served();
    served.post("/workflows/human/run-nowait", &data!({ "handler_id": "h" }));
    block_on(async {
        let url = format!("{}/events/h", served.base);
        let mut response = client().get(url).send().await.unwrap();
        assert!(response.chunk().await.unwrap().is_some());
        served.signal(rustix::process::Signal::TERM);
        let cut = tokio::time::timeout(Duration::from_secs(30), response.chunk())
            .await
            .unwrap();
        assert!(cut.is_err(), "{cut:?}");
    });
}
