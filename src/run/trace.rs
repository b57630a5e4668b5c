//! A run told for people and tools: what happened to which step, in the order it happened.
//!
//! A [`Tracer`] follows the events of a run and gives one [`TraceEvent`] for each that says something about the
//! workflow; how the interpreter goes about it (opening scopes, unwinding) is left out.

use std::sync::Arc;

use serde::Serialize;

use super::event::*;
use super::{Corrupt, Message, Request, Run};
use crate::data::{Data, Map};
use crate::graph::{Aim, Name, NodeId, Op, Program};

/// Something that happened to a step or to the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceEvent {
    /// When, as RFC 3339.
    pub at: String,
    /// The address of the step; absent for the run itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Its kind as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// What happened.
    #[serde(rename = "type")]
    pub what: What,
    /// The attempt it happened in, if it was not the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What came with it: an input, a request, an answer, an output, an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// The error that a tap has ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<Data>,
    /// The address of the step at which a jump goes on; absent where it ends its block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl TraceEvent {
    /// Whether it is about a turn of an agent's model, or what else its step asks: the step itself goes on around it.
    pub fn is_turn(&self) -> bool {
        let call = matches!(
            self.what,
            What::CallStarted | What::CallRepeated | What::CallCompleted | What::CallFailed
        );
        call && self.step.as_ref().is_some_and(|step| step.ends_with(']')) && self.kind == Some("andAgent")
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum What {
    /// The run began, with its input.
    #[serde(rename = "run.started")]
    RunStarted,
    /// The run has a result.
    #[serde(rename = "run.completed")]
    RunCompleted,
    /// The run failed, with its error.
    #[serde(rename = "run.failed")]
    RunFailed,
    /// The run was cancelled.
    #[serde(rename = "run.cancelled")]
    RunCancelled,
    /// The run had failed, and goes on from this step, which begins anew.
    #[serde(rename = "run.retried")]
    RunRetried,
    /// The run goes on from the beginning of another, whose id it is.
    #[serde(rename = "run.replayed")]
    RunReplayed,
    /// The run is held from outside.
    #[serde(rename = "run.suspended")]
    RunSuspended,
    /// The run goes on.
    #[serde(rename = "run.continued")]
    RunContinued,
    /// A step began.
    #[serde(rename = "step.started")]
    StepStarted,
    /// A step's condition did not hold.
    #[serde(rename = "step.skipped")]
    StepSkipped,
    /// A step ended well, with the `data` behind it.
    #[serde(rename = "step.completed")]
    StepCompleted,
    /// A step ended with an error.
    #[serde(rename = "step.failed")]
    StepFailed,
    /// A step was cancelled.
    #[serde(rename = "step.cancelled")]
    StepCancelled,
    /// An attempt failed and is repeated.
    #[serde(rename = "attempt.failed")]
    AttemptFailed,
    /// An attempt failed and is handled.
    #[serde(rename = "attempt.caught")]
    AttemptCaught,
    /// A call went out, with what was asked.
    #[serde(rename = "call.started")]
    CallStarted,
    /// A call went out again, because who made it before is gone.
    #[serde(rename = "call.repeated")]
    CallRepeated,
    /// A call came back, with its result.
    #[serde(rename = "call.completed")]
    CallCompleted,
    /// A call failed.
    #[serde(rename = "call.failed")]
    CallFailed,
    /// A step waits for a payload or an event.
    #[serde(rename = "wait.started")]
    WaitStarted,
    /// It was answered, with the payload or the event's data.
    #[serde(rename = "wait.resumed")]
    WaitResumed,
    /// Nobody came in time.
    #[serde(rename = "wait.expired")]
    WaitExpired,
    /// A step sleeps.
    #[serde(rename = "sleep.started")]
    SleepStarted,
    /// A named event was put into the stream.
    #[serde(rename = "event.emitted")]
    EventEmitted,
    /// A named event came from outside.
    #[serde(rename = "event.received")]
    EventReceived,
    /// A cleanup began.
    #[serde(rename = "cleanup.started")]
    CleanupStarted,
}

impl What {
    /// The words for it in a text, behind the address of the step or `run`.
    pub fn words(self) -> &'static str {
        match self {
            What::RunStarted | What::StepStarted => "started",
            What::RunCompleted | What::StepCompleted => "completed",
            What::RunFailed | What::StepFailed => "failed",
            What::RunCancelled | What::StepCancelled => "cancelled",
            What::RunRetried => "begins anew",
            What::RunReplayed => "goes on where another was",
            What::RunSuspended => "suspended",
            What::RunContinued => "continued",
            What::StepSkipped => "skipped",
            What::AttemptFailed => "failed, trying again",
            What::AttemptCaught => "failed, caught",
            What::CallStarted => "calls",
            What::CallRepeated => "calls again",
            What::CallCompleted => "got",
            What::CallFailed => "call failed",
            What::WaitStarted => "waits",
            What::WaitResumed => "resumed with",
            What::WaitExpired => "waited in vain",
            What::SleepStarted => "sleeps",
            What::EventEmitted => "emits",
            What::EventReceived => "received",
            What::CleanupStarted => "cleans up",
        }
    }
}

