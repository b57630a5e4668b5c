//! Schedules on a clock that is moved by hand: each time is acted on once, whoever looks at it and whenever it ends.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use futures_util::FutureExt;
use interpret::clock::{Clock, Sleep};
use interpret::data;
use interpret::drive::Driver;
use interpret::graph::{Name, Timestamp, parse_instant};
use interpret::load::{self, Loaded};
use interpret::permit::Permit;
use interpret::provider::Providers;
use interpret::run::Status;
use interpret::secret::Secrets;
use interpret::serve::{Caller, STARTED_BY, Server, Settings};
use interpret::store::{Append, Batch, Cursor, Definition, Entry, Filter, Memory, Reply, Snapshot, Store};

use crate::api::block_on;

/// A clock that stands still until it is moved.
#[derive(Clone, Debug)]
struct HandClock(Arc<Mutex<(Timestamp, Sleepers)>>);

/// Who sleeps until when.
type Sleepers = Vec<(Timestamp, Waker)>;

impl HandClock {
    fn at(text: &str) -> HandClock {
        HandClock(Arc::new(Mutex::new((at(text), Vec::new()))))
    }

    /// Moves it, and lets everybody do what they have to.
    async fn move_to(&self, text: &str) {
        let sleepers = {
            let mut inner = self.0.lock().unwrap();
            inner.0 = at(text);
            std::mem::take(&mut inner.1)
        };
        sleepers.into_iter().for_each(|(_, waker)| waker.wake());
        settle().await;
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let clock = self.0.clone();
        let sleep = std::future::poll_fn(move |context| {
            let mut inner = clock.lock().unwrap();
            if at <= inner.0 {
                return Poll::Ready(());
            }
            inner.1.push((at, context.waker().clone()));
            Poll::Pending
        });
        sleep.boxed()
    }
}

/// There is only one thread, and stores in memory answer at once: everybody has had their turn after some rounds.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

/// `01-31T12:00` in 2026.
fn at(text: &str) -> Timestamp {
    parse_instant(&format!("2026-{text}:00Z")).unwrap()
}

fn loaded(text: &str) -> Loaded {
    let path = PathBuf::from("nightly.yaml");
    let options = load::Options {
        overlay: [(path.clone(), Arc::from(text))].into(),
        ..load::Options::default()
    };
    let loaded = load::load_with(&[path], &options);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded
}

/// A workflow that is started at two o'clock, with more keys for the schedule and for the step.
fn nightly(cron: &str, step: &str) -> String {
    format!(
        "kind: Workflow\nid: nightly\ntriggers:\n  - cron: {{ schedule: '0 2 * * *'{cron} }}\n    \
         input: {{ day: =trigger.scheduledAt }}\nsteps:\n  - {{ kind: andThen, id: a, {step} }}\n"
    )
}

const SETS: &str = "set: =input.day";
const WAITS: &str = "suspend: { reason: wait }";

async fn server(store: &Arc<dyn Store>, clock: &HandClock, text: &str) -> (Server, tokio::task::JoinHandle<()>) {
    let permit = Arc::new(Permit::nothing());
    let secrets = Arc::new(Secrets::from_environment(permit.clone()));
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let providers = Providers::new(permit, secrets, clock.clone());
    let server = Server::new(
        Driver::new(store.clone(), Arc::new(providers), clock),
        Settings::default(),
    );
    server.serve(&loaded(text)).await.unwrap();
    let ticking = server.clone();
    let ticking = tokio::spawn(async move { ticking.tick().await });
    settle().await;
    (server, ticking)
}

fn memory() -> Arc<dyn Store> {
    Arc::new(Memory::default())
}

/// The days for which there are runs, in their order, with where these stand.
async fn days(store: &Arc<dyn Store>) -> Vec<(String, Status)> {
    let mut days = Vec::new();
    for entry in store.list(Filter::default()).await.unwrap() {
        assert!(entry.labels[STARTED_BY].starts_with("nightly/cron-"));
        let events = store.load(&entry.run, 0).await.unwrap();
        let started = serde_json::to_value(&events[0].events[0]).unwrap();
        let day = started["input"]["day"].as_str().unwrap().to_owned();
        days.push((day[5..13].to_owned(), entry.head.status));
    }
    days.sort_by(|a, b| a.0.cmp(&b.0));
    days
}

fn completed(days: &[&str]) -> Vec<(String, Status)> {
    days.iter().map(|day| ((*day).to_owned(), Status::Completed)).collect()
}

