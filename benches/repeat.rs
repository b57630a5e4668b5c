//! A loop of 1,000,000 iterations beside one of 10,000: time for each iteration, and the most memory the process has
//! had. Each runs in a process of its own, since the system tells only the highest mark of a whole process.
#![allow(clippy::disallowed_methods, reason = "every measurement is a process of its own")]

mod common;

use std::process::Command;
use std::time::Instant;

use interpret::data;

const WAYS: [&str; 2] = ["core", "driver"];
const COUNTS: [u32; 4] = [1, 10_000, 100_000, 1_000_000];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, way, count] = &arguments[..]
        && let Ok(count) = count.parse()
    {
        return one(way, count);
    }
    let program = std::env::current_exe().expect("a process knows its program");
    println!(
        "{:<8} {:>10} {:>14} {:>14} {:>16}",
        "", "iterations", "median ns each", "best ns each", "peak memory MiB"
    );
    for way in WAYS {
        for count in COUNTS {
            let mut measured: Vec<(f64, f64)> = (0..5)
                .map(|_| {
                    let output = Command::new(&program).args([way, &count.to_string()]).output();
                    let output = String::from_utf8(output.expect("it can start itself").stdout).unwrap_or_default();
                    let mut numbers = output.split_whitespace().filter_map(|number| number.parse().ok());
                    numbers
                        .next()
                        .zip(numbers.next())
                        .expect("the inner process writes two numbers")
                })
                .collect();
            measured.sort_by(|a, b| a.0.total_cmp(&b.0));
            let memory = measured.iter().map(|(_, memory)| *memory).fold(0.0, f64::max) / f64::from(1 << 20);
            println!(
                "{way:<8} {count:>10} {:>14.1} {:>14.1} {memory:>16.1}",
                measured[measured.len() / 2].0,
                measured[0].0
            );
        }
    }
}

/// One loop; writes nanoseconds of an iteration and bytes.
fn one(way: &str, count: u32) {
    let text = format!(
        "kind: Workflow\nid: repeat\nsteps:\n  - {{ kind: andDoUntil, id: loop, maxIterations: 2000000, \
         condition: =data >= {count}, steps: [{{ kind: andThen, id: one, set: =data + 1 }}] }}\n"
    );
    let program = common::program(&text, "repeat");
    let begun = Instant::now();
    match way {
        "core" => drop(common::on_core(&program, data!(0), &mut Vec::new())),
        _ => common::driven(&common::runtime(), &common::driver(), &program, "bench", data!(0)),
    }
    let each = begun.elapsed().as_nanos() as f64 / f64::from(count);
    println!("{each} {}", common::peak_memory());
}
