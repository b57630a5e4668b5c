//! The code of the document that this API comes from, run as it stands there.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use interpret::data;

use super::{ORDER, Served};
use crate::suites;

/// What the page leaves to its readers, and where its addresses lead here.
const AROUND: &str = r#"
const real = globalThis.fetch;
globalThis.fetch = (url, options) => real(String(url).replace(/^(http:\/\/localhost:3141)?\//, BASE + "/"), {
  ...options,
});
async function getManagerApproval() { return { approved: true, managerId: "mgr-456", comments: "fine" }; }
"#;

#[test]
fn the_code_of_the_published_page_runs_as_it_stands() {
    let Some(page) = suites::file("seeds/voltagent.md") else {
        return;
    };
    let blocks: Vec<&str> = page
        .split("```javascript\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .collect();
    let [stream, lifecycle] = blocks.as_slice() else {
        panic!("the page has two pieces of code");
    };
    let served = Served::new(&[("order.yaml", ORDER)]);
    // The code reads to the end of the stream, which comes when somebody ends the execution.
    let mut reading = node(&served, stream);
    let mut told = String::new();
    let mut lines = BufReader::new(reading.stdout.take().unwrap());
    while lines.read_line(&mut told).unwrap() > 0 {
        if told.ends_with("Workflow suspended, need to resume\n") {
            let executions = served.get("/workflows/executions");
            let id = executions.at("/data/0/executionId");
            let cancel = format!("/workflows/order-approval/executions/{}/cancel", id.as_str().unwrap());
            served.post(&cancel, &data!({})).data();
        }
    }
    assert!(reading.wait().unwrap().success(), "{told}");
    for kind in [
        "workflow-start",
        "step-start",
        "step-complete",
        "workflow-suspended",
        "workflow-result",
    ] {
        assert!(told.contains(&format!("[{kind}]")), "{told}");
    }
    let output = node(&served, lifecycle).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        told.contains("Workflow suspended: Waiting for manager approval"),
        "{told}"
    );
    assert!(
        told.contains("Final result: { approved: true, totalAmount: 10000 }"),
        "{told}"
    );
}

/// The code in Node.js, about to end.
fn node(served: &Served, code: &str) -> Child {
    let script = format!(
        "const BASE = {:?};\n{AROUND}\n(async () => {{\n{code}\n}})();\n",
        served.base
    );
    let started = Command::new("node")
        .arg("-e")
        .arg(script)
        .stdout(Stdio::piped())
        .spawn();
    started.expect("node is there, since the page's code is JavaScript")
}
