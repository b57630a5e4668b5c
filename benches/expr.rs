//! What expressions and templates cost: `cargo bench --bench expr`, nanoseconds each, the best of many runs.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod common;

use std::hint::black_box;
use std::time::Instant;

use interpret::data;
use interpret::data::Data;
use interpret::expr::{Build, Root};

const SOURCES: [&str; 10] = [
    "=1",
    "=data.n + 1",
    "=input.amount > 1000 and data.ok",
    "=resume.approved | default(true)",
    "={'id': input.orderId, 'total': input.amount * 2}",
    "=data.n / 2",
    "=input.customer.name | upper",
    "=data.items | map(attribute='sku') | join(',')",
    "Order {{ input.orderId }} for {{ input.amount }}",
    "{% for x in data.items %}{{ x.sku }}: {{ x.n }}, {% endfor %}",
];

fn main() {
    let items: Vec<Data> = (0..20).map(|n| data!({ "sku": format!("sku-{n}"), "n": n })).collect();
    let input = data!({ "orderId": "A-1", "amount": 1500, "customer": { "name": "Ada" } });
    let data = data!({ "n": 41, "ok": true, "items": items });
    let names = |root: &Root| match root {
        Root::Input => Some(input.clone()),
        Root::Data => Some(data.clone()),
        _ => None,
    };
    println!("{:>10} {:>10}", "compile", "evaluate");
    for source in SOURCES {
        let build = Build::from_scalar(source).expect("the sources are right");
        let compile = best(|| drop(Build::from_scalar(black_box(source))));
        let evaluate = best(|| drop(black_box(&build).eval(black_box(&names))));
        println!("{compile:>10.1} {evaluate:>10.1}  {source}");
    }
}

/// Nanoseconds of one call.
fn best(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 1000;
    let rounds = (0..30).map(|_| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    });
    rounds.fold(f64::INFINITY, f64::min)
}
