//! Executing, suspending, resuming, cancelling, retrying, replaying.

use interpret::data;
use interpret::data::Data;

use super::{NAPS, ORDER, Served, block_on, client};

const EXECUTE: &str = "/workflows/order-approval/execute";

fn order(amount: i64, execution: &str) -> Data {
    data!({ "input": { "orderId": "A-1", "amount": amount }, "options": { "executionId": execution } })
}

fn execution(id: &str, what: &str) -> String {
    format!("/workflows/order-approval/executions/{id}/{what}")
}

#[test]
fn an_execution_that_completes_has_the_fields_of_the_published_page() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let answer = served.post(EXECUTE, &order(40, "small"));
    let keys: Vec<_> = answer
        .data()
        .as_map()
        .unwrap()
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(keys, ["executionId", "startAt", "endAt", "status", "result"]);
    assert_eq!(answer.at("/data/executionId"), data!("small"));
    assert_eq!(answer.at("/data/status"), data!("completed"));
    assert_eq!(
        answer.at("/data/result"),
        data!({ "approved": true, "totalAmount": 40 })
    );
}

#[test]
fn an_execution_waits_and_goes_on_with_the_answer() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let waiting = served.post(EXECUTE, &order(5000, "large"));
    assert_eq!(waiting.at("/data/status"), data!("suspended"));
    assert_eq!(waiting.at("/data/endAt"), data!(null));
    assert_eq!(waiting.at("/data/result"), data!(null));
    assert_eq!(
        waiting.at("/data/suspension/reason"),
        data!("Waiting for manager approval")
    );
    assert_eq!(waiting.at("/data/suspension/suspendedStepIndex"), data!(1));
    let state = served.get(&execution("large", "state"));
    assert_eq!(state.at("/data/status"), data!("suspended"));
    assert_eq!(state.at("/data/suspension/stepId"), data!("approval"));
    assert_eq!(state.at("/data/suspension/suspendData"), data!({ "amount": 5000 }));
    assert_eq!(state.at("/data/events/1/status"), data!("suspended"));
    // What does not fit changes nothing and says what is wrong.
    let wrong = served.post(
        &execution("large", "resume"),
        &data!({ "resumeData": { "approved": "yes" } }),
    );
    assert_eq!(wrong.refusal(), (400, "invalid".to_owned()));
    assert_eq!(wrong.at("/violations/0/pointer"), data!("/approved"));
    let right = data!({ "resumeData": { "approved": false }, "options": { "stepId": "approval" } });
    let done = served.post(&execution("large", "resume"), &right);
    assert_eq!(
        done.at("/data/result"),
        data!({ "approved": false, "totalAmount": 5000 })
    );
    assert_eq!(served.post(&execution("large", "resume"), &right).refusal().0, 409);
    assert_eq!(
        served.get(&execution("large", "state")).at("/data/output"),
        data!({ "approved": false, "totalAmount": 5000 })
    );
}

#[test]
fn of_two_concurrent_answers_one_counts() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    for round in 0..20 {
        let id = format!("run-{round}");
        served.post(EXECUTE, &order(5000, &id));
        let statuses = block_on(async {
            let client = client();
            let resume = || async {
                let url = format!("{}{}", served.base, execution(&id, "resume"));
                let request = client.post(url).body(r#"{"resumeData":{"approved":true}}"#);
                request.send().await.unwrap().status().as_u16()
            };
            let both = futures_util::future::join(resume(), resume()).await;
            [both.0, both.1]
        });
        assert!(statuses == [200, 409] || statuses == [409, 200], "{statuses:?}");
    }
}

#[test]
fn what_has_never_waited_is_not_resumed() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    served.post(EXECUTE, &order(40, "small"));
    let refused = served.post(
        &execution("small", "resume"),
        &data!({ "resumeData": { "approved": true } }),
    );
    assert_eq!(refused.refusal(), (404, "not-suspended".to_owned()));
}

