//! What is durable, against a bare writer that commits in groups on the same disk, in turn, since disks differ and change.
//! 64 at a time, each of 10 records that are on disk before the next is made; here a record is what a step comes to. The
//! beginning of a run is an append of ours as well, though it counts as none.
#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]

#[path = "common/bare.rs"]
mod bare;
mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bare::{Bare, RECORD};

use futures_util::FutureExt;
use futures_util::future::join_all;
use interpret::data::Data;
use interpret::drive::{Driver, SystemClock};
use interpret::graph::Program;
use interpret::load;
use interpret::provider::{Effect, Performing, Provider};
use interpret::run::{Answer, Event, EventKind, Outcome, Run, Start, Started, Status};
use interpret::store::{Append, Head, Sqlite, Store};

const PRODUCERS: usize = 64;
const STEPS: usize = 10;
const ROUNDS: usize = 10;
/// How often all producers make their records in one round, so that every round has its share of checkpoints.
const WAVES: usize = 8;
const WAITING: usize = 100_000;
/// How long what a step returns is. It stands in three of the events of its record, with which that has as many bytes as
/// one of the bare writer's.
const RESULT: usize = 238;

fn main() {
    let folder = std::env::temp_dir().join(format!("interpret-journal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for files");
    let runtime = common::runtime();
    let program = program();
    let (bare, empty, full) = (
        Bare::new(&folder.join("bare.sqlite")),
        open(&folder.join("empty.sqlite")),
        open(&folder.join("full.sqlite")),
    );
    let begun = Instant::now();
    runtime.block_on(fill(&full, &program));
    println!(
        "{WAITING} waiting executions made in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let (over_empty, over_full) = (driver(empty.clone()), driver(full.clone()));
    let mut rates: [Vec<f64>; 3] = Default::default();
    let mut costs: [Vec<f64>; 3] = Default::default();
    for round in 0..ROUNDS {
        let mut rate = |at: usize, records: &mut dyn FnMut()| {
            let (begun, used) = (Instant::now(), cpu());
            records();
            let count = (WAVES * PRODUCERS * STEPS) as f64;
            rates[at].push(count / begun.elapsed().as_secs_f64());
            costs[at].push((cpu() - used) / count);
        };
        let waves = round * WAVES..(round + 1) * WAVES;
        rate(0, &mut || {
            waves
                .clone()
                .for_each(|_| runtime.block_on(bare.produce(PRODUCERS, STEPS)))
        });
        let mut execute = |at: usize, driver: &Driver| {
            rate(at, &mut || {
                let wave = |wave| runtime.block_on(execute(driver, &program, wave));
                waves.clone().for_each(wave);
            });
        };
        execute(1, &over_empty);
        execute(2, &over_full);
    }
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let [bare_rate, empty_rate, full_rate] = rates.each_mut().map(median);
    let [_, empty_cost, full_cost] = costs.each_mut().map(median);
    println!("bare writer           {bare_rate:>9.0} records/s");
    println!(
        "executions            {empty_rate:>9.0} records/s, {:.2} of it",
        empty_rate / bare_rate
    );
    println!(
        "beside {WAITING} waiting {full_rate:>9.0} records/s, {:.2} of that",
        full_rate / empty_rate
    );
    println!(
        "processor time a record: {:.1} µs, beside {WAITING} waiting {:.1} µs, {:.2} of that",
        empty_cost * 1e6,
        full_cost * 1e6,
        full_cost / empty_cost
    );
    let ours = runtime.block_on(record(&empty));
    println!("a record of ours has {ours} bytes, one of the bare writer's {RECORD}");
    drop((bare, over_empty, over_full, empty, full));
    let _ = std::fs::remove_dir_all(folder);
}

/// How long all threads of this process have been at work, in seconds.
fn cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads");
    let ran = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
    let nanoseconds = ran.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok());
    nanoseconds.sum::<u64>() as f64 / 1e9
}

fn open(path: &Path) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(path).expect("a store"))
}

fn program() -> Arc<Program> {
    let steps: String = (0..STEPS)
        .map(|at| format!("  - {{ kind: andThen, id: s{at}, function: {{ name: work }} }}\n"))
        .collect();
    let loaded = load::load_text("bench", &format!("kind: Workflow\nid: bench\nsteps:\n{steps}"));
    Arc::new(loaded.program("bench", None).expect("a program"))
}

/// Returns at once.
struct AtOnce(Data);

impl Provider for AtOnce {
    fn perform(&self, _: Effect) -> Performing {
        let result = Some(self.0.clone());
        async move { Outcome::Done(Answer { result, response: None }) }.boxed()
    }
}

fn driver(store: Arc<Sqlite>) -> Driver {
    let provider = AtOnce(Data::from("x".repeat(RESULT)));
    Driver::new(store, Arc::new(provider), Arc::new(SystemClock))
}

async fn execute(driver: &Driver, program: &Arc<Program>, wave: usize) {
    let run = async |at: usize| {
        let start = Start::new(format!("{wave}-{at}"), Data::Null);
        let mut observe = |_: &[Event], _: &Run| {};
        let mut session = driver.open(program.clone(), start, &mut observe).await.expect("a run");
        let status = session.to_end(&mut observe).await;
        assert_eq!(status, Ok(Status::Completed));
    };
    join_all((0..PRODUCERS).map(run)).await;
}

/// How long what is appended for a step is: the bytes of its events alone.
async fn record(store: &Arc<Sqlite>) -> usize {
    let batches = store.load(&"0-0".into(), 0).await.expect("a journal");
    let events = batches[STEPS / 2].events.iter();
    let bytes = events.map(|event| serde_json::to_string(&event.kind).map_or(0, |text| text.len()));
    bytes.sum()
}

/// Executions that wait for somebody, a few events each.
async fn fill(store: &Arc<Sqlite>, program: &Arc<Program>) {
    for portion in 0..WAITING / 1_000 {
        let appends = (0..1_000).map(|at| {
            let run = format!("waiting-{portion}-{at}");
            let started = Started {
                run: run.as_str().into(),
                program: program.hash.clone(),
                input: Data::Null,
                context: Data::Null,
                state: Data::Null,
                deadline: None,
                env: Data::Null,
                user: None,
                conversation: None,
                labels: Default::default(),
                trace: None,
            };
            let event = Event {
                at: interpret::graph::Timestamp(at),
                kind: EventKind::RunStarted(Arc::new(started)),
            };
            store.append(Append {
                run: run.into(),
                expected_seq: 0,
                events: vec![event].into(),
                head: Head {
                    workflow: "bench".into(),
                    status: Status::Suspended,
                    wake_at: None,
                },
                snapshot: None,
            })
        });
        for appended in join_all(appends).await {
            appended.expect("room for it");
        }
    }
}
