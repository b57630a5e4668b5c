//! Ten thousand open streams: what each takes of memory, and what they do to the time an execution takes.
#![allow(clippy::disallowed_methods, reason = "a measurement needs processes and a clock")]

#[path = "common/served.rs"]
mod served;

use std::time::Instant;

use served::{Connection, Process, WORKS, spread};

const STREAMS: usize = 10_000;
const REQUESTS: usize = 20_000;

fn main() {
    served::serve_if_asked();
    let server = Process::own("memory");
    let mut asking = Connection::open(server.address);
    latency(&mut asking);
    let alone = latency(&mut asking);
    let before = server.resident();
    let begun = Instant::now();
    let streams: Vec<Connection> = (0..STREAMS)
        .map(|_| {
            let mut stream = Connection::open(server.address);
            stream.stream("ask", "workflow-suspended");
            stream
        })
        .collect();
    println!("{STREAMS} streams opened in {:.1} s", begun.elapsed().as_secs_f64());
    let each = (server.resident() - before) / STREAMS as f64;
    println!("resident memory a stream, its execution included: {each:.1} kB");
    let beside = latency(&mut asking);
    println!(
        "an execution of ten steps: {:.0} µs alone, {:.0} µs beside them (medians); 99 of 100 within {:.0} and {:.0} µs",
        alone.0, beside.0, alone.1, beside.1
    );
    drop(streams);
}

/// The median time of an execution, and the time within which 99 of 100 are, in microseconds.
fn latency(connection: &mut Connection) -> (f64, f64) {
    let mut times: Vec<f64> = (0..REQUESTS)
        .map(|_| {
            let begun = Instant::now();
            connection.execute(&WORKS[0]);
            begun.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    let median = spread(&mut times).0;
    (median, times[times.len() * 99 / 100])
}
