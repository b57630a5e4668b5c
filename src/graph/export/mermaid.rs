use std::fmt::Write;

use crate::expr::Build;
use crate::graph::{BlockId, Graph, Join, Node, NodeId, Op};

/// The graph as a Mermaid flowchart: steps with steps inside are boxes around them, in which every block (a branch, a
/// handler, a `finally`) is a box of its own, titled with its condition or key.
pub fn to_mermaid(graph: &Graph) -> String {
    let mut drawing = Drawing {
        graph,
        text: "flowchart TD\n".to_owned(),
        links: String::new(),
    };
    drawing.line(1, &format!("start([{}])", quoted(&graph.header.id)));
    drawing.block(graph.body, 1);
    drawing.line(1, "done([end])");
    let body = graph.block(graph.body);
    let first = body.first().map_or("done".to_owned(), |first| drawing.anchor(*first));
    drawing.link("start", &first);
    if let Some(last) = body.last() {
        let last = drawing.anchor(*last);
        drawing.link(&last, "done");
    }
    drawing.text + &drawing.links
}

struct Drawing<'g> {
    graph: &'g Graph,
    text: String,
    /// Links stand behind all boxes, or Mermaid puts their ends into the wrong one.
    links: String,
}

impl Drawing<'_> {
    fn line(&mut self, depth: usize, line: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{:1$}{line}", "", depth * 4);
    }

    fn link(&mut self, from: &str, to: &str) {
        let _ = writeln!(self.links, "    {from} --> {to}");
    }

    /// What links to and from a step are tied to.
    fn anchor(&self, id: NodeId) -> String {
        match self.graph.node(id).blocks().is_empty() {
            true => format!("n{}", id.0),
            false => format!("g{}", id.0),
        }
    }

    fn block(&mut self, block: BlockId, depth: usize) {
        let nodes = self.graph.block(block).to_vec();
        for id in &nodes {
            self.node(*id, depth);
        }
        for pair in nodes.windows(2) {
            let (from, to) = (self.anchor(pair[0]), self.anchor(pair[1]));
            self.link(&from, &to);
        }
    }

    fn node(&mut self, id: NodeId, depth: usize) {
        let graph = self.graph;
        let node = graph.node(id);
        let blocks = node.blocks();
        if blocks.is_empty() {
            let (open, close) = shape(&node.op);
            self.line(depth, &format!("n{}{open}{}{close}", id.0, quoted(&title(node))));
            return;
        }
        self.line(depth, &format!("subgraph g{}[{}]", id.0, quoted(&title(node))));
        // A unit with handlers is drawn as a step of its own inside.
        if node.op.blocks().is_empty() {
            let (open, close) = shape(&node.op);
            self.line(depth + 1, &format!("n{}{open}{}{close}", id.0, quoted(node.op.label())));
        }
        for (block, label) in blocks {
            if label.is_empty() {
                self.block(block, depth + 1);
                continue;
            }
            self.line(depth + 1, &format!("subgraph b{}[{}]", block.0, quoted(&label)));
            self.block(block, depth + 2);
            self.line(depth + 1, "end");
        }
        self.line(depth, "end");
    }
}

fn title(node: &Node) -> String {
    let mut title = format!("{}<br/>{}", node.id, node.kind);
    match &node.op {
        Op::Fork(fork) => title.push_str(match fork.join {
            Join::All | Join::FirstSettled => "",
            Join::Settle => ", settle",
            Join::FirstSuccess => ", until success",
        }),
        Op::Loop(repeat) => {
            let word = if repeat.ends_on { "until" } else { "while" };
            let _ = write!(title, " {word} {}", repeat.condition.source().trim());
        }
        Op::ForEach(each) => {
            let _ = match &each.items {
                Build::Expression(items) => write!(title, " in {}", items.source().trim()),
                other => write!(title, " in {}", other.literal().cloned().unwrap_or_default()),
            };
        }
        Op::Block(_) | Op::Choose { .. } | Op::Guard(_) => {}
        Op::Enter(enter) => {
            let _ = write!(title, " {}", enter.workflow);
        }
        op if node.blocks().is_empty() => {
            let _ = write!(title, ": {}", op.label());
        }
        _ => {}
    }
    if let Some(condition) = node.keys.as_ref().and_then(|keys| keys.condition.as_ref()) {
        let _ = write!(title, "<br/>if {}", condition.source().trim());
    }
    title
}

/// Waits are rounded, calls slanted, control is a hexagon.
fn shape(op: &Op) -> (&'static str, &'static str) {
    match op {
        Op::Suspend(_) | Op::WaitFor(_) | Op::Sleep(_) => ("(", ")"),
        Op::Call(_) | Op::Enter(_) => ("[/", "/]"),
        Op::Fail(_) | Op::End { .. } | Op::Cancel { .. } => ("{{", "}}"),
        _ => ("[", "]"),
    }
}

/// A text in quotes, without what Mermaid would read as markup.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for (at, part) in text.split("<br/>").enumerate() {
        if at > 0 {
            out.push_str("<br/>");
        }
        for letter in part.chars() {
            match letter {
                '"' | '<' | '>' | '#' | '&' | '`' | '\\' => {
                    let _ = write!(out, "#{};", letter as u32);
                }
                '\n' | '\r' => out.push(' '),
                other => out.push(other),
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn texts_of_authors_cannot_break_a_drawing() {
        assert_eq!(quoted("a \"b\" <br/>c < d"), "\"a #34;b#34; <br/>c #60; d\"");
    }
}
