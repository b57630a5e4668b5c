//! What is refused, how, and that it says what to do.

use interpret::data;

use super::{NAPS, ORDER, Served};

#[test]
fn what_is_not_there_is_not_found() {
    let served = Served::new(&[("order.yaml", ORDER), ("naps.yaml", NAPS)]);
    served.post(
        "/workflows/order-approval/execute",
        &data!({ "input": { "orderId": "A", "amount": 1 }, "options": { "executionId": "e" } }),
    );
    let unknown = served.get("/workflows/nope");
    assert_eq!(unknown.at("/error"), data!("Workflow nope not found"));
    for path in [
        "/workflows/nope",
        "/workflows/order-approval/executions/nope/state",
        "/workflows/order-approval/executions/nope/stream?fromSequence=0",
        // An execution of another workflow.
        "/workflows/naps/executions/e/state",
        "/workflows/executions?workflowId=nope",
        "/nope",
    ] {
        assert_eq!(served.get(path).refusal().0, 404, "{path}");
    }
    for path in [
        "/workflows/nope/execute",
        "/workflows/nope/stream",
        "/workflows/nope/start",
        "/workflows/order-approval/executions/nope/resume",
        "/workflows/order-approval/executions/nope/suspend",
        "/workflows/order-approval/executions/nope/cancel",
        "/workflows/order-approval/executions/nope/retry",
        "/workflows/naps/executions/e/cancel",
    ] {
        assert_eq!(served.post(path, &data!({})).refusal().0, 404, "{path}");
    }
}

#[test]
fn every_violation_is_told_with_its_place() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let wrong = data!({ "input": { "orderId": 7, "amount": "much", "items": {} } });
    for path in ["execute", "start", "stream"] {
        let refused = served.post(&format!("/workflows/order-approval/{path}"), &wrong);
        assert_eq!(refused.refusal(), (400, "invalid".to_owned()));
        let pointers = ["/violations/0", "/violations/1", "/violations/2"];
        let pointers = pointers.map(|at| refused.at(&format!("{at}/pointer")).to_string());
        assert_eq!(pointers, ["\"/orderId\"", "\"/amount\"", "\"/items\""]);
        let error = refused.at("/error").to_string();
        assert!(error.contains("Input validation failed"), "{error}");
    }
    let executions = served.get("/workflows/executions");
    assert_eq!(executions.data(), &data!([]));
}

#[test]
fn an_id_is_used_once_and_fits_into_an_address() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let body = |id: &str| data!({ "input": { "orderId": "A", "amount": 1 }, "options": { "executionId": id } });
    let path = "/workflows/order-approval/execute";
    served.post(path, &body("e")).data();
    assert_eq!(served.post(path, &body("e")).refusal(), (409, "conflict".to_owned()));
    for id in ["", "a/b", "a b", "é", &"x".repeat(201)] {
        assert_eq!(
            served.post(path, &body(id)).refusal(),
            (400, "malformed".to_owned()),
            "{id}"
        );
    }
}

#[test]
fn a_body_that_is_no_json_is_refused() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    for body in [
        "{",
        "[]",
        "\"text\"",
        "{\"input\":}",
        "{\"options\":{\"context\":[]}}",
        "{\"options\":7}",
    ] {
        let answer = super::block_on(async {
            let url = format!("{}/workflows/order-approval/execute", served.base);
            let response = super::client().post(url).body(body).send().await.unwrap();
            super::Answer::of(response).await
        });
        assert_eq!(answer.refusal(), (400, "malformed".to_owned()), "{body}");
    }
}

#[test]
fn too_many_executions_at_once_are_refused_for_now() {
    let served = Served::with(&[("naps.yaml", NAPS)], &["--max-running", "1"]);
    let start = || served.post("/workflows/naps/start", &data!({}));
    assert_eq!(start().status, 200);
    let refused = start();
    assert_eq!(refused.refusal(), (429, "busy".to_owned()));
    assert_eq!(refused.headers.get("retry-after").unwrap(), "1");
}

#[test]
fn what_is_not_granted_does_not_run() {
    let reach = "
kind: Workflow
id: reach
permissions: { http: [example.com] }
steps:
  - { kind: andThen, id: a, set: 1 }
";
    let served = Served::new(&[("reach.yaml", reach)]);
    let refused = served.post("/workflows/reach/execute", &data!({}));
    assert_eq!(refused.refusal(), (403, "not-permitted".to_owned()));
}
