//! Hand-computed examples: what the oracle says against what the rules say.
//!
//! `rule n` is of language-rules.md, `note n` a semantic note of the module documentation. A call that is not scripted
//! takes 1 ms and gives 0. An expectation is the run's end, then the steps, then the calls, each with its times.

mod jumps;
mod kinds;
mod loops;
mod rules;
mod time;

use serde_json::{Value as Json, json};

use super::flow::{Body, Branches, Common, Cond, Expr, Flow, Handler, Kind, Retry, Step, Unit};
use super::oracle::{Fate, Prediction, predict};
use super::world::{Failure, World};

fn flow(steps: impl Into<Vec<Step>>) -> Flow {
    let input = json!({ "n": 3, "items": [4, 5, 6] });
    let (id, steps) = ("main".to_owned(), steps.into());
    Flow {
        id,
        input,
        timeout: None,
        state: false,
        steps,
        output: None,
        children: vec![],
    }
}

fn then(id: &str, unit: Unit) -> Step {
    Step::new(id, Kind::Then(unit))
}

fn call(id: &str) -> Step {
    then(id, Unit::Call)
}

fn set(id: &str, value: Expr) -> Step {
    then(id, Unit::Set(value))
}

fn sleep(id: &str, ms: u64) -> Step {
    Step::new(id, Kind::Sleep(ms))
}

fn fail(id: &str, code: &str) -> Step {
    then(
        id,
        Unit::Fail {
            when: None,
            code: Some(code.to_owned()),
        },
    )
}

fn ask(id: &str) -> Step {
    then(
        id,
        Unit::Suspend {
            when: None,
            timeout: None,
            go_on: false,
        },
    )
}

fn all(id: &str, lists: impl Into<Vec<Vec<Step>>>) -> Step {
    let branches = Branches {
        names: None,
        lists: lists.into(),
    };
    Step::new(
        id,
        Kind::All {
            branches,
            concurrency: None,
            settle: false,
        },
    )
}

fn race(id: &str, success: bool, lists: impl Into<Vec<Vec<Step>>>) -> Step {
    Step::new(
        id,
        Kind::Race {
            branches: Branches {
                names: None,
                lists: lists.into(),
            },
            success,
        },
    )
}

fn attempt(id: &str, steps: impl Into<Vec<Step>>, finally: impl Into<Vec<Step>>) -> Step {
    Step::new(
        id,
        Kind::Try {
            steps: steps.into(),
            finally: finally.into(),
        },
    )
}

fn each(id: &str, concurrency: Option<usize>, steps: impl Into<Vec<Step>>) -> Step {
    let items = Expr::Name("input", Some("items"));
    Step::new(
        id,
        Kind::ForEach {
            items,
            name: None,
            concurrency,
            settle: false,
            steps: steps.into(),
        },
    )
}

fn with(mut step: Step, change: impl FnOnce(&mut Common)) -> Step {
    change(&mut step.common);
    step
}

fn catch(step: Step, body: Body) -> Step {
    with(step, |common| {
        common.catch.push(Handler {
            on: None,
            when: None,
            body,
        })
    })
}

fn retry(attempts: u32, delay: u64) -> Option<Retry> {
    Some(Retry {
        attempts,
        delay,
        backoff: 2,
        max_delay: None,
        on: None,
    })
}

fn number() -> Expr {
    Expr::Name("input", Some("n"))
}

fn output_of(id: &str, default: i64) -> Expr {
    Expr::Step(id.to_owned(), default)
}

/// True of the input.
fn yes() -> Cond {
    Cond::Odd(number())
}

fn no() -> Cond {
    Cond::Above(number(), 5)
}

/// A world of calls that take these times and give their time.
fn calls<const N: usize>(calls: [(&str, u64); N]) -> World {
    calls.into_iter().fold(World::empty(), |world, (effect, ms)| {
        world.with_call(effect, ms, Ok(json!(ms)))
    })
}

fn network() -> Result<Json, Failure> {
    Err(Failure::network())
}

fn told(fate: &Fate) -> String {
    let mut text = format!("{:?}", fate.status).to_lowercase();
    for part in fate.result.iter().map(Json::to_string).chain(fate.error_code.clone()) {
        text += &format!(" {part}");
    }
    text += &format!(" at {}\n", fate.ended_at);
    for (address, step) in &fate.steps {
        let end = step.ended_at.map_or(String::new(), |end| end.to_string());
        text += &format!("{address} {:?} {}-{end}\n", step.status, step.started_at);
    }
    for (effect, call) in &fate.effects {
        text += &format!("{effect} {:?} {}-{}\n", call.how, call.started_at, call.ended_at);
    }
    text.to_lowercase()
}

#[track_caller]
fn expect(flow: Flow, world: World, expected: &str) {
    let expected: String = expected
        .trim()
        .lines()
        .map(|line| format!("{}\n", line.trim()))
        .collect();
    match predict(&flow, &world) {
        Prediction::Clear(fate) => assert_eq!(told(&fate), expected.to_lowercase()),
        Prediction::Ambiguous(reason) => panic!("ambiguous: {reason}"),
    }
}

#[track_caller]
fn expect_ambiguous(flow: Flow, world: World) {
    assert!(matches!(predict(&flow, &world), Prediction::Ambiguous(_)));
}
