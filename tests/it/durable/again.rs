//! Runs that are retried, and runs that begin with the beginning of another.

use serde_json::json;

use super::commands::{STORE, runs};
use crate::cli::Folder;

/// Notes in a file what is done; `charge` waits until `note` has ended, and fails until there is a file `open`.
const ORDER: &str = "
kind: Workflow
id: order
permissions: { exec: [sh, touch] }
steps:
  - { kind: andThen, id: reserve, exec: { command: [sh, -c, 'echo reserve $INTERPRET_IDEMPOTENCY_KEY >> done; echo 7'] } }
  - kind: andAll
    id: both
    steps:
      - - { kind: andThen, id: note, exec: { command: [sh, -c, 'echo note $INTERPRET_IDEMPOTENCY_KEY >> done'] } }
        - { kind: andThen, id: mark, exec: { command: [touch, noted] } }
      - { kind: andThen, id: charge, exec: { command: [sh, -c, 'while [ ! -e noted ]; do sleep 0.01; done; echo charge $INTERPRET_IDEMPOTENCY_KEY >> done; test -e open'] } }
  - { kind: andThen, id: end, set: '=steps.reserve.output' }
";

fn done(folder: &Folder) -> Vec<String> {
    let text = std::fs::read_to_string(folder.path().join("done")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_failed_run_goes_on_from_the_step_that_failed() {
    let folder = Folder::new(&[("order.yaml", ORDER)]);
    let allowed = "--allow-exec=sh,touch";
    folder
        .run(&["run", "order", "--store", STORE, "--id", "a", allowed])
        .expect(1);
    // It fails again: the door is still closed. Every attempt has a key of its own.
    runs(&folder, &["retry", "a", allowed]).expect(1);
    folder.write("open", b"");
    let retried = runs(&folder, &["retry", "a", allowed]);
    assert_eq!(retried.expect(0).json(), "7");
    let mut lines = done(&folder);
    lines.sort();
    assert_eq!(
        lines,
        [
            "charge a/both/charge#1",
            "charge a/both/charge#1~1",
            "charge a/both/charge#1~2",
            "note a/both/note#1",
            "reserve a/reserve#1",
        ]
    );
    let shown = runs(&folder, &["show", "a", "--format", "json"]);
    assert_eq!(shown.expect(0).json()["status"], "completed");
    let events = runs(&folder, &["events", "a"]);
    assert_eq!(events.expect(0).out.matches("both/charge: begins anew").count(), 2);
    runs(&folder, &["retry", "a", allowed])
        .expect(1)
        .says(&["the run `a` has not failed: completed"]);
}

#[test]
fn steps_are_where_they_are_behind_a_retry() {
    let folder = Folder::new(&[
        ("order.yaml", ORDER),
        (
            "mocks.yaml",
            "reserve: { output: 7 }\nnote: { output: 1 }\ncharge: { error: { code: down } }\n",
        ),
    ]);
    let begin = ["run", "order", "--store", STORE, "--id", "a", "--mocks", "mocks.yaml"];
    folder.run(&begin).expect(1);
    let status = |step: &str| {
        let state = runs(&folder, &["state", "a", "--format", "json"]);
        let steps = state.expect(0).json()["steps"].clone();
        let found = steps.as_array().unwrap().iter().find(|found| found["step"] == step);
        found.map_or(json!(null), |found| found["status"].clone())
    };
    assert_eq!(
        [status("reserve"), status("both/charge"), status("both")],
        [json!("success"), json!("error"), json!("error")]
    );
}

#[test]
fn a_run_that_failed_as_a_whole_is_not_retried() {
    let text = "
kind: Workflow
id: late
timeout: 20ms
steps: [{ kind: andSleep, id: nap, duration: 1h }]
";
    let folder = Folder::new(&[("late.yaml", text)]);
    folder.run(&["run", "late", "--store", STORE, "--id", "a"]).expect(1);
    runs(&folder, &["retry", "a"])
        .expect(1)
        .says(&["no step failed, but the run as a whole"]);
}

#[test]
fn a_run_begins_with_the_beginning_of_another() {
    let folder = Folder::new(&[("order.yaml", ORDER)]);
    let allowed = "--allow-exec=sh,touch";
    folder.write("open", b"");
    folder
        .run(&["run", "order", "--store", STORE, "--id", "a", allowed])
        .expect(0);
    let again = runs(&folder, &["replay", "a", "--from", "both/charge", "--id", "b", allowed]);
    assert_eq!(again.expect(0).json(), "7");
    let lines = done(&folder);
    assert_eq!(lines.iter().filter(|line| line.starts_with("reserve")).count(), 1);
    // What was in flight beside the step is called under the new id.
    assert!(lines.contains(&"note b/both/note#1".to_owned()), "{lines:?}");
    assert!(lines.contains(&"charge b/both/charge#1".to_owned()), "{lines:?}");
    runs(&folder, &["replay", "a", "--from", "both/charge", "--id", "b", allowed])
        .expect(2)
        .says(&["there is a run `b` already"]);
    runs(&folder, &["replay", "a", "--from", "nowhere", allowed])
        .expect(2)
        .says(&["no step `nowhere` has begun in the run `a`"]);
    assert_eq!(
        runs(&folder, &["show", "b", "--format", "json"]).expect(0).json()["status"],
        "completed"
    );
}
