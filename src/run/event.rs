//! What happened in a run: the only thing that changes its state, and all that is kept of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::graph::{Name, NodeId, Timestamp};
use crate::run::{Failure, Reply, Request, TraceParent};

/// A place where steps run one after the other: the run itself, a branch, an iteration. Ids are reused when a scope
/// has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeId(pub u32);

/// A call or wait in flight; never reused in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub u64);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. Each variant is a decision or a fact from outside; what follows from it without a decision is in
/// [`apply`](super::State::apply) alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EventKind {
    /// The run began: scope 0 enters the main workflow in `child`.
    RunStarted(Arc<Started>),
    /// A step began on the `data` of its scope.
    StepStarted {
        /// Where.
        scope: ScopeId,
        /// Which.
        node: NodeId,
        /// When its first attempt has taken too long.
        deadline: Option<Timestamp>,
    },
    /// A step's condition did not hold.
    StepSkipped {
        /// Where.
        scope: ScopeId,
        /// Which.
        node: NodeId,
    },
    /// The outside world was asked for something.
    CallStarted {
        /// By the step in this scope.
        scope: ScopeId,
        /// The call.
        ticket: Ticket,
        /// What was asked, with every expression evaluated.
        request: Arc<Request>,
    },
    /// A call was made again, with the same effect id: who made it before is gone, and may have done it.
    CallRepeated {
        /// The call.
        ticket: Ticket,
    },
    /// The outside world answered.
    CallEnded {
        /// The call.
        ticket: Ticket,
        /// The answer.
        outcome: Outcome,
    },
    /// A step began to wait for a payload or an event.
    WaitStarted {
        /// In this scope.
        scope: ScopeId,
        /// The wait.
        ticket: Ticket,
        /// For what.
        wait: Arc<Wait>,
        /// When it ends by itself.
        deadline: Option<Timestamp>,
    },
    /// A wait is over.
    WaitEnded {
        /// The wait.
        ticket: Ticket,
        /// How.
        end: WaitEnd,
    },
    /// A step began to sleep.
    SleepStarted {
        /// In this scope.
        scope: ScopeId,
        /// Until then.
        until: Timestamp,
    },
    /// It has slept long enough.
    SleepEnded {
        /// In this scope.
        scope: ScopeId,
    },
    /// A block inside the step began.
    BlockStarted {
        /// The step's scope.
        scope: ScopeId,
        /// The scope of the block.
        child: ScopeId,
        /// Which block it is of the step.
        part: Part,
        /// When a cleanup has taken too long.
        deadline: Option<Timestamp>,
    },
    /// Branches beside each other were opened; those that are not chosen give null.
    ForkStarted {
        /// In this scope.
        scope: ScopeId,
        /// For each branch, whether it is to run.
        chosen: Arc<[bool]>,
    },
    /// A list of items was opened.
    EachStarted {
        /// In this scope.
        scope: ScopeId,
        /// The items.
        items: Data,
    },
    /// A loop was opened.
    LoopStarted {
        /// In this scope.
        scope: ScopeId,
        /// How many iterations there may be.
        max_iterations: u32,
    },
    /// The calls that a model asked for were opened.
    ToolsStarted {
        /// In this scope.
        scope: ScopeId,
        /// How each is dealt with. What has ended already, in an attempt before, is left as it is.
        calls: Arc<[Planned]>,
    },
    /// A child workflow began.
    ChildStarted {
        /// The step that calls it.
        scope: ScopeId,
        /// The scope of its steps.
        child: ScopeId,
        /// Its input, defaults filled in.
        input: Data,
        /// Its first state.
        state: Data,
        /// When it has taken too long, by its own time limit or that of the step.
        deadline: Option<Timestamp>,
    },
    /// A named event was put into the stream.
    Emitted {
        /// By the step in this scope.
        scope: ScopeId,
        /// Its name.
        event: Name,
        /// Its data.
        data: Data,
    },
    /// A named event came from outside; it is kept until a wait takes it.
    EventReceived {
        /// Its name.
        event: Name,
        /// Its data.
        data: Data,
    },
    /// An attempt failed, and something is to be done about it.
    AttemptFailed {
        /// In this scope.
        scope: ScopeId,
        /// Why.
        failure: Arc<Failure>,
        /// What is done.
        then: Recovery,
    },
    /// Another attempt began.
    AttemptStarted {
        /// In this scope.
        scope: ScopeId,
        /// When it has taken too long.
        deadline: Option<Timestamp>,
    },
    /// The attempt of a step is decided while scopes inside it are open: they are cancelled and cleaned up first.
    Unwinding {
        /// The step's scope.
        scope: ScopeId,
        /// What comes of the attempt when they are gone.
        verdict: Verdict,
        /// The innermost step around the `end` that led to it, unless that stands at the top of the workflow.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        around: Option<ScopeId>,
    },
    /// What comes of a step is decided, and its cleanup is due.
    Finishing {
        /// The step's scope.
        scope: ScopeId,
        /// What comes of the step when the cleanup is done.
        verdict: Verdict,
    },
    /// A step ended.
    StepEnded {
        /// In this scope.
        scope: ScopeId,
        /// Which.
        node: NodeId,
        /// How.
        end: StepEnd,
    },
    /// The run is held from outside: nothing starts.
    Suspended {
        /// Why.
        reason: Option<Name>,
    },
    /// The run goes on.
    Continued,
    /// A run that had failed goes on: it stands where it stood when a step was about to fail for good, and that step
    /// begins anew.
    RunRetried {
        /// Where the step is.
        scope: ScopeId,
        /// Which it is.
        node: NodeId,
    },
    /// What stands before is the beginning of another run, and this one goes on from there.
    RunReplayed {
        /// The other run.
        of: Name,
        /// When the other run came here.
        since: Timestamp,
        /// What is not as it was there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<Box<Instead>>,
    },
    /// The run is over.
    RunEnded {
        /// How.
        end: RunEnd,
    },
}

