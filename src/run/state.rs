//! The state of a run: a tree of scopes, each at one step.
//!
//! A [`Scope`] is a sequence of steps in progress. It is *between* two steps (`active` is `None`, `next` is to start) or
//! *at* one, whose [`Work`] says what it is busy with. Steps with steps inside have child scopes; when the last step of
//! a scope has ended, the scope ends and tells the step it belongs to. Scope 0 is at the run itself.
//!
//! Records of steps live in [`Frame`]s: one per workflow and one per item of a for-each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::{Outcome, Part, RunEnd, ScopeId, Started, Ticket, Verdict, Wait, WaitEnd, present};
use super::slab::Slab;
use super::talk::Talk;
use super::{Failure, Request, Spent};
use crate::data::Data;
use crate::graph::{Name, NodeId, Timestamp, WorkflowId};

/// What is known of a run. Only [`State::apply`] changes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) started: Option<Arc<Started>>,
    pub(super) started_at: Timestamp,
    pub(super) end: Option<RunEnd>,
    pub(super) scopes: Slab<Scope>,
    pub(super) instances: Slab<Instance>,
    pub(super) frames: Slab<Frame>,
    /// Scopes with something to decide, the next one last.
    pub(super) ready: Vec<ScopeId>,
    /// Scopes with something to start that an outside suspend holds back, with the moment since when.
    pub(super) held: VecDeque<(Timestamp, ScopeId)>,
    pub(super) suspension: Option<Suspension>,
    /// Calls and waits in flight.
    pub(super) tickets: BTreeMap<Ticket, ScopeId>,
    pub(super) next_ticket: u64,
    pub(super) timers: BTreeSet<(Timestamp, ScopeId, Timer)>,
    /// Events that came from outside and that no wait has taken yet.
    pub(super) inbox: VecDeque<(Name, Data)>,
    /// Where a retry begins, once the run is bound to fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<Box<RetryPoint>>,
    /// For each retry, the first ticket behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) retries: Vec<Ticket>,
    /// What all turns of models have taken.
    #[serde(default, skip_serializing_if = "Spent::is_nothing")]
    pub(super) spent: Spent,
}

/// A run as it stood when a step was about to fail, and the run with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RetryPoint {
    /// When that was.
    pub at: Timestamp,
    /// Where the step is.
    pub scope: ScopeId,
    pub state: State,
}

/// A hold from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Timer {
    /// A sleep, a wait between attempts or a wait for somebody is over.
    Wake,
    /// An attempt has taken too long.
    Deadline,
    /// A cleanup has taken too long.
    Cleanup,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scope {
    /// The scope whose step this one belongs to.
    pub parent: Option<ScopeId>,
    pub part: Part,
    pub instance: u32,
    pub frame: u32,
    pub next: Option<NodeId>,
    /// How often it has jumped backwards.
    #[serde(default, skip_serializing_if = "is_first")]
    pub visit: u32,
    pub active: Option<Active>,
    pub data: Data,
    pub local: Local,
    pub cancelled: bool,
    /// Whether it stands in `ready` or `held`.
    pub queued: bool,
    /// The conversation that the step which begins next goes on with, behind a retry of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk: Option<Box<Talk>>,
}

fn is_first(visit: &u32) -> bool {
    *visit == 0
}

/// What a block adds to the names in scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Local {
    None,
    Item { item: Data, index: u32 },
    Iteration { index: u32 },
    Error(Arc<Failure>),
    Tool { arguments: Data },
}

/// A step in progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Active {
    pub node: NodeId,
    pub started_at: Timestamp,
    pub attempt: u32,
    pub work: Work,
    pub deadline: Option<Timestamp>,
    /// The error of the last attempt; what a handler sees.
    pub failure: Option<Arc<Failure>>,
    /// The child workflow entered in this attempt; it outlives its scope until its result is mapped.
    pub entered: Option<u32>,
    /// Whether the cleanup has run.
    pub cleaned: bool,
    /// The conversation, of a step that asks an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk: Option<Box<Talk>>,
}

/// What a step in progress is busy with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Work {
    /// Its attempt is to begin.
    Begin,
    Call {
        ticket: Ticket,
        request: Arc<Request>,
    },
    Called(Outcome),
    Wait {
        ticket: Ticket,
        wait: Arc<Wait>,
        deadline: Option<Timestamp>,
    },
    Waited(WaitEnd),
    Sleep {
        until: Timestamp,
    },
    Slept,
    /// Waits between two attempts.
    Backoff {
        until: Timestamp,
    },
    /// A handler is to begin.
    Recover(u32),
    Block {
        child: ScopeId,
        part: Part,
    },
    BlockEnded {
        part: Part,
        end: End,
    },
    Fork(Box<Branches>),
    Each {
        items: Data,
        branches: Box<Branches>,
    },
    Loop(Box<Iterations>),
    /// The calls of a model's last turn.
    Tools(Box<Branches>),
    /// What comes of the attempt is decided; open scopes inside are being cancelled.
    Unwinding {
        verdict: Verdict,
        open: u32,
    },
    /// What comes of the step is decided; its cleanup is to begin.
    Finishing {
        verdict: Verdict,
    },
    Cleanup {
        child: ScopeId,
        verdict: Verdict,
        until: Option<Timestamp>,
    },
    CleanupEnded {
        verdict: Verdict,
        end: End,
    },
}

