//! What every drawing shows: boxes in sequences, some with sequences inside.

use crate::expr::Build;
use crate::graph::{Aim, BlockId, Graph, Join, Node, NodeId, Op};

/// A workflow as boxes.
pub(super) struct Figure {
    /// The workflow's id.
    pub title: String,
    /// Its steps.
    pub body: Vec<Item>,
}

/// A step.
pub(super) struct Item {
    /// Its place in the graph, which names it in a drawing.
    pub node: NodeId,
    /// The id of the step.
    pub id: String,
    /// Its kind, and what it does.
    pub what: String,
    /// What must hold, or the step is skipped.
    pub condition: Option<String>,
    pub shape: Shape,
    /// What is inside; nothing in most steps.
    pub inside: Option<Inside>,
    /// Where the sequence may go on instead of at the next step.
    pub leaps: Vec<Leap>,
    /// Whether it may go on at the next step.
    pub goes_on: bool,
}

/// A way from a step to another of its sequence.
pub(super) struct Leap {
    /// The step; `None` is the end of the sequence.
    pub to: Option<NodeId>,
    /// What has to hold; empty where nothing needs to be said.
    pub label: String,
}

impl Leap {
    /// The step it leads to.
    pub fn target<'i>(&self, items: &'i [Item]) -> Option<&'i Item> {
        items.iter().find(|item| Some(item.node) == self.to)
    }

    /// What a drawing writes on its arrow.
    pub fn words(&self) -> Option<String> {
        match &*self.label {
            "" => None,
            "else" => Some("else".to_owned()),
            condition => Some(format!("if {condition}")),
        }
    }
}

impl Item {
    /// What to write of ways to the end of a sequence where no arrow can lead.
    pub fn to_the_end(&self) -> Option<String> {
        let words = |leap: &Leap| match leap.words() {
            Some(words) => format!("to the end {words}"),
            None => "to the end".to_owned(),
        };
        let all: Vec<String> = self.leaps.iter().filter(|leap| leap.to.is_none()).map(words).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// What a step without steps inside looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Evaluates something.
    Plain,
    /// Asks the outside world, or another workflow.
    Call,
    /// Waits.
    Wait,
    /// Raises an error, ends or cancels.
    Stop,
}

/// What is inside a step.
pub(super) struct Inside {
    pub flow: Flow,
    /// The step's own work, where it only has handlers around it.
    pub work: Option<String>,
    pub parts: Vec<Part>,
}

/// How the parts of a step go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flow {
    /// One after the other.
    Steps,
    /// One of them.
    Choice,
    /// Side by side.
    Parallel,
    /// Side by side, until one has settled.
    Race,
    /// Again and again, or once for each item.
    Repeat,
}

/// A sequence inside a step.
pub(super) struct Part {
    /// Its place in the graph, which names it in a drawing.
    pub block: BlockId,
    pub role: Role,
    /// The condition, key or error codes that lead here; empty where nothing needs to be said.
    pub label: String,
    pub items: Vec<Item>,
}

/// What a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The work itself.
    Work,
    /// What runs after an error.
    Handler,
    /// What runs in any case.
    Cleanup,
}

impl Figure {
    pub fn of(graph: &Graph) -> Figure {
        Figure {
            title: graph.header.id.to_string(),
            body: items(graph, graph.body),
        }
    }

    /// Every step, each before what is inside it.
    pub fn walk<'f>(&'f self, visit: &mut dyn FnMut(&'f Item)) {
        each(&self.body, visit);
    }
}

fn each<'f>(items: &'f [Item], visit: &mut dyn FnMut(&'f Item)) {
    for item in items {
        visit(item);
        for part in item.inside.iter().flat_map(|inside| &inside.parts) {
            each(&part.items, visit);
        }
    }
}

// Nesting is bounded: the reader of YAML refuses what is deeper than its limit.
fn items(graph: &Graph, block: BlockId) -> Vec<Item> {
    graph.block(block).iter().map(|id| item(graph, *id)).collect()
}

