//! Which events the steps of a workflow take and give. Steps hand each other data rather than events, so only those that
//! begin, end, ask, wait or tell something have any.

use std::collections::HashMap;

use super::classes::{Base, Classes, asks, start, stop};
use crate::graph::{Name, NodeId, Op, Program};
use crate::serve::outline;

/// What a step does with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It begins with it, or goes on with it.
    Takes,
    /// It tells it, or ends with it.
    Gives,
}

/// An event that a step takes or gives.
#[derive(Debug)]
pub(super) struct Wire {
    /// The step that an author knows.
    pub step: NodeId,
    pub way: Way,
    pub event: Name,
}

/// The events of the steps of a program.
pub(super) fn wires(program: &Program) -> Vec<Wire> {
    let header = &program.main().header;
    let mut wires = Vec::new();
    let mut add = |step: NodeId, way: Way, event: &str| {
        let event = Name::from(event);
        wires.push(Wire { step, way, event });
    };
    if let Some((first, _)) = outline::top(program).next() {
        add(first, Way::Takes, start(header));
    }
    for (index, step) in program.steps.iter().enumerate() {
        let Some(owner) = owner(program, NodeId(index as u32)) else {
            continue;
        };
        match &step.node.op {
            Op::Emit { event, .. } => add(owner, Way::Gives, event),
            Op::WaitFor(wait) => add(owner, Way::Takes, &wait.event),
            op @ (Op::Suspend(_) | Op::Approve(_)) => {
                let (request, response) = asks(op);
                add(owner, Way::Gives, request);
                add(owner, Way::Takes, response);
            }
            Op::End { .. } if step.workflow == program.step(program.root()).workflow => {
                add(owner, Way::Gives, stop(header, None));
            }
            _ => {}
        }
    }
    if let Some((last, _)) = outline::top(program).last() {
        add(last, Way::Gives, stop(header, None));
    }
    wires
}

/// The step that an author knows a node by: itself, or the one around it.
pub(super) fn owner(program: &Program, node: NodeId) -> Option<NodeId> {
    let step = program.step(node);
    if step.node.named {
        return Some(node);
    }
    let (owner, _) = step.node.id.split_once('/')?;
    program.workflow(step.workflow).named.get(owner).copied()
}

/// The names of the events that steps take and give, for who watches them.
pub(super) struct Wiring {
    start: Name,
    steps: HashMap<NodeId, (Option<Name>, Option<Name>)>,
}

impl Wiring {
    pub fn of(program: &Program) -> Wiring {
        let mut steps: HashMap<NodeId, (Option<Name>, Option<Name>)> = HashMap::new();
        for wire in wires(program) {
            let (takes, gives) = steps.entry(wire.step).or_default();
            match wire.way {
                Way::Takes => takes.get_or_insert(wire.event),
                Way::Gives => gives.get_or_insert(wire.event),
            };
        }
        Wiring {
            start: start(&program.main().header).into(),
            steps,
        }
    }

    /// What a step takes. Clients need a name, so one that is handed data is said to take what the workflow began with.
    pub fn takes(&self, step: NodeId) -> &str {
        let takes = self.steps.get(&step).and_then(|(takes, _)| takes.as_deref());
        takes.unwrap_or(&self.start)
    }

    /// What it gives, if that is an event.
    pub fn gives(&self, step: NodeId) -> Option<&str> {
        self.steps.get(&step).and_then(|(_, gives)| gives.as_deref())
    }
}

/// Whether people, or other systems, are asked with events of a class.
pub(super) fn leads_outside(classes: &Classes, event: &str) -> bool {
    classes
        .get(event)
        .is_some_and(|class| class.base == Some(Base::Request))
}

/// Whether events of a class come from outside.
pub(super) fn comes_from_outside(classes: &Classes, event: &str) -> bool {
    classes
        .get(event)
        .is_some_and(|class| class.base == Some(Base::Response))
}