#[test]
fn an_execution_is_held_and_goes_on() {
    let served = Served::new(&[("naps.yaml", NAPS)]);
    let begun = served.post("/workflows/naps/start", &data!({ "options": { "executionId": "n" } }));
    assert_eq!(begun.at("/data/status"), data!("running"));
    let held = served.post(
        "/workflows/naps/executions/n/suspend",
        &data!({ "reason": "Manual suspension for review" }),
    );
    assert_eq!(held.at("/data/status"), data!("suspended"));
    assert_eq!(
        held.at("/data/suspension/reason"),
        data!("Manual suspension for review")
    );
    let again = served.post("/workflows/naps/executions/n/suspend", &data!({}));
    assert_eq!(again.refusal(), (400, "not-suspendable".to_owned()));
    let state = served.get("/workflows/naps/executions/n/state");
    assert_eq!(
        state.at("/data/suspension/reason"),
        data!("Manual suspension for review")
    );
    let done = served.post("/workflows/naps/executions/n/resume", &data!({}));
    assert_eq!(done.at("/data/status"), data!("completed"), "{done:?}");
    let over = served.post("/workflows/naps/executions/n/suspend", &data!({}));
    assert_eq!(over.refusal(), (400, "not-suspendable".to_owned()));
}

#[test]
fn an_execution_is_cancelled_whether_it_runs_or_waits() {
    let served = Served::new(&[("order.yaml", ORDER), ("naps.yaml", NAPS)]);
    served.post(EXECUTE, &order(5000, "large"));
    served.post("/workflows/naps/start", &data!({ "options": { "executionId": "n" } }));
    for path in [&execution("large", "cancel"), "/workflows/naps/executions/n/cancel"] {
        let cancelled = served.post(path, &data!({ "reason": "not needed" }));
        assert_eq!(cancelled.at("/data/status"), data!("cancelled"), "{cancelled:?}");
        assert_eq!(cancelled.at("/data/reason"), data!("not needed"));
        assert!(cancelled.at("/data/cancelledAt").as_str().is_some());
        assert_eq!(served.post(path, &data!({})).refusal().0, 409);
    }
}

#[test]
fn a_failed_execution_is_told_and_retried() {
    let flaky = "
kind: Workflow
id: flaky
permissions: { exec: [sh] }
steps:
  - { kind: andThen, id: once, set: 1 }
  - { kind: andThen, id: risky, exec: { command: [sh, -c, 'test -e mended && echo 2'] } }
";
    let served = Served::with(&[("flaky.yaml", flaky)], &["--allow-exec=sh"]);
    let failed = served.post(
        "/workflows/flaky/execute",
        &data!({ "options": { "executionId": "f" } }),
    );
    assert_eq!((failed.status, failed.at("/data/status")), (200, data!("error")));
    assert_eq!(failed.at("/data/error/code"), data!("exec.exit"));
    assert_eq!(failed.at("/data/error/step"), data!("risky"));
    served.folder.write("mended", b"");
    let mended = served.post("/workflows/flaky/executions/f/retry", &data!({}));
    assert_eq!(mended.at("/data/result"), data!("2"), "{mended:?}");
    assert_eq!(
        served
            .post("/workflows/flaky/executions/f/retry", &data!({}))
            .refusal()
            .0,
        409
    );
}

#[test]
fn an_execution_is_repeated_from_a_step() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    served.post(EXECUTE, &order(5000, "large"));
    let replay = execution("large", "replay");
    let other = served.post(&replay, &data!({ "stepId": "approval" }));
    let id = other.at("/data/executionId");
    assert_eq!(
        (other.at("/data/status"), id != data!("large")),
        (data!("suspended"), true)
    );
    let answered = served.post(
        &replay,
        &data!({ "stepId": "approval", "resumeData": { "approved": true } }),
    );
    assert_eq!(answered.at("/data/status"), data!("completed"), "{answered:?}");
    assert_eq!(served.post(&replay, &data!({ "stepId": "settle" })).refusal().0, 404);
    assert_eq!(served.post(&replay, &data!({})).refusal().0, 400);
    let wrong = data!({ "stepId": "approval", "workflowStateOverride": 1 });
    assert_eq!(served.post(&replay, &wrong).refusal(), (400, "malformed".to_owned()));
}

#[test]
fn the_same_request_with_the_same_key_is_done_once() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let body = data!({ "input": { "orderId": "A-1", "amount": 5000 } });
    let key = [("idempotency-key", "k-1")];
    let first = served.post_with(EXECUTE, &body, &key);
    let again = served.post_with(EXECUTE, &body, &key);
    assert_eq!(first.at("/data/executionId"), again.at("/data/executionId"));
    let other = data!({ "input": { "orderId": "A-2", "amount": 5000 } });
    assert_eq!(
        served.post_with(EXECUTE, &other, &key).refusal(),
        (409, "conflict".to_owned())
    );
    let executions = served.get("/workflows/executions");
    assert_eq!(executions.data().as_list().unwrap().len(), 1);
    // Over as well as while it waits, and behind a restart.
    let resume = format!(
        "/workflows/order-approval/executions/{}/resume",
        first.at("/data/executionId").as_str().unwrap()
    );
    served.post(&resume, &data!({ "resumeData": { "approved": true } }));
    assert_eq!(
        served.post_with(EXECUTE, &body, &key).at("/data/status"),
        data!("completed")
    );
}