/// Follows the events of one run.
#[derive(Debug)]
pub struct Tracer {
    /// The run as far as it was followed, to know where an event happened.
    run: Run,
}

impl Tracer {
    /// A tracer of a run from its first event on.
    pub fn new(program: Arc<Program>) -> Tracer {
        Tracer { run: Run::new(program) }
    }

    /// The run as far as it was followed.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// What the step in progress in a scope has received.
    pub fn received(&self, scope: ScopeId) -> Option<&Data> {
        Some(&self.run.state.scope(scope)?.data)
    }

    /// The step in progress in a scope.
    pub fn node(&self, scope: ScopeId) -> Option<NodeId> {
        Some(self.run.state.active(scope)?.node)
    }

    /// Where the step is that made a call.
    pub fn scope_of(&self, ticket: Ticket) -> Option<ScopeId> {
        self.run.state.tickets.get(&ticket).copied()
    }

    /// What an event tells; `None` if it tells nothing about the workflow.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] if it cannot follow the events before it.
    pub fn follow(&mut self, event: &Event) -> Result<Option<TraceEvent>, Corrupt> {
        // A step that ends is gone behind the event, one that starts is not there before it.
        let before = match &event.kind {
            // An agent's step is at another place with each call.
            EventKind::CallStarted { .. } => None,
            kind => self.place(kind),
        };
        let kept = self.kept(&event.kind);
        self.run.follow(event)?;
        let place = before.or_else(|| self.place(&event.kind));
        let Some((what, data)) = tell(&event.kind) else {
            return Ok(None);
        };
        let mut told = TraceEvent {
            at: event.at.to_rfc3339(),
            step: None,
            kind: None,
            what,
            attempt: None,
            data,
            ignored: None,
            to: None,
        };
        if let Some((node, address, attempt)) = place {
            let step = self.run.program.step(node);
            told.data = told.data.or(kept);
            if let EventKind::StepEnded { end, .. } = &event.kind
                && let StepEnd::Success { error: Some(error), .. } = end
                && step.node.keys.as_ref().is_some_and(|keys| keys.tap)
            {
                told.ignored = Some(brief(error));
            }
            told.to = self.jumped(&event.kind);
            told.step = Some(address);
            told.kind = Some(step.node.kind);
            told.attempt = (attempt > 1).then_some(attempt);
        }
        Ok(Some(told))
    }

    /// The `data` that stays behind a step which returned nothing.
    fn kept(&self, kind: &EventKind) -> Option<Data> {
        match kind {
            EventKind::StepEnded {
                scope,
                end: StepEnd::Success { data: None, .. },
                ..
            } => Some(self.run.state.scope(*scope)?.data.clone()),
            _ => None,
        }
    }

    /// Where the step goes on that has just jumped.
    fn jumped(&self, kind: &EventKind) -> Option<String> {
        let EventKind::StepEnded {
            scope,
            node,
            end: StepEnd::Success { arm: Some(arm), .. },
        } = kind
        else {
            return None;
        };
        let program = &self.run.program;
        match &program.step(*node).node.op {
            Op::Jump(jump) => match jump.aim(*arm)? {
                Aim::Node(to) => self.run.state.address_in(program, *scope, to),
                Aim::End => None,
            },
            _ => None,
        }
    }

    /// The addresses of the steps in progress.
    pub fn in_progress(&self) -> impl Iterator<Item = String> {
        let scopes = self.run.state.scopes.ids().map(ScopeId);
        let active = scopes.filter(|scope| *scope != ScopeId(0) && self.run.state.active(*scope).is_some());
        active.map(|scope| self.run.state.address(&self.run.program, scope))
    }

    fn place(&self, kind: &EventKind) -> Option<(NodeId, String, u32)> {
        let scope = match kind {
            EventKind::StepStarted { scope, .. }
            | EventKind::CallStarted { scope, .. }
            | EventKind::WaitStarted { scope, .. }
            | EventKind::SleepStarted { scope, .. }
            | EventKind::BlockStarted { scope, .. }
            | EventKind::Emitted { scope, .. }
            | EventKind::AttemptFailed { scope, .. }
            | EventKind::StepEnded { scope, .. } => *scope,
            // The step is not in progress, before or behind the event.
            EventKind::StepSkipped { scope, node } | EventKind::RunRetried { scope, node } => {
                let address = self.run.state.address_in(&self.run.program, *scope, *node)?;
                return Some((*node, address, 1));
            }
            EventKind::CallRepeated { ticket }
            | EventKind::CallEnded { ticket, .. }
            | EventKind::WaitEnded { ticket, .. } => *self.run.state.tickets.get(ticket)?,
            _ => return None,
        };
        let active = self.run.state.active(scope)?;
        Some((
            active.node,
            self.run.state.place_of_call(&self.run.program, scope),
            active.attempt,
        ))
    }
}

