//! The workflows that the design of the language shows load without a finding.
#![allow(clippy::disallowed_methods, reason = "the test lists the folder of the examples")]

use interpret::diagnostic::render;
use interpret::load;

use crate::suites;

#[test]
fn every_example_loads_without_a_finding() {
    let Some(folder) = suites::folder("../design/example-workflows") else {
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let loaded = load::load(&[&file]);
        let findings = render::text::render(&loaded.diagnostics, &loaded.sources, false);
        assert!(loaded.diagnostics.is_empty(), "{findings}");
        assert!(
            loaded.workflows().next().is_some(),
            "{} defines no workflow",
            file.display()
        );
        for graph in loaded.workflows() {
            loaded.program(&graph.header.id, None).unwrap();
        }
    }
}
