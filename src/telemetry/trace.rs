//! From the events of a run to spans and measurements.
//!
//! What is told of a run follows from its journal alone, ids included. So a span is whole whoever drives the run when it
//! ends: a step that waited for three days over two restarts is one span of three days, told once.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::calls::{self, Connections};
use super::export::Gathered;
use super::message::{Attributes, Worth};
use super::metrics::{Instrument, Measured};
use super::settings::{Sampler, Settings};
use super::span::{End, Open, Side, Span, SpanId};
use crate::drive::Following;
use crate::graph::{Name, NodeId, Op, Program, Timestamp};
use crate::run::{
    Event, EventKind, Failure, Outcome, Part, Reply, Request, Run, RunEnd, ScopeId, Started, StepEnd, Ticket, ToolCall,
    TraceParent, Usage,
};

/// Follows one run.
pub(super) struct Trace {
    settings: Arc<Settings>,
    connections: Arc<Connections>,
    gathered: Gathered,
    run: Name,
    program: Arc<Program>,
    trace: [u8; 16],
    sampled: bool,
    root: Option<Open>,
    scopes: HashMap<ScopeId, Scope>,
    calls: HashMap<Ticket, ScopeId>,
    usage: Spent,
    /// Whether what is followed happens now.
    new: bool,
}

/// A place where steps run one after the other.
struct Scope {
    parent: SpanId,
    /// The call of a model that it does.
    tool: Option<ToolCall>,
    step: Option<Step>,
}

/// A step in progress.
struct Step {
    span: Open,
    /// Only of steps that may have several.
    attempt: Option<Attempt>,
    calls: HashMap<Ticket, (Open, Arc<Request>)>,
    /// What the model of an agent asked for last.
    asked: Vec<ToolCall>,
    usage: Spent,
}

/// The last attempt of a step.
struct Attempt {
    number: u32,
    /// While it goes on.
    span: Option<Open>,
}

/// What models have taken.
#[derive(Default)]
struct Spent {
    usage: Option<Usage>,
    cost: Option<f64>,
}

impl Spent {
    fn add(&mut self, reply: &Reply) {
        self.usage = match (self.usage, reply.usage) {
            (Some(before), Some(now)) => Some(before.and(now)),
            (before, now) => before.or(now),
        };
        self.cost = match (self.cost, reply.cost) {
            (Some(before), Some(now)) => Some(before + now),
            (before, now) => before.or(now),
        };
    }

    fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        if let Some(usage) = self.usage {
            attributes.push(("gen_ai.usage.input_tokens", Worth::from(usage.input_tokens)));
            attributes.push(("gen_ai.usage.output_tokens", Worth::from(usage.output_tokens)));
        }
        attributes.extend(self.cost.map(|cost| ("interpret.cost", Worth::Double(cost))));
        attributes
    }
}

impl Trace {
    pub fn new(
        settings: Arc<Settings>,
        connections: Arc<Connections>,
        gathered: Gathered,
        run: Name,
        program: Arc<Program>,
    ) -> Trace {
        Trace {
            trace: trace_of(&run),
            sampled: false,
            settings,
            connections,
            gathered,
            run,
            program,
            root: None,
            scopes: HashMap::new(),
            calls: HashMap::new(),
            usage: Spent::default(),
            new: false,
        }
    }

