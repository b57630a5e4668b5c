//! Actuals: kept, reported, and made into tests.

use interpret::data;
use interpret::data::Data;

use crate::api::Served;
use crate::cli::Ended;

/// Sorts texts with a helper that is only a file here: what it says is recorded.
const TRIAGE: &str = "
kind: Workflow
id: triage
permissions: { exec: [cat] }
inputSchema: { type: object, required: [text], properties: { text: { type: string } } }
outputSchema: { type: object, properties: { team: { type: string }, urgent: { type: boolean } } }
steps:
  - kind: andThen
    id: guess
    exec: { command: [cat], stdin: =input.text, stdout: text }
  - { kind: andThen, id: sort, set: { team: \"='billing' if 'invoice' in data else 'support'\", urgent: \"='!' in data\" } }
";

fn run(served: &Served, text: &str) -> Data {
    let body = data!({ "workflow_deployment_name": "triage", "inputs": [{ "name": "text", "value": text }] });
    let answer = served.post("/v1/execute-workflow", &body);
    assert_eq!(answer.at("/data/state"), data!("FULFILLED"), "{answer:?}");
    answer.at("/execution_id")
}

fn say(served: &Served, execution: &Data, output: &str, desired: Data, more: Data) {
    let (desired, quality, at) = (desired, more.get("quality").cloned(), more.get("timestamp").cloned());
    let said = data!({ "execution_id": execution.clone(), "actuals": [{
        "output_key": output,
        "desired_output_value": desired,
        "quality": quality,
        "timestamp": at
    }] });
    let kept = served.post("/v1/submit-workflow-execution-actuals", &said);
    assert_eq!(kept.status, 200, "{kept:?}");
}

fn command(served: &Served, arguments: &[&str]) -> Ended {
    served.folder.run(arguments)
}

#[cfg(unix)]
#[test]
fn what_was_said_is_reported_and_becomes_tests() {
    let served = Served::with(&[("triage.yaml", TRIAGE)], &["--allow-exec=cat"]);
    let (november, december) = (1_795_000_000.0, 1_796_500_000.0);
    let paid = run(&served, "the invoice is wrong");
    let broken = run(&served, "the printer burns!");
    let refund = run(&served, "where is my money");
    say(
        &served,
        &paid,
        "team",
        data!("billing"),
        data!({ "quality": 1.0, "timestamp": november }),
    );
    say(
        &served,
        &broken,
        "team",
        data!("support"),
        data!({ "timestamp": december }),
    );
    say(
        &served,
        &broken,
        "urgent",
        data!(true),
        data!({ "timestamp": december }),
    );
    // Somebody corrects what was said first.
    say(
        &served,
        &refund,
        "team",
        data!("support"),
        data!({ "timestamp": december }),
    );
    say(
        &served,
        &refund,
        "team",
        data!("billing"),
        data!({ "quality": 0.0, "timestamp": december + 60.0 }),
    );

    let store = ["--store", "sqlite:runs.sqlite"];
    let report = |more: &[&str]| command(&served, &[&["actuals", "report", "triage"], more, &store].concat());
    let ended = report(&["--by", "month", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told: Data = serde_json::from_str(&ended.out).unwrap();
    let row = |month: &str, output: &str, counts: [i64; 3], agreement: f64, quality: Data| {
        data!({
            "month": month,
            "output": output,
            "actuals": counts[0],
            "compared": counts[1],
            "agreed": counts[2],
            "agreement": agreement,
            "quality": quality
        })
    };
    let wanted = data!([
        row("2026-11", "team", [1, 1, 1], 1.0, data!(1.0)),
        row("2026-12", "team", [2, 2, 1], 0.5, data!(0.0)),
        row("2026-12", "urgent", [1, 1, 1], 1.0, Data::Null)
    ]);
    assert_eq!(told.get("report"), Some(&wanted), "{told}");
    let table = report(&["--by", "release", "--output", "team"]);
    let cells: Vec<Vec<&str>> = table
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(cells[0][..2], ["RELEASE", "OUTPUT"], "{}", table.out);
    assert!(cells[1][0].starts_with("1-"), "{}", table.out);
    assert_eq!(
        cells[1][1..],
        ["team", "3", "3", "2", "67", "%", "0.50"],
        "{}",
        table.out
    );
    let none = command(&served, &[&["actuals", "report", "nothing"][..], &store].concat());
    assert_eq!(none.code, Some(1), "{none:?}");

    // Each execution is a case: what `cat` said is in it, so nothing is started any more.
    let file = "w/triage.actuals.test.yaml";
    let written = command(
        &served,
        &[&["actuals", "to-tests", "triage", file][..], &store].concat(),
    );
    assert_eq!(written.code, Some(0), "{written:?}");
    assert!(written.err.starts_with("3 cases written to"), "{}", written.err);
    let ended = command(&served, &["test", "w"]);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("2 passed, 1 failed"), "{}", ended.err);
    assert!(ended.err.contains("billing"), "{}", ended.err);
    // Somebody mends the workflow, and all of them pass.
    let mended = TRIAGE.replace("'invoice' in data", "'invoice' in data or 'money' in data");
    served.folder.write("w/triage.yaml", mended.as_bytes());
    let ended = command(&served, &["test", "w"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let wrong = command(
        &served,
        &[&["actuals", "to-tests", "triage", "w/triage.yaml"][..], &store].concat(),
    );
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}
