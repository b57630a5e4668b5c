//! Time for each branch of `andAll` and each item of `andForEach`, on the core and through the driver: it should not
//! depend on how many there are.

mod common;

use std::time::Duration;

use interpret::data;
use interpret::data::Data;

fn main() {
    branches();
    items("andForEach, one at a time", "");
    items("andForEach, 64 at once", "concurrency: 64, ");
    waiting();
}

fn branches() {
    let counts = [10, 100, 1_000, 10_000];
    let cases = counts.map(|count| {
        let mut text = "kind: Workflow\nid: all\nsteps:\n  - kind: andAll\n    id: all\n    steps:\n".to_owned();
        for branch in 0..count {
            text += &format!("      - [{{ kind: andThen, id: b{branch}, set: =data + {branch} }}]\n");
        }
        (count, text, data!(1))
    });
    compare("andAll, branches of one step", "all", &cases);
}

fn items(what: &str, concurrency: &str) {
    let text = format!(
        "kind: Workflow\nid: each\nsteps:\n  - {{ kind: andForEach, id: each, items: =input, {concurrency}\
         steps: [{{ kind: andThen, id: one, set: =item + 1 }}] }}\n"
    );
    let cases = [100, 1_000, 10_000, 100_000].map(|count| (count, text.clone(), numbers(count)));
    compare(what, "each", &cases);
}

/// Items that are all open at once: each sleeps, with a time limit and a cleanup of its own.
fn waiting() {
    let text = "kind: Workflow\nid: each\nsteps:\n  - kind: andForEach\n    id: each\n    items: =input\n    \
                concurrency: 100000\n    steps:\n      - kind: andTry\n        id: try\n        timeout: 1h\n        \
                steps: [{ kind: andSleep, id: nap, duration: 1ms }]\n        \
                finally: [{ kind: andThen, id: clean, set: 1 }]\n";
    let cases = [100, 1_000, 10_000, 100_000].map(|count| (count, text.to_owned(), numbers(count)));
    compare(
        "andForEach, all asleep at once, with a time limit and a cleanup each",
        "each",
        &cases,
    );
}

fn compare(what: &str, id: &str, cases: &[(usize, String, Data)]) {
    println!("\n{what}");
    println!(
        "{:>8} {:>16} {:>9} {:>13} {:>18} {:>14}",
        "count", "core ns, median", "best", "to the first", "driver ns, median", "to the first"
    );
    let runtime = common::runtime();
    let programs: Vec<_> = cases.iter().map(|(_, text, _)| common::program(text, id)).collect();
    let driver = common::driver();
    let runs = std::cell::Cell::new(0_u64);
    let mut contestants: Vec<Box<dyn FnMut()>> = Vec::new();
    for ((_, _, input), program) in cases.iter().zip(&programs) {
        let mut events = Vec::new();
        contestants.push(Box::new(move || {
            drop(common::on_core(program, input.clone(), &mut events))
        }));
        let (runtime, driver, runs) = (&runtime, &driver, &runs);
        contestants.push(Box::new(move || {
            runs.set(runs.get() + 1);
            common::driven(runtime, driver, program, &runs.get().to_string(), input.clone());
        }));
    }
    let times = common::contest(20, Duration::from_millis(20), contestants);
    let (mut first_core, mut first_driven) = (None, None);
    for ((count, ..), times) in cases.iter().zip(times.chunks(2)) {
        let each = |time: f64| time * 1e9 / *count as f64;
        let (core, driven) = (each(times[0].median()), each(times[1].median()));
        println!(
            "{count:>8} {core:>16.1} {:>9.1} {:>13.2} {driven:>18.1} {:>14.2}",
            each(times[0].best()),
            core / *first_core.get_or_insert(core),
            driven / *first_driven.get_or_insert(driven)
        );
    }
}

fn numbers(count: usize) -> Data {
    (0..count as i64).map(Data::from).collect::<Vec<_>>().into()
}
