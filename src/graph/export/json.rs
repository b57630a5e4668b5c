use petgraph::visit::EdgeRef;
use serde_json::{Value, json};

use crate::graph::{Edge, Graph};

/// The graph as JSON: `{id, name, purpose, version, nodes, edges}`.
///
/// A node is `{id, kind, operation, name, purpose}`; an edge `{from, to, type, label}` with the ids of nodes and the type
/// `next` (what follows), `into` (the first of a block inside) or `jump` (where the block goes on instead).
pub fn to_json(graph: &Graph) -> Value {
    let header = &graph.header;
    let nodes: Vec<Value> = graph
        .walk()
        .into_iter()
        .map(|id| {
            let node = graph.node(id);
            json!({
                "id": node.id,
                "kind": node.kind,
                "operation": node.op.label(),
                "name": node.name,
                "purpose": node.purpose,
            })
        })
        .collect();
    let edges: Vec<Value> = graph
        .nodes
        .edge_references()
        .map(|edge| {
            let (from, to) = (&graph.nodes[edge.source()].id, &graph.nodes[edge.target()].id);
            match edge.weight() {
                Edge::Next => json!({ "from": from, "to": to, "type": "next", "label": null }),
                Edge::Jump(label) => json!({ "from": from, "to": to, "type": "jump", "label": label }),
                Edge::Into(label) => json!({ "from": from, "to": to, "type": "into", "label": label }),
            }
        })
        .collect();
    json!({
        "id": header.id,
        "version": header.version,
        "name": header.name,
        "purpose": header.purpose,
        "nodes": nodes,
        "edges": edges,
    })
}
