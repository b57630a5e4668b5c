//! What there is to be covered in a step.

use crate::expr::Expression;
use crate::graph::{Fail, Join, Node, Op};

/// Something that the cases of a workflow should bring about in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Point {
    /// It runs.
    Ran,
    /// One of its conditions comes out true, or false.
    Outcome(Condition, bool),
    /// The n-th `catch` handler is entered.
    Caught(u32),
    /// `finally` runs.
    CleanedUp,
    /// The n-th branch of a race wins.
    Won(u32),
}

/// A condition of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Condition {
    /// Whether the step runs.
    Step,
    /// Whether its unit does anything.
    Unit,
    /// Of the n-th arm.
    Arm(u32),
    /// Of the n-th branch beside others.
    Branch(u32),
    /// Of a loop.
    Loop,
    /// The rules of a guardrail, all together.
    Rules,
    /// Of the n-th `catch` handler.
    Handler(u32),
}

impl Condition {
    /// Its text; rules are several.
    pub fn of(self, node: &Node) -> Option<&Expression> {
        let keys = node.keys.as_deref();
        match (self, &node.op) {
            (Condition::Step, _) => keys?.condition.as_deref(),
            (Condition::Handler(at), _) => keys?.catch.get(at as usize)?.when.as_deref(),
            (Condition::Unit, op) => when(op),
            (Condition::Arm(at), Op::Choose { arms, .. }) => arms.get(at as usize).map(|(condition, _)| &**condition),
            (Condition::Arm(at), Op::Jump(jump)) => jump.arms.get(at as usize).map(|(condition, _)| &**condition),
            (Condition::Branch(at), Op::Fork(fork)) => fork.branches.get(at as usize)?.condition.as_deref(),
            (Condition::Loop, Op::Loop(repeat)) => Some(&repeat.condition),
            _ => None,
        }
    }
}

/// The condition on which a unit does anything at all.
pub(super) fn when(op: &Op) -> Option<&Expression> {
    match op {
        Op::Emit { when, .. } | Op::End { when, .. } | Op::Cancel { when, .. } => when.as_deref(),
        Op::Fail(fail) => match &**fail {
            Fail::New { when, .. } => when.as_deref(),
            Fail::Again(_) => None,
        },
        Op::Suspend(suspend) => suspend.when.as_deref(),
        Op::Approve(approve) => Some(&approve.when),
        _ => None,
    }
}

/// Whether the branches beside each other are a race.
pub(super) fn is_race(join: Join) -> bool {
    matches!(join, Join::FirstSettled | Join::FirstSuccess)
}

/// The points of a step, in the order in which they are told.
pub(super) fn of(node: &Node) -> Vec<Point> {
    let mut points = vec![Point::Ran];
    let mut both = |condition| points.extend([true, false].map(|outcome| Point::Outcome(condition, outcome)));
    let keys = node.keys.as_deref();
    if keys.is_some_and(|keys| keys.condition.is_some()) {
        both(Condition::Step);
    }
    if when(&node.op).is_some() {
        both(Condition::Unit);
    }
    match &node.op {
        Op::Choose { arms, .. } => (0..arms.len()).for_each(|at| both(Condition::Arm(at as u32))),
        Op::Jump(jump) => (0..jump.arms.len()).for_each(|at| both(Condition::Arm(at as u32))),
        Op::Loop(_) => both(Condition::Loop),
        Op::Guard(_) => both(Condition::Rules),
        Op::Fork(fork) => {
            for (at, branch) in fork.branches.iter().enumerate() {
                if branch.condition.is_some() {
                    both(Condition::Branch(at as u32));
                }
            }
            if is_race(fork.join) {
                points.extend((0..fork.branches.len()).map(|at| Point::Won(at as u32)));
            }
        }
        _ => {}
    }
    if let Some(keys) = keys {
        for (at, handler) in keys.catch.iter().enumerate() {
            points.push(Point::Caught(at as u32));
            // That it was true is that the handler was entered.
            if handler.when.is_some() {
                points.push(Point::Outcome(Condition::Handler(at as u32), false));
            }
        }
        if keys.cleanup.is_some() {
            points.push(Point::CleanedUp);
        }
    }
    points
}
