//! Routes, bodies and statuses.

use interpret::data;
use interpret::data::Data;

use super::{COUNTS, FAILS, GREET, HUMAN, PANEL};
use crate::api::{Answer, Served, block_on, client};
use crate::serve::{Served as Guarded, auth, hash};

fn served() -> Served {
    let files = [
        ("greet.yaml", GREET),
        ("human.yaml", HUMAN),
        ("fails.yaml", FAILS),
        ("counts.yaml", COUNTS),
        ("panel.yaml", PANEL),
    ];
    Served::new(&files)
}

/// The status and the reason of a refusal.
fn refusal(answer: &Answer) -> (u16, String) {
    let keys: Vec<_> = answer.body.as_map().expect("an object").keys().cloned().collect();
    assert_eq!(keys, ["detail".into()], "{answer:?}");
    (
        answer.status,
        answer.at("/detail").as_str().unwrap_or_default().to_owned(),
    )
}

fn sent(kind: &str, value: Data) -> Data {
    data!({ "event": { "value": value, "type": kind, "qualified_name": null } })
}

/// Begins an execution under the id of a handler.
#[track_caller]
fn begin(served: &Served, workflow: &str, handler: &str, start: Data) {
    let body = data!({ "handler_id": handler, "start_event": start });
    let answer = served.post(&format!("/workflows/{workflow}/run-nowait"), &body);
    assert_eq!(
        (answer.status, answer.at("/status")),
        (200, data!("running")),
        "{answer:?}"
    );
}

#[test]
fn one_listing_and_one_health_answer_all_clients() {
    let served = served();
    let names = data!(["counts", "fails", "greet", "human", "panel"]);
    let both = served.get("/workflows");
    assert_eq!(both.at("/workflows"), names);
    assert_eq!(both.data().as_list().unwrap().len(), 5);
    assert_eq!(served.get("/llamaindex/workflows").body, data!({ "workflows": names }));
    for path in ["/health", "/llamaindex/health"] {
        assert_eq!(served.get(path).body, data!({ "status": "healthy" }));
    }
}