/// How a run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The run's id.
    pub run: Name,
    /// The content hash of the program.
    pub program: Name,
    /// The input, defaults filled in.
    pub input: Data,
    /// What the caller said besides the input.
    pub context: Data,
    /// The first state.
    pub state: Data,
    /// When the whole run has taken too long.
    pub deadline: Option<Timestamp>,
    /// Environment variables the run may read, by name.
    pub env: Data,
    /// For whom it runs.
    pub user: Option<Name>,
    /// The conversation it belongs to.
    pub conversation: Option<Name>,
    /// What listings can be asked for besides.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What it belongs to in the trace of whoever began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceParent>,
}

/// What somebody marked a run with, for listings.
pub type Labels = BTreeMap<Name, Name>;

/// With what a replayed run goes on in place of what the other run had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instead {
    /// Where the next step is to begin.
    pub scope: ScopeId,
    /// The `data` it begins on.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub data: Option<Data>,
    /// The state of the workflow that it is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub state: Option<Data>,
}

/// Which block of a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// The n-th block of its operation: an arm, a branch, an item, an iteration.
    Body(u32),
    /// The n-th `catch` handler.
    Handler(u32),
    /// `finally`.
    Cleanup,
    /// The n-th call that a model asked for in its last turn.
    Tool(u32),
}

/// An answer of the outside world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// It did what was asked.
    Done(Answer),
    /// It did not.
    Failed(Arc<Failure>),
    /// A model has said something. An answer to a model that is [`Outcome::Done`] is its last word, as mocks give it.
    Said(Arc<Reply>),
}

/// A call that a model asked for, as it is going to be dealt with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Planned {
    /// It is made.
    Run {
        /// Which tool of the step it is.
        tool: u32,
        /// Its arguments, defaults filled in.
        arguments: Data,
    },
    /// It cannot be made, and the model is told why.
    Refused(Arc<Failure>),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// `result`; absent when there was nothing, as with an empty body.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub result: Option<Data>,
    /// `response`, of an HTTP call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Data>,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Wait {
    /// A payload from a person.
    Resume {
        /// Why.
        reason: Option<Name>,
        /// What the person sees.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        data: Option<Data>,
    },
    /// A named event.
    Event {
        /// Its name.
        event: Name,
    },
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum WaitEnd {
    /// With a payload, defaults filled in.
    Resumed(Data),
    /// With an event; the first kept one of that name and data is used up.
    Received(Data),
    /// Nobody came.
    TimedOut,
}

/// What is done about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Recovery {
    /// Another attempt at that moment.
    Retry(Timestamp),
    /// The n-th handler.
    Handle(u32),
}

/// What comes of an attempt or a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// The step's value, mapped and checked.
    Mapped {
        /// The new `data`; absent when it stays.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        data: Option<Data>,
        /// What `setState` sees as `output`.
        output: Data,
    },
    /// The result of a race, and who won.
    Won {
        /// The winner's value.
        result: Data,
        /// Its key or index.
        winner: Data,
    },
    /// The workflow inside finished early: its result, not mapped any further.
    Ended(Data),
    /// An `end` inside the step finished the workflow: the step is done, and gives nothing.
    EndedInside,
    /// A failure.
    Failed(Arc<Failure>),
    /// The step is cancelled.
    Cancelled(Option<Name>),
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum StepEnd {
    /// Well.
    Success {
        /// The new `data`; absent when it stays.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        data: Option<Data>,
        /// Keys of the state that are replaced.
        state: Vec<(Name, Data)>,
        /// The error that a handler or a tap has dealt with.
        error: Option<Arc<Failure>>,
        /// By which arm it jumped; behind its last arm stands where it goes when none holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arm: Option<u32>,
    },
    /// With an error that nobody handled.
    Failed(Arc<Failure>),
    /// It was cancelled.
    Cancelled,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RunEnd {
    /// With a result.
    Completed(Data),
    /// With an error.
    Failed(Arc<Failure>),
    /// It was cancelled.
    Cancelled(Option<Name>),
}

/// An optional value that is there, null included: in JSON, absent and null are two things here.
pub(super) fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Data>, D::Error> {
    Data::deserialize(deserializer).map(Some)
}
