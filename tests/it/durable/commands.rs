//! The commands, each in a process of its own.

use crate::cli::{APPROVE, Ended, Folder, workflow};

pub(super) const STORE: &str = "sqlite:runs.sqlite";

/// `interpret runs ...` on the store of a folder.
pub(super) fn runs(folder: &Folder, arguments: &[&str]) -> Ended {
    let arguments = [&["runs"], arguments, &["--store", STORE]].concat();
    folder.run(&arguments)
}

fn suspended(folder: &Folder, id: &str, more: &[&str]) {
    let arguments = [&["run", "approval", "--store", STORE, "--id", id], more].concat();
    let ended = folder.run(&arguments);
    ended.expect(3);
    let hint = format!("interpret runs resume {id} --store 'sqlite:runs.sqlite' --data '{{\"approved\":true}}'");
    assert!(ended.err.contains(&hint), "{ended:#?}");
    assert_eq!(ended.json()["run"], id);
}

#[test]
fn a_run_is_resumed_in_another_process() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    suspended(&folder, "a", &[]);
    let wrong = runs(&folder, &["resume", "a", "--data", "{\"approved\": 3}"]);
    wrong.expect(2).says(&["the payload does not match its schema"]);
    let again = runs(&folder, &["resume", "a"]);
    assert_eq!(again.expect(3).json()["waiting"][0]["step"], "approve");
    let resumed = runs(&folder, &["resume", "a", "--data", "{\"approved\": true}"]);
    assert_eq!(resumed.expect(0).json(), serde_json::json!({ "approved": true }));
    let over = runs(&folder, &["resume", "a", "--data", "{\"approved\": true}"]);
    over.expect(1).says(&["the run `a` is over: completed"]);
    runs(&folder, &["resume", "b"]).expect(1).says(&["there is no run `b`"]);
}

#[test]
fn a_run_goes_on_with_the_files_it_began_with() {
    let main = workflow(
        "approval",
        &[
            "{ kind: andThen, id: approve, suspend: {} }",
            "{ kind: andWorkflow, id: child, workflow: child }",
        ],
    );
    let child = workflow("child", &["{ kind: andThen, id: value, set: before }"]);
    let folder = Folder::new(&[("approval.yaml", &main), ("child.yaml", &child)]);
    folder
        .run(&["run", "approval", "--store", STORE, "--id", "a"])
        .expect(3);
    folder.write("child.yaml", child.replace("before", "after").as_bytes());
    let shown = runs(&folder, &["show", "a", "--format", "json"]);
    assert_eq!(
        shown.expect(0).json()["changedFiles"],
        serde_json::json!(["child.yaml"])
    );
    std::fs::remove_file(folder.path().join("approval.yaml")).unwrap();
    let shown = runs(&folder, &["show", "a"]);
    assert!(
        shown
            .expect(0)
            .out
            .contains("child.yaml has changed since the run began"),
        "{shown:#?}"
    );
    assert!(
        shown.out.contains("approval.yaml cannot be found or read"),
        "{shown:#?}"
    );
    let resumed = runs(&folder, &["resume", "a", "--data", "{}"]);
    assert_eq!(resumed.expect(0).json(), "before");
}

#[test]
fn what_is_not_granted_is_refused_before_a_run_goes_on() {
    let text = "
kind: Workflow
id: send
permissions: { http: [shop.example.com] }
steps:
  - { kind: andThen, id: ask, suspend: {} }
  - { kind: andThen, id: post, http: { method: POST, url: 'https://shop.example.com/' } }
";
    let folder = Folder::new(&[("send.yaml", text), ("mocks.yaml", "post: { output: sent }\n")]);
    let begin = ["run", "send", "--store", STORE, "--id", "a", "--mocks", "mocks.yaml"];
    folder.run(&begin).expect(3);
    let refused = runs(&folder, &["resume", "a", "--data", "{}"]);
    refused
        .expect(1)
        .says(&["the workflow asks for what is not granted", "shop.example.com"]);
    let sent = runs(&folder, &["resume", "a", "--data", "{}", "--mocks", "mocks.yaml"]);
    assert_eq!(sent.expect(0).json(), "sent");
}

