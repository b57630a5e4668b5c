use std::fmt::Write;

use super::figure::{Figure, Flow, Item, Leap, Part, Role, Shape};
use super::marks::{Mark, Marks};
use crate::graph::Graph;

/// The graph in the language of Graphviz: blocks are clusters, and what has to hold for a step stands on the arrow to it.
pub fn to_dot(graph: &Graph, marks: &Marks) -> String {
    let figure = Figure::of(graph);
    let mut drawing = Drawing {
        marks,
        text: String::new(),
        links: String::new(),
    };
    drawing.line(0, &format!("digraph {} {{", quoted(&[&figure.title])));
    // `compound` lets an arrow end at the border of a cluster.
    drawing.line(1, "compound=true;");
    drawing.line(1, "node [fontname=\"sans-serif\", fontsize=11, shape=box];");
    drawing.line(1, "edge [fontname=\"sans-serif\", fontsize=10];");
    drawing.line(1, "graph [fontname=\"sans-serif\", fontsize=11];");
    drawing.line(1, &format!("start [label={}, shape=oval];", quoted(&[&figure.title])));
    drawing.items(&figure.body, 1);
    drawing.line(1, "done [label=\"end\", shape=oval];");
    match (figure.body.first(), figure.body.last()) {
        (Some(first), Some(last)) => {
            drawing.link(&End::point("start"), &End::entry(first), first.condition.as_deref(), "");
            if last.goes_on {
                drawing.link(&End::exit(last), &End::point("done"), None, "");
            }
            for item in &figure.body {
                let ends = item.leaps.iter().filter(|leap| leap.to.is_none());
                ends.for_each(|leap| drawing.leap(item, leap, &End::point("done"), false));
            }
        }
        _ => drawing.links.push_str("    start -> done;\n"),
    }
    drawing.legend();
    drawing.text + &drawing.links + "}\n"
}

/// The border of a cluster that no run has coloured.
const UNMARKED: &str = ", color=\"#8c959f\", penwidth=1, style=rounded";

struct Drawing<'m> {
    marks: &'m Marks,
    text: String,
    links: String,
}

/// Where an arrow begins or ends: at a point, cut off at the border of a cluster.
struct End {
    point: String,
    cluster: Option<String>,
}

impl End {
    fn point(name: &str) -> End {
        End {
            point: name.to_owned(),
            cluster: None,
        }
    }

    fn entry(item: &Item) -> End {
        End::at(item, |part| part.items.first().map(End::entry))
    }

    fn exit(item: &Item) -> End {
        End::at(item, |part| part.items.last().map(End::exit))
    }

    fn at(item: &Item, inner: impl Fn(&Part) -> Option<End>) -> End {
        let point = match &item.inside {
            None => return End::point(&format!("n{}", item.node.0)),
            Some(inside) if inside.work.is_some() => format!("n{}", item.node.0),
            Some(inside) => match inside.parts.iter().find_map(inner) {
                Some(end) => end.point,
                None => format!("n{}", item.node.0),
            },
        };
        End {
            point,
            cluster: Some(format!("cluster_g{}", item.node.0)),
        }
    }
}