    fn event(&mut self, seq: u64, event: &Event, run: Option<&Run>) {
        let at = event.at;
        match &event.kind {
            EventKind::RunStarted(started) => self.start(seq, at, started),
            EventKind::RunRetried { .. } => {
                self.scopes.clear();
                self.calls.clear();
                let parent = self.root.as_ref().and_then(|root| root.parent);
                self.begin(seq, at, parent, None);
            }
            EventKind::RunReplayed { of, .. } => self.replayed(at, of),
            EventKind::RunEnded { end } => self.end(at, end),
            EventKind::StepStarted { scope, node, .. } => self.step(seq, at, *scope, *node),
            EventKind::StepSkipped { node, .. } => self.count(*node, "skipped"),
            EventKind::StepEnded { scope, end, .. } => self.step_ended(at, *scope, end),
            EventKind::AttemptFailed { scope, failure, .. } => {
                self.attempt_ended(at, *scope, &failed(failure, self.settings.content));
            }
            EventKind::AttemptStarted { scope, .. } => self.attempt(seq, at, *scope),
            EventKind::CallStarted { scope, ticket, request } => {
                let effect = run.and_then(|run| run.pending_call(*ticket)).map(|call| call.effect);
                self.call(at, *scope, *ticket, request, effect);
            }
            EventKind::CallEnded { ticket, outcome } => self.call_ended(at, *ticket, outcome),
            EventKind::BlockStarted { scope, child, part, .. } => {
                let tool = match part {
                    Part::Tool(n) => self.asked(*scope, *n),
                    Part::Body(_) | Part::Handler(_) | Part::Cleanup => None,
                };
                self.enter(*scope, *child, tool);
            }
            EventKind::ChildStarted { scope, child, .. } => self.enter(*scope, *child, None),
            EventKind::CallRepeated { .. }
            | EventKind::WaitStarted { .. }
            | EventKind::WaitEnded { .. }
            | EventKind::SleepStarted { .. }
            | EventKind::SleepEnded { .. }
            | EventKind::ForkStarted { .. }
            | EventKind::EachStarted { .. }
            | EventKind::LoopStarted { .. }
            | EventKind::ToolsStarted { .. }
            | EventKind::Emitted { .. }
            | EventKind::EventReceived { .. }
            | EventKind::Unwinding { .. }
            | EventKind::Finishing { .. }
            | EventKind::Suspended { .. }
            | EventKind::Continued => {}
        }
    }

    fn start(&mut self, seq: u64, at: Timestamp, started: &Started) {
        let outer = started.trace.filter(|_| self.settings.propagates);
        if let Some(outer) = outer {
            self.trace = outer.trace;
        }
        self.sampled = is_sampled(self.settings.sampler, self.trace, outer);
        self.begin(seq, at, outer.map(|outer| outer.span), started.conversation.as_ref());
    }

    /// The span of the run; a run that is retried has another.
    fn begin(&mut self, seq: u64, at: Timestamp, parent: Option<SpanId>, conversation: Option<&Name>) {
        let header = &self.program.main().header;
        let mut attributes: Attributes = vec![
            ("gen_ai.operation.name", "invoke_workflow".into()),
            ("gen_ai.workflow.name", Worth::from(&*header.id)),
            ("interpret.run.id", Worth::from(&*self.run)),
            ("interpret.definition", Worth::from(&*self.program.hash)),
        ];
        let version = header.version.as_deref();
        attributes.extend(version.map(|version| ("interpret.workflow.version", Worth::from(version))));
        attributes.extend(conversation.map(|id| ("gen_ai.conversation.id", Worth::from(&**id))));
        self.root = Some(Open {
            id: self.id("run", seq),
            parent,
            name: format!("invoke_workflow {}", header.id),
            side: Side::Internal,
            start: at,
            attributes,
        });
    }

    /// What stands before belongs to another run; this one begins here.
    fn replayed(&mut self, at: Timestamp, of: &Name) {
        let steps = self.scopes.values_mut().filter_map(|scope| scope.step.as_mut());
        let opened = steps.flat_map(|step| {
            let attempt = step.attempt.as_mut().and_then(|attempt| attempt.span.as_mut());
            let calls = step.calls.values_mut().map(|(call, _)| call);
            std::iter::once(&mut step.span).chain(attempt).chain(calls)
        });
        for open in opened.chain(&mut self.root) {
            open.start = at;
        }
        if let Some(root) = &mut self.root {
            root.attributes.push(("interpret.replayed_run.id", Worth::from(&**of)));
        }
    }

    fn end(&mut self, at: Timestamp, end: &RunEnd) {
        let (status, how) = match end {
            RunEnd::Completed(_) => ("completed", End::default()),
            RunEnd::Failed(failure) => ("failed", failed(failure, self.settings.content)),
            RunEnd::Cancelled(_) => ("cancelled", cancelled()),
        };
        let Some(root) = self.root.clone() else { return };
        let name = Worth::from(&*self.program.main().header.id);
        let mut attributes: Attributes = vec![("gen_ai.workflow.name", name)];
        attributes.extend(how.error.as_deref().map(|code| ("error.type", Worth::from(code))));
        let mut counted = attributes.clone();
        counted.push(("interpret.status", status.into()));
        self.measure(Measured::one(Instrument::Runs, counted));
        self.measure(Measured {
            instrument: Instrument::Workflows,
            value: seconds(root.start, at),
            attributes,
        });
        let mut open = root;
        open.attributes.push(("interpret.status", status.into()));
        open.attributes.extend(self.usage.attributes());
        self.tell(open, at, how);
    }

