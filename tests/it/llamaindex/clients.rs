//! The real clients, as they are published, against the program.

use std::path::Path;
use std::process::Command;

use super::{COUNTS, FAILS, GREET, HUMAN};
use crate::api::Served;
use crate::python::{environment, told};
use crate::suites;

/// Begins with an event of its own name.
const TYPED: &str = "
kind: Workflow
id: typed
events: { Order: { role: start } }
inputSchema: { type: object, required: [amount], properties: { amount: { type: integer } } }
steps: [{ kind: andThen, id: twice, set: =input.amount * 2 }]
";

fn served() -> Served {
    Served::new(&[
        ("greet.yaml", GREET),
        ("human.yaml", HUMAN),
        ("fails.yaml", FAILS),
        ("counts.yaml", COUNTS),
        ("typed.yaml", TYPED),
    ])
}

/// Does what programs do with a client.
fn use_client(package: &str, name: &str) {
    let Some(python) = environment(package) else { return };
    let served = served();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/llamaindex.py");
    let output = Command::new(python.join("bin/python"))
        .arg(script)
        .args([name, &served.base])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn the_client_of_llama_agents_works_as_it_is_published() {
    use_client("llama-agents-client", "agents");
}

#[test]
fn the_older_client_of_llama_index_workflows_works_as_it_is_published() {
    use_client("llama-index-workflows", "workflows");
}

/// What the published page leaves to its readers: the imports, and the classes that stand further up on it.
const AROUND: &str = "
import asyncio
from workflows.events import HumanResponseEvent, StartEvent, StopEvent

class ResponseEvent(HumanResponseEvent):
    response: str

class OutEvent(StopEvent):
    output: str

def input(prompt):
    return 'ada'
";

/// What of the page's code is no Python, or not how its own client works.
const MENDED: &[(&str, &str)] = &[
    ("async def main()\n  client", "async def main():\n    client"),
    ("from workflow.client import", "from workflows.client import"),
    ("== event.type\n", "== event.type:\n"),
    (
        "OutEvent.model_validate(result.result)",
        "OutEvent.model_validate(result.result.value)",
    ),
    (
        "complete with status: {result.status})\"",
        "complete with status: {result.status}\"",
    ),
];

/// The code of the published page that uses the client, mended, with another address.
fn code_of_the_page(page: &str, base: &str) -> Vec<String> {
    let blocks = page.split("```python\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let using: Vec<&str> = blocks.filter(|block| block.contains("WorkflowClient(")).collect();
    let all = using.concat();
    for (wrong, _) in MENDED {
        assert!(all.contains(wrong), "the page no longer says {wrong}");
    }
    let mend = |block: &str| {
        let block = block.replace("http://0.0.0.0:8080", base);
        MENDED
            .iter()
            .fold(block, |block, (wrong, right)| block.replace(wrong, right))
    };
    using.into_iter().map(mend).collect()
}

#[test]
fn the_code_of_the_published_page_runs_with_another_address() {
    let Some(page) = suites::file("seeds/llamaindex.md") else {
        return;
    };
    let ours = std::fs::read_to_string("docs/dialect-llamaindex.md").unwrap();
    let blocks = ours.split("```yaml\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|block| block.split("```").next()).collect();
    let [greet, human] = blocks.as_slice() else {
        panic!("our page shows the two workflows of theirs");
    };
    for package in ["llama-agents-client", "llama-index-workflows"] {
        let Some(python) = environment(package) else { return };
        let served = Served::new(&[("greet.yaml", greet), ("human.yaml", human)]);
        let code = code_of_the_page(&page, &served.base);
        let [greeting, talking] = code.as_slice() else {
            panic!("the page uses its client twice");
        };
        let run = |code: &str| {
            let script = format!("{AROUND}\n{code}");
            let output = Command::new(python.join("bin/python"))
                .args(["-W", "ignore::DeprecationWarning", "-c", &script])
                .output()
                .unwrap();
            assert!(output.status.success(), "{package}: {}", told(&output));
            told(&output)
        };
        let told = run(greeting);
        assert!(
            told.contains("Hello, John!") && told.contains("(status: completed)"),
            "{told}"
        );
        assert_eq!(told.matches("Received data:").count(), 4, "{told}");
        // It stands outside of a function, as in a notebook.
        let lines: String = talking.lines().map(|line| format!("    {line}\n")).collect();
        let told = run(&format!("async def main():\n{lines}\nasyncio.run(main())\n"));
        for expected in [
            "Workflow is requiring human input: What is your name?",
            "Event has been sent",
            "Workflow complete with status: completed",
            "Received final message: Hello, Ada",
        ] {
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }
}
