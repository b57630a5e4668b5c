//! The examples in `docs/` load without a finding.

use interpret::diagnostic::render;
use interpret::load;

/// The blocks of a page that are whole workflow files.
fn examples(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, behind)) = rest.split_once("```yaml\n") {
        let (block, behind) = behind.split_once("```").expect("a block is closed");
        found.push(block.to_owned());
        rest = behind;
    }
    found
}

#[test]
fn every_workflow_on_the_page_of_the_language_loads() {
    let page = std::fs::read_to_string("docs/language.md").unwrap();
    let examples = examples(&page);
    assert!(examples.len() >= 5);
    for example in examples {
        assert!(example.starts_with("kind: Workflow\n"), "a whole file: {example}");
        let loaded = load::load_text("docs/language.md", &example);
        let findings = render::text::render(&loaded.diagnostics, &loaded.sources, false);
        assert!(loaded.diagnostics.is_empty(), "{findings}");
    }
}

#[test]
fn every_kind_and_unit_stands_on_the_page_of_the_language() {
    let page = std::fs::read_to_string("docs/language.md").unwrap();
    let names = interpret::language::step_kinds().chain(interpret::language::units());
    for (name, _) in names {
        // `agent` and `workflow` are other names of `andAgent` and `andWorkflow`.
        assert!(
            page.contains(&format!("`{name}`")) || ["agent", "workflow"].contains(&name),
            "{name}"
        );
    }
}
