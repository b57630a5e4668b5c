//! What happens to runs whose process has ended, and to those that wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use interpret::clock::{Clock, SystemClock, VirtualClock};
use interpret::data;
use interpret::data::Data;
use interpret::drive::SendError;
use interpret::graph::{Name, Timestamp};
use interpret::provider::{Effect, Performing, Provider};
use interpret::run::{Answer, Event, EventKind, Input, Outcome, Run, RunEnd, Start, Status};
use interpret::store::{Append, Batch, Error, Head, Store};

use super::{Place, block_on, define, driver};

/// Answers at once, or never, and notes what it was asked.
#[derive(Default)]
struct Notes {
    asked: Mutex<Vec<String>>,
    never: bool,
}

impl Provider for Notes {
    fn perform(&self, effect: Effect) -> Performing {
        self.asked.lock().unwrap().push(effect.id());
        if self.never {
            return std::future::pending().boxed();
        }
        let result = Some(Data::from(effect.call.step.to_string()));
        async move { Outcome::Done(Answer { result, response: None }) }.boxed()
    }
}

const ERRANDS: &str = "
kind: Workflow
id: errands
steps:
  - { kind: andThen, id: a, function: { name: work } }
  - { kind: andThen, id: b, function: { name: work } }
  - { kind: andThen, id: sum, set: '=[steps.a.output, steps.b.output]' }
";

const ASK: &str = "
kind: Workflow
id: ask
steps:
  - { kind: andThen, id: ask, suspend: { timeout: 1h, onTimeout: continue } }
  - { kind: andThen, id: told, set: '=data' }
";

async fn journal(store: &dyn Store, run: &str) -> Vec<Event> {
    let batches: Vec<Batch> = store.load(&run.into(), 0).await.unwrap();
    batches.iter().flat_map(|batch| batch.events.to_vec()).collect()
}

#[test]
fn the_step_in_flight_runs_again_with_the_same_key_and_no_other() {
    block_on(async {
        let place = Place::new();
        let (program, definition) = define(ERRANDS);
        let hanging = Arc::new(Notes {
            never: true,
            ..Notes::default()
        });
        {
            let store = place.open();
            store.keep(Arc::new(definition)).await.unwrap();
            let driver = driver(store, hanging.clone(), Arc::new(SystemClock));
            driver.start(program, Start::new("r", Data::Null)).await.unwrap();
            tokio::task::yield_now().await;
        }
        // The runtime drops what it drives when it ends; here another store takes the place of another process.
        let store = place.open();
        let working = Arc::new(Notes::default());
        let driver = driver(store.clone(), working.clone(), Arc::new(SystemClock));
        // This process is alive, so its lease has to be ended by hand.
        rusqlite_delete_leases(&place);
        let recovered = driver.recover_all().await.unwrap();
        assert_eq!(recovered.taken.len(), 1, "{recovered:?}");
        assert_eq!(recovered.taken[0].end().await, Ok(RunEnd::Completed(data!(["a", "b"]))));
        assert_eq!(*hanging.asked.lock().unwrap(), ["r/a#1"]);
        assert_eq!(*working.asked.lock().unwrap(), ["r/a#1", "r/b#1"]);
        let repeated = |event: &&Event| matches!(event.kind, EventKind::CallRepeated { .. });
        assert_eq!(journal(&*store, "r").await.iter().filter(repeated).count(), 1);
    });
}

/// As if whoever drives the runs of a file had died.
fn rusqlite_delete_leases(place: &Place) {
    let connection = rusqlite::Connection::open(place.file()).unwrap();
    connection.execute("DELETE FROM processes", []).unwrap();
}

