//! Where a run that has failed can begin again, and how it does.
//!
//! The innermost step through which a failure came begins anew; everything beside and around it stands as it stood
//! then. That holds only while nothing has been done because of the failure: behind a handler or a cleanup, what the
//! steps inside have made may be gone, so the step around these begins anew as a whole.

use super::super::Failure;
use super::super::event::{Event, EventKind, Instead, Part, RunEnd, ScopeId, StepEnd};
use super::super::state::*;
use super::super::step::is_repeated;
use super::{Applied, Corrupt, join};
use crate::graph::{Join, NodeId, Program, Retry, Timestamp};

impl State {
    /// Keeps the state as it is before a step ends with a failure that the whole run is going to fail of.
    pub(super) fn remember_failing(&mut self, program: &Program, event: &Event) {
        match &event.kind {
            EventKind::StepEnded {
                scope,
                end: StepEnd::Failed(failure),
                ..
            } if self.retry.is_none() && self.is_bound_to_fail(program, *scope, failure) => {
                let mut state = self.clone();
                state.forget_talk(*scope, failure);
                self.retry = Some(Box::new(RetryPoint {
                    at: event.at,
                    scope: *scope,
                    state,
                }));
            }
            EventKind::StepEnded { .. }
            | EventKind::Unwinding { .. }
            | EventKind::RunEnded { .. }
            | EventKind::RunRetried { .. } => {}
            // Something is done behind the failure: going back before it would undo that.
            _ => self.retry = None,
        }
    }

    /// Whether nothing keeps a failure of the step in a scope from going all the way out.
    fn is_bound_to_fail(&self, program: &Program, mut id: ScopeId, failure: &Failure) -> bool {
        while let Some(scope) = self.scope(id) {
            let Some(parent) = scope.parent else { return false };
            let Some(active) = self.active(parent).filter(|_| !scope.cancelled) else {
                return false;
            };
            let node = &program.step(active.node).node;
            let goes_out = matches!(scope.part, Part::Body(_))
                && match &active.work {
                    Work::Block { .. } | Work::Loop(_) => true,
                    Work::Fork(branches) | Work::Each { branches, .. } => match join(&node.op) {
                        Join::All => branches.failed.is_none(),
                        Join::FirstSettled => branches.settled.is_none(),
                        Join::Settle | Join::FirstSuccess => false,
                    },
                    _ => false,
                };
            let dealt_with = node.keys.as_deref().is_some_and(|keys| {
                let again = |retry: &Retry| active.attempt < retry.attempts && is_repeated(retry, failure);
                let handled = keys.catch.iter().any(|handler| {
                    let codes = handler.on.as_ref();
                    codes.is_none_or(|codes| codes.iter().any(|code| code.matches(&failure.code)))
                });
                keys.tap || handled || keys.retry.as_ref().is_some_and(again)
            });
            if !goes_out || dealt_with {
                return false;
            }
            if parent == ScopeId(0) {
                return true;
            }
            id = parent;
        }
        false
    }

    /// Where a retry would begin, if there is such a place.
    pub(in crate::run) fn retry_point(&self) -> Option<(ScopeId, NodeId)> {
        let point = self
            .retry
            .as_ref()
            .filter(|_| matches!(self.end, Some(RunEnd::Failed(_))))?;
        Some((point.scope, point.state.active(point.scope)?.node))
    }

    pub(super) fn retry(&mut self, program: &Program, at: Timestamp, scope: ScopeId, node: NodeId) -> Applied {
        if self.retry_point() != Some((scope, node)) {
            return Err(Corrupt);
        }
        let RetryPoint { at: since, state, .. } = *self.retry.take().ok_or(Corrupt)?;
        let next_ticket = self.next_ticket;
        *self = state;
        self.next_ticket = next_ticket;
        self.retries.push(super::super::Ticket(next_ticket));
        self.go_on_after(since, at)?;
        self.close_attempt(scope)?;
        self.forget_inside(program, scope, node)?;
        let begins = self.take(scope)?;
        begins.talk = begins.active.take().and_then(|active| {
            let mut talk = active.talk?;
            talk.keep(&active.work);
            Some(talk)
        });
        begins.next = Some(node);
        self.queue(program, at, scope)
    }

    /// Puts something else in the place of what the next step would begin on.
    pub(super) fn replace(&mut self, instead: &Instead) -> Applied {
        let scope = self.scopes.get_mut(instead.scope.0).ok_or(Corrupt)?;
        if scope.active.is_some() {
            return Err(Corrupt);
        }
        if let Some(data) = &instead.data {
            scope.data = data.clone();
        }
        if let Some(state) = &instead.state {
            let instance = self.instances.get_mut(scope.instance).ok_or(Corrupt)?;
            instance.state = state.clone();
        }
        Ok(())
    }

    /// Time limits do not count while a run stands still; sleeps end at their moment. What held it holds it no longer.
    pub(super) fn go_on_after(&mut self, since: Timestamp, at: Timestamp) -> Applied {
        self.suspension = None;
        let stood = at.0.saturating_sub(since.0).max(0);
        for (when, id, timer) in std::mem::take(&mut self.timers) {
            let later = Timestamp(when.0.saturating_add(stood));
            let active = self.scopes.get_mut(id.0).and_then(|scope| scope.active.as_mut());
            let active = active.ok_or(Corrupt)?;
            let moved = match (timer, &mut active.work) {
                (Timer::Deadline, _) => {
                    active.deadline = Some(later);
                    later
                }
                (Timer::Cleanup, Work::Cleanup { until: limit, .. })
                | (Timer::Wake, Work::Wait { deadline: limit, .. }) => {
                    *limit = Some(later);
                    later
                }
                _ => when,
            };
            self.timers.insert((moved, id, timer));
        }
        Ok(())
    }
}
