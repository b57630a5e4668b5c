//! The whole process `interpret test` over a hundred workflows with ten cases each, and over a tenth and ten times as
//! many cases.
#![allow(clippy::disallowed_methods, reason = "programs are started and files are written")]

mod common;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const WORKFLOWS: usize = 100;

/// Calls, a loop, a race, a wait and a handler: what examples have.
fn workflow(number: usize) -> String {
    format!(
        r#"kind: Workflow
id: order-{number}
inputSchema: {{ type: object, required: [amount, items], properties: {{ amount: {{ type: number }}, items: {{ type: array }} }} }}
permissions: {{ http: ["*.example.com"] }}
steps:
  - {{ kind: andThen, id: begin, set: {{ lines: =input.items | length, note: "Order {number} over {{{{ input.amount }}}}" }} }}
  - kind: andWhen
    id: approve
    condition: =input.amount > 100
    suspend: {{ reason: Please approve, timeout: 3d }}
    resumeSchema: {{ type: object, required: [ok], properties: {{ ok: {{ type: boolean }} }} }}
  - kind: andForEach
    id: check
    items: =input.items
    concurrency: 2
    steps:
      - kind: andThen
        id: stock
        http: {{ url: "https://stock.example.com/{{{{ item }}}}" }}
        retry: {{ attempts: 3, delay: 1s }}
        output: =result.free
  - kind: andRace
    id: ship
    until: success
    steps:
      north: {{ kind: andThen, id: north, http: {{ url: https://north.example.com }} }}
      south: {{ kind: andThen, id: south, http: {{ url: https://south.example.com }} }}
    catch: [{{ on: [race.failed], set: {{ by: nobody }} }}]
"#
    )
}

fn tests(number: usize, cases: usize) -> String {
    let mut text = format!("kind: WorkflowTest\nworkflow: order-{number}\ncases:\n");
    for case in 0..cases {
        let snapshot = if case % 2 == 0 { "\n    snapshot: trace" } else { "" };
        let _ = write!(
            text,
            r#"  - name: case {case}
    input: {{ amount: {}, items: [a, b, c] }}
    resume: {{ approve: {{ payload: {{ ok: true }}, after: 1d }} }}
    mocks:
      stock: [{{ error: {{ code: http.network }} }}, {{ output: {{ free: 3 }}, after: 1s }}]
      north: {{ output: {{ by: north }}, after: 3s }}
      south: {{ output: {{ by: south }}, after: 2s }}
    expect: {{ result: {{ by: south }}, steps: {{ ran: [begin, check, ship] }} }}{snapshot}
"#,
            case * 40
        );
    }
    text
}

fn folder(cases: usize) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-testing-{cases}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for number in 0..WORKFLOWS {
        std::fs::write(folder.join(format!("order-{number}.yaml")), workflow(number)).expect("the file can be written");
        let path = folder.join(format!("order-{number}.test.yaml"));
        std::fs::write(path, tests(number, cases)).expect("the file can be written");
    }
    let accepted = test(&folder, "--accept");
    assert!(accepted, "the cases pass");
    folder
}

fn test(folder: &Path, argument: &str) -> bool {
    let mut process = Command::new(env!("CARGO_BIN_EXE_interpret"));
    let quiet = process
        .args(["test", argument])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().expect("it starts").success()
}

fn main() {
    let sizes = [1, 10, 100];
    let folders: Vec<PathBuf> = sizes.iter().map(|cases| folder(*cases)).collect();
    let racers = folders
        .iter()
        .map(|folder| Box::new(move || assert!(test(folder, "--check"))) as Box<dyn FnMut()>);
    let times = common::contest(10, Duration::ZERO, racers.collect());
    println!(
        "{:<30} {:>10} {:>9} {:>14}",
        "cases over 100 workflows", "median ms", "best ms", "us for a case"
    );
    for (cases, own) in sizes.iter().map(|cases| cases * WORKFLOWS).zip(&times) {
        let (median, best) = (own.median() * 1e3, own.best() * 1e3);
        println!(
            "{cases:<30} {median:>10.1} {best:>9.1} {:>14.1}",
            median * 1e3 / cases as f64
        );
    }
}
