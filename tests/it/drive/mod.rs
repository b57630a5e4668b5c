//! The driver and its providers, seen from outside: real connections, real processes, a store that fails.
#![allow(
    clippy::disallowed_methods,
    reason = "witnesses have threads, and tests of time look at the clock"
)]

mod agents;
mod conversation;
mod exec;
mod http;
#[cfg(all(unix, feature = "mcp"))]
mod mcp;
mod runs;
mod stops;
mod store;
pub mod witness;

use std::sync::Arc;

use interpret::data::{Data, Sealed};
use interpret::drive::{Driver, Session, SystemClock, VirtualClock};
use interpret::expr::Build;
use interpret::graph::*;
use interpret::permit::Permit;
use interpret::provider::{Mocks, Provider, Providers};
use interpret::run::{Event, Failure, RunEnd, Start};
use interpret::secret::Secrets;
use interpret::source::{Sources, Span};
use interpret::store::{Memory, Store};

/// A value as an author writes it.
fn build(text: &str) -> Build {
    Build::from_scalar(text).unwrap()
}

fn literal(data: Data) -> Build {
    Build::Literal(data)
}

fn header(id: &str) -> Header {
    Header {
        hash: id.into(),
        ..Header::new(id, Span::new(Sources::new().add("test", ""), 0, 0))
    }
}

fn step(id: &str, op: Op) -> Node {
    Node {
        id: id.into(),
        kind: "andThen",
        name: None,
        purpose: None,
        origin: header("test").origin,
        named: true,
        op,
        keys: None,
    }
}

/// A step with a time limit.
fn limited(id: &str, op: Op, milliseconds: u64) -> Node {
    let keys = Keys {
        timeout: Some(Timing::For(Millis(milliseconds))),
        ..Keys::default()
    };
    Node {
        keys: Some(Box::new(keys)),
        ..step(id, op)
    }
}

fn call(target: Target) -> Op {
    Op::Call(Box::new(Call {
        target,
        result_schema: None,
    }))
}

fn get(url: &str) -> Target {
    Target::Http {
        method: "GET".into(),
        url: build(url),
        query: None,
        headers: None,
        body: None,
        accept: Vec::new(),
    }
}

fn exec(command: &[&str]) -> Target {
    Target::Exec {
        command: literal(command.iter().map(|word| Data::from(*word)).collect()),
        env: None,
        stdin: Some(literal(Data::from(""))),
        stdout: Stdout::Auto,
    }
}

fn sleep(milliseconds: u64) -> Op {
    Op::Sleep(Sleep::For(Timing::For(Millis(milliseconds))))
}

/// Branches of one step each.
fn fork(builder: &mut Builder, join: Join, branches: Vec<Node>) -> Op {
    let branches = branches.into_iter().map(|node| {
        let node = builder.node(node);
        Branch {
            key: None,
            condition: None,
            block: builder.block(vec![node]),
        }
    });
    Op::Fork(Box::new(Fork {
        branches: branches.collect(),
        join,
        concurrency: None,
        keyed: false,
        otherwise: None,
    }))
}

fn program_of(header: Header, make: impl FnOnce(&mut Builder) -> Vec<Node>) -> Arc<Program> {
    let mut builder = Builder::new();
    let nodes = make(&mut builder);
    let nodes = nodes.into_iter().map(|node| builder.node(node)).collect();
    let body = builder.block(nodes);
    Arc::new(Program::link(Arc::new(builder.finish(header, body)), |_, _| None).unwrap())
}

fn program(make: impl FnOnce(&mut Builder) -> Vec<Node>) -> Arc<Program> {
    program_of(header("test"), make)
}

/// One step.
fn single(op: Op) -> Arc<Program> {
    program(|_| vec![step("only", op)])
}

fn permit() -> Permit {
    Permit::nothing().allow_net(Some("127.0.0.1")).unwrap().allow_exec(None)
}

fn secrets() -> Arc<Secrets> {
    Arc::new(Secrets::new(
        |name| Ok((name == "TOKEN").then(|| "s3cr3t-t0ken".into())),
    ))
}

/// A driver over the real clock, with what `permit` grants.
fn driver(permit: Permit) -> Driver {
    let clock = Arc::new(SystemClock);
    let providers = Providers::new(Arc::new(permit), secrets(), clock.clone());
    Driver::new(Arc::new(Memory::default()), Arc::new(providers), clock)
}

/// A driver over virtual time, where only mocks answer.
fn mocked(store: Arc<dyn Store>, mocks: Data) -> Driver {
    let clock = Arc::new(VirtualClock::starting_at(Timestamp(0)));
    let providers = Providers::new(Arc::default(), secrets(), clock.clone());
    let providers = providers.with_mocks(Mocks::from_data(&mocks).unwrap());
    Driver::new(store, Arc::new(providers), clock)
}

fn driver_with(store: Arc<dyn Store>, provider: Arc<dyn Provider>) -> Driver {
    Driver::new(store, provider, Arc::new(VirtualClock::starting_at(Timestamp(0))))
}

fn start() -> Start {
    Start::new("r1", Data::Null)
}

/// Drives a run until it is over or suspended; also gives what was observed.
async fn rest(driver: &Driver, program: Arc<Program>) -> (Session, Vec<Event>) {
    let mut observed = Vec::new();
    let observe = |events: &[Event], _: &interpret::run::Run| observed.extend_from_slice(events);
    let session = driver.run_to_rest(program, start(), observe).await.unwrap().unwrap();
    (session, observed)
}

async fn end(driver: &Driver, program: Arc<Program>) -> RunEnd {
    rest(driver, program)
        .await
        .0
        .run()
        .state()
        .end()
        .cloned()
        .expect("the run is over")
}

async fn result(driver: &Driver, program: Arc<Program>) -> Data {
    match end(driver, program).await {
        RunEnd::Completed(result) => result,
        other => panic!("{other:?}"),
    }
}

async fn failure(driver: &Driver, program: Arc<Program>) -> Arc<Failure> {
    match end(driver, program).await {
        RunEnd::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// Runs a future on a runtime of its own, which is gone when this returns.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn bearer() -> Build {
    build("Bearer {{ secrets.TOKEN }}")
}

#[test]
fn a_secret_stays_a_reference_in_a_call() {
    let names = |_: &interpret::expr::Root| None;
    assert!(matches!(bearer().eval_sealed(&names), Ok(Sealed::Text(_))));
}