#[test]
fn a_run_answers_with_its_handler() {
    let served = served();
    let body = data!({ "start_event": { "name": "Ada" }, "context": {}, "handler_id": "" });
    for prefix in ["", "/llamaindex"] {
        let answer = served.post(&format!("{prefix}/workflows/greet/run"), &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let keys: Vec<_> = answer
            .body
            .as_map()
            .unwrap()
            .keys()
            .map(|key| key.to_string())
            .collect();
        assert_eq!(
            keys,
            [
                "handler_id",
                "workflow_name",
                "run_id",
                "error",
                "result",
                "result_unreadable",
                "status",
                "started_at",
                "updated_at",
                "completed_at"
            ]
        );
        assert_eq!(answer.at("/handler_id"), answer.at("/run_id"));
        assert_eq!(
            answer.at("/result"),
            data!({
                "value": { "result": "Hello, Ada!" },
                "qualified_name": "workflows.events.StopEvent",
                "type": "StopEvent",
                "types": null
            })
        );
        let started = answer.at("/started_at");
        assert!(started.as_str().unwrap().ends_with("000+00:00"), "{started}");
        let handler = answer.at("/handler_id");
        let handler = handler.as_str().unwrap();
        let again = served.get(&format!("{prefix}/handlers/{handler}"));
        assert_eq!((again.status, &again.body), (200, &answer.body));
        let result = served.get(&format!("{prefix}/results/{handler}"));
        assert_eq!((result.status, result.at("/result")), (200, data!("Hello, Ada!")));
    }
}

#[test]
fn a_run_that_waits_is_running_until_it_is_answered() {
    let served = served();
    begin(&served, "human", "h", data!({}));
    for path in ["/handlers/h", "/results/h"] {
        let answer = served.get(path);
        assert_eq!(
            (answer.status, answer.at("/status")),
            (202, data!("running")),
            "{answer:?}"
        );
    }
}

#[test]
fn a_run_that_fails_is_told_with_its_handler_and_a_status_of_500() {
    let served = served();
    let ran = served.post("/workflows/fails/run", &data!({}));
    assert_eq!((ran.status, ran.at("/status")), (500, data!("failed")), "{ran:?}");
    assert_eq!((ran.at("/error"), ran.at("/result")), (data!("Sold out"), Data::Null));
    let handler = ran.at("/handler_id");
    let looked = served.get(&format!("/handlers/{}", handler.as_str().unwrap()));
    assert_eq!((looked.status, looked.body), (500, ran.body));
}

#[test]
fn what_is_wrong_with_a_request_is_told() {
    let served = served();
    begin(&served, "human", "waits", data!({}));
    let post = |path: &str, body: Data| refusal(&served.post(path, &body));
    let get = |path: &str| refusal(&served.get(path));
    let no_workflow = || (404, "Workflow not found".to_owned());
    let no_handler = || (404, "Handler not found".to_owned());
    for path in ["run", "run-nowait"] {
        assert_eq!(post(&format!("/workflows/no/{path}"), data!({})), no_workflow());
        let (status, why) = post(
            &format!("/workflows/greet/{path}"),
            data!({ "start_event": { "name": 1 } }),
        );
        assert_eq!(status, 400);
        assert!(why.contains("/name"), "{why}");
        let (status, why) = post(&format!("/workflows/greet/{path}"), data!([1]));
        assert_eq!(status, 400, "{why}");
        let context = data!({ "context": { "state": {} } });
        let (status, why) = post(&format!("/workflows/greet/{path}"), context);
        assert_eq!(status, 400);
        assert!(why.contains("handler_id"), "{why}");
        let stop = data!({ "start_event": { "type": "OutEvent", "value": {}, "qualified_name": null } });
        let (status, why) = post(&format!("/workflows/human/{path}"), stop);
        assert_eq!(status, 400);
        assert!(why.contains("StartEvent"), "{why}");
        let odd = data!({ "handler_id": "a b" });
        assert_eq!(post(&format!("/workflows/greet/{path}"), odd).0, 400);
    }
    for path in ["schema", "events", "representation"] {
        assert_eq!(get(&format!("/workflows/no/{path}")), no_workflow());
    }
    for path in ["/handlers/no", "/results/no", "/events/no"] {
        assert_eq!(get(path), no_handler());
    }
    for path in ["/handlers/no/cancel", "/handlers/no/cancel?purge=true"] {
        assert_eq!(post(path, data!({})), no_handler());
    }
    assert_eq!(post("/events/no", sent("ResponseEvent", data!({}))), no_handler());
    let wrong = get("/events/waits?after_sequence=abc");
    assert_eq!(wrong, (400, "Invalid after_sequence: 'abc'".to_owned()));
    for path in ["/llamaindex/no", "/llamaindex/workflows/greet"] {
        assert_eq!(get(path), (404, "Not Found".to_owned()));
    }
    assert_eq!(get("/workflows/greet/run"), (404, "Not Found".to_owned()));
}

#[test]
fn an_event_that_nobody_takes_is_refused() {
    let served = served();
    begin(&served, "human", "h", data!({}));
    let post = |body: Data| refusal(&served.post("/events/h", &body));
    let (status, why) = post(sent("Other", data!({})));
    assert_eq!(status, 400);
    assert!(why.starts_with("Invalid event type: Other. Expected one of"), "{why}");
    assert_eq!(post(data!({ "event": { "response": "x" } })).0, 400);
    assert_eq!(post(data!({})).0, 400);
    // It breaks the schema, and changes nothing.
    let (status, why) = post(sent("ResponseEvent", data!({ "response": 1 })));
    assert_eq!(status, 400);
    assert!(why.contains("/response"), "{why}");
    let to = |step: &str| {
        let mut body = sent("ResponseEvent", data!({ "response": "Ada" }));
        if let Data::Map(map) = &body {
            body = Data::from(map.with("step".into(), data!(step)));
        }
        body
    };
    let no_step = post(to("nowhere"));
    assert_eq!(
        no_step,
        (500, "Failed to send event: Step nowhere does not exist".to_owned())
    );
    let (status, why) = post(to("greet_human"));
    assert_eq!(status, 500);
    assert!(
        why.contains("greet_human does not accept event of type ResponseEvent"),
        "{why}"
    );
    let answered = served.post("/events/h", &to("prompt_human"));
    assert_eq!((answered.status, answered.body), (200, data!({ "status": "sent" })));
    let ended = served.get("/events/h?sse=false");
    assert_eq!(ended.status, 200);
    let late = post(to("prompt_human"));
    assert_eq!(late, (409, "Workflow already completed".to_owned()));
    let out = served.get("/results/h");
    assert_eq!(
        (out.status, out.at("/result")),
        (200, data!({ "output": "Hello, Ada" }))
    );
}

#[test]
fn of_several_steps_that_wait_the_one_is_meant_that_is_named() {
    let served = served();
    begin(&served, "panel", "p", data!({}));
    let vote = |step: Option<&str>| {
        let step = step.map_or(Data::Null, Data::from);
        let event = data!({ "__is_pydantic": true, "value": { "yes": true }, "qualified_name": "app.events.Vote" });
        served.post("/events/p", &data!({ "event": event, "step": step }))
    };
    let (status, why) = refusal(&vote(None));
    assert_eq!(status, 409);
    assert!(why.contains("first") && why.contains("second"), "{why}");
    // Another system is early; that is kept.
    assert_eq!(
        served
            .post("/events/p", &sent("Stamped", data!({ "by": "Bob" })))
            .status,
        200
    );
    assert_eq!(vote(Some("second")).status, 200);
    assert_eq!(vote(None).status, 200);
    let told = served.get("/events/p?sse=false&include_qualified_name=false");
    let told = told.body.as_str().unwrap_or_default().to_owned();
    assert!(
        told.contains(r#"{"value":{"result":{"by":"Bob"}},"qualified_name":null,"type":"StopEvent","types":null}"#),
        "{told}"
    );
    let (status, _) = refusal(&vote(None));
    assert_eq!(status, 409);
}

#[test]
fn a_handler_goes_on_with_what_its_last_run_remembers() {
    let mut served = served();
    let run = |served: &Served, start: Data| {
        served.post(
            "/workflows/counts/run",
            &data!({ "handler_id": "chat", "start_event": start }),
        )
    };
    let mut runs = Vec::new();
    for asked in 1..=5 {
        let answer = run(&served, data!({}));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.at("/handler_id"), data!("chat"));
        assert_eq!(answer.at("/result/value/result"), data!(asked));
        let run = answer.at("/run_id").as_str().unwrap().to_owned();
        assert!(!runs.contains(&run));
        runs.push(run);
        let newest = served.get("/handlers/chat");
        assert_eq!(newest.body, answer.body);
        if asked == 3 {
            served.kill_and_restart();
        }
    }
    // Who repeats one of them begins something of its own.
    let replay = format!("/workflows/counts/executions/{}/replay", runs[4]);
    let replayed = served.post(&replay, &data!({ "stepId": "told" }));
    let replayed = replayed.at("/data/executionId").as_str().unwrap().to_owned();
    assert_eq!(
        served.get(&format!("/handlers/{replayed}")).at("/handler_id"),
        data!(replayed.as_str())
    );
    assert_eq!(served.get("/handlers/chat").at("/run_id"), data!(runs[4].as_str()));
    assert_eq!(
        served
            .post(&format!("/handlers/{replayed}/cancel?purge=true"), &data!({}))
            .status,
        200
    );
    // One at a time.
    begin(&served, "counts", "chat", data!({ "wait": true }));
    let busy = refusal(&run(&served, data!({})));
    assert_eq!(busy, (409, "Handler 'chat' is already running".to_owned()));
    assert_eq!(served.get("/handlers/chat").status, 202);
    let listed = served.get("/handlers?workflow_name=counts");
    assert_eq!(listed.at("/handlers").as_list().unwrap().len(), 1, "{listed:?}");
    assert_eq!(served.get("/handlers?status=completed").at("/handlers"), data!([]));
    // All that was done under the id is gone with it.
    let purged = served.post("/handlers/chat/cancel?purge=true", &data!({}));
    assert_eq!((purged.status, purged.body), (200, data!({ "status": "deleted" })));
    assert_eq!(served.get("/handlers/chat").status, 404);
    assert_eq!(served.get("/handlers").at("/handlers"), data!([]));
    assert_eq!(served.get("/workflows/executions").data(), &data!([]));
    assert_eq!(run(&served, data!({})).at("/result/value/result"), data!(1));
}

#[test]
fn of_two_that_would_go_on_under_one_handler_one_does() {
    let served = served();
    for turn in 1..=4 {
        let body = data!({ "handler_id": "both", "start_event": { "wait": true } }).to_string();
        let url = format!("{}/workflows/counts/run-nowait", served.base);
        let statuses = block_on(async {
            let ask = || async {
                let sent = client().post(&url).body(body.clone()).send().await.unwrap();
                sent.status().as_u16()
            };
            let (a, b, c) = futures_util::join!(ask(), ask(), ask());
            let mut statuses = [a, b, c];
            statuses.sort_unstable();
            statuses
        });
        assert_eq!(statuses, [200, 409, 409], "turn {turn}");
        let answer = sent("HumanResponseEvent", data!({}));
        assert_eq!(served.post("/events/both", &answer).status, 200);
        // The stream ends with the run.
        served.get("/events/both");
        assert_eq!(served.get("/results/both").at("/result"), data!(turn));
    }
}

#[test]
fn handlers_are_listed_by_status_and_workflow() {
    let served = served();
    begin(&served, "human", "one", data!({}));
    begin(&served, "human", "two", data!({}));
    served.post("/workflows/fails/run", &data!({ "handler_id": "bad" }));
    served.post("/workflows/counts/run", &data!({ "handler_id": "good" }));
    assert_eq!(
        served.post("/handlers/two/cancel", &data!({})).body,
        data!({ "status": "cancelled" })
    );
    let listed = |query: &str| -> Vec<String> {
        let answer = served.get(&format!("/handlers{query}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let handlers = answer.at("/handlers");
        let id = |handler: &Data| handler.get("handler_id").unwrap().as_str().unwrap().to_owned();
        handlers.as_list().unwrap().iter().map(id).collect()
    };
    assert_eq!(listed(""), ["one", "two", "bad", "good"]);
    // What a client sends that asks for nothing in particular.
    assert_eq!(listed("?status=&workflow_name="), ["one", "two", "bad", "good"]);
    assert_eq!(listed("?status=running"), ["one"]);
    assert_eq!(listed("?status=failed&status=cancelled"), ["two", "bad"]);
    assert_eq!(
        listed("?workflow_name=human&workflow_name=counts"),
        ["one", "two", "good"]
    );
    assert_eq!(listed("?workflow_name=human&status=cancelled"), ["two"]);
    assert_eq!(listed("?status=lost"), [""; 0]);
}

#[test]
fn what_is_cancelled_can_be_cancelled_no_more_but_purged() {
    let served = served();
    begin(&served, "human", "h", data!({}));
    let cancel = |query: &str| served.post(&format!("/handlers/h/cancel{query}"), &data!({}));
    // Only the word counts.
    let cancelled = cancel("?purge=1");
    assert_eq!(
        (cancelled.status, cancelled.body),
        (200, data!({ "status": "cancelled" }))
    );
    let looked = served.get("/handlers/h");
    assert_eq!((looked.status, looked.at("/status")), (500, data!("cancelled")));
    assert_eq!(refusal(&cancel("")).0, 404);
    assert_eq!(cancel("?purge=true").body, data!({ "status": "deleted" }));
    assert_eq!(refusal(&cancel("?purge=true")).0, 404);
}

#[test]
fn a_workflow_tells_its_events_and_its_graph() {
    let served = served();
    let schema = served.get("/workflows/human/schema");
    assert_eq!(schema.at("/start/title"), data!("StartEvent"));
    assert_eq!(
        schema.at("/stop"),
        data!({ "type": "object", "required": ["output"], "title": "OutEvent" })
    );
    let events = served.get("/workflows/human/events");
    let titles: Vec<Data> = (0..4)
        .map(|index| events.at(&format!("/events/{index}/title")))
        .collect();
    assert_eq!(
        titles,
        ["RequestEvent", "ResponseEvent", "OutEvent", "StartEvent"].map(Data::from)
    );
    let graph = served.get("/workflows/human/representation");
    assert_eq!(graph.at("/graph/name"), data!("human"));
}

#[test]
fn the_handlers_of_one_user_do_not_exist_for_another() {
    const ADA: &str = "ada-0123456789abcdefghijklmnopqrstuvwxyz";
    const BOB: &str = "bob-0123456789abcdefghijklmnopqrstuvwxyz";
    const READER: &str = "reader-0123456789abcdefghijklmnopqrstuvwxyz";
    let tokens = format!(
        "
tokens:
  - {{ name: ada, hash: \"{}\", scope: run, user: ada }}
  - {{ name: bob, hash: \"{}\", scope: run, user: bob }}
  - {{ name: reader, hash: \"{}\", scope: read }}
",
        hash(ADA),
        hash(BOB),
        hash(READER)
    );
    let access = interpret::serve::Access::default().with_auth(auth(&tokens));
    let served = Guarded::start(&[HUMAN], interpret::serve::Settings::default(), access);
    let ask = |token: &str, method: &str, path: &str, body: &Data| {
        served.ask(method, path).bearer(token).body(body.to_string()).send()
    };
    let begun = ask(
        ADA,
        "POST",
        "/workflows/human/run-nowait",
        &data!({ "handler_id": "h" }),
    );
    assert_eq!(begun.status, 200, "{begun:?}");
    let answer = sent("ResponseEvent", data!({ "response": "Bob" }));
    for (method, path, body) in [
        ("GET", "/handlers/h", data!({})),
        ("GET", "/results/h", data!({})),
        ("GET", "/events/h", data!({})),
        ("POST", "/events/h", answer.clone()),
        ("POST", "/handlers/h/cancel?purge=true", data!({})),
    ] {
        assert_eq!(ask(BOB, method, path, &body).status, 404, "{method} {path}");
    }
    assert_eq!(ask(BOB, "GET", "/handlers", &data!({})).at("/handlers"), data!([]));
    // Nor can the id be taken.
    assert_eq!(
        ask(
            BOB,
            "POST",
            "/workflows/human/run-nowait",
            &data!({ "handler_id": "h" })
        )
        .status,
        409
    );
    // Who may look may not begin, answer or end.
    assert_eq!(ask(READER, "GET", "/handlers/h", &data!({})).status, 202);
    for (path, body) in [
        ("/workflows/human/run-nowait", data!({})),
        ("/events/h", answer),
        ("/handlers/h/cancel", data!({})),
    ] {
        assert_eq!(ask(READER, "POST", path, &body).status, 403, "{path}");
    }
    for path in ["/handlers", "/handlers/h", "/llamaindex/workflows"] {
        assert_eq!(served.ask("GET", path).send().status, 401, "{path}");
    }
}
