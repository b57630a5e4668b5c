use std::fmt::Write;

use super::figure::{Figure, Item, Part, Role};
use super::marks::Marks;
use crate::graph::Graph;

/// The graph as a tree of lines, for a terminal or a commit: each step with its kind, what it does, and what became of
/// it in a run.
pub fn to_tree(graph: &Graph, marks: &Marks) -> String {
    let figure = Figure::of(graph);
    let mut tree = Tree {
        marks,
        text: format!("{}\n", line(&figure.title)),
    };
    tree.items(&figure.body, "", false);
    tree.text
}

struct Tree<'m> {
    marks: &'m Marks,
    text: String,
}

impl Tree<'_> {
    fn items(&mut self, items: &[Item], indent: &str, more: bool) {
        for (at, item) in items.iter().enumerate() {
            let last = at + 1 == items.len() && !more;
            self.branch(indent, last, &self.describe(item, items));
            let Some(inside) = &item.inside else { continue };
            let below = below(indent, last);
            for (at, part) in inside.parts.iter().enumerate() {
                let last = at + 1 == inside.parts.len();
                self.part(part, &below, last);
            }
        }
    }

    fn part(&mut self, part: &Part, indent: &str, last: bool) {
        if part.label.is_empty() {
            return self.items(&part.items, indent, !last);
        }
        let label = match part.role {
            Role::Work => format!("[{}]", part.label),
            Role::Handler | Role::Cleanup => part.label.clone(),
        };
        self.branch(indent, last, &label);
        self.items(&part.items, &below(indent, last), false);
    }

    fn branch(&mut self, indent: &str, last: bool, text: &str) {
        let joint = if last { "└─" } else { "├─" };
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{indent}{joint} {}", line(text));
    }

    fn describe(&self, item: &Item, beside: &[Item]) -> String {
        let mut text = format!("{}  {}", item.id, item.what);
        if let Some(condition) = &item.condition {
            let _ = write!(text, "  if {condition}");
        }
        for leap in &item.leaps {
            let to = leap.target(beside).map_or("end", |target| &target.id);
            let words = leap.words().map(|words| format!(" {words}")).unwrap_or_default();
            let _ = write!(text, "  → {to}{words}");
        }
        if let Some(visit) = self.marks.get(&item.id) {
            let _ = write!(text, "  ({}", visit.mark.as_str());
            let _ = match visit.times {
                1 => write!(text, ")"),
                times => write!(text, ", {times} times)"),
            };
        }
        text
    }
}

fn below(indent: &str, last: bool) -> String {
    format!("{indent}{}", if last { "   " } else { "│  " })
}

/// One line, whatever the author wrote.
fn line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
