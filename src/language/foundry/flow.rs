//! The one block that a Foundry workflow becomes: nodes in a row, and jumps to places that are known once all are there.

use std::sync::Arc;

use crate::expr::Expression;
use crate::expr::foundry::Test;
use crate::graph::{Aim, Builder, Graph, Header, Jump, Node, NodeId, Op};

/// A place in the block, perhaps not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// Nodes in the order in which they run.
#[derive(Debug, Default)]
pub(super) struct Flow {
    nodes: Vec<(Node, Option<Aims>)>,
    /// What stands at each label: the position of a node, or of the end.
    labels: Vec<Option<usize>>,
    /// Where a label was placed last.
    placed: Option<usize>,
}

/// Where a jump goes: conditions with their places, and the place where none holds; without it, what follows.
#[derive(Debug)]
struct Aims {
    arms: Vec<(Arc<Expression>, Label)>,
    otherwise: Option<Label>,
    /// Whether it ends by itself, however often it is taken: by the items there are, or by a person.
    ends: bool,
}

impl Flow {
    /// A place that is to be filled in.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// What comes next stands at this place.
    pub fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.nodes.len());
        self.placed = Some(self.nodes.len());
    }

    /// A place at which what comes next stands.
    pub fn here(&mut self) -> Label {
        let label = self.label();
        self.place(label);
        label
    }

    /// Two places are the same, once the second is known.
    pub fn same(&mut self, label: Label, other: Label) {
        self.labels[label.0] = self.labels[other.0];
    }

    /// Whether anything leads to what comes next: it does not follow on an end or a jump elsewhere, or is jumped to.
    pub fn is_reached(&self) -> bool {
        let here = self.nodes.len();
        let leaves = self.nodes.last().is_some_and(|(node, aims)| match aims {
            Some(aims) => aims.otherwise.is_some(),
            None => matches!(node.op, Op::End { when: None, .. }),
        });
        !leaves || self.placed == Some(here)
    }

    /// Adds a node.
    pub fn push(&mut self, node: Node) {
        self.nodes.push((node, None));
    }

    /// Adds a jump; the operation of the node is made here.
    pub fn jump(&mut self, node: Node, arms: Vec<(Test, Label)>, otherwise: Option<Label>) {
        let arm = |(test, label)| (Arc::new(Expression::Foundry(test)), label);
        let arms = arms.into_iter().map(arm).collect();
        let ends = false;
        self.nodes.push((node, Some(Aims { arms, otherwise, ends })));
    }

    /// Adds a jump back that is taken no more often than there are items, or than a person answers.
    pub fn jump_back(&mut self, node: Node, to: Label) {
        let aims = Aims {
            arms: Vec::new(),
            otherwise: Some(to),
            ends: true,
        };
        self.nodes.push((node, Some(aims)));
    }

    /// The nodes, to be changed once all are known.
    pub fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.nodes.iter_mut().map(|(node, _)| node)
    }

    /// The graph. `limit` is how many jumps backwards there may be.
    pub fn finish(self, mut builder: Builder, header: Header, limit: u32) -> Graph {
        // The nodes inside others are there already.
        let first = builder.len();
        let count = self.nodes.len();
        let aim = |label: Label| match self.labels[label.0] {
            Some(at) if at < count => Aim::Node(NodeId((first + at) as u32)),
            _ => Aim::End,
        };
        let mut block = Vec::with_capacity(count);
        for (mut node, aims) in self.nodes {
            if let Some(aims) = aims {
                node.op = Op::Jump(Box::new(Jump {
                    arms: aims.arms.into_iter().map(|(test, label)| (test, aim(label))).collect(),
                    otherwise: aims.otherwise.map(aim),
                    limit: if aims.ends { u32::MAX } else { limit },
                }));
            }
            block.push(builder.node(node));
        }
        let body = builder.block(block);
        builder.finish(header, body)
    }
}
