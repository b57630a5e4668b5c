//! What a run has covered, by its events.

use std::collections::HashMap;

use super::points::{self, Condition, Point};
use crate::graph::{Aim, Handler, Join, NodeId, OnLimit, Op, Program, Step};
use crate::run::{Event, EventKind, Failure, Part, Recovery, ScopeId, StepEnd, Verdict};

/// How often the points of steps were brought about.
pub(super) type Hits = HashMap<(NodeId, Point), u32>;

/// A step in progress.
struct At {
    node: NodeId,
    /// Whether its attempt has opened a block, begun to wait, or told an event.
    acted: bool,
    /// Whether its attempt is being handled.
    caught: bool,
    /// Whether a branch of the race has won.
    won: bool,
    /// How many iterations of the loop have begun, how many there may be, and whether the last one has ended.
    begun: u32,
    most: u32,
    ended: bool,
}

struct Follower<'p> {
    program: &'p Program,
    at: HashMap<ScopeId, At>,
    /// The scopes of branches and iterations: the step they belong to, and which one of it they are.
    inside: HashMap<ScopeId, (ScopeId, u32)>,
    hits: Hits,
}

/// Follows the events of one run.
pub(super) fn follow(program: &Program, events: &[Event]) -> Hits {
    let mut follower = Follower {
        program,
        at: HashMap::new(),
        inside: HashMap::new(),
        hits: Hits::new(),
    };
    for (index, event) in events.iter().enumerate() {
        // An `end` that does something decides about the workflow at once.
        let ends = events.get(index + 1).is_some_and(|next| {
            matches!(
                next.kind,
                EventKind::Unwinding {
                    verdict: Verdict::Ended(_),
                    ..
                }
            )
        });
        follower.event(&event.kind, ends);
    }
    follower.hits
}

impl<'p> Follower<'p> {
    fn hit(&mut self, node: NodeId, point: Point) {
        *self.hits.entry((node, point)).or_default() += 1;
    }

    fn outcome(&mut self, node: NodeId, condition: Condition, outcome: bool) {
        self.hit(node, Point::Outcome(condition, outcome));
    }