/// As if the process were killed: nothing more happens.
async fn kill(ticking: tokio::task::JoinHandle<()>) {
    ticking.abort();
    let _ = ticking.await;
}

#[test]
fn a_time_that_comes_starts_a_run_with_its_input() {
    block_on(async {
        let (store, clock) = (memory(), HandClock::at("01-01T12:00"));
        let (server, ticking) = server(&store, &clock, &nightly("", SETS)).await;
        assert_eq!(server.service().triggers(), (1, 0));
        assert_eq!(
            server.service().next_tick(),
            Some((at("01-02T02:00"), "nightly".into()))
        );
        clock.move_to("01-02T01:59").await;
        assert_eq!(days(&store).await, []);
        clock.move_to("01-02T02:00").await;
        assert_eq!(days(&store).await, completed(&["01-02T02"]));
        clock.move_to("01-03T02:00").await;
        assert_eq!(days(&store).await, completed(&["01-02T02", "01-03T02"]));
        // A server that ends starts nothing more.
        server.stop();
        settle().await;
        assert!(ticking.is_finished());
        clock.move_to("01-04T02:00").await;
        assert_eq!(days(&store).await.len(), 2);
    });
}

#[test]
fn of_many_servers_on_one_store_one_acts_on_a_time() {
    block_on(async {
        let (store, clock) = (memory(), HandClock::at("01-01T12:00"));
        let mut servers = Vec::new();
        for _ in 0..4 {
            servers.push(server(&store, &clock, &nightly("", SETS)).await);
        }
        for day in ["01-02T02:00", "01-03T02:00", "01-04T02:00"] {
            clock.move_to(day).await;
        }
        assert_eq!(days(&store).await, completed(&["01-02T02", "01-03T02", "01-04T02"]));
    });
}

#[test]
fn what_was_missed_is_caught_up_with_by_the_next_server() {
    for (catch_up, expected) in [
        ("", vec!["01-02T02", "01-05T02"]),
        (", catchUp: last", vec!["01-02T02", "01-05T02"]),
        (", catchUp: none", vec!["01-02T02"]),
        (", catchUp: all", vec!["01-02T02", "01-03T02", "01-04T02", "01-05T02"]),
    ] {
        block_on(async {
            let (store, clock) = (memory(), HandClock::at("01-01T12:00"));
            let (_, ticking) = server(&store, &clock, &nightly(catch_up, SETS)).await;
            clock.move_to("01-02T02:00").await;
            kill(ticking).await;
            clock.move_to("01-05T12:00").await;
            let (_, ticking) = server(&store, &clock, &nightly(catch_up, SETS)).await;
            // Of each that is caught up with the one before has to be over, which is looked at from time to time.
            for minute in ["01-05T12:01", "01-05T12:02", "01-05T12:03"] {
                clock.move_to(minute).await;
            }
            assert_eq!(days(&store).await, completed(&expected), "{catch_up}");
            // Not once more.
            kill(ticking).await;
            server(&store, &clock, &nightly(catch_up, SETS)).await;
            assert_eq!(days(&store).await, completed(&expected), "{catch_up}");
        });
    }
}

#[test]
fn times_that_overlap_are_skipped_or_wait_or_start() {
    let waiting = |days: &[&str]| -> Vec<(String, Status)> {
        days.iter().map(|day| ((*day).to_owned(), Status::Suspended)).collect()
    };
    for (overlap, meanwhile, behind) in [
        ("", vec![], vec!["01-04T02"]),
        (", overlap: skip", vec![], vec!["01-04T02"]),
        (", overlap: queue", vec![], vec!["01-03T02"]),
        (", overlap: allow", vec!["01-03T02"], vec!["01-03T02", "01-04T02"]),
    ] {
        block_on(async {
            let (store, clock) = (memory(), HandClock::at("01-01T12:00"));
            let (server, _ticking) = server(&store, &clock, &nightly(overlap, WAITS)).await;
            clock.move_to("01-02T02:00").await;
            clock.move_to("01-03T02:00").await;
            let expected = [vec!["01-02T02"], meanwhile].concat();
            assert_eq!(days(&store).await, waiting(&expected), "{overlap}");
            // The first is answered, so the way is free.
            let runs = store.list(Filter::default()).await.unwrap();
            let first = &runs.last().unwrap().run;
            let service = server.service();
            service
                .resume(&Caller::LOCAL, None, first, None, Some(data!({})))
                .await
                .unwrap();
            settle().await;
            for time in ["01-03T12:00", "01-03T13:00", "01-04T02:00"] {
                clock.move_to(time).await;
            }
            let mut expected = waiting(&behind);
            expected.insert(0, completed(&["01-02T02"]).remove(0));
            assert_eq!(days(&store).await, expected, "{overlap}");
        });
    }
}