#[test]
fn runs_are_listed_in_pages_and_by_filters() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    for id in ["a", "b", "c"] {
        suspended(&folder, id, &["--label", &format!("team={id}"), "--user", "ada"]);
    }
    runs(&folder, &["resume", "b", "--data", "{\"approved\": true}"]).expect(0);
    let listed = |more: &[&str]| {
        let listed = runs(&folder, &[&["list", "--format", "json"], more].concat());
        let listed = listed.expect(0).json();
        let ids = listed["runs"].as_array().unwrap().iter();
        let ids: String = ids.map(|run| run["run"].as_str().unwrap()).collect();
        (ids, listed["next"].as_str().map(str::to_owned))
    };
    assert_eq!(listed(&[]), ("cba".into(), None));
    assert_eq!(listed(&["--limit", "2"]), ("cb".into(), Some("b".into())));
    assert_eq!(listed(&["--limit", "2", "--after", "b"]), ("a".into(), None));
    assert_eq!(listed(&["--status", "suspended"]), ("ca".into(), None));
    assert_eq!(listed(&["--label", "team=c", "--user", "ada"]), ("c".into(), None));
    assert_eq!(
        listed(&["--workflow", "approval", "--since", "1h"]),
        ("cba".into(), None)
    );
    assert_eq!(listed(&["--until", "1h"]), (String::new(), None));
    let table = runs(&folder, &["list", "--limit", "1"]);
    assert!(table.expect(0).out.contains("c    approval  suspended"), "{table:#?}");
    assert!(table.err.contains("there are more: --after c"), "{table:#?}");
    runs(&folder, &["list", "--since", "tomorrow"])
        .expect(1)
        .says(&["--since tomorrow: write an instant"]);
}

#[test]
fn a_run_can_be_looked_at() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    suspended(&folder, "a", &[]);
    let shown = runs(&folder, &["show", "a"]);
    for part in [
        "approve waits: Please approve",
        "amount: 3",
        "interpret runs resume a --store 'sqlite:runs.sqlite' --step 'approve'",
    ] {
        assert!(
            shown.expect(0).out.contains(part),
            "`{part}` is missing in {}",
            shown.out
        );
    }
    let events = runs(&folder, &["events", "a", "--format", "json"]);
    let types: Vec<String> = events
        .expect(0)
        .out
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(types, ["runStarted", "stepStarted", "waitStarted"]);
    let told = runs(&folder, &["events", "a", "--from", "1", "--limit", "1"]);
    assert!(told.expect(0).out.contains("approve: "), "{told:#?}");
    assert_eq!(told.out.lines().count(), 1);
    let state = runs(&folder, &["state", "a", "--format", "json"]);
    assert_eq!(state.expect(0).json()["steps"][0]["status"], "waiting");
    let exported = runs(&folder, &["export", "a"]);
    let lines: Vec<serde_json::Value> = exported
        .expect(0)
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[1]["files"]["approval.yaml"], APPROVE);
}

#[test]
fn a_run_is_held_and_cancelled_and_forgotten() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    suspended(&folder, "a", &[]);
    let held = runs(&folder, &["suspend", "a", "--reason", "stocktaking"]);
    assert_eq!(held.expect(0).json()["status"], "suspended");
    // What is answered while it is held goes on when it does.
    runs(&folder, &["resume", "a", "--data", "{\"approved\": true}"]).expect(3);
    assert_eq!(runs(&folder, &["resume", "a"]).expect(0).json()["approved"], true);
    suspended(&folder, "b", &[]);
    let cancelled = runs(&folder, &["cancel", "b", "--reason", "no longer wanted"]);
    assert_eq!(cancelled.expect(0).json()["status"], "cancelled");
    suspended(&folder, "c", &[]);
    runs(&folder, &["prune"]).expect(2);
    let pruned = runs(&folder, &["prune", "--keep", "1d"]);
    assert_eq!(pruned.expect(0).out, "0 runs forgotten\n");
    let pruned = runs(&folder, &["prune", "--max-size", "0"]);
    assert_eq!(pruned.expect(0).out, "2 runs forgotten\n");
    assert_eq!(
        runs(&folder, &["list", "--format", "json"]).json()["runs"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn the_default_store_is_a_file_of_the_user() {
    let folder = Folder::new(&[]);
    let mut command = folder.command(&["runs", "list"]);
    command.env("XDG_DATA_HOME", folder.path());
    crate::cli::Started::new(command).end().expect(0);
    assert!(folder.path().join("interpret/runs.sqlite").is_file());
    folder
        .run(&["runs", "list", "--store", "postgres:x"])
        .expect(2)
        .says(&["`postgres:x` names no store"]);
}
