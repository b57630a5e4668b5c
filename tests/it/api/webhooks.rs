//! Webhooks: deliveries that begin runs, and those that are not believed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use interpret::data;
use interpret::data::Data;
use sha2::Sha256;

use super::{Answer, HOOK_SECRET, Served, block_on, client};

const HOOKS: &str = "
kind: Workflow
id: orders
permissions: { secrets: [HOOK_SECRET] }
triggers:
  - webhook: { path: /hooks/orders, secret: =secrets.HOOK_SECRET, respond: result }
  - webhook: { path: /hooks/github, secret: =secrets.HOOK_SECRET, signature: github }
    input: { order: =trigger.body.id, event: \"=trigger.headers['x-github-event']\" }
    runId: \"gh-{{ trigger.headers['x-github-delivery'] }}\"
  - webhook: { path: /hooks/open, methods: [POST, GET], respond: result }
    input: =trigger
inputSchema: { type: object }
steps:
  - { kind: andThen, id: a, set: =input }
";

/// A served workflow with webhooks, where the secret is granted.
fn served() -> Served {
    Served::with(&[("orders.yaml", HOOKS)], &["--allow-env=HOOK_SECRET"])
}

fn code(signed: &str) -> Vec<u8> {
    let mut code = Hmac::<Sha256>::new_from_slice(HOOK_SECRET.as_bytes()).unwrap();
    code.update(signed.as_bytes());
    code.finalize().into_bytes().to_vec()
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs().try_into().unwrap()
}

/// A delivery as Standard Webhooks signs it, of a body that may be another than the one that is sent.
fn deliver(served: &Served, id: &str, time: i64, signed: &str, sent: &str) -> Answer {
    let signature = format!("v1,{}", STANDARD.encode(code(&format!("{id}.{time}.{signed}"))));
    let time = time.to_string();
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", &time),
        ("webhook-signature", &signature),
        ("content-type", "application/json"),
    ];
    send(served, "POST", "/hooks/orders", sent, &headers)
}

fn send(served: &Served, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    block_on(async {
        let url = format!("{}{path}", served.base);
        let mut request = client().request(method.parse().unwrap(), url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.unwrap()).await
    })
}

fn executions(served: &Served) -> usize {
    let listed = served.get("/workflows/executions?limit=100");
    listed.at("/data").as_list().unwrap().len()
}

