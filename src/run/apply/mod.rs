//! The only mutator of a run's state, live and on replay.
//!
//! Events record decisions and facts from outside. What follows from them without a decision happens here: `data` moves
//! on, a scope that has no step left ends and tells the step it belongs to, a cancelled subtree leaves what is in
//! flight. [`State::ready`] is kept here too, so that a replayed run goes on exactly as the live one would have.

use std::sync::Arc;

mod agent;
mod close;
mod open;
mod retry;
mod unwind;

use super::event::{Event, EventKind, Part, Recovery, RunEnd, ScopeId, Started, WaitEnd};
use super::fault::{Fault, planted};
use super::state::*;
use super::talk::Talk;
use crate::data::{Data, Map};
use crate::graph::{Join, Name, NodeId, Op, Program, Slots, Timestamp};

/// A journal that no run can have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal does not fit the definition, or is damaged")]
pub struct Corrupt;

type Applied = Result<(), Corrupt>;

impl State {
    /// Changes the state by what happened.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] when the event cannot follow the events before it.
    pub fn apply(&mut self, program: &Program, event: &Event) -> Result<(), Corrupt> {
        let at = event.at;
        self.remember_failing(program, event);
        match &event.kind {
            EventKind::RunStarted(started) => self.start(program, at, started),
            EventKind::StepStarted { scope, node, deadline } => {
                let entry = self.take(*scope)?;
                if entry.next.take() != Some(*node) {
                    return Err(Corrupt);
                }
                entry.active = Some(Active {
                    node: *node,
                    started_at: at,
                    attempt: 1,
                    work: Work::Begin,
                    deadline: *deadline,
                    failure: None,
                    entered: None,
                    cleaned: false,
                    talk: entry.talk.take(),
                });
                let input = entry.data.clone();
                self.remember(program, *scope, *node, |record| {
                    *record = Record {
                        status: Some(StepStatus::Running),
                        input,
                        output: None,
                        failure: None,
                    };
                })?;
                self.set_timer(*deadline, *scope, Timer::Deadline);
                self.queue(program, at, *scope)
            }
            EventKind::StepSkipped { scope, node } => {
                let entry = self.take(*scope)?;
                if entry.next != Some(*node) {
                    return Err(Corrupt);
                }
                entry.next = program.step(*node).next;
                let input = entry.data.clone();
                self.remember(program, *scope, *node, |record| {
                    *record = Record {
                        status: Some(StepStatus::Skipped),
                        input,
                        output: None,
                        failure: None,
                    };
                })?;
                self.go_on(program, at, *scope)
            }
            EventKind::CallStarted { scope, ticket, request } => {
                self.open_ticket(*ticket, *scope);
                self.ask(program, *scope, request)?;
                let work = Work::Call {
                    ticket: *ticket,
                    request: request.clone(),
                };
                self.work(program, at, *scope, work)
            }
            EventKind::CallRepeated { ticket } => match self.tickets.contains_key(ticket) {
                true => Ok(()),
                false => Err(Corrupt),
            },
            EventKind::CallEnded { ticket, outcome } => {
                let scope = self.tickets.remove(ticket).ok_or(Corrupt)?;
                self.hear(scope, outcome)?;
                self.work(program, at, scope, Work::Called(outcome.clone()))
            }
            EventKind::WaitStarted {
                scope,
                ticket,
                wait,
                deadline,
            } => {
                self.open_ticket(*ticket, *scope);
                self.set_timer(*deadline, *scope, Timer::Wake);
                let work = Work::Wait {
                    ticket: *ticket,
                    wait: wait.clone(),
                    deadline: *deadline,
                };
                self.work(program, at, *scope, work)
            }
            EventKind::WaitEnded { ticket, end } => {
                let scope = self.tickets.remove(ticket).ok_or(Corrupt)?;
                let active = self.active(scope).ok_or(Corrupt)?;
                let Work::Wait { deadline, wait, .. } = &active.work else {
                    return Err(Corrupt);
                };
                let (deadline, wait) = (*deadline, wait.clone());
                self.clear_timer(deadline, scope, Timer::Wake);
                if let (WaitEnd::Received(data), super::Wait::Event { event }) = (end, &*wait) {
                    let found = self.inbox.iter().position(|(name, kept)| name == event && kept == data);
                    self.inbox.remove(found.ok_or(Corrupt)?);
                }
                self.work(program, at, scope, Work::Waited(end.clone()))
            }
            EventKind::SleepStarted { scope, until } => {
                self.set_timer(Some(*until), *scope, Timer::Wake);
                self.work(program, at, *scope, Work::Sleep { until: *until })
            }
            EventKind::SleepEnded { scope } => {
                let until = self.active(*scope).and_then(|active| active.work.wakes_at());
                self.clear_timer(until, *scope, Timer::Wake);
                self.work(program, at, *scope, Work::Slept)
            }
            EventKind::BlockStarted {
                scope,
                child,
                part,
                deadline,
            } => self.open_block(program, at, *scope, *child, *part, *deadline),
            EventKind::ForkStarted { scope, chosen } => {
                let slots = chosen
                    .iter()
                    .map(|chosen| if *chosen { Slot::Chosen } else { Slot::NotChosen })
                    .collect();
                self.work(program, at, *scope, Work::Fork(Box::new(Branches::new(slots))))
            }
            EventKind::EachStarted { scope, items } => {
                let count = items.as_list().ok_or(Corrupt)?.len();
                let work = Work::Each {
                    items: items.clone(),
                    branches: Box::new(Branches::new(vec![Slot::Chosen; count])),
                };
                self.work(program, at, *scope, work)
            }
            EventKind::LoopStarted { scope, max_iterations } => {
                let data = self.scope(*scope).ok_or(Corrupt)?.data.clone();
                let work = Work::Loop(Box::new(Iterations {
                    begun: 0,
                    max: *max_iterations,
                    child: None,
                    end: None,
                    data,
                }));
                self.work(program, at, *scope, work)
            }
            EventKind::ToolsStarted { scope, calls } => {
                let talk = self.active_mut(*scope)?.talk.as_mut().ok_or(Corrupt)?;
                let branches = Box::new(talk.open(calls));
                self.work(program, at, *scope, Work::Tools(branches))
            }
            EventKind::ChildStarted {
                scope,
                child,
                input,
                state,
                deadline,
            } => {
                let earlier = std::mem::replace(&mut self.active_mut(*scope)?.deadline, *deadline);
                self.clear_timer(earlier, *scope, Timer::Deadline);
                self.set_timer(*deadline, *scope, Timer::Deadline);
                self.open_child(program, at, *scope, *child, input, state)
            }
            EventKind::Emitted { .. } => Ok(()),
            EventKind::EventReceived { event, data } => {
                self.inbox.push_back((event.clone(), data.clone()));
                Ok(())
            }
            EventKind::AttemptFailed { scope, failure, then } => {
                self.close_attempt(*scope)?;
                let active = self.active_mut(*scope)?;
                active.failure = Some(failure.clone());
                match &mut active.talk {
                    Some(talk) if Talk::survives(failure) && !planted(Fault::ForgottenTalk) => talk.keep(&active.work),
                    talk => *talk = None,
                }
                let work = match then {
                    Recovery::Retry(until) => {
                        self.set_timer(Some(*until), *scope, Timer::Wake);
                        Work::Backoff { until: *until }
                    }
                    Recovery::Handle(handler) => Work::Recover(*handler),
                };
                self.work(program, at, *scope, work)
            }
            EventKind::AttemptStarted { scope, deadline } => {
                let active = self.active_mut(*scope)?;
                let until = active.work.wakes_at();
                active.attempt += 1;
                active.failure = None;
                active.deadline = *deadline;
                let node = active.node;
                self.clear_timer(until, *scope, Timer::Wake);
                self.set_timer(*deadline, *scope, Timer::Deadline);
                self.forget_inside(program, *scope, node)?;
                self.work(program, at, *scope, Work::Begin)
            }
            EventKind::Unwinding { scope, verdict, around } => self.unwind(program, at, *scope, verdict, *around),
            EventKind::Finishing { scope, verdict } => {
                let verdict = verdict.clone();
                self.close_attempt(*scope)?;
                self.work(program, at, *scope, Work::Finishing { verdict })
            }
            EventKind::StepEnded { scope, node, end } => self.end_step(program, at, *scope, *node, end),
            EventKind::Suspended { reason } => {
                self.suspension = Some(Suspension {
                    at,
                    reason: reason.clone(),
                });
                Ok(())
            }
            EventKind::Continued => {
                self.suspension = None;
                Ok(())
            }
            EventKind::RunRetried { scope, node } => self.retry(program, at, *scope, *node),
            EventKind::RunReplayed { since, instead, .. } => {
                if self.started.is_none() || self.end.is_some() {
                    return Err(Corrupt);
                }
                if let Some(instead) = instead {
                    self.replace(instead)?;
                }
                self.go_on_after(*since, at)
            }
            EventKind::RunEnded { end } => {
                if self.readiness(program, ScopeId(0)) != Readiness::GoesOn {
                    return Err(Corrupt);
                }
                *self = State {
                    started: self.started.take(),
                    started_at: self.started_at,
                    end: Some(end.clone()),
                    instances: std::mem::take(&mut self.instances),
                    frames: std::mem::take(&mut self.frames),
                    next_ticket: self.next_ticket,
                    retry: self.retry.take().filter(|_| matches!(end, RunEnd::Failed(_))),
                    retries: std::mem::take(&mut self.retries),
                    spent: std::mem::take(&mut self.spent),
                    ..State::default()
                };
                Ok(())
            }
        }
    }

