//! What goes over the wire: the published page's own spellings, refusals, and what no client shows.

use interpret::data;
use interpret::data::Data;

use super::{KEY, READER, served};
use crate::api::{Answer, Served, block_on, client};

fn post(served: &Served, path: &str, body: &Data) -> Answer {
    served.post_with(path, body, &[("x-api-key", KEY)])
}

fn get(served: &Served, path: &str, header: (&str, &str)) -> Answer {
    block_on(async {
        let request = client()
            .get(format!("{}{path}", served.base))
            .header(header.0, header.1);
        Answer::of(request.send().await.unwrap()).await
    })
}

/// The lines of a stream.
fn lines(served: &Served, path: &str, body: &Data) -> Vec<Data> {
    let answer = post(served, path, body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = answer.body.to_text();
    // A stream of one line would have been read as JSON.
    assert!(text.is_ascii() && text.ends_with('\n'), "{text}");
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_spellings_of_the_page_are_taken() {
    let served = served();
    for prefix in ["", "/vellum"] {
        let body = data!({
            "inputs": [{ "type": "string", "name": "query", "value": "Process this" }],
            "workflow_deployment_name": "my-workflow",
            "workflow_deployment_id": null,
            "release_tag": null,
            "external_id": null,
            "metadata": {},
            "execution_context": { "parent": {} }
        });
        let answer = post(&served, &format!("{prefix}/v1/execute-workflow"), &body);
        assert_eq!(answer.at("/data/state"), data!("FULFILLED"), "{answer:?}");
        assert_eq!(answer.at("/data/outputs/0/name"), data!("result"));
        assert_eq!(answer.at("/data/outputs/0/value"), data!("PROCESS THIS"));
        let said = data!({ "actuals": [{
            "execution_id": answer.at("/execution_id"),
            "output_name": "result",
            "value": "Expected output",
            "metadata": {}
        }] });
        let kept = post(
            &served,
            &format!("{prefix}/v1/submit-workflow-execution-actuals"),
            &said,
        );
        assert_eq!(kept.status, 200, "{kept:?}");
        let events = format!(
            "{prefix}/v1/workflow-deployments/my-workflow/execution-events/{}",
            answer.at("/execution_id").to_text()
        );
        let event = get(&served, &events, ("x-api-key", KEY));
        assert_eq!(
            event.at("/latest_actual/output/value"),
            data!("Expected output"),
            "{event:?}"
        );
    }
}

#[test]
fn a_stream_begins_and_ends_as_it_should_whatever_is_in_it() {
    let served = served();
    let words = "a\u{2028}b \u{85} é😀";
    let body = data!({
        "inputs": [{ "name": "query", "type": "STRING", "value": words }],
        "workflow_deployment_name": "my-workflow",
        "external_id": "e-1",
        "event_types": ["WORKFLOW", "NODE"]
    });
    let lines = lines(&served, "/v1/execute-workflow-stream", &body);
    let told = |line: &Data| {
        let state = line.pointer("/data/state").unwrap().to_text();
        format!("{} {state}", line.get("type").unwrap().to_text())
    };
    let told: Vec<String> = lines.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "WORKFLOW INITIATED",
            "NODE INITIATED",
            "NODE FULFILLED",
            "NODE INITIATED",
            "NODE FULFILLED",
            "WORKFLOW STREAMING",
            "WORKFLOW STREAMING",
            "WORKFLOW STREAMING",
            "WORKFLOW FULFILLED"
        ]
    );
    for line in &lines {
        assert_eq!(line.get("external_id"), Some(&data!("e-1")), "{line}");
        assert!(
            line.pointer("/data/id").is_some() && line.pointer("/data/ts").is_some(),
            "{line}"
        );
    }
    assert_eq!(lines[0].pointer("/data/inputs/0/value"), Some(&data!(words)));
    assert_eq!(
        lines[1].pointer("/data/node_result_id"),
        lines[2].pointer("/data/node_result_id")
    );
    assert_eq!(
        lines[2].pointer("/data/output_values/0/node_output_id"),
        Some(&data!("words"))
    );
    assert_eq!(
        lines[8].pointer("/data/outputs/0/value"),
        Some(&data!(words.to_uppercase()))
    );
    let quiet = post(
        &served,
        "/v1/execute-workflow-stream",
        &data!({
            "inputs": [], "workflow_deployment_name": "naps", "event_types": ["STEP"]
        }),
    );
    assert_eq!(quiet.status, 400, "{quiet:?}");
}