#[test]
fn a_signed_delivery_begins_one_run_however_often_it_is_sent() {
    let mut served = served();
    let body = r#"{"id":7}"#;
    let first = deliver(&served, "msg_1", now(), body, body);
    assert_eq!(first.data().get("status"), Some(&data!("completed")));
    assert_eq!(first.at("/data/result"), data!({ "id": 7 }));
    let again = deliver(&served, "msg_1", now(), body, body);
    assert_eq!(again.at("/data/executionId"), first.at("/data/executionId"));
    // Also by another process on the same store.
    served.kill_and_restart();
    let again = deliver(&served, "msg_1", now(), body, body);
    assert_eq!(again.data(), first.data());
    assert_eq!(executions(&served), 1);
    deliver(&served, "msg_2", now(), body, body).data();
    assert_eq!(executions(&served), 2);
    let counted = served.get("/metrics").body;
    let counted = counted.as_str().unwrap();
    assert!(
        counted.contains(r#"interpret_trigger_deliveries_total{result="known"} 1"#),
        "{counted}"
    );
}

#[test]
fn a_delivery_that_is_not_signed_as_it_should_be_begins_nothing() {
    let served = served();
    let body = r#"{"id":7}"#;
    for (what, answer) in [
        ("another body", deliver(&served, "m", now(), body, r#"{"id":8}"#)),
        ("old", deliver(&served, "m", now() - 3_600, body, body)),
        ("from the future", deliver(&served, "m", now() + 3_600, body, body)),
        ("unsigned", send(&served, "POST", "/hooks/orders", body, &[])),
        (
            "signed for another form",
            send(
                &served,
                "POST",
                "/hooks/orders",
                body,
                &[("x-hub-signature-256", "sha256=00")],
            ),
        ),
        (
            "wrong",
            send(
                &served,
                "POST",
                "/hooks/github",
                body,
                &[("x-hub-signature-256", "sha256=00")],
            ),
        ),
    ] {
        assert_eq!(answer.refusal(), (401, "bad-signature".to_owned()), "{what}");
        // No token would help.
        assert!(!answer.headers.contains_key("www-authenticate"), "{what}");
    }
    assert_eq!(executions(&served), 0);
}

#[test]
fn a_delivery_of_github_is_accepted_and_known_by_its_run_id() {
    let served = served();
    let body = r#"{"id":7}"#;
    let signature: String = code(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("sha256={signature}");
    let headers = [
        ("x-hub-signature-256", signature.as_str()),
        ("x-github-delivery", "d-1"),
        ("x-github-event", "push"),
        ("content-type", "application/json"),
    ];
    let accepted = send(&served, "POST", "/hooks/github", body, &headers);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(accepted.at("/data/executionId"), data!("gh-d-1"));
    let known = send(&served, "POST", "/hooks/github", body, &headers);
    assert_eq!(known.status, 200, "{known:?}");
    assert_eq!(known.at("/data/executionId"), data!("gh-d-1"));
    assert_eq!(executions(&served), 1);
    let state = served.get("/workflows/orders/executions/gh-d-1/state");
    assert_eq!(state.at("/data/input"), data!({ "order": 7, "event": "push" }));
}

#[test]
fn a_run_sees_what_was_delivered_but_not_who_asked() {
    let served = served();
    let open = |method, path, body, kind| {
        let headers = [
            ("content-type", kind),
            ("authorization", "Bearer x"),
            ("x-a", "1"),
            ("x-a", "2"),
        ];
        send(&served, method, path, body, &headers).at("/data/result")
    };
    let form = open(
        "POST",
        "/hooks/open?a=1&b=x%20y&b=z",
        "n=1&m=+%C3%A4",
        "application/x-www-form-urlencoded",
    );
    assert_eq!(form.get("body"), Some(&data!({ "n": "1", "m": " \u{e4}" })));
    assert_eq!(form.get("query"), Some(&data!({ "a": "1", "b": ["x y", "z"] })));
    assert_eq!(form.pointer("/headers/x-a"), Some(&data!("1, 2")));
    assert_eq!(form.pointer("/headers/authorization"), None);
    assert_eq!(form.get("path"), Some(&data!("/hooks/open")));
    let text = open("POST", "/hooks/open", "hello", "text/plain");
    assert_eq!(text.get("body"), Some(&data!("hello")));
    let nothing = open("GET", "/hooks/open", "", "application/json");
    assert_eq!(
        (nothing.get("body"), nothing.get("method")),
        (Some(&Data::Null), Some(&data!("GET")))
    );
}

#[test]
fn what_cannot_begin_a_run_is_told_why() {
    let served = served();
    let json = [("content-type", "application/json")];
    let bad = send(&served, "POST", "/hooks/open", "{", &json);
    assert_eq!(bad.refusal(), (400, "malformed".to_owned()));
    let method = send(&served, "PUT", "/hooks/open", "{}", &json);
    assert_eq!(method.refusal(), (405, "method-not-allowed".to_owned()));
    assert_eq!(method.headers["allow"], "POST, GET");
    let body = "[1]";
    let unfit = deliver(&served, "m", now(), body, body);
    assert_eq!(unfit.refusal(), (400, "invalid".to_owned()));
    let large = "x".repeat(5 * 1024 * 1024);
    let large = send(&served, "POST", "/hooks/open", &large, &json);
    assert_eq!(large.refusal(), (413, "too-large".to_owned()));
    let none = send(&served, "POST", "/hooks/none", "", &json);
    assert_eq!(none.refusal(), (404, "not-found".to_owned()));
    assert_eq!(executions(&served), 0);
    // A secret that is not granted lets nobody in, and nobody is told why.
    let closed = Served::new(&[("orders.yaml", HOOKS)]);
    let refused = deliver(&closed, "m", now(), "{}", "{}");
    assert_eq!(refused.refusal(), (503, "unavailable".to_owned()));
    assert!(!refused.body.to_string().contains("HOOK_SECRET"), "{refused:?}");
    assert!(closed.said("a delivery starts nothing").contains("HOOK_SECRET"));
}

#[test]
fn webhooks_come_and_go_with_the_definitions() {
    let served = Served::with(&[("orders.yaml", HOOKS)], &["--watch", "--allow-env=HOOK_SECRET"]);
    let status = |path| send(&served, "POST", path, "{}", &[]).status;
    assert_eq!((status("/hooks/open"), status("/hooks/new")), (200, 404));
    let changed = HOOKS.replace("/hooks/open", "/hooks/new");
    served.folder.write("w/orders.yaml", changed.as_bytes());
    served.said("the files were read again");
    assert_eq!((status("/hooks/open"), status("/hooks/new")), (404, 200));
}

#[test]
fn a_schedule_that_was_missed_is_caught_up_with_once_by_the_real_server() {
    let nightly = "kind: Workflow\nid: nightly\ntriggers: [{ cron: { schedule: '0 2 * * *' } }]\n\
                   steps: [{ kind: andThen, id: a, set: done }]\n";
    let mut served = Served::new(&[("nightly.yaml", nightly)]);
    served.said("acting on 1 schedule and 0 webhooks; next is `nightly` at ");
    let listed = |served: &Served| {
        let listed = served.get("/workflows/executions");
        listed.at("/data").as_list().unwrap().to_vec()
    };
    assert_eq!(listed(&served).len(), 0);
    // As if it had been away for three days.
    served.kill();
    let store = rusqlite::Connection::open(served.folder.path().join("runs.sqlite")).unwrap();
    let moved = store.execute("UPDATE trigger_cursors SET through = through - 3 * 86400000", []);
    assert_eq!(moved, Ok(1));
    for _ in 0..2 {
        served.restart();
        // It is counted when all is done.
        served.said("acting on 1 schedule");
        let deadline = std::time::Instant::now() + crate::cli::PATIENCE;
        while listed(&served).is_empty() {
            assert!(std::time::Instant::now() < deadline);
        }
        served.kill();
    }
    served.restart();
    let all = listed(&served);
    assert_eq!(all.len(), 1);
    let id = all[0].get("id").and_then(Data::as_str).unwrap();
    assert!(id.starts_with("cron-") && id.ends_with("T020000Z"), "{id}");
}
