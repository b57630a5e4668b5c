//! The whole process `interpret run` of a small workflow beside `/bin/true`, started in turn many times.
#![allow(clippy::disallowed_methods, reason = "programs are started and a file is written")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The seed's order approval, less the parts that need somebody.
const WORKFLOW: &str = r#"kind: Workflow
id: order
inputSchema:
  type: object
  required: [orderId, amount]
  properties: { orderId: { type: string }, amount: { type: number, minimum: 0 } }
steps:
  - { kind: andThen, id: label, set: { label: "Order {{ input.orderId }} for {{ input.amount }}" } }
  - { kind: andWhen, id: large, condition: =input.amount > 1000, set: { label: =data.label, large: true } }
  - { kind: andThen, id: settle, set: { approved: true, total: =input.amount, label: =data.label } }
outputSchema: { type: object, required: [approved] }
"#;

const MINIMAL: &str = "kind: Workflow\nid: minimal\nsteps: [{ kind: andThen, id: one, set: =input.amount + 1 }]\n";

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-start");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let (order, minimal) = (folder.join("order.yaml"), folder.join("minimal.yaml"));
    std::fs::write(&order, WORKFLOW).expect("the file can be written");
    std::fs::write(&minimal, MINIMAL).expect("the file can be written");
    let interpret = env!("CARGO_BIN_EXE_interpret");
    let input = r#"--input={"orderId":"A-1","amount":1500}"#;
    let (order, minimal) = (order.display().to_string(), minimal.display().to_string());
    let contestants: [(&str, Vec<&str>); 4] = [
        ("/bin/true", vec!["/bin/true"]),
        ("interpret --version", vec![interpret, "--version"]),
        ("interpret run, one step", vec![interpret, "run", &minimal, input]),
        (
            "interpret run, two schemas, templates",
            vec![interpret, "run", &order, input],
        ),
    ];
    let run = |command: &[&str]| {
        let mut process = Command::new(command[0]);
        let quiet = process
            .args(&command[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert!(quiet.status().expect("it starts").success());
    };
    let racers = contestants
        .iter()
        .map(|(_, command)| Box::new(move || run(command)) as Box<dyn FnMut()>);
    let times = common::contest(300, Duration::ZERO, racers.collect());
    println!(
        "{:<40} {:>10} {:>9} {:>21} {:>9}",
        "", "median ms", "best ms", "above /bin/true, median", "best"
    );
    for ((name, _), own) in contestants.iter().zip(&times) {
        let (median, best) = (own.median() * 1e3, own.best() * 1e3);
        let (above, best_above) = (median - times[0].median() * 1e3, best - times[0].best() * 1e3);
        println!("{name:<40} {median:>10.2} {best:>9.2} {above:>21.2} {best_above:>9.2}");
    }
}