    fn step(&mut self, seq: u64, at: Timestamp, scope: ScopeId, node: NodeId) {
        let program = self.program.clone();
        let node = &program.step(node).node;
        let parent = self.within(scope);
        let tool = self.scopes.get(&scope).and_then(|scope| scope.tool.clone());
        let mut attributes: Attributes = vec![
            ("interpret.step.id", Worth::from(&*node.id)),
            ("interpret.step.kind", node.kind.into()),
        ];
        let name = match (&node.op, tool) {
            (Op::Agent(ask), _) => {
                attributes.push(("gen_ai.operation.name", "invoke_agent".into()));
                attributes.push(("gen_ai.agent.name", Worth::from(&*ask.agent)));
                let model = ask.definition.as_ref().and_then(|agent| agent.models.first());
                if let Some(model) = model {
                    attributes.extend(self.connections.attributes(&model.connection));
                    attributes.push(("gen_ai.request.model", Worth::from(&*model.model)));
                }
                format!("invoke_agent {}", ask.agent)
            }
            (Op::Call(_) | Op::Enter(_), Some(tool)) => {
                attributes.push(("gen_ai.operation.name", "execute_tool".into()));
                attributes.push(("gen_ai.tool.name", Worth::from(&*tool.name)));
                attributes.push(("gen_ai.tool.call.id", Worth::from(&*tool.id)));
                attributes.push(("gen_ai.tool.type", "function".into()));
                if self.settings.content {
                    let arguments = tool.arguments.to_string();
                    attributes.push(("gen_ai.tool.call.arguments", Worth::Text(arguments)));
                }
                format!("execute_tool {}", tool.name)
            }
            _ => format!("step {}", node.id),
        };
        let span = Open {
            id: self.id("step", seq),
            parent,
            name,
            side: Side::Internal,
            start: at,
            attributes,
        };
        let retry = node.keys.as_ref().and_then(|keys| keys.retry.as_ref());
        let attempt = retry.filter(|retry| retry.attempts > 1).map(|_| Attempt {
            number: 1,
            span: Some(self.attempt_of(seq, at, &span, 1)),
        });
        let step = Step {
            span,
            attempt,
            calls: HashMap::new(),
            asked: Vec::new(),
            usage: Spent::default(),
        };
        match self.scopes.get_mut(&scope) {
            Some(scope) => scope.step = Some(step),
            None => {
                let parent = parent.unwrap_or_default();
                let (tool, step) = (None, Some(step));
                self.scopes.insert(scope, Scope { parent, tool, step });
            }
        }
    }

    fn attempt_of(&self, seq: u64, at: Timestamp, step: &Open, number: u32) -> Open {
        Open {
            id: self.id("attempt", seq),
            parent: Some(step.id),
            name: format!("attempt {number}"),
            side: Side::Internal,
            start: at,
            attributes: vec![("interpret.attempt", Worth::from(u64::from(number)))],
        }
    }

    fn attempt(&mut self, seq: u64, at: Timestamp, scope: ScopeId) {
        let Some(step) = self.scopes.get(&scope).and_then(|scope| scope.step.as_ref()) else {
            return;
        };
        let number = step.attempt.as_ref().map_or(2, |attempt| attempt.number + 1);
        let attempt = self.attempt_of(seq, at, &step.span, number);
        if let Some(step) = self.scopes.get_mut(&scope).and_then(|scope| scope.step.as_mut()) {
            let span = Some(attempt);
            step.attempt = Some(Attempt { number, span });
        }
    }

    fn attempt_ended(&mut self, at: Timestamp, scope: ScopeId, how: &End) {
        let Some(step) = self.scopes.get_mut(&scope).and_then(|scope| scope.step.as_mut()) else {
            return;
        };
        let calls: Vec<(Ticket, (Open, Arc<Request>))> = step.calls.drain().collect();
        let attempt = step.attempt.as_mut().and_then(|attempt| attempt.span.take());
        // What is in flight when its step ends has been given up.
        for (ticket, (call, _)) in calls {
            self.calls.remove(&ticket);
            self.tell(call, at, cancelled());
        }
        if let Some(attempt) = attempt {
            self.tell(attempt, at, how.clone());
        }
    }