#[test]
fn what_cannot_be_done_is_refused_with_its_status_and_never_as_a_fault_of_the_server() {
    let served = served();
    let run = |more: Data| {
        let Data::Map(more) = more else { panic!("an object") };
        let body = data!({ "workflow_deployment_name": "my-workflow", "inputs": [{ "name": "query", "value": "a" }] });
        let Data::Map(body) = body else { panic!("an object") };
        let body = more
            .iter()
            .fold(interpret::data::Map::clone(&body), |body, (key, value)| {
                body.with(key.clone(), value.clone())
            });
        let answer = post(&served, "/v1/execute-workflow", &Data::from(body));
        (answer.status, answer.at("/detail").to_text().to_string())
    };
    for (more, status, why) in [
        (data!({ "workflow_deployment_name": "nothing" }), 404, "nothing"),
        (data!({ "release_tag": "nowhere" }), 404, "nowhere"),
        (
            data!({ "workflow_deployment_name": null }),
            400,
            "workflow_deployment_name",
        ),
        (data!({ "inputs": null }), 400, "inputs"),
        (data!({ "inputs": {} }), 400, "expected a sequence"),
        (data!({ "inputs": [] }), 400, "query"),
        (
            data!({ "inputs": [{ "name": "qurey", "value": "a" }] }),
            400,
            "no input `qurey`",
        ),
        (data!({ "inputs": [{ "name": "query", "value": 1 }] }), 400, "query"),
        (
            data!({ "inputs": [{ "name": "query", "type": "NUMBER", "value": "a" }] }),
            400,
            "NUMBER",
        ),
        (
            data!({ "inputs": [{ "name": "query", "type": "FRUIT", "value": "a" }] }),
            400,
            "FRUIT",
        ),
        (data!({ "metadata": [] }), 400, "metadata"),
        (
            data!({ "metadata": { "interpret.external_id": "x" } }),
            400,
            "interpret.",
        ),
        (data!({ "previous_execution_id": "nowhere" }), 400, "nowhere"),
    ] {
        let (got, detail) = run(more.clone());
        assert_eq!(got, status, "{more}: {detail}");
        assert!(detail.contains(why), "{more}: {detail}");
    }
    for body in ["", "[]", "{", "null", "{\"inputs\": 1}"] {
        let body = Data::from(body);
        // A text of JSON is a text.
        assert_eq!(post(&served, "/v1/execute-workflow", &body).status, 400);
    }
    // Who may only look moves no tag and begins nothing.
    let reader = [("x-api-key", READER)];
    let body = data!({ "workflow_deployment_name": "naps", "inputs": [] });
    assert_eq!(served.post_with("/v1/execute-workflow", &body, &reader).status, 403);
    assert_eq!(served.post("/v1/execute-workflow", &body).status, 401);
}

#[test]
fn a_key_is_taken_in_each_header_that_clients_send() {
    let served = served();
    let path = "/v1/workflow-deployments";
    let bearer = format!("Bearer {READER}");
    for header in [
        ("X-API-KEY", READER),
        ("X_API_KEY", READER),
        ("authorization", bearer.as_str()),
    ] {
        assert_eq!(get(&served, path, header).status, 200, "{header:?}");
    }
    for header in [("X-API-KEY", "wrong"), ("X_API_KEY", ""), ("authorization", READER)] {
        assert_eq!(get(&served, path, header).status, 401, "{header:?}");
    }
    // What says who asks says it once: another key beside it changes nothing.
    let twice = [("authorization", bearer.as_str()), ("x-api-key", KEY)];
    let body = data!({ "workflow_deployment_name": "naps", "inputs": [] });
    assert_eq!(served.post_with("/v1/execute-workflow", &body, &twice).status, 403);
}

#[test]
fn an_execution_that_waits_is_pending_and_goes_on_when_it_is_answered() {
    let served = served();
    let body = data!({ "workflow_deployment_name": "asks", "inputs": [] });
    let answer = post(&served, "/v1/execute-workflow", &body);
    assert_eq!(answer.at("/data/error/code"), data!("WORKFLOW_PAUSED"), "{answer:?}");
    assert_eq!(answer.at("/data/error/raw_data/waiting"), data!(["approve"]));
    let id = answer.at("/execution_id").to_text();
    let status = |id: &str| {
        let path = format!("/v1/workflows/executions/{id}/status");
        get(&served, &path, ("x-api-key", KEY)).body
    };
    assert_eq!(status(&id).get("status"), Some(&data!("PENDING")));
    let resume = format!("/workflows/asks/executions/{id}/resume");
    let resumed = post(&served, &resume, &data!({ "resumeData": { "ok": true } }));
    assert_eq!(resumed.status, 200, "{resumed:?}");
    let done = status(&id);
    assert_eq!(done.get("status"), Some(&data!("FULFILLED")), "{done}");
    assert_eq!(done.get("outputs"), Some(&data!({ "ok": true })));
    // What is cancelled is rejected.
    let other = post(&served, "/v1/execute-workflow-async", &body)
        .at("/execution_id")
        .to_text();
    let cancelled = post(
        &served,
        &format!("/workflows/asks/executions/{other}/cancel"),
        &data!({ "reason": "late" }),
    );
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let done = status(&other);
    assert_eq!(done.get("status"), Some(&data!("REJECTED")), "{done}");
    assert_eq!(done.pointer("/error/code"), Some(&data!("WORKFLOW_CANCELLED")));
}

#[test]
fn the_same_request_with_the_same_key_is_done_once() {
    let served = served();
    let body = data!({ "workflow_deployment_name": "counts", "inputs": [], "external_id": "once" });
    let headers = [("x-api-key", KEY), ("idempotency-key", "k-1")];
    let ids: Vec<Data> = (0..2)
        .map(|_| {
            served
                .post_with("/v1/execute-workflow", &body, &headers)
                .at("/execution_id")
        })
        .collect();
    assert_eq!(ids[0], ids[1]);
    let path = "/v1/workflow-deployments/counts/execution-events?external_id=once";
    let listed = get(&served, path, ("x-api-key", KEY));
    assert_eq!(listed.at("/count"), data!(1), "{listed:?}");
    let none = get(&served, &path.replace("once", "never"), ("x-api-key", KEY));
    assert_eq!(none.at("/count"), data!(0));
    let filters = format!("{path}&filters=%7B%7D");
    assert_eq!(get(&served, &filters, ("x-api-key", KEY)).status, 400);
}
