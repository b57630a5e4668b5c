//! Texts in; graphs, outlines and findings out. Each test names the rule it holds the reader to.

mod keys;
mod kinds;
mod mistakes;
pub(super) mod syntax;
mod units;
mod whole;

use std::fmt::Write;
use std::sync::Arc;

use super::outline::Outline;
use crate::diagnostic::Diagnostic;
use crate::graph::{BlockId, Graph, Node, NodeId};
use crate::language::{Definition, Read, read};
use crate::source::Sources;
use crate::yaml;

/// Reads the first document of a text.
fn document(text: &str) -> (Read, Sources) {
    let mut sources = Sources::new();
    let file = sources.add("test.yaml", text);
    let (documents, findings) = yaml::parse(file, text, &yaml::Limits::default());
    assert!(findings.is_empty(), "{findings:?}\n{text}");
    (read(&documents[0], text), sources)
}

/// A workflow with these steps, which are indented by two.
fn workflow(steps: &str) -> String {
    format!("kind: Workflow\nid: test\nsteps:\n{steps}\n")
}

/// Reads a workflow without errors.
fn good(text: &str) -> (Arc<Graph>, Outline) {
    let (read, sources) = document(text);
    let shown = crate::diagnostic::render::text::render(&read.diagnostics, &sources, false);
    let Some(Definition::Workflow(graph)) = read.definition else {
        panic!("{shown}\n{text}");
    };
    (graph, read.outline.unwrap())
}

/// Reads steps without errors.
fn good_steps(steps: &str) -> (Arc<Graph>, Outline) {
    good(&workflow(steps))
}

/// The findings of a workflow as `code @ text at the place: message`.
fn findings(text: &str) -> Vec<String> {
    let (read, sources) = document(text);
    read.diagnostics.iter().map(|finding| line(finding, &sources)).collect()
}

fn line(finding: &Diagnostic, sources: &Sources) -> String {
    let place = finding.span.map_or("", |span| sources.text(span));
    let place = place.lines().next().unwrap_or_default();
    let help: Vec<String> = finding.help.iter().map(|help| format!(" [{help}]")).collect();
    format!("{} @ {place}: {}{}", finding.code, finding.message, help.concat())
}

/// The one finding about these steps.
fn only(steps: &str) -> String {
    only_in(&workflow(steps))
}

/// The one finding about a workflow.
fn only_in(text: &str) -> String {
    let found = findings(text);
    assert_eq!(found.len(), 1, "{found:#?}\n{text}");
    found.into_iter().next().unwrap()
}

/// The shape of a graph on one line: `id:what` of each node, `?` for a condition, `~` for a tap, blocks in brackets.
fn shape(graph: &Graph) -> String {
    let mut text = String::new();
    block(graph, graph.body, &mut text);
    text
}

fn block(graph: &Graph, id: BlockId, text: &mut String) {
    for (at, node) in graph.block(id).iter().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        let node = graph.node(*node);
        let keys = node.keys.as_deref();
        let condition = if keys.is_some_and(|keys| keys.condition.is_some()) {
            "?"
        } else {
            ""
        };
        let tap = if keys.is_some_and(|keys| keys.tap) { "~" } else { "" };
        write!(text, "{}:{}{condition}{tap}", node.id, node.op.label()).unwrap();
        for (inner, label) in node.blocks() {
            let label = if label.is_empty() {
                String::new()
            } else {
                format!("{label}: ")
            };
            write!(text, " [{label}").unwrap();
            block(graph, inner, text);
            text.push(']');
        }
    }
}

/// A node by its id.
fn node<'g>(graph: &'g Graph, id: &str) -> &'g Node {
    let ids: Vec<NodeId> = graph.walk();
    let found = ids.into_iter().map(|at| graph.node(at)).find(|node| *node.id == *id);
    found.unwrap_or_else(|| panic!("no node {id}: {}", shape(graph)))
}
