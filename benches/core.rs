//! The pure core: no task, no clock, no serialising. Every event is built, applied and handed to one consumer.

use std::sync::Arc;
use std::time::Instant;

use interpret::data::Data;
use interpret::expr::Build;
use interpret::graph::{Builder, Header, Limits, Node, Op, Permissions, Program, Timestamp};
use interpret::run::{Event, Input, Run, Start};
use interpret::source::{Sources, Span};

fn program(steps: usize) -> Arc<Program> {
    let mut sources = Sources::new();
    let origin = Span::new(sources.add("bench", ""), 0, 0);
    let mut builder = Builder::new();
    let nodes = (0..steps)
        .map(|at| {
            builder.node(Node {
                id: format!("s{at}").into(),
                kind: "andThen",
                name: None,
                purpose: None,
                origin,
                named: true,
                op: Op::Set(Build::Map(vec![(
                    "n".into(),
                    Build::from_scalar("=data.n + 1").unwrap(),
                )])),
                keys: None,
            })
        })
        .collect();
    let body = builder.block(nodes);
    let header = Header {
        id: "chain".into(),
        version: None,
        name: None,
        purpose: None,
        description: None,
        origin,
        hash: "".into(),
        input_schema: Some(
            interpret::contract::Schema::new(&interpret::data!({ "type": "object", "required": ["n"] })).unwrap(),
        ),
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
    Arc::new(Program::link(Arc::new(builder.finish(header, body)), |_, _| None).unwrap())
}

fn once(program: &Arc<Program>, events: &mut Vec<Event>, consumed: &mut usize) {
    let mut run = Run::new(program.clone());
    let input = interpret::data!({ "n": 0 });
    run.handle(Timestamp(0), Input::Start(Start::new("r", input)), events)
        .unwrap();
    loop {
        for event in events.drain(..) {
            *consumed += std::hint::black_box(&event).at.0 as usize + 1;
        }
        if run.wake_at().is_none() {
            break;
        }
        run.handle(Timestamp(0), Input::Tick, events).unwrap();
    }
    let Some(interpret::run::RunEnd::Completed(Data::Map(map))) = run.state().end() else {
        panic!()
    };
    assert!(map.get("n").is_some());
}

fn main() {
    for steps in [10, 100, 1_000, 10_000] {
        let program = program(steps);
        let mut events = Vec::new();
        let mut consumed = 0;
        let mut best = f64::MAX;
        for _ in 0..20 {
            let rounds = 200_000 / steps;
            let begun = Instant::now();
            for _ in 0..rounds {
                once(&program, &mut events, &mut consumed);
            }
            best = best.min(begun.elapsed().as_secs_f64() * 1e9 / (rounds * steps) as f64);
        }
        println!(
            "{steps:>6} steps: {best:>7.1} ns/step, {:>9.0} steps/s ({consumed} events)",
            1e9 / best
        );
    }
}
