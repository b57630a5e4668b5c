//! The README: what it shows is what happens.

use std::process::{Command, Stdio};

use interpret::diagnostic::render;
use interpret::graph::export;
use interpret::load;

use super::header::words;

/// How commands begin in the README, which has nothing installed.
const PROGRAM: &str = "$ cargo run --release -- ";

fn readme() -> String {
    std::fs::read_to_string("README.md").unwrap()
}

/// The commands in `console` blocks, each with what stands behind it.
fn sessions(readme: &str) -> Vec<(String, String)> {
    let blocks = readme.split("```console\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap().replace("\\\n", " "));
    let session = |block: String| {
        let (command, shown) = block.strip_prefix(PROGRAM).unwrap().split_once('\n').unwrap();
        (format!("{command}\n"), shown.to_owned())
    };
    blocks.map(session).collect()
}

#[test]
fn the_readme_shows_what_happens() {
    let sessions = sessions(&readme());
    assert!(sessions.len() >= 5, "the commands were not found");
    for (command, shown) in sessions {
        let mut process = Command::new(env!("CARGO_BIN_EXE_interpret"));
        let output = process.args(words(&command)).stdin(Stdio::null()).output().unwrap();
        let wrong = output.stdout.is_empty();
        let told = if wrong { output.stderr } else { output.stdout };
        assert_eq!(String::from_utf8(told).unwrap(), shown, "{command}");
    }
}

#[test]
fn the_readme_draws_the_first_example() {
    let graph = load::find("order-approval").unwrap().graph().unwrap();
    let drawing = export::to_mermaid(&graph, &export::Marks::default());
    assert!(readme().contains(&format!("```mermaid\n{drawing}```")), "{drawing}");
}

#[test]
fn the_readme_shows_findings_as_they_look() {
    let path = "workflows/order-approval.yaml";
    let text = std::fs::read_to_string(path).unwrap();
    let mistaken = text
        .replace("input.amount > 1000", "input.amuont > 1000")
        .replace("kind: andTap", "kind: andTab");
    let loaded = load::load_text(path, &mistaken);
    let findings = render::text::render(&loaded.diagnostics, &loaded.sources, false);
    assert_eq!(loaded.diagnostics.len(), 2, "{findings}");
    assert!(readme().contains(&format!("```text\n{findings}```")), "{findings}");
}

#[test]
fn the_readme_names_every_example() {
    let readme = readme();
    for file in super::files() {
        let link = format!("[{}]({})", super::stem(&file), file.display());
        assert!(readme.contains(&link), "{link}");
    }
}
