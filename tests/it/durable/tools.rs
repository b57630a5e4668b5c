//! A process that is killed between the calls of an agent's tools, with a witness outside who counts them.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use interpret::run::{EventKind, Request};
use interpret::store::{Sqlite, Store};

use super::block_on;
use crate::cli::{Folder, PATIENCE};
use crate::drive::witness::{Witness, response};

const STORE: &str = "sqlite:runs.sqlite";

/// How an agent comes to its five calls.
struct Asked {
    /// What its model says.
    answers: &'static str,
    /// How many calls are in flight when the third is done.
    in_flight: usize,
}

/// One in each turn.
const IN_TURN: Asked = Asked {
    answers: "
- { turn: 0, calls: [{ count: { n: 1 } }] }
- { turn: 1, calls: [{ count: { n: 2 } }] }
- { turn: 2, calls: [{ count: { n: 3 } }] }
- { turn: 3, calls: [{ count: { n: 4 } }] }
- { turn: 4, calls: [{ count: { n: 5 } }] }
- { output: Counted. }
",
    in_flight: 1,
};

/// All of them in one turn.
const AT_ONCE: Asked = Asked {
    answers: "
- { turn: 0, calls: [{ count: { n: 1 } }, { count: { n: 2 } }, { count: { n: 3 } }, { count: { n: 4 } }, { count: { n: 5 } }] }
- { output: Counted. }
",
    in_flight: 2,
};

fn workflow(tool: &str) -> String {
    format!(
        "
kind: Workflow
id: counting
steps:
  - kind: andAgent
    id: desk
    agent:
      model: script/any
      maxTurns: 9
      tools:
        - name: count
          description: Counts
          inputSchema: {{ type: object, required: [n], properties: {{ n: {{ type: integer }} }} }}
          {tool}
    prompt: Count
"
    )
}

fn folder(asked: &Asked, tool: &str) -> Folder {
    let configuration = "connections: { script: { kind: scripted, answers: said.answers.yaml } }\n";
    Folder::new(&[
        ("counting.yaml", &workflow(tool)),
        ("interpret.yaml", configuration),
        ("said.answers.yaml", asked.answers),
    ])
}

/// How many calls of the tool are finished in the journal.
fn finished(folder: &Folder) -> usize {
    let file = folder.path().join("runs.sqlite");
    if !file.exists() {
        return 0;
    }
    // The process may be about to make it.
    let Ok(store) = Sqlite::open(&file) else { return 0 };
    let Ok(batches) = block_on(store.load(&"r".into(), 0)) else {
        return 0;
    };
    let (mut tools, mut finished) = (Vec::new(), 0);
    for event in batches.iter().flat_map(|batch| batch.events.iter()) {
        match &event.kind {
            EventKind::CallStarted { ticket, request, .. } => {
                if matches!(**request, Request::Http(_) | Request::Exec(_)) {
                    tools.push(*ticket);
                }
            }
            EventKind::CallEnded { ticket, .. } if tools.contains(ticket) => finished += 1,
            _ => {}
        }
    }
    finished
}

/// Begins the run, kills the process when three calls are finished and as many as there may be are in flight, and lets
/// another process go on.
fn kill_behind_the_third(folder: &Folder, grants: &[&str], begun: impl Fn() -> usize, let_go: impl Fn()) -> String {
    let run = ["run", "counting", "--store", STORE, "--id", "r"];
    let mut command = folder.command(&[&run[..], grants].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let since = Instant::now();
    while finished(folder) < 3 || begun() < 3 {
        assert!(
            since.elapsed() < PATIENCE,
            "{} of {} are finished",
            finished(folder),
            begun()
        );
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(5));
    }
    // On Unix this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let_go();
    let resumed = folder.run(&[&["runs", "resume", "r", "--store", STORE][..], grants].concat());
    assert_eq!(resumed.code, Some(0), "{}", resumed.err);
    assert_eq!(finished(folder), 5);
    resumed.out
}

/// How often each key was seen: what had finished once, what was in flight twice, what came afterwards once.
fn check(keys: impl Iterator<Item = (String, u32)>, in_flight: usize) {
    let mut seen: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (key, n) in keys {
        seen.entry(n).or_default().push(key);
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    for (n, keys) in &seen {
        let most = if (4..4 + in_flight as u32).contains(n) { 2 } else { 1 };
        assert_eq!(keys.len(), most, "call {n} was seen as {keys:?}");
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
    let distinct: std::collections::BTreeSet<&String> = seen.values().flatten().collect();
    assert_eq!(distinct.len(), 5, "each call has a key of its own");
}

fn over_http(asked: &Asked) {
    let free = Arc::new(AtomicBool::new(false));
    let released = free.clone();
    let witness = Witness::new(move |request, _| {
        let first = ["n=1", "n=2", "n=3"]
            .iter()
            .any(|n| request.lines().next().unwrap().contains(n));
        (first || released.load(Ordering::SeqCst))
            .then(|| response("200 OK", "content-type: application/json\r\n", "{}").into_bytes())
    });
    let tool = format!(
        "http: {{ method: POST, url: 'http://127.0.0.1:{}/', query: {{ n: =arguments.n }} }}",
        witness.port
    );
    let folder = folder(asked, &tool);
    let in_flight = asked.in_flight;
    let begun = || witness.seen().requests.len() - in_flight.min(witness.seen().requests.len());
    let out = kill_behind_the_third(&folder, &["--allow-net=127.0.0.1"], begun, || {
        free.store(true, Ordering::SeqCst);
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), "Counted.");
    let keys = witness.seen().requests.into_iter().map(|request| {
        let key = request
            .lines()
            .find_map(|line| line.strip_prefix("idempotency-key: ").map(str::to_owned));
        let n = request.split_once("n=").unwrap().1[..1].parse().unwrap();
        (key.unwrap(), n)
    });
    check(keys, in_flight);
}

#[test]
fn who_is_killed_behind_the_third_of_five_requests_repeats_none_that_ended() {
    over_http(&IN_TURN);
}

#[test]
fn who_is_killed_among_five_requests_at_once_repeats_only_those_in_flight() {
    over_http(&AT_ONCE);
}

#[test]
fn who_is_killed_behind_the_third_of_five_processes_repeats_none_that_ended() {
    // The fourth waits for a file, so that none of the processes outlives the test.
    let script = "echo \"$INTERPRET_IDEMPOTENCY_KEY $1\" >> counted; if [ $1 = 4 ]; then while [ ! -e go ]; do sleep 0.02; done; fi";
    let tool = format!("exec: {{ command: [sh, -c, '{script}', sh, =arguments.n] }}");
    let folder = folder(&IN_TURN, &tool);
    let counted = || std::fs::read_to_string(folder.path().join("counted")).unwrap_or_default();
    let begun = || counted().lines().count().saturating_sub(1);
    let out = kill_behind_the_third(&folder, &["--allow-exec=sh"], begun, || drop(folder.write("go", b"")));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), "Counted.");
    let lines = counted();
    let keys = lines.lines().map(|line| {
        let (key, n) = line.rsplit_once(' ').unwrap();
        (key.to_owned(), n.parse().unwrap())
    });
    check(keys, IN_TURN.in_flight);
}
