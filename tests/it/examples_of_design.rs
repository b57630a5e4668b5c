//! The workflows that the design of the language shows load without a finding, and run to each of their ends.
#![allow(clippy::disallowed_methods, reason = "the test lists the folder of the examples")]

use std::sync::Arc;

use interpret::data;
use interpret::data::Data;
use interpret::diagnostic::render;
use interpret::load;
use interpret::permit::Permit;
use interpret::run::{RunEnd, Start};

use crate::suites;
use crate::workflows::{Act, block_on, run_from};

#[test]
fn every_example_loads_without_a_finding() {
    let Some(folder) = suites::folder("../design/example-workflows") else {
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let loaded = load::load(&[&file]);
        let findings = render::text::render(&loaded.diagnostics, &loaded.sources, false);
        assert!(loaded.diagnostics.is_empty(), "{findings}");
        assert!(
            loaded.workflows().next().is_some(),
            "{} defines no workflow",
            file.display()
        );
        for graph in loaded.workflows() {
            loaded.program(&graph.header.id, None).unwrap();
        }
    }
}

/// Runs an example; its result, or the code of its error.
fn play(file: &str, input: Data, mocks: Data, acts: Vec<Act>) -> Option<Result<Data, String>> {
    let folder = suites::folder("../design/example-workflows")?;
    let loaded = load::load(&[folder.join(file)]);
    let id = loaded.workflows().next().unwrap().header.id.clone();
    let program = Arc::new(loaded.program(&id, None).unwrap());
    let mut start = Start::new("r1", input);
    start.env = data!({
        "HELPDESK_URL": "https://help.example.com",
        "SHOP_URL": "https://shop.example.com",
        "WAREHOUSE_URL": "https://stock.example.com"
    });
    let told = block_on(run_from(program, start, &mocks, Permit::nothing(), acts));
    Some(match told.end.expect("the run is over") {
        RunEnd::Completed(result) => Ok(result),
        RunEnd::Failed(failure) => Err(failure.code.to_string()),
        RunEnd::Cancelled(_) => Err("cancelled".to_owned()),
    })
}

/// As [`play`]; nothing is asserted where the examples are not there.
#[track_caller]
fn ends(file: &str, input: Data, mocks: Data, acts: Vec<Act>, expected: Result<Data, &str>) {
    if let Some(end) = play(file, input, mocks, acts) {
        assert_eq!(end, expected.map_err(str::to_owned));
    }
}

#[test]
fn support_triage_runs_to_its_ends() {
    let triage = |topic: &str, urgency: i64, reply: &str, expected: Data| {
        let input = data!({ "message": "help", "customer": { "id": "c1", "tier": "pro" } });
        let mocks = data!({
            "triage": { "output": { "topic": topic, "urgency": urgency } },
            "draft": { "output": reply },
            "escalate": { "output": { "id": 7 } }
        });
        ends("01-support-triage.yaml", input, mocks, Vec::new(), Ok(expected));
    };
    triage(
        "abuse",
        1,
        "",
        data!({ "handledBy": "person", "reply": null, "ticket": 7 }),
    );
    triage(
        "other",
        5,
        "",
        data!({ "handledBy": "person", "reply": null, "ticket": 7 }),
    );
    triage("billing", 2, "Paid.", data!({ "handledBy": "agent", "reply": "Paid." }));
    triage(
        "billing",
        2,
        "We GUARANTEE it.",
        data!({ "handledBy": "queue", "reply": null }),
    );
    triage("other", 1, "", data!({ "handledBy": "queue", "reply": null }));
    let input = data!({ "message": "help", "customer": { "id": "c1", "tier": "pro" } });
    let wrong = data!({ "triage": { "output": { "topic": "weather", "urgency": 1 } } });
    ends("01-support-triage.yaml", input, wrong, Vec::new(), Err("schema.output"));
}