    fn start(&mut self, program: &Program, at: Timestamp, started: &Arc<Started>) -> Applied {
        if self.started.is_some() {
            return Err(Corrupt);
        }
        self.started = Some(started.clone());
        self.started_at = at;
        let root = ScopeId(0);
        let scope = Scope {
            parent: None,
            part: Part::Body(0),
            instance: 0,
            frame: 0,
            next: None,
            visit: 0,
            active: Some(Active {
                node: program.root(),
                started_at: at,
                attempt: 1,
                work: Work::Begin,
                deadline: started.deadline,
                failure: None,
                entered: None,
                cleaned: false,
                talk: None,
            }),
            data: started.input.clone(),
            local: Local::None,
            cancelled: false,
            queued: false,
            talk: None,
        };
        if !self.scopes.put(root.0, scope) {
            return Err(Corrupt);
        }
        self.set_timer(started.deadline, root, Timer::Deadline);
        self.open_child(program, at, root, ScopeId(1), &started.input, &started.state)
    }

    /// The scope, no longer among those with something to decide.
    fn take(&mut self, id: ScopeId) -> Result<&mut Scope, Corrupt> {
        let scope = self.scopes.get_mut(id.0).ok_or(Corrupt)?;
        if std::mem::take(&mut scope.queued) {
            if self.ready.last() == Some(&id) {
                self.ready.pop();
            } else {
                self.ready.retain(|other| *other != id);
                self.held.retain(|(_, other)| *other != id);
            }
        }
        Ok(scope)
    }