#[test]
fn an_execution_survives_the_process() {
    let mut served = Served::new(&[("order.yaml", ORDER)]);
    served.post(EXECUTE, &order(5000, "large"));
    served.kill_and_restart();
    let done = served.post(
        &execution("large", "resume"),
        &data!({ "resumeData": { "approved": true } }),
    );
    assert_eq!(done.at("/data/status"), data!("completed"), "{done:?}");
}

#[test]
fn an_event_reaches_the_step_that_waits_for_it() {
    let payment = "
kind: Workflow
id: payment
steps:
  - { kind: andThen, id: paid, waitFor: { event: Paid, where: =event.amount > 1 } }
";
    let served = Served::new(&[("payment.yaml", payment)]);
    let waiting = served.post(
        "/workflows/payment/execute",
        &data!({ "options": { "executionId": "p" } }),
    );
    assert_eq!(
        waiting.at("/data/suspension/waiting/0/event"),
        data!("Paid"),
        "{waiting:?}"
    );
    let events = "/workflows/payment/executions/p/events";
    served.post(events, &data!({ "event": "Paid", "data": { "amount": 0 } }));
    assert_eq!(
        served.get("/workflows/payment/executions/p/state").at("/data/status"),
        data!("suspended")
    );
    assert_eq!(
        served
            .post(events, &data!({ "event": "Paid", "data": { "amount": 5 } }))
            .status,
        200
    );
    assert_eq!(
        served.get("/workflows/payment/executions/p/state").at("/data/result"),
        data!({ "amount": 5 })
    );
}

/// Adds to its data and to its state, step by step.
const SUMS: &str = "
kind: Workflow
id: sums
state: { seen: 0 }
stateSchema: { type: object, properties: { seen: { type: integer } } }
steps:
  - { kind: andThen, id: one, set: { n: =data.n + 1 }, setState: { seen: =state.seen + 1 } }
  - { kind: andWhen, id: two, condition: =data.n > 100, set: { n: 0 } }
  - { kind: andThen, id: three, set: { n: =data.n * 2, was: =input.n, one: =steps.one.output.n, seen: =state.seen } }
";

#[test]
fn a_replay_begins_its_step_on_other_data_and_another_state() {
    let served = Served::new(&[("sums.yaml", SUMS)]);
    let body = data!({ "input": { "n": 1 }, "options": { "executionId": "a" } });
    let first = served.post("/workflows/sums/execute", &body);
    assert_eq!(
        first.at("/data/result"),
        data!({ "n": 4, "was": 1, "one": 2, "seen": 1 })
    );
    let replay = |body: &Data| served.post("/workflows/sums/executions/a/replay", body);
    // What happened before the step stays what it was.
    let other = replay(&data!({ "stepId": "three", "inputData": { "n": 50 }, "workflowStateOverride": { "seen": 9 } }));
    assert_eq!(
        other.at("/data/result"),
        data!({ "n": 100, "was": 1, "one": 2, "seen": 9 })
    );
    // Also from a step that was passed over, whose condition holds now.
    let other = replay(&data!({ "stepId": "two", "inputData": { "n": 500 } }));
    assert_eq!(other.at("/data/result/n"), data!(0));
    let other = replay(&data!({ "stepId": "one", "inputData": { "n": 10 } }));
    assert_eq!(
        other.at("/data/result"),
        data!({ "n": 22, "was": 1, "one": 11, "seen": 1 })
    );
    let id = other.at("/data/executionId").to_text();
    let state = served.get(&format!("/workflows/sums/executions/{id}/state"));
    assert_eq!(state.at("/data/replayedFromExecutionId"), data!("a"));
    assert_eq!(state.at("/data/replayFromStepId"), data!("one"));
    assert_eq!(
        (state.at("/data/input"), state.at("/data/metadata")),
        (data!({ "n": 1 }), data!({}))
    );
    let refused = replay(&data!({ "stepId": "three", "workflowStateOverride": { "seen": "x" } }));
    assert_eq!(refused.refusal(), (400, "invalid".to_owned()));
    assert_eq!(refused.at("/violations/0/pointer"), data!("/seen"));
    // None of the refused is there.
    assert_eq!(
        served
            .get("/workflows/executions")
            .at("/data")
            .as_list()
            .map(|all| all.len()),
        Some(4)
    );
}