#[test]
fn etl_runs_to_its_ends() {
    let input = || data!({ "day": "2026-03-01" });
    let rows: Vec<Data> = (0..501).map(|at| data!({ "id": at, "cancelled": at == 0 })).collect();
    let mocks = data!({
        "page": [
            { "output": { "orders": rows, "next": "p2" } },
            { "output": { "orders": [{ "id": 501, "cancelled": false }] } }
        ],
        "put": { "output": null }
    });
    let expected = data!({ "day": "2026-03-01", "pages": 2, "rows": 501 });
    ends("02-etl.yaml", input(), mocks, Vec::new(), Ok(expected));
    let refused = data!({ "page": { "error": { "code": "http.status", "data": { "status": 404 } } } });
    ends("02-etl.yaml", input(), refused, Vec::new(), Err("http.status"));
    let slow = data!({ "page": { "output": { "orders": [] }, "after": "1h" } });
    ends("02-etl.yaml", input(), slow, Vec::new(), Err("timeout"));
}

#[test]
fn two_approvers_runs_to_its_ends() {
    let play = |value: i64, acts: Vec<Act>, expected: Data| {
        let input = data!({ "contract": "k-1", "value": value });
        ends("03-two-approvers.yaml", input, Data::Null, acts, Ok(expected));
    };
    let says = |step, action: &str| Act::Resume(step, data!({ "action": action, "comment": "too vague" }));
    let yes = || data!({ "approved": true, "reason": null });
    play(500, vec![says("finance", "approve")], yes());
    play(
        50_000,
        vec![says("legal-needed", "approve"), says("finance", "approve")],
        yes(),
    );
    let no = data!({ "approved": false, "reason": "Finance: too vague" });
    play(50_000, vec![says("finance", "reject")], no);
    let no = data!({ "approved": false, "reason": "Legal said no" });
    play(
        50_000,
        vec![says("finance", "approve"), says("legal-needed", "reject")],
        no,
    );
    let late = data!({ "approved": false, "reason": "deadline passed" });
    play(500, vec![Act::Pass], late);
}

#[test]
fn content_loop_runs_to_its_ends() {
    let play = |scores: [i64; 2], expected: Result<Data, &str>| {
        let judge: Vec<Data> = scores
            .iter()
            .map(|score| data!({ "output": { "score": *score, "notes": "shorter" } }))
            .collect();
        let mocks = data!({ "write": { "output": "a text" }, "judge": judge });
        ends(
            "04-content-loop.yaml",
            data!({ "brief": "tea", "rounds": 2 }),
            mocks,
            Vec::new(),
            expected,
        );
    };
    play([9, 1], Ok(data!({ "text": "a text", "score": 9, "notes": "shorter" })));
    play([3, 8], Ok(data!({ "text": "a text", "score": 8, "notes": "shorter" })));
    play([3, 4], Err("TOO_WEAK"));
}

#[test]
fn scrape_runs_to_its_ends() {
    let input = || data!({ "urls": ["https://a.example", "https://b.example", "https://c.example"] });
    let page = || data!({ "output": "12345" });
    let gone = || data!({ "error": { "code": "http.status", "message": "gone", "data": { "status": 404 } } });
    let Some(Ok(result)) = play(
        "06-scrape.yaml",
        input(),
        data!({ "get": [page(), gone(), page()] }),
        Vec::new(),
    ) else {
        return;
    };
    let pages = data!([{ "url": "https://a.example", "bytes": 5 }, { "url": "https://c.example", "bytes": 5 }]);
    assert_eq!(result.get("pages"), Some(&pages));
    assert_eq!(result.pointer("/failed/0/code"), Some(&data!("http.status")));
    let mocks = data!({ "get": [page(), gone(), gone()] });
    ends("06-scrape.yaml", input(), mocks, Vec::new(), Err("MOSTLY_BROKEN"));
}

#[test]
fn nightly_report_runs_to_its_ends() {
    let play = |rows: Data, expected: bool| {
        let mocks = data!({ "rows": { "output": rows }, "mail": {} });
        let result = data!({ "day": "2026-03-01", "sent": expected });
        ends(
            "08-nightly-report.yaml",
            data!({ "day": "2026-03-01" }),
            mocks,
            Vec::new(),
            Ok(result),
        );
    };
    play(data!([]), false);
    play(data!(["1,2", "3,4"]), true);
}