    fn active_mut(&mut self, id: ScopeId) -> Result<&mut Active, Corrupt> {
        self.take(id)?.active.as_mut().ok_or(Corrupt)
    }

    /// Gives the step in a scope other work.
    fn work(&mut self, program: &Program, at: Timestamp, id: ScopeId, work: Work) -> Applied {
        self.active_mut(id)?.work = work;
        self.queue(program, at, id)
    }

    /// Puts a scope among those with something to decide if it has.
    fn queue(&mut self, program: &Program, at: Timestamp, id: ScopeId) -> Applied {
        let readiness = self.readiness(program, id);
        let holds = self.suspension.is_some() && !planted(Fault::StartWhileSuspended);
        let held = holds && readiness == Readiness::Starts;
        let scope = self.take(id)?;
        if readiness != Readiness::Idle {
            scope.queued = true;
            if held {
                self.held.push_back((at, id));
            } else {
                self.ready.push(id);
            }
        }
        Ok(())
    }

    pub(super) fn readiness(&self, program: &Program, id: ScopeId) -> Readiness {
        let Some(scope) = self.scope(id) else {
            return Readiness::Idle;
        };
        let Some(active) = &scope.active else {
            return if scope.next.is_some() {
                Readiness::Starts
            } else {
                Readiness::Idle
            };
        };
        let goes_on = |goes_on| if goes_on { Readiness::GoesOn } else { Readiness::Idle };
        match &active.work {
            Work::Call { .. } | Work::Wait { .. } | Work::Sleep { .. } | Work::Backoff { .. } => Readiness::Idle,
            Work::Block { .. } | Work::Cleanup { .. } => Readiness::Idle,
            Work::Recover(_) => Readiness::Starts,
            Work::Called(outcome) => match (&program.step(active.node).node.op, &active.talk) {
                (Op::Agent(ask), Some(talk)) if talk.next(ask, outcome).asks() => Readiness::Starts,
                _ => Readiness::GoesOn,
            },
            Work::Begin | Work::Waited(_) | Work::Slept | Work::BlockEnded { .. } | Work::CleanupEnded { .. } => {
                Readiness::GoesOn
            }
            Work::Fork(branches) | Work::Each { branches, .. } => {
                let op = &program.step(active.node).node.op;
                goes_on(decided(op, branches) || branches.over() || may_open(op, branches))
            }
            Work::Loop(iterations) => goes_on(iterations.child.is_none()),
            // Another call of a tool, or with the results the next turn.
            Work::Tools(branches) => match (branches.next as usize) < branches.slots.len() || branches.over() {
                true => Readiness::Starts,
                false => Readiness::Idle,
            },
            Work::Finishing { .. } => Readiness::Starts,
            Work::Unwinding { open, .. } => goes_on(*open == 0),
        }
    }