#[test]
fn a_run_that_cannot_be_read_holds_up_no_other() {
    block_on(async {
        let place = Place::new();
        let (program, definition) = define(ERRANDS);
        let store = place.open();
        store.keep(Arc::new(definition)).await.unwrap();
        let started = |run: &str| {
            let mut fresh = Run::new(program.clone());
            let mut events = Vec::new();
            let start = Input::Start(Start::new(run, Data::Null));
            fresh.handle(Timestamp(1), start, &mut events).unwrap();
            events
        };
        for run in ["a", "b", "c", "d"] {
            let head = Head {
                workflow: "errands".into(),
                status: Status::Running,
                wake_at: None,
            };
            for (seq, event) in (0..).zip(started(run)) {
                let append = Append {
                    run: run.into(),
                    expected_seq: seq,
                    events: [event].into(),
                    head: head.clone(),
                    snapshot: None,
                };
                store.append(append).await.unwrap();
            }
        }
        let connection = rusqlite::Connection::open(place.file()).unwrap();
        let spoil = [
            "UPDATE batches SET events = '[[0,{\"type\":\"nonsense\"}]]' WHERE run = 2 AND next = 2",
            "DELETE FROM batches WHERE run = 3 AND next = 2",
            "UPDATE runs SET program = 'unknown' WHERE id = 'd'",
        ];
        for spoil in spoil {
            assert_eq!(connection.execute(spoil, []).unwrap(), 1, "{spoil}");
        }
        let driver = driver(store.clone(), Arc::new(Notes::default()), Arc::new(SystemClock));
        let recovered = driver.recover_all().await.unwrap();
        let taken: Vec<&str> = recovered.taken.iter().map(|handle| &**handle.id()).collect();
        assert_eq!(taken, ["a"], "{:?}", recovered.set_aside);
        let mut set_aside: Vec<String> = recovered
            .set_aside
            .iter()
            .map(|(run, error)| format!("{run}: {error}"))
            .collect();
        set_aside.sort();
        assert!(
            set_aside[0].starts_with("b: what is stored cannot be read: event 1 of the run `b` cannot be read"),
            "{set_aside:?}"
        );
        assert!(
            set_aside[1].contains("event 1 of the run `c` is missing"),
            "{set_aside:?}"
        );
        assert_eq!(set_aside[2], "d: the definition unknown is not kept");
        assert_eq!(recovered.taken[0].finished().await, Ok(Status::Completed));
    });
}

#[test]
fn who_waits_is_not_in_memory_and_is_told_all_the_same() {
    block_on(async {
        let place = Place::new();
        let (program, definition) = define(ASK);
        let store = place.open();
        store.keep(Arc::new(definition)).await.unwrap();
        let driver = driver(store.clone(), Arc::new(Notes::default()), Arc::new(SystemClock));
        let handle = driver.start(program, Start::new("r", Data::Null)).await.unwrap();
        assert_eq!(handle.rested().await, Ok(Status::Suspended));
        while !driver.driven().is_empty() {
            tokio::task::yield_now().await;
        }
        let run: Name = "r".into();
        let resume = |payload: Data| Input::Resume { target: None, payload };
        let handle = driver.send(&run, resume(data!("yes"))).await.unwrap();
        assert_eq!(handle.end().await, Ok(RunEnd::Completed(data!("yes"))));
        let late = driver.send(&run, resume(data!("no"))).await.unwrap_err();
        assert!(matches!(late, SendError::Rejected(_) | SendError::Gone), "{late:?}");
    });
}

/// A clock that stands where it is put.
#[derive(Debug, Default)]
struct Jumping(AtomicUsize, tokio::sync::Notify);

impl Jumping {
    fn jump(&self, to: usize) {
        self.0.store(to, Ordering::SeqCst);
        self.1.notify_waiters();
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.0.load(Ordering::SeqCst) as i64)
    }

    fn sleep_until(&self, at: Timestamp) -> interpret::clock::Sleep {
        let clock = self.clone();
        Box::pin(async move {
            loop {
                let jumped = clock.0.1.notified();
                if Clock::now(&clock) >= at {
                    return;
                }
                jumped.await;
            }
        })
    }
}

#[derive(Clone, Debug, Default)]
struct JumpingClock(Arc<Jumping>);