#[test]
fn what_waits_in_a_queue_outlives_the_server() {
    block_on(async {
        let (store, clock) = (memory(), HandClock::at("01-01T12:00"));
        let text = nightly(", overlap: queue, catchUp: none", WAITS);
        let (first, ticking) = server(&store, &clock, &text).await;
        clock.move_to("01-02T02:00").await;
        clock.move_to("01-03T02:00").await;
        kill(ticking).await;
        let run = store.list(Filter::default()).await.unwrap().remove(0).run;
        let service = first.service();
        service
            .resume(&Caller::LOCAL, None, &run, None, Some(data!({})))
            .await
            .unwrap();
        settle().await;
        clock.move_to("01-03T12:00").await;
        let (_, _ticking) = server(&store, &clock, &text).await;
        let expected = [("01-02T02", Status::Completed), ("01-03T02", Status::Suspended)];
        assert_eq!(
            days(&store).await,
            expected.map(|(day, status)| (day.to_owned(), status))
        );
    });
}

#[test]
fn other_definitions_are_acted_on_as_soon_as_they_are_served() {
    block_on(async {
        let (store, clock) = (memory(), HandClock::at("01-01T12:00"));
        let (server, _ticking) = server(&store, &clock, &nightly("", SETS)).await;
        let evening = nightly("", SETS).replace("0 2 * * *", "0 20 * * *");
        clock.move_to("01-02T02:00").await;
        clock.move_to("01-02T21:00").await;
        // What is new has missed nothing.
        server.serve(&loaded(&evening)).await.unwrap();
        settle().await;
        clock.move_to("01-03T02:00").await;
        assert_eq!(days(&store).await, completed(&["01-02T02"]));
        clock.move_to("01-03T20:00").await;
        assert_eq!(days(&store).await, completed(&["01-02T02", "01-03T20"]));
    });
}

#[test]
fn an_id_that_was_used_starts_nothing() {
    block_on(async {
        let (store, clock) = (memory(), HandClock::at("01-01T12:00"));
        let hourly = nightly("", SETS).replace("0 2 * * *", "0 * * * *");
        let id = "    runId: \"day-{{ trigger.scheduledAt | date('%Y-%m-%d') }}\"\nsteps:";
        let (_, _ticking) = server(&store, &clock, &hourly.replace("steps:", id)).await;
        for time in ["01-01T13:00", "01-01T14:00", "01-02T00:00", "01-02T01:00"] {
            clock.move_to(time).await;
        }
        assert_eq!(days(&store).await, completed(&["01-01T13", "01-02T00"]));
        assert!(store.entry(&"day-2026-01-02".into()).await.unwrap().is_some());
    });
}

#[test]
fn what_cannot_start_holds_up_nothing_behind_it() {
    block_on(async {
        let (store, clock) = (memory(), HandClock::at("01-01T12:00"));
        let text = nightly("", SETS).replace(
            "=trigger.scheduledAt",
            "\"{{ trigger.scheduledAt if '01-02T' not in trigger.scheduledAt else env.MISSING.x }}\"",
        );
        let (_, _ticking) = server(&store, &clock, &text).await;
        clock.move_to("01-02T02:00").await;
        assert_eq!(days(&store).await, []);
        clock.move_to("01-03T02:00").await;
        assert_eq!(days(&store).await, completed(&["01-03T02"]));
    });
}

/// A store whose process ends at a certain write: before it, or behind it, when nobody hears of it any more.
struct Ends {
    memory: Arc<dyn Store>,
    writes: AtomicUsize,
    /// The write at which it ends, from 1.
    at: usize,
    stored: bool,
}

impl Ends {
    fn write<'a, T: Send + 'a>(&'a self, write: impl FnOnce() -> Reply<'a, T>) -> Reply<'a, T> {
        match (self.writes.fetch_add(1, Ordering::SeqCst) + 1).cmp(&self.at) {
            std::cmp::Ordering::Less => write(),
            std::cmp::Ordering::Equal if self.stored => {
                let stored = write();
                async move {
                    let _ = stored.await;
                    std::future::pending().await
                }
                .boxed()
            }
            _ => std::future::pending().boxed(),
        }
    }
}

