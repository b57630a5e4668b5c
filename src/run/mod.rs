//! The interpreter: a pure, event-sourced state machine.
//!
//! A [`Run`] is given inputs together with the time and answers with events. [`State::apply`] is the only thing that
//! changes its state, live and on replay; deciding only reads. What has to be in flight ([`Run::calls`],
//! [`Run::waits`]) and when it next has to be woken ([`Run::wake_at`]) are views of the state, so race losers, time
//! limits, retries, cancellation and recovery are one mechanism: something enters or leaves these views, and the driver
//! makes the outside world equal to them.
//!
//! Nothing in here knows a clock, a random number, a file or a task.
//!
//! At one instant a run goes depth first, in declared order: a branch goes as far as it can before the next one starts,
//! and a step whose outcome is decided by what is inside it acts at once.

mod address;
mod apply;
mod code;
mod event;
mod failure;
pub mod fault;
mod model;
mod op;
mod request;
mod resume;
mod slab;
mod state;
mod step;
mod talk;
mod trace;
mod trace_parent;
mod turn;
mod view;

use std::sync::Arc;

pub use apply::Corrupt;
pub use code::FAILURE_CODES;
pub use event::*;
pub use failure::{Excerpt, Failure};
pub use model::*;
pub use request::*;
pub use state::{State, StepStatus, Suspension};
pub use trace::{TraceEvent, TraceText, Tracer, What};
pub use trace_parent::TraceParent;
pub use turn::Rejection;

use crate::contract::Schema;
use crate::data::Data;
use crate::graph::{Name, NodeId, Program, Timestamp, WorkflowId};
use state::Work;
use turn::Turn;

/// What a run is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// It is to begin.
    Start(Start),
    /// Time has passed.
    Tick,
    /// Who drove it is gone, and it is taken up again: what is in flight is done once more.
    Recover,
    /// A call has ended. An answer to a call that is no longer in flight is ignored.
    Done {
        /// The call.
        ticket: Ticket,
        /// The answer.
        outcome: Outcome,
    },
    /// Somebody answers a wait.
    Resume {
        /// Which; may be left out when there is only one.
        target: Option<Target>,
        /// The answer.
        payload: Data,
    },
    /// A named event arrives.
    Deliver {
        /// Its name.
        event: Name,
        /// Its data.
        data: Data,
    },
    /// A run that has failed is to go on from the step that failed.
    Retry,
    /// What the run has been through is the beginning of another run, and it is to go on from there.
    Replay {
        /// The other run.
        of: Name,
        /// When the other run came here.
        since: Timestamp,
        /// What is not to be as it was there.
        instead: Option<Box<Instead>>,
    },
    /// Nothing more is to start.
    Suspend {
        /// Why.
        reason: Option<Name>,
    },
    /// A suspended run is to go on.
    Continue,
    /// The run is to be cancelled.
    Cancel {
        /// Why.
        reason: Option<Name>,
    },
}

/// With what a run begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its id.
    pub run: Name,
    /// Its input, as the caller sent it.
    pub input: Data,
    /// What the caller said besides the input.
    pub context: Data,
    /// State from an earlier run; overrides the declared one key by key.
    pub state: Option<Data>,
    /// Environment variables it may read.
    pub env: Data,
    /// For whom it runs.
    pub user: Option<Name>,
    /// The conversation it belongs to.
    pub conversation: Option<Name>,
    /// What listings can be asked for besides.
    pub labels: Labels,
    /// What it belongs to in the trace of whoever begins it.
    pub trace: Option<TraceParent>,
}

impl Start {
    /// A start with an id and an input, and nothing else.
    pub fn new(run: impl Into<Name>, input: Data) -> Start {
        Start {
            run: run.into(),
            input,
            context: Data::Map(Arc::default()),
            state: None,
            env: Data::Map(Arc::default()),
            user: None,
            conversation: None,
            labels: Labels::new(),
            trace: None,
        }
    }
}

/// Which wait is meant (rule 31).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The wait of a step: its id, its id and index (`approve[2]`), or its whole address.
    Step(Name),
    /// The wait with this ticket.
    Ticket(Ticket),
}

/// The status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Something is going on, or can.
    Running,
    /// It waits for a person or an event, or is held from outside.
    Suspended,
    /// It has a result.
    Completed,
    /// It failed.
    Error,
    /// It was cancelled.
    Cancelled,
}

impl Status {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Suspended => "suspended",
            Status::Completed => "completed",
            Status::Error => "error",
            Status::Cancelled => "cancelled",
        }
    }
}