/// Branches or items beside each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Branches {
    pub slots: Vec<Slot>,
    /// The first branch that has not been looked at.
    pub next: u32,
    pub running: u32,
    /// The first to fail, to succeed, to end.
    pub failed: Option<u32>,
    pub succeeded: Option<u32>,
    pub settled: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Slot {
    Chosen,
    NotChosen,
    Running(ScopeId),
    Ended(End),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Iterations {
    /// How many have begun.
    pub begun: u32,
    pub max: u32,
    pub child: Option<ScopeId>,
    pub end: Option<End>,
    /// The value the next iteration begins with.
    pub data: Data,
}

/// How a scope ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum End {
    Value(Data),
    Failed(Arc<Failure>),
    Cancelled,
}

/// A workflow in progress: the run's own or a child.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Instance {
    pub workflow: WorkflowId,
    pub input: Data,
    pub state: Data,
    pub frame: u32,
    pub started_at: Timestamp,
    /// The scope of the step that called it.
    pub caller: ScopeId,
}

/// Records of steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Frame {
    pub parent: Option<u32>,
    pub each: Option<NodeId>,
    pub records: Vec<Record>,
}

/// What is remembered of a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub status: Option<StepStatus>,
    pub input: Data,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub output: Option<Data>,
    pub failure: Option<Arc<Failure>>,
}

/// The status of a step (rule 41).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// At work.
    Running,
    /// Waits for a payload, an event or a moment.
    Waiting,
    /// Ended well.
    Success,
    /// Did not run.
    Skipped,
    /// Ended with an error.
    Error,
    /// Was cancelled.
    Cancelled,
}

impl StepStatus {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            StepStatus::Running => "running",
            StepStatus::Waiting => "waiting",
            StepStatus::Success => "success",
            StepStatus::Skipped => "skipped",
            StepStatus::Error => "error",
            StepStatus::Cancelled => "cancelled",
        }
    }
}

/// Whether a scope has something to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It waits for something, or is over.
    Idle,
    /// It can go on.
    GoesOn,
    /// It can start a step, an attempt, a handler or a cleanup, which a suspended run must not.
    Starts,
}

impl Branches {
    pub fn new(slots: Vec<Slot>) -> Branches {
        let mut branches = Branches {
            slots,
            ..Branches::default()
        };
        branches.pass_over();
        branches
    }

    /// Moves `next` behind branches that are not to run, or have run before.
    pub fn pass_over(&mut self) {
        while matches!(
            self.slots.get(self.next as usize),
            Some(Slot::NotChosen | Slot::Ended(_))
        ) {
            self.next += 1;
        }
    }

    pub fn over(&self) -> bool {
        self.running == 0 && self.next as usize == self.slots.len()
    }

    pub fn end(&mut self, at: u32, end: End) {
        self.running -= 1;
        self.settled.get_or_insert(at);
        match &end {
            End::Value(_) => drop(self.succeeded.get_or_insert(at)),
            End::Failed(_) => drop(self.failed.get_or_insert(at)),
            End::Cancelled => {}
        }
        if let Some(slot) = self.slots.get_mut(at as usize) {
            *slot = Slot::Ended(end);
        }
    }
}

impl Work {
    /// The scopes inside.
    pub fn children(&self) -> Vec<ScopeId> {
        match self {
            Work::Block { child, .. } | Work::Cleanup { child, .. } => vec![*child],
            Work::Fork(branches) | Work::Each { branches, .. } | Work::Tools(branches) => {
                let running = |slot: &Slot| match slot {
                    Slot::Running(child) => Some(*child),
                    Slot::Chosen | Slot::NotChosen | Slot::Ended(_) => None,
                };
                branches.slots.iter().filter_map(running).collect()
            }
            Work::Loop(iterations) => iterations.child.into_iter().collect(),
            Work::Begin
            | Work::Call { .. }
            | Work::Called(_)
            | Work::Wait { .. }
            | Work::Waited(_)
            | Work::Sleep { .. }
            | Work::Slept
            | Work::Backoff { .. }
            | Work::Recover(_)
            | Work::BlockEnded { .. }
            | Work::Unwinding { .. }
            | Work::Finishing { .. }
            | Work::CleanupEnded { .. } => Vec::new(),
        }
    }

    pub fn ticket(&self) -> Option<Ticket> {
        match self {
            Work::Call { ticket, .. } | Work::Wait { ticket, .. } => Some(*ticket),
            _ => None,
        }
    }

    /// When a [`Timer::Wake`] ends it.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        match self {
            Work::Sleep { until } | Work::Backoff { until } => Some(*until),
            Work::Wait { deadline, .. } => *deadline,
            _ => None,
        }
    }
}

impl State {
    pub(super) fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(id.0)
    }

    pub(super) fn active(&self, id: ScopeId) -> Option<&Active> {
        self.scope(id)?.active.as_ref()
    }

    /// The record of a step as seen from a frame.
    pub(super) fn record(&self, from: u32, each: Option<NodeId>, slot: u32) -> Option<&Record> {
        let mut frame = self.frames.get(from)?;
        while frame.each != each {
            frame = self.frames.get(frame.parent?)?;
        }
        frame.records.get(slot as usize)
    }
}