impl Store for Ends {
    fn append(&self, append: Append) -> Reply<'_, ()> {
        self.write(|| self.memory.append(append))
    }

    fn move_cursor(&self, trigger: &Name, expected: Option<Cursor>, to: Cursor) -> Reply<'_, bool> {
        let trigger = trigger.clone();
        self.write(move || self.memory.move_cursor(&trigger, expected, to))
    }

    fn cursor(&self, trigger: &Name) -> Reply<'_, Option<Cursor>> {
        self.memory.cursor(trigger)
    }

    fn load(&self, run: &Name, from: u64) -> Reply<'_, Vec<Batch>> {
        self.memory.load(run, from)
    }

    fn entry(&self, run: &Name) -> Reply<'_, Option<Entry>> {
        self.memory.entry(run)
    }

    fn list(&self, filter: Filter) -> Reply<'_, Vec<Entry>> {
        self.memory.list(filter)
    }

    fn claim(&self, run: &Name) -> Reply<'_, ()> {
        self.memory.claim(run)
    }

    fn snapshot(&self, run: &Name) -> Reply<'_, Option<Snapshot>> {
        self.memory.snapshot(run)
    }

    fn due(&self, until: Timestamp, limit: usize) -> Reply<'_, Vec<(Timestamp, Name)>> {
        self.memory.due(until, limit)
    }

    fn prune(&self, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        self.memory.prune(before, limit)
    }

    fn forget(&self, run: &Name) -> Reply<'_, bool> {
        self.memory.forget(run)
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn size(&self) -> Reply<'_, u64> {
        self.memory.size()
    }

    fn keep(&self, definition: Arc<Definition>) -> Reply<'_, ()> {
        self.memory.keep(definition)
    }

    fn definition(&self, hash: &Name) -> Reply<'_, Option<Arc<Definition>>> {
        self.memory.definition(hash)
    }
}

#[test]
fn a_time_is_acted_on_once_wherever_the_server_ends() {
    // Writes: the first place of the cursor, then for each day the decision, the run, and that it has begun.
    for overlap in ["skip", "queue", "allow"] {
        let text = nightly(&format!(", overlap: {overlap}, catchUp: all"), SETS);
        let mut places = 0;
        for (place, stored) in (1..=9).flat_map(|place| [(place, false), (place, true)]) {
            block_on(async {
                let (memory, clock) = (memory(), HandClock::at("01-01T12:00"));
                let ends = Arc::new(Ends {
                    memory: memory.clone(),
                    writes: AtomicUsize::new(0),
                    at: place,
                    stored,
                });
                let store: Arc<dyn Store> = ends.clone();
                let (_, ticking) = server(&store, &clock, &text).await;
                for time in ["01-02T02:00", "01-03T02:00"] {
                    clock.move_to(time).await;
                }
                kill(ticking).await;
                places += usize::from(ends.writes.load(Ordering::SeqCst) >= place);
                let begun = memory.list(Filter::default()).await.unwrap();
                // What began and is not over goes on where the next server takes it up; here only schedules are looked at.
                for entry in begun.iter().filter(|entry| entry.head.status == Status::Running) {
                    end(&memory, entry).await;
                }
                let (_, _ticking) = server(&memory, &clock, &text).await;
                for time in ["01-03T02:30", "01-03T02:31", "01-03T02:32", "01-04T02:00"] {
                    clock.move_to(time).await;
                }
                // Unless the server ended before it had looked at the schedule for the first time.
                let all = completed(&["01-02T02", "01-03T02", "01-04T02"]);
                let expected = if place == 1 && !stored { all[2..].to_vec() } else { all };
                assert_eq!(
                    days(&memory).await,
                    expected,
                    "{overlap}, ends at write {place}, stored: {stored}"
                );
            });
        }
        assert!(places >= 14, "{overlap}: {places}");
    }
}

/// Drives a run to its end.
async fn end(store: &Arc<dyn Store>, entry: &Entry) {
    let permit = Arc::new(Permit::nothing());
    let secrets = Arc::new(Secrets::from_environment(permit.clone()));
    let clock: Arc<dyn Clock> = Arc::new(HandClock::at("01-03T02:00"));
    let providers = Providers::new(permit, secrets, clock.clone());
    let programs = |definition: &Definition| match load::reload(definition) {
        Ok((program, _)) => Ok(program),
        Err(error) => Err(error.to_string()),
    };
    let driver = Driver::new(store.clone(), Arc::new(providers), clock).with_programs(Arc::new(programs));
    let rest = driver.take_up(&entry.run).await.unwrap().rest().await.unwrap();
    assert_eq!(rest.status, Status::Completed);
}