    fn step(&self, node: NodeId) -> &'p Step {
        self.program.step(node)
    }

    fn event(&mut self, event: &EventKind, ends: bool) {
        match event {
            EventKind::StepStarted { scope, node, .. } => {
                self.hit(*node, Point::Ran);
                if Condition::Step.of(&self.step(*node).node).is_some() {
                    self.outcome(*node, Condition::Step, true);
                }
                let at = At {
                    node: *node,
                    acted: false,
                    caught: false,
                    won: false,
                    begun: 0,
                    most: 0,
                    ended: false,
                };
                self.at.insert(*scope, at);
            }
            EventKind::StepSkipped { scope, node } => {
                self.outcome(*node, Condition::Step, false);
                self.over(*scope, self.step(*node).next, true);
            }
            EventKind::AttemptStarted { scope, .. } => {
                if let Some(at) = self.at.get_mut(scope) {
                    (at.acted, at.won, at.begun, at.ended) = (false, false, 0, false);
                }
            }
            EventKind::Emitted { scope, .. } | EventKind::WaitStarted { scope, .. } => {
                let Some(at) = self.at.get_mut(scope) else { return };
                at.acted = true;
                let node = at.node;
                if points::when(&self.step(node).node.op).is_some() {
                    self.outcome(node, Condition::Unit, true);
                }
            }
            EventKind::ChildStarted { child, .. } => drop(self.inside.remove(child)),
            EventKind::BlockStarted { scope, child, part, .. } => self.block(*scope, *child, *part),
            EventKind::ForkStarted { scope, chosen } => {
                let Some(node) = self.at.get(scope).map(|at| at.node) else {
                    return;
                };
                for (branch, chosen) in chosen.iter().enumerate() {
                    self.branch(node, branch, *chosen);
                }
            }
            EventKind::LoopStarted { scope, max_iterations } => {
                if let Some(at) = self.at.get_mut(scope) {
                    at.most = *max_iterations;
                }
            }
            EventKind::AttemptFailed { scope, failure, then } => {
                let Some(at) = self.at.get_mut(scope) else { return };
                let node = at.node;
                let taken = match then {
                    Recovery::Handle(handler) => {
                        at.caught = true;
                        Some(*handler)
                    }
                    Recovery::Retry(_) => None,
                };
                self.failed(node, failure);
                if let Some(taken) = taken {
                    self.hit(node, Point::Caught(taken));
                    self.passed_over(node, failure, taken as usize);
                }
            }
            EventKind::StepEnded { scope, node, end } => {
                self.ended(*scope, *node, end, ends);
                if !ends {
                    self.over(*scope, self.after(*node, end), !matches!(end, StepEnd::Failed(_)));
                }
                self.at.remove(scope);
            }
            _ => {}
        }
    }

    fn block(&mut self, scope: ScopeId, child: ScopeId, part: Part) {
        self.inside.remove(&child);
        let Some(at) = self.at.get_mut(&scope) else { return };
        let node = at.node;
        let program = self.program;
        let Part::Body(which) = part else {
            if part == Part::Cleanup {
                self.hit(node, Point::CleanedUp);
            }
            return;
        };
        at.acted = true;
        match &program.step(node).node.op {
            Op::Choose { arms, .. } => {
                for arm in 0..arms.len().min(which as usize + 1) {
                    self.outcome(node, Condition::Arm(arm as u32), arm as u32 == which);
                }
            }
            Op::Fork(fork) => match fork.branches.get(which as usize) {
                Some(branch) if points::is_race(fork.join) => {
                    self.inside.insert(child, (scope, which));
                    if program.block(branch.block).first.is_none() {
                        self.won(scope, which);
                    }
                }
                Some(_) => {}
                None => (0..fork.branches.len()).for_each(|branch| self.branch(node, branch, false)),
            },
            Op::Loop(repeat) => {
                at.begun = which + 1;
                at.ended = program.block(repeat.block).first.is_none();
                self.inside.insert(child, (scope, which));
                if which > 0 {
                    self.outcome(node, Condition::Loop, !repeat.ends_on);
                }
            }
            _ => {}
        }
    }

    fn branch(&mut self, node: NodeId, branch: usize, chosen: bool) {
        let condition = Condition::Branch(branch as u32);
        if condition.of(&self.step(node).node).is_some() {
            self.outcome(node, condition, chosen);
        }
    }

    /// The step at which the block goes on behind one that has ended well.
    fn after(&self, node: NodeId, end: &StepEnd) -> Option<NodeId> {
        let step = self.step(node);
        match (&step.node.op, end) {
            (Op::Jump(jump), StepEnd::Success { arm: Some(arm), .. }) => match jump.aim(*arm)? {
                Aim::Node(to) => Some(to),
                Aim::End => None,
            },
            _ => step.next,
        }
    }

    /// A step is over, and with it perhaps the branch or iteration it was the last of.
    fn over(&mut self, scope: ScopeId, next: Option<NodeId>, well: bool) {
        if well && next.is_some() {
            return;
        }
        let Some((outer, which)) = self.inside.get(&scope).copied() else {
            return;
        };
        let Some(at) = self.at.get_mut(&outer) else { return };
        match &self.program.step(at.node).node.op {
            Op::Loop(_) => at.ended = well,
            Op::Fork(fork) if well || fork.join == Join::FirstSettled => self.won(outer, which),
            _ => {}
        }
    }

    fn won(&mut self, scope: ScopeId, branch: u32) {
        let Some(at) = self.at.get_mut(&scope) else { return };
        if !std::mem::replace(&mut at.won, true) {
            let node = at.node;
            self.hit(node, Point::Won(branch));
        }
    }

    /// What the failure of an attempt tells about the conditions of its step.
    fn failed(&mut self, node: NodeId, failure: &Failure) {
        let step = self.step(node);
        if failure.step.as_ref() != Some(&step.node.id) {
            return;
        }
        match &step.node.op {
            Op::Fail(fail) => {
                if let crate::graph::Fail::New {
                    when: Some(_), code, ..
                } = &**fail
                    && *code == failure.code
                {
                    self.outcome(node, Condition::Unit, true);
                }
            }
            Op::Guard(_) if *failure.code == *"guardrail.failed" => self.outcome(node, Condition::Rules, false),
            Op::Loop(repeat) if *failure.code == *"loop.limit" => {
                self.outcome(node, Condition::Loop, !repeat.ends_on);
            }
            _ => {}
        }
    }

    /// The handlers before one were asked, and did not want the failure.
    fn passed_over(&mut self, node: NodeId, failure: &Failure, before: usize) {
        let Some(keys) = self.step(node).node.keys.as_deref() else {
            return;
        };
        let asked = |handler: &Handler| {
            let codes = handler.on.as_ref();
            handler.when.is_some() && codes.is_none_or(|codes| codes.iter().any(|code| code.matches(&failure.code)))
        };
        for (at, handler) in keys.catch.iter().enumerate().take(before) {
            if asked(handler) {
                self.outcome(node, Condition::Handler(at as u32), false);
            }
        }
    }

    /// The conditions of a jump up to the one that held, if one did.
    fn jumped(&mut self, node: NodeId, arm: u32) {
        let Op::Jump(jump) = &self.step(node).node.op else {
            return;
        };
        for at in 0..jump.arms.len().min(arm as usize + 1) {
            self.outcome(node, Condition::Arm(at as u32), at as u32 == arm);
        }
    }

    fn ended(&mut self, scope: ScopeId, node: NodeId, end: &StepEnd, ends: bool) {
        let Some(at) = self.at.get(&scope) else { return };
        let (acted, caught, iterated, used_up) = (at.acted, at.caught, at.ended, at.begun == at.most);
        let step = self.step(node);
        let op = &step.node.op;
        let (data, error) = match end {
            StepEnd::Success { arm: Some(arm), .. } => return self.jumped(node, *arm),
            StepEnd::Success { data, error, .. } => (data, error),
            StepEnd::Failed(failure) => {
                if !caught {
                    self.failed(node, failure);
                    self.passed_over(node, failure, usize::MAX);
                }
                return;
            }
            StepEnd::Cancelled => {
                if let Op::Cancel { when: Some(_), .. } = op {
                    self.outcome(node, Condition::Unit, true);
                }
                return;
            }
        };
        if let Some(error) = error {
            // A tap has ignored it.
            if !caught {
                self.failed(node, error);
            }
            return;
        }
        match op {
            Op::Emit { when: Some(_), .. } | Op::Suspend(_) | Op::Approve(_)
                if !acted && points::when(op).is_some() =>
            {
                self.outcome(node, Condition::Unit, false);
            }
            Op::End { when: Some(_), .. } => self.outcome(node, Condition::Unit, ends),
            Op::Cancel { when: Some(_), .. } => self.outcome(node, Condition::Unit, false),
            Op::Fail(_) if points::when(op).is_some() => self.outcome(node, Condition::Unit, false),
            Op::Choose { arms, .. } if !acted => {
                (0..arms.len()).for_each(|arm| self.outcome(node, Condition::Arm(arm as u32), false));
            }
            // It went on at the next step: no condition held.
            Op::Jump(jump) => self.jumped(node, jump.arms.len() as u32),
            // Which of the two it was that ended it, the events do not tell.
            Op::Loop(repeat) if used_up && repeat.on_limit == OnLimit::Continue => {}
            Op::Loop(repeat) if iterated => self.outcome(node, Condition::Loop, repeat.ends_on),
            Op::Guard(_) => {
                let mapped = step.node.keys.as_deref().is_some_and(|keys| keys.output.is_some());
                self.outcome(node, Condition::Rules, data.is_none() || mapped);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data;
    use crate::data::Data;
    use crate::expr::{Build, Expression};
    use crate::graph::{Builder, Header, Jump, Node, Timestamp};
    use crate::run::{Input, Run, Start};
    use crate::source::{Sources, Span};

    /// Counts up, goes back while the first condition holds, and ends when the second does.
    fn counting() -> Arc<Program> {
        let origin = Span::new(Sources::new().add("test", ""), 0, 0);
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
        let mut builder = Builder::new();
        let count = builder.node(step("count", Op::Set(Build::from_scalar("=data + 1").unwrap())));
        let arm = |when: &str, aim: Aim| (Arc::new(Expression::compile(when).unwrap()), aim);
        let jump = Jump {
            arms: vec![arm("data < 2", Aim::Node(count)), arm("data > 5", Aim::End)],
            otherwise: None,
            limit: 5,
        };
        let jump = builder.node(step("jump", Op::Jump(Box::new(jump))));
        let body = builder.block(vec![count, jump]);
        let graph = Arc::new(builder.finish(Header::new("test", origin), body));
        Arc::new(Program::link(graph, |_, _| None).unwrap())
    }

    #[test]
    fn the_conditions_of_a_jump_are_covered_as_far_as_they_were_asked() {
        let program = counting();
        let of = |input: Data| {
            let (mut run, mut events) = (Run::new(program.clone()), Vec::new());
            run.handle(Timestamp(0), Input::Start(Start::new("r", input)), &mut events)
                .unwrap();
            let hits = follow(&program, &events);
            [(0, true), (0, false), (1, true), (1, false)].map(|(arm, outcome)| {
                let point = Point::Outcome(Condition::Arm(arm), outcome);
                hits.get(&(NodeId(1), point)).copied().unwrap_or_default()
            })
        };
        assert_eq!(of(data!(0)), [1, 1, 0, 1]);
        assert_eq!(of(data!(7)), [0, 1, 1, 0]);
    }
}
