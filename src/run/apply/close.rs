//! Ends: of a step, of an attempt, of a scope.

use super::super::event::{Part, ScopeId, StepEnd};
use super::super::fault::{Fault, planted};
use super::super::state::*;
use super::{Applied, Corrupt, replace_keys};
use crate::graph::{Aim, NodeId, Op, Program, Timestamp};

impl State {
    /// Behind a step: to the next one, or out of the scope.
    pub(super) fn go_on(&mut self, program: &Program, at: Timestamp, id: ScopeId) -> Applied {
        let scope = self.scope(id).ok_or(Corrupt)?;
        if scope.next.is_some() {
            return self.queue(program, at, id);
        }
        let end = End::Value(scope.data.clone());
        self.end_scope(program, at, id, end)
    }

    pub(super) fn end_step(
        &mut self,
        program: &Program,
        at: Timestamp,
        id: ScopeId,
        node: NodeId,
        end: &StepEnd,
    ) -> Applied {
        self.close_attempt(id)?;
        let scope = self.take(id)?;
        let active = scope.active.take().ok_or(Corrupt)?;
        if active.node != node {
            return Err(Corrupt);
        }
        let mut back_to = None;
        if let StepEnd::Success { data, arm, .. } = end {
            if let Some(data) = data {
                scope.data = data.clone();
            }
            scope.next = match arm {
                None => program.step(node).next,
                Some(arm) => match aim(program, node, *arm)? {
                    Aim::End => None,
                    Aim::Node(to) => Some(to),
                },
            };
            if let (Some(_), Some(to)) = (arm, scope.next)
                && program.is_backwards(node, to)
            {
                scope.visit = scope.visit.checked_add(1).ok_or(Corrupt)?;
                back_to = Some(to);
            }
        }
        // Nothing leaves a step that ends with the workflow.
        let ends_with_all = scope.cancelled;
        let output = (!ends_with_all).then(|| scope.data.clone());
        let instance = scope.instance;
        self.remember(program, id, node, |record| match end {
            StepEnd::Success { error, .. } => {
                record.status = Some(StepStatus::Success);
                record.output = output;
                record.failure = error.clone();
            }
            StepEnd::Failed(failure) => {
                record.status = Some(StepStatus::Error);
                record.failure = Some(failure.clone());
            }
            StepEnd::Cancelled => record.status = Some(StepStatus::Cancelled),
        })?;
        if let Some(to) = back_to.filter(|_| !planted(Fault::RecordsBehindJump)) {
            self.forget_from(program, id, to)?;
        }
        match end {
            StepEnd::Success { state, .. } => {
                if !state.is_empty() {
                    let instance = self.instances.get_mut(instance).ok_or(Corrupt)?;
                    instance.state = replace_keys(&instance.state, state);
                }
                match ends_with_all {
                    false => self.go_on(program, at, id),
                    true => self.end_scope(program, at, id, End::Cancelled),
                }
            }
            StepEnd::Failed(failure) => self.end_scope(program, at, id, End::Failed(failure.clone())),
            StepEnd::Cancelled => self.end_scope(program, at, id, End::Cancelled),
        }
    }

    /// Forgets the records from a node to the end of its block, which are made anew.
    fn forget_from(&mut self, program: &Program, scope: ScopeId, node: NodeId) -> Applied {
        let step = program.step(node);
        let end = program.block(step.block.ok_or(Corrupt)?).slots.end;
        self.forget_slots(scope, step.slot..end)
    }

    /// Ends what an attempt holds: its time limit, its ticket, the child workflow it entered.
    pub(super) fn close_attempt(&mut self, id: ScopeId) -> Applied {
        let active = self.active_mut(id)?;
        let deadline = active.deadline.take();
        let entered = active.entered.take();
        if !planted(Fault::LastingDeadline) {
            self.clear_timer(deadline, id, Timer::Deadline);
        }
        if let Some(instance) = entered.and_then(|entered| self.instances.remove(entered)) {
            self.frames.remove(instance.frame);
        }
        Ok(())
    }

    /// Removes a scope and tells the step it belongs to.
    pub(super) fn end_scope(&mut self, program: &Program, at: Timestamp, id: ScopeId, end: End) -> Applied {
        self.take(id)?;
        let scope = self.scopes.remove(id.0).ok_or(Corrupt)?;
        let Some(parent) = scope.parent else { return Ok(()) };
        let outer = self.scope(parent).ok_or(Corrupt)?;
        if outer.instance == scope.instance && outer.frame != scope.frame {
            self.frames.remove(scope.frame);
        }
        let active = self.active_mut(parent)?;
        match &mut active.work {
            work @ Work::Block { .. } => *work = Work::BlockEnded { part: scope.part, end },
            Work::Fork(branches) | Work::Each { branches, .. } => match scope.part {
                Part::Body(index) => branches.end(index, end),
                Part::Handler(_) | Part::Cleanup | Part::Tool(_) => return Err(Corrupt),
            },
            Work::Tools(branches) => match scope.part {
                Part::Tool(index) => branches.end(index, end),
                Part::Body(_) | Part::Handler(_) | Part::Cleanup => return Err(Corrupt),
            },
            Work::Loop(iterations) => {
                iterations.child = None;
                if let End::Value(data) = &end {
                    iterations.data = data.clone();
                }
                iterations.end = Some(end);
            }
            Work::Unwinding { open, .. } => *open = open.checked_sub(1).ok_or(Corrupt)?,
            work @ Work::Cleanup { .. } => {
                let Work::Cleanup { verdict, until, .. } = work else {
                    return Err(Corrupt);
                };
                let (verdict, until) = (verdict.clone(), *until);
                *work = Work::CleanupEnded { verdict, end };
                self.clear_timer(until, parent, Timer::Cleanup);
            }
            _ => return Err(Corrupt),
        }
        self.queue(program, at, parent)
    }
}

/// Where a jump went.
fn aim(program: &Program, node: NodeId, arm: u32) -> Result<Aim, Corrupt> {
    match &program.step(node).node.op {
        Op::Jump(jump) => jump.aim(arm).ok_or(Corrupt),
        _ => Err(Corrupt),
    }
}