fn item(graph: &Graph, id: NodeId) -> Item {
    let node = graph.node(id);
    let blocks = node.blocks();
    let own = node.op.blocks().len();
    let handlers = node.keys.as_ref().map_or(0, |keys| keys.catch.len());
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, (block, label)) in blocks.into_iter().enumerate() {
        let role = match at {
            _ if at < own => Role::Work,
            _ if at < own + handlers => Role::Handler,
            _ => Role::Cleanup,
        };
        let label = match &node.op {
            // The title of the step says it.
            Op::Loop(_) | Op::ForEach(_) if role == Role::Work => String::new(),
            _ => label.trim().to_owned(),
        };
        parts.push(Part {
            block,
            role,
            label,
            items: items(graph, block),
        });
    }
    let flow = match &node.op {
        Op::Choose { .. } => Flow::Choice,
        Op::Fork(fork) => match fork.join {
            Join::All | Join::Settle => Flow::Parallel,
            Join::FirstSettled | Join::FirstSuccess => Flow::Race,
        },
        Op::ForEach(_) | Op::Loop(_) => Flow::Repeat,
        // The model chooses its tools.
        Op::Agent(_) => Flow::Choice,
        _ => Flow::Steps,
    };
    let condition = node.keys.as_ref().and_then(|keys| keys.condition.as_ref());
    let leaps = match &node.op {
        Op::Jump(jump) => {
            let leap = |(aim, label): (Aim, String)| Leap {
                to: match aim {
                    Aim::Node(to) => Some(to),
                    Aim::End => None,
                },
                label,
            };
            jump.aims().into_iter().map(leap).collect()
        }
        _ => Vec::new(),
    };
    Item {
        node: id,
        id: node.id.to_string(),
        what: what(node),
        condition: condition.map(|condition| condition.source().trim().to_owned()),
        shape: shape(&node.op),
        inside: (!parts.is_empty()).then(|| Inside {
            flow,
            work: (own == 0 || matches!(node.op, Op::Agent(_))).then(|| node.op.label().to_owned()),
            parts,
        }),
        leaps,
        goes_on: node.goes_on(),
    }
}

/// The kind of a step, and what an author would want to see of it.
fn what(node: &Node) -> String {
    let kind = node.kind;
    match &node.op {
        Op::Fork(fork) => match fork.join {
            Join::All | Join::FirstSettled => kind.to_owned(),
            Join::Settle => format!("{kind}, settle"),
            Join::FirstSuccess => format!("{kind}, until success"),
        },
        Op::Loop(repeat) => {
            let word = if repeat.ends_on { "until" } else { "while" };
            format!("{kind} {word} {}", repeat.condition.source().trim())
        }
        Op::ForEach(each) => match &each.items {
            Build::Expression(items) => format!("{kind} {} in {}", each.item, items.source().trim()),
            other => format!(
                "{kind} {} in {}",
                each.item,
                other.literal().cloned().unwrap_or_default()
            ),
        },
        Op::Enter(enter) => format!("{kind} {}", enter.workflow),
        Op::Agent(ask) if ask.definition.is_some() && ask.agent == node.id => kind.to_owned(),
        Op::Agent(ask) => format!("{kind} {}", ask.agent),
        Op::Approve(_) => kind.to_owned(),
        Op::Block(_) | Op::Choose { .. } | Op::Guard(_) => kind.to_owned(),
        // A unit in a branch or handler has no kind beside it.
        op if op.label() == kind => kind.to_owned(),
        op => format!("{kind}: {}", op.label()),
    }
}

fn shape(op: &Op) -> Shape {
    match op {
        Op::Suspend(_) | Op::WaitFor(_) | Op::Sleep(_) | Op::Approve(_) => Shape::Wait,
        Op::Call(_) | Op::Enter(_) | Op::Agent(_) => Shape::Call,
        Op::Fail(_) | Op::End { .. } | Op::Cancel { .. } => Shape::Stop,
        _ => Shape::Plain,
    }
}