#[test]
fn a_wait_ends_at_its_time_however_the_clock_gets_there() {
    block_on(async {
        let place = Place::new();
        let (program, definition) = define(ASK);
        let store = place.open();
        store.keep(Arc::new(definition)).await.unwrap();
        let clock = JumpingClock::default();
        let driver = driver(store.clone(), Arc::new(Notes::default()), Arc::new(clock.clone()));
        clock.0.jump(10_000);
        for run in ["r", "s"] {
            driver
                .start(program.clone(), Start::new(run, Data::Null))
                .await
                .unwrap();
        }
        let tending = {
            let driver = driver.clone();
            tokio::spawn(async move { driver.tend(|run, error| panic!("{run}: {error}")).await })
        };
        let rests = async |status: Status| {
            for run in ["r", "s"] {
                while store.entry(&run.into()).await.unwrap().unwrap().head.status != status
                    || !driver.driven().is_empty()
                {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        };
        rests(Status::Suspended).await;
        // Backwards, then far beyond: neither loses the wait nor ends it early.
        clock.0.jump(1_000);
        clock.0.jump(3_609_999);
        rests(Status::Suspended).await;
        clock.0.jump(10_000_000);
        rests(Status::Completed).await;
        tending.abort();
        let times: Vec<i64> = journal(&*store, "r").await.iter().map(|event| event.at.0).collect();
        assert!(times.is_sorted(), "{times:?}");
    });
}

#[test]
fn a_sleep_ends_at_its_moment_however_often_the_clock_jumps() {
    block_on(async {
        let text = "
kind: Workflow
id: nap
steps:
  - { kind: andSleep, id: nap, duration: 1h }
  - { kind: andThen, id: work, function: { name: work } }
  - { kind: andSleep, id: more, duration: 1m }
";
        let place = Place::new();
        let (program, definition) = define(text);
        let store = place.open();
        store.keep(Arc::new(definition)).await.unwrap();
        let clock = JumpingClock::default();
        clock.0.jump(10_000);
        let driver = driver(store.clone(), Arc::new(Notes::default()), Arc::new(clock.clone()));
        let handle = driver.start(program, Start::new("r", Data::Null)).await.unwrap();
        let told = |kind: fn(&EventKind) -> bool| {
            let store = store.clone();
            async move {
                let events = journal(&*store, "r").await;
                events.iter().filter(|event| kind(&event.kind)).count()
            }
        };
        let slept = async || told(|kind| matches!(kind, EventKind::SleepEnded { .. })).await;
        for jump in [0, 3_609_999, 5, 3_609_998] {
            clock.0.jump(jump);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert_eq!(slept().await, 0, "at {jump}");
        }
        clock.0.jump(3_610_000);
        // Real time passes while the store writes; the second sleep is to begin at that moment.
        while told(|kind| matches!(kind, EventKind::SleepStarted { .. })).await < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(slept().await, 1);
        // Time never goes back in a run: the second sleep counts from the latest moment it has seen.
        clock.0.jump(0);
        clock.0.jump(3_669_999);
        assert_eq!(handle.status(), Status::Running);
        clock.0.jump(3_670_000);
        assert_eq!(handle.finished().await, Ok(Status::Completed));
        let times: Vec<i64> = journal(&*store, "r").await.iter().map(|event| event.at.0).collect();
        assert!(times.is_sorted(), "{times:?}");
    });
}

#[test]
fn a_long_run_is_taken_up_from_a_snapshot() {
    block_on(async {
        let text = "
kind: Workflow
id: count
steps:
  - { kind: andThen, id: begin, set: { n: 0 } }
  - { kind: andDoWhile, id: on, condition: '=data.n < 20000', maxIterations: 20000, steps: [{ kind: andThen, id: more, assign: { n: =data.n + 1 } }] }
  - { kind: andThen, id: ask, suspend: {} }
  - { kind: andThen, id: end, set: '=steps.on.output' }
";
        let place = Place::new();
        let (program, _) = define(text);
        let clock = || Arc::new(VirtualClock::starting_at(Timestamp(0)));
        let store = place.open();
        let first = driver(store.clone(), Arc::new(Notes::default()), clock());
        let session = first
            .run_to_rest(program.clone(), Start::new("r", Data::Null), |_, _| {})
            .await
            .unwrap()
            .unwrap();
        let run: Name = "r".into();
        let snapshot = store.snapshot(&run).await.unwrap().expect("a snapshot");
        let entry = store.entry(&run).await.unwrap().unwrap();
        assert!(
            snapshot.seq > 16_000 && entry.seq - snapshot.seq < 40_000,
            "{} of {}",
            snapshot.seq,
            entry.seq
        );
        let connection = rusqlite::Connection::open(place.file()).unwrap();
        // Nothing before the snapshot is read: it would be refused.
        let spoil = "UPDATE batches SET events = 'x' WHERE next < ?";
        assert!(connection.execute(spoil, [snapshot.seq]).unwrap() > 0);
        let second = driver(store.clone(), Arc::new(Notes::default()), clock());
        let mut taken = second.reopen(program.clone(), &run).await.unwrap();
        assert_eq!(taken.run().state(), session.run().state());
        let resume = Input::Resume {
            target: None,
            payload: data!(1),
        };
        taken.send(resume, &mut |_, _| {}).await.unwrap();
        let end = taken.to_rest(&mut |_, _| {}).await;
        assert_eq!(end, Ok(Status::Completed));
        assert_eq!(
            taken.run().state().end(),
            Some(&RunEnd::Completed(data!({ "n": 20_000 })))
        );
    });
}

#[test]
fn what_is_no_snapshot_of_the_run_is_passed_over() {
    block_on(async {
        let place = Place::new();
        let (program, _) = define(ASK);
        let store = place.open();
        let notes = || Arc::new(Notes::default());
        let first = driver(store.clone(), notes(), Arc::new(SystemClock));
        first
            .run_to_rest(program.clone(), Start::new("r", Data::Null), |_, _| {})
            .await
            .unwrap()
            .unwrap();
        let mut other = Run::new(program.clone());
        let mut events = Vec::new();
        other
            .handle(Timestamp(1), Input::Start(Start::new("r", Data::Null)), &mut events)
            .unwrap();
        for state in [&b"no JSON"[..], b"{\"version\":99,\"program\":\"\",\"state\":{}}"] {
            let seq = store.entry(&"r".into()).await.unwrap().unwrap().seq;
            let append = Append {
                run: "r".into(),
                expected_seq: seq,
                events: vec![Event {
                    at: Timestamp(i64::MAX / 2),
                    kind: EventKind::EventReceived {
                        event: "note".into(),
                        data: data!(1),
                    },
                }]
                .into(),
                head: Head {
                    workflow: "ask".into(),
                    status: Status::Suspended,
                    wake_at: None,
                },
                snapshot: Some(state.into()),
            };
            store.append(append).await.unwrap();
            let taken = driver(store.clone(), notes(), Arc::new(SystemClock))
                .reopen(program.clone(), &"r".into())
                .await;
            assert_eq!(taken.unwrap().run().waits().count(), 1);
        }
    });
}

#[test]
fn two_stores_never_drive_one_run() {
    block_on(async {
        let place = Place::new();
        let (program, definition) = define(ERRANDS);
        let (one, two) = (place.open(), place.open());
        one.keep(Arc::new(definition)).await.unwrap();
        let hanging = Arc::new(Notes {
            never: true,
            ..Notes::default()
        });
        let first = driver(one, hanging, Arc::new(SystemClock));
        let handle = first.start(program.clone(), Start::new("r", Data::Null)).await.unwrap();
        let second = driver(two.clone(), Arc::new(Notes::default()), Arc::new(SystemClock));
        let recovered = second.recover_all().await.unwrap();
        assert_eq!(
            (recovered.taken.len(), &recovered.owned[..]),
            (0, &["r".into()][..]),
            "{recovered:?}"
        );
        // Taken for dead, though it is not: it is stopped when it next stores something.
        rusqlite_delete_leases(&place);
        let taken = second.take_up(&"r".into()).await.unwrap();
        let late = handle
            .send(Input::Deliver {
                event: "x".into(),
                data: Data::Null,
            })
            .await;
        assert!(
            matches!(
                late,
                Err(SendError::Store(Error::Owned { .. } | Error::Conflict { .. }))
            ),
            "{late:?}"
        );
        assert_eq!(taken.finished().await, Ok(Status::Completed));
    });
}

/// On several threads, a run that is taken up could be unloaded before it hears what it was taken up for.
#[test]
fn who_is_taken_up_to_hear_something_hears_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let place = Place::new();
    let (program, definition) = define(ASK);
    runtime.block_on(async {
        let store = place.open();
        store.keep(Arc::new(definition)).await.unwrap();
        let driver = driver(store, Arc::new(Notes::default()), Arc::new(SystemClock));
        for number in 0..200 {
            let run: Name = format!("run-{number}").into();
            let start = Start::new(run.clone(), data!({}));
            driver.start(program.clone(), start).await.unwrap();
            let resume = Input::Resume {
                target: None,
                payload: data!({}),
            };
            // Who looks at it meanwhile does not keep it from being unloaded.
            let looks = (0..number % 4).map(|_| driver.look(&run));
            let (_, told) = tokio::join!(join_all(looks), driver.send(&run, resume));
            told.unwrap();
        }
    });
}
