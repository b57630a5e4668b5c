//! Checking workflow files: 1,000 files of 2 kB, and one file of 1 MB, by the library and by the whole process.
#![allow(clippy::disallowed_methods, reason = "files are written and the program is started")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use interpret::load;

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-load");
    let many = folder.join("many");
    std::fs::create_dir_all(&many).expect("the folder can be made");
    let mut bytes = 0;
    for file in 0..1_000 {
        let text = small(file);
        bytes += text.len();
        std::fs::write(many.join(format!("w{file}.yaml")), text).expect("a file can be written");
    }
    let one = folder.join("large.yaml");
    let text = large();
    std::fs::write(&one, &text).expect("a file can be written");
    println!("{:<36} {:>12} {:>10}", "", "median ms", "best ms");
    row(&format!("1,000 files of {} bytes", bytes / 1_000), &many);
    row(&format!("1 file of {} bytes", text.len()), &one);
}

fn row(what: &str, path: &PathBuf) {
    assert!(load::load(&[path]).diagnostics.is_empty());
    let library = || drop(load::load(&[path]));
    let process = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interpret"));
        let status = command.arg("validate").arg(path).stderr(Stdio::null()).status();
        assert!(status.expect("it starts").success());
    };
    let times = common::contest(15, Duration::ZERO, vec![Box::new(library), Box::new(process)]);
    for (way, times) in ["library", "process"].into_iter().zip(times) {
        let name = format!("{what}, {way}");
        println!("{name:<36} {:>12.1} {:>10.1}", times.median() * 1e3, times.best() * 1e3);
    }
}

/// A workflow of about 2 kB with schemas, expressions, templates, a condition and a call.
fn small(file: usize) -> String {
    format!(
        r#"kind: Workflow
id: order-{file}
name: Order {file}
purpose: Approve and settle an order, and tell the customer what came of it
version: 1.0.0
inputSchema:
  type: object
  required: [orderId, amount, customer]
  properties:
    orderId: {{ type: string, minLength: 1 }}
    amount: {{ type: number, minimum: 0 }}
    customer:
      type: object
      required: [name, email]
      properties:
        name: {{ type: string }}
        email: {{ type: string }}
    items: {{ type: array, items: {{ type: string }}, default: [] }}
permissions: {{ http: [stock.example.com] }}
steps:
  - kind: andThen
    id: validate-order
    set:
      orderId: =input.orderId
      lines: =input.items | length
      label: "Order {{{{ input.orderId }}}} for {{{{ input.amount }}}}"
  - kind: andThen
    id: stock
    http:
      url: "https://stock.example.com/orders/{{{{ input.orderId }}}}"
      query: {{ lines: =data.lines }}
    timeout: 5s
    retry: {{ attempts: 3, delay: 200ms, backoff: 2 }}
    output: {{ available: =result.available | default(false) }}
  - kind: andWhen
    id: manager-approval
    condition: =input.amount > 1000 and data.available
    suspend:
      reason: Waiting for the approval of a manager
      data: {{ amount: =input.amount, customer: =input.customer.name }}
    resumeSchema:
      type: object
      required: [approved]
      properties:
        approved: {{ type: boolean }}
        managerId: {{ type: string }}
  - kind: andForEach
    id: lines
    items: =input.items
    as: line
    concurrency: 4
    steps:
      - kind: andThen
        id: line-text
        set: "{{{{ line_index + 1 }}}}. {{{{ line | upper }}}}"
  - kind: andThen
    id: settle
    set:
      approved: =steps['manager-approval'].output.approved | default(true)
      totalAmount: =input.amount
      greeting: "Dear {{{{ input.customer.name }}}}, your order is on its way"
outputSchema: {{ type: object, required: [approved, totalAmount] }}
"#
    )
}

/// One workflow of about 1 MB.
fn large() -> String {
    let mut text = "kind: Workflow\nid: large\ninputSchema: { type: object, required: [amount], properties: { amount: { type: number } } }\nsteps:\n"
        .to_owned();
    let mut step = 0;
    while text.len() < 1_000_000 {
        text += &format!(
            "  - kind: andThen\n    id: step-{step}\n    name: The step of number {step}\n    set:\n      \
             amount: =input.amount * {step} + 1\n      text: \"Amount {{{{ input.amount }}}} at step {step}\"\n"
        );
        step += 1;
    }
    text
}
