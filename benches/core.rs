//! Steps per second of a chain of `set` steps with one addition each, start and check of the input included: on the
//! pure core, where every event is built, applied and handed to one consumer. It should matter little how long the
//! chain is.

mod common;

use std::time::Duration;

use interpret::data;

const LENGTHS: [usize; 4] = [10, 100, 1_000, 10_000];

fn main() {
    let programs = LENGTHS.map(common::chain);
    let mut events = LENGTHS.map(|_| Vec::new());
    let contestants = programs.iter().zip(&mut events).map(|(program, events)| {
        Box::new(|| drop(common::on_core(program, data!({ "n": 0 }), events))) as Box<dyn FnMut()>
    });
    let times = common::contest(40, Duration::from_millis(50), contestants.collect());
    let per_step = |time: f64, length: usize| time * 1e9 / length as f64;
    let first = per_step(times[0].median(), LENGTHS[0]);
    println!(
        "{:>8} {:>13} {:>9} {:>16} {:>14}",
        "steps", "median ns", "best ns", "median steps/s", "time to 10's"
    );
    for (length, times) in LENGTHS.into_iter().zip(&times) {
        let (median, best) = (per_step(times.median(), length), per_step(times.best(), length));
        println!(
            "{length:>8} {median:>13.1} {best:>9.1} {:>16.0} {:>14.2}",
            1e9 / median,
            median / first
        );
    }
}