    fn open_ticket(&mut self, ticket: super::Ticket, scope: ScopeId) {
        self.tickets.insert(ticket, scope);
        self.next_ticket = self.next_ticket.max(ticket.0 + 1);
    }

    fn set_timer(&mut self, when: Option<Timestamp>, scope: ScopeId, timer: Timer) {
        if let Some(when) = when {
            self.timers.insert((when, scope, timer));
        }
    }

    fn clear_timer(&mut self, when: Option<Timestamp>, scope: ScopeId, timer: Timer) {
        if let Some(when) = when {
            self.timers.remove(&(when, scope, timer));
        }
    }

    /// Changes the record of a step; the run itself has none.
    fn remember(
        &mut self,
        program: &Program,
        scope: ScopeId,
        node: NodeId,
        change: impl FnOnce(&mut Record),
    ) -> Applied {
        if node == program.root() {
            return Ok(());
        }
        let frame = self.scope(scope).ok_or(Corrupt)?.frame;
        let slot = program.step(node).slot as usize;
        let frame = self.frames.get_mut(frame).ok_or(Corrupt)?;
        change(frame.records.get_mut(slot).ok_or(Corrupt)?);
        Ok(())
    }

    /// Forgets the records of all blocks inside a step that begins anew.
    fn forget_inside(&mut self, program: &Program, scope: ScopeId, node: NodeId) -> Applied {
        let node = &program.step(node).node;
        // The records of items and of calls of tools live in frames of their own, which are gone.
        let items = match &node.op {
            Op::ForEach(each) => vec![each.block],
            Op::Agent(ask) => ask.tools.iter().map(|tool| tool.block).collect(),
            _ => Vec::new(),
        };
        let blocks = node.blocks().into_iter().map(|(block, _)| block);
        let mut blocks = blocks.filter(|block| !items.contains(block));
        blocks.try_for_each(|block| self.forget(program, scope, block))
    }

    /// Forgets the records of a block that begins anew.
    fn forget(&mut self, program: &Program, scope: ScopeId, block: crate::graph::BlockId) -> Applied {
        match planted(Fault::StaleRecords) {
            true => Ok(()),
            false => self.forget_slots(scope, program.block(block).slots.clone()),
        }
    }

    fn forget_slots(&mut self, scope: ScopeId, slots: Slots) -> Applied {
        let frame = self.scope(scope).ok_or(Corrupt)?.frame;
        let frame = self.frames.get_mut(frame).ok_or(Corrupt)?;
        if let Some(records) = frame.records.get_mut(slots.start as usize..slots.end as usize) {
            records.fill_with(Record::default);
        }
        Ok(())
    }
}

/// Whether the ends so far decide the whole.
pub(super) fn decided(op: &Op, branches: &Branches) -> bool {
    match join(op) {
        Join::All => branches.failed.is_some(),
        Join::Settle => false,
        Join::FirstSettled => branches.settled.is_some(),
        Join::FirstSuccess => branches.succeeded.is_some(),
    }
}

pub(super) fn join(op: &Op) -> Join {
    match op {
        Op::Fork(fork) => fork.join,
        Op::ForEach(each) if each.settle => Join::Settle,
        _ => Join::All,
    }
}

/// Whether another branch may be opened.
pub(super) fn may_open(op: &Op, branches: &Branches) -> bool {
    let limit = match op {
        Op::Fork(fork) => fork.concurrency,
        Op::ForEach(each) => Some(each.concurrency),
        _ => None,
    };
    (branches.next as usize) < branches.slots.len() && limit.is_none_or(|limit| branches.running < limit)
}

pub(super) fn replace_keys(map: &Data, entries: &[(Name, Data)]) -> Data {
    let mut all: Vec<(Name, Data)> = match map {
        Data::Map(map) => map.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        _ => Vec::new(),
    };
    all.extend(entries.iter().cloned());
    Data::Map(Arc::new(all.into_iter().collect::<Map>()))
}

impl State {
    /// With what the run began; `None` before that.
    pub fn started(&self) -> Option<&Started> {
        self.started.as_deref()
    }

    /// When it began.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Whether the run has ended.
    pub fn end(&self) -> Option<&RunEnd> {
        self.end.as_ref()
    }

    /// The hold from outside, if there is one.
    pub fn suspension(&self) -> Option<&Suspension> {
        self.suspension.as_ref()
    }

    pub(super) fn backlog(&self) -> Option<&(Timestamp, ScopeId)> {
        self.held.front()
    }
}
