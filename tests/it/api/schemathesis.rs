//! Schemathesis, which makes thousands of requests out of the description and looks for answers that it does not allow.

use std::process::Command;

use interpret::data;

use super::{ORDER, Served};
use crate::python::{environment, told};

/// A workflow that takes everything, and waits if it is told to.
const ANY: &str = "
kind: Workflow
id: any
steps:
  - { kind: andWhen, id: ask, condition: =input is mapping and 'wait' in input, suspend: {} }
";

#[test]
fn no_request_fails_the_server_or_gets_an_answer_that_is_not_described() {
    let Some(python) = environment("schemathesis") else {
        return;
    };
    let served = Served::new(&[("any.yaml", ANY), ("order.yaml", ORDER)]);
    for id in ["waiting", "over"] {
        let input = if id == "over" {
            data!({})
        } else {
            data!({ "wait": true })
        };
        let body = data!({ "input": input, "options": { "executionId": id } });
        served.post("/workflows/any/execute", &body).data();
    }
    let mut command = Command::new(python.join("bin/st"));
    command
        .args(["run", &format!("{}/openapi.json", served.base)])
        .args([
            "--max-examples",
            "30",
            "--seed",
            "1",
            "--request-timeout",
            "20",
            "--no-color",
        ])
        // What is not described (a workflow's own schema) can refuse what is.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .current_dir(served.folder.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
}
