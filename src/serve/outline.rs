//! The steps at the top of a workflow: what protocols that know no others show.

use crate::graph::{Name, NodeId, Program, Step};

/// The steps at the top of a workflow, in their order.
pub fn top(program: &Program) -> impl Iterator<Item = (NodeId, &Step)> {
    let first = program.block(program.main().body).first;
    let next = |node: &NodeId| program.step(*node).next;
    std::iter::successors(first, next).map(|node| (node, program.step(node)))
}

/// The place among the steps at the top of the one that an address leads through, counted from 0.
pub fn index(program: &Program, address: &str) -> Option<usize> {
    let end = address.find(['/', '+', '[', '@', ':']).unwrap_or(address.len());
    let id = &address[..end];
    top(program).position(|(_, step)| *step.node.id == *id)
}

/// The display name of a step, or its id.
pub fn name(step: &Step) -> &Name {
    step.node.name.as_ref().unwrap_or(&step.node.id)
}
