//! Real processes that are killed at any moment, with a server outside as the witness of what they did.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use interpret::data::Data;
use interpret::graph::Name;
use interpret::load;
use interpret::run::{EventKind, Run, RunEnd, Status};
use interpret::store::{Entry, Filter, Sqlite, Store};

use super::block_on;
use crate::cli::{Folder, PATIENCE};
use crate::drive::witness::{Witness, response};

const STORE: &str = "sqlite:runs.sqlite";

/// Calls one after the other and beside each other, a sleep, and a wait that ends by its time.
const ERRANDS: &str = "
kind: Workflow
id: errands
permissions: { http: [127.0.0.1] }
steps:
  - { kind: andThen, id: first, http: { method: POST, url: 'http://127.0.0.1:{{ input.port }}/', body: {} } }
  - { kind: andSleep, id: nap, duration: 5ms }
  - { kind: andThen, id: ask, suspend: { timeout: 10ms, onTimeout: continue } }
  - kind: andAll
    id: both
    steps:
      - { kind: andThen, id: left, http: { method: POST, url: 'http://127.0.0.1:{{ input.port }}/', body: {} } }
      - { kind: andThen, id: right, http: { method: POST, url: 'http://127.0.0.1:{{ input.port }}/', body: {} } }
  - { kind: andThen, id: last, http: { method: POST, url: 'http://127.0.0.1:{{ input.port }}/', body: {} } }
  - { kind: andThen, id: end, set: =input.n }
";

/// How many runs one process begins.
const LINES: usize = 12;

struct Killer {
    folder: Folder,
    witness: Witness,
    random: u64,
    /// What was acknowledged, by run.
    told: BTreeMap<String, String>,
}

impl Killer {
    fn new() -> Killer {
        let witness = Witness::answering(&response("200 OK", "content-type: application/json\r\n", "{}"));
        let folder = Folder::new(&[("errands.yaml", ERRANDS)]);
        let lines: String = (0..LINES)
            .map(|n| format!("{{\"port\": {}, \"n\": {n}}}\n", witness.port))
            .collect();
        folder.write("lines.ndjson", lines.as_bytes());
        Killer {
            folder,
            witness,
            random: 0x9E37_79B9_7F4A_7C15,
            told: BTreeMap::new(),
        }
    }

    fn next(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    /// Starts the program, and kills it behind a number of lines and a moment more, unless it ends before.
    fn round(&mut self, arguments: &[&str], lines: usize, moment: Option<Duration>) {
        let arguments = [arguments, &["--store", STORE, "--allow-net=127.0.0.1"]].concat();
        let mut command = self.folder.command(&arguments);
        command.stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let killing = moment.map(|moment| (moment, child.id()));
        let kill = |id: u32| {
            let _ = Command::new("sh")
                .args(["-c", &format!("kill -9 {id}")])
                .stderr(Stdio::null())
                .status();
        };
        let timer = killing.filter(|_| lines == 0).map(|(moment, id)| {
            std::thread::spawn(move || {
                std::thread::sleep(moment);
                kill(id);
            })
        });
        for (before, line) in stdout.lines().enumerate() {
            // A line that was not written to its end acknowledges nothing.
            let Ok(told) = serde_json::from_str::<serde_json::Value>(&line.unwrap()) else {
                break;
            };
            if let (Some(run), Some(status)) = (told["run"].as_str(), told["status"].as_str()) {
                self.told.insert(run.to_owned(), status.to_owned());
            }
            if let Some((moment, id)) = killing.filter(|_| before + 1 == lines) {
                std::thread::sleep(moment);
                kill(id);
            }
        }
        child.wait().unwrap();
        if let Some(timer) = timer {
            timer.join().unwrap();
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let store = Sqlite::open(&self.folder.path().join("runs.sqlite")).unwrap();
        block_on(store.list(Filter::default())).unwrap()
    }

    /// Goes on with everything until nothing is left to do.
    fn settle(&mut self) {
        let begun = Instant::now();
        while self
            .entries()
            .iter()
            .any(|entry| entry.head.status != Status::Completed)
        {
            self.round(&["runs", "resume", "--all"], 0, None);
            assert!(begun.elapsed() < PATIENCE, "{:#?}", self.entries());
        }
    }

    fn check(&self) {
        let store = Sqlite::open(&self.folder.path().join("runs.sqlite")).unwrap();
        let mut asked: BTreeMap<String, usize> = BTreeMap::new();
        for request in self.witness.seen().requests {
            let key = request.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("idempotency-key").then(|| value.to_owned())
            });
            *asked.entry(key.unwrap()).or_default() += 1;
        }
        let entries = self.entries();
        assert!(!entries.is_empty());
        for run in self.told.keys() {
            assert!(
                entries.iter().any(|entry| *entry.run == **run),
                "{run} was acknowledged and is gone"
            );
        }
        let (mut calls, mut in_flight) = (0, 0);
        for entry in &entries {
            let may_be = calls_of(&store, entry);
            calls += may_be.len();
            for (key, most) in may_be {
                in_flight += most - 1;
                let times = asked.remove(&key).unwrap_or(0);
                assert!(
                    (1..=most).contains(&times),
                    "{key} was asked {times} times, at most {most} are in the journal"
                );
            }
        }
        assert_eq!(calls, entries.len() * 4);
        println!(
            "{} runs, {in_flight} calls in flight when a process was killed",
            entries.len()
        );
        assert!(asked.is_empty(), "asked for runs that are not there: {asked:?}");
    }
}