fn tell(kind: &EventKind) -> Option<(What, Option<Data>)> {
    Some(match kind {
        EventKind::RunStarted(started) => (What::RunStarted, Some(started.input.clone())),
        EventKind::RunEnded { end } => match end {
            RunEnd::Completed(output) => (What::RunCompleted, Some(output.clone())),
            RunEnd::Failed(failure) => (What::RunFailed, Some(brief(failure))),
            RunEnd::Cancelled(reason) => (What::RunCancelled, reason.clone().map(Data::Text)),
        },
        EventKind::RunRetried { .. } => (What::RunRetried, None),
        EventKind::RunReplayed { of, .. } => (What::RunReplayed, Some(Data::Text(of.clone()))),
        EventKind::Suspended { reason } => (What::RunSuspended, reason.clone().map(Data::Text)),
        EventKind::Continued => (What::RunContinued, None),
        EventKind::StepStarted { .. } => (What::StepStarted, None),
        EventKind::StepSkipped { .. } => (What::StepSkipped, None),
        EventKind::StepEnded { end, .. } => match end {
            StepEnd::Success { data, .. } => (What::StepCompleted, data.clone()),
            StepEnd::Failed(failure) => (What::StepFailed, Some(brief(failure))),
            StepEnd::Cancelled => (What::StepCancelled, None),
        },
        EventKind::AttemptFailed { failure, then, .. } => match then {
            Recovery::Retry(_) => (What::AttemptFailed, Some(brief(failure))),
            Recovery::Handle(_) => (What::AttemptCaught, Some(brief(failure))),
        },
        EventKind::CallStarted { request, .. } => (What::CallStarted, Some(request.to_data())),
        EventKind::CallRepeated { .. } => (What::CallRepeated, None),
        EventKind::CallEnded { outcome, .. } => match outcome {
            Outcome::Done(answer) => (What::CallCompleted, answer.result.clone()),
            Outcome::Said(reply) => (What::CallCompleted, Some(reply.to_data())),
            Outcome::Failed(failure) => (What::CallFailed, Some(brief(failure))),
        },
        EventKind::WaitStarted { wait, .. } => (What::WaitStarted, Some(told_wait(wait))),
        EventKind::WaitEnded { end, .. } => match end {
            WaitEnd::Resumed(data) | WaitEnd::Received(data) => (What::WaitResumed, Some(data.clone())),
            WaitEnd::TimedOut => (What::WaitExpired, None),
        },
        EventKind::SleepStarted { until, .. } => (What::SleepStarted, Some(Data::from(until.to_rfc3339()))),
        EventKind::Emitted { event, data, .. } => (What::EventEmitted, Some(named(event, data))),
        EventKind::EventReceived { event, data } => (What::EventReceived, Some(named(event, data))),
        EventKind::BlockStarted {
            part: Part::Cleanup, ..
        } => (What::CleanupStarted, None),
        EventKind::BlockStarted { .. }
        | EventKind::ForkStarted { .. }
        | EventKind::EachStarted { .. }
        | EventKind::LoopStarted { .. }
        | EventKind::ToolsStarted { .. }
        | EventKind::ChildStarted { .. }
        | EventKind::AttemptStarted { .. }
        | EventKind::SleepEnded { .. }
        | EventKind::Unwinding { .. }
        | EventKind::Finishing { .. } => return None,
    })
}

/// An error without what stands elsewhere in the trace.
fn brief(failure: &super::Failure) -> Data {
    let mut entries: Vec<(Name, Data)> = vec![
        ("code".into(), Data::Text(failure.code.clone())),
        ("message".into(), Data::Text(failure.message.clone())),
    ];
    if !failure.data.is_null() {
        entries.push(("data".into(), failure.data.clone()));
    }
    Data::Map(Arc::new(entries.into_iter().collect::<Map>()))
}

fn told_wait(wait: &Wait) -> Data {
    let mut entries: Vec<(Name, Data)> = Vec::new();
    match wait {
        Wait::Resume { reason, data } => {
            entries.extend(reason.clone().map(|reason| ("reason".into(), Data::Text(reason))));
            entries.extend(data.clone().map(|data| ("data".into(), data)));
        }
        Wait::Event { event } => entries.push(("event".into(), Data::Text(event.clone()))),
    }
    Data::Map(Arc::new(entries.into_iter().collect::<Map>()))
}