impl Drawing<'_> {
    fn line(&mut self, depth: usize, line: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{:1$}{line}", "", depth * 4);
    }

    fn link(&mut self, from: &End, to: &End, condition: Option<&str>, more: &str) {
        let mut attributes = Vec::new();
        if let Some(cluster) = &from.cluster {
            attributes.push(format!("ltail={cluster}"));
        }
        if let Some(cluster) = &to.cluster {
            attributes.push(format!("lhead={cluster}"));
        }
        if let Some(condition) = condition {
            attributes.push(format!("label={}", quoted(&[&format!("if {condition}")])));
        }
        if !more.is_empty() {
            attributes.push(more.to_owned());
        }
        let attributes = match attributes.is_empty() {
            true => String::new(),
            false => format!(" [{}]", attributes.join(", ")),
        };
        let _ = writeln!(self.links, "    {} -> {}{attributes};", from.point, to.point);
    }

    fn items(&mut self, items: &[Item], depth: usize) {
        for (at, item) in items.iter().enumerate() {
            // No arrow leads to the first step of a block.
            let condition = item.condition.as_deref().filter(|_| at == 0 && depth > 1);
            self.item(item, condition, depth);
        }
        for pair in items.windows(2).filter(|pair| pair[0].goes_on) {
            let (from, to) = (End::exit(&pair[0]), End::entry(&pair[1]));
            self.link(&from, &to, pair[1].condition.as_deref(), "");
        }
        for (at, item) in items.iter().enumerate() {
            for leap in &item.leaps {
                if let Some(target) = leap.target(items) {
                    let back = items[..=at].iter().any(|earlier| earlier.node == target.node);
                    self.leap(item, leap, &End::entry(target), back);
                }
            }
        }
    }

    fn leap(&mut self, from: &Item, leap: &Leap, to: &End, back: bool) {
        let mut look = "style=dashed".to_owned();
        if back {
            look.push_str(", constraint=false");
        }
        if let Some(words) = leap.words() {
            let _ = write!(look, ", label={}", quoted(&[&words]));
        }
        self.link(&End::exit(from), to, None, &look);
    }

    fn item(&mut self, item: &Item, condition: Option<&str>, depth: usize) {
        let visit = self.marks.get(&item.id);
        let times = match visit {
            Some(visit) if visit.times > 1 => format!(" ×{}", visit.times),
            _ => String::new(),
        };
        let (id, condition) = (
            format!("{}{times}", item.id),
            condition.map(|condition| format!("if {condition}")),
        );
        // No arrow leads out of a cluster to its border.
        let ends = item.to_the_end().filter(|_| depth > 1);
        let more = condition.as_deref().into_iter().chain(ends.as_deref());
        let lines: Vec<&str> = [&*id, &*item.what].into_iter().chain(more).collect();
        let title = quoted(&lines);
        let colour = visit.map(|visit| look(visit.mark)).unwrap_or_default();
        let Some(inside) = &item.inside else {
            let shape = shape(item.shape);
            self.line(depth, &format!("n{} [label={title}{shape}{colour}];", item.node.0));
            return;
        };
        self.line(depth, &format!("subgraph cluster_g{} {{", item.node.0));
        // What is not said here, a cluster inherits from the one around it.
        self.line(depth + 1, &format!("graph [label={title}{UNMARKED}{colour}];"));
        if let Some(work) = &inside.work {
            let shape = shape(item.shape);
            self.line(
                depth + 1,
                &format!("n{} [label={}{shape}];", item.node.0, quoted(&[work])),
            );
        } else if inside.parts.iter().all(|part| part.items.is_empty()) {
            self.line(depth + 1, &format!("n{} [label=\"\", shape=point];", item.node.0));
        }
        for part in &inside.parts {
            if part.label.is_empty() {
                self.items(&part.items, depth + 1);
                continue;
            }
            let look = match part.role {
                Role::Work => "",
                Role::Handler | Role::Cleanup => ", style=\"rounded,dashed\"",
            };
            self.line(depth + 1, &format!("subgraph cluster_b{} {{", part.block.0));
            let label = quoted(&[&part.label]);
            self.line(depth + 2, &format!("graph [label={label}{UNMARKED}{look}];"));
            self.items(&part.items, depth + 2);
            self.line(depth + 1, "}");
            if let (Role::Handler, Some(_), Some(first)) = (part.role, &inside.work, part.items.first()) {
                let mut to = End::entry(first);
                to.cluster = Some(format!("cluster_b{}", part.block.0));
                let from = End::point(&format!("n{}", item.node.0));
                self.link(&from, &to, None, "style=dashed, label=\"on error\"");
            }
        }
        if inside.flow == Flow::Repeat {
            let body = inside.parts.first();
            if let Some((first, last)) = body.and_then(|part| Some((part.items.first()?, part.items.last()?))) {
                let (from, to) = (End::exit(last).point, End::entry(first).point);
                let _ = writeln!(
                    self.links,
                    "    {from} -> {to} [style=dashed, constraint=false, label=\"again\"];"
                );
            }
        }
        self.line(depth, "}");
    }

    /// What the colours mean; only where there are any.
    fn legend(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        self.line(1, "subgraph cluster_legend {");
        self.line(2, &format!("graph [label=\"legend\"{UNMARKED}];"));
        for mark in Mark::ALL {
            self.line(2, &format!("legend_{0} [label=\"{0}\"{1}];", mark.as_str(), look(mark)));
        }
        self.line(1, "}");
    }
}

fn look(mark: Mark) -> String {
    let style = match mark {
        Mark::Skipped | Mark::Cancelled => ", style=\"rounded,dashed\"",
        _ => "",
    };
    format!(", color=\"{}\", penwidth=2{style}", mark.colour())
}

fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Plain => "",
        Shape::Wait => ", style=rounded",
        Shape::Call => ", shape=parallelogram",
        Shape::Stop => ", shape=hexagon",
    }
}

/// Lines in quotes, without what Graphviz would read as an escape.
fn quoted(lines: &[&str]) -> String {
    let mut out = String::from("\"");
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.push_str("\\n");
        }
        for letter in line.chars() {
            match letter {
                '"' | '\\' => out.extend(['\\', letter]),
                '\n' | '\r' => out.push(' '),
                other => out.push(other),
            }
        }
    }
    out.push('"');
    out
}
