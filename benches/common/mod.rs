//! What the benchmarks share: fair timing, programs from text, and a run on the bare core or through the driver.
#![allow(dead_code, reason = "each benchmark takes its part")]
#![allow(
    clippy::disallowed_methods,
    reason = "a measurement needs a clock, and what it measures"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use interpret::data::Data;
use interpret::drive::{Driver, SystemClock};
use interpret::graph::{Program, Timestamp};
use interpret::load;
use interpret::permit::Permit;
use interpret::provider::Providers;
use interpret::run::{Event, Input, Run, RunEnd, Start};
use interpret::secret::Secrets;
use interpret::store::Memory;

/// The one the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What one contestant took, round by round, in seconds and in order.
pub struct Times(Vec<f64>);

impl Times {
    pub fn best(&self) -> f64 {
        self.0[0]
    }

    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

/// Times contestants in turn, so that whatever else the machine does meets all of them alike; each is given at least
/// `length` a round, and the mean of its calls counts.
pub fn contest(rounds: usize, length: Duration, mut contestants: Vec<Box<dyn FnMut() + '_>>) -> Vec<Times> {
    let mut times = vec![Vec::with_capacity(rounds); contestants.len()];
    for _ in 0..rounds {
        for (contestant, times) in contestants.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            let mut calls = 0_u32;
            while calls == 0 || begun.elapsed() < length {
                contestant();
                calls += 1;
            }
            times.push(begun.elapsed().as_secs_f64() / f64::from(calls));
        }
    }
    let sorted = times.into_iter().map(|mut times| {
        times.sort_by(f64::total_cmp);
        Times(times)
    });
    sorted.collect()
}

/// The only workflow of a text, or the one with that id.
pub fn program(text: &str, id: &str) -> Arc<Program> {
    let loaded = load::load_text("bench.yaml", text);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics.first());
    Arc::new(loaded.program(id, None).expect("it has no findings"))
}

/// That many steps behind each other, each with one addition.
pub fn chain(steps: usize) -> Arc<Program> {
    let mut text = "kind: Workflow\nid: chain\ninputSchema: { type: object, required: [n], properties: { n: { type: integer } } }\nsteps:\n"
        .to_owned();
    for step in 0..steps {
        text += &format!("  - {{ kind: andThen, id: s{step}, set: {{ n: =data.n + 1 }} }}\n");
    }
    program(&text, "chain")
}

/// Runs a program to its end on the core alone, and hands every event to one consumer; the result is returned. Time
/// passes at once.
pub fn on_core(program: &Arc<Program>, input: Data, events: &mut Vec<Event>) -> Data {
    let mut run = Run::new(program.clone());
    let mut input = Input::Start(Start::new("bench", input));
    let mut now = Timestamp(0);
    loop {
        run.handle(now, input, events)
            .expect("the benchmarks' runs take their input");
        for event in events.drain(..) {
            black_box(&event);
        }
        if let Some(end) = run.state().end() {
            let RunEnd::Completed(result) = end else {
                panic!("{end:?}")
            };
            return result.clone();
        }
        input = Input::Tick;
        now = run.wake_at().map_or(now, |at| at.max(now));
    }
}

/// A driver over the memory store that may reach nothing.
pub fn driver() -> Driver {
    let clock = Arc::new(SystemClock);
    let permit = Arc::new(Permit::nothing());
    let secrets = Arc::new(Secrets::from_environment(permit.clone()));
    let providers = Providers::new(permit, secrets, clock.clone());
    Driver::new(Arc::new(Memory::default()), Arc::new(providers), clock)
}

/// One thread, as `interpret run` has it.
pub fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime can be made")
}

/// Runs a program to its end through the driver, and hands every batch of events to one consumer.
pub fn driven(runtime: &tokio::runtime::Runtime, driver: &Driver, program: &Arc<Program>, id: &str, input: Data) {
    let start = Start::new(id, input);
    let session = runtime.block_on(driver.run_to_rest(program.clone(), start, |events, _| {
        black_box(events);
    }));
    let session = session.expect("it starts").expect("it is driven");
    let end = session.run().state().end();
    assert!(matches!(end, Some(RunEnd::Completed(_))), "{end:?}");
}

/// The most memory this process has had so far, in bytes, as Linux tells it.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