fn named(event: &Name, data: &Data) -> Data {
    let entries: [(Name, Data); 1] = [(event.clone(), data.clone())];
    Data::Map(Arc::new(entries.into_iter().collect::<Map>()))
}

impl Request {
    /// The request for people: secrets as `{{ secrets.NAME }}`.
    pub fn to_data(&self) -> Data {
        let mut entries: Vec<(Name, Data)> = Vec::new();
        let object = |fields: &[(Name, crate::data::Sealed)]| {
            Data::Map(Arc::new(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), shown(value)))
                    .collect::<Map>(),
            ))
        };
        match self {
            Request::Http(http) => {
                entries.push(("http".into(), Data::Text(http.method.clone())));
                entries.push(("url".into(), shown(&http.url)));
                if !http.query.is_empty() {
                    entries.push(("query".into(), object(&http.query)));
                }
                if !http.headers.is_empty() {
                    entries.push(("headers".into(), object(&http.headers)));
                }
                entries.extend(http.body.as_ref().map(|body| ("body".into(), shown(body))));
            }
            Request::Exec(exec) => {
                let words = std::iter::once(Data::Text(exec.program.clone()));
                let words = words.chain(exec.arguments.iter().map(shown));
                entries.push(("exec".into(), words.collect()));
                if !exec.env.is_empty() {
                    entries.push(("env".into(), object(&exec.env)));
                }
                entries.push(("stdin".into(), shown(&exec.stdin)));
            }
            Request::Mcp(mcp) => {
                entries.push(("mcp".into(), Data::from(format!("{}/{}", mcp.server, mcp.tool))));
                entries.push(("arguments".into(), shown(&mcp.arguments)));
            }
            Request::Function(function) => {
                entries.push(("function".into(), Data::Text(function.name.clone())));
                entries.push(("arguments".into(), function.arguments.clone()));
            }
            Request::McpTools(asked) => entries.push(("mcpTools".into(), Data::Text(asked.server.clone()))),
            Request::Model(asked) => entries.extend(asked.told()),
            Request::Recall(asked) => entries.push(("recall".into(), Data::Text(asked.conversation.clone()))),
            Request::Remember(asked) => {
                entries.push(("remember".into(), Data::Text(asked.conversation.clone())));
                entries.push(("messages".into(), asked.messages.iter().map(Message::to_data).collect()));
            }
            Request::Conversation(asked) => {
                entries.push(("conversation".into(), Data::from(asked.action())));
                entries.extend(asked.conversation().map(|id| ("id".into(), Data::Text(id.clone()))));
            }
        }
        Data::Map(Arc::new(entries.into_iter().collect::<Map>()))
    }
}

/// A field for people: each secret as the reference it is.
fn shown(field: &crate::data::Sealed) -> Data {
    let reference = |name: &str| Some(Name::from(format!("{{{{ secrets.{name} }}}}")));
    // Every name has a reference, so there is always a value.
    field.reveal(&reference).unwrap_or_default()
}

/// A trace as text, one line an event: for snapshots, without times and ids.
///
/// A step that starts and at once ends is one line.
#[derive(Debug, Default)]
pub struct TraceText {
    text: String,
    started: Option<String>,
}

impl TraceText {
    /// Adds an event.
    pub fn push(&mut self, event: &TraceEvent) {
        let subject = event.step.as_deref().unwrap_or("run");
        let started = self.started.take();
        match &started {
            Some(step) if event.what == What::StepCompleted && step == subject => {}
            Some(step) => self.line(step, None, "started", None),
            None => {}
        }
        if event.what == What::StepStarted {
            self.started = Some(subject.to_owned());
            return;
        }
        // An instant is a time.
        let data = event.data.as_ref().filter(|_| event.what != What::SleepStarted);
        self.line(subject, event.attempt, event.what.words(), data);
        if let Some(ignored) = &event.ignored {
            self.line(subject, None, "ignored the error", Some(ignored));
        }
        if let Some(to) = &event.to {
            self.line(subject, None, &format!("goes on at {to}"), None);
        }
    }

    fn line(&mut self, subject: &str, attempt: Option<u32>, words: &str, data: Option<&Data>) {
        use std::fmt::Write;
        self.text.push_str(subject);
        // Writing to a string does not fail.
        if let Some(attempt) = attempt {
            let _ = write!(self.text, " (attempt {attempt})");
        }
        let _ = match data {
            Some(data) => writeln!(self.text, ": {words} {data}"),
            None => writeln!(self.text, ": {words}"),
        };
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        if let Some(step) = self.started.take() {
            self.line(&step, None, "started", None);
        }
        self.text
    }
}