    fn step_ended(&mut self, at: Timestamp, scope: ScopeId, end: &StepEnd) {
        let (outcome, how) = match end {
            StepEnd::Success { .. } => ("completed", End::default()),
            StepEnd::Failed(failure) => ("failed", failed(failure, self.settings.content)),
            StepEnd::Cancelled => ("cancelled", cancelled()),
        };
        self.attempt_ended(at, scope, &how);
        let Some(step) = self.scopes.get_mut(&scope).and_then(|scope| scope.step.take()) else {
            return;
        };
        let mut open = step.span;
        open.attributes.extend(step.usage.attributes());
        let kind = open.attributes.iter().find(|(key, _)| *key == "interpret.step.kind");
        let kind = kind.cloned().into_iter().chain([("interpret.outcome", outcome.into())]);
        self.measure(Measured::one(Instrument::Steps, kind.collect()));
        self.tell(open, at, how);
    }

    fn count(&self, node: NodeId, outcome: &str) {
        let kind = self.program.step(node).node.kind;
        let attributes = vec![
            ("interpret.step.kind", kind.into()),
            ("interpret.outcome", outcome.into()),
        ];
        self.measure(Measured::one(Instrument::Steps, attributes));
    }

    fn call(&mut self, at: Timestamp, scope: ScopeId, ticket: Ticket, request: &Arc<Request>, effect: Option<String>) {
        let parent = self.within(scope);
        let (name, side, mut attributes) = calls::begun(request, &self.connections, self.settings.content);
        attributes.extend(effect.map(|effect| ("interpret.effect", Worth::Text(effect))));
        let open = Open {
            id: self.id("call", ticket.0),
            parent,
            name,
            side,
            start: at,
            attributes,
        };
        if let Some(step) = self.scopes.get_mut(&scope).and_then(|scope| scope.step.as_mut()) {
            step.calls.insert(ticket, (open, request.clone()));
            self.calls.insert(ticket, scope);
        }
    }

    fn call_ended(&mut self, at: Timestamp, ticket: Ticket, outcome: &Outcome) {
        let scope = self.calls.remove(&ticket);
        let step = scope.and_then(|scope| self.scopes.get_mut(&scope)?.step.as_mut());
        let Some((mut open, request)) = step.and_then(|step| step.calls.remove(&ticket)) else {
            return;
        };
        let content = self.settings.content;
        let how = match outcome {
            Outcome::Done(answer) => {
                open.attributes.extend(calls::answered(answer.response.as_ref()));
                End::default()
            }
            Outcome::Said(reply) => {
                open.attributes.extend(calls::said(reply, content));
                self.usage.add(reply);
                let step = scope.and_then(|scope| self.scopes.get_mut(&scope)?.step.as_mut());
                if let Some(step) = step {
                    step.usage.add(reply);
                    step.asked.clone_from(&reply.calls);
                }
                End::default()
            }
            Outcome::Failed(failure) => {
                open.attributes.extend(calls::answered(Some(&failure.data)));
                failed(failure, content)
            }
        };
        if let Request::Model(_) = &*request {
            self.measure_turn(at, &open, outcome, &how);
        }
        self.tell(open, at, how);
    }

