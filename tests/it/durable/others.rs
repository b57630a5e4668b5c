//! Several processes on one file: what one asks of another, and one that is told to leave.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::commands::{STORE, runs};
use crate::cli::{Folder, PATIENCE, Started, workflow};

/// Waits for what another process does.
fn until(mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_sleeping(folder: &Folder) -> bool {
    let path = folder.path().join("runs.sqlite");
    let Ok(store) = rusqlite::Connection::open(path) else {
        return false;
    };
    let found = store.query_row("SELECT count(*) FROM journal WHERE type = 'sleepStarted'", [], |row| {
        row.get::<_, i64>(0)
    });
    found.is_ok_and(|found| found > 0)
}

fn napping() -> (Folder, Started) {
    let steps = [
        "{ kind: andSleep, id: nap, duration: 10m }",
        "{ kind: andThen, id: ask, suspend: {} }",
    ];
    let folder = Folder::new(&[("nap.yaml", &workflow("nap", &steps))]);
    let started = Started::new(folder.command(&["run", "nap", "--store", STORE, "--id", "a"]));
    until(|| is_sleeping(&folder));
    (folder, started)
}

#[test]
fn a_run_is_cancelled_by_another_process() {
    let (folder, driving) = napping();
    let refused = runs(&folder, &["resume", "a", "--data", "{}"]);
    refused.expect(1).says(&["nothing waits for a payload"]);
    let cancelled = runs(&folder, &["cancel", "a", "--reason", "no longer wanted"]);
    assert_eq!(cancelled.expect(0).json()["status"], "cancelled");
    driving.end().expect(4);
    let shown = runs(&folder, &["show", "a", "--format", "json"]);
    assert_eq!(shown.expect(0).json()["cancelled"], "no longer wanted");
}

#[test]
fn a_run_is_held_by_another_process() {
    let (folder, driving) = napping();
    let held = runs(&folder, &["suspend", "a"]);
    assert_eq!(held.expect(0).json()["status"], "suspended");
    driving.end().expect(3);
    runs(&folder, &["suspend", "a"])
        .expect(2)
        .says(&["the run is suspended already"]);
}

/// Each step says when it begins and when it ends.
const LONG: &str = "
kind: Workflow
id: long
permissions: { exec: [sh] }
steps:
  - { kind: andThen, id: first, exec: { command: [sh, -c, 'echo first >> begun; while [ ! -e go ]; do sleep 0.01; done; echo first >> ended'] } }
  - { kind: andThen, id: second, exec: { command: [sh, -c, 'echo second >> begun; echo second >> ended'] } }
";

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn who_is_told_to_end_lets_calls_in_flight_end_and_begins_no_others() {
    let folder = Folder::new(&[("long.yaml", LONG)]);
    let (begun, ended) = (folder.path().join("begun"), folder.path().join("ended"));
    let start = ["run", "long", "--store", STORE, "--id", "a", "--allow-exec=sh"];
    let mut killed = Started::new(folder.command(&start));
    until(|| read(&begun) == "first\n");
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    let resume = [
        "runs",
        "resume",
        "--all",
        "--store",
        STORE,
        "--allow-exec=sh",
        "--drain",
        "30s",
    ];
    let driving = Started::new(folder.command(&resume));
    until(|| read(&begun) == "first\nfirst\n");
    let told = Command::new("sh")
        .args(["-c", &format!("kill -TERM {}", driving.child.id())])
        .status();
    assert!(told.unwrap().success());
    // The signal is on its way before the step can end.
    std::thread::sleep(Duration::from_millis(200));
    folder.write("go", b"");
    driving.end().expect(4);
    assert_eq!(read(&begun), "first\nfirst\n");
    assert!(read(&ended).contains("first\n"));
    let resumed = runs(&folder, &["resume", "--all", "--allow-exec=sh"]);
    assert!(resumed.expect(0).out.contains("completed"), "{resumed:#?}");
    assert_eq!(read(&begun), "first\nfirst\nsecond\n");
}

#[test]
fn who_is_told_to_end_waits_no_longer_than_it_may() {
    let folder = Folder::new(&[("long.yaml", LONG)]);
    let begun = folder.path().join("begun");
    let start = ["run", "long", "--store", STORE, "--id", "a", "--allow-exec=sh"];
    let mut killed = Started::new(folder.command(&start));
    until(|| read(&begun) == "first\n");
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    let resume = [
        "runs",
        "resume",
        "--all",
        "--store",
        STORE,
        "--allow-exec=sh",
        "--drain",
        "50ms",
    ];
    let driving = Started::new(folder.command(&resume));
    until(|| read(&begun) == "first\nfirst\n");
    let told = Command::new("sh")
        .args(["-c", &format!("kill -TERM {}", driving.child.id())])
        .status();
    assert!(told.unwrap().success());
    driving.end().expect(4);
    folder.write("go", b"");
    let resumed = runs(&folder, &["resume", "--all", "--allow-exec=sh"]);
    assert!(resumed.expect(0).out.contains("completed"), "{resumed:#?}");
}

#[test]
fn a_wait_whose_time_has_come_is_ended_even_if_it_is_the_only_one() {
    let steps = [
        "{ kind: andThen, id: ask, suspend: { timeout: 1ms, onTimeout: continue } }",
        "{ kind: andThen, id: end, set: over }",
    ];
    let folder = Folder::new(&[("ask.yaml", &workflow("ask", &steps))]);
    folder.run(&["run", "ask", "--store", STORE, "--id", "a"]);
    let resumed = runs(&folder, &["resume", "--all"]);
    assert_eq!(resumed.expect(0).out, "{\"run\":\"a\",\"status\":\"completed\"}\n");
}
