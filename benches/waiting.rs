//! A million executions that wait for somebody: what they take on disk and in memory, and how soon one goes on. Then the
//! replay of a loop of a million iterations that was cut off at a random one.
#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock and files")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use interpret::data::Data;
use interpret::drive::{Driver, SystemClock, VirtualClock};
use interpret::graph::{Name, Program, Timestamp};
use interpret::load;
use interpret::permit::Permit;
use interpret::provider::Providers;
use interpret::run::{Input, Start, Status};
use interpret::secret::Secrets;
use interpret::store::{Definition, Sqlite, Store};

const ASK: &str = "
kind: Workflow
id: ask
steps: [{ kind: andThen, id: ask, suspend: {} }, { kind: andThen, id: end, set: =data }]
";

const COUNT: &str = "
kind: Workflow
id: count
steps:
  - { kind: andThen, id: begin, set: { n: 0 } }
  - { kind: andDoWhile, id: on, condition: '=data.n < 1000000', maxIterations: 1000000, steps: [{ kind: andThen, id: more, assign: { n: =data.n + 1 } }] }
";

/// How many are begun at once.
const PORTION: usize = 1_000;
const LOOPS: usize = 20;

fn main() {
    let number = |name: &str, or: usize| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(or)
    };
    let folder = std::env::temp_dir().join(format!("interpret-waiting-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let runtime = common::runtime();
    match std::env::var("INTERPRET_WAITING_FILE") {
        // In a process of its own, so that memory is that of the start.
        Ok(file) => runtime.block_on(begin_again(Path::new(&file))),
        Err(_) => {
            let file = folder.join("runs.sqlite");
            runtime.block_on(fill(&file, number("INTERPRET_WAITING", 1_000_000)));
            let this = std::env::current_exe().expect("a program");
            let again = std::process::Command::new(this)
                .env("INTERPRET_WAITING_FILE", &file)
                .status();
            assert!(again.expect("a process").success());
            runtime.block_on(replay(&folder, number("INTERPRET_LOOPS", LOOPS)));
        }
    }
    let _ = std::fs::remove_dir_all(folder);
}

fn define(text: &str) -> (Arc<Program>, Definition) {
    let loaded = load::load_text("bench.yaml", text);
    let id = loaded.workflows().next().expect("a workflow").header.id.clone();
    let program = loaded.program(&id, None).expect("a program");
    let definition = loaded.definition(&program);
    (Arc::new(program), definition)
}

fn driver(store: Arc<Sqlite>) -> Driver {
    let clock = Arc::new(SystemClock);
    let permit = Arc::new(Permit::nothing());
    let secrets = Arc::new(Secrets::from_environment(permit.clone()));
    let programs = |definition: &Definition| {
        let reloaded = load::reload(definition);
        reloaded.map(|(program, _)| program).map_err(|error| error.to_string())
    };
    Driver::new(store, Arc::new(Providers::new(permit, secrets, clock.clone())), clock)
        .with_programs(Arc::new(programs))
}

async fn fill(file: &Path, count: usize) {
    let store = Arc::new(Sqlite::open(file).expect("a store"));
    let (program, definition) = define(ASK);
    store.keep(Arc::new(definition)).await.expect("a definition");
    let driver = driver(store.clone());
    let begun = Instant::now();
    for portion in 0..count / PORTION {
        let one = async |at: usize| {
            let start = Start::new(format!("run-{portion}-{at}"), Data::Null);
            let session = driver.run_to_rest(program.clone(), start, |_, _| {}).await;
            session.expect("it starts").expect("it waits");
        };
        join_all((0..PORTION).map(one)).await;
    }
    let bytes = store.size().await.expect("a size");
    println!(
        "{count} waiting executions made in {:.0} s, {} bytes of disk each",
        begun.elapsed().as_secs_f64(),
        bytes / count as u64
    );
}

async fn begin_again(file: &Path) {
    let begun = Instant::now();
    let store = Arc::new(Sqlite::open(file).expect("a store"));
    let driver = driver(store.clone());
    let recovered = driver.recover_all().await.expect("runs");
    let due = driver.wake_due().await.expect("runs");
    assert!(recovered.taken.is_empty() && due.is_empty());
    println!("start-up {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let mut times = Vec::new();
    for at in 0..21 {
        let begun = Instant::now();
        let run: Name = format!("run-{at}-{at}").into();
        let payload = Data::Null;
        let handle = driver
            .send(&run, Input::Resume { target: None, payload })
            .await
            .expect("a run");
        assert_eq!(handle.finished().await, Ok(Status::Completed));
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "resume of one, commit included: median {:.2} ms, worst {:.2} ms",
        times[10], times[20]
    );
    println!(
        "resident memory at most {:.1} MiB",
        common::peak_memory() as f64 / 1048576.0
    );
}

/// Cuts a loop off behind a random number of turns, and takes it up again.
async fn replay(folder: &Path, loops: usize) {
    let (program, definition) = define(COUNT);
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut worst = (0.0, 0);
    for at in 0..loops {
        let file = folder.join(format!("loop-{at}.sqlite"));
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let until = random % 1_000_000;
        let run: Name = "r".into();
        let open = |file: &Path| {
            let options = interpret::store::sqlite::Options {
                synchronous: interpret::store::sqlite::Synchronous::Normal,
                ..Default::default()
            };
            Arc::new(Sqlite::open_with(file, options).expect("a store"))
        };
        {
            let store = open(&file);
            store.keep(Arc::new(definition.clone())).await.expect("a definition");
            let clock = Arc::new(VirtualClock::starting_at(Timestamp(0)));
            let driver = Driver::new(store, Arc::new(Nothing), clock);
            let mut iterations = 0;
            let mut session = (driver
                .open(program.clone(), Start::new(run.clone(), Data::Null), &mut |_, _| {})
                .await)
                .expect("it starts");
            let mut observe = |events: &[interpret::run::Event], _: &interpret::run::Run| {
                let block = |event: &&interpret::run::Event| {
                    matches!(event.kind, interpret::run::EventKind::BlockStarted { .. })
                };
                iterations += events.iter().filter(block).count() as u64;
                if iterations >= until {
                    // The future is dropped at its next turn, as if the process had been killed.
                    CUT.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            };
            CUT.store(false, std::sync::atomic::Ordering::Relaxed);
            let driven = session.to_end(&mut observe);
            let mut driven = std::pin::pin!(driven);
            std::future::poll_fn(|context| {
                use std::future::Future;
                match CUT.load(std::sync::atomic::Ordering::Relaxed) {
                    true => std::task::Poll::Ready(()),
                    false => driven.as_mut().poll(context).map(drop),
                }
            })
            .await;
        }
        let store = open(&file);
        let clock = Arc::new(VirtualClock::starting_at(Timestamp(0)));
        let driver = Driver::new(store.clone(), Arc::new(Nothing), clock);
        let begun = Instant::now();
        let session = driver.reopen(program.clone(), &run).await.expect("a run");
        let took = begun.elapsed().as_secs_f64() * 1e3;
        let events = session.handle().seq();
        if took > worst.0 {
            worst = (took, events);
        }
        drop((session, driver, store));
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
    }
    println!(
        "replay of a loop cut off at random, worst of {loops}: {:.0} ms, behind {} events",
        worst.0, worst.1
    );
}

static CUT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// The loop calls nobody.
struct Nothing;

impl interpret::provider::Provider for Nothing {
    fn perform(&self, _: interpret::provider::Effect) -> interpret::provider::Performing {
        Box::pin(std::future::pending())
    }
}
