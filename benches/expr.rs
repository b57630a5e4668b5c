//! What evaluating costs: the shortcut, the virtual machine, templates.

use divan::{Bencher, black_box};
use interpret::data;
use interpret::data::Data;
use interpret::expr::{Build, Expression, Root};

fn main() {
    divan::main();
}

struct Scope {
    input: Data,
    data: Data,
}

impl interpret::expr::Names for Scope {
    fn get(&self, root: &Root) -> Option<Data> {
        match root {
            Root::Input => Some(self.input.clone()),
            Root::Data => Some(self.data.clone()),
            _ => None,
        }
    }
}

fn scope() -> Scope {
    let items: Vec<Data> = (0..20).map(|n| data!({ "sku": format!("sku-{n}"), "n": n })).collect();
    Scope {
        input: data!({ "orderId": "A-1", "amount": 1500, "customer": { "name": "Ada" } }),
        data: data!({ "n": 41, "ok": true, "items": items }),
    }
}

#[divan::bench(args = [
    "1",
    "data.n",
    "data.n + 1",
    "input.amount > 1000 and data.ok",
    "resume.approved | default(true)",
    "{'id': input.orderId, 'total': input.amount * 2}",
    "data.n / 2",
    "input.customer.name | upper",
    "data.items | map(attribute='sku') | join(',')",
])]
fn expression(bencher: Bencher, source: &str) {
    let scope = scope();
    let expression = Expression::compile(source).unwrap();
    bencher.bench(|| black_box(&expression).eval(black_box(&scope)).unwrap());
}

#[divan::bench(args = [
    "Order {{ input.orderId }} for {{ input.amount }}",
    "{% for x in data.items %}{{ x.sku }}: {{ x.n }}\n{% endfor %}",
])]
fn template(bencher: Bencher, source: &str) {
    let scope = scope();
    let build = Build::from_scalar(source).unwrap();
    bencher.bench(|| black_box(&build).eval(black_box(&scope)).unwrap());
}

#[divan::bench(args = ["=data.n + 1", "=input.amount > 1000 and data.ok", "Order {{ input.orderId }} for {{ input.amount }}"])]
fn compile(bencher: Bencher, source: &str) {
    bencher.bench(|| Build::from_scalar(black_box(source)).unwrap());
}
