//! The same chain of `set` steps as in `core`: on the core alone, and through the driver and the memory store.

mod common;

use std::time::Duration;

use interpret::data;

const LENGTHS: [usize; 4] = [10, 100, 1_000, 10_000];

fn main() {
    let runtime = common::runtime();
    println!(
        "{:>8} {:>14} {:>16} {:>14} {:>7}",
        "steps", "core steps/s", "driver steps/s", "its best", "ratio"
    );
    for length in LENGTHS {
        let program = common::chain(length);
        let (driver, mut events, mut runs) = (common::driver(), Vec::new(), 0_u64);
        let core = || drop(common::on_core(&program, data!({ "n": 0 }), &mut events));
        let driven = || {
            runs += 1;
            common::driven(&runtime, &driver, &program, &runs.to_string(), data!({ "n": 0 }));
        };
        let times = common::contest(30, Duration::from_millis(50), vec![Box::new(core), Box::new(driven)]);
        let per_second = |time: f64| length as f64 / time;
        let (core, driven) = (per_second(times[0].median()), per_second(times[1].median()));
        let best = per_second(times[1].best());
        println!(
            "{length:>8} {core:>14.0} {driven:>16.0} {best:>14.0} {:>7.2}",
            driven / core
        );
    }
}
