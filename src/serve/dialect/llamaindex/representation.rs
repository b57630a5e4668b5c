//! A workflow as a graph of steps and events, as the debugger draws it.

use indexmap::IndexMap;

use super::classes::{Base, Class, Classes};
use super::describe::schema;
use super::wiring::{Way, Wire, comes_from_outside, leads_outside, owner, wires};
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{BlockId, Name, NodeId, Program};
use crate::serve::outline;

/// The node that stands for people and other systems.
const OUTSIDE: &str = "external_step";

/// The graph of a workflow: its own steps, those inside steps included, the events that they take and give, and who is
/// asked outside.
pub(super) fn graph(program: &Program) -> Data {
    let classes = Classes::of(program);
    let header = &program.main().header;
    let steps = steps(program);
    let wires: Vec<Wire> = wires(program)
        .into_iter()
        .filter(|wire| steps.contains_key(&wire.step))
        .collect();
    let mut nodes: Vec<Data> = steps.keys().map(|step| step_node(program, *step)).collect();
    let mut edges = Vec::new();
    let mut edge = |source: &str, target: &str, label: Option<&str>| {
        let label = label.filter(|label| !label.is_empty()).map_or(Data::Null, Data::from);
        let edge = data!({ "source": source, "target": target, "label": label });
        if !edges.contains(&edge) {
            edges.push(edge);
        }
    };
    for (from, to, label) in successions(program, &steps) {
        edge(&program.step(from).node.id, &program.step(to).node.id, label.as_deref());
    }
    let mut events: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for wire in &wires {
        let step: &str = &program.step(wire.step).node.id;
        let event = event_id(&wire.event);
        let producers = events.entry(&wire.event).or_default();
        match wire.way {
            Way::Takes => edge(&event, step, None),
            Way::Gives => {
                edge(step, &event, None);
                if !producers.contains(&step) {
                    producers.push(step);
                }
            }
        }
    }
    let mut outside = false;
    for event in events.keys() {
        if leads_outside(&classes, event) {
            edge(&event_id(event), OUTSIDE, None);
            outside = true;
        }
        if comes_from_outside(&classes, event) {
            edge(OUTSIDE, &event_id(event), None);
            outside = true;
        }
    }
    nodes.extend(events.iter().filter_map(|(event, producers)| {
        let class = classes.get(event)?;
        Some(event_node(event, class, producers))
    }));
    if outside {
        nodes.push(data!({ "id": OUTSIDE, "label": "outside", "node_type": "external" }));
    }
    let description = header.description.as_ref().or(header.purpose.as_ref());
    data!({
        "name": header.id.clone(),
        "description": text(description),
        "nodes": nodes,
        "edges": edges
    })
}

/// Steps and events may have the same name.
fn event_id(event: &str) -> String {
    format!("event:{event}")
}

/// The steps of the workflow itself that authors know, in the order they are written.
fn steps(program: &Program) -> IndexMap<NodeId, ()> {
    let main = program.step(program.root()).workflow;
    let mut found = IndexMap::new();
    // A stack instead of recursion: nesting is the author's to choose.
    let mut open: Vec<NodeId> = in_block(program, program.main().body).collect();
    open.reverse();
    while let Some(id) = open.pop() {
        let step = program.step(id);
        if step.node.named && step.workflow == main {
            found.insert(id, ());
        }
        for (block, _) in step.node.blocks().into_iter().rev() {
            let inside: Vec<NodeId> = in_block(program, block).collect();
            open.extend(inside.into_iter().rev());
        }
    }
    found
}

fn in_block(program: &Program, block: BlockId) -> impl Iterator<Item = NodeId> {
    let first = program.block(block).first;
    std::iter::successors(first, move |node| program.step(*node).next)
}

/// What follows what, and what is inside what.
fn successions(program: &Program, steps: &IndexMap<NodeId, ()>) -> Vec<(NodeId, NodeId, Option<String>)> {
    let mut found = Vec::new();
    for step in steps.keys() {
        if let Some(next) = program.step(*step).next {
            found.push((*step, next, None));
        }
    }
    for (index, node) in program.steps.iter().enumerate() {
        let Some(around) = owner(program, NodeId(index as u32)) else {
            continue;
        };
        for (block, label) in node.node.blocks() {
            if let Some(first) = program.block(block).first {
                found.push((around, first, Some(label)));
            }
        }
    }
    found.retain(|(from, to, _)| from != to && steps.contains_key(from) && steps.contains_key(to));
    found
}

fn step_node(program: &Program, id: NodeId) -> Data {
    let step = program.step(id);
    data!({
        "id": step.node.id.clone(),
        "label": outline::name(step).clone(),
        "node_type": "step",
        "description": text(step.node.purpose.as_ref())
    })
}

fn event_node(event: &str, class: &Class, producers: &[&str]) -> Data {
    let mut types = vec![event];
    types.extend(class.base.map(Base::name).filter(|base| *base != event));
    let list = |names: &[&str]| -> Data { names.iter().map(|name| Data::from(*name)).collect::<Vec<_>>().into() };
    data!({
        "id": event_id(event),
        "label": event,
        "node_type": "event",
        "event_type": event,
        "event_types": list(&types),
        "event_schema": Data::from(Map::clone(&schema(event, class))),
        "produced_by": list(producers)
    })
}

fn text(text: Option<&Name>) -> Data {
    text.map_or(Data::Null, |text| Data::Text(text.clone()))
}
