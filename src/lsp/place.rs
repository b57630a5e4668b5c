//! The values of a document that name something declared elsewhere.

use super::cursor::Link;
use crate::load::Kind;
use crate::source::{FileId, Span};
use crate::yaml::{self, Limits, Node, Value};

/// What a value names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A definition; at its own `id` it is declared.
    Definition { kind: Kind, declares: bool },
    /// An event of this workflow.
    Event,
    /// The code of an error.
    Failure,
    /// A schema in another file, or in this one.
    Schema,
}

/// What the value at the end of a way names, if that is something declared elsewhere.
pub(super) fn named(root: &Node, way: &[Link]) -> Option<Named> {
    let (last, before) = way.split_last()?;
    let parent = before.iter().try_fold(root, |node, link| match link {
        Link::Key(key) => node.get(key),
        Link::Index(at) => node.as_list()?.get(*at),
    })?;
    let above = |levels: usize| match before.len().checked_sub(levels).and_then(|at| before.get(at)) {
        Some(Link::Key(key)) => Some(&**key),
        _ => None,
    };
    let kind = parent.get("kind").and_then(Node::as_str).unwrap_or_default();
    let definition = |kind, declares| Some(Named::Definition { kind, declares });
    match last {
        Link::Index(_) => (above(1) == Some("on")).then_some(Named::Failure),
        Link::Key(key) => match (&**key, kind) {
            ("workflow", "andWorkflow" | "workflow") => definition(Kind::Workflow, false),
            ("workflow", _) if above(2) == Some("tools") => definition(Kind::Workflow, false),
            ("agent", "andAgent" | "agent") => definition(Kind::Agent, false),
            ("workflow", "WorkflowTest") if before.is_empty() => definition(Kind::Workflow, false),
            ("id", "Workflow") if before.is_empty() => definition(Kind::Workflow, true),
            ("id", "Agent") if before.is_empty() => definition(Kind::Agent, true),
            ("event", _) if matches!(above(1), Some("emit" | "waitFor")) => Some(Named::Event),
            ("request", _) if above(1) == Some("suspend") => Some(Named::Event),
            ("$ref", _) => Some(Named::Schema),
            _ => None,
        },
    }
}

/// Every place in a text where a definition is named: which one, where, and whether it is declared there.
pub(super) fn definitions(file: FileId, text: &str) -> Vec<(Kind, String, Span, bool)> {
    let (documents, _) = yaml::parse(file, text, &Limits::default());
    let mut found = Vec::new();
    for document in &documents {
        walk(&document.root, &document.root, &mut Vec::new(), &mut found);
    }
    found.sort_by_key(|(_, _, span, _)| *span);
    found.dedup_by_key(|(_, _, span, _)| *span);
    found
}

fn walk(root: &Node, node: &Node, way: &mut Vec<Link>, found: &mut Vec<(Kind, String, Span, bool)>) {
    match &node.value {
        Value::Scalar(_) => {
            // The way is only looked at where its last key may matter.
            let matters = matches!(way.last(), Some(Link::Key(key)) if matches!(&**key, "workflow" | "agent" | "id"));
            if let (true, Some(id)) = (matters, node.as_str())
                && let Some(Named::Definition { kind, declares }) = named(root, way)
            {
                found.push((kind, id.to_owned(), node.span, declares));
            }
        }
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                way.push(Link::Index(at));
                walk(root, item, way, found);
                way.pop();
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                way.push(Link::Key(entry.key.clone()));
                walk(root, &entry.value, way, found);
                way.pop();
            }
        }
    }
}

/// The names of the events that a document declares.
pub(super) fn events(root: &Node) -> Vec<String> {
    let entries = root.get("events").and_then(Node::as_map).unwrap_or_default();
    entries.iter().map(|entry| entry.key.to_string()).collect()
}
