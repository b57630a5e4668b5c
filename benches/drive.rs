//! Steps per second of a chain of `set` steps: on the core alone, and through the driver and the memory store.
#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use interpret::data::Data;
use interpret::drive::{Driver, SystemClock};
use interpret::expr::Build;
use interpret::graph::{Builder, Header, Limits, Node, Op, Permissions, Program, Timestamp};
use interpret::permit::Permit;
use interpret::provider::Providers;
use interpret::run::{Input, Run, Start};
use interpret::secret::Secrets;
use interpret::source::{Sources, Span};
use interpret::store::Memory;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    println!(
        "{:>8} {:>16} {:>16} {:>8}",
        "steps", "core steps/s", "driver steps/s", "ratio"
    );
    for length in [10, 100, 1_000, 10_000] {
        let program = chain(length);
        let driver = driver();
        let mut ids = 0_u64;
        let core = best(|| run_core(&program));
        let driven = best(|| {
            ids += 1;
            let start = Start::new(ids.to_string(), Data::from(1));
            let session = runtime.block_on(driver.run_to_rest(program.clone(), start, |events, _| {
                black_box(events);
            }));
            black_box(session.expect("it starts").expect("it runs"));
        });
        let per_second = |time: Duration| length as f64 / time.as_secs_f64();
        let (core, driven) = (per_second(core), per_second(driven));
        println!("{length:>8} {core:>16.0} {driven:>16.0} {:>8.2}", driven / core);
    }
}

/// The mean time of a run in the best of several rounds.
fn best(mut run: impl FnMut()) -> Duration {
    let round = |run: &mut dyn FnMut()| {
        let begun = Instant::now();
        let mut times = 0;
        while begun.elapsed() < Duration::from_millis(200) {
            run();
            times += 1;
        }
        begun.elapsed() / times
    };
    (0..8).map(|_| round(&mut run)).min().unwrap_or_default()
}

fn run_core(program: &Arc<Program>) {
    let mut run = Run::new(program.clone());
    let mut events = Vec::new();
    let mut input = Input::Start(Start::new("r", Data::from(1)));
    while run.state().end().is_none() {
        run.handle(Timestamp(0), input, &mut events).expect("the chain runs");
        black_box(&events);
        events.clear();
        input = Input::Tick;
    }
}

fn driver() -> Driver {
    let clock = Arc::new(SystemClock);
    let permit = Arc::new(Permit::nothing());
    let secrets = Arc::new(Secrets::from_environment(permit.clone()));
    let providers = Providers::new(permit, secrets, clock.clone());
    Driver::new(Arc::new(Memory::default()), Arc::new(providers), clock)
}

/// That many steps, each with one addition.
fn chain(length: usize) -> Arc<Program> {
    let origin = Span::new(Sources::new().add("chain", ""), 0, 0);
    let mut builder = Builder::new();
    let step = |at: usize| Node {
        id: format!("s{at}").into(),
        kind: "andThen",
        name: None,
        purpose: None,
        origin,
        named: true,
        op: Op::Set(Build::from_scalar("=data + 1").expect("it compiles")),
        keys: None,
    };
    let nodes = (0..length).map(|at| builder.node(step(at))).collect();
    let body = builder.block(nodes);
    let header = Header {
        id: "chain".into(),
        version: None,
        name: None,
        purpose: None,
        description: None,
        origin,
        hash: "chain".into(),
        input_schema: None,
        output_schema: None,
        state_schema: None,
        context_schema: None,
        state: None,
        output: None,
        timeout: None,
        limits: Limits::default(),
        events: Default::default(),
        permissions: Permissions::default(),
    };
    Arc::new(Program::link(Arc::new(builder.finish(header, body)), |_, _| None).expect("it calls nothing"))
}
