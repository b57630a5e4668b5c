//! Drawings: every step is in them, boxes do not overlap, and a run is coloured onto them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use interpret::expr::{Build, Expression};
use interpret::graph::export::{Mark, Marks, to_dot, to_json, to_mermaid, to_svg, to_tree};
use interpret::graph::{Aim, Builder, Graph, Header, Jump, Node, Op};
use interpret::load;
use interpret::source::{Sources, Span};
use serde_json::json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every example, and the workflow that has every kind and unit in it.
fn graphs() -> Vec<Arc<Graph>> {
    let paths: Vec<PathBuf> = vec![
        root().join("workflows"),
        root().join("src/language/native/tests/every.yaml"),
    ];
    let loaded = load::load(&paths);
    let graphs: Vec<Arc<Graph>> = loaded.workflows().cloned().collect();
    assert!(graphs.len() > 10, "{}", graphs.len());
    graphs
}

fn graph(id: &str) -> Arc<Graph> {
    let found = graphs().into_iter().find(|graph| &*graph.header.id == id);
    found.unwrap_or_else(|| panic!("there is no {id}"))
}

/// A run of `book-trip` whose second booking failed.
fn failed_trip() -> Marks {
    let mut marks = Marks::default();
    marks.add("trip/flight", Mark::Success);
    marks.add("trip/hotel", Mark::Error);
    marks.add("trip/undo", Mark::Success);
    marks.add("trip/undo", Mark::Success);
    marks.add("trip/sorry", Mark::Error);
    marks.add("trip/close", Mark::Success);
    marks.add("trip", Mark::Error);
    marks
}

#[test]
fn every_step_is_in_every_drawing() {
    let none = Marks::default();
    for graph in graphs() {
        let drawings = [
            to_mermaid(&graph, &none),
            to_dot(&graph, &none),
            to_svg(&graph, &none),
            to_tree(&graph, &none),
        ];
        for id in graph.walk() {
            let id = &graph.node(id).id;
            for drawing in &drawings {
                assert!(drawing.contains(&**id), "{id} is not in\n{drawing}");
            }
        }
    }
}

#[test]
fn a_run_is_coloured_onto_each_drawing() {
    let graph = graph("book-trip");
    let marks = failed_trip();
    insta::assert_snapshot!("drawing_tree", to_tree(&graph, &marks));
    insta::assert_snapshot!("drawing_mermaid", to_mermaid(&graph, &marks));
    insta::assert_snapshot!("drawing_dot", to_dot(&graph, &marks));
    let plain = to_svg(&graph, &Marks::default());
    let coloured = to_svg(&graph, &marks);
    assert!(!plain.contains("stroke-width:2.5"));
    // Six steps, and success and error in the legend.
    assert_eq!(coloured.matches("stroke-width:2.5").count(), 8);
    assert!(coloured.contains("undo ×2"));
}

#[test]
fn an_svg_is_well_formed_whatever_its_author_wrote() {
    let text = "kind: Workflow\nid: odd\nsteps:\n  - { kind: andWhen, id: a, condition: \"=input.x < 1 and input.y == '&\\\"<b>'\", set: { a: 1 } }\n";
    let loaded = load::load_text("odd.yaml", text);
    let mut all = graphs();
    all.extend(loaded.workflows().cloned());
    assert_eq!(all.last().map(|graph| &*graph.header.id), Some("odd"));
    for graph in all {
        let svg = to_svg(&graph, &Marks::default());
        let mut open = Vec::new();
        for part in svg.split('<').skip(1) {
            let (tag, _) = part.split_once('>').expect("a tag that ends");
            let name = tag
                .trim_start_matches('/')
                .split([' ', '/'])
                .next()
                .unwrap_or_default()
                .to_owned();
            match (tag.starts_with('/'), tag.ends_with('/')) {
                (true, _) => assert_eq!(open.pop(), Some(name)),
                (false, true) => {}
                (false, false) => open.push(name),
            }
            let loose = part.match_indices('&').find(|(at, _)| {
                let rest = &part[*at..];
                !["&amp;", "&lt;", "&gt;", "&quot;"]
                    .iter()
                    .any(|entity| rest.starts_with(entity))
            });
            assert_eq!(loose, None, "{part}");
        }
        assert!(open.is_empty(), "{open:?} stay open");
    }
}

/// The corners of a box: left, top, right, bottom.
type Area = [f64; 4];