    /// What a turn of a model adds to the metrics of clients of such models.
    fn measure_turn(&self, at: Timestamp, open: &Open, outcome: &Outcome, how: &End) {
        const KEPT: [&str; 6] = [
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.request.model",
            "gen_ai.response.model",
            "server.address",
            "server.port",
        ];
        let kept = open.attributes.iter().filter(|(key, _)| KEPT.contains(key));
        let kept: Attributes = kept.cloned().collect();
        let with = |more: Option<(&'static str, Worth)>| kept.iter().cloned().chain(more).collect();
        if let Outcome::Said(reply) = outcome
            && let Some(usage) = reply.usage
        {
            for (kind, tokens) in [("input", usage.input_tokens), ("output", usage.output_tokens)] {
                self.measure(Measured {
                    instrument: Instrument::Tokens,
                    value: tokens as f64,
                    attributes: with(Some(("gen_ai.token.type", kind.into()))),
                });
            }
        }
        self.measure(Measured {
            instrument: Instrument::Turns,
            value: seconds(open.start, at),
            attributes: with(how.error.as_deref().map(|code| ("error.type", Worth::from(code)))),
        });
    }

    /// The n-th call that the model of an agent asked for.
    fn asked(&self, scope: ScopeId, n: u32) -> Option<ToolCall> {
        let step = self.scopes.get(&scope)?.step.as_ref()?;
        step.asked.get(usize::try_from(n).ok()?).cloned()
    }

    fn enter(&mut self, scope: ScopeId, child: ScopeId, tool: Option<ToolCall>) {
        let parent = self.within(scope).unwrap_or_default();
        let step = None;
        self.scopes.insert(child, Scope { parent, tool, step });
    }

    /// The span in which something happens that happens in a scope.
    fn within(&self, scope: ScopeId) -> Option<SpanId> {
        let root = || self.root.as_ref().map(|root| root.id);
        let Some(scope) = self.scopes.get(&scope) else {
            return root();
        };
        let step = scope.step.as_ref();
        let attempt = step.and_then(|step| step.attempt.as_ref()?.span.as_ref());
        Some(match (attempt, step) {
            (Some(attempt), _) => attempt.id,
            (None, Some(step)) => step.span.id,
            (None, None) => scope.parent,
        })
    }

    fn id(&self, what: &str, number: u64) -> SpanId {
        let digest = Sha256::digest(format!("{}\n{what} {number}", self.run));
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        // Zeros would be no id.
        id[7] |= u8::from(id == [0; 8]);
        id
    }

    fn tell(&self, open: Open, end: Timestamp, how: End) {
        if self.new && self.sampled && self.settings.traces.is_some() {
            let trace = self.trace;
            self.gathered.span(Span { trace, open, end, how });
        }
    }

    fn measure(&self, measured: Measured) {
        if self.new && self.settings.metrics.is_some() {
            self.gathered.measured(measured);
        }
    }
}

impl Following for Trace {
    fn follow(&mut self, first: u64, events: &[Event], run: Option<&Run>, new: bool) {
        // What was taken over from another run has been told as a part of that.
        let replayed = |event: &Event| matches!(event.kind, EventKind::RunReplayed { .. });
        let own = events.iter().position(replayed).unwrap_or(0);
        for (at, (seq, event)) in (first..).zip(events).enumerate() {
            self.new = new && at >= own;
            self.event(seq, event, run);
        }
    }

    fn parent_of(&self, call: Ticket) -> Option<TraceParent> {
        if !self.settings.propagates {
            return None;
        }
        let scope = self.scopes.get(self.calls.get(&call)?)?;
        let (open, _) = scope.step.as_ref()?.calls.get(&call)?;
        Some(TraceParent {
            trace: self.trace,
            span: open.id,
            sampled: self.sampled,
        })
    }
}

/// The trace of a run that belongs to no other: the same in every process.
fn trace_of(run: &Name) -> [u8; 16] {
    let digest = Sha256::digest(format!("{run}\ntrace"));
    let mut trace = [0; 16];
    trace.copy_from_slice(&digest[..16]);
    trace[15] |= u8::from(trace == [0; 16]);
    trace
}

/// Whether a trace is kept: the same in every process that is configured alike.
fn is_sampled(sampler: Sampler, trace: [u8; 16], outer: Option<TraceParent>) -> bool {
    if let Some(outer) = outer.filter(|_| sampler.by_parent) {
        return outer.sampled;
    }
    let mut last = [0; 8];
    last.copy_from_slice(&trace[8..]);
    let share = (u64::from_be_bytes(last) >> 11) as f64 / (1_u64 << 53) as f64;
    share < sampler.ratio
}

/// What is told of a failure: its message can hold what was sent and said.
fn failed(failure: &Failure, content: bool) -> End {
    End {
        error: Some(failure.code.to_string()),
        message: content.then(|| failure.message.to_string()),
        cancelled: false,
    }
}

fn cancelled() -> End {
    End {
        cancelled: true,
        ..End::default()
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.since(from).0 as f64 / 1000.0
}
