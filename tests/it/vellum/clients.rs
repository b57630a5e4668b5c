//! The clients that Vellum publishes, as they are.

use std::process::Command;

use super::{KEY, served};
use crate::python::{environment, told};
use crate::{npm, suites};

#[test]
fn the_client_for_python_does_what_it_does_with_vellum() {
    let Some(python) = environment("vellum-ai") else { return };
    let served = served();
    let mut command = Command::new(python.join("bin/python"));
    command.arg("tests/python/vellum_client.py").args([&*served.base, KEY]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).ends_with("done\n"), "{}", told(&output));
}

#[test]
fn the_client_for_node_does_what_it_does_with_vellum() {
    let Some(folder) = npm::install("vellum-ai") else {
        return;
    };
    let served = served();
    let script = std::fs::read_to_string("tests/npm/vellum-ai/vellum.js").unwrap();
    let mut command = Command::new("node");
    // Packages are looked for from the folder on.
    command.arg("-e").arg(script).current_dir(folder);
    command.env("BASE", &served.base).env("KEY", KEY);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).ends_with("done\n"), "{}", told(&output));
}

/// The page names a class that the package does not have, and iterates in a way that only the other class can; nothing
/// else of its code is changed.
#[test]
fn the_code_of_the_page_runs_but_for_its_names() {
    let (Some(python), Some(page)) = (environment("vellum-ai"), suites::file("seeds/vellum.md")) else {
        return;
    };
    let blocks = page.split("```python\n").skip(1);
    let code = blocks.filter_map(|block| block.split("```").next()).next().unwrap();
    let code = code
        .replace("from vellum import Client\n", "")
        .replace("client = Client(api_key=\"your-api-key\")", "")
        .replace("async for", "for");
    // The page's own spelling of actuals is not one of the client's models, and is sent as it stands.
    let around = "
import sys
from vellum import Vellum
from vellum.client.environment import VellumEnvironment
BASE = sys.argv[1]
client = Vellum(api_key=sys.argv[2], environment=VellumEnvironment(default=BASE, predict=BASE, documents=BASE))
";
    assert!(code.contains("\"exec_id\""), "{code}");
    let code = code.replace("\"exec_id\"", "response.execution_id");
    let served = served();
    let mut command = Command::new(python.join("bin/python"));
    command.arg("-c").arg(format!("{around}\n{code}"));
    let output = command.args([&*served.base, KEY]).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let told = told(&output);
    for line in [
        "Workflow state: INITIATED",
        "Node split: FULFILLED",
        "Workflow state: FULFILLED",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
}
