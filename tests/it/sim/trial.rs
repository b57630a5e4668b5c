//! The simulation test: what the interpreter does against what the oracle predicts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use interpret::graph::{self, Graph, NodeId, Op, Program};
use interpret::language::{Definition, read};
use interpret::run::fault::{self, Fault};
use interpret::source::Sources;
use interpret::yaml;

use super::flow::{Aim, Flow, Jump, Kind};
use super::generate::{Knobs, generate};
use super::harness::simulate;
use super::oracle::{EffectEnd, EffectFate, Fate, Prediction, RunStatus, predict};
use super::shrink::shrink;
use super::world::World;
use super::yaml::{all, write};

/// How many workflows the ordinary test run simulates; `INTERPRET_SIMULATE` asks for another number.
pub(super) const WORKFLOWS: u64 = 100_000;

/// How a workflow can go wrong.
#[derive(Debug, PartialEq)]
enum Verdict {
    Agrees,
    /// The rules do not decide.
    Ambiguous,
    /// It does not load, with the findings.
    Unloadable(String),
    Differs(String),
}

pub(super) fn load(flow: &Flow) -> Result<Arc<Program>, String> {
    let text = &*write(flow);
    let mut sources = Sources::new();
    let file = sources.add("simulated.yaml", text);
    let (documents, mut diagnostics) = yaml::parse(file, text, &yaml::Limits::default());
    let mut graphs: Vec<Arc<Graph>> = Vec::new();
    for document in &documents {
        let read = read(document, text);
        diagnostics.extend(read.diagnostics);
        if let Some(Definition::Workflow(graph)) = read.definition {
            graphs.push(graph);
        }
    }
    if !diagnostics.is_empty() {
        return Err(interpret::diagnostic::render::text::render(
            &diagnostics,
            &sources,
            false,
        ));
    }
    for (graph, flow) in graphs.iter_mut().zip(all(flow)) {
        jumps(Arc::make_mut(graph), flow);
    }
    let main = graphs.first().ok_or("no workflow")?.clone();
    let find = |id: &str, _: Option<&str>| graphs.iter().find(|graph| *graph.header.id == *id).cloned();
    Program::link(main, find)
        .map(Arc::new)
        .map_err(|error| error.to_string())
}

/// Makes jumps of the steps that stand for them.
fn jumps(graph: &mut Graph, flow: &Flow) {
    let of = |graph: &Graph, id: &str| {
        let mut nodes = graph.nodes.node_indices();
        nodes
            .find(|node| *graph.nodes[*node].id == *id)
            .expect("every step has a node")
    };
    flow.walk(&mut |step| {
        let Kind::Jump(Jump { arms, otherwise, limit }) = &step.kind else {
            return;
        };
        let aim = |aim: &Aim| match aim {
            Aim::Step(id) => graph::Aim::Node(NodeId(of(graph, id).index() as u32)),
            Aim::End => graph::Aim::End,
        };
        let at = of(graph, &step.id);
        let conditions = match &graph.nodes[at].op {
            Op::Choose { arms, .. } => arms.iter().map(|(condition, _)| condition.clone()).collect(),
            _ => Vec::new(),
        };
        let jump = graph::Jump {
            arms: conditions.into_iter().zip(arms.iter().map(|arm| aim(&arm.1))).collect(),
            otherwise: otherwise.as_ref().map(aim),
            limit: *limit,
        };
        graph.nodes[at].op = Op::Jump(Box::new(jump));
    });
}

fn trial(flow: &Flow, world: &World, seed: u64) -> Verdict {
    let predicted = match predict(flow, world) {
        Prediction::Clear(fate) => fate,
        Prediction::Ambiguous(_) => return Verdict::Ambiguous,
    };
    let program = match load(flow) {
        Ok(program) => program,
        Err(findings) => return Verdict::Unloadable(findings),
    };
    match simulate(flow, world, &program, 10, seed) {
        Err(fault) => Verdict::Differs(fault),
        Ok(observed) => match differences(&predicted, &observed) {
            found if found.is_empty() => Verdict::Agrees,
            found => Verdict::Differs(found.join("\n")),
        },
    }
}

