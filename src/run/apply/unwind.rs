//! Cancelling what is inside a step whose attempt is decided.

use super::super::event::{ScopeId, Verdict};
use super::super::fault::{Fault, planted};
use super::super::state::*;
use super::{Applied, Corrupt};
use crate::graph::{Program, Timestamp};

impl State {
    /// Cancels the scopes inside a step whose attempt is decided. The steps from `around` outwards are those that an
    /// `end` stands in: they are done.
    pub(super) fn unwind(
        &mut self,
        program: &Program,
        at: Timestamp,
        id: ScopeId,
        verdict: &Verdict,
        around: Option<ScopeId>,
    ) -> Applied {
        let outwards = std::iter::successors(around, |scope| self.scope(*scope)?.parent);
        let done: Vec<ScopeId> = outwards.take_while(|scope| *scope != id).collect();
        let active = self.active_mut(id)?;
        // Only the time limit of the cleanup itself ends one.
        let cleanup_until = match &active.work {
            Work::Cleanup { until, .. } => *until,
            _ => None,
        };
        let mut children = self.release(id, verdict)?;
        if planted(Fault::LosersGoOn) && !matches!(verdict, Verdict::Cancelled(_)) {
            children.clear();
            self.active_mut(id)?.work = Work::Unwinding {
                verdict: verdict.clone(),
                open: 0,
            };
        }
        self.clear_timer(cleanup_until, id, Timer::Cleanup);
        self.queue(program, at, id)?;
        // The first child is cancelled first, so it has to be queued last.
        for child in children.into_iter().rev() {
            self.cancel_scope(program, at, child, &done)?;
        }
        Ok(())
    }

    /// Takes what a step holds out of flight; its open scopes are returned, to be cancelled.
    fn release(&mut self, id: ScopeId, verdict: &Verdict) -> Result<Vec<ScopeId>, Corrupt> {
        let active = self.active_mut(id)?;
        let (ticket, wakes_at, deadline) = (active.work.ticket(), active.work.wakes_at(), active.deadline.take());
        let children = active.work.children();
        if let Some(talk) = &mut active.talk {
            talk.keep(&active.work);
        }
        active.work = Work::Unwinding {
            verdict: verdict.clone(),
            open: children.len() as u32,
        };
        if let Some(ticket) = ticket {
            self.tickets.remove(&ticket);
        }
        self.clear_timer(wakes_at, id, Timer::Wake);
        self.clear_timer(deadline, id, Timer::Deadline);
        Ok(children)
    }

    /// Marks a scope and all inside it as cancelled; a cleanup in progress is spared, and so is the verdict on steps
    /// that are `done`.
    fn cancel_scope(&mut self, program: &Program, at: Timestamp, root: ScopeId, done: &[ScopeId]) -> Applied {
        // Parents before children, so that a child that ends at once finds its parent counting.
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            let scope = self.take(id)?;
            scope.cancelled = true;
            let Some(active) = scope.active.as_mut() else {
                self.end_scope(program, at, id, End::Cancelled)?;
                continue;
            };
            match &mut active.work {
                Work::Cleanup { verdict, .. } => {
                    *verdict = Verdict::Cancelled(None);
                    continue;
                }
                Work::CleanupEnded { verdict, .. } => {
                    *verdict = Verdict::Cancelled(None);
                    self.queue(program, at, id)?;
                    continue;
                }
                // What is inside has been cancelled before.
                Work::Unwinding { verdict, .. } | Work::Finishing { verdict } => {
                    *verdict = Verdict::Cancelled(None);
                    self.queue(program, at, id)?;
                    continue;
                }
                _ => {}
            }
            let verdict = match done.contains(&id) {
                true => Verdict::EndedInside,
                false => Verdict::Cancelled(None),
            };
            let mut children = self.release(id, &verdict)?;
            if planted(Fault::ShallowCancel) {
                children.clear();
                self.active_mut(id)?.work = Work::Unwinding {
                    verdict: Verdict::Cancelled(None),
                    open: 0,
                };
            }
            self.queue(program, at, id)?;
            open.extend(children.into_iter().rev());
        }
        Ok(())
    }
}
