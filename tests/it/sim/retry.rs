//! Runs that fail and are retried.

use super::flow::{Flow, Kind, Step};
use super::generate::{Knobs, generate};
use super::harness::{simulate, simulate_with_retries};
use super::oracle::{Prediction, RunStatus, predict};
use super::trial::{WORKFLOWS, load};
use super::world::World;
use super::yaml::write;

/// More retries than a workflow has steps that can fail: each one mends a step.
const ENOUGH: usize = 1_000;

fn workflows() -> u64 {
    let asked = std::env::var("INTERPRET_SIMULATE").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(WORKFLOWS) / 10
}

/// Whether what comes of a workflow does not depend on when anything in it ends, and a failure anywhere is that of the
/// run.
fn is_calm(flow: &Flow) -> bool {
    let mut calm = flow.timeout.is_none() && !flow.state && flow.children.iter().all(is_calm);
    flow.walk(&mut |step: &Step| {
        let common = &step.common;
        calm &= common.timeout.is_none() && common.retry.is_none() && common.catch.is_empty();
        // Another model says other things.
        calm &= !matches!(&step.kind, Kind::Agent(agent) if agent.models > 1);
        calm &= !matches!(
            step.kind,
            Kind::Race { .. } | Kind::Tap(_) | Kind::All { settle: true, .. } | Kind::ForEach { settle: true, .. }
        );
    });
    calm
}

#[test]
fn a_retried_run_comes_to_what_it_would_have_come_to() {
    let knobs = Knobs {
        waits: false,
        control: false,
        extras: 2,
        ..Knobs::default()
    };
    let mut compared = 0;
    for seed in 0..workflows() * 10 {
        let flow = generate(seed, &knobs);
        if !is_calm(&flow) {
            continue;
        }
        let world = World::new(seed).undisturbed(25);
        let mended = world.clone().undisturbed(0);
        let Prediction::Clear(expected) = predict(&flow, &mended) else {
            continue;
        };
        if expected.status != RunStatus::Completed {
            continue;
        }
        let program = load(&flow).unwrap();
        let (fate, retried) = simulate_with_retries(&flow, &world, &program, 10, seed, ENOUGH)
            .unwrap_or_else(|fault| panic!("workflow {seed}:\n{}\n{world:?}\n{fault}", write(&flow)));
        if retried == 0 {
            continue;
        }
        compared += 1;
        assert_eq!(
            (fate.status, &fate.result),
            (expected.status, &expected.result),
            "workflow {seed}, retried {retried} times:\n{}\n{world:?}",
            write(&flow)
        );
    }
    assert!(compared * 20 > workflows(), "only {compared} were retried");
}

#[test]
fn whatever_fails_a_retry_does_nothing_twice() {
    let mut retried = 0;
    for seed in 0..workflows() {
        let (flow, world) = (generate(seed, &Knobs::default()), World::new(seed));
        let program = load(&flow).unwrap();
        let (fate, times) = simulate_with_retries(&flow, &world, &program, 10, seed, 3)
            .unwrap_or_else(|fault| panic!("workflow {seed}:\n{}\n{world:?}\n{fault}", write(&flow)));
        retried += times as u64;
        if times == 0 {
            // Who does not retry notices nothing of it.
            let plain = simulate(&flow, &world, &program, 10, seed).unwrap();
            assert_eq!((plain.status, plain.result), (fate.status, fate.result));
        }
    }
    assert!(retried * 20 > workflows(), "only {retried} retries");
}
