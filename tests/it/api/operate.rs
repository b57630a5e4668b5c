//! What operators rely on: health, metrics, reloading, ending.

use interpret::data;

use super::{NAPS, ORDER, Served};

#[test]
fn it_says_what_it_is_and_that_it_is_well() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    assert_eq!(served.get("/").at("/workflows"), data!(1));
    assert_eq!(served.get("/health").body, data!({ "status": "healthy" }));
    assert_eq!(served.get("/ready").body, data!({ "status": "ok" }));
    served.get("/workflows/nope");
    let metrics = served.get("/metrics").body.to_text();
    let counted = "interpret_http_requests_total{method=\"GET\",route=\"/workflows/{id}\",status=\"404\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.contains("interpret_workflows 1"), "{metrics}");
}

#[test]
#[cfg(unix)]
fn changed_files_are_served_and_broken_ones_stay_as_they_were() {
    let served = Served::new(&[("order.yaml", ORDER), ("naps.yaml", NAPS)]);
    let body = data!({ "input": { "orderId": "A", "amount": 5000 }, "options": { "executionId": "before" } });
    served.post("/workflows/order-approval/execute", &body).data();
    let changed = ORDER.replace("totalAmount: =input.amount", "totalAmount: 7");
    served.folder.write("w/order.yaml", changed.as_bytes());
    served.folder.write(
        "w/naps.yaml",
        b"kind: Workflow\nid: naps\nsteps: [{ kind: andNothing }]\n",
    );
    served.signal(rustix::process::Signal::HUP);
    served.said("the files were read again");
    let body = data!({ "input": { "orderId": "A", "amount": 4 } });
    let after = served.post("/workflows/order-approval/execute", &body);
    assert_eq!(after.at("/data/result/totalAmount"), data!(7));
    assert_eq!(served.get("/workflows/naps").at("/data/stepsCount"), data!(1));
    let resumed = served.post(
        "/workflows/order-approval/executions/before/resume",
        &data!({ "resumeData": { "approved": true } }),
    );
    assert_eq!(resumed.at("/data/result/totalAmount"), data!(5000));
}

#[test]
fn saved_files_are_served_at_once() {
    let served = Served::with(&[("order.yaml", ORDER)], &["--watch"]);
    served.folder.write("w/naps.yaml", NAPS.as_bytes());
    served.said("the files were read again");
    assert_eq!(served.get("/workflows/naps").status, 200);
}

#[test]
#[cfg(unix)]
fn who_is_told_to_end_ends_and_the_next_process_goes_on() {
    let mut served = Served::new(&[("naps.yaml", NAPS)]);
    served
        .post("/workflows/naps/start", &data!({ "options": { "executionId": "n" } }))
        .data();
    served.signal(rustix::process::Signal::TERM);
    assert_eq!(served.ended(), 0);
    served.restart();
    let stream = served
        .get("/workflows/naps/executions/n/stream?fromSequence=0")
        .body
        .to_text();
    assert!(stream.contains("workflow-result"), "{stream}");
    assert_eq!(stream.matches("\"type\":\"nap\"").count(), 5, "{stream}");
}

#[test]
fn a_workflow_whose_id_is_a_word_of_the_routes_is_not_served() {
    let reserved = "kind: Workflow\nid: executions\nsteps: [{ kind: andThen, id: a, set: 1 }]\n";
    let served = Served::new(&[("order.yaml", ORDER), ("reserved.yaml", reserved)]);
    assert_eq!(served.get("/").at("/workflows"), data!(1));
}

#[test]
fn what_has_been_over_for_long_is_forgotten() {
    let served = Served::with(&[("order.yaml", ORDER)], &["--keep", "1s"]);
    for (id, amount) in [("over", 4), ("waiting", 5000)] {
        let input = data!({ "orderId": "A", "amount": amount });
        let body = data!({ "input": input, "options": { "executionId": id } });
        served.post("/workflows/order-approval/execute", &body).data();
    }
    served.said("what has been over for long is forgotten");
    let state = |id: &str| served.get(&format!("/workflows/order-approval/executions/{id}/state"));
    assert_eq!(state("over").refusal(), (404, "execution-not-found".to_owned()));
    assert_eq!(state("waiting").at("/data/status"), data!("suspended"));
}

#[test]
#[cfg(unix)]
fn who_may_ask_is_read_again_and_stays_where_that_is_wrong() {
    let file = |token: &str| {
        let hash = crate::serve::hash(token);
        format!("tokens: [{{ name: a, hash: \"{hash}\", scope: admin }}]\n")
    };
    let (before, after) = (file("before"), file("after"));
    let served = Served::with(
        &[("order.yaml", ORDER), ("../access.yaml", &before)],
        &["--auth", "access.yaml"],
    );
    let status = |token: &str| {
        let input = data!({ "input": { "orderId": "A", "amount": 4 } });
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str())];
        served
            .post_with("/workflows/order-approval/execute", &input, &headers)
            .status
    };
    assert_eq!((status("before"), status("after")), (200, 401));
    served.folder.write("access.yaml", after.as_bytes());
    served.signal(rustix::process::Signal::HUP);
    served.said("the files were read again");
    assert_eq!((status("before"), status("after")), (401, 200));
    served.folder.write("access.yaml", b"tokens: [{ name: a }]\n");
    served.signal(rustix::process::Signal::HUP);
    served.said("who may ask stays as it was");
    served.said("the files were read again");
    assert_eq!((status("before"), status("after")), (401, 200));
}

#[test]
#[cfg(unix)]
fn a_second_interrupt_ends_the_server_at_once() {
    let slow = "kind: Workflow\nid: slow\npermissions: { exec: [sleep] }\n\
                steps: [{ kind: andThen, id: a, exec: { command: [sleep, '60'] } }]\n";
    let mut served = Served::with(&[("slow.yaml", slow)], &["--allow-exec=sleep", "--drain", "50s"]);
    served.post("/workflows/slow/start", &data!({})).data();
    served.signal(rustix::process::Signal::INT);
    served.said("interrupt again to end at once");
    served.signal(rustix::process::Signal::INT);
    // As its help says.
    assert_eq!(served.ended(), 4);
}