/// The boxes of steps and of the legend.
fn boxes(svg: &str) -> Vec<Area> {
    let mut found = Vec::new();
    for line in svg.lines().filter(|line| line.contains("class=\"box\"")) {
        let value = |key: &str| {
            let (_, rest) = line.split_once(&format!(" {key}=\""))?;
            rest.split('"').next().map(str::to_owned)
        };
        let number = |key: &str| value(key).and_then(|text| text.parse::<f64>().ok()).expect("a number");
        let Some(path) = value("d") else {
            let (x, y) = (number("x"), number("y"));
            found.push([x, y, x + number("width"), y + number("height")]);
            continue;
        };
        let mut area = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
        for command in path
            .split_inclusive(['M', 'H', 'L', 'z'])
            .collect::<Vec<_>>()
            .windows(2)
        {
            let letter = command[0].chars().last().expect("a command");
            let places: Vec<f64> = command[1]
                .trim_end_matches(['M', 'H', 'L', 'z'])
                .split(' ')
                .filter_map(|text| text.parse().ok())
                .collect();
            match (letter, places.as_slice()) {
                ('M' | 'L', [x, y]) => area = [area[0].min(*x), area[1].min(*y), area[2].max(*x), area[3].max(*y)],
                ('H', [x]) => area = [area[0].min(*x), area[1], area[2].max(*x), area[3]],
                other => panic!("{other:?} in {path}"),
            }
        }
        found.push(area);
    }
    found
}

#[test]
fn no_boxes_overlap_and_none_stick_out() {
    for graph in graphs() {
        let svg = to_svg(&graph, &failed_trip());
        let boxes = boxes(&svg);
        assert!(boxes.len() >= 3, "{svg}");
        let size: Vec<f64> = svg.split_once("viewBox=\"0 0 ").map_or(Vec::new(), |(_, rest)| {
            let size = rest.split('"').next().unwrap_or_default();
            size.split(' ').filter_map(|text| text.parse().ok()).collect()
        });
        for (at, a) in boxes.iter().enumerate() {
            assert!(
                a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= size[0] && a[3] <= size[1],
                "{a:?} in {size:?}"
            );
            for b in &boxes[at + 1..] {
                let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
                assert!(apart, "{}: {a:?} overlaps {b:?}", graph.header.id);
            }
        }
    }
}

#[test]
fn quotes_and_braces_of_dot_are_closed() {
    let graph = graph("book-trip");
    let dot = to_dot(&graph, &failed_trip());
    // Braces and quotes are all that its grammar could trip over here.
    let mut depth = 0_i32;
    let mut quoted = false;
    let mut escaped = false;
    for letter in dot.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
        assert!(depth >= 0);
    }
    assert_eq!((depth, quoted), (0, false));
}

/// A jump that goes back, one that goes on elsewhere in any case, and one inside a step.
fn jumps() -> Graph {
    let mut sources = Sources::new();
    let origin = Span::new(sources.add("jumps", ""), 0, 0);
    let step = |id: &str, op: Op| Node {
        id: id.into(),
        kind: "andThen",
        name: None,
        purpose: None,
        origin,
        named: true,
        op,
        keys: None,
    };
    let set = || Op::Set(Build::from_scalar("=data").unwrap());
    let jump = |arms: Vec<(&str, Aim)>, otherwise: Option<Aim>| {
        let arms = arms.into_iter();
        Op::Jump(Box::new(Jump {
            arms: arms
                .map(|(when, aim)| (Arc::new(Expression::compile(when).unwrap()), aim))
                .collect(),
            otherwise,
            limit: 10,
        }))
    };
    let mut builder = Builder::new();
    let inner = builder.node(step("leave", jump(vec![("data == 1", Aim::End)], None)));
    let last = builder.node(step("rest", set()));
    let block = builder.block(vec![inner, last]);
    let ask = builder.node(step("ask", set()));
    let shop = builder.node(step("shop", Op::Block(block)));
    let back = builder.node(step(
        "back",
        jump(vec![("data < 3", Aim::Node(ask)), ("data > 9", Aim::End)], None),
    ));
    let over = builder.node(step("over", jump(vec![], Some(Aim::End))));
    let tail = builder.node(step("tail", set()));
    builder.jump_mut(over).unwrap().otherwise = Some(Aim::Node(tail));
    let never = builder.node(step("never", set()));
    let body = builder.block(vec![ask, shop, back, over, never, tail]);
    builder.finish(Header::new("jumps", origin), body)
}

#[test]
fn jumps_are_in_every_drawing() {
    let (graph, none) = (jumps(), Marks::default());
    insta::assert_snapshot!("jumps_tree", to_tree(&graph, &none));
    insta::assert_snapshot!("jumps_mermaid", to_mermaid(&graph, &none));
    insta::assert_snapshot!("jumps_dot", to_dot(&graph, &none));
    let svg = to_svg(&graph, &none);
    // Four ways, and one in the legend.
    assert_eq!(svg.matches("class=\"way back\"").count(), 5, "{svg}");
    let edges = to_json(&graph)["edges"].as_array().unwrap().clone();
    let jumps: Vec<_> = edges.iter().filter(|edge| edge["type"] == "jump").collect();
    assert_eq!(
        jumps,
        [
            &json!({ "from": "back", "to": "ask", "type": "jump", "label": "data < 3" }),
            &json!({ "from": "over", "to": "tail", "type": "jump", "label": "" }),
        ]
    );
    // Nothing follows what goes elsewhere in any case.
    assert!(
        !edges
            .iter()
            .any(|edge| edge["from"] == "over" && edge["type"] == "next")
    );
}