/// The effects of a run, each with how often it may have been asked: once, and once more for every time it is in the
/// journal that it was in flight when a process ended.
fn calls_of(store: &Sqlite, entry: &Entry) -> BTreeMap<String, usize> {
    block_on(async {
        let definition = store.definition(&entry.program).await.unwrap().unwrap();
        let mut run = Run::new(load::reload(&definition).unwrap().0);
        let mut effects = BTreeMap::new();
        let mut most: BTreeMap<String, usize> = BTreeMap::new();
        let mut ended = 0;
        for batch in store.load(&entry.run, 0).await.unwrap() {
            for event in batch.events.iter() {
                run.follow(event).unwrap();
                match &event.kind {
                    EventKind::CallStarted { ticket, .. } => {
                        let effect = run.pending_call(*ticket).unwrap().effect;
                        let key = format!("{}/{effect}", entry.run);
                        most.insert(key.clone(), 1);
                        effects.insert(*ticket, key);
                    }
                    EventKind::CallRepeated { ticket } => *most.get_mut(&effects[ticket]).unwrap() += 1,
                    EventKind::CallEnded { .. } => ended += 1,
                    _ => {}
                }
            }
        }
        assert_eq!(ended, most.len(), "{} of {}", ended, entry.run);
        assert!(
            matches!(run.state().end(), Some(RunEnd::Completed(Data::Int(_)))),
            "{:?}",
            run.state().end()
        );
        most
    })
}

#[test]
fn whenever_it_is_killed_nothing_is_lost_or_done_twice() {
    let seconds = std::env::var("INTERPRET_KILL_SECONDS")
        .ok()
        .map(|seconds| seconds.parse().unwrap());
    let begun = Instant::now();
    let mut killer = Killer::new();
    let mut kills = 0;
    while match seconds {
        Some(seconds) => begun.elapsed() < Duration::from_secs(seconds),
        None => kills < 40,
    } {
        let moment = Duration::from_micros(killer.next(120_000));
        if kills % 2 == 0 {
            let lines = killer.next(LINES as u64 + 1) as usize;
            let moment = if lines == 0 { moment } else { moment / 20 };
            let batch = ["run", "errands", "--batch", "lines.ndjson", "--concurrency", "8"];
            killer.round(&batch, lines, Some(moment));
        } else {
            killer.round(&["runs", "resume", "--all"], 0, Some(moment));
        }
        kills += 1;
        if kills % 200 == 0 {
            killer.settle();
            killer.check();
        }
    }
    killer.settle();
    killer.check();
}

#[test]
fn who_is_told_to_end_leaves_what_can_go_on() {
    let nap = crate::cli::workflow("nap", &["{ kind: andSleep, id: sleeping, duration: 10m }"]);
    let folder = Folder::new(&[("nap.yaml", &nap)]);
    let signal = |child: &std::process::Child, name: &str| {
        let told = format!("kill -{name} {}", child.id());
        assert!(Command::new("sh").args(["-c", &told]).status().unwrap().success());
    };
    let sleeping = |arguments: &[&str]| {
        let mut child = folder.command(arguments).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        while arguments[0] == "run" && !seen.contains("sleeping: sleeps") {
            assert!(stderr.read_line(&mut seen).unwrap() > 0, "{seen}");
        }
        child
    };
    let mut first = sleeping(&["run", "nap", "--store", STORE, "--id", "a", "--events", "text"]);
    signal(&first, "KILL");
    first.wait().unwrap();
    let deadline = || {
        let store = Sqlite::open(&folder.path().join("runs.sqlite")).unwrap();
        let run: Name = "a".into();
        let batches = block_on(store.load(&run, 0)).unwrap();
        let mut events = batches.iter().flat_map(|batch| batch.events.to_vec());
        let until = events.find_map(|event| match event.kind {
            EventKind::SleepStarted { until, .. } => Some(until),
            _ => None,
        });
        (
            until.unwrap(),
            block_on(store.entry(&run)).unwrap().unwrap().head.status,
        )
    };
    let before = deadline();
    let mut second = sleeping(&["runs", "resume", "--all", "--store", STORE]);
    // Signals are heard before anything is taken up.
    let begun = Instant::now();
    let taken = || {
        let store = rusqlite::Connection::open(folder.path().join("runs.sqlite")).unwrap();
        let owner: Option<i64> = store.query_row("SELECT owner FROM runs", [], |row| row.get(0)).unwrap();
        let processes: i64 = store
            .query_row("SELECT count(*) FROM processes WHERE token = ?", [owner], |row| {
                row.get(0)
            })
            .unwrap();
        let alive: i64 = store
            .query_row("SELECT count(*) FROM processes WHERE pid = ?", [second.id()], |row| {
                row.get(0)
            })
            .unwrap();
        processes == 1 && alive == 1
    };
    while !taken() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&second, "TERM");
    let ended = loop {
        if let Some(status) = second.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(ended.code(), Some(4));
    assert_eq!(deadline(), before);
}