/// A call in flight.
#[derive(Clone, Debug)]
pub struct PendingCall {
    /// Its ticket.
    pub ticket: Ticket,
    /// What is asked.
    pub request: Arc<Request>,
    /// The id of the step that asks; a tool of an agent's step stands behind it (`research/search`).
    pub step: Name,
    /// The effect id: address and attempt, and behind `~` how often the run had been retried by then.
    pub effect: String,
}

impl PendingCall {
    /// The address of the step.
    pub fn address(&self) -> &str {
        self.effect
            .rsplit_once('#')
            .map_or(&*self.effect, |(address, _)| address)
    }

    /// The attempt of the step.
    pub fn attempt(&self) -> u32 {
        let attempt = self.effect.rsplit_once('#').map(|(_, attempt)| attempt.parse());
        attempt.and_then(Result::ok).unwrap_or(1)
    }
}

/// A step of a run as it stands.
#[derive(Clone, Copy, Debug)]
pub struct StepView<'r> {
    /// Where it stands.
    pub status: StepStatus,
    /// The `data` it received.
    pub input: &'r Data,
    /// What left it.
    pub output: Option<&'r Data>,
    /// Its error, be it handled.
    pub error: Option<&'r Arc<Failure>>,
}

/// How many steps there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that have begun.
    pub steps: u32,
    /// Those of them that ended well though something in them failed.
    pub handled: u32,
}

/// A wait in flight.
#[derive(Clone, Debug)]
pub struct PendingWait {
    /// Its ticket.
    pub ticket: Ticket,
    /// For what.
    pub wait: Arc<Wait>,
    /// The id of the step that waits.
    pub step: Name,
    /// The address of the step.
    pub address: String,
    /// The attempt of the step.
    pub attempt: u32,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub deadline: Option<Timestamp>,
}

/// One run of a program.
#[derive(Clone, Debug)]
pub struct Run {
    program: Arc<Program>,
    state: State,
}

impl Run {
    /// A run that has not begun.
    pub fn new(program: Arc<Program>) -> Run {
        Run {
            program,
            state: State::default(),
        }
    }

