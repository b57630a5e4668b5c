use std::fmt::Write;

use super::figure::{Figure, Inside, Item, Leap, Part, Role, Shape};
use super::marks::{Mark, Marks};
use crate::graph::Graph;

/// The graph as a Mermaid flowchart: steps with steps inside are boxes around them, in which every block (a branch, a
/// handler, a `finally`) is a box of its own. What has to hold for a step stands on the arrow to it.
pub fn to_mermaid(graph: &Graph, marks: &Marks) -> String {
    let figure = Figure::of(graph);
    let mut drawing = Drawing {
        marks,
        text: "flowchart TD\n".to_owned(),
        links: String::new(),
        classes: String::new(),
    };
    drawing.line(1, &format!("start([{}])", quoted(&[&figure.title])));
    drawing.items(&figure.body, 1);
    drawing.line(1, "done([end])");
    match (figure.body.first(), figure.body.last()) {
        (Some(first), Some(last)) => {
            drawing.link("start", first);
            if last.goes_on {
                let _ = writeln!(drawing.links, "    {} --> done", anchor(last));
            }
            for item in &figure.body {
                let ends = item.leaps.iter().filter(|leap| leap.to.is_none());
                ends.for_each(|leap| drawing.leap(item, leap, "done"));
            }
        }
        _ => drawing.links.push_str("    start --> done\n"),
    }
    drawing.legend();
    drawing.text + &drawing.links + &drawing.classes
}

struct Drawing<'m> {
    marks: &'m Marks,
    text: String,
    /// Links stand behind all boxes, or Mermaid puts their ends into the wrong one.
    links: String,
    classes: String,
}

/// What links to and from a step are tied to.
fn anchor(item: &Item) -> String {
    match item.inside {
        None => format!("n{}", item.node.0),
        Some(_) => format!("g{}", item.node.0),
    }
}

impl Drawing<'_> {
    fn line(&mut self, depth: usize, line: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{:1$}{line}", "", depth * 4);
    }

    fn link(&mut self, from: &str, to: &Item) {
        let _ = match &to.condition {
            None => writeln!(self.links, "    {from} --> {}", anchor(to)),
            Some(condition) => {
                let label = quoted(&[&format!("if {condition}")]);
                writeln!(self.links, "    {from} -->|{label}| {}", anchor(to))
            }
        };
    }

    fn items(&mut self, items: &[Item], depth: usize) {
        for (at, item) in items.iter().enumerate() {
            // No arrow leads to the first step of a block.
            let condition = item.condition.as_deref().filter(|_| at == 0 && depth > 1);
            self.item(item, condition, depth);
        }
        for pair in items.windows(2).filter(|pair| pair[0].goes_on) {
            self.link(&anchor(&pair[0]), &pair[1]);
        }
        for item in items {
            for leap in &item.leaps {
                if let Some(target) = leap.target(items) {
                    self.leap(item, leap, &anchor(target));
                }
            }
        }
    }

    fn leap(&mut self, from: &Item, leap: &Leap, to: &str) {
        let from = anchor(from);
        let _ = match leap.words() {
            None => writeln!(self.links, "    {from} -.-> {to}"),
            Some(words) => writeln!(self.links, "    {from} -.->|{}| {to}", quoted(&[&words])),
        };
    }

    fn item(&mut self, item: &Item, condition: Option<&str>, depth: usize) {
        let times = self.mark(item);
        let (id, condition) = (
            format!("{}{times}", item.id),
            condition.map(|condition| format!("if {condition}")),
        );
        // No arrow leads out of a box to its border.
        let ends = item.to_the_end().filter(|_| depth > 1);
        let more = condition.as_deref().into_iter().chain(ends.as_deref());
        let lines: Vec<&str> = [&*id, &*item.what].into_iter().chain(more).collect();
        let title = quoted(&lines);
        let (open, close) = brackets(item.shape);
        let Some(inside) = &item.inside else {
            self.line(depth, &format!("n{}{open}{title}{close}", item.node.0));
            return;
        };
        self.line(depth, &format!("subgraph g{}[{title}]", item.node.0));
        // A unit with handlers is drawn as a step of its own inside.
        if let Some(work) = &inside.work {
            self.line(depth + 1, &format!("n{}{open}{}{close}", item.node.0, quoted(&[work])));
        }
        for part in &inside.parts {
            self.part(item, inside, part, depth + 1);
        }
        self.line(depth, "end");
    }

    fn part(&mut self, owner: &Item, inside: &Inside, part: &Part, depth: usize) {
        if part.label.is_empty() {
            return self.items(&part.items, depth);
        }
        self.line(
            depth,
            &format!("subgraph b{}[{}]", part.block.0, quoted(&[&part.label])),
        );
        self.items(&part.items, depth + 1);
        self.line(depth, "end");
        if part.role == Role::Handler && inside.work.is_some() {
            let _ = writeln!(self.links, "    n{} -.->|on error| b{}", owner.node.0, part.block.0);
        }
    }

    /// Colours a step; says how often it was there, if not once.
    fn mark(&mut self, item: &Item) -> String {
        let Some(visit) = self.marks.get(&item.id) else {
            return String::new();
        };
        let _ = writeln!(self.classes, "    class {} {}", anchor(item), visit.mark.as_str());
        match visit.times {
            1 => String::new(),
            times => format!(" ×{times}"),
        }
    }

    /// What the colours mean; only where there are any.
    fn legend(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        self.line(1, "subgraph legend");
        self.line(2, "direction LR");
        for mark in Mark::ALL {
            self.line(2, &format!("legend_{0}[{0}]", mark.as_str()));
            let _ = writeln!(self.classes, "    class legend_{0} {0}", mark.as_str());
        }
        self.line(1, "end");
        for mark in Mark::ALL {
            let dash = match mark {
                Mark::Skipped | Mark::Cancelled => ",stroke-dasharray:4 3",
                _ => "",
            };
            let _ = writeln!(
                self.classes,
                "    classDef {} stroke:{},stroke-width:3px{dash}",
                mark.as_str(),
                mark.colour()
            );
        }
    }
}

/// Waits are rounded, calls slanted, control is a hexagon.
fn brackets(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Wait => ("(", ")"),
        Shape::Call => ("[/", "/]"),
        Shape::Stop => ("{{", "}}"),
        Shape::Plain => ("[", "]"),
    }
}

/// Lines in quotes, without what Mermaid would read as markup.
fn quoted(lines: &[&str]) -> String {
    let mut out = String::from("\"");
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.push_str("<br/>");
        }
        for letter in line.chars() {
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
        assert_eq!(quoted(&["a \"b\" ", "c < d"]), "\"a #34;b#34; <br/>c #60; d\"");
    }
}