fn differences(predicted: &Fate, observed: &Fate) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, predicted: String, observed: String| {
        if predicted != observed {
            found.push(format!("{what}: predicted {predicted}, observed {observed}"));
        }
    };
    compare(
        "status",
        format!("{:?}", predicted.status),
        format!("{:?}", observed.status),
    );
    compare(
        "result",
        format!("{:?}", predicted.result),
        format!("{:?}", observed.result),
    );
    compare(
        "error",
        format!("{:?}", predicted.error_code),
        format!("{:?}", observed.error_code),
    );
    if predicted.status != RunStatus::Suspended {
        compare("end", predicted.ended_at.to_string(), observed.ended_at.to_string());
    }
    for address in predicted.steps.keys().chain(observed.steps.keys()) {
        let [predicted, observed] = [predicted, observed].map(|fate| format!("{:?}", fate.steps.get(address)));
        compare(&format!("step {address}"), predicted, observed);
    }
    // Where a run that was held goes on, a time limit and the next call can be due at one instant; which comes first is
    // open, so a call that would be given up at once may as well not be made.
    let at_once = |fate: &EffectFate| fate.how == EffectEnd::Cancelled && fate.started_at == fate.ended_at;
    let moot = |effect: &String| match (predicted.effects.get(effect), observed.effects.get(effect)) {
        (Some(only), None) | (None, Some(only)) => at_once(only),
        _ => false,
    };
    let effects = predicted.effects.keys().chain(observed.effects.keys());
    for effect in effects.filter(|effect| !moot(effect)) {
        let [predicted, observed] = [predicted, observed].map(|fate| format!("{:?}", fate.effects.get(effect)));
        compare(&format!("effect {effect}"), predicted, observed);
    }
    found.sort();
    found.dedup();
    found
}

/// Tries workflows from a number on; the first that goes wrong is made small and told.
fn try_all(first: u64, count: u64) -> Result<u64, String> {
    let next = AtomicU64::new(first);
    let ambiguous = AtomicU64::new(0);
    let worker = || -> Result<(), String> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return Ok(());
            }
            let (flow, world) = (generate(seed, &Knobs::default()), World::new(seed));
            match trial(&flow, &world, seed) {
                Verdict::Agrees => {}
                Verdict::Ambiguous => {
                    ambiguous.fetch_add(1, Ordering::Relaxed);
                }
                Verdict::Unloadable(findings) => {
                    return Err(format!("workflow {seed} does not load:\n{findings}\n{}", write(&flow)));
                }
                Verdict::Differs(_) => {
                    // The others stop too: one failure at a time is enough.
                    next.store(u64::MAX / 2, Ordering::Relaxed);
                    let small = shrink(flow, &|flow| matches!(trial(flow, &world, seed), Verdict::Differs(_)));
                    let Verdict::Differs(fault) = trial(&small, &world, seed) else {
                        unreachable!("it still differs")
                    };
                    let input = &small.input;
                    return Err(format!(
                        "workflow {seed}, input {input}, {world:?}:\n{}\n{fault}",
                        write(&small)
                    ));
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a simulation panicked"))
            .collect()
    });
    results.into_iter().collect::<Result<Vec<()>, String>>()?;
    Ok(ambiguous.into_inner())
}

#[test]
fn the_interpreter_does_what_the_oracle_predicts() {
    let count = std::env::var("INTERPRET_SIMULATE")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(WORKFLOWS);
    let first = std::env::var("INTERPRET_SIMULATE_FROM")
        .ok()
        .and_then(|first| first.parse().ok())
        .unwrap_or(0);
    let begun = std::time::Instant::now();
    match try_all(first, count) {
        Err(fault) => panic!("{fault}"),
        Ok(ambiguous) => {
            println!(
                "{count} workflows in {:.1?}, {ambiguous} left open by the rules",
                begun.elapsed()
            );
            assert!(
                ambiguous * 50 < count,
                "too many workflows that the rules do not decide: {ambiguous}"
            );
        }
    }
}

#[test]
fn every_planted_fault_is_found() {
    let unnoticed: Vec<Fault> = Fault::ALL
        .into_iter()
        .filter(|fault| {
            fault::plant(Some(*fault));
            let found = (0..40_000).any(|seed| {
                // Half of them large, with more blocks than calls: what one iteration leaves to the next shows there.
                let knobs = match seed % 2 {
                    0 => Knobs::default(),
                    _ => Knobs {
                        size: 14,
                        calls: 15,
                        blocks: 60,
                        agents: 0,
                        extras: 5,
                        ..Knobs::default()
                    },
                };
                let (flow, world) = (generate(seed, &knobs), World::new(seed));
                // A run that goes wrong badly enough panics; that is noticed too.
                let tried = std::panic::catch_unwind(|| trial(&flow, &world, seed));
                !matches!(tried, Ok(Verdict::Agrees | Verdict::Ambiguous | Verdict::Unloadable(_)))
            });
            fault::plant(None);
            !found
        })
        .collect();
    assert!(unnoticed.is_empty(), "the simulation does not notice {unnoticed:?}");
}