    /// The run that the events of a journal lead to.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] when they are not those of a run of this program.
    pub fn replay<'e>(program: Arc<Program>, events: impl IntoIterator<Item = &'e Event>) -> Result<Run, Corrupt> {
        let mut run = Run::new(program);
        events.into_iter().try_for_each(|event| run.follow(event))?;
        Ok(run)
    }

    /// The run at a state that was kept.
    pub fn at(program: Arc<Program>, state: State) -> Run {
        Run { program, state }
    }

    /// Changes the run by an event of its journal.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] when it cannot follow the events before it.
    pub fn follow(&mut self, event: &Event) -> Result<(), Corrupt> {
        self.state.apply(&self.program, event)
    }

    /// Takes an input and appends what happens to `events`.
    ///
    /// One call does a bounded amount of work; if there is more to do, [`Run::wake_at`] is not later than `now`.
    ///
    /// # Errors
    ///
    /// [`Rejection`] when the input does not fit; then nothing has changed and nothing is appended.
    pub fn handle(&mut self, now: Timestamp, input: Input, events: &mut Vec<Event>) -> Result<(), Rejection> {
        Turn::new(&self.program, &mut self.state, now, events).handle(input)
    }

    /// The program it runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// What is known of it.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the workflow itself remembers at the moment.
    pub fn workflow_state(&self) -> Option<&Data> {
        self.state.instances.get(0).map(|instance| &instance.state)
    }

    /// What is known of a step of the workflow itself, outside of items; `None` if it has not begun.
    pub fn step(&self, node: NodeId) -> Option<StepView<'_>> {
        let step = self.program.step(node);
        let instance = self.state.instances.get(0)?;
        let record = self.state.record(instance.frame, step.each, step.slot)?;
        Some(StepView {
            status: record.status?,
            input: &record.input,
            output: record.output.as_ref(),
            error: record.failure.as_ref(),
        })
    }

    /// How many steps of the workflow itself have begun, outside of items, and how many of them got over an error.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (node, step) in (0..).map(NodeId).zip(&self.program.steps) {
            if step.workflow != WorkflowId(0) || step.each.is_some() || !step.node.named {
                continue;
            }
            let Some(step) = self.step(node).filter(|step| step.status != StepStatus::Skipped) else {
                continue;
            };
            tally.steps += 1;
            tally.handled += u32::from(step.status == StepStatus::Success && step.error.is_some());
        }
        tally
    }

    /// What its turns of models have taken so far.
    pub fn spent(&self) -> &Spent {
        &self.state.spent
    }

    /// Its status.
    pub fn status(&self) -> Status {
        match self.state.end() {
            Some(RunEnd::Completed(_)) => Status::Completed,
            Some(RunEnd::Failed(_)) => Status::Error,
            Some(RunEnd::Cancelled(_)) => Status::Cancelled,
            None if !self.state.ready.is_empty() => Status::Running,
            None if self.state.suspension.is_some() && self.calls().next().is_none() => Status::Suspended,
            None if self.only_waits() => Status::Suspended,
            None => Status::Running,
        }
    }

    /// The calls that have to be in flight.
    pub fn calls(&self) -> impl Iterator<Item = PendingCall> {
        self.state
            .tickets
            .iter()
            .filter_map(|(ticket, scope)| self.call(*ticket, *scope))
    }

    /// Whether a call has to be in flight.
    pub fn is_calling(&self, ticket: Ticket) -> bool {
        self.state.tickets.contains_key(&ticket)
    }

    /// One call that has to be in flight.
    pub fn pending_call(&self, ticket: Ticket) -> Option<PendingCall> {
        self.call(ticket, *self.state.tickets.get(&ticket)?)
    }

    /// The waits in flight, the oldest first.
    pub fn waits(&self) -> impl Iterator<Item = PendingWait> {
        self.state.tickets.iter().filter_map(|(ticket, scope)| {
            let active = self.state.active(*scope)?;
            let Work::Wait { wait, deadline, .. } = &active.work else {
                return None;
            };
            Some(PendingWait {
                ticket: *ticket,
                wait: wait.clone(),
                step: self.owner(&self.program.step(active.node).node.id),
                address: self.state.address(&self.program, *scope),
                attempt: active.attempt,
                since: active.started_at,
                deadline: *deadline,
            })
        })
    }

    /// What the payload for a wait must match; `None` if anything will do, or nobody waits with that ticket.
    pub fn resume_schema(&self, ticket: Ticket) -> Option<&Schema> {
        let active = self.state.active(*self.state.tickets.get(&ticket)?)?;
        self.program.step(active.node).node.op.resume_schema()?
    }

    /// The node that a wait in flight is of.
    pub fn waiting(&self, ticket: Ticket) -> Option<NodeId> {
        let active = self.state.active(*self.state.tickets.get(&ticket)?)?;
        matches!(active.work, Work::Wait { .. }).then_some(active.node)
    }

    /// When the run has to be told that time has passed; not later than now if it has more to do.
    pub fn wake_at(&self) -> Option<Timestamp> {
        if !self.state.ready.is_empty() {
            return Some(Timestamp(i64::MIN));
        }
        if self.state.suspension.is_some() {
            return None;
        }
        if !self.state.held.is_empty() {
            return Some(Timestamp(i64::MIN));
        }
        self.state.timers.first().map(|(when, _, _)| *when)
    }

    /// Nothing is in flight but waits for somebody, with or without a time limit.
    fn only_waits(&self) -> bool {
        !self.state.tickets.is_empty()
            && self.state.tickets.values().all(|scope| {
                self.state
                    .active(*scope)
                    .is_some_and(|active| matches!(active.work, Work::Wait { .. }))
            })
            && !self.state.timers.iter().any(|(_, scope, timer)| {
                *timer == state::Timer::Wake
                    && self
                        .state
                        .active(*scope)
                        .is_some_and(|active| !matches!(active.work, Work::Wait { .. }))
            })
    }

    fn call(&self, ticket: Ticket, scope: ScopeId) -> Option<PendingCall> {
        let active = self.state.active(scope)?;
        let Work::Call { request, .. } = &active.work else {
            return None;
        };
        let request = match (&**request, &active.talk) {
            // The journal has what is new in it; who performs it needs the whole.
            (Request::Model(part), Some(talk)) => Arc::new(Request::Model(Arc::new(talk.whole(part)))),
            _ => request.clone(),
        };
        Some(PendingCall {
            ticket,
            request,
            step: self.program.caller(self.program.step(active.node)).into(),
            effect: self.effect(ticket, scope, active.attempt),
        })
    }

    fn effect(&self, ticket: Ticket, scope: ScopeId, attempt: u32) -> String {
        let address = self.state.place_of_call(&self.program, scope);
        match self.state.retries.iter().filter(|first| **first <= ticket).count() {
            0 => format!("{address}#{attempt}"),
            retries => format!("{address}#{attempt}~{retries}"),
        }
    }

    /// The id an author knows: units without an id of their own go by their owner's.
    fn owner(&self, id: &Name) -> Name {
        match id.split_once('/') {
            Some((owner, _)) => owner.into(),
            None => id.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
