//! `POST /execute` over SQLite, against a bare writer of records on the same disk; and in memory, against a bare axum handler that parses the same request and returns the same answer, and
//! against VoltAgent's own server where npm has installed it. Each server is a process of its own, the load comes from
//! this one, in turn.
#![allow(clippy::disallowed_methods, reason = "a measurement needs processes and a clock")]

#[path = "common/bare.rs"]
mod bare;
#[path = "common/served.rs"]
mod served;

use std::time::{Duration, Instant};

use bare::Bare;
use served::{DURABLE, EFFECTS, Process, WORKS, Work, spread};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);
/// How many executions or producers of records are at work at once where they are durable.
const AT_ONCE: usize = 64;

fn main() {
    served::serve_if_asked();
    let ours = Process::own("memory");
    let bare = Process::own("bare");
    contest(("bare axum handler", &bare), ("interpret", &ours), &WORKS[0]);
    drop(bare);
    durable();
    if let Some(theirs) = Process::voltagent() {
        for work in &WORKS {
            contest(("VoltAgent's server", &theirs), ("interpret", &ours), work);
        }
    }
    println!(
        "resident memory of interpret at the end: {:.1} MB",
        ours.resident() / 1e3
    );
}

/// Measures executions of one effect a step over SQLite and a bare writer in turn, each effect as one record. The bare
/// writer is asked in this process, executions over HTTP.
fn durable() {
    let folder = std::env::temp_dir().join(format!("interpret-http-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for files");
    let writer = Bare::new(&folder.join("bare.sqlite"));
    let ours = Process::own(&format!("sqlite:{}", folder.join("ours.sqlite").display()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (mut bares, mut rates, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let mut records = 0;
        while begun.elapsed() < ROUND {
            runtime.block_on(writer.produce(AT_ONCE, EFFECTS));
            records += AT_ONCE * EFFECTS;
        }
        bares.push(records as f64 / begun.elapsed().as_secs_f64());
        let (rate, cost) = ours.round_of(AT_ONCE, &DURABLE, ROUND);
        rates.push(rate * EFFECTS as f64);
        costs.push(cost);
    }
    let (bare, slowest, fastest) = spread(&mut bares);
    println!("{EFFECTS} effects in a row over SQLite, {AT_ONCE} at once:");
    println!("  bare writer          {bare:>8.0} records/s ({slowest:.0} to {fastest:.0})");
    let ((rate, slowest, fastest), (cost, ..)) = (spread(&mut rates), spread(&mut costs));
    println!(
        "  interpret            {rate:>8.0} records/s ({slowest:.0} to {fastest:.0}), {cost:>7.1} µs of server CPU a request"
    );
    println!("  {:.2} of the records/s", rate / bare);
    drop((writer, ours));
    let _ = std::fs::remove_dir_all(folder);
}

/// Measures two servers in turn, and says what the second comes to beside the first.
fn contest(first: (&str, &Process), second: (&str, &Process), work: &Work) {
    let (mut rates, mut costs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..ROUNDS {
        for (at, process) in [first.1, second.1].into_iter().enumerate() {
            let (rate, cost) = process.round(work, ROUND);
            rates[at].push(rate);
            costs[at].push(cost);
        }
    }
    println!("{}:", work.name);
    for (at, name) in [first.0, second.0].into_iter().enumerate() {
        let (rate, slowest, fastest) = spread(&mut rates[at]);
        let (cost, least, most) = spread(&mut costs[at]);
        println!(
            "  {name:<20} {rate:>8.0} requests/s ({slowest:.0} to {fastest:.0}), {cost:>7.1} µs of server CPU a request \
             ({least:.1} to {most:.1})"
        );
    }
    let median = |values: &mut Vec<f64>| spread(values).0;
    let [rates, costs] = [rates.each_mut().map(median), costs.each_mut().map(median)];
    println!(
        "  {:.2} times the requests/s, {:.3} of the CPU a request, {:+.1} µs",
        rates[1] / rates[0],
        costs[1] / costs[0],
        costs[1] - costs[0]
    );
}
